//! The policy's result → what happens to the request (contract section 2).
//!
//! A boolean or an object with a boolean `allowed`; anything else is an error, never a denial and never an allow.

mod read;
mod reply;

pub use read::{BadResult, read};
pub use reply::Reply;

/// What the policy wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Let the request through, changed like this.
    Allow(Mutations),
    /// Answer it ourselves.
    Deny(Reply),
}

/// Header name (lower case) and value.
pub type Header = (String, String);

/// Changes to a request that is let through, in the order in which they are applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mutations {
    /// Request headers to overwrite. A name stands once: the last value the policy gave wins.
    pub set_request_headers: Vec<Header>,
    /// Request headers to remove, after the sets.
    pub remove_request_headers: Vec<String>,
    /// Headers to add to the response to the client.
    pub add_response_headers: Vec<Header>,
    /// Query parameters to set, then to remove.
    pub query: QueryMutations,
}

/// Changes to the query of a request that is let through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryMutations {
    /// Parameters to set; replaces all values of the key. Not percent-encoded.
    pub set: Vec<(String, String)>,
    /// Names to remove, compared undecoded, after the sets.
    pub remove: Vec<String>,
}

impl QueryMutations {
    /// The path with its query rebuilt as Envoy rebuilds it, or `None` when nothing is to change: keys sorted,
    /// a bare `z` becomes `z=`, no `?` when nothing is left (contract section 2.4).
    #[must_use]
    pub fn apply(&self, path: &str) -> Option<String> {
        if self.set.is_empty() && self.remove.is_empty() {
            return None;
        }
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut parameters: Vec<(&str, &str)> = query
            .split('&')
            .filter(|piece| !piece.is_empty())
            .map(|piece| piece.split_once('=').unwrap_or((piece, "")))
            .collect();
        for (key, value) in &self.set {
            parameters.retain(|(name, _)| name != key);
            parameters.push((key, value));
        }
        parameters.retain(|(name, _)| !self.remove.iter().any(|removed| removed == name));
        // Stable: values of one key keep their order.
        parameters.sort_by_key(|(name, _)| *name);
        if parameters.is_empty() {
            return Some(path.to_owned());
        }
        let query: Vec<String> = parameters.iter().map(|(key, value)| format!("{key}={value}")).collect();
        Some(format!("{path}?{}", query.join("&")))
    }
}

#[cfg(test)]
mod tests;
