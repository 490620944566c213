//! `with`: another value in a slot, or in a part of it, for the time of a block.

use super::measure::{MAX_NESTING, measure};
use super::scratch::With;
use super::{Machine, View, stopped};
use crate::builtins::Context;
use crate::engine::EvalError;
use crate::plan::program::{ConstantId, Operand, Slot};
use regorus::{Rc, Value};

/// What a copy of an object costs in memory, a member.
const BYTES_PER_MEMBER: usize = 48;

impl Machine<'_> {
    /// Begins a `with`. What it replaced comes back at its end, and so do the results of rules.
    pub(super) fn begin_with(&mut self, target: Slot, path: &[ConstantId], value: Operand) -> Result<(), EvalError> {
        let value = self.read(value).clone();
        if !path.is_empty() && value == Value::Undefined {
            return Err(self.not_planned("a part of a document is replaced by nothing"));
        }
        if !path.is_empty() {
            measure(&value, MAX_NESTING.saturating_sub(path.len()), self.context)?;
        }
        let (view, context) = self.split();
        let replaced = upserted(view, view.slot(target), path, value, context)?;
        let saved = self.take(target);
        self.set(target, replaced);
        self.scratch.withs.push(With { target, saved });
        self.scratch.memo.begin_with();
        Ok(())
    }

    /// Ends the innermost `with`.
    pub(super) fn end_with(&mut self) {
        self.scratch.memo.end_with();
        if let Some(With { target, saved }) = self.scratch.withs.pop() {
            self.set(target, saved);
        }
    }
}

/// A document with `value` at `path`. Recurses once a segment; their number is bounded at load. What stands on the way and is not an object makes room for one.
fn upserted(
    view: View<'_>,
    document: &Value,
    path: &[ConstantId],
    value: Value,
    context: &mut Context,
) -> Result<Value, EvalError> {
    let Some((key, rest)) = path.split_first() else { return Ok(value) };
    let key = view.constant(*key);
    let mut object = match document {
        Value::Object(members) => {
            context.work(members.len().saturating_mul(BYTES_PER_MEMBER)).map_err(stopped)?;
            Rc::clone(members)
        }
        _ => match Value::new_object() {
            Value::Object(members) => members,
            other => return Ok(other),
        },
    };
    let inner = object.get(key).cloned().unwrap_or(Value::Undefined);
    let inner = upserted(view, &inner, rest, value, context)?;
    Rc::make_mut(&mut object).insert(key.clone(), inner);
    Ok(Value::Object(object))
}
