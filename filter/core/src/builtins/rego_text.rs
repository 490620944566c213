//! A value as OPA prints it (its `String()`): `{"a": [1, true]}`, `set()`. Not JSON: sets are `{1, 2}`.

use super::order::{self, sorted};
use super::{Context, Failure, unicode};
use regorus::Value;
use std::mem::discriminant;

/// Bytes of work for each member that is put in order.
const SORTING: usize = 256;

/// Appends the value; pays for it.
pub(super) fn push(context: &mut Context, out: &mut String, value: &Value) -> Result<(), Failure> {
    context.work(1)?;
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(_) => out.push_str(&number(context, value)?),
        Value::String(text) => {
            context.work(text.len())?;
            unicode::quote(out, text);
        }
        Value::Array(items) => list(context, out, ('[', ']'), items.iter())?,
        Value::Set(items) if items.is_empty() => out.push_str("set()"),
        Value::Set(items) => {
            context.work(items.len().saturating_mul(SORTING))?;
            list(context, out, ('{', '}'), sorted(items.iter()).into_iter())?;
        }
        Value::Object(members) => {
            context.work(members.len().saturating_mul(SORTING))?;
            out.push('{');
            for (at, (key, value)) in order::members(members).into_iter().enumerate() {
                out.push_str(if at == 0 { "" } else { ", " });
                push(context, out, key)?;
                out.push_str(": ");
                push(context, out, value)?;
            }
            out.push('}');
        }
        Value::Undefined => return Err(Failure::Inexact("an undefined value inside a value")),
    }
    Ok(())
}

fn list<'a>(
    context: &mut Context,
    out: &mut String,
    (open, close): (char, char),
    items: impl Iterator<Item = &'a Value>,
) -> Result<(), Failure> {
    out.push(open);
    for (at, item) in items.enumerate() {
        out.push_str(if at == 0 { "" } else { ", " });
        push(context, out, item)?;
    }
    out.push(close);
    Ok(())
}

/// A number's text. OPA keeps the text that was read (`1.50`, `1e3`); of a double only the value is left.
pub(super) fn number(context: &mut Context, value: &Value) -> Result<String, Failure> {
    let Value::Number(number) = value else { return Err(Failure::Inexact("no number")) };
    if is_double(value) {
        return Err(Failure::Inexact("the digits of a number that is no integer"));
    }
    // Making decimal digits takes the square of their number.
    let bits = number.as_i64().map_or_else(|| number.as_big().map_or(0, |big| big.bits()), |_| 64);
    let words = usize::try_from(bits / 64).unwrap_or(usize::MAX);
    context.work(words.saturating_mul(words).saturating_mul(8))?;
    Ok(number.format_decimal())
}

/// Whether the engine holds the number as a double, also a whole one (`1.0`): OPA may have it in other digits.
pub fn is_double(value: &Value) -> bool {
    // The type of numbers cannot be named outside of regorus, its kinds can only be compared.
    match (value, &Value::from(0.5)) {
        (Value::Number(number), Value::Number(double)) => discriminant(number) == discriminant(double),
        _ => false,
    }
}
