//! `base64*`, `hex.*`, `urlquery.*`, `json.marshal`, `json.unmarshal`, `json.is_valid`.

use super::Builtin;

pub(super) const TABLE: &[Builtin] = &[];
