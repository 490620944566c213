//! The headers of one request, merged the way `ext_authz` merges them.

use crate::text::sanitize;
use std::collections::BTreeMap;

/// Only Envoy may say whether a body is partial; a client's own word is dropped (contract section 1.4).
pub(super) const PARTIAL_BODY: &str = "x-envoy-auth-partial-body";

/// The request's header map: names in lower case, repeated lines joined by `,`, bytes that are not UTF-8 as `!`.
#[derive(Debug, Clone, Default)]
pub struct Head {
    headers: BTreeMap<String, String>,
    /// Every line as it came, but for the case of its name.
    lines: Vec<(String, Vec<u8>)>,
}

impl Head {
    /// From the pairs as the host lists them, pseudo-headers included.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Self {
        let mut headers = BTreeMap::<String, String>::new();
        let mut lines = Vec::new();
        for (name, value) in pairs {
            let name = sanitize(name).to_ascii_lowercase();
            if name == PARTIAL_BODY {
                continue;
            }
            lines.push((name.clone(), value.to_vec()));
            let value = sanitize(value);
            match headers.get_mut(&name) {
                Some(joined) => {
                    joined.push(',');
                    joined.push_str(&value);
                }
                None => {
                    headers.insert(name, value);
                }
            }
        }
        Self { headers, lines }
    }

    /// The joined value of a header.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// `:path`, empty for a plain CONNECT, which has none (trap T13).
    #[must_use]
    pub fn path(&self) -> &str {
        self.get(":path").unwrap_or_default()
    }

    /// All headers, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// All header lines in the order they came, values as bytes.
    pub fn lines(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.lines.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// Whether the bytes that follow are a tunnel and not a body: CONNECT, or a WebSocket upgrade by the rule
    /// Envoy's `ext_authz` uses. A body is never awaited on these (trap T13).
    #[must_use]
    pub fn is_tunnel(&self) -> bool {
        self.get(":method") == Some("CONNECT") || self.is_websocket_upgrade()
    }

    /// Whether the headers speak of a body. A tunnel has none; one that announces one hides it from the policy.
    #[must_use]
    pub fn announces_body(&self) -> bool {
        self.get("transfer-encoding").is_some() || self.get("content-length").is_some_and(|length| length != "0")
    }

    fn is_websocket_upgrade(&self) -> bool {
        let upgrades = self
            .get("connection")
            .is_some_and(|value| value.split(',').any(|token| token.trim().eq_ignore_ascii_case("upgrade")));
        upgrades && self.get("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
    }
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
        assert_eq!(head.get("x-a"), Some("1,2,"));
        assert_eq!(head.get("x-b"), Some("caf!"));
        assert_eq!(head.get("x-c"), Some(""));
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
}
