//! `is_*`, `type_name`, `cast_*`.

use super::{Builtin, regorus};

pub(super) const TABLE: &[Builtin] = &[
    regorus("is_array", 1),
    regorus("is_boolean", 1),
    regorus("is_null", 1),
    regorus("is_number", 1),
    regorus("is_object", 1),
    regorus("is_set", 1),
    regorus("is_string", 1),
    regorus("type_name", 1),
];
