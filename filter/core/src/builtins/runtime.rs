//! `opa.runtime`, `rego.*`.

use super::Builtin;

pub(super) const TABLE: &[Builtin] = &[];
