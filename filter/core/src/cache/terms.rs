//! Which answers may be kept, and how long.

use super::key::Parts;
use super::scope::{Revision, Scope};
use crate::config::CacheTimes;
use crate::decision::{Decision, Verdict};
use crate::metrics::Implementation;
use crate::plan::Reads;
use crate::policy::DecisionPath;
use crate::request::{Direct, Shape};
use std::time::Duration;

/// What is another for every request.
const DIFFER: [&[&str]; 2] = [&["attributes", "request", "time"], &["attributes", "request", "http", "id"]];

/// How the answers of one side to one decision are kept.
pub struct Terms {
    pub(super) scope: Scope,
    pub(super) parts: Parts,
    /// `None`: it takes the document to know what is at these parts.
    pub(super) direct: Option<Direct>,
    pub(super) times: Times,
}

/// How long, by what was decided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    allow: Duration,
    deny: Duration,
}

impl Terms {
    /// Of the inline side.
    ///
    /// # Errors
    /// Why its answers are not kept.
    pub fn inline(
        revision: &Revision,
        decision: &DecisionPath,
        reads: &Reads,
        impure: &[&str],
        times: &CacheTimes,
        shape: &Shape,
    ) -> Result<Self, String> {
        let whole = [Vec::new()];
        let paths = match reads {
            Reads::Whole => &whole[..],
            Reads::Parts(paths) => paths,
        };
        if let Some(part) = differs_always(paths) {
            return Err(format!("the policy reads input.{part}, which is another for every request"));
        }
        let longest = match (impure, times.impure) {
            ([], _) => Duration::MAX,
            (_, Some(time)) => time,
            (names, None) => {
                let names = names.join(", ");
                return Err(format!("the policy calls {names}, and no ttl_seconds_impure says how old it may be"));
            }
        };
        let scope = Scope::new(revision, Implementation::Rust, decision, paths);
        let times = Times { allow: times.allow.min(longest), deny: times.deny.min(longest) };
        Ok(Self { scope, parts: Parts::new(paths), direct: Direct::new(paths, shape), times })
    }

    /// Of the remote OPA: what it reads is what the operator says. It is asked with the whole document, so there is always
    /// one.
    #[must_use]
    pub fn remote(revision: &Revision, decision: &DecisionPath, paths: &[Vec<String>], time: Duration) -> Self {
        let scope = Scope::new(revision, Implementation::Remote, decision, paths);
        Self { scope, parts: Parts::new(paths), direct: None, times: Times { allow: time, deny: time } }
    }

    /// One line for the operator.
    #[must_use]
    pub fn summary(&self) -> String {
        let Times { allow, deny } = self.times;
        format!("what it allows is kept for {} s, what it denies for {} s", allow.as_secs(), deny.as_secs())
    }
}

impl Times {
    /// How long a decision is kept: the policy itself may say less.
    pub fn of(self, decision: &Decision) -> Duration {
        let time = match decision.verdict {
            Verdict::Allow(_) => self.allow,
            Verdict::Deny(_) => self.deny,
        };
        decision.cache_ttl.map_or(time, |most| time.min(most))
    }
}

/// A part of the input at or around one of these paths, or inside, that no two requests have in common.
#[must_use]
pub fn differs_always(paths: &[Vec<String>]) -> Option<String> {
    let touches = |path: &[String], part: &[&str]| path.iter().zip(part).all(|(name, other)| name == other);
    let differs = DIFFER.into_iter().find(|part| paths.iter().any(|path| touches(path, part)));
    differs.map(|part| part.join("."))
}
