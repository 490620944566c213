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
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        let digits = [byte.wrapping_shr(4), byte & 0xf];
        text.extend(digits.into_iter().filter_map(|digit| char::from_digit(digit.into(), 16)));
    }
    text
}

/// The value of a hexadecimal digit, in either case.
pub fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// The UUID of version 4 with these random bits (RFC 9562, section 5.4): four of them say the version, two the variant.
pub fn uuid_v4(bits: u128) -> String {
    let bits = bits & !(0xf << 76) | (0x4 << 76);
    let bits = bits & !(0x3 << 62) | (0x2 << 62);
    let text = hexadecimal(&bits.to_be_bytes());
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| text.get(range).unwrap_or_default());
    parts.join("-")
}
