//! Rego text, evaluated by regorus' interpreter.

use super::{EvalError, meter};
use crate::config::Limits;
use crate::host::Clock;
use crate::policy::Loaded;
use regorus::Value;
use std::rc::Rc;

/// A loaded policy of the source way.
pub(super) struct Source {
    policy: Loaded,
}

impl Source {
    pub(super) fn new(mut policy: Loaded) -> Self {
        policy.engine.set_execution_timer_config(meter::timer_config());
        Self { policy }
    }

    /// The decision; [`Value::Undefined`] if it is undefined.
    pub(super) fn evaluate(&mut self, input: Value, limits: Limits, clock: &Rc<dyn Clock>) -> Result<Value, EvalError> {
        let policy = &mut self.policy;
        let (result, exhausted) = meter::metered(limits.steps, limits.time, clock, || {
            policy.engine.set_input(input);
            policy.engine.eval_rule(policy.entry.clone())
        });
        // Frees the document; values that rules took from it live until the next evaluation begins.
        policy.engine.set_input(Value::Undefined);
        match (result, exhausted) {
            (_, Some(error)) => Err(error),
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
