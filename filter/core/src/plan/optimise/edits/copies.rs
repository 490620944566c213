//! Values are put where they are read, without copies on the way.

use super::Following;
use crate::plan::optimise::slots::Slots;
use crate::plan::program::{Action, Operand};

/// `a → b; … b …` becomes `… a …` if `b` is not read again. Whether it did; then the copy is to be left out.
pub fn read_at_source(action: &Action, next: &mut Following, undefined: &Slots) -> bool {
    let Action::Assign { source: source @ Operand::Slot(from), target } = *action else { return false };
    if from == target || next.after.contains(target) || undefined.contains(target) {
        return false;
    }
    let next = &mut next.statement.action;
    if has_blocks(next) || next.writes().contains(&Some(target)) {
        return false;
    }
    let mut reads = 0_usize;
    next.reads(|operand| reads = reads.saturating_add(usize::from(operand == Operand::Slot(target))));
    let mut places: Vec<_> = next.operands_mut().into_iter().filter(|place| **place == Operand::Slot(target)).collect();
    // A place where only a slot can stand stays as it is.
    if places.is_empty() || places.len() != reads {
        return false;
    }
    places.iter_mut().for_each(|place| **place = source);
    true
}

/// `… → a; a → b` becomes `… → b` if `a` is not read again. Whether it did; then what follows is to be left out.
pub fn write_to_target(action: &mut Action, next: &Following, undefined: &Slots) -> bool {
    let Action::Assign { source: Operand::Slot(from), target } = next.statement.action else { return false };
    if from == target || next.after.contains(from) {
        return false;
    }
    // If it is undefined it clears its target, now the other slot.
    if action.may_be_undefined() && (undefined.contains(from) || undefined.contains(target)) {
        return false;
    }
    match action.overwritten_mut() {
        Some(written) if *written == from => *written = target,
        _ => return false,
    }
    true
}

const fn has_blocks(action: &Action) -> bool {
    matches!(action, Action::Block(_) | Action::Not(_) | Action::Scan { .. } | Action::With { .. })
}
