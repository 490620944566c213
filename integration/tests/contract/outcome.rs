//! How a check ends, and what each end looks like.

use crate::see::{Mismatch, See, Seen};
use crate::setup::{DECIDED_BY, Way};

/// How a check ends; the classes of the contract's section 2.1 and what stands before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The upstream answers, the side that was asked has decided so.
    Allow,
    /// It has allowed, and Envoy itself answers on the route that it picked again.
    Rerouted,
    /// The side that was asked has denied; the upstream sees nothing.
    Deny,
    /// As `Deny`, but always by the remote OPA: the inline engine does not take such an input.
    DenyByRemote,
    /// 400 and the reason, from the filter: no policy was asked.
    BadRequest,
    /// Neither side decided: an empty answer from the filter.
    Error,
    /// A mutation that is not valid, with `validate_mutations`: an empty 500.
    Invalid,
    /// The body is over the limit.
    TooLarge,
    /// An error that `failure_mode_allow` lets through.
    Passed,
    /// The request passes without a check.
    Unchecked,
    /// Envoy itself answers, before any filter.
    Refused,
}

impl Outcome {
    /// Whether the request arrives upstream.
    fn arrives(self) -> bool {
        matches!(self, Self::Allow | Self::Passed | Self::Unchecked)
    }

    /// What the debug header says; `None` where the filter does not answer.
    fn decided_by(self, way: Way) -> Option<&'static str> {
        match self {
            Self::Allow | Self::Rerouted | Self::Deny | Self::Invalid => Some(way.label()),
            Self::DenyByRemote => Some(Way::Remote.label()),
            Self::BadRequest | Self::Error | Self::TooLarge | Self::Passed | Self::Unchecked => Some("none"),
            Self::Refused => None,
        }
    }

    /// The client's status where a row does not say otherwise.
    fn usual_status(self) -> u16 {
        match self {
            Self::Allow | Self::Passed | Self::Unchecked => 200,
            Self::Rerouted => 299,
            Self::Deny | Self::DenyByRemote | Self::Error => 403,
            Self::BadRequest | Self::Refused => 400,
            Self::Invalid => 500,
            Self::TooLarge => 413,
        }
    }

    /// Whether the client's body is what this outcome always has.
    fn is_usual_body(self, body: &str) -> bool {
        match self {
            Self::BadRequest => body.starts_with("request_parse_error: "),
            Self::Error | Self::Invalid | Self::Rerouted => body.is_empty(),
            _ => true,
        }
    }

    /// Who decided, what the client got for it, and whether it arrived upstream.
    pub fn check(self, way: Way, sees: &[See], seen: &Seen) -> Vec<Mismatch> {
        let reply = &seen.reply;
        let decided_by = self.decided_by(way);
        let mut wrong = Vec::new();
        if reply.header(DECIDED_BY).as_deref() != decided_by {
            wrong.push((format!("{self:?}, decided by {decided_by:?}"), format!("{reply:?}")));
        }
        if seen.received.len() != usize::from(self.arrives()) {
            let expected = format!("{self:?}, {} requests upstream", u8::from(self.arrives()));
            wrong.push((expected, format!("{:?}", seen.received)));
        }
        // A gRPC client is told by a header: rows about it say which.
        if reply.header("grpc-status").is_some() {
            return wrong;
        }
        let says_otherwise = sees.iter().any(|see| matches!(see, See::Status(_)));
        if !says_otherwise && reply.status != self.usual_status() {
            wrong.push((format!("{self:?}, status {}", self.usual_status()), reply.status.to_string()));
        }
        if !self.is_usual_body(&reply.text()) {
            wrong.push((format!("{self:?}, with its body"), reply.text()));
        }
        wrong
    }
}
