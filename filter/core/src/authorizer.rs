//! The state machine of one request: what is to be done next, never doing it.
//!
//! ```text
//! Authorizer::check ─► Step::NeedBody ─► Check::body ─┐
//!        └────────────────────────────────────────────┴► Step::Allow | Step::Deny
//!                                                     └► Step::Call ─► Check::resume ─► Step::Allow | Step::Deny
//! ```
//!
//! Every way through ends in `Allow` or `Deny`, and every way that is not a decision of a policy ends in `Deny`, but
//! for three that the operator chose: `failure_mode_allow` where the request itself did not cause the error, `dry_run`,
//! and a route that disables the check where `route_overrides` is on.

use crate::builtins::Moment;
use crate::cache::{Facts, Keeper, Place, Revision};
use crate::config::{self, Config, ConfigError, Settings};
use crate::decision::{self, Decision, Metadata, Mutations, Reply, Unusable, Verdict};
use crate::engine::{self, Engine, LoadError, Loaded, Shelf};
use crate::host::{Clock, Host, HostError};
use crate::metrics::{Counter, Feature, Implementation, Outcome, Reason};
use crate::policy::DecisionPath;
use crate::remote::{self, Callout};
use crate::request::{self, Body, Document, DocumentError, Head, Selection, Sources};
use crate::rollout;
use crate::route::Overrides;
use regorus::Value;
use std::rc::Rc;
use std::time::Duration;

/// A configuration in force: decides requests, keeps nothing of them.
pub struct Authorizer {
    config: Settings,
    /// The configured decision, then those that routes may choose.
    paths: Vec<DecisionPath>,
    /// One for each path. `None`: it cannot be decided inline, and the remote OPA decides for everyone.
    engines: Vec<Option<Inline>>,
    keeper: Option<Keeper>,
    clock: Rc<dyn Clock>,
    summary: String,
}

/// A decision that is made inline.
struct Inline {
    engine: Engine,
    /// What it reads of the input document.
    selection: Selection,
}

/// What the proxy has to do next.
#[derive(Debug)]
pub enum Step {
    /// Apply the changes, then let the request through.
    Allow(Mutations),
    /// Answer the request; nothing of it reaches the upstream.
    Deny(Reply),
    /// Hold the request and hand over its body as it grows ([`Check::body`]).
    NeedBody,
    /// Hold the request, send the call and hand over what becomes of it ([`Check::resume`]).
    Call(Callout),
}

impl Authorizer {
    /// Reads a configuration and loads its policy.
    ///
    /// Pure: the result depends on `bytes` and `env` only (trap T1), and cannot panic. What lies on the `shelf` changes
    /// its cost alone.
    ///
    /// # Errors
    /// The first thing that is wrong, with its JSON path; for a policy also file, line and column.
    pub fn new(
        bytes: &[u8],
        env: &dyn Fn(&str) -> Option<String>,
        clock: Rc<dyn Clock>,
        shelf: &Shelf,
    ) -> Result<Self, ConfigError> {
        let Config { policy, settings } = config::read(bytes, env)?;
        let unprovided = request::unprovided(&settings.shape);
        let paths: Vec<DecisionPath> = policy.paths().cloned().collect();
        let (mut engines, mut facts, mut summaries) = (Vec::new(), Vec::new(), Vec::new());
        for loaded in engine::load(&policy, shelf, &unprovided) {
            facts.push(loaded.as_ref().ok().map(Facts::of));
            let (engine, summary) = ready(loaded, policy.unsupported_goes_remote, &settings, &clock)?;
            engines.push(engine);
            summaries.push(summary);
        }
        let keeper = settings.rust_cache.as_ref().map(|settings| {
            let revision = Revision::of(bytes, &settings.times);
            Keeper::new(settings, &revision, &paths, &facts, shelf)
        });
        let (keeper, kept) = keeper.unzip();
        summaries.extend(kept.into_iter().flatten());
        Ok(Self { config: settings, paths, engines, keeper, clock, summary: summaries.join("; ") })
    }

    /// One line for the operator: how the policy is evaluated, and why so.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// A decision cannot be made inline, so that the remote OPA makes it for everyone.
    #[must_use]
    pub fn is_remote_only(&self) -> bool {
        self.engines.iter().any(Option::is_none)
    }

