//! Lookups: members of objects, items of arrays, members of sets.

use super::compare::{equal, pay_for_key};
use super::{Machine, UNDEFINED, View, stopped};
use crate::builtins::Context;
use crate::engine::EvalError;
use crate::plan::code::Target;
use crate::plan::program::{Operand, Slot};
use crate::text_keys;
use regorus::Value;
use std::collections::BTreeMap;

impl Machine<'_> {
    /// Looks up key after key. If one is missing the target is cleared.
    pub(super) fn get(
        &mut self,
        source: Operand,
        keys: &[Operand],
        target: Slot,
        fail: Target,
    ) -> Result<(), EvalError> {
        let looks_into_data = self.code.looks_into_data;
        let (view, context) = self.split();
        let Some(value) = find(view, source, keys, looks_into_data, context)?.cloned() else {
            return Err(self.ambiguous());
        };
        if value == Value::Undefined {
            self.next = fail;
        }
        self.set(target, value);
        Ok(())
    }

    /// Looks up key after key and goes on only if what is there equals a value.
    pub(super) fn match_value(
        &mut self,
        source: Operand,
        keys: &[Operand],
        value: Operand,
        fail: Target,
    ) -> Result<(), EvalError> {
        let looks_into_data = self.code.looks_into_data;
        let (view, context) = self.split();
        let Some(found) = find(view, source, keys, looks_into_data, context)? else { return Err(self.ambiguous()) };
        // Nothing that was found equals nothing, but a lookup that finds nothing is undefined.
        if *found == Value::Undefined || !equal(found, view.read(value), context)? {
            self.next = fail;
        }
        Ok(())
    }

    /// Looks up key after key and goes on where what is there leads.
    pub(super) fn switch(
        &mut self,
        source: Slot,
        keys: &[Operand],
        targets: &BTreeMap<Value, Target>,
        otherwise: Target,
    ) -> Result<(), EvalError> {
        let looks_into_data = self.code.looks_into_data;
        let (view, context) = self.split();
        let Some(found) = find(view, Operand::Slot(source), keys, looks_into_data, context)? else {
            return Err(self.ambiguous());
        };
        pay_for_key(found, targets.len(), context)?;
        self.next = targets.get(found).copied().unwrap_or(otherwise);
        Ok(())
    }

    /// The evaluation ends: a key that OPA may have taken for a text.
    #[cold]
    fn ambiguous(&self) -> EvalError {
        let place = self.place();
        EvalError::Inexact(format!("{place}: a number is looked up where data has a text, or a text in an array"))
    }

    /// Members, or bytes of a string; 0 for the rest.
    pub(super) fn length(&mut self, source: Operand, target: Slot) {
        let length = match self.read(source) {
            Value::Array(items) => items.len(),
            Value::Object(members) => members.len(),
            Value::Set(members) => members.len(),
            Value::String(text) => text.len(),
            _ => 0,
        };
        self.set(target, Value::from(u64::try_from(length).unwrap_or(u64::MAX)));
    }
}

/// What is found key after key; *undefined* if one is missing. `None`: a key could be meant as a text of data.
fn find<'v>(
    view: View<'v>,
    source: Operand,
    keys: &[Operand],
    looks_into_data: bool,
    context: &mut Context,
) -> Result<Option<&'v Value>, EvalError> {
    let mut value = view.read(source);
    for key in keys {
        let key = view.read(*key);
        let found = member(value, key, context)?;
        let is_found = *found != Value::Undefined;
        if looks_into_data && text_keys::is_ambiguous(value, key, is_found, context).map_err(stopped)? {
            return Ok(None);
        }
        value = found;
    }
    Ok(Some(value))
}

/// The member at a key; *undefined* if there is none, or nothing that has members.
fn member<'v>(value: &'v Value, key: &Value, context: &mut Context) -> Result<&'v Value, EvalError> {
    let found = match value {
        Value::Object(members) => {
            pay_for_key(key, members.len(), context)?;
            members.get(key)
        }
        Value::Array(items) => index(key).and_then(|index| items.get(index)),
        Value::Set(members) => {
            pay_for_key(key, members.len(), context)?;
            members.get(key)
        }
        _ => None,
    };
    Ok(found.unwrap_or(&UNDEFINED))
}

/// A number as an index.
fn index(key: &Value) -> Option<usize> {
    let Value::Number(number) = key else { return None };
    number.as_u64().and_then(|index| usize::try_from(index).ok())
}
