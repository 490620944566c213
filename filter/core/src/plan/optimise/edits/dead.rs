//! What nobody reads is not computed.

use crate::plan::optimise::slots::Slots;
use crate::plan::program::Action;

/// Whether a statement does nothing but write a slot that nobody reads, and can neither be undefined nor fail.
pub fn is_dead(action: &Action, after: &Slots) -> bool {
    match action {
        Action::Assign { target, .. } | Action::Length { target, .. } => !after.contains(*target),
        _ => false,
    }
}
