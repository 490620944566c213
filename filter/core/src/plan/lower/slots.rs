//! Locals get the slots of a frame in the order in which they are first seen, so a frame is never larger than what its
//! function mentions, whatever numbers a plan uses.

use super::super::program::Slot;
use super::super::raw::Local;
use std::collections::HashMap;

/// The slots of one frame.
pub struct Slots {
    by_local: HashMap<Local, Slot>,
    next: Slot,
}

impl Slots {
    /// A frame whose first slots are the parameters.
    pub fn with_parameters(parameters: &[Local]) -> Result<Self, &'static str> {
        let mut slots = Self { by_local: HashMap::new(), next: 0 };
        for parameter in parameters {
            if slots.by_local.contains_key(parameter) {
                return Err("two parameters are the same local");
            }
            slots.slot(*parameter)?;
        }
        Ok(slots)
    }

    /// The slot of a local.
    pub fn slot(&mut self, local: Local) -> Result<Slot, &'static str> {
        if let Some(slot) = self.by_local.get(&local) {
            return Ok(*slot);
        }
        let slot = self.next;
        self.next = slot.checked_add(1).ok_or("more than 65,535 locals in one function")?;
        self.by_local.insert(local, slot);
        Ok(slot)
    }

    /// Size of the frame so far.
    pub const fn len(&self) -> u16 {
        self.next
    }
}
