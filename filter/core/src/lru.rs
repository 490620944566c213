//! A map that knows the order in which its entries were used.
//!
//! Entries lie in one vector and name their neighbours by number, so every operation takes the same few steps, a walk
//! over all of them can stop anywhere and go on later, and nothing in here is `unsafe`. What fits and what has to go is
//! the business of those who use it.

use hashbrown::HashTable;
use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash, RandomState};

/// No entry has this number.
const NONE: usize = usize::MAX;

/// What a table has beyond its buckets.
#[cfg(test)]
const MAX_GROUP: usize = 64;

/// Entries by key, in order of use.
///
/// The hasher is `SipHash` with keys that the standard library draws from the host's random numbers: who does not know
/// them cannot choose keys that collide. Faster hashers promise less.
pub struct Lru<K, V, S = RandomState> {
    /// Numbers of slots, by the hash of their keys.
    table: HashTable<usize>,
    slots: Vec<Slot<K, V>>,
    newest: usize,
    oldest: usize,
    /// The first of the free slots, which are a list.
    free: usize,
    hasher: S,
}

struct Slot<K, V> {
    /// `None`: the slot is free, and `older` is the next free one.
    entry: Option<(K, V)>,
    hash: u64,
    newer: usize,
    older: usize,
}

impl<K, V, S: Default> Default for Lru<K, V, S> {
    fn default() -> Self {
        Self {
            table: HashTable::new(),
            slots: Vec::new(),
            newest: NONE,
            oldest: NONE,
            free: NONE,
            hasher: S::default(),
        }
    }
}

impl<K, V, S> Lru<K, V, S> {
    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// The bytes that [`reserve`](Self::reserve) takes for so many entries.
    #[cfg(test)]
    pub const fn bytes_for(entries: usize) -> usize {
        // The table: numbers and a byte each, at most 7/8 full, of a size that is a power of two.
        let buckets = entries.saturating_mul(2).saturating_mul(8).div_ceil(7).next_power_of_two();
        let table = buckets.saturating_mul(size_of::<usize>().saturating_add(1)).saturating_add(MAX_GROUP);
        entries.saturating_mul(size_of::<Slot<K, V>>()).saturating_add(table)
    }

    /// Makes room for so many entries, so that nothing grows before there are more.
    pub fn reserve(&mut self, entries: usize) {
        self.slots.reserve_exact(entries.saturating_sub(self.slots.len()));
        // Twice as much, since what was removed takes up room until the table is cleaned, which it is without growing
        // while half of it is enough.
        let room = entries.saturating_mul(2).saturating_sub(self.table.len());
        let slots = &self.slots;
        self.table.reserve(room, |at| slots.get(*at).map_or(0, |slot| slot.hash));
    }

    /// Bytes of memory, beside what keys and values have elsewhere.
    #[must_use]
    pub fn own_bytes(&self) -> usize {
        let slots = self.slots.capacity().saturating_mul(size_of::<Slot<K, V>>());
        slots.saturating_add(self.table.allocation_size())
    }

    /// Numbers of slots are below this. A slot keeps its number as long as its entry is there.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    /// The value in a slot, if there is one.
    #[must_use]
    pub fn in_slot(&self, at: usize) -> Option<&V> {
        self.slots.get(at)?.entry.as_ref().map(|(_, value)| value)
    }

    /// Takes an entry out.
    pub fn remove_slot(&mut self, at: usize) -> Option<(K, V)> {
        let slot = self.slots.get_mut(at)?;
        let entry = slot.entry.take()?;
        if let Ok(found) = self.table.find_entry(slot.hash, |other| *other == at) {
            found.remove();
        }
        self.unlink(at);
        if let Some(slot) = self.slots.get_mut(at) {
            slot.older = self.free;
        }
        self.free = at;
        Some(entry)
    }

    /// Takes out the entry that was not used for longest.
    pub fn remove_oldest(&mut self) -> Option<(K, V)> {
        self.remove_slot(self.oldest)
    }

    /// Takes out all of them.
    pub fn clear(&mut self) {
        self.table.clear();
        self.slots.clear();
        (self.newest, self.oldest, self.free) = (NONE, NONE, NONE);
    }

    fn unlink(&mut self, at: usize) {
        let Some((newer, older)) = self.slots.get(at).map(|slot| (slot.newer, slot.older)) else { return };
        match self.slots.get_mut(newer) {
            Some(slot) => slot.older = older,
            None => self.newest = older,
        }
        match self.slots.get_mut(older) {
            Some(slot) => slot.newer = newer,
            None => self.oldest = newer,
        }
    }

    /// Makes a slot that stands nowhere in the order the newest.
    fn link(&mut self, at: usize) {
        let second = std::mem::replace(&mut self.newest, at);
        match self.slots.get_mut(second) {
            Some(slot) => slot.newer = at,
            None => self.oldest = at,
        }
        if let Some(slot) = self.slots.get_mut(at) {
            (slot.newer, slot.older) = (NONE, second);
        }
    }

