//! The cases that may differ, each with its reason. Keep it short.

use crate::outcome::Way;

/// A named reason for which cases may end as *different*.
pub struct Corner {
    pub name: &'static str,
    pub way: Way,
    /// Why we differ, in a sentence or two, and what it means for a policy.
    pub why: &'static str,
    pub cases: &'static [&'static str],
}

pub const KNOWN: &[Corner] = &[Corner {
    name: "a number as key into data",
    way: Way::Plan,
    why: "a reference that begins at `data` is a path of texts for OPA's evaluator, so `data[2]` finds the key \"2\"; its \
          planner plans a lookup of the number, which no JSON object has, and OPA's own wasm programs answer as we do \
          (OPA issue 3711). Write `data[\"2\"]`, or `format_int` for a number of the request.",
    cases: &[
        "v0/data/nested integer",
        "v0/data/toplevel integer",
        "v1/data/nested integer",
        "v1/data/toplevel integer",
    ],
}];

/// The corner that a case belongs to.
pub fn of(way: Way, case: &str) -> Option<&'static Corner> {
    KNOWN.iter().find(|corner| corner.way == way && corner.cases.contains(&case))
}

/// Why OPA does not answer what the file of the case wants.
pub fn why_unexpected(case: &str) -> Option<&'static str> {
    case.ends_with("/baseandvirtualdocs/base/virtual: conflicts").then_some(
        "Its runner leaves out the check that OPA makes when it is given data: a rule must not have the path of a value.",
    )
}
