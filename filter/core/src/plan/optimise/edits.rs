//! Edits of one statement and the one that follows it, given what is live.

mod copies;
mod dead;
mod paths;
mod tests_first;

use super::slots::Slots;
use crate::plan::program::{Action, Slot, Statement};

/// Which edits are made.
#[derive(Debug, Clone, Copy)]
pub struct Edits {
    /// Chains of lookups become one statement.
    pub paths: bool,
    /// Values are put where they are read, without copies on the way.
    pub copies: bool,
    /// What nobody reads is not computed.
    pub dead: bool,
    /// Tests against constants go before what only prepares other tests.
    pub tests_first: bool,
}

/// A statement that has been walked, and what is live behind it.
pub struct Following {
    /// The statement.
    pub statement: Statement,
    /// Live behind it.
    pub after: Slots,
}

impl Edits {
    /// Whether a statement is left out because nobody reads what it writes.
    pub fn leaves_out(self, action: &Action, after: &Slots) -> bool {
        self.dead && dead::is_dead(action, after)
    }

    /// Moves what a copy copies into the statement that follows it; whether it did, then the copy is to be left out.
    pub fn absorbed(self, action: &Action, following: &mut [Following], undefined: &Slots) -> bool {
        let next = following.last_mut();
        self.copies && next.is_some_and(|next| copies::read_at_source(action, next, undefined))
    }

    /// Joins a statement with the one that follows it; what is live behind both, if it did.
    pub fn joined(self, action: &mut Action, following: &mut Vec<Following>, undefined: &Slots) -> Option<Slots> {
        let next = following.last()?;
        let joined = self.copies && copies::write_to_target(action, next, undefined)
            || self.paths && paths::join_any(action, next, undefined);
        if joined { following.pop().map(|next| next.after) } else { None }
    }

    /// Takes out the test that follows a statement if it is to be done before it.
    pub fn test_to_go_first(
        self,
        action: &Action,
        following: &mut Vec<Following>,
        undefined: &Slots,
    ) -> Option<Following> {
        let goes_behind = tests_first::goes_behind(action, following.last()?, undefined);
        (self.tests_first && goes_behind).then(|| following.pop()).flatten()
    }

    /// Leaves out a key or a value of a scan that nobody reads.
    pub fn member(self, slot: &mut Option<Slot>, inside: &Slots, after: &Slots) {
        if self.dead && slot.is_some_and(|slot| !inside.contains(slot) && !after.contains(slot)) {
            *slot = None;
        }
    }
}

impl Action {
    /// Whether it may go on behind the innermost block.
    pub const fn may_be_undefined(&self) -> bool {
        matches!(
            self,
            Self::Call { .. }
                | Self::CallDynamic { .. }
                | Self::Builtin { .. }
                | Self::Get { .. }
                | Self::Match { .. }
                | Self::Equal { .. }
                | Self::NotEqual { .. }
                | Self::Is { .. }
        )
    }
}
