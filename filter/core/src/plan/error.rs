//! Why a plan is not run.

/// Why a plan is not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanError {
    /// It calls builtins that are not available inline. Their names, sorted.
    NotInline(Vec<String>),
    /// It is not a plan that OPA's planner writes, or it is beyond a bound.
    Invalid {
        /// Function and `file:row:column`, as far as they are known.
        place: String,
        /// What is wrong there.
        message: String,
    },
}

impl PlanError {
    /// Something is wrong at a place.
    pub(super) fn invalid(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { place: place.into(), message: message.into() }
    }
}

impl std::fmt::Display for PlanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotInline(names) => write!(f, "builtins that are not available inline: {}", names.join(", ")),
            Self::Invalid { place, message } => write!(f, "{place}: {message}"),
        }
    }
}

impl std::error::Error for PlanError {}
