//! `crypto.x509.*`.

use super::Builtin;

pub(super) const TABLE: &[Builtin] = &[];
