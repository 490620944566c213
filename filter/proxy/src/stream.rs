//! One request: holds it until there is a decision, then lets it go or answers it.
//!
//! Headers, body and trailers callbacks all return `Pause` until the decision exists (traps T2, T3); nothing else in
//! here may let a request through.

use crate::callouts::Awaited;
use crate::clock;
use crate::counters;
use crate::hostcalls::{self, Buffer, Map};
use crate::random;
use crate::report;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, Status};
use sark_core::authorizer::{Authorizer, Check, Step};
use sark_core::decision::{Mutations, Reply};
use sark_core::host::{Host, HostError};
use sark_core::metrics::{Counter, Implementation, Outcome, Reason};
use sark_core::pairs;
use sark_core::remote::{self, Callout};
use sark_core::request::Head;
use std::rc::Rc;

/// Set on every request that may pass; the native RBAC filter behind this one refuses without it, so that even a
/// filter that Envoy skipped (trap T1) lets nothing pass. Others see it as `wasm.sark.allowed`.
const ALLOWED: &str = "sark.allowed";
/// Who decided, for access logs.
const IMPLEMENTATION: &str = "sark.implementation";
/// What failed on the way, for access logs.
const ERROR: &str = "sark.error";

/// Where a request stands.
enum Phase {
    /// The first callback has not come.
    New,
    /// The body is not complete.
    AwaitsBody(Check),
    /// The call with this token is open.
    AwaitsReply { check: Check, token: u32, max_reply_bytes: usize, awaited: Awaited },
    /// Decided: it may pass.
    Allowed { response_headers: Vec<(String, String)> },
    /// Answered here; nothing of it may pass.
    Answered,
}

/// One request.
pub struct Stream {
    authorizer: Option<Rc<Authorizer>>,
    phase: Phase,
    /// Bytes of body seen so far.
    received: usize,
}

impl Stream {
    pub const fn new(authorizer: Option<Rc<Authorizer>>) -> Self {
        Self { authorizer, phase: Phase::New, received: 0 }
    }

    fn begin(&mut self, end_of_stream: bool) {
        #[cfg(feature = "fault-injection")]
        crate::faults::trap_if_asked();
        let Some(authorizer) = self.authorizer.take() else {
            self.answer_without_check();
            return;
        };
        let Ok(head) = read_head() else {
            counters::count(Counter::HostError);
            self.answer_without_check();
            return;
        };
        let (check, step) = authorizer.check(head, end_of_stream, &EnvoyHost);
        self.carry_out(check, step);
    }

    fn body_grew(&mut self, complete: bool) {
        match std::mem::replace(&mut self.phase, Phase::Answered) {
            Phase::AwaitsBody(mut check) => {
                let step = check.body(self.received, complete, &EnvoyHost);
                self.carry_out(check, step);
            }
            other => self.phase = other,
        }
    }

    /// Does what the core wants done, until it wants to wait or is done.
    fn carry_out(&mut self, mut check: Check, mut step: Step) {
        loop {
            step = match step {
                Step::NeedBody => {
                    self.phase = Phase::AwaitsBody(check);
                    return;
                }
                Step::Call(callout) => match call(&callout) {
                    Ok((token, awaited)) => {
                        self.phase =
                            Phase::AwaitsReply { check, token, max_reply_bytes: callout.max_reply_bytes, awaited };
                        return;
                    }
                    Err(reply) => check.resume(reply, &EnvoyHost),
                },
                Step::Allow(mutations) => match allow(&check, &mutations) {
                    Ok(()) => {
                        check.settle(&EnvoyHost);
                        self.phase = Phase::Allowed { response_headers: mutations.add_response_headers };
                        return;
                    }
                    Err(HostError) => check.host_failed(&EnvoyHost),
                },
                Step::Deny(reply) => {
                    self.phase = Phase::Answered;
                    // States for access logs only; the answer does not depend on them.
                    let _ = set_states(&check);
                    check.settle(&EnvoyHost);
                    answer(&reply);
                    return;
                }
            };
        }
    }

    /// There is no configuration, or the request cannot even be read.
    fn answer_without_check(&mut self) {
        self.phase = Phase::Answered;
        counters::count(Counter::Decision(Implementation::None, Outcome::FailureModeDeny));
        answer(&Reply::error(403));
    }

    /// What Envoy may do with the request now.
    const fn action(&self) -> Action {
        match self.phase {
            Phase::Allowed { .. } => Action::Continue,
            _ => Action::Pause,
        }
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, end_of_stream: bool) -> Action {
        if matches!(self.phase, Phase::New) {
            self.begin(end_of_stream);
        }
        self.action()
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        self.received = size;
        self.body_grew(end_of_stream);
        self.action()
    }

    /// With trailers no body callback is ever the last one (trap T2): these say that the body is complete.
    fn on_http_request_trailers(&mut self, _: usize) -> Action {
        self.body_grew(true);
        self.action()
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        if let Phase::Allowed { response_headers } = &mut self.phase {
            for (name, value) in std::mem::take(response_headers) {
                if hostcalls::add_header(Map::Response, &name, &value).is_err() {
                    counters::count(Counter::HostError);
                }
            }
        }
        Action::Continue
    }
}

