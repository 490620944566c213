//! One admin request on its way to its answer.
//!
//! The token is looked at before anything else, and nothing counts against it: as long as the filter answers at all, it
//! answers the operator.

use super::arguments::{self, MAX_BODY_BYTES};
use super::outcome::{empty, json, refusal};
use super::{Endpoint, Outcome, Refusal, Role, token};
use crate::authorizer::Authorizer;
use crate::decision::Reply;
use crate::host::{Desk, HostError};
use crate::metrics::Counter;
use crate::request::Head;
use serde::de::DeserializeOwned;
use std::rc::Rc;

/// What the proxy has to do next.
#[derive(Debug)]
pub enum Step {
    /// Hold the request and hand over its body as it grows ([`Visit::body`]).
    NeedBody,
    /// Answer the request.
    Answer(Reply),
}

/// One admin request. Keeps the configuration it began with to its end.
pub struct Visit {
    authorizer: Rc<Authorizer>,
    /// The name of the token; `None`: it is not valid.
    by: Option<String>,
    outcome: Outcome,
    /// What the operator reads in the log.
    change: Option<String>,
}

/// What is not done, and what the caller is told.
pub(super) struct Refused(pub Refusal, pub String);

impl Refused {
    fn new(refusal: Refusal, message: impl Into<String>) -> Self {
        Self(refusal, message.into())
    }
}

/// What is done.
pub(super) struct Done {
    pub body: serde_json::Value,
    /// Who changed what, from what, to what.
    pub change: Option<String>,
}

impl Authorizer {
    /// The admin request that this is; `None`: an ordinary one. To be asked before anything of the request is decided.
    ///
    /// # Errors
    /// Envoy did not say what it takes to know.
    pub fn visit(
        self: &Rc<Self>,
        head: &Head,
        end_of_stream: bool,
        desk: &dyn Desk,
    ) -> Result<Option<(Visit, Step)>, HostError> {
        self.rollout().begins(&|| connection(desk));
        let Some(admin) = self.admin() else { return Ok(None) };
        let path = head.path();
        let Some(rest) = admin.place.rest(&path, head, desk)? else { return Ok(None) };
        let endpoint = Endpoint::at(rest);
        let holder = token::holder(&admin.tokens, head);
        let mut visit = Visit {
            authorizer: Rc::clone(self),
            by: holder.map(|token| token.name.clone()),
            outcome: Outcome::Refused(None, Refusal::Unauthorized),
            change: None,
        };
        let step = match (holder, endpoint) {
            (None, _) => visit.refuse(Refused::new(Refusal::Unauthorized, "a bearer token is needed")),
            (Some(_), None) => visit.refuse(Refused::new(Refusal::NotFound, "there is no such endpoint")),
            (Some(token), Some(endpoint)) => {
                visit.outcome = Outcome::Done(endpoint);
                let step = visit.begin(endpoint, token.role, head, end_of_stream, desk);
                step.unwrap_or_else(|refused| visit.refuse(refused))
            }
        };
        Ok(Some((visit, step)))
    }
}

impl Visit {
    fn begin(
        &mut self,
        endpoint: Endpoint,
        role: Role,
        head: &Head,
        end_of_stream: bool,
        desk: &dyn Desk,
    ) -> Result<Step, Refused> {
        let method = head.get(":method").unwrap_or_default();
        match (method.as_ref(), endpoint.writes()) {
            ("OPTIONS", _) => {
                let mut reply = empty(204);
                reply.headers.push(("allow".to_owned(), endpoint.methods().to_owned()));
                return Ok(Step::Answer(reply));
            }
            ("GET" | "HEAD", false) | ("POST", true) => {}
            _ => return Err(Refused::new(Refusal::MethodNotAllowed, format!("only {}", endpoint.methods()))),
        }
        if endpoint.writes() && role != Role::Write {
            return Err(Refused::new(Refusal::Forbidden, "this token may only read"));
        }
        if head.get("upgrade").is_some() {
            return Err(Refused::new(Refusal::BadRequest, "an upgrade is no admin request"));
        }
        let path = head.path();
        let (_, query) = path.split_once('?').unwrap_or((&path, ""));
        if !endpoint.writes() || end_of_stream {
            return self.operate(endpoint, &Given::Query(query), desk);
        }
        if !query.is_empty() {
            // The body is not waited for: where Envoy hands none over, that would be for ever.
            return if head.announces_body() {
                Err(Refused::new(Refusal::BadRequest, "the arguments stand in the query or in a body, not in both"))
            } else {
                self.operate(endpoint, &Given::Query(query), desk)
            };
        }
        if head.announced_length().is_some_and(|length| length > MAX_BODY_BYTES) {
            return Err(too_large());
        }
        Ok(Step::NeedBody)
    }

