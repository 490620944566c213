//! One request on its way to a decision.

use super::assignment::Assignment;
use super::shadow::Observed;
use super::{Answer, Arrival, Authorizer, Inline, Step};
use crate::builtins::Moment;
use crate::cache::{Place, Question};
use crate::config::Settings;
use crate::decision::{Metadata, Mutations, Reply};
use crate::host::{Host, HostError};
use crate::metrics::{Counter, Implementation, Outcome, Reason};
use crate::remote;
use crate::request::{self, Body, Document, DocumentError, Head, Sources};
use crate::route::Overrides;
use regorus::Value;
use std::rc::Rc;
use std::time::Duration;

/// One request on its way to a decision. Keeps the configuration it began with to its end.
pub struct Check {
    pub(super) authorizer: Rc<Authorizer>,
    pub(super) path: String,
    pub(super) state: State,
    pub(super) failures: Vec<(Implementation, Reason)>,
    pub(super) route: Overrides,
    /// Given with a decision, never with an error.
    pub(super) decision_id: Option<String>,
    pub(super) dynamic_metadata: Option<Metadata>,
    pub(super) implementation: Implementation,
    pub(super) outcome: Outcome,
    /// `None`: the sides are not compared.
    pub(super) observed: Option<Observed>,
}

pub(super) enum State {
    AwaitsBody(Request),
    AwaitsReply { sent_at: u64, place: Option<Place> },
    Done,
}

/// What the inline side decides about, or why it cannot.
type Input = Result<Value, (Reason, String)>;

/// What is known of a request that waits for a decision.
pub(super) struct Request {
    pub(super) head: Head,
    /// What the document shows as the request's id, to both sides.
    id: u64,
    /// `None`: it has none, or none that is to be seen, or it has not been waited for.
    pub(super) body: Option<Body>,
    /// It has not been waited for: nothing inline depends on it.
    body_left: bool,
    /// It is waited for, but not to decide.
    body_is_optional: bool,
    pub(super) assignment: Assignment,
}

impl Authorizer {
    /// Begins the check of a request whose headers have arrived.
    pub fn check(self: &Rc<Self>, arrival: Arrival, host: &dyn Host) -> (Check, Step) {
        let Arrival { head, stripped, end_of_stream } = arrival;
        let mut check = Check {
            authorizer: Rc::clone(self),
            path: head.path().into_owned(),
            state: State::Done,
            failures: Vec::new(),
            route: Overrides::default(),
            decision_id: None,
            dynamic_metadata: None,
            implementation: Implementation::None,
            outcome: Outcome::FailureModeDeny,
            observed: None,
        };
        let step = match check.look_at_route(&stripped, host) {
            Some(step) => step,
            None => check.begin(head, end_of_stream, host),
        };
        (check, step)
    }
}

impl Check {
    /// What the route has to say, where it may; a step if that ends the check.
    fn look_at_route(&mut self, stripped: &[String], host: &dyn Host) -> Option<Step> {
        let authorizer = Rc::clone(&self.authorizer);
        let flow = &authorizer.config.flow;
        if !flow.route_overrides {
            return None;
        }
        // Removing a header lets Envoy pick another route, and shows the metadata of the first one all the same.
        if stripped.iter().any(|name| flow.may_reroute(name)) {
            return Some(self.refuse(Reason::RouteChanged, "a header that is stripped", host));
        }
        let (configured, choices) = authorizer.paths.split_first()?;
        let overrides = match host.route_metadata() {
            Ok(bytes) => Overrides::read(&bytes, configured, choices),
            Err(HostError) => return Some(self.host_failed(host)),
        };
        match overrides {
            Ok(overrides) => self.route = overrides,
            Err(error) => return Some(self.refuse(Reason::RouteMetadata, &error.to_string(), host)),
        }
        self.route.disabled.then(|| self.allow(Outcome::Disabled, Mutations::default(), host))
    }