impl Context for Stream {
    fn on_http_call_response(&mut self, token: u32, headers: usize, body_size: usize, _: usize) {
        match std::mem::replace(&mut self.phase, Phase::Answered) {
            Phase::AwaitsReply { mut check, token: expected, max_reply_bytes, awaited } if token == expected => {
                awaited.end();
                let reply = read_reply(headers, body_size, max_reply_bytes);
                let step = check.resume(reply, &EnvoyHost);
                self.carry_out(check, step);
                self.release();
            }
            other => self.phase = other,
        }
    }
}

impl Stream {
    /// Lets a held request go, if it may.
    fn release(&mut self) {
        if matches!(self.phase, Phase::Allowed { .. }) && hostcalls::resume_request().is_err() {
            counters::count(Counter::HostError);
            self.phase = Phase::Answered;
            answer(&Reply::error(403));
        }
    }
}

fn read_head() -> Result<Head, HostError> {
    let bytes = hostcalls::header_pairs(Map::Request)?;
    let pairs = pairs::decode(&bytes).map_err(hostcalls::malformed)?;
    if pairs.is_empty() {
        // Every request has headers. An empty list is a map Envoy would not hand over (trap T12).
        return Err(HostError);
    }
    Ok(Head::new(pairs))
}

/// Sends a call. An error is already the reply that it stands for.
fn call(callout: &Callout) -> Result<(u32, Awaited), remote::Reply> {
    let awaited = Awaited::begin(callout.max_in_flight, callout.timeout).ok_or(remote::Reply::Overloaded)?;
    let headers = callout.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let sent = proxy_wasm::hostcalls::dispatch_http_call(
        &callout.cluster,
        headers,
        Some(&callout.body),
        Vec::new(),
        callout.timeout,
    );
    match sent {
        Ok(token) => Ok((token, awaited)),
        Err(status) => {
            awaited.end();
            Err(match status {
                Status::BadArgument => remote::Reply::Rejected,
                _ => remote::Reply::Failed,
            })
        }
    }
}

/// Only valid while the reply is being delivered.
fn read_reply(headers: usize, body_size: usize, max_reply_bytes: usize) -> remote::Reply {
    if headers == 0 {
        return remote::Reply::Reset;
    }
    let status = hostcalls::header(Map::CallResponse, ":status")
        .ok()
        .flatten()
        .and_then(|status| std::str::from_utf8(&status).ok()?.parse().ok());
    let Some(status) = status else {
        return remote::Reply::Reset;
    };
    if body_size > max_reply_bytes {
        return remote::Reply::Answer { status, body: None };
    }
    let body = if body_size == 0 { Ok(Vec::new()) } else { hostcalls::buffer(Buffer::CallResponseBody, body_size) };
    match body {
        Ok(body) => remote::Reply::Answer { status, body: Some(body) },
        Err(HostError) => remote::Reply::Reset,
    }
}

/// Applies the changes and marks the request as allowed; the mark comes last, when all the rest has worked.
fn allow(check: &Check, mutations: &Mutations) -> Result<(), HostError> {
    for (name, value) in &mutations.set_request_headers {
        hostcalls::set_header(Map::Request, name, value)?;
    }
    for name in &mutations.remove_request_headers {
        hostcalls::remove_header(Map::Request, name)?;
    }
    set_states(check)?;
    hostcalls::set_filter_state(ALLOWED, "1")
}

fn set_states(check: &Check) -> Result<(), HostError> {
    hostcalls::set_filter_state(IMPLEMENTATION, check.implementation().label())?;
    match check.error() {
        Some(error) => hostcalls::set_filter_state(ERROR, &error),
        None => Ok(()),
    }
}

/// Sends the answer. If even that fails the request stays held, and its client runs into its own timeout.
fn answer(reply: &Reply) {
    let headers = pairs::encode(reply.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    if hostcalls::send_reply(reply.status, reply.details, &headers, reply.body.as_bytes()).is_err() {
        counters::count(Counter::HostError);
        log::error!("sark: a reply could not be sent: the request stays held");
    }
}

/// Envoy, seen from the request whose callback is running.
struct EnvoyHost;

impl Host for EnvoyHost {
    fn random(&self) -> u64 {
        random::next()
    }

    fn now(&self) -> Result<i64, HostError> {
        clock::epoch_nanoseconds().ok_or(HostError)
    }

    fn request_time(&self) -> Result<u64, HostError> {
        let bytes = hostcalls::property(&["request", "time"])?.ok_or(HostError)?;
        let nanoseconds = i64::from_le_bytes(bytes.try_into().map_err(|_| HostError)?);
        u64::try_from(nanoseconds).map_err(|_| HostError)
    }

    fn protocol(&self) -> Result<String, HostError> {
        let bytes = hostcalls::property(&["request", "protocol"])?.ok_or(HostError)?;
        String::from_utf8(bytes).map_err(|_| HostError)
    }

    fn body(&self, length: usize) -> Result<Vec<u8>, HostError> {
        let body = hostcalls::buffer(Buffer::RequestBody, length)?;
        // Fewer bytes than announced would be another body than the one the upstream gets.
        if body.len() == length { Ok(body) } else { Err(HostError) }
    }

    fn count(&self, counter: Counter) {
        counters::count(counter);
    }

    fn report(&self, implementation: Implementation, reason: Reason, detail: &str) {
        report::error(implementation, reason, detail);
    }
}
