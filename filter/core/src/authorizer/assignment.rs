//! Which side decides for a request, and whether it remembers.

use super::Authorizer;
use crate::host::{Host, HostError};
use crate::identity::{self, Pins};
use crate::metrics::{self, Counter, Implementation};
use crate::request::Head;
use crate::rollout::{self, InForce, RolledBack, Share};

/// Who is to decide.
#[derive(Clone, Copy)]
pub(super) struct Assignment {
    pub(super) side: Implementation,
    /// No source of an identity has a user.
    is_anonymous: bool,
    /// Whether the cache is used, where there is one.
    pub(super) uses_cache: Option<bool>,
    /// Where the remote OPA does not answer, the inline side may: it is in use, and nobody keeps this user out.
    pub(super) may_go_inline: bool,
    /// Both sides are to decide.
    pub(super) is_shadowed: bool,
    /// The version of the live state that says so.
    version: u64,
}

impl Authorizer {
    /// The side that decides for this request, and whether it remembers.
    pub(super) fn assignment(&self, head: &Head, decision: usize, host: &dyn Host) -> Result<Assignment, HostError> {
        self.assignment_in(self.rollout.in_force(), head, decision, host)
    }

    fn assignment_in(
        &self,
        in_force: InForce,
        head: &Head,
        decision: usize,
        host: &dyn Host,
    ) -> Result<Assignment, HostError> {
        let user = identity::user(&self.config.identity, head, host)?;
        let user = user.as_deref();
        let InForce { rust_opa, rust_cache, version, .. } = in_force;
        let cache = rust_cache.zip(self.config.rust_cache.as_ref());
        let uses_cache = cache.map(|(share, cache)| has(share, &cache.pins, user, head));
        if !rust_opa.enabled || self.inline(decision).is_none() {
            // There is no inline side, or an operator switched it off: then it does not run at all.
            let (side, may_go_inline, is_shadowed) = (Implementation::Remote, false, false);
            return Ok(Assignment { side, is_anonymous: false, uses_cache, may_go_inline, is_shadowed, version });
        }
        let is_anonymous = user.is_none() && !self.config.identity.is_empty();
        let pins = &self.config.rust_opa_pins;
        let side = if has(rust_opa, pins, user, head) { Implementation::Rust } else { Implementation::Remote };
        let may_go_inline = rust_opa.percentage.is_split() && pins.of(user, head) != Some(false);
        let is_shadowed = self.config.shadow.is_some_and(|shadow| shadow.percentage.includes(rollout::SHADOW, user));
        Ok(Assignment { side, is_anonymous, uses_cache, may_go_inline, is_shadowed, version })
    }
}

impl Authorizer {
    /// Takes back what a request has lost since it was assigned: who is not decided inline any more is not, and who has
    /// lost the cache does not ask it. Nothing is given: a request keeps the side that it began with. A rollback since then
    /// counts even if a push has ended it: what that push says is not what this request's configuration says.
    pub(super) fn withdraw(
        &self,
        assignment: &mut Assignment,
        head: &Head,
        decision: usize,
        host: &dyn Host,
    ) -> Result<(), HostError> {
        let in_force = self.rollout.in_force();
        let RolledBack { rust_opa, rust_cache } = in_force.rolled_back;
        let now = self.assignment_in(in_force, head, decision, host)?;
        // Without a remote OPA nobody can roll it back, and nobody else could decide.
        let is_rolled_back = rust_opa > assignment.version && self.config.remote.is_some();
        if now.side == Implementation::Remote || is_rolled_back {
            assignment.side = Implementation::Remote;
        }
        assignment.may_go_inline &= now.may_go_inline && !is_rolled_back;
        if now.uses_cache != Some(true) {
            assignment.uses_cache = now.uses_cache;
        }
        if rust_cache > assignment.version {
            assignment.uses_cache = assignment.uses_cache.map(|_| false);
        }
        Ok(())
    }
}

/// Whether a request has a feature. One that is off or rolled back has nobody, a pin comes before the percentage.
fn has(share: Share, pins: &Pins, user: Option<&str>, head: &Head) -> bool {
    share.enabled && pins.of(user, head).unwrap_or_else(|| share.applies(user))
}

impl Assignment {
    pub(super) fn count(self, host: &dyn Host) {
        if self.is_anonymous {
            host.count(Counter::IdentityMissing);
        }
        host.count(Counter::Assignment(metrics::Feature::RustOpa, self.side));
        if let Some(uses_cache) = self.uses_cache {
            let implementation = if uses_cache { Implementation::Rust } else { Implementation::None };
            host.count(Counter::Assignment(metrics::Feature::RustCache, implementation));
        }
    }
}