    /// The body has grown to `received` bytes; `complete`: it is whole, by end of stream or because trailers came.
    pub fn body(&mut self, received: usize, complete: bool, desk: &dyn Desk) -> Step {
        let Outcome::Done(endpoint) = self.outcome else {
            // Answered: no body was asked for.
            return self.refuse(Refused::new(Refusal::Unavailable, "out of turn"));
        };
        let step = if received > MAX_BODY_BYTES {
            Err(too_large())
        } else if !complete {
            Ok(Step::NeedBody)
        } else {
            let body = if received == 0 { Ok(Vec::new()) } else { desk.body(received) };
            body.map_err(|HostError| Refused::new(Refusal::Unavailable, "the body cannot be read"))
                .and_then(|body| self.operate(endpoint, &Given::Body(&body), desk))
        };
        step.unwrap_or_else(|refused| self.refuse(refused))
    }

    /// The body that is waited for will not be handed over.
    pub fn body_unavailable(&mut self) -> Step {
        self.refuse(Refused::new(
            Refusal::LengthRequired,
            "Envoy hands over no body (allow_on_headers_stop_iteration is off in the wasm plugin): \
             write the arguments as query parameters, without a body",
        ))
    }

    fn operate(&mut self, endpoint: Endpoint, given: &Given, desk: &dyn Desk) -> Result<Step, Refused> {
        let authorizer = Rc::clone(&self.authorizer);
        let by = self.by.clone().unwrap_or_default();
        let Done { body, change } = match endpoint {
            Endpoint::Features => given.read().map(|arguments::Nothing {}| authorizer.show_features()),
            Endpoint::Status => given.read().and_then(|arguments::Nothing {}| authorizer.show_status(desk)),
            Endpoint::Shadow => given.read().and_then(|arguments::Nothing {}| authorizer.show_comparisons(desk)),
            Endpoint::Update => given.read().and_then(|update| authorizer.change_percentage(update, &by)),
            Endpoint::Rollback => given.read().and_then(|rollback| authorizer.roll_back(&rollback, &by)),
            Endpoint::Cleanup => given.read().and_then(|arguments::Nothing {}| authorizer.clean_up(&by)),
        }?;
        self.change = change;
        Ok(Step::Answer(json(200, &body)))
    }

    fn refuse(&mut self, Refused(why, message): Refused) -> Step {
        let endpoint = match self.outcome {
            Outcome::Done(endpoint) => Some(endpoint),
            Outcome::Refused(endpoint, _) => endpoint,
        };
        self.outcome = Outcome::Refused(endpoint, why);
        Step::Answer(refusal(endpoint, why, &message))
    }

    /// The answer has been given: counts how the request ended. Once per request.
    pub fn settle(&self, desk: &dyn Desk) {
        desk.count(Counter::Admin(self.outcome));
    }

    /// How it ended.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Whose token it was.
    #[must_use]
    pub fn by(&self) -> Option<&str> {
        self.by.as_deref()
    }

    /// Who changed what, from what, to what: for the log. `None`: nothing was changed.
    #[must_use]
    pub fn change(&self) -> Option<&str> {
        self.change.as_deref()
    }

    /// What access logs may know, by name.
    #[must_use]
    pub fn states(&self) -> Vec<(&'static str, String)> {
        let mut states = vec![("sark.admin", format!("{}:{}", self.outcome.endpoint(), self.outcome.result()))];
        states.extend(self.by.iter().map(|name| ("sark.admin_by", name.clone())));
        states
    }
}

/// The number of the connection that a request came on, where numbers are counted up: those of HTTP/3 are not.
fn connection(desk: &dyn Desk) -> Option<u64> {
    desk.property(&["request", "protocol"]).ok().flatten().filter(|protocol| protocol != b"HTTP/3")?;
    let bytes = desk.property(&["connection", "id"]).ok().flatten()?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

fn too_large() -> Refused {
    Refused::new(Refusal::TooLarge, format!("a body has at most {MAX_BODY_BYTES} bytes"))
}

/// Where the arguments stand.
enum Given<'a> {
    Query(&'a str),
    Body(&'a [u8]),
}

impl Given<'_> {
    fn read<T: DeserializeOwned>(&self) -> Result<T, Refused> {
        let read = match self {
            Self::Query(query) => arguments::from_query(query),
            Self::Body(body) => arguments::from_body(body),
        };
        read.map_err(|message| Refused::new(Refusal::BadRequest, message))
    }
}
