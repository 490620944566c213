//! One request: holds it until there is a decision, then lets it go or answers it.
//!
//! Headers, body and trailers callbacks all return `Pause` until the decision exists (traps T2, T3); nothing else in
//! here may let a request through.

use crate::bodies::{Bodies, Held, Pending};
use crate::callouts::Awaited;
use crate::calls;
use crate::clock;
use crate::counters;
use crate::hostcalls::{self, Buffer, Map};
use crate::random;
use crate::report;
use crate::shadows::{self, Kept, Shadows};
use crate::ticks::Ticks;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use sark_core::admin::{self, Visit};
use sark_core::authorizer::{Arrival, Authorizer, Check, Step};
use sark_core::decision::{Mutations, Reply};
use sark_core::host::{Host, HostError};
use sark_core::metrics::{Counter, Implementation, Outcome, Reason};
use sark_core::pairs;
use sark_core::remote::{self, Callout};
use sark_core::request::Head;
use std::cell::RefCell;
use std::rc::Rc;

/// Set on every request that may pass; the native RBAC filter behind this one refuses without it, so that even a
/// filter that Envoy skipped (trap T1) lets nothing pass. Others see it as `wasm.sark.allowed`.
const ALLOWED: &str = "sark.allowed";

/// Where a request stands.
enum Phase {
    /// The first callback has not come.
    New,
    /// The body is not complete.
    AwaitsBody(Held),
    /// The call with this token is open.
    AwaitsReply { check: Box<Check>, token: u32, max_reply_bytes: usize, awaited: Awaited },
    /// Decided: it may pass.
    Allowed { response_headers: Vec<(String, String)> },
    /// Answered here; nothing of it may pass.
    Answered,
}

/// One request.
pub struct Stream {
    id: u32,
    authorizer: Option<Rc<Authorizer>>,
    bodies: Rc<Bodies>,
    shadows: Rc<Shadows>,
    ticks: Rc<Ticks>,
    /// What of this request waits to be compared.
    shadow: Option<Kept>,
    phase: Phase,
    /// Bytes of body seen so far.
    received: usize,
}

impl Stream {
    pub const fn new(
        id: u32,
        authorizer: Option<Rc<Authorizer>>,
        bodies: Rc<Bodies>,
        shadows: Rc<Shadows>,
        ticks: Rc<Ticks>,
    ) -> Self {
        Self { id, authorizer, bodies, shadows, ticks, shadow: None, phase: Phase::New, received: 0 }
    }

    fn begin(&mut self, end_of_stream: bool) {
        #[cfg(feature = "fault-injection")]
        crate::faults::trap_if_asked();
        let Some(authorizer) = self.authorizer.take() else {
            self.answer_without_check();
            return;
        };
        let Ok(arrival) = arrive(&authorizer, end_of_stream) else {
            counters::count(Counter::HostError);
            self.answer_without_check();
            return;
        };
        match authorizer.visit(&arrival.head, arrival.end_of_stream, &EnvoyHost) {
            Ok(Some((visit, step))) => self.begin_visit(visit, step),
            Ok(None) => self.begin_check(&authorizer, arrival),
            Err(HostError) => {
                counters::count(Counter::HostError);
                self.answer_without_check();
            }
        }
        if let Phase::AwaitsBody(held) = &self.phase {
            self.bodies.wait(self.id, held);
        }
    }

    fn begin_check(&mut self, authorizer: &Rc<Authorizer>, arrival: Arrival) {
        let (mut check, mut step) = authorizer.check(arrival, &EnvoyHost);
        if matches!(step, Step::NeedBody) && !self.bodies.may_wait(check.body_is_optional()) {
            step = check.without_body(&EnvoyHost);
        }
        self.carry_out(check, step);
    }

    fn begin_visit(&mut self, mut visit: Visit, mut step: admin::Step) {
        if matches!(step, admin::Step::NeedBody) && self.bodies.are_kept_back() {
            step = visit.body_unavailable();
        }
        self.carry_out_visit(visit, &step);
    }

    fn body_grew(&mut self, complete: bool) {
        match std::mem::replace(&mut self.phase, Phase::Answered) {
            Phase::AwaitsBody(held) => {
                self.bodies.arrived();
                match held.take() {
                    // Taken out by the tick, it is answered already.
                    None => {}
                    Some(Pending::Check(mut check)) => {
                        let step = check.body(self.received, complete, &EnvoyHost);
                        self.carry_out(*check, step);
                    }
                    Some(Pending::Visit(mut visit)) => {
                        let step = visit.body(self.received, complete, &EnvoyHost);
                        self.carry_out_visit(visit, &step);
                    }
                }
            }
            other => self.phase = other,
        }
    }

    /// Does what the core wants done, until it wants to wait or is done.
    fn carry_out(&mut self, mut check: Check, mut step: Step) {
        loop {
            step = match step {
                Step::NeedBody => {
                    self.await_body(Pending::Check(Box::new(check)));
                    return;
                }
                Step::Call(callout) => match call(&callout) {
                    Ok((token, awaited)) => {
                        self.phase = Phase::AwaitsReply {
                            check: Box::new(check),
                            token,
                            max_reply_bytes: callout.max_reply_bytes,
                            awaited,
                        };
                        return;
                    }
                    Err(reply) => self.resume(&mut check, reply),
                },
                Step::Allow(mutations) => match allow(&check, &mutations) {
                    Ok(()) => {
                        check.settle(&EnvoyHost);
                        self.phase = Phase::Allowed { response_headers: mutations.add_response_headers };
                        self.shadow(check);
                        return;
                    }
                    Err(HostError) => check.host_failed(&EnvoyHost),
                },
                Step::Deny(reply) => {
                    self.phase = Phase::Answered;
                    deny(&check, &reply);
                    self.shadow(check);
                    return;
                }
            };
        }
    }

