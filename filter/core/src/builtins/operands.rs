//! Arguments as OPA's builtins take them: a text, a machine integer, …; anything else is their error.

use super::Failure;
use regorus::Value;

/// The error for an argument of another type than the builtin wants.
const fn refused() -> Failure {
    Failure::Error(std::borrow::Cow::Borrowed("an argument is of the wrong type"))
}

/// A text.
pub(super) fn text(value: &Value) -> Result<&str, Failure> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(refused()),
    }
}

/// Every member of an array or a set, all of them texts.
pub(super) fn texts(value: &Value) -> Result<Vec<&str>, Failure> {
    match value {
        Value::Array(items) => items.iter().map(text).collect(),
        Value::Set(items) => items.iter().map(text).collect(),
        _ => Err(refused()),
    }
}

/// A whole number of 64 bits. OPA takes `2.0` for 2 as well.
pub(super) fn integer(value: &Value) -> Result<i64, Failure> {
    /// From here on a double is not the only whole number that rounds to it.
    const SAFE: f64 = 9_007_199_254_740_992.0;
    let Value::Number(number) = value else { return Err(refused()) };
    match number.as_f64() {
        // OPA decides by the digits, which a large double no longer has.
        Some(float) if float.abs() >= SAFE && number.as_i64().is_none() && number.as_big().is_none() => {
            Err(Failure::Inexact("a whole number beyond a double"))
        }
        _ => number.as_i64().ok_or_else(refused),
    }
}

/// For the pattern that takes the arguments apart; the caller has checked their number already.
pub(super) const fn arity() -> Failure {
    Failure::Inexact("a builtin called with another number of arguments")
}
