//! Why an evaluation gave no value.

use crate::metrics::Reason;

/// Why an evaluation gave no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EvalError {
    /// The wall clock budget is used up.
    TimeLimit,
    /// The step budget is used up.
    StepLimit,
    /// Calls of rules and functions are nested too deep.
    DepthLimit,
    /// The decision is larger than a decision may be.
    SizeLimit,
    /// Complete rules or functions, or the keys of an object, gave different values.
    Conflict,
    /// The answer is one that cannot be computed exactly as OPA does; says where in the policy and why.
    Inexact(String),
    /// Anything else that stopped the engine; says where in the policy, never what the input held.
    Other(String),
    /// The decision is undefined.
    Undefined,
}

impl EvalError {
    /// The label under which it is counted.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::TimeLimit => Reason::TimeLimit,
            Self::StepLimit => Reason::StepLimit,
            Self::DepthLimit => Reason::DepthLimit,
            Self::SizeLimit => Reason::SizeLimit,
            Self::Conflict => Reason::Conflict,
            Self::Inexact(_) | Self::Other(_) => Reason::Evaluation,
            Self::Undefined => Reason::Undefined,
        }
    }
}