    /// The request is decided: what is to be compared is put away.
    fn shadow(&mut self, check: Check) {
        if let Some(pending) = check.into_shadow(&EnvoyHost) {
            self.shadow = Some(self.shadows.wait(self.id, pending));
            self.ticks.hasten();
        }
    }

    /// What became of the call. A probe cannot be sent here: its answer would come to this stream.
    fn resume(&self, check: &mut Check, reply: remote::Reply) -> Step {
        let step = check.resume(reply, &EnvoyHost);
        if check.wants_probe() {
            self.ticks.hasten();
        }
        step
    }

    /// An admin request has no step that lets it through.
    fn carry_out_visit(&mut self, visit: Visit, step: &admin::Step) {
        match step {
            admin::Step::NeedBody => self.await_body(Pending::Visit(visit)),
            admin::Step::Answer(reply) => {
                self.phase = Phase::Answered;
                answer_visit(&visit, reply);
            }
        }
    }

    fn await_body(&mut self, pending: Pending) {
        self.phase = Phase::AwaitsBody(Rc::new(RefCell::new(Some(pending))));
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
        #[cfg(feature = "fault-injection")]
        let _timed = crate::faults::Timed::begin("headers");
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

    /// The stream is over, however it ended.
    fn on_log(&mut self) {
        if let Some(kept) = self.shadow.take() {
            shadows::read(&kept);
        }
    }
}

impl Context for Stream {
    fn on_http_call_response(&mut self, token: u32, headers: usize, body_size: usize, _: usize) {
        #[cfg(feature = "fault-injection")]
        let _timed = crate::faults::Timed::begin("reply");
        match std::mem::replace(&mut self.phase, Phase::Answered) {
            Phase::AwaitsReply { mut check, token: expected, max_reply_bytes, awaited } if token == expected => {
                awaited.end();
                let reply = calls::read_reply(headers, body_size, max_reply_bytes);
                let step = self.resume(&mut check, reply);
                self.carry_out(*check, step);
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

/// Reads the headers, and removes those that are not the client's to send: before anything has looked at them.
fn arrive(authorizer: &Authorizer, end_of_stream: bool) -> Result<Arrival, HostError> {
    let bytes = hostcalls::header_pairs(Map::Request)?;
    let (head, stripped) = Head::read(bytes, |name| authorizer.strips(name)).map_err(hostcalls::malformed)?;
    if head.is_empty() && stripped.is_empty() {
        // Every request has headers. An empty list is a map Envoy would not hand over (trap T12).
        return Err(HostError);
    }
    stripped.iter().try_for_each(|name| hostcalls::remove_header(Map::Request, name))?;
    Ok(Arrival { head, stripped, end_of_stream })
}

/// Answers a request whose body Envoy does not hand over.
pub fn refuse_without_body(pending: Pending) {
    match pending {
        Pending::Check(mut check) => {
            if let Step::Deny(reply) = check.body_unavailable(&EnvoyHost) {
                deny(&check, &reply);
            }
        }
        Pending::Visit(mut visit) => {
            if let admin::Step::Answer(reply) = visit.body_unavailable() {
                answer_visit(&visit, &reply);
            }
        }
    }
}

fn deny(check: &Check, reply: &Reply) {
    // States for access logs only; the answer does not depend on them.
    let _ = set_states(&check.states());
    check.settle(&EnvoyHost);
    answer(reply);
}

fn answer_visit(visit: &Visit, reply: &Reply) {
    if let Some(change) = visit.change() {
        log::warn!("sark: admin: {change}");
    }
    if let admin::Outcome::Refused(_, refusal) = visit.outcome() {
        report::refused(refusal, visit.by().unwrap_or_default());
    }
    let _ = set_states(&visit.states());
    visit.settle(&EnvoyHost);
    answer(reply);
}

/// Sends a call that a request waits for.
fn call(callout: &Callout) -> Result<(u32, Awaited), remote::Reply> {
    let awaited = Awaited::begin(callout.max_in_flight, callout.timeout).ok_or(remote::Reply::Overloaded)?;
    match calls::send(callout) {
        Ok(token) => Ok((token, awaited)),
        Err(reply) => {
            awaited.end();
            Err(reply)
        }
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
    set_states(&check.states())?;
    hostcalls::set_filter_state(ALLOWED, "1")
}

fn set_states(states: &[(&str, String)]) -> Result<(), HostError> {
    states.iter().try_for_each(|(name, value)| hostcalls::set_filter_state(name, value))
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
pub struct EnvoyHost;

impl Host for EnvoyHost {
    fn random(&self) -> u64 {
        random::next()
    }

    fn now(&self) -> Result<i64, HostError> {
        clock::epoch_nanoseconds().ok_or(HostError)
    }

    fn property(&self, path: &[&str]) -> Result<Option<Vec<u8>>, HostError> {
        hostcalls::property(path)
    }

    fn body(&self, length: usize) -> Result<Vec<u8>, HostError> {
        let body = hostcalls::buffer(Buffer::RequestBody, length)?;
        // Fewer bytes than announced would be another body than the one the upstream gets.
        if body.len() == length { Ok(body) } else { Err(HostError) }
    }

    fn route_metadata(&self) -> Result<Vec<u8>, HostError> {
        // Absent: no route matched, and the request will be answered 404.
        hostcalls::property(&["xds", "route_metadata"]).map(Option::unwrap_or_default)
    }

    fn count(&self, counter: Counter) {
        counters::count(counter);
    }

    fn report(&self, implementation: Implementation, reason: Reason, detail: &str) {
        report::error(implementation, reason, detail);
    }
}
