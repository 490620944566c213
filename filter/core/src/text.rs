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
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
