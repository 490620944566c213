//! Collections that are built up: arrays, sets, objects, the result set.
//!
//! A collection is changed in place if nothing else holds it; otherwise it is copied first, which is paid for.

use super::compare::{equal, pay_for_key};
use super::measure::{MAX_NESTING, measure};
use super::{Machine, stopped};
use crate::builtins::Context;
use crate::engine::EvalError;
use crate::plan::program::{Operand, Slot};
use regorus::{Rc, Value};

/// What a copy of a collection costs in memory, a member.
const BYTES_PER_MEMBER: usize = 48;

/// Why nothing is put into a collection.
const NOT_PLANNED: &str = "something is put where there is no such collection, or nothing is put into one";

impl Machine<'_> {
    /// Adds to an array.
    pub(super) fn append(&mut self, array: Slot, value: Operand) -> Result<(), EvalError> {
        let value = self.operand_to_put(value)?;
        let context = &mut *self.context;
        let Some(Value::Array(items)) = self.scratch.stack.get_mut(self.base.saturating_add(array.into())) else {
            return Err(self.not_planned(NOT_PLANNED));
        };
        pay_for_copy(items, items.len(), context)?;
        Rc::make_mut(items).push(value);
        Ok(())
    }

    /// Adds to a set.
    pub(super) fn add(&mut self, set: Slot, value: Operand) -> Result<(), EvalError> {
        let value = self.operand_to_put(value)?;
        let context = &mut *self.context;
        let Some(Value::Set(members)) = self.scratch.stack.get_mut(self.base.saturating_add(set.into())) else {
            return Err(self.not_planned(NOT_PLANNED));
        };
        pay_for_key(&value, members.len(), context)?;
        pay_for_copy(members, members.len(), context)?;
        Rc::make_mut(members).insert(value);
        Ok(())
    }

    /// Sets a member of an object; with `once`, a conflict if it has another value.
    pub(super) fn insert(&mut self, object: Slot, key: Operand, value: Operand, once: bool) -> Result<(), EvalError> {
        let key = self.operand_to_put(key)?;
        let value = self.operand_to_put(value)?;
        let context = &mut *self.context;
        let Some(Value::Object(members)) = self.scratch.stack.get_mut(self.base.saturating_add(object.into())) else {
            return Err(self.not_planned(NOT_PLANNED));
        };
        pay_for_key(&key, members.len(), context)?;
        if once && let Some(present) = members.get(&key) {
            return if equal(present, &value, context)? { Ok(()) } else { Err(EvalError::Conflict) };
        }
        pay_for_copy(members, members.len(), context)?;
        Rc::make_mut(members).insert(key, value);
        Ok(())
    }

    /// Adds to the result set.
    pub(super) fn result(&mut self, value: Slot) -> Result<(), EvalError> {
        let value = self.operand_to_put(Operand::Slot(value))?;
        if !self.scratch.results.is_empty() {
            pay_for_key(&value, self.scratch.results.len(), self.context)?;
        }
        self.scratch.results.insert(value);
        Ok(())
    }

    /// A value that goes into a collection: defined, not too deep, and paid for.
    fn operand_to_put(&mut self, operand: Operand) -> Result<Value, EvalError> {
        let value = self.read(operand).clone();
        if value == Value::Undefined {
            return Err(self.not_planned(NOT_PLANNED));
        }
        measure(&value, MAX_NESTING.saturating_sub(1), self.context)?;
        Ok(value)
    }
}

/// Pays for the copy that a change makes if the collection is shared.
fn pay_for_copy<T>(collection: &Rc<T>, members: usize, context: &mut Context) -> Result<(), EvalError> {
    if Rc::strong_count(collection) == 1 {
        return Ok(());
    }
    context.work(members.saturating_mul(BYTES_PER_MEMBER)).map_err(stopped)
}
