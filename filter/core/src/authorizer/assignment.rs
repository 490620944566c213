//! Which side decides for a request, and whether it remembers.

use super::Authorizer;
use crate::host::Host;
use crate::metrics::{Counter, Feature, Implementation};
use crate::request::Head;
use crate::rollout::InForce;

/// Who is to decide.
#[derive(Clone, Copy)]
pub(super) struct Assignment {
    pub(super) side: Implementation,
    /// Nobody was named by the headers that may name a user.
    is_anonymous: bool,
    /// Whether the cache is used, where there is one.
    pub(super) uses_cache: Option<bool>,
}

impl Authorizer {
    /// The side that decides for this request, and whether it remembers.
    pub(super) fn assignment(&self, head: &Head, decision: usize) -> Assignment {
        let user = self.config.identity.iter().filter_map(|name| head.get(name)).find(|value| !value.is_empty());
        let user = user.as_deref();
        let InForce { rust_opa, rust_cache } = self.rollout.in_force();
        let uses_cache = rust_cache.map(|feature| feature.applies(user));
        if !rust_opa.enabled || self.inline(decision).is_none() {
            return Assignment { side: Implementation::Remote, is_anonymous: false, uses_cache };
        }
        let is_anonymous = user.is_none() && !self.config.identity.is_empty();
        let inline = rust_opa.applies(user);
        Assignment {
            side: if inline { Implementation::Rust } else { Implementation::Remote },
            is_anonymous,
            uses_cache,
        }
    }
}

impl Authorizer {
    /// Takes back what a request has lost since it was assigned: who is not decided inline any more is not, and who has
    /// lost the cache does not ask it. Nothing is given: a request keeps the side that it began with.
    pub(super) fn withdraw(&self, assignment: &mut Assignment, head: &Head, decision: usize) {
        let now = self.assignment(head, decision);
        if now.side == Implementation::Remote {
            assignment.side = Implementation::Remote;
        }
        if now.uses_cache != Some(true) {
            assignment.uses_cache = now.uses_cache;
        }
    }
}

impl Assignment {
    pub(super) fn count(self, host: &dyn Host) {
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
