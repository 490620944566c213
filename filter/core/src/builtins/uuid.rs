//! `uuid.*`.

use super::args::string;
use super::numbers::random_bytes;
use super::{Builtin, Context, Failure, own, random};
use crate::text::{hex_digit, uuid_v4};
use regorus::Value;
use std::collections::BTreeMap;

pub(super) const TABLE: &[Builtin] = &[own("uuid.parse", 1, parse), random("uuid.rfc4122", 1, new)];

/// Steps of 100 ns from the beginning of the Gregorian calendar, where UUIDs count from, to the epoch.
const GREGORIAN: i64 = 122_192_928_000_000_000;

/// A random UUID, the same within a request for the same argument.
fn new(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [key] = args else { return Err(Failure::ARITY) };
    let key = key.to_json_str().map_err(|_| Failure::Inexact("a key that cannot be written"))?;
    context.work(key.len())?;
    let bits = u128::from_be_bytes(random_bytes(context, &[b"uuid", key.as_bytes()]));
    Ok(Value::from(uuid_v4(bits)))
}

/// What a UUID says; undefined if the text is none.
fn parse(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [text] = args else { return Err(Failure::ARITY) };
    let text = string(text)?;
    context.work(text.len())?;
    Ok(bytes(text.as_bytes()).map_or(Value::Undefined, |bytes| describe(&bytes)))
}

/// With dashes, perhaps behind `urn:uuid:` or between any two characters, or without dashes.
fn bytes(text: &[u8]) -> Option<[u8; 16]> {
    let text = match text.len() {
        32 => return hex(text.iter().copied()),
        36 => text,
        38 => text.get(1..37)?,
        45 => {
            let (urn, text) = text.split_at_checked(9)?;
            text.get(..).filter(|_| urn.eq_ignore_ascii_case(b"urn:uuid:"))?
        }
        _ => return None,
    };
    let dashes = [8, 13, 18, 23];
    if dashes.iter().any(|dash| text.get(*dash) != Some(&b'-')) {
        return None;
    }
    hex(text.iter().enumerate().filter(|(place, _)| !dashes.contains(place)).map(|(_, byte)| *byte))
}

fn hex(mut digits: impl Iterator<Item = u8>) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    for byte in &mut bytes {
        let mut digit = || hex_digit(digits.next()?);
        *byte = digit()?.wrapping_shl(4) | digit()?;
    }
    Some(bytes)
}

fn describe(bytes: &[u8; 16]) -> Value {
    let [t0, t1, t2, t3, t4, t5, t6, t7, c0, c1, node @ ..] = bytes;
    let version = t6.wrapping_shr(4);
    let mut members = BTreeMap::new();
    let mut add = |name: &str, value: Value| members.insert(Value::from(name), value);
    add("version", Value::from(u64::from(version)));
    add("variant", Value::from(variant(*c0)));
    if matches!(version, 1 | 2) {
        let ticks = i64::from_be_bytes([t6 & 0xf, *t7, *t4, *t5, *t0, *t1, *t2, *t3]);
        add("time", Value::from(ticks.wrapping_sub(GREGORIAN).wrapping_mul(100)));
        add("nodeid", Value::from(node.map(|byte| format!("{byte:02x}")).join("-")));
        add("macvariables", Value::from(mac_variables(node.first().copied().unwrap_or(0))));
        add("clocksequence", Value::from(u64::from(u16::from_be_bytes([*c0, *c1]) & 0x3fff)));
    }
    if version == 2 {
        add("id", Value::from(u64::from(u32::from_be_bytes([*t0, *t1, *t2, *t3]))));
        add("domain", Value::from(domain(*c1)));
    }
    Value::from(members)
}

const fn variant(byte: u8) -> &'static str {
    match byte.leading_ones() {
        0 => "Reserved",
        1 => "RFC4122",
        2 => "Microsoft",
        _ => "Future",
    }
}

const fn mac_variables(byte: u8) -> &'static str {
    match byte & 0b11 {
        0b11 => "local:multicast",
        0b01 => "global:multicast",
        0b10 => "local:unicast",
        _ => "global:unicast",
    }
}

fn domain(byte: u8) -> String {
    match byte {
        0 => "Person".to_owned(),
        1 => "Group".to_owned(),
        2 => "Org".to_owned(),
        other => format!("Domain{other}"),
    }
}
