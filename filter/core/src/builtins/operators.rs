//! What the planner makes of operators: `eq`, `equal`, `neq`, `lt`, `lte`, `gt`, `gte`, `assign`, `and`, `or`, `internal.print`, `internal.template_string`, and `print`, `trace`.

use super::Builtin;

pub(super) const TABLE: &[Builtin] = &[];
