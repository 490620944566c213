//! Merges what rules define into what data holds at the same path.

use super::Machine;
use super::measure::{MAX_NESTING, measure};
use crate::builtins::Context;
use crate::engine::EvalError;
use crate::plan::program::Slot;
use regorus::{Rc, Value};

impl Machine<'_> {
    /// Merges objects; where both have a value that is not an object, the first one's stays.
    pub(super) fn merge(&mut self, a: Slot, b: Slot, target: Slot) -> Result<(), EvalError> {
        let (view, context) = self.split();
        measure(view.slot(b), MAX_NESTING, context)?;
        let merged = merged(view.slot(a), view.slot(b), context)?;
        self.set(target, merged);
        Ok(())
    }
}

/// Recurses no deeper than its arguments are nested.
fn merged(a: &Value, b: &Value, context: &mut Context) -> Result<Value, EvalError> {
    let (Value::Object(first), Value::Object(second)) = (a, b) else {
        return Ok(if *a == Value::Undefined { b.clone() } else { a.clone() });
    };
    let mut merged_members = Rc::clone(first);
    let members = Rc::make_mut(&mut merged_members);
    for _ in 0..members.len() {
        context.step()?;
    }
    for (key, value) in second.iter_sorted() {
        context.step()?;
        let value = match first.get(key) {
            Some(present) => merged(present, value, context)?,
            None => value.clone(),
        };
        members.insert(key.clone(), value);
    }
    Ok(Value::Object(merged_members))
}
