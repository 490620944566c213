//! Numbers: `plus`, `minus` (also of sets), `mul`, `div`, `rem`, `abs`, `ceil`, `floor`, `round`, `numbers.*`, `format_int`, `to_number`, `rand.*`.

use super::Builtin;

pub(super) const TABLE: &[Builtin] = &[];
