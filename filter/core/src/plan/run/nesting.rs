//! Bounds how deep values are nested: dropping, comparing and writing them recurses, on a stack of 512 kB.
//!
//! Documents and constants are at most [`crate::json::MAX_DEPTH`] deep. Only putting a collection into another one, or
//! a builtin, makes deeper values, and a plan that puts a collection into itself in a scan could go on for a million
//! steps. Measuring each would cost ordinary policies too much, so what is counted is how much deeper *any* value can
//! have become; only once that is beyond the bound, values are measured.

use crate::builtins::Context;
use crate::engine::EvalError;
use crate::json::MAX_DEPTH;
use regorus::Value;

/// No value of an evaluation is nested deeper.
pub const MAX_NESTING: usize = 256;

/// How much deeper than its arguments a builtin's result can be, if one argument is a collection.
const DEEPER_BY_BUILTIN: usize = 4;

/// A bound on the depth of every value that is alive.
pub struct Nesting {
    deepest: usize,
}

impl Default for Nesting {
    fn default() -> Self {
        Self { deepest: MAX_DEPTH }
    }
}

impl Nesting {
    /// A value is put into a collection.
    pub fn put(&mut self, value: &Value, context: &mut Context) -> Result<(), EvalError> {
        if !is_collection(value) {
            return Ok(());
        }
        if self.deepest < MAX_NESTING {
            self.deepest = self.deepest.saturating_add(1);
            return Ok(());
        }
        measure(value, MAX_NESTING.saturating_sub(1), context)
    }

    /// A builtin gave a value.
    pub fn computed(&mut self, args: &[Value], value: &Value, context: &mut Context) -> Result<(), EvalError> {
        if !is_collection(value) {
            return Ok(());
        }
        match args.iter().filter(|arg| is_collection(arg)).count() {
            // It was read from text, or made up: nothing of it existed before, so looking at it costs no more.
            0 => measure(value, MAX_DEPTH, context),
            1 if self.deepest.saturating_add(DEEPER_BY_BUILTIN) <= MAX_NESTING => {
                self.deepest = self.deepest.saturating_add(DEEPER_BY_BUILTIN);
                Ok(())
            }
            // Two collections may have been put into each other, at any depth.
            _ => {
                measure(value, MAX_NESTING, context)?;
                self.deepest = MAX_NESTING;
                Ok(())
            }
        }
    }
}

const fn is_collection(value: &Value) -> bool {
    matches!(value, Value::Array(_) | Value::Set(_) | Value::Object(_))
}

/// Refuses a value that is deeper than `limit`; a step a member.
fn measure(value: &Value, limit: usize, context: &mut Context) -> Result<(), EvalError> {
    context.step()?;
    if !is_collection(value) {
        return Ok(());
    }
    let limit = limit.checked_sub(1).ok_or(EvalError::DepthLimit)?;
    match value {
        Value::Array(items) => measure_all(items.iter(), limit, context),
        Value::Set(members) => measure_all(members.iter_sorted(), limit, context),
        Value::Object(members) => {
            measure_all(members.iter_sorted().flat_map(|(key, value)| [key, value]), limit, context)
        }
        _ => Ok(()),
    }
}

fn measure_all<'v>(
    mut values: impl Iterator<Item = &'v Value>,
    limit: usize,
    context: &mut Context,
) -> Result<(), EvalError> {
    values.try_for_each(|value| measure(value, limit, context))
}
