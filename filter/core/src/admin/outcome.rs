//! How an admin request ends.

use super::Endpoint;
use crate::decision::Reply;

/// Why an admin request is not done. A closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// No token, or none that is valid: the two are not told apart.
    Unauthorized,
    /// The token may only look.
    Forbidden,
    /// Nothing of that name is under the prefix.
    NotFound,
    /// The endpoint has no such method.
    MethodNotAllowed,
    /// The arguments cannot be read, or are not what they may be.
    BadRequest,
    /// What is asked for cannot be, as the configuration stands.
    Conflict,
    /// The request came to a configuration that another one has replaced.
    Replaced,
    /// The features have changed since the version that the caller saw.
    VersionConflict,
    /// The arguments are in a body, and Envoy hands none over.
    LengthRequired,
    /// The body is larger than any arguments.
    TooLarge,
    /// Envoy did not do what it takes.
    Unavailable,
}

impl Refusal {
    /// Every member, in label order.
    pub const ALL: [Self; 11] = [
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::BadRequest,
        Self::Conflict,
        Self::Replaced,
        Self::VersionConflict,
        Self::LengthRequired,
        Self::TooLarge,
        Self::Unavailable,
    ];

    /// `error.code` of the answer, and the label's value.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::BadRequest => "bad_request",
            Self::Conflict => "conflict",
            Self::Replaced => "replaced",
            Self::VersionConflict => "version_conflict",
            Self::LengthRequired => "length_required",
            Self::TooLarge => "too_large",
            Self::Unavailable => "unavailable",
        }
    }

    /// The status of the answer.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::BadRequest => 400,
            Self::Conflict | Self::Replaced | Self::VersionConflict => 409,
            Self::LengthRequired => 411,
            Self::TooLarge => 413,
            Self::Unavailable => 503,
        }
    }

    /// Whether an endpoint can end so; `None`: before the endpoint is known.
    const fn is_possible(self, endpoint: Option<Endpoint>) -> bool {
        match (self, endpoint) {
            (Self::Unauthorized | Self::NotFound, endpoint) => endpoint.is_none(),
            (_, None) => false,
            (Self::MethodNotAllowed | Self::BadRequest, Some(_)) => true,
            (Self::Unavailable, Some(endpoint)) => !matches!(endpoint, Endpoint::Features),
            (Self::VersionConflict | Self::Replaced, Some(endpoint)) => matches!(endpoint, Endpoint::Update),
            (Self::Conflict, Some(endpoint)) => matches!(endpoint, Endpoint::Update | Endpoint::Rollback),
            (Self::Forbidden | Self::LengthRequired | Self::TooLarge, Some(endpoint)) => endpoint.writes(),
        }
    }
}

/// How an admin request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was done.
    Done(Endpoint),
    /// It was not; `None`: before the endpoint was known.
    Refused(Option<Endpoint>, Refusal),
}

impl Outcome {
    /// Every one there can be.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let endpoints = || std::iter::once(None).chain(Endpoint::ALL.map(Some));
        let refused = Refusal::ALL.into_iter().flat_map(|refusal| {
            endpoints()
                .filter(move |endpoint| refusal.is_possible(*endpoint))
                .map(move |endpoint| Self::Refused(endpoint, refusal))
        });
        Endpoint::ALL.into_iter().map(Self::Done).chain(refused).collect()
    }

    /// The label `endpoint`.
    #[must_use]
    pub const fn endpoint(self) -> &'static str {
        match self {
            Self::Done(endpoint) | Self::Refused(Some(endpoint), _) => endpoint.label(),
            Self::Refused(None, _) => "none",
        }
    }

    /// The label `result`.
    #[must_use]
    pub const fn result(self) -> &'static str {
        match self {
            Self::Done(_) => "ok",
            Self::Refused(_, refusal) => refusal.code(),
        }
    }
}

/// An answer with a JSON body.
pub(super) fn json(status: u16, body: &serde_json::Value) -> Reply {
    let mut reply = empty(status);
    reply.headers.push(("content-type".to_owned(), "application/json".to_owned()));
    reply.body = body.to_string();
    reply
}

/// An answer without a body. No answer may be kept by anything in between.
pub(super) fn empty(status: u16) -> Reply {
    let headers = vec![("cache-control".to_owned(), "no-store".to_owned())];
    Reply { status, headers, body: String::new(), details: Reply::ADMIN }
}

/// The answer to what is not done.
pub(super) fn refusal(endpoint: Option<Endpoint>, refusal: Refusal, message: &str) -> Reply {
    let body = serde_json::json!({"error": {"code": refusal.code(), "message": message}});
    let mut reply = json(refusal.status(), &body);
    let header = match (refusal, endpoint) {
        (Refusal::Unauthorized, _) => Some(("www-authenticate", "Bearer")),
        (Refusal::MethodNotAllowed, Some(endpoint)) => Some(("allow", endpoint.methods())),
        _ => None,
    };
    reply.headers.extend(header.map(|(name, value)| (name.to_owned(), value.to_owned())));
    reply
}