    /// Whether this request header is to be removed before the check begins: it is not the client's to send.
    #[must_use]
    pub fn strips(&self, name: &[u8]) -> bool {
        self.config.flow.strips(name)
    }

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
        };
        let step = match check.look_at_route(&stripped, host) {
            Some(step) => step,
            None => check.begin(head, end_of_stream, host),
        };
        (check, step)
    }
}

/// The engine of a decision, or `None` where the remote OPA makes it; and what the operator is told.
fn ready(
    loaded: Result<Loaded, LoadError>,
    unsupported_goes_remote: bool,
    settings: &Settings,
    clock: &Rc<dyn Clock>,
) -> Result<(Option<Inline>, String), ConfigError> {
    match loaded {
        Ok(loaded) => {
            let summary = loaded.summary.clone();
            let selection = Selection::new(loaded.reads(), &settings.shape);
            let engine = Engine::new(loaded, settings.limits, Rc::clone(clock));
            Ok((Some(Inline { engine, selection }), summary))
        }
        Err(LoadError::Unsupported(why)) if unsupported_goes_remote => {
            Ok((None, format!("the policy cannot be decided inline, the remote OPA decides for everyone: {why}")))
        }
        Err(error) => Err(ConfigError::new("policy", error.to_string())),
    }
}

/// A request whose headers are complete.
pub struct Arrival {
    /// Its headers, without those that are stripped.
    pub head: Head,
    /// The names of those that were there and are stripped, lower case.
    pub stripped: Vec<String>,
    /// It has no body and no trailers.
    pub end_of_stream: bool,
}

/// One request on its way to a decision. Keeps the configuration it began with to its end.
pub struct Check {
    authorizer: Rc<Authorizer>,
    path: String,
    state: State,
    failures: Vec<(Implementation, Reason)>,
    route: Overrides,
    /// Given with a decision, never with an error.
    decision_id: Option<String>,
    dynamic_metadata: Option<Metadata>,
    implementation: Implementation,
    outcome: Outcome,
}

enum State {
    AwaitsBody(Request),
    AwaitsReply { sent_at: u64, place: Option<Place> },
    Done,
}

/// What is known of a request that waits for a decision.
struct Request {
    head: Head,
    /// `None`: it has none, or none that is to be seen, or it has not been waited for.
    body: Option<Body>,
    /// It has not been waited for: nothing inline depends on it.
    body_left: bool,
    assignment: Assignment,
}

/// Who is to decide.
#[derive(Clone, Copy)]
struct Assignment {
    side: Implementation,
    /// Nobody was named by the headers that may name a user.
    is_anonymous: bool,
    /// Whether the cache is used, where there is one.
    uses_cache: Option<bool>,
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
        let assignment = self.authorizer.assignment(&head, self.route.decision);
        let body_may_come = self.authorizer.config.body.is_some() && !end_of_stream;
        if body_may_come && head.is_tunnel() && head.announces_body() {
            // What comes after the headers of a tunnel is not shown to the policy: a body must not hide there.
            return self.answer(Outcome::BadRequest, Reply::bad_request("an upgrade or CONNECT with a body"));
        }
        let body_may_come = body_may_come && !head.is_tunnel();
        let body_matters = body_may_come && self.body_matters(&head, assignment.side);
        let request = Request { head, body: None, body_left: body_may_come && !body_matters, assignment };
        if body_matters {
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
        // It was left until the inline side had failed.
        if std::mem::take(&mut request.body_left) { self.fall_back(&request, host) } else { self.decide(request, host) }
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
        let decision = remote::result(remote, reply, elapsed)
            .map_err(|reason| (reason, String::new()))
            .and_then(|result| self.read_decision(&result));
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
        if request.assignment.side == Implementation::Rust {
            return self.evaluate(request, host);
        }
        match self.document(&request, host) {
            Ok(document) => {
                request.assignment.count(host);
                self.call(&request, &document, host)
            }
            Err(error) => self.no_document(&error, host),
        }
    }

