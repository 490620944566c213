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

pub const KNOWN: &[Corner] = &[];

/// The corner that a case belongs to.
pub fn of<'c>(known: &'c [Corner], way: Way, case: &str) -> Option<&'c Corner> {
    known.iter().find(|corner| corner.way == way && corner.cases.contains(&case))
}

/// Why OPA does not answer what the file of the case wants.
pub fn why_unexpected(case: &str) -> Option<&'static str> {
    case.ends_with("/baseandvirtualdocs/base/virtual: conflicts").then_some(
        "Its runner leaves out the check that OPA makes when it is given data: a rule must not have the path of a value.",
    )
}
