//! The state machine of one request: what is to be done next, never doing it.
//!
//! ```text
//! Authorizer::check ─► Step::NeedBody ─► Check::body ─┐
//!        └────────────────────────────────────────────┴► Step::Allow | Step::Deny
//!                                                     └► Step::Call ─► Check::resume ─► Step::Allow | Step::Deny
//! ```
//!
//! Every way through ends in `Allow` or `Deny`, and every way that is not a decision of a policy ends in `Deny`, but
//! for four that the operator chose: `failure_mode_allow` where the request itself did not cause the error, `dry_run`,
//! `dry_run.errors`, and a route that disables the check where `route_overrides` is on.

use crate::cache::{Facts, Keeper, Revision};
use crate::config::{self, Config, ConfigError, Settings};
use crate::decision::{Mutations, Reply};
use crate::engine::{self, Engine, LoadError, Loaded, Shelf};
use crate::host::{Clock, Live};
use crate::policy::DecisionPath;
use crate::remote::Callout;
use crate::remote::breaker::Breaker;
use crate::request::{self, Head, Selection};
use crate::rollout::Rollout;
use crate::text::hexadecimal;
use sha2::{Digest as _, Sha256};
use shadow::Shadow;
use std::cell::Cell;
use std::rc::Rc;

pub use breaker::Probed;
pub use check::Check;
pub(crate) use end::Answer;
pub use pending::{Asked, Pending};

/// A configuration in force: decides requests, keeps nothing of them but what `shadow` and the cache are told to.
pub struct Authorizer {
    config: Settings,
    /// The configured decision, then those that routes may choose.
    paths: Vec<DecisionPath>,
    /// One for each path. `None`: it cannot be decided inline, and the remote OPA decides for everyone.
    engines: Vec<Option<Inline>>,
    keeper: Option<Keeper>,
    /// Of the remote OPA; `None`: it is always asked.
    breaker: Option<Rc<Cell<Breaker>>>,
    rollout: Rollout,
    shadow: Option<Shadow>,
    clock: Rc<dyn Clock>,
    summary: String,
    digests: Digests,
}

/// By what an operator knows a configuration again. SHA-256, in hexadecimal.
#[derive(Debug, Clone)]
pub struct Digests {
    /// Of the configuration's bytes.
    pub configuration: String,
    /// Of the policy in it: of the bundle's file, where there is one.
    pub policy: String,
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
        let Config { policy, policy_digest, settings } = config::read(bytes, env)?;
        let unprovided = request::unprovided(&settings.shape);
        let paths: Vec<DecisionPath> = policy.paths().cloned().collect();
        let (mut engines, mut facts, mut summaries) = (Vec::new(), Vec::new(), Vec::new());
        for loaded in engine::load(&policy, shelf, &unprovided) {
            facts.push(loaded.as_ref().ok().map(Facts::of));
            let (engine, summary) = ready(loaded, policy.unsupported_goes_remote, &settings, &clock)?;
            engines.push(engine);
            summaries.push(summary);
        }
        let keeper = settings.rust_cache.as_ref().map(|cache| {
            let revision = Revision::of(bytes, &cache.times);
            Keeper::new(cache, &settings.shape, &revision, &paths, &facts, shelf)
        });
        let (keeper, kept) = keeper.unzip();
        summaries.extend(kept.into_iter().flatten());
        let breaker = settings.remote.as_ref().and_then(breaker::key).map(|key| shelf.breaker(key, clock.now()));
        let rollout = Rollout::new(&settings, engines.iter().any(Option::is_some));
        let digests = Digests { configuration: hexadecimal(&Sha256::digest(bytes)), policy: policy_digest };
        let shadow = settings.shadow.map(Shadow::new);
        let summary = summaries.join("; ");
        Ok(Self { config: settings, paths, engines, keeper, breaker, rollout, shadow, clock, summary, digests })
    }

    /// From now on the live state of this plugin counts.
    #[must_use]
    pub fn attached(mut self, live: Rc<dyn Live>, plugin: &str, shelf: &Shelf) -> Self {
        self.rollout.attach(live, shelf.known(plugin));
        self
    }

    /// Who has which feature, and the way to change it while the proxy runs.
    #[must_use]
    pub const fn rollout(&self) -> &Rollout {
        &self.rollout
    }

    /// Where the operator's endpoints are, and who may use them.
    #[must_use]
    pub const fn admin(&self) -> Option<&config::Admin> {
        self.config.admin.as_ref()
    }

    /// One line for the operator: how the policy is evaluated, and why so.
    #[must_use]
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// By what an operator knows this configuration again.
    #[must_use]
    pub const fn digests(&self) -> &Digests {
        &self.digests
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

    /// The decision of this number, where it is made inline.
    fn inline(&self, decision: usize) -> Option<&Inline> {
        self.engines.get(decision)?.as_ref()
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

mod assignment;
mod breaker;
mod check;
mod end;
mod keep;
mod pending;
mod shadow;
#[cfg(test)]
mod tests;
