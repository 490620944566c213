//! What is kept of tokens and keys: only what depends on nothing but the bytes that are looked up with. Never whether a
//! token is valid *now*.

use super::keys::KeySet;
use lru::LruCache;
use regorus::Value;
use sha2::{Digest, Sha256};
use std::hash::Hash;
use std::rc::Rc;
use std::sync::Arc;

/// The memory of `io.jwt.*`.
#[derive(Default)]
pub(in super::super) struct TokenMemory {
    /// Parsed keys, by the text that holds them.
    pub(super) keys: Bounded<Arc<str>, Rc<KeySet>, 64, 0x10_0000>,
    /// What `io.jwt.decode` answers, by token.
    pub(super) decoded: Bounded<Arc<str>, Value, 512, 0x20_0000>,
    /// What `io.jwt.verify_*` answers, by [`fingerprint`].
    pub(super) verified: Bounded<[u8; 32], bool, 4096, 0x10_0000>,
    /// What `io.jwt.decode_verify` found before it looked at the claims, by [`fingerprint`].
    pub(super) opened: Bounded<[u8; 32], Opened, 512, 0x20_0000>,
}

/// A token whose signature has been looked at.
#[derive(Debug, Clone)]
pub(super) enum Opened {
    /// The signature or the header do not fit what is demanded.
    Refused,
    /// Header and payload, of the innermost token if it is nested.
    Trusted(Value, Value),
}

/// A cache of at most `ENTRIES` entries that weigh at most `BYTES` together; what was not used longest goes first.
pub(super) struct Bounded<K: Hash + Eq, V, const ENTRIES: usize, const BYTES: usize> {
    entries: LruCache<K, (V, usize)>,
    bytes: usize,
}

impl<K: Hash + Eq, V, const ENTRIES: usize, const BYTES: usize> Default for Bounded<K, V, ENTRIES, BYTES> {
    fn default() -> Self {
        Self { entries: LruCache::unbounded(), bytes: 0 }
    }
}

impl<K: Hash + Eq, V: Clone, const ENTRIES: usize, const BYTES: usize> Bounded<K, V, ENTRIES, BYTES> {
    pub fn get<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.entries.get(key).map(|(value, _)| value.clone())
    }

    /// Keeps the value, which weighs about so many bytes.
    pub fn put(&mut self, key: K, value: V, bytes: usize) {
        if bytes > BYTES {
            return;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        if let Some((_, replaced)) = self.entries.put(key, (value, bytes)) {
            self.bytes = self.bytes.saturating_sub(replaced);
        }
        while self.bytes > BYTES || self.entries.len() > ENTRIES {
            let Some((_, (_, freed))) = self.entries.pop_lru() else { return };
            self.bytes = self.bytes.saturating_sub(freed);
        }
    }
}

/// One number for all parts, which no other parts have: each stands behind its length.
pub(super) fn fingerprint(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
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
    fn parts_cannot_be_confused() {
        assert_ne!(fingerprint(&[b"ab", b"c"]), fingerprint(&[b"a", b"bc"]));
        assert_ne!(fingerprint(&[b"ab"]), fingerprint(&[b"ab", b""]));
    }
}
