//! What the slots of a frame may hold at one point of a function.

use super::part::{Part, Parts};
use crate::plan::optimise::Slots;
use crate::plan::program::{Operand, Slot};
use std::collections::BTreeMap;

/// What each slot may hold.
#[derive(Debug, Clone)]
pub struct State {
    /// The parts of documents among it. A slot that holds none is not kept track of.
    parts: BTreeMap<Slot, Parts>,
    /// The slots that may hold any value; all others are empty.
    filled: Slots,
    slots: u16,
}

impl State {
    /// A new frame, with its parameters in the first slots.
    pub fn new(slots: u16, parameters: u16) -> Self {
        let mut state = Self { parts: BTreeMap::new(), filled: Slots::none(slots), slots };
        (0..parameters).for_each(|root| state.set(root, Parts::from([Part::whole(root)])));
        state
    }

    /// How much a copy of it costs.
    pub fn size(&self) -> usize {
        let parts = self.parts.values().map(Parts::len).fold(0, usize::saturating_add);
        parts.saturating_add(usize::from(self.slots >> 6))
    }

    /// The parts that an operand may be.
    pub fn parts(&self, operand: Operand) -> Parts {
        match operand {
            Operand::Slot(slot) => self.parts.get(&slot).cloned().unwrap_or_default(),
            Operand::Constant(_) => Parts::new(),
        }
    }

    /// Whether a slot may hold anything.
    pub fn is_filled(&self, slot: Slot) -> bool {
        self.filled.contains(slot)
    }

    /// A slot holds one of these parts, or if there are none something else.
    pub fn set(&mut self, slot: Slot, parts: Parts) {
        self.clear(slot);
        self.add(slot, parts);
    }

    /// A slot is empty.
    pub fn clear(&mut self, slot: Slot) {
        self.parts.remove(&slot);
        self.filled.remove(slot);
    }

    /// A slot may as well hold one of these parts, or something else.
    pub fn add(&mut self, slot: Slot, parts: Parts) {
        self.filled.insert(slot);
        if !parts.is_empty() {
            self.parts.entry(slot).or_default().extend(parts);
        }
    }

    /// A slot may as well hold what it may hold in another state.
    pub fn may_hold(&mut self, slot: Slot, other: &Self) {
        if other.is_filled(slot) {
            self.add(slot, other.parts(Operand::Slot(slot)));
        }
    }

    /// Forgets the parts in slots that nobody reads before they are written.
    pub fn keep(&mut self, live: &Slots) {
        self.parts.retain(|slot, _| live.contains(*slot));
    }

    /// Adds what another state may hold; whether that was anything new.
    pub fn merge(&mut self, other: Self) -> bool {
        let before = self.filled.clone();
        self.filled.add(&other.filled);
        let mut grew = self.filled != before;
        for (slot, parts) in other.parts {
            let known = self.parts.entry(slot).or_default();
            let before = known.len();
            known.extend(parts);
            grew |= known.len() > before;
        }
        grew
    }
}
