//! Compiled patterns, kept from one evaluation to the next: the ones used last, bounded by number and by bytes.

use lru::LruCache;
use std::rc::Rc;

/// Programs by the text they were compiled from.
pub(super) struct Programs<T> {
    kept: LruCache<Box<str>, Kept<T>>,
    bytes: usize,
}

struct Kept<T> {
    program: Rc<T>,
    bytes: usize,
}

impl<T> Default for Programs<T> {
    fn default() -> Self {
        Self { kept: LruCache::unbounded(), bytes: 0 }
    }
}

impl<T> Programs<T> {
    const MAX_COUNT: usize = 500;
    const MAX_BYTES: usize = 4 << 20;

    /// What was compiled from this text.
    pub(super) fn get(&mut self, text: &str) -> Option<Rc<T>> {
        self.kept.get(text).map(|kept| Rc::clone(&kept.program))
    }

    /// Keeps a program that takes so many bytes; what was not used for the longest time gives way.
    pub(super) fn put(&mut self, text: &str, program: Rc<T>, bytes: usize) {
        let bytes = bytes.saturating_add(text.len());
        let replaced = self.kept.put(text.into(), Kept { program, bytes });
        self.bytes = self.bytes.saturating_add(bytes).saturating_sub(replaced.map_or(0, |kept| kept.bytes));
        while self.kept.len() > Self::MAX_COUNT || self.bytes > Self::MAX_BYTES {
            let Some((_, dropped)) = self.kept.pop_lru() else { return };
            self.bytes = self.bytes.saturating_sub(dropped.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_oldest_give_way() {
        let mut programs = Programs::default();
        for n in 0..=Programs::<usize>::MAX_COUNT {
            programs.put(&n.to_string(), Rc::new(n), 1);
            assert_eq!(programs.get("1").as_deref(), (n > 0).then_some(&1));
        }
        assert_eq!(programs.get("0"), None);
        assert_eq!(programs.kept.len(), Programs::<usize>::MAX_COUNT);
        programs.put("huge", Rc::new(0), Programs::<usize>::MAX_BYTES - 100);
        programs.put("huge", Rc::new(7), Programs::<usize>::MAX_BYTES - 100);
        assert_eq!(programs.get("huge").as_deref(), Some(&7));
        assert!(programs.kept.len() < 60 && programs.bytes <= Programs::<usize>::MAX_BYTES);
    }
}
