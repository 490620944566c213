//! Requests that both sides decide, to be compared: the side that serves one, and the other afterwards.
//!
//! The client gets the answer of the side that serves it and never waits for the other: what is in here sees answers and
//! has no way to a request. [`compare`] says how two answers differ, [`differences`] keeps the first of each kind, as
//! [`redact`] lets them be shown, [`room`] bounds what waits. When it happens: [`crate::authorizer::Pending`].

mod compare;
mod differences;
mod redact;
mod room;
#[cfg(test)]
mod tests;

pub(crate) use compare::{Pair, Said, Side, compare};
pub(crate) use differences::{About, Differences};
pub use differences::{ClassReport, Difference, Report, Verdict};
pub(crate) use room::{Place, Room};

/// How the answers of both sides compare. Of several that fit, the first in the order of [`Class::ALL`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The inline side could not decide.
    ErrorInline,
    /// The remote side could not decide.
    ErrorRemote,
    /// One lets the request through, the other does not.
    Decision,
    /// Both do not, with different statuses.
    Status,
    /// Headers, query parameters or dynamic metadata differ.
    Headers,
    /// Both do not let it through, with different bodies.
    Body,
    /// Nothing differs, but the inline side took longer than the remote side by more than the configured ratio.
    Latency,
    /// Nothing differs.
    Same,
}

impl Class {
    /// Every member; the first that fits counts.
    pub const ALL: [Self; 8] = [
        Self::ErrorInline,
        Self::ErrorRemote,
        Self::Decision,
        Self::Status,
        Self::Headers,
        Self::Body,
        Self::Latency,
        Self::Same,
    ];

    /// The label's value.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::ErrorInline => "error_inline",
            Self::ErrorRemote => "error_remote",
            Self::Decision => "decision",
            Self::Status => "status",
            Self::Headers => "headers",
            Self::Body => "body",
            Self::Latency => "latency",
            Self::Same => "same",
        }
    }
}
