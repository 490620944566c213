//! What is kept from one evaluation to the next: the entries used last, bounded by number and by bytes.

use crate::lru::Lru;
use std::hash::Hash;
use std::rc::Rc;

/// Programs of one family.
const MAX_PROGRAMS: usize = 500;
const MAX_PROGRAM_BYTES: usize = 4 << 20;

/// Compiled patterns by the text they were compiled from.
pub(super) type Programs<T> = Bounded<Box<str>, Rc<T>, MAX_PROGRAMS, MAX_PROGRAM_BYTES>;

/// A cache of at most `ENTRIES` entries that weigh at most `BYTES` together; what was not used longest goes first.
pub(super) struct Bounded<K: Hash + Eq, V, const ENTRIES: usize, const BYTES: usize> {
    entries: Lru<K, (V, usize)>,
    bytes: usize,
}

impl<K: Hash + Eq, V, const ENTRIES: usize, const BYTES: usize> Default for Bounded<K, V, ENTRIES, BYTES> {
    fn default() -> Self {
        Self { entries: Lru::default(), bytes: 0 }
    }
}

impl<K: Hash + Eq, V: Clone, const ENTRIES: usize, const BYTES: usize> Bounded<K, V, ENTRIES, BYTES> {
    pub fn get<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.entries.get(key).map(|(value, _)| value.clone())
    }

    /// Keeps the value, which weighs about so many bytes with its key.
    pub fn put(&mut self, key: K, value: V, bytes: usize) {
        if bytes > BYTES {
            return;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        if let Some((_, replaced)) = self.entries.put(key, (value, bytes)) {
            self.bytes = self.bytes.saturating_sub(replaced);
        }
        while self.bytes > BYTES || self.entries.len() > ENTRIES {
            let Some((_, (_, freed))) = self.entries.remove_oldest() else { return };
            self.bytes = self.bytes.saturating_sub(freed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn is_bounded_by_entries_and_by_bytes() {
        let mut few: Bounded<u32, u32, 2, 100> = Bounded::default();
        for key in 0..3 {
            few.put(key, key, 1);
        }
        assert_eq!((few.get(&0), few.get(&1), few.get(&2)), (None, Some(1), Some(2)));
        few.put(3, 3, 100);
        assert_eq!((few.get(&1), few.get(&2), few.get(&3)), (None, None, Some(3)));
        few.put(4, 4, 101);
        assert_eq!((few.get(&3), few.get(&4)), (Some(3), None));
        few.put(3, 5, 50);
        few.put(6, 6, 50);
        assert_eq!((few.get(&3), few.get(&6), few.bytes), (Some(5), Some(6), 100));
    }

    #[test]
    fn the_oldest_give_way() {
        let mut programs: Programs<usize> = Programs::default();
        for n in 0..=MAX_PROGRAMS {
            let text = n.to_string();
            let bytes = 1 + text.len();
            programs.put(text.into(), Rc::new(n), bytes);
            assert_eq!(programs.get("1").as_deref(), (n > 0).then_some(&1));
        }
        assert_eq!(programs.get("0"), None);
        assert_eq!(programs.entries.len(), MAX_PROGRAMS);
        programs.put("huge".into(), Rc::new(0), MAX_PROGRAM_BYTES - 96);
        programs.put("huge".into(), Rc::new(7), MAX_PROGRAM_BYTES - 96);
        assert_eq!(programs.get("huge").as_deref(), Some(&7));
        assert!(programs.entries.len() < 60 && programs.bytes <= MAX_PROGRAM_BYTES);
    }
}
