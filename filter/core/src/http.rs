//! The few rules of HTTP that several rooms need.

/// Whether `name` is a header name: an RFC 9110 token, at most 256 bytes.
#[must_use]
pub fn is_header_name(name: &[u8]) -> bool {
    name.len() <= 256 && is_token(name)
}

/// Whether `text` is a token of RFC 9110: what a method is, for instance.
#[must_use]
pub fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| is_token_byte(*byte))
}

/// Whether `value` may stand in a header: no control character but tab, so that nothing can end the line.
#[must_use]
pub fn is_header_value(value: &[u8]) -> bool {
    value.iter().all(|byte| *byte == b'\t' || (*byte >= 0x20 && *byte != 0x7f))
}

/// Headers that say where a message ends, or that it is no message but a tunnel. They belong to the proxy: one that a
/// policy sets, from data of a request perhaps, could make one request two (smuggling).
#[must_use]
pub fn is_framing_header(name: &str) -> bool {
    matches!(name, "connection" | "content-length" | "transfer-encoding" | "upgrade")
}

/// Whether `path` may stand in a request line: it is there, and holds neither space nor control character.
#[must_use]
pub fn is_path(path: &str) -> bool {
    !path.is_empty() && is_query_text(path)
}

/// Whether `text` may stand in a query as it is: nothing in it ends the request line. Bytes beyond ASCII pass as Envoy
/// lets them pass.
#[must_use]
pub fn is_query_text(text: &str) -> bool {
    text.bytes().all(|byte| byte > 0x20 && byte != 0x7f)
}

/// A token byte of RFC 9110, section 5.6.2.
#[must_use]
pub fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
