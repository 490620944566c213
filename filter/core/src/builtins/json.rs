//! `json.patch`, `json.filter`, `json.remove`.

use super::Builtin;

pub(super) const TABLE: &[Builtin] = &[];
