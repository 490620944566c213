//! One face for whatever evaluates: an input document in, a value out, under limits.
//!
//! Today that is regorus' interpreter over Rego source; OPA plans get their evaluator behind the same face.

mod error;
mod meter;
#[cfg(test)]
mod tests;

pub use error::EvalError;

use crate::config::Limits;
use crate::host::Clock;
use crate::policy::Loaded;
use regorus::Value;
use std::cell::RefCell;
use std::rc::Rc;

/// A loaded policy and the budget each evaluation gets.
pub struct Engine {
    /// Evaluating changes the interpreter's own state; one request at a time does it.
    policy: RefCell<Loaded>,
    limits: Limits,
    clock: Rc<dyn Clock>,
}

impl Engine {
    /// An engine for a policy.
    #[must_use]
    pub fn new(mut policy: Loaded, limits: Limits, clock: Rc<dyn Clock>) -> Self {
        policy.engine.set_execution_timer_config(meter::timer_config());
        Self { policy: RefCell::new(policy), limits, clock }
    }

    /// Evaluates the decision.
    ///
    /// # Errors
    /// No value, by cause. After an error the engine is as good as before.
    pub fn evaluate(&self, input: Value) -> Result<Value, EvalError> {
        let Ok(mut policy) = self.policy.try_borrow_mut() else {
            return Err(EvalError::Other("the engine is busy".to_owned()));
        };
        let policy = &mut *policy;
        let (result, exhausted) = meter::metered(self.limits.steps, self.limits.time, &self.clock, || {
            policy.engine.set_input(input);
            policy.engine.eval_rule(policy.entry.clone())
        });
        // Frees the document; values that rules took from it live until the next evaluation begins.
        policy.engine.set_input(Value::Undefined);
        match (result, exhausted) {
            (_, Some(error)) => Err(error),
            (Ok(Value::Undefined), None) => Err(EvalError::Undefined),
            (Ok(value), None) => Ok(value),
            (Err(error), None) => Err(classify(&error)),
        }
    }
}

/// How regorus begins the errors of rules and functions that gave two values. Exact beginnings, because what follows
/// in other errors can be text of the request.
const CONFLICTS: [&str; 6] = [
    "complete rules should not produce multiple outputs",
    "rules must not produce multiple outputs",
    "rules should not produce multiple outputs",
    "function produced multiple outputs",
    "functions must not produce multiple outputs",
    "rule conflicts with rule",
];

/// regorus has no error types, only texts: `--> file:line:column`, the source line, then `error: cause`.
///
/// Only the beginning of the cause is looked at and only the place is kept: the source line may hold any words, and
/// the cause values of the request. What is not surely a conflict is an error the request may have caused.
fn classify(error: &impl std::fmt::Display) -> EvalError {
    let text = error.to_string();
    let cause = text.split_once("\nerror: ").map_or("", |(_, cause)| cause);
    if CONFLICTS.iter().any(|conflict| cause.starts_with(conflict)) {
        return EvalError::Conflict;
    }
    let place = text.lines().find_map(|line| line.strip_prefix("--> "));
    EvalError::Other(place.unwrap_or("unknown place").trim().to_owned())
}