    fn begin(&mut self, head: Head, end_of_stream: bool, host: &dyn Host) -> Step {
        let Ok(assignment) = self.authorizer.assignment(&head, self.route.decision, host) else {
            return self.host_failed(host);
        };
        let body_may_come = self.authorizer.config.body.is_some() && !end_of_stream;
        if body_may_come && head.is_tunnel() && head.announces_body() {
            // What comes after the headers of a tunnel is not shown to the policy: a body must not hide there.
            return self.answer(Outcome::BadRequest, Reply::bad_request("an upgrade or CONNECT with a body"));
        }
        if assignment.is_shadowed {
            self.observed = Some(Observed::new(&head));
        }
        let body_may_come = body_may_come && !head.is_tunnel();
        let body_matters = body_may_come && self.body_matters(&head, assignment.side);
        // The other side may read it whatever this one reads.
        let waits = body_may_come && (body_matters || self.observed.is_some());
        let request = Request {
            head,
            id: host.random(),
            body: None,
            body_left: body_may_come && !waits,
            body_is_optional: waits && !body_matters,
            assignment,
        };
        if waits {
            self.state = State::AwaitsBody(request);
            return Step::NeedBody;
        }
        self.decide(request, host)
    }

    /// Whether there can be no decision before the body is there. The remote OPA may read all of it.
    fn body_matters(&self, head: &Head, side: Implementation) -> bool {
        let Settings { shape, body, .. } = &self.authorizer.config;
        let limit = body.filter(|limit| !limit.allow_partial_message).map(|limit| limit.max_request_bytes);
        match self.authorizer.inline(self.route.decision) {
            Some(inline) if side == Implementation::Rust => {
                request::body_matters(shape, &inline.selection, head, limit)
            }
            _ => true,
        }
    }

    /// Whether the body is waited for only so that the other side can decide, too.
    #[must_use]
    pub const fn body_is_optional(&self) -> bool {
        matches!(&self.state, State::AwaitsBody(request) if request.body_is_optional)
    }

    /// The body that is waited for will not be handed over, and the request can still be decided: it is, if the body
    /// does not matter, and the sides are not compared.
    pub fn without_body(&mut self, host: &dyn Host) -> Step {
        match std::mem::replace(&mut self.state, State::Done) {
            State::AwaitsBody(mut request) if request.body_is_optional => {
                self.give_up_comparison();
                (request.body_left, request.body_is_optional) = (true, false);
                self.decide(request, host)
            }
            _ => self.body_unavailable(host),
        }
    }

    /// The body that is waited for will not be handed over.
    pub fn body_unavailable(&mut self, host: &dyn Host) -> Step {
        self.refuse(Reason::BodyUnavailable, "allow_on_headers_stop_iteration is off", host)
    }

    /// The body has grown to `received` bytes; `complete`: it is whole, by end of stream or because trailers came.
    pub fn body(&mut self, received: usize, complete: bool, host: &dyn Host) -> Step {
        let (State::AwaitsBody(mut request), Some(limit)) =
            (std::mem::replace(&mut self.state, State::Done), self.authorizer.config.body)
        else {
            return self.out_of_turn(host);
        };
        let too_large = received > limit.max_request_bytes;
        if too_large && !limit.allow_partial_message {
            return self.answer(Outcome::BodyTooLarge, Reply::body_too_large());
        }
        // At exactly the limit with more to come it is not known yet whether the policy sees the whole body: Envoy
        // calls it whole (contract 1.7, boundary hole), we wait for the next byte or the end.
        if !too_large && !complete {
            self.state = State::AwaitsBody(request);
            return Step::NeedBody;
        }
        if received > 0 {
            match host.body(received.min(limit.max_request_bytes)) {
                Ok(bytes) => request.body = Some(Body { bytes, received }),
                Err(HostError) => return self.host_failed(host),
            }
        }
        // It may have waited for long.
        let withdrawn = self.authorizer.withdraw(&mut request.assignment, &request.head, self.route.decision, host);
        if withdrawn.is_err() {
            return self.host_failed(host);
        }
        // It was left until the inline side had failed.
        if std::mem::take(&mut request.body_left) {
            return self.fall_back(&request, host);
        }
        self.decide(request, host)
    }

    /// What became of the call of [`Step::Call`].
    pub fn resume(&mut self, reply: remote::Reply, host: &dyn Host) -> Step {
        let State::AwaitsReply { sent_at, place } = std::mem::replace(&mut self.state, State::Done) else {
            return self.out_of_turn(host);
        };
        let authorizer = Rc::clone(&self.authorizer);
        let Some(remote) = &authorizer.config.remote else {
            return self.out_of_turn(host);
        };
        let elapsed = Duration::from_nanos(authorizer.clock.now().saturating_sub(sent_at));
        let result = remote::result(remote, reply, elapsed);
        authorizer.heard(result.as_ref().err().copied(), sent_at);
        self.observe_time(elapsed);
        let result = result.map_err(|reason| (reason, String::new()));
        let decision = result.and_then(|result| authorizer.read_answer(&result));
        match decision {
            Ok(answer) => self.conclude(Implementation::Remote, answer, place, None, host),
            Err((reason, detail)) => {
                self.failed(Implementation::Remote, reason, &detail, host);
                self.undecided(host)
            }
        }
    }

