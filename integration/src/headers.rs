//! Header lists as they were on the wire: ordered, repeated names kept, values as bytes.

use std::fmt;

use crate::{Error, Result};

/// Names with their values.
pub type Headers = Vec<(String, Vec<u8>)>;

/// The first value of `name`, in any case.
#[must_use]
pub fn first<'a>(headers: &'a Headers, name: &str) -> Option<&'a [u8]> {
    all(headers, name).next()
}

/// Every value of `name`, in any case.
pub fn all<'a>(headers: &'a Headers, name: &str) -> impl Iterator<Item = &'a [u8]> {
    headers.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_slice())
}

/// Whether a value of `name` lists `token` (comma-separated, any case).
#[must_use]
pub fn has_token(headers: &Headers, name: &str, token: &str) -> bool {
    all(headers, name).any(|value| text(value).split(',').any(|part| part.trim().eq_ignore_ascii_case(token)))
}

/// A value for people: what is not UTF-8 becomes U+FFFD.
#[must_use]
pub fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

/// Shows a list as text.
pub struct Shown<'a>(pub &'a Headers);

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, value)| format!("{name}: {}", text(value)))).finish()
    }
}

/// The list as the map type of the `http` crate.
pub fn to_map(headers: &Headers) -> Result<http::HeaderMap> {
    let mut map = http::HeaderMap::new();
    for (name, value) in headers {
        let name: http::HeaderName =
            name.parse().map_err(|_| Error::new(format!("HTTP/2 has no header named {name:?}")))?;
        let value = http::HeaderValue::from_bytes(value)
            .map_err(|_| Error::new(format!("not a value of an HTTP/2 header: {:?}", text(value))))?;
        map.append(name, value);
    }
    Ok(map)
}

/// The list out of the map type of the `http` crate.
#[must_use]
pub fn from_map(map: &http::HeaderMap) -> Headers {
    map.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

/// Lower-case hexadecimal.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The bytes behind `to_hex`.
#[must_use]
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
