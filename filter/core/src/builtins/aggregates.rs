//! `count`, `sum`, `product`, `max`, `min`, `sort`, `all`, `any`, `internal.member_2`, `internal.member_3`.

use super::args::{self, length, pay};
use super::numbers::{Number, Total};
use super::order::{compare_paid, equal_paid, sorted};
use super::{Builtin, Context, Failure, own};
use regorus::Value;
use std::cmp::Ordering;

pub(super) const TABLE: &[Builtin] = &[
    own("count", 1, count),
    own("sum", 1, |context, args| total(context, args, Total::Sum)),
    own("product", 1, |context, args| total(context, args, Total::Product)),
    own("max", 1, |context, args| extreme(context, args, Ordering::is_ge)),
    own("min", 1, |context, args| extreme(context, args, Ordering::is_le)),
    own("sort", 1, sort),
    own("all", 1, all),
    own("any", 1, any),
    own("internal.member_2", 2, member),
    own("internal.member_3", 3, member_with_key),
];

/// Characters of a text, or members of a collection.
fn count(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let count = match args {
        [Value::String(text)] => {
            context.work(text.len())?;
            text.chars().count()
        }
        [Value::Array(items)] => items.len(),
        [Value::Set(items)] => items.len(),
        [Value::Object(members)] => members.len(),
        _ => return Err(Failure::Error("count: wants a string or a collection".into())),
    };
    Ok(Value::from(u64::try_from(count).unwrap_or(u64::MAX)))
}

/// The members of an array, or of a set in OPA's order; looking at them is paid.
fn items<'a>(context: &mut Context, args: &'a [Value]) -> Result<Vec<&'a Value>, Failure> {
    let [collection] = args else { return Err(Failure::ARITY) };
    pay(context, length(collection))?;
    args::items(collection)
}

fn total(context: &mut Context, args: &[Value], total: Total) -> Result<Value, Failure> {
    let numbers: Option<Vec<Number>> = items(context, args)?.into_iter().map(Number::of).collect();
    let Some(numbers) = numbers else { return Err(Failure::Error("wants numbers".into())) };
    total.of(context, &numbers)
}

/// The last of the greatest or smallest members; undefined if there are none.
fn extreme(context: &mut Context, args: &[Value], better: fn(Ordering) -> bool) -> Result<Value, Failure> {
    let mut items = items(context, args)?.into_iter();
    let Some(mut best) = items.next() else { return Ok(Value::Undefined) };
    for item in items {
        if better(compare_paid(context, item, best)?) {
            best = item;
        }
    }
    Ok(best.clone())
}

fn sort(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let items = items(context, args)?;
    // As many comparisons as sorting takes, each of short values: long ones cost more than is paid for, within the
    // size of the array.
    let rounds = usize::try_from(items.len().checked_ilog2().unwrap_or(0)).unwrap_or(0);
    pay(context, items.len().saturating_mul(rounds))?;
    Ok(Value::from(sorted(items.into_iter()).into_iter().cloned().collect::<Vec<_>>()))
}

fn all(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    Ok(Value::Bool(items(context, args)?.into_iter().all(|item| *item == Value::Bool(true))))
}

fn any(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    Ok(Value::Bool(items(context, args)?.into_iter().any(|item| *item == Value::Bool(true))))
}

/// `x in xs`: values of arrays and objects, members of sets; nothing is in anything else.
fn member(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [item, collection] = args else { return Err(Failure::ARITY) };
    let found = match collection {
        Value::Set(items) => contains(context, || items.contains(item))?,
        Value::Array(items) => among(context, item, items.iter())?,
        Value::Object(members) => among(context, item, members.values())?,
        _ => false,
    };
    Ok(Value::Bool(found))
}

fn among<'a>(context: &mut Context, item: &Value, values: impl Iterator<Item = &'a Value>) -> Result<bool, Failure> {
    for value in values {
        if equal_paid(context, item, value)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A search in a tree costs a few comparisons.
fn contains(context: &mut Context, search: impl FnOnce() -> bool) -> Result<bool, Failure> {
    context.work(size_of::<Value>())?;
    Ok(search())
}

/// `k, v in xs`. The key of a set's member is the member.
fn member_with_key(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [key, value, collection] = args else { return Err(Failure::ARITY) };
    let found = match collection {
        Value::Set(items) => equal_paid(context, key, value)? && contains(context, || items.contains(key))?,
        Value::Array(items) => match Number::of(key).and_then(|key| key.index()).and_then(|key| items.get(key)) {
            Some(item) => equal_paid(context, value, item)?,
            None => false,
        },
        Value::Object(members) => match members.get(key) {
            Some(member) => equal_paid(context, value, member)?,
            None => false,
        },
        _ => false,
    };
    Ok(Value::Bool(found))
}
