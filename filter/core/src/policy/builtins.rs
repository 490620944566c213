//! OPA's builtins, as policies name them.

use crate::builtins;

/// Why a builtin of OPA is not available, and what to do. Names ending in `.` stand for a family.
const REFUSED: &[(&str, &str)] = &[
    ("graphql.", "decide these requests at the remote OPA"),
    ("http.send", "put what it fetches into policy.data"),
    ("net.lookup_ip_addr", "put the addresses into policy.data"),
    ("opa.runtime", "put what it tells into policy.data"),
    ("providers.aws.", "sign the request outside of the policy"),
    ("rego.", "put what it tells into policy.data"),
];

/// Builtins that Rego v1 no longer has.
const DEPRECATED: [&str; 12] = [
    "all",
    "any",
    "cast_array",
    "cast_boolean",
    "cast_null",
    "cast_object",
    "cast_set",
    "cast_string",
    "net.cidr_overlap",
    "re_match",
    "set_diff",
    "cast_number",
];

/// What OPA turns operators into. It does so by name, so that a function of the policy with such a name would
/// take the operator's place there, and not here.
const OPERATORS: [&str; 15] =
    ["and", "assign", "div", "eq", "equal", "gt", "gte", "internal", "lt", "lte", "minus", "mul", "neq", "or", "plus"];

/// OPA's name and the number of arguments of the builtin called `name`, if it is available.
pub(super) fn find(name: &str) -> Option<(&'static str, usize)> {
    builtins::find(name).map(|builtin| (builtin.name, builtin.arity))
}

/// `name` is only for v0 modules.
pub(super) fn is_deprecated(name: &str) -> bool {
    DEPRECATED.contains(&name)
}

/// `name` is the name of an operator.
pub(super) fn is_operator(name: &str) -> bool {
    OPERATORS.contains(&name)
}

/// Why `name` cannot be called.
pub(super) fn refusal(name: &str) -> String {
    let family = |entry: &str| entry.ends_with('.') && name.starts_with(entry);
    match REFUSED.iter().find(|(entry, _)| *entry == name || family(entry)) {
        Some((_, hint)) => format!("`{name}` is not available inline: {hint}"),
        None => format!("function `{name}` is not defined, or not available inline"),
    }
}
