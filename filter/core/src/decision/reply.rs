//! An answer that the filter gives in place of the upstream.

use super::Header;

/// A local reply.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers beside those Envoy sets itself; names may repeat.
    pub headers: Vec<Header>,
    /// Body; Envoy adds `content-type: text/plain` to one that is not empty and has no type.
    pub body: String,
    /// What `%RESPONSE_CODE_DETAILS%` shows: one of the constants below.
    pub details: &'static str,
}

impl Reply {
    /// The policy said no.
    pub const DENIED: &'static str = "sark_denied";
    /// Nobody decided.
    pub const ERROR: &'static str = "sark_error";
    /// The request cannot be read.
    pub const BAD_REQUEST: &'static str = "sark_bad_request";
    /// The body is larger than the operator allows.
    pub const BODY_TOO_LARGE: &'static str = "sark_body_too_large";

    /// What a decision wants cannot be sent, and `validate_mutations` is on.
    pub const INVALID: &'static str = "sark_invalid";
    /// An admin request.
    pub const ADMIN: &'static str = "sark_admin";

    /// The policy's own answer.
    #[must_use]
    pub fn denied(headers: Vec<Header>, body: String, status: u16) -> Self {
        let headers = headers.into_iter().filter(|(name, _)| has_effect(name)).collect();
        Self { status, headers, body, details: Self::DENIED }
    }

    /// Envoy's answer to a decision that does not pass `validate_mutations`.
    #[must_use]
    pub const fn invalid() -> Self {
        Self { status: 500, headers: Vec::new(), body: String::new(), details: Self::INVALID }
    }

    /// Nobody decided: `status_on_error`, no body, no header, so that a client learns nothing of the cause.
    #[must_use]
    pub const fn error(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new(), details: Self::ERROR }
    }

    /// The request cannot be turned into an input document.
    #[must_use]
    pub fn bad_request(reason: &str) -> Self {
        Self {
            status: 400,
            headers: Vec::new(),
            body: format!("request_parse_error: {reason}"),
            details: Self::BAD_REQUEST,
        }
    }

    /// The body is larger than `max_request_bytes`.
    #[must_use]
    pub fn body_too_large() -> Self {
        Self { status: 413, headers: Vec::new(), body: "Payload Too Large".to_owned(), details: Self::BODY_TOO_LARGE }
    }
}

/// Of the policy's headers those that Envoy would set itself, or drop from every response, have no effect (contract
/// section 2.4).
fn has_effect(name: &str) -> bool {
    !name.starts_with(':') && !matches!(name, "content-length" | "transfer-encoding" | "upgrade")
}
