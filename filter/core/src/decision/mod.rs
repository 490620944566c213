//! The policy's result → what happens to the request (contract section 2).
//!
//! A boolean or an object with a boolean `allowed`; anything else is an error, never a denial and never an allow.
//! `read` knows the shape of a result, `check` what HTTP can carry, `query` how a query is rebuilt.

mod check;
mod metadata;
mod query;
mod read;
mod reply;

pub use metadata::Metadata;
pub use query::QueryMutations;
pub use read::{Unusable, read};
pub use reply::Reply;

use std::time::Duration;

/// What a policy decided.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Decision {
    /// What happens to the request.
    pub verdict: Verdict,
    /// What the policy tells other filters and access logs; kept by a dry run.
    pub dynamic_metadata: Option<Metadata>,
    /// The longest time for which the policy lets it be kept; `None`: it does not say.
    pub cache_ttl: Option<Duration>,
}

/// What the policy wants done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Let the request through, changed like this.
    Allow(Mutations),
    /// Answer it ourselves.
    Deny(Reply),
}

/// Header name (lower case) and value.
pub type Header = (String, String);

/// Changes to a request that is let through, in the order in which they are applied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
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

#[cfg(test)]
mod tests;