    fn evaluate(&mut self, request: Request, host: &dyn Host) -> Step {
        let authorizer = Rc::clone(&self.authorizer);
        // `assignment` sends nobody here when there is no engine.
        let Some(inline) = authorizer.inline(self.route.decision) else {
            return self.out_of_turn(host);
        };
        let extensions = self.route.context_extensions();
        let input = match request::input(&authorizer.sources(&request, extensions.as_ref(), host), &inline.selection) {
            Err(DocumentError::Inexact) => Err((Reason::InexactInput, String::new())),
            Err(error) => return self.no_document(&error, host),
            Ok(input) => Ok(input),
        };
        request.assignment.count(host);
        let place = match input.as_ref().map(|input| self.recall(Implementation::Rust, &request, input, host)) {
            Ok(Err(step)) => return step,
            Ok(Ok(place)) => place,
            Err(_) => None,
        };
        let Ok(now_ns) = host.now() else {
            return self.host_failed(host);
        };
        let moment = Moment { now_ns, seed: host.random() };
        let decision = input
            .and_then(|input| {
                inline.engine.evaluate(input, moment).map_err(|error| (error.reason(), format!("{error:?}")))
            })
            .and_then(|result| self.read_decision(&result));
        let (reason, detail) = match decision {
            Ok(answer) => {
                let time_of_day = inline.engine.holds_until().map(|until| (now_ns, until));
                return self.conclude(Implementation::Rust, answer, place, time_of_day, host);
            }
            Err(failure) => failure,
        };
        self.failed(Implementation::Rust, reason, &detail, host);
        if !authorizer.config.rust_opa.fallback_on_error || authorizer.config.remote.is_none() {
            return self.undecided(host);
        }
        if request.body_left {
            self.state = State::AwaitsBody(request);
            return Step::NeedBody;
        }
        self.fall_back(&request, host)
    }

