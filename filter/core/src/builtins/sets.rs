//! `intersection`, `union`, `set_diff`.

use super::Builtin;

pub(super) const TABLE: &[Builtin] = &[];
