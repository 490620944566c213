//! OPA's total order of values: null, booleans, numbers, strings, arrays, objects, sets. regorus' own order has sets
//! before objects, so nothing that OPA defines by order may use `Ord` of [`Value`].

use super::{Context, Failure};
use regorus::Value;
use regorus::value::Object;
use std::cmp::Ordering;

/// OPA's order.
pub fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => sequences(a.iter(), b.iter()),
        (Value::Set(a), Value::Set(b)) => sequences(sorted(a.iter()).into_iter(), sorted(b.iter()).into_iter()),
        (Value::Object(a), Value::Object(b)) => sequences(by_turns(a), by_turns(b)),
        _ => rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)),
    }
}

/// OPA's order, paid for before: collections may share their parts, so that a small policy makes values that are huge
/// to look through.
pub(super) fn compare_paid(context: &mut Context, a: &Value, b: &Value) -> Result<Ordering, Failure> {
    if rank(a) == rank(b) {
        pay(context, a)?;
        pay(context, b)?;
    }
    Ok(compare(a, b))
}

/// Takes a step for every value in a value.
fn pay(context: &mut Context, value: &Value) -> Result<(), Failure> {
    context.step().map_err(Failure::Stop)?;
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| pay(context, item)),
        Value::Set(items) => items.iter().try_for_each(|item| pay(context, item)),
        Value::Object(members) => members.iter().try_for_each(|(key, value)| {
            pay(context, key)?;
            pay(context, value)
        }),
        Value::String(text) => context.work(text.len()),
        _ => Ok(()),
    }
}

/// Strings up to this many bytes are compared at the price of the statement, or of the member, that they stand in.
pub(crate) const FREE_BYTES: usize = 64;

/// Equality, paid for as it goes. regorus' order within a collection serves as well as OPA's, it is the same on both
/// sides.
pub(crate) fn equal_paid(context: &mut Context, a: &Value, b: &Value) -> Result<bool, Failure> {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => all_equal(context, a.iter().zip(b.iter())),
        (Value::Set(a), Value::Set(b)) if a.len() == b.len() => {
            all_equal(context, a.iter_sorted().zip(b.iter_sorted()))
        }
        (Value::Object(a), Value::Object(b)) if a.len() == b.len() => {
            let pairs = a.iter_sorted().zip(b.iter_sorted());
            all_equal(context, pairs.flat_map(|(a, b)| [(a.0, b.0), (a.1, b.1)]))
        }
        (Value::Array(_), Value::Array(_)) | (Value::Set(_), Value::Set(_)) | (Value::Object(_), Value::Object(_)) => {
            Ok(false)
        }
        (Value::String(a), Value::String(b)) if a.len() == b.len() => {
            if a.len() > FREE_BYTES {
                context.work(a.len())?;
            }
            Ok(a == b)
        }
        _ => Ok(a == b),
    }
}

fn all_equal<'v>(
    context: &mut Context,
    mut pairs: impl Iterator<Item = (&'v Value, &'v Value)>,
) -> Result<bool, Failure> {
    pairs.try_fold(true, |so_far, (a, b)| {
        if !so_far {
            return Ok(false);
        }
        context.step().map_err(Failure::Stop)?;
        equal_paid(context, a, b)
    })
}

/// The members of a set in OPA's order.
pub fn sorted<'a>(items: impl Iterator<Item = &'a Value>) -> Vec<&'a Value> {
    let mut sorted: Vec<&Value> = items.collect();
    sorted.sort_by(|a, b| compare(a, b));
    sorted
}

/// The members of an object in OPA's order of the keys.
pub fn members(object: &Object) -> Vec<(&Value, &Value)> {
    let mut members: Vec<(&Value, &Value)> = object.iter().collect();
    members.sort_by(|(a, _), (b, _)| compare(a, b));
    members
}

/// Keys and values by turns, in OPA's order of the keys.
fn by_turns(object: &Object) -> impl Iterator<Item = &Value> {
    members(object).into_iter().flat_map(|(key, value)| [key, value])
}

/// The first difference decides, then the length.
fn sequences<'a>(mut a: impl Iterator<Item = &'a Value>, mut b: impl Iterator<Item = &'a Value>) -> Ordering {
    loop {
        match (a.next(), b.next()) {
            (Some(a), Some(b)) => match compare(a, b) {
                Ordering::Equal => {}
                different => return different,
            },
            (a, b) => return a.is_some().cmp(&b.is_some()),
        }
    }
}

/// The place of a type in the order.
const fn rank(value: &Value) -> u8 {
    match value {
        Value::Undefined => 0,
        Value::Null => 1,
        Value::Bool(_) => 2,
        Value::Number(_) => 3,
        Value::String(_) => 4,
        Value::Array(_) => 5,
        Value::Object(_) => 6,
        Value::Set(_) => 7,
    }
}
