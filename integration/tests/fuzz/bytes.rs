//! Mutations of bytes and of texts.

use fastrand::Rng;

/// Bytes that readers treat specially.
const SPECIAL: &[u8] = b"\0\"\\{}[]():;,.-+eE01279 \n\r\t/=_\x7f\x80\xbf\xc3\xe2\xed\xf0\xff";

/// Numbers at the edge of something.
pub const NUMBERS: &[&str] = &[
    "0",
    "-1",
    "1",
    "127",
    "128",
    "255",
    "256",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "1e400",
    "1e-400",
    "1.5",
    "1e999999999",
    "00",
    "-0",
    "123456789012345678901234567890",
];

/// No input grows beyond this.
const MAX_LENGTH: usize = 64 * 1024;

/// A range inside `length`, mostly a short one.
fn range(rng: &mut Rng, length: usize) -> std::ops::Range<usize> {
    let start = rng.usize(..=length);
    let longest = if rng.u8(..8) == 0 { length - start } else { (length - start).min(16) };
    start..start + rng.usize(..=longest)
}

/// Changes a few places.
pub fn mutate(rng: &mut Rng, bytes: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..=rng.usize(..4) {
        mutate_once(rng, bytes, other);
        bytes.truncate(MAX_LENGTH);
    }
}

fn mutate_once(rng: &mut Rng, bytes: &mut Vec<u8>, other: &[u8]) {
    let here = range(rng, bytes.len());
    match rng.u8(..7) {
        0 => drop(bytes.drain(here)),
        1 => {
            let piece = bytes[here.clone()].repeat(rng.usize(1..=4).pow(rng.u32(..4)));
            drop(bytes.splice(here.end..here.end, piece));
        }
        2 => {
            let special = SPECIAL[rng.usize(..SPECIAL.len())];
            drop(bytes.splice(here.start..here.start, [special]));
        }
        3 => {
            let piece = other[range(rng, other.len())].to_vec();
            drop(bytes.splice(here, piece));
        }
        4 => {
            let number = NUMBERS[rng.usize(..NUMBERS.len())];
            drop(bytes.splice(here.start..here.start, number.bytes()));
        }
        _ => {
            if let Some(byte) = bytes.get_mut(here.start) {
                *byte = if rng.bool() { *byte ^ (1 << rng.u8(..8)) } else { rng.u8(..) };
            }
        }
    }
}

/// The same for a text, which stays one.
pub fn mutate_text(rng: &mut Rng, text: &str, other: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    mutate(rng, &mut bytes, other.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}
