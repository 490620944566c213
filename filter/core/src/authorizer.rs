//! The state machine of one request: what is to be done next, never doing it.
//!
//! ```text
//! Authorizer::check ─► Step::NeedBody ─► Check::body ─┐
//!        └────────────────────────────────────────────┴► Step::Allow | Step::Deny
//!                                                     └► Step::Call ─► Check::resume ─► Step::Allow | Step::Deny
//! ```
//!
//! Every way through ends in `Allow` or `Deny`, and every way that is not a decision of a policy ends in `Deny`, but
//! for `failure_mode_allow` where the request itself did not cause the error.

use crate::builtins::Moment;
use crate::config::{self, Config, ConfigError, Settings};
use crate::decision::{self, Decision, Mutations, Reply};
use crate::engine::{self, Engine, LoadError, Shelf};
use crate::host::{Clock, Host, HostError};
use crate::metrics::{Counter, Implementation, Outcome, Reason};
use crate::remote::{self, Callout};
use crate::request::{self, Body, DocumentError, Head};
use crate::rollout;
use regorus::Value;
use std::rc::Rc;
use std::time::Duration;

/// A configuration in force: decides requests, keeps nothing of them.
pub struct Authorizer {
    config: Settings,
    /// `None`: the policy cannot be decided inline, and the remote OPA decides for everyone.
    engine: Option<Engine>,
    clock: Rc<dyn Clock>,
    summary: String,
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
        let goes_remote = policy.unsupported_goes_remote;
        let (engine, summary) = match engine::load(policy, shelf) {
            Ok(loaded) => {
                let summary = loaded.summary.clone();
                (Some(Engine::new(loaded, settings.limits, Rc::clone(&clock))), summary)
            }
            Err(LoadError::Unsupported(why)) if goes_remote => {
                (None, format!("the policy cannot be decided inline, the remote OPA decides for everyone: {why}"))
            }
            Err(error) => return Err(ConfigError::new("policy", error.to_string())),
        };
        Ok(Self { config: settings, engine, clock, summary })
    }

    /// One line for the operator: how the policy is evaluated, and why so.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// The policy cannot be decided inline, so that the remote OPA decides for everyone.
    #[must_use]
    pub const fn is_remote_only(&self) -> bool {
        self.engine.is_none()
    }

    /// Begins the check of a request whose headers are complete. `end_of_stream`: it has no body and no trailers.
    pub fn check(self: &Rc<Self>, head: Head, end_of_stream: bool, host: &dyn Host) -> (Check, Step) {
        let mut check = Check {
            authorizer: Rc::clone(self),
            path: head.path().to_owned(),
            state: State::Done,
            failures: Vec::new(),
            implementation: Implementation::None,
            outcome: Outcome::FailureModeDeny,
        };
        let step = if self.config.body.is_none() || end_of_stream {
            check.decide(&head, None, host)
        } else if !head.is_tunnel() {
            check.state = State::AwaitsBody(head);
            Step::NeedBody
        } else if head.announces_body() {
            // What comes after the headers of a tunnel is not shown to the policy: a body must not hide there.
            check.answer(Outcome::BadRequest, Reply::bad_request("an upgrade or CONNECT with a body"))
        } else {
            check.decide(&head, None, host)
        };
        (check, step)
    }
}

/// One request on its way to a decision. Keeps the configuration it began with to its end.
pub struct Check {
    authorizer: Rc<Authorizer>,
    path: String,
    state: State,
    failures: Vec<(Implementation, Reason)>,
    implementation: Implementation,
    outcome: Outcome,
}

enum State {
    AwaitsBody(Head),
    AwaitsReply { sent_at: u64 },
    Done,
}

