//! `regex.*`, `re_match`.

use super::Builtin;

pub(super) const TABLE: &[Builtin] = &[];
