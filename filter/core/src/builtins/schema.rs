//! `json.match_schema`, `json.verify_schema`.

use super::Builtin;

pub(super) const TABLE: &[Builtin] = &[];
