//! `concat`, `contains`, `lower`, `split`, `replace`, `strings.*`, `trim*`, `substring`, ….

use super::Builtin;

pub(super) const TABLE: &[Builtin] = &[];
