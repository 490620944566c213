//! `array.*`.

use super::args::{array, pay, small_integer};
use super::{Builtin, Context, Failure, own};
use regorus::Value;

pub(super) const TABLE: &[Builtin] = &[
    own("array.concat", 2, concat),
    own("array.flatten", 1, flatten),
    own("array.reverse", 1, reverse),
    own("array.slice", 3, slice),
];

fn concat(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [a, b] = args else { return Err(Failure::ARITY) };
    let (a, b) = (array(a)?, array(b)?);
    pay(context, a.len().saturating_add(b.len()))?;
    Ok(Value::from(a.iter().chain(b.iter()).cloned().collect::<Vec<_>>()))
}

/// One level.
fn flatten(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [items] = args else { return Err(Failure::ARITY) };
    let items = array(items)?;
    pay(context, items.len())?;
    let mut flat = Vec::new();
    for item in items.iter() {
        match item {
            Value::Array(inner) => {
                pay(context, inner.len())?;
                flat.extend(inner.iter().cloned());
            }
            other => flat.push(other.clone()),
        }
    }
    Ok(Value::from(flat))
}

fn reverse(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [items] = args else { return Err(Failure::ARITY) };
    let items = array(items)?;
    pay(context, items.len())?;
    let mut reversed = items.to_vec();
    reversed.reverse();
    Ok(Value::from(reversed))
}

/// Positions beyond either end are moved to it.
fn slice(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [items, start, stop] = args else { return Err(Failure::ARITY) };
    let items = array(items)?;
    // Wasm has 32 bits for a position and OPA 64: what does not fit lies behind the end, as it does there.
    let position = |value| small_integer(value).map(|position| usize::try_from(position.max(0)).unwrap_or(usize::MAX));
    let (start, stop) = (position(start)?, position(stop)?.min(items.len()));
    let length = stop.saturating_sub(start);
    pay(context, length)?;
    Ok(Value::from(items.iter().skip(start).take(length).cloned().collect::<Vec<_>>()))
}