impl Check {
    /// The body has grown to `received` bytes; `complete`: it is whole, by end of stream or because trailers came.
    pub fn body(&mut self, received: usize, complete: bool, host: &dyn Host) -> Step {
        let (State::AwaitsBody(head), Some(limit)) =
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
            self.state = State::AwaitsBody(head);
            return Step::NeedBody;
        }
        if received == 0 {
            return self.decide(&head, None, host);
        }
        match host.body(received.min(limit.max_request_bytes)) {
            Ok(bytes) => self.decide(&head, Some(&Body { bytes, received }), host),
            Err(_) => self.host_failed(host),
        }
    }

    /// What became of the call of [`Step::Call`].
    pub fn resume(&mut self, reply: remote::Reply, host: &dyn Host) -> Step {
        let State::AwaitsReply { sent_at } = std::mem::replace(&mut self.state, State::Done) else {
            return self.out_of_turn(host);
        };
        let authorizer = Rc::clone(&self.authorizer);
        let Some(remote) = &authorizer.config.remote else {
            return self.out_of_turn(host);
        };
        let elapsed = Duration::from_nanos(authorizer.clock.now().saturating_sub(sent_at));
        let decision = remote::result(remote, reply, elapsed)
            .map_err(|reason| (reason, String::new()))
            .and_then(|result| read_decision(&result));
        match decision {
            Ok(decision) => self.finish(Implementation::Remote, decision),
            Err((reason, detail)) => {
                self.failed(Implementation::Remote, reason, &detail, host);
                self.undecided()
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

    fn decide(&mut self, head: &Head, body: Option<&Body>, host: &dyn Host) -> Step {
        let input = match request::document(head, body, host) {
            Ok(input) => input,
            Err(DocumentError::Parse(error)) => {
                return self.answer(Outcome::BadRequest, Reply::bad_request(&error.to_string()));
            }
            Err(DocumentError::Host(HostError)) => return self.host_failed(host),
        };
        let side = self.authorizer.side(head, host);
        host.count(Counter::Assignment(side));
        if side == Implementation::Rust { self.evaluate(input, host) } else { self.call(&input, host) }
    }

    fn evaluate(&mut self, input: Value, host: &dyn Host) -> Step {
        let authorizer = Rc::clone(&self.authorizer);
        // `side` sends nobody here when there is no engine.
        let Some(engine) = &authorizer.engine else {
            return self.out_of_turn(host);
        };
        let Ok(now_ns) = host.now() else {
            return self.host_failed(host);
        };
        let decision = engine
            .evaluate(input.clone(), Moment { now_ns, seed: host.random() })
            .map_err(|error| (error.reason(), format!("{error:?}")))
            .and_then(|result| read_decision(&result));
        let (reason, detail) = match decision {
            Ok(decision) => return self.finish(Implementation::Rust, decision),
            Err(failure) => failure,
        };
        self.failed(Implementation::Rust, reason, &detail, host);
        if authorizer.config.rust_opa.fallback_on_error && authorizer.config.remote.is_some() {
            host.count(Counter::Fallback);
            self.call(&input, host)
        } else {
            self.undecided()
        }
    }

    fn call(&mut self, input: &Value, host: &dyn Host) -> Step {
        match self.authorizer.config.remote.as_ref().map(|remote| remote::call(remote, input)) {
            Some(Ok(callout)) => {
                let sent_at = self.authorizer.clock.now();
                self.state = State::AwaitsReply { sent_at };
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

    fn finish(&mut self, implementation: Implementation, decision: Decision) -> Step {
        self.implementation = implementation;
        match decision {
            Decision::Allow(mutations) => self.allow(Outcome::Allow, mutations),
            Decision::Deny(reply) => self.answer(Outcome::Deny, reply),
        }
    }

    fn allow(&mut self, outcome: Outcome, mutations: Mutations) -> Step {
        self.outcome = outcome;
        Step::Allow(self.complete(mutations))
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
    fn undecided(&mut self) -> Step {
        let request_caused = self.failures.iter().any(|(_, reason)| reason.request_caused());
        if self.authorizer.config.failure_mode_allow && !request_caused {
            return self.allow(Outcome::FailureModeAllow, Mutations::default());
        }
        self.error_reply()
    }

    fn error_reply(&mut self) -> Step {
        self.implementation = Implementation::None;
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
    /// The side that decides for this request.
    fn side(&self, head: &Head, host: &dyn Host) -> Implementation {
        let feature = self.config.rust_opa;
        if !feature.enabled || self.engine.is_none() {
            return Implementation::Remote;
        }
        let mut values = self.config.identity.iter().filter_map(|name| head.get(name));
        let user = values.find(|value| !value.is_empty());
        if user.is_none() && !self.config.identity.is_empty() {
            host.count(Counter::IdentityMissing);
        }
        let inline = feature.percentage.is_everyone()
            || user
                .is_some_and(|user| feature.percentage.contains(rollout::bucket(rollout::RUST_OPA, user.as_bytes())));
        if inline { Implementation::Rust } else { Implementation::Remote }
    }
}

fn read_decision(result: &Value) -> Result<Decision, (Reason, String)> {
    decision::read(result).map_err(|error| (Reason::BadResult, error.to_string()))
}

#[cfg(test)]
mod tests;
