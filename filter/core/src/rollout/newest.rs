//! Which configuration of a plugin is the newest in one VM. Those before it live on until their last request has ended,
//! and what an operator says to one of them would not be said of the one that decides from now on.
//!
//! Envoy tells when a configuration comes, and not when it takes up one again that it still has. That shows by the
//! requests: one on a connection that came after the first one of the newer configuration, and begins under the older.
//! (On connections from before, the older one may be at work for other reasons: their listener is drained.)

use super::document::digest;
use super::in_force::Rollout;
use crate::metrics::Feature;
use std::cell::RefCell;
use std::rc::{Rc, Weak};

/// What a change of a feature depends on. Where two configurations agree in it, a change under one is one under the other.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Terms {
    /// `None`: the feature is not configured.
    digest: Option<String>,
    has_remote: bool,
    has_identity: bool,
}

/// One configuration, as the others of its plugin know it: `rust_opa`, then `rust_cache`.
#[derive(Debug)]
pub(super) struct Taken([Terms; 2]);

/// Of one plugin in one VM.
#[derive(Debug, Default)]
pub(super) struct Newest(RefCell<Last>);

#[derive(Debug, Default)]
struct Last {
    taken: Weak<Taken>,
    /// The connection of its first request beside those before it. Envoy counts connections up, those of all workers
    /// together.
    connection: Option<u64>,
    /// Those before it, as long as they live.
    others: Vec<Weak<Taken>>,
}

impl Last {
    /// Another one is the last.
    fn change(&mut self, taken: &Rc<Taken>, connection: Option<u64>) {
        let before = std::mem::replace(&mut self.taken, Rc::downgrade(taken));
        self.others.push(before);
        self.others.retain(|other| other.strong_count() > 0 && !other.ptr_eq(&self.taken));
        self.connection = connection;
    }

    /// Only one that another one may take the place of needs to be known by its requests.
    fn is_alone(&self) -> bool {
        self.others.iter().all(|other| other.strong_count() == 0)
    }
}

impl Taken {
    fn of(&self, feature: Feature) -> &Terms {
        let Self([rust_opa, rust_cache]) = self;
        match feature {
            Feature::RustOpa => rust_opa,
            Feature::RustCache => rust_cache,
        }
    }
}

impl Newest {
    /// A configuration has come.
    pub(super) fn comes(&self, taken: &Rc<Taken>) {
        self.0.borrow_mut().change(taken, None);
    }

    /// A request begins under a configuration.
    fn begins(&self, taken: &Rc<Taken>, connection: &dyn Fn() -> Option<u64>) {
        let mut last = self.0.borrow_mut();
        match last.taken.upgrade() {
            Some(newest) if Rc::ptr_eq(&newest, taken) => {
                if last.connection.is_none() && !last.is_alone() {
                    last.connection = connection();
                }
            }
            Some(_) => {
                let connection = connection();
                // Not known of either: the one that came later.
                if last.connection.is_some() && connection > last.connection {
                    last.change(taken, connection);
                }
            }
            None => last.change(taken, connection()),
        }
    }

    /// The newest one, this one if that is gone: Envoy has taken it up again.
    fn or(&self, taken: &Rc<Taken>) -> Rc<Taken> {
        let mut last = self.0.borrow_mut();
        last.taken.upgrade().unwrap_or_else(|| {
            // The requests may still tell that it is another.
            last.change(taken, Some(0));
            Rc::clone(taken)
        })
    }
}

impl Rollout {
    /// To be told of every request that begins. `connection`: the number of its connection.
    pub fn begins(&self, connection: &dyn Fn() -> Option<u64>) {
        if let Some(attached) = &self.attached {
            attached.known.newest.begins(&attached.taken, connection);
        }
    }

    /// Whether no newer configuration of its plugin is in this VM.
    #[must_use]
    pub fn is_newest(&self) -> bool {
        self.attached
            .as_ref()
            .is_none_or(|attached| Rc::ptr_eq(&attached.known.newest.or(&attached.taken), &attached.taken))
    }

    /// Whether an update of this feature, made here, would be another one under the newest configuration.
    pub(super) fn is_replaced(&self, feature: Feature) -> bool {
        self.attached
            .as_ref()
            .is_some_and(|attached| attached.known.newest.or(&attached.taken).of(feature) != attached.taken.of(feature))
    }

    /// What an override of this feature would carry under the newest configuration; `None`: it does not have the feature.
    pub(super) fn newest_digest(&self, feature: Feature) -> Option<String> {
        let attached = self.attached.as_ref()?;
        attached.known.newest.or(&attached.taken).of(feature).digest.clone()
    }

    pub(super) fn taken(&self) -> Taken {
        Taken([Feature::RustOpa, Feature::RustCache].map(|feature| Terms {
            digest: self.setting(feature).map(|setting| digest(feature, setting.enabled, setting.percentage)),
            has_remote: self.has_remote,
            has_identity: self.has_identity,
        }))
    }
}
