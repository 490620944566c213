//! Decisions by key, bounded by number and by bytes, each until its time.

use super::CacheError;
use super::cost;
use crate::decision::Decision;
use crate::lru::Lru;
use std::hash::{BuildHasher as _, RandomState};

/// Most that one entry may weigh: what one request may push out of the cache.
pub const MAX_ENTRY_BYTES: usize = 64 * 1024;

/// What a place for an entry takes at most, on a machine of 64 bits.
const BYTES_PER_SLOT: usize = 96;

/// Slots that one sweep looks at.
const SWEEP: usize = 1024;

/// How much a cache may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Entries.
    pub max_size: usize,
    /// Bytes of memory, everything included.
    pub max_bytes: usize,
}

/// Until when a decision holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Until {
    /// Nanoseconds of the VM's clock. At this time it is over.
    pub expires: u64,
    /// If it depends on the time of day: from when and until when, in nanoseconds since the epoch. Clocks are set.
    pub time_of_day: Option<(i64, i64)>,
}

impl Until {
    fn holds(&self, now: u64, time_of_day: impl FnOnce() -> Option<i64>) -> bool {
        let in_time = |(from, until)| time_of_day().is_some_and(|time| (from..until).contains(&time));
        now < self.expires && self.time_of_day.is_none_or(in_time)
    }
}

struct Entry {
    decision: Decision,
    until: Until,
    /// What the entry weighs.
    bytes: usize,
    /// Of the key and everything above that is handed out: what is found must be what was kept under this very key.
    seal: u64,
}

/// What an entry weighs, beside its place.
pub(super) fn weight(key: &[u8], decision: &Decision) -> usize {
    let parts = [cost::block(key.len()), cost::block(size_of::<Entry>()), cost::decision(decision)];
    parts.into_iter().fold(0, usize::saturating_add)
}

/// The cache of one VM.
pub struct Cache {
    bounds: Bounds,
    entries: Lru<Box<[u8]>, Box<Entry>>,
    /// What the entries weigh together.
    bytes: usize,
    seals: RandomState,
    generation: u64,
    /// The slot at which the next sweep begins.
    next: usize,
}

impl Cache {
    /// An empty one. It takes no memory before the first entry.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        let (entries, seals) = (Lru::default(), RandomState::new());
        Self { bounds, entries, bytes: 0, seals, generation: 0, next: 0 }
    }

    /// The fewest bytes that a cache of so many entries can do with: what it takes for itself from its first entry on,
    /// on any machine, and room for the largest entry.
    #[must_use]
    pub const fn least_bytes(max_size: usize) -> usize {
        max_size.saturating_mul(BYTES_PER_SLOT).saturating_add(MAX_ENTRY_BYTES).saturating_add(1024)
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that are taken.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.saturating_add(self.entries.own_bytes())
    }

    /// Which life of the cache this is.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Begins another life, empty, unless it is this one. What was asked in an earlier one is not kept any more.
    pub fn renew(&mut self, generation: u64) {
        if self.generation != generation {
            self.generation = generation;
            self.entries.clear();
            self.bytes = 0;
        }
    }

    /// The decision that is kept under a key.
    ///
    /// # Errors
    /// It is not the one that was kept.
    pub fn get(
        &mut self,
        key: &[u8],
        now: u64,
        time_of_day: impl FnOnce() -> Option<i64>,
    ) -> Result<Option<Decision>, CacheError> {
        let Some(at) = self.entries.find(key) else { return Ok(None) };
        let Some(entry) = self.entries.in_slot(at) else { return Ok(None) };
        if !entry.until.holds(now, time_of_day) {
            self.remove(at);
            return Ok(None);
        }
        if entry.seal != self.seal(key, &entry.decision, entry.until) {
            self.remove(at);
            return Err(CacheError::Integrity);
        }
        let decision = entry.decision.clone();
        self.entries.touch(at);
        Ok(Some(decision))
    }

    /// Keeps a decision; how many others had to go for it.
    ///
    /// # Errors
    /// It is more than an entry may hold.
    pub fn put(&mut self, key: Vec<u8>, decision: &Decision, until: Until) -> Result<usize, CacheError> {
        // A copy has no room to spare.
        let (key, decision) = (key.into_boxed_slice(), decision.clone());
        let bytes = weight(&key, &decision);
        if bytes > MAX_ENTRY_BYTES {
            return Err(CacheError::EntryTooLarge);
        }
        if let Some(at) = self.entries.find(&*key) {
            self.remove(at);
        }
        if self.entries.slots() == 0 {
            self.entries.reserve(self.bounds.max_size);
        }
        let evicted = self.make_room(bytes)?;
        let seal = self.seal(&key, &decision, until);
        self.bytes = self.bytes.saturating_add(bytes);
        self.entries.put(key, Box::new(Entry { decision, until, bytes, seal }));
        Ok(evicted)
    }

    /// Removes what has expired, looking at a bounded part each time; how many that were.
    pub fn sweep(&mut self, now: u64) -> usize {
        let end = self.next.saturating_add(SWEEP).min(self.entries.slots());
        let before = self.entries.len();
        for at in self.next..end {
            if self.entries.in_slot(at).is_some_and(|entry| entry.until.expires <= now) {
                self.remove(at);
            }
        }
        self.next = if end < self.entries.slots() { end } else { 0 };
        before.saturating_sub(self.entries.len())
    }

    fn make_room(&mut self, bytes: usize) -> Result<usize, CacheError> {
        let mut evicted: usize = 0;
        while self.len() >= self.bounds.max_size || self.bytes().saturating_add(bytes) > self.bounds.max_bytes {
            let (_, entry) = self.entries.remove_oldest().ok_or(CacheError::EntryTooLarge)?;
            self.bytes = self.bytes.saturating_sub(entry.bytes);
            evicted = evicted.saturating_add(1);
        }
        Ok(evicted)
    }

    fn remove(&mut self, at: usize) {
        if let Some((_, entry)) = self.entries.remove_slot(at) {
            self.bytes = self.bytes.saturating_sub(entry.bytes);
        }
    }

    fn seal(&self, key: &[u8], decision: &Decision, until: Until) -> u64 {
        self.seals.hash_one((key, decision, until))
    }

    /// Lets each of two entries answer for the other, as a bug or a broken memory might.
    #[cfg(test)]
    pub(super) fn confuse(&mut self, a: &[u8], b: &[u8]) {
        let [(key_a, entry_a), (key_b, entry_b)] =
            [a, b].map(|key| self.entries.find(key).and_then(|at| self.entries.remove_slot(at)).unwrap());
        self.entries.put(key_a, entry_b);
        self.entries.put(key_b, entry_a);
    }
}
