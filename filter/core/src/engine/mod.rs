//! One face for whatever evaluates: an input document in, a value out, under limits.
//!
//! Two ways lead in ([`load`]): a plan made by OPA's compiler, run by [`crate::plan`], and Rego text, run by regorus'
//! interpreter behind the loader of [`crate::policy`]. Values, builtins and limits are the same.

mod error;
mod load;
mod meter;
mod shelf;
mod size;
mod source;
#[cfg(test)]
mod tests;

pub use error::EvalError;
pub use load::{LoadError, Loaded, load};
pub use shelf::Shelf;

use crate::builtins::{Context, Moment};
use crate::config::Limits;
use crate::host::Clock;
use crate::plan::Scratch;
use load::Runner;
use regorus::Value;
use std::cell::RefCell;
use std::rc::Rc;

/// A loaded policy and the budget each evaluation gets.
pub struct Engine {
    /// Evaluating changes the interpreter's own state; one request at a time does it.
    state: RefCell<State>,
    limits: Limits,
    clock: Rc<dyn Clock>,
}

struct State {
    runner: Runner,
    context: Context,
    scratch: Scratch,
}

impl Engine {
    /// An engine for a policy.
    #[must_use]
    pub fn new(policy: Loaded, limits: Limits, clock: Rc<dyn Clock>) -> Self {
        let context = Context::new(Rc::clone(&clock));
        let state = State { runner: policy.runner, context, scratch: Scratch::default() };
        Self { state: RefCell::new(state), limits, clock }
    }

    /// Evaluates the decision.
    ///
    /// # Errors
    /// No value, by cause. After an error the engine is as good as before.
    pub fn evaluate(&self, input: Value, moment: Moment) -> Result<Value, EvalError> {
        let Ok(mut state) = self.state.try_borrow_mut() else {
            return Err(EvalError::Other("the engine is busy".to_owned()));
        };
        let State { runner, context, scratch } = &mut *state;
        context.begin(self.limits, moment);
        let value = match runner {
            Runner::Plan(planned) => planned.evaluate(&input, context, scratch)?,
            Runner::Source(source) => source.evaluate(input, self.limits, &self.clock)?,
        };
        if value == Value::Undefined {
            return Err(EvalError::Undefined);
        }
        size::check(&value)?;
        Ok(value)
    }
}