    /// Something the proxy was to do for an allowed request failed: the request is answered instead.
    pub fn host_failed(&mut self, host: &dyn Host) -> Step {
        self.state = State::Done;
        host.count(Counter::HostError);
        self.error_reply()
    }

    /// Whether the remote OPA is to be asked by a probe at once: to be asked after [`Self::resume`].
    #[must_use]
    pub fn wants_probe(&self) -> bool {
        self.authorizer.wants_probe()
    }

    /// The last step has been carried out: counts how the request ended. Once per request.
    pub fn settle(&self, host: &dyn Host) {
        host.count(Counter::Decision(self.implementation, self.outcome));
    }

    /// Who decided; `None` while nobody has.
    #[must_use]
    pub const fn implementation(&self) -> Implementation {
        self.implementation
    }

    /// The failed attempts, in order, for access logs: `rust:time_limit,remote:timeout`; `None` if none failed.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        let failures: Vec<String> = self
            .failures
            .iter()
            .map(|(implementation, reason)| format!("{}:{}", implementation.label(), reason.label()))
            .collect();
        (!failures.is_empty()).then(|| failures.join(","))
    }

    /// What filters and access logs behind this one may know, by name. Only a decision has an id.
    #[must_use]
    pub fn states(&self) -> Vec<(&'static str, String)> {
        let mut states = vec![("sark.implementation", self.implementation.label().to_owned())];
        states.extend(self.error().map(|error| ("sark.error", error)));
        if let Some(id) = &self.decision_id {
            states.push(("sark.decision_id", id.clone()));
            states.extend(self.dynamic_metadata.iter().map(|metadata| ("sark.dynamic_metadata", metadata.to_json(id))));
        }
        states
    }

    fn decide(&mut self, request: Request, host: &dyn Host) -> Step {
        let step = match request.assignment.side {
            Implementation::Rust => self.evaluate(&request, host),
            _ => self.ask_remote(&request, host),
        };
        match step {
            Step::NeedBody => self.state = State::AwaitsBody(request),
            _ => self.put_away(request),
        }
        step
    }

    fn ask_remote(&mut self, request: &Request, host: &dyn Host) -> Step {
        match self.document(request, host) {
            Ok(document) => {
                request.assignment.count(host);
                self.call(request, &document, host)
            }
            Err(error) => self.no_document(&error, host),
        }
    }

    fn evaluate(&mut self, request: &Request, host: &dyn Host) -> Step {
        let authorizer = Rc::clone(&self.authorizer);
        // `assignment` sends nobody here when there is no engine.
        let Some(inline) = authorizer.inline(self.route.decision) else {
            return self.out_of_turn(host);
        };
        let is_first_attempt = self.failures.is_empty();
        let (input, place) = match self.prepare(inline, request, host) {
            Ok(prepared) => prepared,
            Err(step) => return step,
        };
        let Ok(now_ns) = host.now() else {
            return self.host_failed(host);
        };
        let moment = Moment { now_ns, seed: host.random() };
        let started = self.is_shadowed().then(|| authorizer.clock.now());
        let decision = input.and_then(|input| authorizer.evaluate(inline, input, moment));
        if let Some(started) = started {
            self.observe_time(Duration::from_nanos(authorizer.clock.now().saturating_sub(started)));
        }
        let (reason, detail) = match decision {
            Ok(answer) => {
                let time_of_day = inline.engine.holds_until().map(|until| (now_ns, until));
                return self.conclude(Implementation::Rust, answer, place, time_of_day, host);
            }
            Err(failure) => failure,
        };
        self.failed(Implementation::Rust, reason, &detail, host);
        if !is_first_attempt || !authorizer.config.rust_opa.fallback_on_error || authorizer.config.remote.is_none() {
            return self.undecided(host);
        }
        if request.body_left {
            return Step::NeedBody;
        }
        self.fall_back(request, host)
    }

    /// The document, and where to keep what is decided about it; or the check ends here: the request is refused, or there
    /// is a decision already. A request for which there is a key is not refused, so that its document can wait.
    fn prepare(&mut self, inline: &Inline, request: &Request, host: &dyn Host) -> Result<(Input, Option<Place>), Step> {
        if let Some(key) = self.key(request, host) {
            self.count_assignment(request, host);
            let place = self.recall(Implementation::Rust, request, Question::Key(key), host)?;
            return Ok((self.input(inline, request, host)?, place));
        }
        let input = self.input(inline, request, host)?;
        self.count_assignment(request, host);
        let place = match &input {
            Ok(input) => self.recall(Implementation::Rust, request, Question::Input(input), host)?,
            Err(_) => None,
        };
        Ok((input, place))
    }

    /// Once per request, with the first side that is asked.
    fn count_assignment(&self, request: &Request, host: &dyn Host) {
        if self.failures.is_empty() {
            request.assignment.count(host);
        }
    }

    fn input(&mut self, inline: &Inline, request: &Request, host: &dyn Host) -> Result<Input, Step> {
        let extensions = self.route.context_extensions();
        match request::input(&self.authorizer.sources(request, extensions.as_ref(), host), &inline.selection) {
            Err(DocumentError::Inexact) => Ok(Err((Reason::InexactInput, String::new()))),
            Err(error) => Err(self.no_document(&error, host)),
            Ok(input) => Ok(Ok(input)),
        }
    }

    /// The inline side has failed: the remote OPA is asked, with all there is.
    fn fall_back(&mut self, request: &Request, host: &dyn Host) -> Step {
        match self.document(request, host) {
            Ok(document) => {
                host.count(Counter::Fallback(Implementation::Remote));
                self.call(request, &document, host)
            }
            Err(error) => self.no_document(&error, host),
        }
    }

    fn document(&self, request: &Request, host: &dyn Host) -> Result<Document, DocumentError> {
        let extensions = self.route.context_extensions();
        request::document(&self.authorizer.sources(request, extensions.as_ref(), host))
    }

    fn no_document(&mut self, error: &DocumentError, host: &dyn Host) -> Step {
        match error {
            DocumentError::Parse(error) => self.answer(Outcome::BadRequest, Reply::bad_request(&error.to_string())),
            DocumentError::Host(HostError) | DocumentError::Inexact => self.host_failed(host),
        }
    }

    fn call(&mut self, request: &Request, document: &Document, host: &dyn Host) -> Step {
        let place = match self.recall_remote(request, document, host) {
            Ok(place) => place,
            Err(step) => return step,
        };
        if !self.authorizer.asks_remote() {
            return self.without_remote(request, host);
        }
        match self.authorizer.config.remote.as_ref().map(|remote| remote::call(remote, self.route.decision, document)) {
            Some(Ok(callout)) => {
                let sent_at = self.authorizer.clock.now();
                self.state = State::AwaitsReply { sent_at, place };
                Step::Call(callout)
            }
            // No remote side, which `config` rules out, or an input that is no JSON, which `request` rules out.
            _ => self.out_of_turn(host),
        }
    }

    /// The remote OPA answers nobody, and is not asked.
    fn without_remote(&mut self, request: &Request, host: &dyn Host) -> Step {
        self.failed(Implementation::Remote, Reason::BreakerOpen, "", host);
        let Assignment { side, may_go_inline, .. } = request.assignment;
        if side == Implementation::Rust || !may_go_inline || !self.authorizer.falls_back_to_inline() {
            return self.undecided(host);
        }
        host.count(Counter::Fallback(Implementation::Rust));
        self.evaluate(request, host)
    }

    pub(super) fn failed(&mut self, implementation: Implementation, reason: Reason, detail: &str, host: &dyn Host) {
        self.failures.push((implementation, reason));
        host.count(Counter::EvaluationError(implementation, reason));
        host.report(implementation, reason, detail);
    }
}

impl Authorizer {
    /// What the engine says of an input.
    pub(super) fn evaluate(&self, inline: &Inline, input: Value, moment: Moment) -> Result<Answer, (Reason, String)> {
        let result = inline.engine.evaluate(input, moment);
        let result = result.map_err(|error| (error.reason(), format!("{error:?}")))?;
        self.read_answer(&result)
    }

    pub(super) fn sources<'a>(
        &'a self,
        request: &'a Request,
        context_extensions: Option<&'a Value>,
        host: &'a dyn Host,
    ) -> Sources<'a> {
        let Request { head, id, body, .. } = request;
        Sources { shape: &self.config.shape, head, body: body.as_ref(), context_extensions, id: *id, host }
    }
}
