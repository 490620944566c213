//! `crypto.*` without x509: hashes, HMAC, keys.

use super::Builtin;

pub(super) const TABLE: &[Builtin] = &[];
