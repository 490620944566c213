//! The headers of one request, merged the way `ext_authz` merges them.

use crate::text::{push_replacing_invalid, sanitized};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

/// Only Envoy may say whether a body is partial; a client's own word is dropped (contract section 1.4).
pub(super) const PARTIAL_BODY: &str = "x-envoy-auth-partial-body";

/// The request's header map: names in lower case, repeated lines joined by `,`, bytes that are not UTF-8 as `!`.
///
/// Kept as the lines came; a header is put together when it is asked for.
#[derive(Debug, Clone, Default)]
pub struct Head {
    /// All names, one after the other.
    names: String,
    /// All values, one after the other, as bytes.
    values: Vec<u8>,
    lines: Vec<Line>,
}

/// Where name and value of one line stand.
#[derive(Debug, Clone)]
struct Line {
    name: Range<usize>,
    value: Range<usize>,
}

impl Head {
    /// From the pairs as the host lists them, pseudo-headers included.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Self {
        let mut head = Self::default();
        for (name, value) in pairs {
            if !name.eq_ignore_ascii_case(PARTIAL_BODY.as_bytes()) {
                head.push(name, value);
            }
        }
        head
    }

    fn push(&mut self, name: &[u8], value: &[u8]) {
        let (name_start, value_start) = (self.names.len(), self.values.len());
        push_replacing_invalid(&mut self.names, name, '!');
        if let Some(name) = self.names.get_mut(name_start..) {
            name.make_ascii_lowercase();
        }
        self.values.extend_from_slice(value);
        self.lines.push(Line { name: name_start..self.names.len(), value: value_start..self.values.len() });
    }

    /// The joined value of a header.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut values = self.lines().filter(|(other, _)| *other == name).map(|(_, value)| value);
        let mut joined = sanitized(values.next()?);
        values.for_each(|value| join(&mut joined, value));
        Some(joined)
    }

    /// `:path`, empty for a plain CONNECT, which has none (trap T13).
    #[must_use]
    pub fn path(&self) -> Cow<'_, str> {
        self.get(":path").unwrap_or_default()
    }

    /// All headers, by name.
    #[must_use]
    pub fn all(&self) -> BTreeMap<&str, Cow<'_, str>> {
        let mut all = BTreeMap::new();
        for (name, value) in self.lines() {
            all.entry(name).and_modify(|joined| join(joined, value)).or_insert_with(|| sanitized(value));
        }
        all
    }

    /// All header lines in the order they came, values as bytes.
    pub fn lines(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.lines.iter().map(|line| {
            let name = self.names.get(line.name.clone()).unwrap_or_default();
            (name, self.values.get(line.value.clone()).unwrap_or_default())
        })
    }

    /// Whether the bytes that follow are a tunnel and not a body: CONNECT, or a WebSocket upgrade by the rule
    /// Envoy's `ext_authz` uses. A body is never awaited on these (trap T13).
    #[must_use]
    pub fn is_tunnel(&self) -> bool {
        self.get(":method").is_some_and(|method| method == "CONNECT") || self.is_websocket_upgrade()
    }

    /// Whether the headers speak of a body. A tunnel has none; one that announces one hides it from the policy.
    #[must_use]
    pub fn announces_body(&self) -> bool {
        self.get("transfer-encoding").is_some() || self.get("content-length").is_some_and(|length| length != "0")
    }

    /// The length of the body, where the headers say it once and as a number: the proxy holds the client to it.
    #[must_use]
    pub fn announced_length(&self) -> Option<usize> {
        let length = self.get("content-length").filter(|_| self.get("transfer-encoding").is_none())?;
        length.bytes().all(|byte| byte.is_ascii_digit()).then(|| length.parse().ok())?
    }

    fn is_websocket_upgrade(&self) -> bool {
        let upgrades = self
            .get("connection")
            .is_some_and(|value| value.split(',').any(|token| token.trim().eq_ignore_ascii_case("upgrade")));
        upgrades && self.get("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
    }
}

/// Adds the value of one more line.
fn join(joined: &mut Cow<'_, str>, value: &[u8]) {
    let joined = joined.to_mut();
    joined.push(',');
    push_replacing_invalid(joined, value, '!');
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn head(pairs: &[(&str, &[u8])]) -> Head {
        Head::new(pairs.iter().map(|(name, value)| (name.as_bytes(), *value)))
    }

    #[test]
    fn repeated_lines_are_joined_and_bad_bytes_replaced() {
        let head = head(&[("x-a", b"1"), ("X-A", b"2"), ("x-a", b""), ("x-b", b"caf\xe9"), ("x-c", b"")]);
        let expected = [("x-a", "1,2,"), ("x-b", "caf!"), ("x-c", "")];
        assert_eq!(head.all(), BTreeMap::from(expected.map(|(name, value)| (name, Cow::from(value)))));
        for (name, value) in expected {
            assert_eq!(head.get(name).as_deref(), Some(value));
        }
        assert_eq!((head.get("X-A"), head.get("x-")), (None, None));
    }

    #[test]
    fn a_client_cannot_speak_for_the_partial_body_header() {
        assert_eq!(head(&[("X-Envoy-Auth-Partial-Body", b"false")]).get(PARTIAL_BODY), None);
    }

    #[test]
    fn tunnels_are_connect_and_websocket_upgrades_only() {
        assert!(head(&[(":method", b"CONNECT")]).is_tunnel());
        assert!(head(&[("connection", b"keep-alive, Upgrade"), ("upgrade", b"WebSocket")]).is_tunnel());
        assert!(!head(&[(":method", b"POST"), ("upgrade", b"websocket")]).is_tunnel());
        assert!(!head(&[(":method", b"POST"), ("connection", b"upgrade"), ("upgrade", b"h2c")]).is_tunnel());
        assert!(!head(&[(":method", b"POST")]).is_tunnel());
    }

    #[test]
    fn a_body_is_announced_by_length_or_by_encoding() {
        assert!(head(&[("content-length", b"1")]).announces_body());
        assert!(head(&[("content-length", b"0,5")]).announces_body());
        assert!(head(&[("transfer-encoding", b"chunked")]).announces_body());
        assert!(!head(&[("content-length", b"0")]).announces_body());
        assert!(!head(&[]).announces_body());
    }

    #[test]
    fn the_length_is_known_where_it_is_said_once_as_a_number() {
        let length = |value: &'static [u8]| head(&[("content-length", value)]).announced_length();
        assert_eq!((length(b"0"), length(b"12")), (Some(0), Some(12)));
        for unclear in [&b""[..], b"+1", b" 1", b"1,1", b"-1", b"99999999999999999999999", b"x", b"\xff"] {
            assert_eq!(length(unclear), None, "{}", unclear.escape_ascii());
        }
        assert_eq!(head(&[("content-length", b"1"), ("content-length", b"1")]).announced_length(), None);
        assert_eq!(head(&[("content-length", b"1"), ("transfer-encoding", b"chunked")]).announced_length(), None);
        assert_eq!(head(&[]).announced_length(), None);
    }
}