    /// The inline side has failed: the remote OPA is asked, with all there is.
    fn fall_back(&mut self, request: &Request, host: &dyn Host) -> Step {
        match self.document(request, host) {
            Ok(document) => {
                host.count(Counter::Fallback);
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

    fn failed(&mut self, implementation: Implementation, reason: Reason, detail: &str, host: &dyn Host) {
        self.failures.push((implementation, reason));
        host.count(Counter::EvaluationError(implementation, reason));
        host.report(implementation, reason, detail);
    }

    /// Reads what a side answered. What is a decision but cannot be carried out is no error where the operator wants it
    /// answered as `ext_authz` does with `validate_mutations`.
    fn read_decision(&self, result: &Value) -> Result<Answer, (Reason, String)> {
        let validates = self.authorizer.config.flow.validate_mutations;
        match decision::read(result) {
            Ok(Decision { verdict: Verdict::Allow(mutations), .. }) if validates && !mutations.query.is_encoded() => {
                Ok(Answer::Invalid)
            }
            Ok(decision) => Ok(Answer::Decision(decision)),
            Err(Unusable::Mutation(_)) if validates => Ok(Answer::Invalid),
            Err(Unusable::Mutation(detail)) => Err((Reason::BadMutation, detail)),
            Err(Unusable::Shape(detail)) => Err((Reason::BadResult, detail)),
        }
    }

    fn finish(&mut self, implementation: Implementation, answer: Answer, host: &dyn Host) -> Step {
        self.implementation = implementation;
        let Answer::Decision(Decision { verdict, dynamic_metadata, cache_ttl: _ }) = answer else {
            return self.answer(Outcome::Invalid, Reply::invalid());
        };
        self.decision_id = Some(uuid(host));
        self.dynamic_metadata = dynamic_metadata;
        match verdict {
            Verdict::Allow(mutations) => self.allow(Outcome::Allow, mutations, host),
            Verdict::Deny(_) if self.authorizer.config.flow.dry_run => {
                self.allow(Outcome::DryRun, Mutations::default(), host)
            }
            Verdict::Deny(reply) => self.answer(Outcome::Deny, reply),
        }
    }

    /// Lets the request through, unless that could lead it to another route than the one that was asked about.
    fn allow(&mut self, outcome: Outcome, mutations: Mutations, host: &dyn Host) -> Step {
        let mutations = self.complete(mutations);
        let flow = &self.authorizer.config.flow;
        let set = mutations.set_request_headers.iter().map(|(name, _)| name);
        if set.chain(&mutations.remove_request_headers).any(|name| flow.may_reroute(name)) {
            return self.refuse(Reason::RouteChanged, "a request header that the decision writes", host);
        }
        self.outcome = outcome;
        Step::Allow(mutations)
    }

    /// Folds the query changes into `:path` and adds the debug header.
    fn complete(&self, mut mutations: Mutations) -> Mutations {
        let set_path = mutations.set_request_headers.iter().find(|(name, _)| name == ":path");
        let path = set_path.map_or(self.path.as_str(), |(_, path)| path.as_str());
        if let Some(path) = mutations.query.apply(path) {
            mutations.set_request_headers.retain(|(name, _)| name != ":path");
            mutations.set_request_headers.push((":path".to_owned(), path));
            mutations.query = decision::QueryMutations::default();
        }
        mutations.add_response_headers.extend(self.debug_header());
        mutations
    }

    /// Neither side decided.
    fn undecided(&mut self, host: &dyn Host) -> Step {
        let request_caused = self.failures.iter().any(|(_, reason)| reason.request_caused());
        if !self.authorizer.config.failure_mode_allow || request_caused {
            return self.error_reply();
        }
        let mut mutations = Mutations::default();
        if self.authorizer.config.flow.failure_mode_allow_header_add {
            mutations.set_request_headers.push((config::FAILURE_MODE_ALLOWED.to_owned(), "true".to_owned()));
        }
        self.allow(Outcome::FailureModeAllow, mutations, host)
    }

    /// Whatever a side may decide, it is not done; no failure mode lets this through.
    fn refuse(&mut self, reason: Reason, detail: &str, host: &dyn Host) -> Step {
        self.state = State::Done;
        self.failed(Implementation::None, reason, detail, host);
        self.error_reply()
    }

    fn error_reply(&mut self) -> Step {
        self.implementation = Implementation::None;
        self.decision_id = None;
        let reply = Reply::error(self.authorizer.config.status_on_error);
        self.answer(Outcome::FailureModeDeny, reply)
    }

    fn answer(&mut self, outcome: Outcome, mut reply: Reply) -> Step {
        self.outcome = outcome;
        reply.headers.extend(self.debug_header());
        Step::Deny(reply)
    }

    /// A callback came that this state does not wait for. Whatever the reason, the request is not let through.
    fn out_of_turn(&mut self, host: &dyn Host) -> Step {
        self.host_failed(host)
    }

    fn debug_header(&self) -> Option<decision::Header> {
        let name = self.authorizer.config.debug_header.clone()?;
        Some((name, self.implementation.label().to_owned()))
    }
}

impl Authorizer {
    /// The decision of this number, where it is made inline.
    fn inline(&self, decision: usize) -> Option<&Inline> {
        self.engines.get(decision)?.as_ref()
    }

    /// The side that decides for this request, and whether it remembers.
    fn assignment(&self, head: &Head, decision: usize) -> Assignment {
        let user = self.config.identity.iter().filter_map(|name| head.get(name)).find(|value| !value.is_empty());
        let user = user.as_deref();
        let uses_cache = self.keeper.as_ref().map(|keeper| keeper.feature.applies(rollout::RUST_CACHE, user));
        let feature = self.config.rust_opa;
        if !feature.enabled || self.inline(decision).is_none() {
            return Assignment { side: Implementation::Remote, is_anonymous: false, uses_cache };
        }
        let is_anonymous = user.is_none() && !self.config.identity.is_empty();
        let inline = feature.applies(rollout::RUST_OPA, user);
        Assignment {
            side: if inline { Implementation::Rust } else { Implementation::Remote },
            is_anonymous,
            uses_cache,
        }
    }

    fn sources<'a>(
        &'a self,
        request: &'a Request,
        context_extensions: Option<&'a Value>,
        host: &'a dyn Host,
    ) -> Sources<'a> {
        let Request { head, body, .. } = request;
        Sources { shape: &self.config.shape, head, body: body.as_ref(), context_extensions, host }
    }
}

impl Assignment {
    fn count(self, host: &dyn Host) {
        if self.is_anonymous {
            host.count(Counter::IdentityMissing);
        }
        host.count(Counter::Assignment(Feature::RustOpa, self.side));
        if let Some(uses_cache) = self.uses_cache {
            let implementation = if uses_cache { Implementation::Rust } else { Implementation::None };
            host.count(Counter::Assignment(Feature::RustCache, implementation));
        }
    }
}

/// What a side said that is no error.
enum Answer {
    Decision(Decision),
    /// A decision that cannot be carried out, to be answered as such.
    Invalid,
}

/// A UUID of version 4.
fn uuid(host: &dyn Host) -> String {
    let (high, low) = (host.random(), host.random());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high.wrapping_shr(32),
        high.wrapping_shr(16) & 0xffff,
        high & 0x0fff,
        low.wrapping_shr(48) & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    )
}

mod keep;
#[cfg(test)]
mod tests;
