//! `sprintf`, with Go's verbs.

use super::Builtin;

pub(super) const TABLE: &[Builtin] = &[];
