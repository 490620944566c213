//! Arguments by type, and what handling collections costs.

use super::numbers::Number;
use super::{Context, Failure};
use num_bigint::BigInt;
use regorus::Value;
use regorus::value::{Array, Object, Set};

pub(super) fn string(value: &Value) -> Result<&str, Failure> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Failure::Error("wants a string".into())),
    }
}

pub(super) fn array(value: &Value) -> Result<&Array, Failure> {
    match value {
        Value::Array(items) => Ok(items),
        _ => Err(Failure::Error("wants an array".into())),
    }
}

pub(super) fn set(value: &Value) -> Result<&Set, Failure> {
    match value {
        Value::Set(items) => Ok(items),
        _ => Err(Failure::Error("wants a set".into())),
    }
}

pub(super) fn object(value: &Value) -> Result<&Object, Failure> {
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(Failure::Error("wants an object".into())),
    }
}

pub(super) fn number(value: &Value) -> Result<Number, Failure> {
    Number::of(value).ok_or(Failure::Error("wants a number".into()))
}

/// An integer of 64 bits.
pub(super) fn small_integer(value: &Value) -> Result<i64, Failure> {
    number(value)?.small().ok_or(Failure::Error("wants an integer".into()))
}

/// An integer of any size.
pub(super) fn integer(value: &Value) -> Result<BigInt, Failure> {
    number(value)?.integer().ok_or(Failure::Error("wants an integer".into()))
}

/// The members of an array or a set, in order.
pub(super) fn items(value: &Value) -> Result<Vec<&Value>, Failure> {
    match value {
        Value::Array(items) => Ok(items.iter().collect()),
        Value::Set(items) => Ok(super::order::sorted(items.iter())),
        _ => Err(Failure::Error("wants an array or a set".into())),
    }
}

/// Members of a collection, 0 of anything else.
pub(super) fn length(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.len(),
        Value::Set(items) => items.len(),
        Value::Object(members) => members.len(),
        _ => 0,
    }
}

/// Bytes of work that copying or inserting one member counts as.
const MEMBER: usize = 64;

/// Pays for looking at or making so many members.
pub(super) fn pay(context: &mut Context, members: usize) -> Result<(), Failure> {
    context.work(members.saturating_mul(MEMBER))
}
