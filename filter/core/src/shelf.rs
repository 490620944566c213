//! What is in use in this VM, so that a push does not make it anew.
//!
//! A shelf keeps nothing alive: a new configuration is taken while the old one still serves, so what it needs is
//! there; what nobody uses is gone.

use crate::cache::{Bounds, Cache};
use crate::plan::Plan;
use crate::remote::breaker::{Breaker, Key};
use crate::rollout::Known;
use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::rc::{Rc, Weak};

/// One VM's.
#[derive(Default)]
pub struct Shelf {
    /// By the SHA-256 of their bytes.
    pub(crate) plans: InUse<[u8; 32], Plan>,
    /// By how much they may hold. Configurations that agree in that share one, each with keys of its own.
    pub(crate) caches: InUse<Bounds, RefCell<Cache>>,
    /// By what they have to agree in.
    breakers: InUse<Key, Cell<Breaker>>,
    /// By the plugin's name.
    lives: InUse<String, Known>,
    /// How often an operator had caches emptied, in which plugin of this VM ever: it empties those of all of them.
    pub(crate) cleanings: Rc<Cell<u64>>,
}

/// How the caches of a VM stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Decisions that were removed because their time is over.
    pub expired: usize,
    /// Decisions that are kept.
    pub entries: usize,
    /// Bytes of memory that they take.
    pub bytes: usize,
}

impl Shelf {
    /// What this VM knows of the live state of a plugin.
    pub(crate) fn known(&self, plugin: &str) -> Rc<Known> {
        let Ok((known, _)) =
            self.lives.take(plugin.to_owned(), || Ok::<_, Infallible>(Known::new(Rc::clone(&self.cleanings))));
        known
    }

    /// The breaker of this key.
    pub(crate) fn breaker(&self, key: Key, now: u64) -> Rc<Cell<Breaker>> {
        let new = Breaker::new(key.window, now);
        let Ok((breaker, _)) = self.breakers.take(key, || Ok::<_, Infallible>(Cell::new(new)));
        breaker
    }

    /// How many remote OPAs are not asked.
    #[must_use]
    pub fn open_breakers(&self) -> usize {
        self.breakers.all().iter().filter(|breaker| !breaker.get().is_closed()).count()
    }

    /// Removes decisions whose time is over, a bounded part of them; `now` is that of the VM's clock.
    #[must_use]
    pub fn sweep(&self, now: u64) -> Swept {
        let mut swept = Swept::default();
        for cache in self.caches.all() {
            let Ok(mut cache) = cache.try_borrow_mut() else { continue };
            cache.renew(self.cleanings.get());
            swept.expired = swept.expired.saturating_add(cache.sweep(now));
            swept.entries = swept.entries.saturating_add(cache.len());
            swept.bytes = swept.bytes.saturating_add(cache.bytes());
        }
        swept
    }
}

/// Things by what they were made of.
pub(crate) struct InUse<K, T>(RefCell<Vec<(K, Weak<T>)>>);

impl<K, T> Default for InUse<K, T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<K: PartialEq, T> InUse<K, T> {
    /// The thing of this kind, if one is in use, else what `make` makes; and whether it was in use.
    pub fn take<E>(&self, key: K, make: impl FnOnce() -> Result<T, E>) -> Result<(Rc<T>, bool), E> {
        let known = self.0.borrow().iter().find(|(other, _)| *other == key).and_then(|(_, thing)| thing.upgrade());
        if let Some(thing) = known {
            return Ok((thing, true));
        }
        let thing = Rc::new(make()?);
        let mut things = self.0.borrow_mut();
        things.retain(|(_, thing)| thing.strong_count() > 0);
        things.push((key, Rc::downgrade(&thing)));
        Ok((thing, false))
    }

    /// Everything that is in use.
    pub fn all(&self) -> Vec<Rc<T>> {
        self.0.borrow().iter().filter_map(|(_, thing)| thing.upgrade()).collect()
    }
}
