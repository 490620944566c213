//! Chains of lookups become one statement: `input.attributes` and then `.request` of that.

use super::Following;
use crate::plan::optimise::slots::Slots;
use crate::plan::program::{Action, Operand};

/// Joins a lookup with what follows it. Whether it did; then what follows is to be left out.
pub fn join_any(action: &mut Action, next: &Following, undefined: &Slots) -> bool {
    join(action, next, undefined) || join_comparison(action, next, undefined) || join_match(action, next, undefined)
}

/// `a[k] → b; b[l] → c` becomes `a[k][l] → c` if `b` is not read again.
fn join(action: &mut Action, next: &Following, undefined: &Slots) -> bool {
    let Action::Get { keys, target, .. } = action else { return false };
    let Action::Get { source, keys: next_keys, target: next_target } = &next.statement.action else { return false };
    let middle = *target;
    if *source != Operand::Slot(middle) || next_keys.contains(source) {
        return false;
    }
    if middle != *next_target {
        let read_again = next.after.contains(middle) || undefined.contains(middle);
        // If the first lookup is undefined, the last target is cleared as well.
        if read_again || undefined.contains(*next_target) {
            return false;
        }
    }
    keys.extend(next_keys);
    *target = *next_target;
    true
}

/// `a[k] → b; Equal b c` becomes one statement if `b` is not read again: nothing is copied only to be compared.
fn join_comparison(action: &mut Action, next: &Following, undefined: &Slots) -> bool {
    let Action::Get { source, keys, target } = action else { return false };
    let found = Operand::Slot(*target);
    let value = match next.statement.action {
        Action::Equal { a, b } if a == found && b != found => b,
        Action::Equal { a, b } if b == found && a != found => a,
        _ => return false,
    };
    if next.after.contains(*target) || undefined.contains(*target) {
        return false;
    }
    *action = Action::Match { source: *source, keys: std::mem::take(keys), value };
    true
}

/// `a[k] → b; Match b[l] c` becomes `Match a[k][l] c` if `b` is not read again.
fn join_match(action: &mut Action, next: &Following, undefined: &Slots) -> bool {
    let Action::Get { source, keys, target } = action else { return false };
    let Action::Match { source: middle, keys: next_keys, value } = &next.statement.action else { return false };
    if *middle != Operand::Slot(*target) || next_keys.contains(middle) || value == middle {
        return false;
    }
    if next.after.contains(*target) || undefined.contains(*target) {
        return false;
    }
    keys.extend(next_keys);
    *action = Action::Match { source: *source, keys: std::mem::take(keys), value: *value };
    true
}
