//! Scans: arrays by index, objects and sets by a list of their members taken when the scan begins.

use super::compare::pay_for_key;
use super::{Machine, stopped};
use crate::builtins::{Context, order};
use crate::engine::EvalError;
use crate::plan::code::Target;
use crate::plan::program::Slot;
use regorus::Value;
use std::vec::IntoIter;

/// The members that are still to come.
pub enum Members {
    /// Of an array, from an index on.
    Array(Value, usize),
    /// Of an object.
    Object(IntoIter<(Value, Value)>),
    /// Of a set, or of an object whose keys nobody reads.
    Values(IntoIter<Value>),
    /// Of anything else.
    None,
}

/// What a list of members costs in memory, an entry.
const BYTES_PER_MEMBER: usize = 48;

impl Machine<'_> {
    /// Begins a scan. Its `Next` follows.
    pub(super) fn scan(&mut self, source: Slot, key: Option<Slot>) -> Result<(), EvalError> {
        let source = self.slot(source);
        let members = match source {
            Value::Array(_) => Members::Array(source.clone(), 0),
            Value::Object(members) => {
                let members = members.clone();
                self.context.work(members.len().saturating_mul(BYTES_PER_MEMBER)).map_err(stopped)?;
                let list: Vec<_> = if has_other_order(|| members.keys(), members.len(), self.context)? {
                    order::members(&members).into_iter().map(|(key, value)| (key.clone(), value.clone())).collect()
                } else {
                    members.iter_sorted().map(|(key, value)| (key.clone(), value.clone())).collect()
                };
                match key {
                    Some(_) => Members::Object(list.into_iter()),
                    None => Members::Values(list.into_iter().map(|(_, value)| value).collect::<Vec<_>>().into_iter()),
                }
            }
            Value::Set(members) => {
                let members = members.clone();
                self.context.work(members.len().saturating_mul(BYTES_PER_MEMBER)).map_err(stopped)?;
                let list: Vec<_> = if has_other_order(|| members.iter(), members.len(), self.context)? {
                    order::sorted(members.iter()).into_iter().cloned().collect()
                } else {
                    members.iter_sorted().cloned().collect()
                };
                Members::Values(list.into_iter())
            }
            _ => Members::None,
        };
        self.scratch.scans.push(members);
        Ok(())
    }

    /// Takes the next member of the innermost scan, or ends it.
    pub(super) fn next_member(&mut self, key: Option<Slot>, value: Option<Slot>, end: Target) {
        let member = match self.scratch.scans.last_mut() {
            Some(Members::Array(array, index)) => next_of_array(array, index),
            Some(Members::Object(members)) => members.next(),
            // The key of a set's member is the member.
            Some(Members::Values(members)) => members.next().map(|member| match key {
                Some(_) => (member.clone(), member),
                None => (Value::Undefined, member),
            }),
            Some(Members::None) | None => None,
        };
        let Some((member_key, member)) = member else {
            self.scratch.scans.pop();
            if let Some(key) = key {
                self.set(key, Value::Undefined);
            }
            self.next = end;
            return;
        };
        if let Some(key) = key {
            self.set(key, member_key);
        }
        if let Some(value) = value {
            self.set(value, member);
        }
    }
}

/// Whether OPA's order may not be regorus', which is so where sets and objects stand beside each other. Sorting is paid
/// for then.
fn has_other_order<'v, I: Iterator<Item = &'v Value>>(
    keys: impl Fn() -> I,
    count: usize,
    context: &mut Context,
) -> Result<bool, EvalError> {
    let is_collection = |value: &Value| matches!(value, Value::Array(_) | Value::Set(_) | Value::Object(_));
    if !keys().any(is_collection) {
        return Ok(false);
    }
    for key in keys() {
        pay_for_key(key, count, context)?;
    }
    Ok(true)
}

fn next_of_array(array: &Value, index: &mut usize) -> Option<(Value, Value)> {
    let Value::Array(items) = array else { return None };
    let item = items.get(*index)?.clone();
    let key = Value::from(u64::try_from(*index).unwrap_or(u64::MAX));
    *index = index.saturating_add(1);
    Some((key, item))
}
