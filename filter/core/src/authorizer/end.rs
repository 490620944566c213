//! Every way a check ends. `allow` is the one function that lets a request through.

use super::check::{Check, State};
use super::{Authorizer, Step};
use crate::cache;
use crate::config;
use crate::decision::{self, Decision, Mutations, Reply, Unusable, Verdict};
use crate::host::Host;
use crate::metrics::{Implementation, Outcome, Reason};
use crate::text::uuid_v4;
use regorus::Value;

/// What a side said that is no error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Decision(Decision),
    /// A decision that cannot be carried out, to be answered as such.
    Invalid,
}

impl Answer {
    /// The memory it takes.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Decision(decision) => cache::cost(decision),
            Self::Invalid => 0,
        }
    }
}

impl Authorizer {
    /// Reads what a side answered. What is a decision but cannot be carried out is no error where the operator wants it
    /// answered as `ext_authz` does with `validate_mutations`.
    pub(super) fn read_answer(&self, result: &Value) -> Result<Answer, (Reason, String)> {
        let validates = self.config.flow.validate_mutations;
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
}

impl Check {
    pub(super) fn finish(&mut self, implementation: Implementation, answer: Answer, host: &dyn Host) -> Step {
        self.implementation = implementation;
        self.observe_answer(implementation, &answer);
        let Answer::Decision(Decision { verdict, dynamic_metadata, cache_ttl: _ }) = answer else {
            return self.answer(Outcome::Invalid, Reply::invalid());
        };
        self.decision_id = Some(uuid_v4(u128::from(host.random()).wrapping_shl(64) | u128::from(host.random())));
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
    pub(super) fn allow(&mut self, outcome: Outcome, mutations: Mutations, host: &dyn Host) -> Step {
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
    pub(super) fn complete(&self, mut mutations: Mutations) -> Mutations {
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
    pub(super) fn undecided(&mut self, host: &dyn Host) -> Step {
        let request_caused = self.failures.iter().any(|(_, reason)| reason.request_caused());
        if !self.authorizer.config.failure_mode_allow || request_caused {
            // A dry run refuses nobody whom a policy denies, so nothing is gained by causing an error.
            return if self.authorizer.config.flow.dry_run_errors {
                self.allow(Outcome::DryRunError, Mutations::default(), host)
            } else {
                self.error_reply()
            };
        }
        let mut mutations = Mutations::default();
        if self.authorizer.config.flow.failure_mode_allow_header_add {
            mutations.set_request_headers.push((config::FAILURE_MODE_ALLOWED.to_owned(), "true".to_owned()));
        }
        self.allow(Outcome::FailureModeAllow, mutations, host)
    }

    /// Whatever a side may decide, it is not done; no failure mode lets this through.
    pub(super) fn refuse(&mut self, reason: Reason, detail: &str, host: &dyn Host) -> Step {
        self.state = State::Done;
        self.failed(Implementation::None, reason, detail, host);
        self.error_reply()
    }

    pub(super) fn error_reply(&mut self) -> Step {
        self.implementation = Implementation::None;
        self.decision_id = None;
        let reply = Reply::error(self.authorizer.config.status_on_error);
        self.answer(Outcome::FailureModeDeny, reply)
    }

    pub(super) fn answer(&mut self, outcome: Outcome, mut reply: Reply) -> Step {
        self.outcome = outcome;
        reply.headers.extend(self.debug_header());
        Step::Deny(reply)
    }

    /// A callback came that this state does not wait for. Whatever the reason, the request is not let through.
    pub(super) fn out_of_turn(&mut self, host: &dyn Host) -> Step {
        self.host_failed(host)
    }

    pub(super) fn debug_header(&self) -> Option<decision::Header> {
        let name = self.authorizer.config.debug_header.clone()?;
        Some((name, self.implementation.label().to_owned()))
    }
}
