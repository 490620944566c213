//! The few messages in which Envoy hands over metadata: `envoy.config.core.v3.Metadata` and `google.protobuf.Struct`.

use regorus::Value;
use std::collections::BTreeMap;

/// The bytes are not such a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// Deepest nesting that is read.
const MAX_DEPTH: usize = 32;

/// The members of one namespace of `Metadata.filter_metadata`; none if the namespace is not there.
pub fn filter_metadata(bytes: &[u8], namespace: &str) -> Result<BTreeMap<String, Value>, Malformed> {
    let mut found = BTreeMap::new();
    for field in fields(bytes)? {
        if let (1, Content::Bytes(entry)) = field {
            let (name, content) = entry_of_map(entry)?;
            if name == namespace {
                found = members(content, 0)?;
            }
        }
    }
    Ok(found)
}

/// `Struct.fields`.
fn members(bytes: &[u8], depth: usize) -> Result<BTreeMap<String, Value>, Malformed> {
    let deeper = depth.checked_add(1).filter(|depth| *depth <= MAX_DEPTH).ok_or(Malformed)?;
    let mut members = BTreeMap::new();
    for field in fields(bytes)? {
        let (1, Content::Bytes(entry)) = field else {
            return Err(Malformed);
        };
        let (name, content) = entry_of_map(entry)?;
        members.insert(name.to_owned(), value(content, deeper)?);
    }
    Ok(members)
}

/// `google.protobuf.Value`; one that says nothing is null.
fn value(bytes: &[u8], depth: usize) -> Result<Value, Malformed> {
    match fields(bytes)?.last() {
        None | Some((1, Content::Number(_))) => Ok(Value::Null),
        Some((2, Content::Double(number))) => Ok(Value::from(*number)),
        Some((3, Content::Bytes(bytes))) => Ok(Value::from(text(bytes)?)),
        Some((4, Content::Number(number))) => Ok(Value::Bool(*number != 0)),
        Some((5, Content::Bytes(bytes))) => {
            let members = members(bytes, depth)?;
            Ok(Value::from(
                members.into_iter().map(|(name, value)| (Value::from(name), value)).collect::<BTreeMap<_, _>>(),
            ))
        }
        Some((6, Content::Bytes(bytes))) => list(bytes, depth),
        Some(_) => Err(Malformed),
    }
}

/// `ListValue.values`.
fn list(bytes: &[u8], depth: usize) -> Result<Value, Malformed> {
    let deeper = depth.checked_add(1).filter(|depth| *depth <= MAX_DEPTH).ok_or(Malformed)?;
    let items = fields(bytes)?.into_iter().map(|field| match field {
        (1, Content::Bytes(item)) => value(item, deeper),
        _ => Err(Malformed),
    });
    Ok(Value::from(items.collect::<Result<Vec<_>, _>>()?))
}

/// Key and value of an entry of a map; either may be absent when it is empty.
fn entry_of_map(bytes: &[u8]) -> Result<(&str, &[u8]), Malformed> {
    let (mut key, mut content): (&[u8], &[u8]) = (&[], &[]);
    for field in fields(bytes)? {
        match field {
            (1, Content::Bytes(bytes)) => key = bytes,
            (2, Content::Bytes(bytes)) => content = bytes,
            _ => return Err(Malformed),
        }
    }
    Ok((text(key)?, content))
}

fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| Malformed)
}

enum Content<'a> {
    Number(u64),
    Double(f64),
    Bytes(&'a [u8]),
}

/// The fields of a message: number and content.
fn fields(mut bytes: &[u8]) -> Result<Vec<(u64, Content<'_>)>, Malformed> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let content = match tag & 7 {
            0 => Content::Number(varint(&mut bytes)?),
            1 => {
                let (number, rest) = bytes.split_first_chunk::<8>().ok_or(Malformed)?;
                bytes = rest;
                Content::Double(f64::from_le_bytes(*number))
            }
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).map_err(|_| Malformed)?;
                let (content, rest) = bytes.split_at_checked(length).ok_or(Malformed)?;
                bytes = rest;
                Content::Bytes(content)
            }
            _ => return Err(Malformed),
        };
        fields.push((tag.wrapping_shr(3), content));
    }
    Ok(fields)
}

fn varint(bytes: &mut &[u8]) -> Result<u64, Malformed> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(Malformed)?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f).wrapping_shl(shift);
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(Malformed)
}
