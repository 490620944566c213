//! A test of a place against a constant goes before what only prepares other tests: it is cheap, and the blocks behind
//! it can be chosen by it ([`crate::plan::choice`]).

use super::Following;
use crate::plan::choice;
use crate::plan::optimise::slots::Slots;
use crate::plan::program::{Action, Operand};

/// Whether `action` may be done behind the test that follows it.
///
/// It has no effect but the slots it writes, which nobody reads where a failed test leads, and no errors of the policy's
/// own (calls of functions have: a conflict). What a builtin cannot do is left out where the block ends anyway.
pub fn goes_behind(action: &Action, following: &Following, undefined: &Slots) -> bool {
    let Some(test) = choice::test(&following.statement.action) else { return false };
    let prepares = match action {
        Action::Get { .. }
        | Action::Match { .. }
        | Action::Equal { .. }
        | Action::NotEqual { .. }
        | Action::Is { .. }
        | Action::Length { .. }
        | Action::Assign { .. } => true,
        Action::Builtin { result, .. } => result.is_some(),
        _ => false,
    };
    let reads_it = |slot| slot == test.source || test.keys.contains(&Operand::Slot(slot));
    prepares
        && choice::test(action).is_none()
        && !action.writes().into_iter().flatten().any(|slot| reads_it(slot) || undefined.contains(slot))
}
