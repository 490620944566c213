//! What the bodies of scans read before they write it: that is live where a body goes back to its beginning.
//!
//! Computed for inner scans first and kept, so that no body is walked once for every scan around it.

use super::backward::Walk;
use super::slots::Slots;
use crate::plan::program::{Action, Block};

/// A scan's part.
pub struct Exposed {
    /// What its body reads of an earlier round, or of before the scan.
    pub reads: Slots,
    /// The scans in its body, in order; not those inside them.
    pub inside: Vec<Self>,
}

impl Exposed {
    /// The scans of some blocks, in order; not those inside them.
    pub fn of(blocks: &mut [Block], slots: u16) -> Vec<Self> {
        let mut scans = Vec::new();
        for statement in blocks.iter_mut().flat_map(|block| &mut block.0) {
            match &mut statement.action {
                Action::Block(blocks) => scans.extend(Self::of(blocks, slots)),
                Action::Not(body) | Action::With { body, .. } => {
                    scans.extend(Self::of(std::slice::from_mut(body), slots));
                }
                Action::Scan { key, value, body, .. } => {
                    let inside = Self::of(std::slice::from_mut(body), slots);
                    let mut reads = Walk::over_body(slots, &inside).body(body, Slots::none(slots), Slots::none(slots));
                    for written in [key, value].into_iter().flatten() {
                        reads.remove(*written);
                    }
                    scans.push(Self { reads, inside });
                }
                _ => {}
            }
        }
        scans
    }
}