    /// Puts an entry into a slot, a free one if there is one.
    fn fill(&mut self, hash: u64, entry: (K, V)) -> usize {
        let filled = Slot { entry: Some(entry), hash, newer: NONE, older: NONE };
        let at = self.free;
        if let Some(slot) = self.slots.get_mut(at) {
            self.free = slot.older;
            *slot = filled;
            return at;
        }
        self.slots.push(filled);
        self.slots.len().saturating_sub(1)
    }
}

impl<K: Hash + Eq, V, S: BuildHasher> Lru<K, V, S> {
    /// The slot of a key.
    pub fn find<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
    {
        self.find_hashed(self.hasher.hash_one(key), key)
    }

    fn find_hashed<Q: Eq + ?Sized>(&self, hash: u64, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
    {
        let is_it = |at: &usize| {
            let entry = self.slots.get(*at).and_then(|slot| slot.entry.as_ref());
            entry.is_some_and(|(other, _)| other.borrow() == key)
        };
        self.table.find(hash, is_it).copied()
    }

    /// The value of a key, which counts as used.
    pub fn get<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key)?;
        self.touch(at);
        self.in_slot(at)
    }

    /// The entry in this slot is the one that was used last.
    pub fn touch(&mut self, at: usize) {
        if at != self.newest && self.in_slot(at).is_some() {
            self.unlink(at);
            self.link(at);
        }
    }

    /// Adds an entry, as the one that was used last; the value that the key had before.
    pub fn put(&mut self, key: K, value: V) -> Option<V> {
        let hash = self.hasher.hash_one(&key);
        let known = self.find_hashed(hash, &key);
        if let Some((at, entry)) = known.and_then(|at| Some((at, self.slots.get_mut(at)?.entry.as_mut()?))) {
            let replaced = std::mem::replace(&mut entry.1, value);
            self.touch(at);
            return Some(replaced);
        }
        let at = self.fill(hash, (key, value));
        self.link(at);
        let slots = &self.slots;
        self.table.insert_unique(hash, at, |at| slots.get(*at).map_or(0, |slot| slot.hash));
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dice::Dice;
    use std::hash::{BuildHasherDefault, Hasher};
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Everything collides.
    #[derive(Default)]
    struct Zero;

    impl Hasher for Zero {
        fn finish(&self) -> u64 {
            0
        }

        fn write(&mut self, _: &[u8]) {}
    }

    /// Oldest first.
    fn model_get(model: &mut Vec<(usize, usize)>, key: usize) -> Option<usize> {
        let at = model.iter().position(|(other, _)| *other == key)?;
        let entry = model.remove(at);
        model.push(entry);
        Some(entry.1)
    }

    fn agrees_with_a_list<S: BuildHasher + Default>(operations: usize) {
        let mut lru: Lru<usize, usize, S> = Lru::default();
        let mut model: Vec<(usize, usize)> = Vec::new();
        let mut dice = Dice(1);
        for value in 0..operations {
            let key = dice.roll(20);
            match dice.roll(10) {
                0..4 => assert_eq!(lru.get(&key).copied(), model_get(&mut model, key)),
                4..8 => {
                    let before = model_get(&mut model, key);
                    if before.is_some() {
                        model.pop();
                    }
                    model.push((key, value));
                    assert_eq!(lru.put(key, value), before);
                }
                8 => {
                    let before = lru.find(&key).and_then(|at| lru.remove_slot(at));
                    let at = model.iter().position(|(other, _)| *other == key);
                    assert_eq!(before, at.map(|at| model.remove(at)));
                }
                _ if dice.roll(100) == 0 => {
                    lru.clear();
                    model.clear();
                }
                _ => {
                    let oldest = (!model.is_empty()).then(|| model.remove(0));
                    assert_eq!(lru.remove_oldest(), oldest);
                }
            }
            assert_eq!(lru.len(), model.len());
            let mut inside: Vec<_> = (0..lru.slots()).filter_map(|at| lru.in_slot(at)).copied().collect();
            let mut expected: Vec<_> = model.iter().map(|(_, value)| *value).collect();
            inside.sort_unstable();
            expected.sort_unstable();
            assert_eq!(inside, expected);
        }
        assert!(lru.slots() <= 20, "free slots are used again");
    }

    #[test]
    fn does_what_a_list_would_do() {
        agrees_with_a_list::<RandomState>(50_000);
    }

    #[test]
    fn keys_that_collide_are_told_apart() {
        agrees_with_a_list::<BuildHasherDefault<Zero>>(5_000);
    }

    #[test]
    fn what_was_reserved_does_not_grow() {
        let mut lru: Lru<u64, u64> = Lru::default();
        lru.reserve(1_000);
        let before = lru.own_bytes();
        assert!((1_000 * size_of::<Slot<u64, u64>>()..=Lru::<u64, u64>::bytes_for(1_000)).contains(&before));
        for key in 0..100_000 {
            if lru.len() == 1_000 {
                lru.remove_oldest().unwrap();
            }
            lru.put(key, key);
        }
        assert_eq!((lru.len(), lru.own_bytes()), (1_000, before));
    }
}
