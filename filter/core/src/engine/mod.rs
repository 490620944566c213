//! One face for whatever evaluates: an input document in, a value out, under limits.
//!
//! Two ways lead in ([`load`]): a plan made by OPA's compiler, and Rego text, which [`crate::policy`] compiles to the
//! same machine's program. [`crate::plan`] runs both: values, builtins and limits are the same.

mod error;
mod load;
mod size;
#[cfg(test)]
mod tests;

pub use crate::shelf::{Shelf, Swept};
pub use error::EvalError;
pub use load::{LoadError, Loaded, load};

use crate::builtins::{Context, Moment};
use crate::config::Limits;
use crate::host::Clock;
use crate::plan::Scratch;
use load::Planned;
use regorus::Value;
use std::cell::RefCell;
use std::rc::Rc;

/// A loaded policy and the budget each evaluation gets.
pub struct Engine {
    /// Evaluating changes it; one request at a time does it.
    state: RefCell<State>,
    limits: Limits,
}

struct State {
    runner: Planned,
    context: Context,
    scratch: Scratch,
}

impl Engine {
    /// An engine for a policy.
    #[must_use]
    pub fn new(policy: Loaded, limits: Limits, clock: Rc<dyn Clock>) -> Self {
        let context = Context::new(clock);
        let state = State { runner: policy.runner, context, scratch: Scratch::default() };
        Self { state: RefCell::new(state), limits }
    }

    /// Until when what the last evaluation found out about tokens holds, beginning at its moment, in nanoseconds since the
    /// epoch; `None`: it holds at any time.
    #[must_use]
    pub fn holds_until(&self) -> Option<i64> {
        self.state.try_borrow().ok().and_then(|state| state.context.holds_until())
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
        let value = runner.evaluate(&input, context, scratch)?;
        if value == Value::Undefined {
            return Err(EvalError::Undefined);
        }
        size::check(&value)?;
        Ok(value)
    }
}
