//! Bytes from the wire → text of the input document.

use std::borrow::Cow;

/// Appends `bytes` as text; every byte that is not UTF-8 becomes `replacement`, one for one.
pub fn push_replacing_invalid(out: &mut String, bytes: &[u8], replacement: char) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return out.push_str(text);
    }
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| replacement));
    }
}

/// Text in which every byte that is not UTF-8 has become `replacement`.
pub fn replace_invalid(bytes: &[u8], replacement: char) -> String {
    let mut out = String::with_capacity(bytes.len());
    push_replacing_invalid(&mut out, bytes, replacement);
    out
}

/// Text as Envoy's `ext_authz` hands it on: every byte that is not UTF-8 becomes `!` (contract section 1.4).
pub fn sanitized(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(replace_invalid(bytes, '!')),
    }
}

/// Two digits a byte, in lower case.
pub fn hexadecimal(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte.wrapping_shr(4), byte & 0xf]);
    ascii(digits.map(to_hex_digit).collect())
}

/// The hexadecimal digit of a value below 16, in lower case.
fn to_hex_digit(value: u8) -> u8 {
    b"0123456789abcdef".get(usize::from(value)).copied().unwrap_or_default()
}

/// A text of bytes that are known to be ASCII.
fn ascii(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_default()
}

/// The value of a hexadecimal digit, in either case.
pub fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// The UUID of version 4 with these random bits (RFC 9562, section 5.4): four of them say the version, two the variant.
pub fn uuid_v4(bits: u128) -> String {
    let bits = bits & !(0xf << 76) | (0x4 << 76);
    let mut rest = bits & !(0x3 << 62) | (0x2 << 62);
    let mut text = b"00000000-0000-0000-0000-000000000000".to_vec();
    for place in text.iter_mut().filter(|place| **place != b'-') {
        // The first four bits that are left, in the last place.
        rest = rest.rotate_left(4);
        let [.., last] = rest.to_be_bytes();
        *place = to_hex_digit(last & 0xf);
    }
    ascii(text)
}
