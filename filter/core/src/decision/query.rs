//! How Envoy rebuilds the query of a request.

use std::collections::BTreeMap;

/// Changes to the query of a request that is let through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct QueryMutations {
    /// Parameters to set; replaces all values of the key. Not percent-encoded.
    pub set: Vec<(String, String)>,
    /// Names to remove, compared undecoded, after the sets.
    pub remove: Vec<String>,
}

impl QueryMutations {
    /// Whether every parameter to be set consists of what form encoding leaves as it is: what Envoy asks of it with
    /// `validate_mutations`.
    #[must_use]
    pub fn is_encoded(&self) -> bool {
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"*-._".contains(&byte));
        self.set.iter().all(|(key, value)| is_plain(key) && is_plain(value))
    }

    /// The path with its query rebuilt as Envoy rebuilds it, or `None` when nothing is to change: keys sorted,
    /// a bare `z` becomes `z=`, an empty piece `=`, no `?` when nothing is left (contract section 2.4).
    #[must_use]
    pub fn apply(&self, path: &str) -> Option<String> {
        if self.set.is_empty() && self.remove.is_empty() {
            return None;
        }
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        // Values of one key keep their order.
        let mut parameters: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (key, value) in pieces(query).map(|piece| piece.split_once('=').unwrap_or((piece, ""))) {
            parameters.entry(key).or_default().push(value);
        }
        for (key, value) in &self.set {
            parameters.insert(key, vec![value]);
        }
        parameters.retain(|name, _| !self.remove.iter().any(|removed| removed == name));
        if parameters.is_empty() {
            return Some(path.to_owned());
        }
        let pairs =
            parameters.iter().flat_map(|(key, values)| values.iter().map(move |value| format!("{key}={value}")));
        let query: Vec<String> = pairs.collect();
        Some(format!("{path}?{}", query.join("&")))
    }
}

/// As Envoy splits a query: each `&` ends a piece, and behind the last one stands none if nothing does.
fn pieces(query: &str) -> impl Iterator<Item = &str> {
    let whole = query.strip_suffix('&').unwrap_or(query);
    whole.split('&').filter(move |_| !query.is_empty())
}
