//! The byte format in which a proxy hands over and takes lists of pairs: header maps, mostly.
//!
//! `count`, then `count` times (name length, value length), then `count` times name, NUL, value, NUL; numbers are
//! little-endian and 32 bits wide.

use std::ops::Range;

/// Why bytes are not a list of pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// A borrowed name and value.
pub type Pair<'a> = (&'a [u8], &'a [u8]);

/// Where a name and a value stand.
pub type Place = (Range<usize>, Range<usize>);

/// Reads a list. An empty input is an empty list.
///
/// # Errors
/// The lengths do not fit the bytes.
pub fn decode(bytes: &[u8]) -> Result<Vec<Pair<'_>>, Malformed> {
    let part = |place: Range<usize>| bytes.get(place).ok_or(Malformed);
    places(bytes)?.into_iter().map(|(name, value)| Ok((part(name)?, part(value)?))).collect()
}

/// Where the names and values of a list stand.
///
/// # Errors
/// The lengths do not fit the bytes.
pub fn places(bytes: &[u8]) -> Result<Vec<Place>, Malformed> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let (count, rest) = number(bytes)?;
    let table = count.checked_mul(8).ok_or(Malformed)?;
    let (lengths, text) = rest.split_at_checked(table).ok_or(Malformed)?;
    let mut next = bytes.len().saturating_sub(text.len());
    // The table exists, so `count` is bounded by what the host handed over.
    let mut places = Vec::with_capacity(count);
    for pair in lengths.chunks_exact(8) {
        let (name, after) = number(pair)?;
        let (value, _) = number(after)?;
        let mut terminated = |length: usize| {
            let end = next.checked_add(length).ok_or(Malformed)?;
            let place = next..end;
            next = end.checked_add(1).ok_or(Malformed)?;
            if bytes.get(end) == Some(&0) { Ok(place) } else { Err(Malformed) }
        };
        places.push((terminated(name)?, terminated(value)?));
    }
    Ok(places)
}

/// Writes a list.
#[must_use]
pub fn encode<'a>(pairs: impl ExactSizeIterator<Item = Pair<'a>> + Clone) -> Vec<u8> {
    /// A count, or a length.
    const NUMBER: usize = 4;
    let of_pair = |(name, value): Pair<'_>| {
        [NUMBER, NUMBER, name.len(), 1, value.len(), 1].into_iter().fold(0, usize::saturating_add)
    };
    let mut bytes = Vec::with_capacity(pairs.clone().map(of_pair).fold(NUMBER, usize::saturating_add));
    push_number(&mut bytes, pairs.len());
    for (name, value) in pairs.clone() {
        push_number(&mut bytes, name.len());
        push_number(&mut bytes, value.len());
    }
    for (name, value) in pairs {
        for text in [name, value] {
            bytes.extend_from_slice(text);
            bytes.push(0);
        }
    }
    bytes
}

fn number(bytes: &[u8]) -> Result<(usize, &[u8]), Malformed> {
    let (number, rest) = bytes.split_first_chunk::<4>().ok_or(Malformed)?;
    let number = usize::try_from(u32::from_le_bytes(*number)).map_err(|_| Malformed)?;
    Ok((number, rest))
}

/// Lengths beyond 32 bits do not exist in a 32-bit machine; one would be read as too long and refused.
fn push_number(bytes: &mut Vec<u8>, number: usize) {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&number.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn what_is_written_is_read_again() {
        let pairs: [Pair; 4] = [(b":path", b"/"), (b"x", b""), (b"x", b"\xff\0y"), (b"", b"")];
        assert_eq!(decode(&encode(pairs.into_iter())), Ok(pairs.to_vec()));
        assert_eq!(decode(&encode([].into_iter())), Ok(vec![]));
        assert_eq!(decode(b""), Ok(vec![]));
    }

    #[test]
    fn every_cut_and_every_wrong_length_is_refused() {
        let whole = encode([(&b"name"[..], &b"value"[..]), (b"b", b"c")].into_iter());
        for length in 1..whole.len() {
            assert_eq!(decode(&whole[..length]), Err(Malformed), "cut at {length}");
        }
        for position in 0..20 {
            let mut wrong = whole.clone();
            wrong[position] = 0xff;
            assert_eq!(decode(&wrong), Err(Malformed), "byte {position}");
        }
    }
}
