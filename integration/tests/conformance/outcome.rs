//! How a case ends, and the comparison that says so.

use sark_core::engine::EvalError;

use crate::case::{Expected, Solutions};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// OPA's answer; or an error where OPA has one.
    Same,
    /// Not loaded, with the names of the builtins that are missing.
    NotInline(Vec<String>),
    /// Not loaded, with the reason.
    Refused(String),
    /// We say that we cannot compute what OPA answers.
    Inexact(String),
    /// A budget is used up.
    Limit(String),
    /// The evaluation ends in an error where OPA answers.
    Error(String),
    /// Another answer than OPA's.
    Different(String),
}

/// Which of the two ways; they differ in what an error means where OPA gives an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A plan says what OPA does: an error is a wrong answer.
    Plan,
    /// The interpreter stops where it cannot follow OPA: the remote OPA is asked.
    Source,
}

impl Way {
    pub const fn label(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Source => "source",
        }
    }
}

impl Outcome {
    pub fn judge(way: Way, expected: &Expected, ours: &Result<Solutions, EvalError>) -> Self {
        if let Err(error) = ours
            && let Some(given_up) = Self::given_up(error)
        {
            return given_up;
        }
        match (expected, ours) {
            (Expected::Solutions(theirs), Ok(ours)) if theirs == ours => Self::Same,
            (Expected::Solutions(theirs), Ok(ours)) => Self::Different(format!("OPA {theirs:?}, we {ours:?}")),
            (Expected::Solutions(theirs), Err(error)) => {
                let told = format!("OPA {theirs:?}, we end with {error:?}");
                match way {
                    Way::Plan => Self::Different(told),
                    Way::Source => Self::Error(told),
                }
            }
            (Expected::Conflict, Err(EvalError::Conflict)) | (Expected::Error(_), Err(_)) => Self::Same,
            (Expected::Conflict, Err(error)) => match way {
                Way::Plan => Self::Different(format!("OPA has a conflict, we end with {error:?}")),
                Way::Source => Self::Same,
            },
            (Expected::Conflict, Ok(ours)) => Self::Different(format!("OPA has a conflict, we {ours:?}")),
            (Expected::Error(error), Ok(ours)) => {
                Self::Different(format!("OPA ends with an error ({error}), we {ours:?}"))
            }
        }
    }

    /// An error by which an evaluation says that it cannot answer, whatever OPA answers.
    fn given_up(error: &EvalError) -> Option<Self> {
        match error {
            EvalError::TimeLimit | EvalError::StepLimit | EvalError::DepthLimit | EvalError::SizeLimit => {
                Some(Self::Limit(format!("{error:?}")))
            }
            EvalError::Inexact(why) => Some(Self::Inexact(reason(why).to_owned())),
            _ => None,
        }
    }

    /// The worse of the outcomes of two runs of one case.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        if self.rank() >= other.rank() { self } else { other }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Same => 0,
            Self::NotInline(_) | Self::Refused(_) => 1,
            Self::Inexact(_) => 2,
            Self::Limit(_) => 3,
            Self::Error(_) => 4,
            Self::Different(_) => 5,
        }
    }
}

/// `place: builtin: why` without the place.
fn reason(why: &str) -> &str {
    why.split_once(": ").map_or(why, |(_, reason)| reason)
}
