//! Sets of slots.

use crate::plan::program::Slot;

/// A set of slots of one frame.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Slots(Vec<u64>);

impl Slots {
    /// The empty set, for slots below `count`.
    pub fn none(count: u16) -> Self {
        Self(vec![0; usize::from(count).div_ceil(64)])
    }

    /// Adds one.
    pub fn insert(&mut self, slot: Slot) {
        if let Some(word) = self.0.get_mut(usize::from(slot >> 6)) {
            *word |= bit(slot);
        }
    }

    /// Takes one out.
    pub fn remove(&mut self, slot: Slot) {
        if let Some(word) = self.0.get_mut(usize::from(slot >> 6)) {
            *word &= !bit(slot);
        }
    }

    /// Whether it is one of them.
    pub fn contains(&self, slot: Slot) -> bool {
        self.0.get(usize::from(slot >> 6)).is_some_and(|word| word & bit(slot) != 0)
    }

    /// Adds all of another set.
    pub fn add(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }
}

fn bit(slot: Slot) -> u64 {
    1_u64.wrapping_shl(u32::from(slot & 63))
}
