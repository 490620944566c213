//! `object.*`.

use super::args::{array, items, length, object, pay};
use super::numbers::Number;
use super::order::equal_paid;
use super::{Builtin, Context, Failure, own};
use regorus::Value;
use regorus::value::{Array, Object, Set};
use std::collections::BTreeSet;

pub(super) const TABLE: &[Builtin] = &[
    own("object.filter", 2, filter),
    own("object.get", 3, get),
    own("object.keys", 1, keys),
    own("object.remove", 2, remove),
    own("object.subset", 2, subset),
    own("object.union", 2, union),
    own("object.union_n", 1, union_n),
];

/// What is at a key, or at the end of a path of keys.
fn get(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [start, path, default] = args else { return Err(Failure::ARITY) };
    object(start)?;
    let Value::Array(path) = path else {
        return Ok(child(start, path).unwrap_or(default).clone());
    };
    pay(context, path.len())?;
    let end = path.iter().try_fold(start, |value, key| child(value, key));
    Ok(end.unwrap_or(default).clone())
}

/// The value at a key: a member of a set is its own key.
pub(super) fn child<'a>(value: &'a Value, key: &Value) -> Option<&'a Value> {
    match value {
        Value::Object(members) => members.get(key),
        Value::Array(items) => items.get(Number::of(key)?.index()?),
        Value::Set(items) => items.get(key),
        _ => None,
    }
}

fn keys(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [members] = args else { return Err(Failure::ARITY) };
    let members = object(members)?;
    pay(context, members.len())?;
    Ok(Value::from(members.keys().cloned().collect::<BTreeSet<_>>()))
}

/// The members of an array or a set, or the keys of an object.
fn key_set(context: &mut Context, value: &Value) -> Result<BTreeSet<Value>, Failure> {
    pay(context, length(value))?;
    match value {
        Value::Object(members) => Ok(members.keys().cloned().collect()),
        _ => Ok(items(value)?.into_iter().cloned().collect()),
    }
}

fn filter(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    chosen(context, args, true)
}

fn remove(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    chosen(context, args, false)
}

/// The members whose key is, or is not, among the given ones.
fn chosen(context: &mut Context, args: &[Value], among: bool) -> Result<Value, Failure> {
    let [members, keys] = args else { return Err(Failure::ARITY) };
    let members = object(members)?;
    let keys = key_set(context, keys)?;
    pay(context, members.len())?;
    let mut chosen = members.clone();
    chosen.retain(|key, _| keys.contains(key) == among);
    Ok(chosen.into_value())
}

fn union(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [a, b] = args else { return Err(Failure::ARITY) };
    let (mut merged, b) = (object(a)?.clone(), object(b)?);
    pay(context, merged.len())?;
    merge(context, &mut merged, b)?;
    Ok(merged.into_value())
}

fn union_n(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [objects] = args else { return Err(Failure::ARITY) };
    let objects = array(objects)?;
    pay(context, objects.len())?;
    let objects = objects.iter().map(object).collect::<Result<Vec<_>, _>>()?;
    let mut merged = Object::new();
    for object in objects {
        merge(context, &mut merged, object)?;
    }
    Ok(merged.into_value())
}

/// Objects at the same key are merged, everything else is overwritten.
fn merge(context: &mut Context, into: &mut Object, from: &Object) -> Result<(), Failure> {
    pay(context, from.len())?;
    for (key, value) in from.iter() {
        match (into.get_mut(key), value) {
            (Some(existing @ Value::Object(_)), Value::Object(value)) => {
                // A copy of what is shared, member by member.
                pay(context, length(existing))?;
                if let Ok(existing) = existing.as_object_mut() {
                    merge(context, existing, value)?;
                }
            }
            (Some(existing), value) => *existing = value.clone(),
            (None, value) => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
    Ok(())
}

fn subset(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [whole, part] = args else { return Err(Failure::ARITY) };
    if let (Value::Array(whole), Value::Set(part)) = (whole, part) {
        return array_holds_set(context, whole, part).map(Value::Bool);
    }
    match holds(context, whole, part)? {
        Some(holds) => Ok(Value::Bool(holds)),
        None => Err(Failure::Error("wants two objects, two sets, two arrays, or an array and a set".into())),
    }
}

/// For two objects, two sets or two arrays; `None` for anything else.
fn holds(context: &mut Context, whole: &Value, part: &Value) -> Result<Option<bool>, Failure> {
    Ok(Some(match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => object_holds(context, whole, part)?,
        (Value::Set(whole), Value::Set(part)) => {
            pay(context, part.len())?;
            part.is_subset(whole)
        }
        (Value::Array(whole), Value::Array(part)) => array_holds(context, whole, part)?,
        _ => return Ok(None),
    }))
}

/// Values may be subsets in turn.
fn object_holds(context: &mut Context, whole: &Object, part: &Object) -> Result<bool, Failure> {
    for (key, value) in part.iter() {
        let Some(whole) = whole.get(key) else { return Ok(false) };
        if !equal_paid(context, whole, value)? && holds(context, whole, value)? != Some(true) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The part stands somewhere in the whole, in one piece.
fn array_holds(context: &mut Context, whole: &Array, part: &Array) -> Result<bool, Failure> {
    let Some(last_start) = whole.len().checked_sub(part.len()) else { return Ok(false) };
    for start in 0..=last_start {
        if starts_with(context, whole.iter().skip(start), part)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn starts_with<'a>(
    context: &mut Context,
    whole: impl Iterator<Item = &'a Value>,
    part: &Array,
) -> Result<bool, Failure> {
    for (a, b) in whole.zip(part.iter()) {
        if !equal_paid(context, a, b)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// As OPA counts: a member of the set that stands twice in the array counts twice, and an empty array holds nothing.
fn array_holds_set(context: &mut Context, whole: &Array, part: &Set) -> Result<bool, Failure> {
    pay(context, whole.len())?;
    let mut missing = part.len();
    for item in whole.iter() {
        if part.contains(item) {
            missing = missing.saturating_sub(1);
        }
        if missing == 0 {
            return Ok(true);
        }
    }
    Ok(false)
}
