//! The headers of one request, merged the way `ext_authz` merges them.

use crate::pairs::{self, Malformed, Place};
use crate::text::{push_replacing_invalid, sanitized};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

/// Only Envoy may say whether a body is partial; a client's own word is dropped (contract section 1.4).
pub(super) const PARTIAL_BODY: &str = "x-envoy-auth-partial-body";

/// The request's header map: names in lower case, repeated lines joined by `,`, bytes that are not UTF-8 as `!`.
///
/// Kept as the lines came, in the memory they came in; a header is put together when it is asked for.
#[derive(Debug, Clone, Default)]
pub struct Head {
    bytes: Vec<u8>,
    lines: Vec<Place>,
}

impl Head {
    /// From the list of pairs ([`crate::pairs`]) that the host hands over, pseudo-headers included, without those that
    /// `strips` names; and the names that were left out so, in lower case.
    ///
    /// # Errors
    /// It is no list of pairs.
    pub fn read(mut bytes: Vec<u8>, strips: impl Fn(&[u8]) -> bool) -> Result<(Self, Vec<String>), Malformed> {
        let (mut lines, mut stripped) = (pairs::places(&bytes)?, Vec::new());
        lines.retain(|(name, _)| {
            let Some(name) = bytes.get_mut(name.clone()) else { return false };
            name.make_ascii_lowercase();
            if strips(name) {
                // A name that is stripped is ASCII.
                stripped.push(String::from_utf8_lossy(name).into_owned());
                return false;
            }
            sanitize(name);
            name != PARTIAL_BODY.as_bytes()
        });
        Ok((Self { bytes, lines }, stripped))
    }

    /// From pairs, pseudo-headers included.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Self {
        let pairs: Vec<_> = pairs.into_iter().collect();
        // What is written as a list can be read as one.
        Self::read(pairs::encode(pairs.into_iter()), |_| false).map(|(head, _)| head).unwrap_or_default()
    }

    /// There is no line.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The joined value of a header.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        // Most names differ in length: those are not looked at.
        let named = |(other, value): &Place| {
            (other.len() == name.len() && self.value(other) == name.as_bytes()).then(|| self.value(value))
        };
        let mut values = self.lines.iter().filter_map(named);
        let mut joined = sanitized(values.next()?);
        values.for_each(|value| join(&mut joined, value));
        Some(joined)
    }

    fn value(&self, place: &Range<usize>) -> &[u8] {
        self.bytes.get(place.clone()).unwrap_or_default()
    }

    /// `:path`, empty for a plain CONNECT, which has none (trap T13).
    #[must_use]
    pub fn path(&self) -> Cow<'_, str> {
        self.get(":path").unwrap_or_default()
    }

    /// The memory its texts and their places take.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        let lines = self.lines.capacity().saturating_mul(size_of::<Place>());
        self.bytes.capacity().saturating_add(lines)
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
        self.lines
            .iter()
            .map(|(name, value)| (std::str::from_utf8(self.value(name)).unwrap_or_default(), self.value(value)))
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

/// Puts a `!` in the place of every byte that is not UTF-8: one for one, so the length stays.
fn sanitize(name: &mut [u8]) {
    if let Cow::Owned(text) = sanitized(name) {
        name.iter_mut().zip(text.bytes()).for_each(|(byte, new)| *byte = new);
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
    fn names_are_lower_case_text_and_some_are_stripped() {
        let list = |pairs: &[pairs::Pair]| pairs::encode(pairs.iter().copied());
        let bytes = list(&[
            (b"X-A", b"1"),
            (b"X-\xff\xe2\x82B", b"2"),
            (b"x-STRIP-me", b"3"),
            (b"x-a", b"4"),
            (b"x-strip-me", b"5"),
        ]);
        let (head, stripped) = Head::read(bytes, |name| name == b"x-strip-me").unwrap();
        assert_eq!(stripped, ["x-strip-me", "x-strip-me"]);
        assert_eq!(head.lines().collect::<Vec<_>>(), [("x-a", &b"1"[..]), ("x-!!!b", b"2"), ("x-a", b"4")]);
        assert!(matches!(Head::read(b"\x01\0\0\0".to_vec(), |_| false), Err(Malformed)));
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
