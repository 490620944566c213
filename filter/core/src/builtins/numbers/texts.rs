//! `format_int`, `to_number`.

use super::number::Number;
use crate::builtins::{Context, Failure, args};
use crate::json;
use num_bigint::BigInt;
use regorus::Value;

/// The integer, without its fraction, in base 2, 8, 10 or 16.
pub(super) fn format_int(context: &mut Context, arguments: &[Value]) -> Result<Value, Failure> {
    let [number, base] = arguments else { return Err(Failure::ARITY) };
    let (number, base) = (args::number(number)?, args::number(base)?);
    let base = match base.small() {
        Some(base @ (2 | 8 | 10 | 16)) => u32::try_from(base).unwrap_or(10),
        _ => return Err(Failure::Error("the base must be 2, 8, 10 or 16".into())),
    };
    let integer = whole(&number);
    let bytes = usize::try_from(integer.bits().wrapping_shr(3)).unwrap_or(usize::MAX);
    // Digits of base 10 take time by the square of the length.
    context.work(bytes.saturating_mul(bytes.wrapping_shr(3).saturating_add(1)))?;
    Ok(Value::from(integer.to_str_radix(base)))
}

fn whole(number: &Number) -> BigInt {
    number.integer().unwrap_or_else(|| number.float().truncated())
}

/// OPA keeps the text of a string as the number's text if Go reads it as a float. What is not a number in JSON as well
/// (`+5`, `1_0`, `.5`) becomes a number that OPA cannot even write.
pub(super) fn to_number(context: &mut Context, arguments: &[Value]) -> Result<Value, Failure> {
    let [value] = arguments else { return Err(Failure::ARITY) };
    match value {
        Value::Null => Ok(Value::from(0_i64)),
        Value::Bool(truth) => Ok(Value::from(i64::from(*truth))),
        Value::Number(_) => Ok(value.clone()),
        Value::String(text) => {
            context.work(text.len())?;
            read(text)
        }
        _ => Err(Failure::Error("wants null, a boolean, a number or a string".into())),
    }
}

fn read(text: &str) -> Result<Value, Failure> {
    const OWN_FORM: Failure = Failure::Inexact("a text that OPA may keep as a number in its own form");
    let unsigned = text.trim_start_matches(['+', '-']);
    if unsigned.starts_with(|first: char| first.is_ascii_digit()) && unsigned.contains(['_', 'p', 'P']) {
        return Err(OWN_FORM);
    }
    // Otherwise Go and Rust agree on what a float is.
    match text.parse::<f64>() {
        Ok(double) if double.is_finite() => json::parse(text.as_bytes()).map_err(|_| OWN_FORM),
        Ok(_) => Err(Failure::Error("is out of range".into())),
        Err(_) => Err(Failure::Error("is not a number".into())),
    }
}
