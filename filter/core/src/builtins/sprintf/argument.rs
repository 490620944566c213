//! What OPA hands to Go's `fmt` for a value.

use crate::builtins::rego_text::is_double;
use regorus::Value;

/// One argument.
#[derive(Debug, Clone, Copy)]
pub(super) enum Argument<'a> {
    /// `string`
    Text(&'a str),
    /// `string`: any other value, as OPA prints it
    Printed(&'a Value),
    /// `int64`
    Integer(i64),
    /// `*big.Int`: an integer of more than 64 bits
    Big(&'a Value),
    /// `float64`
    Float(f64),
    /// `float64` if it was read with a point, `int64` if it was computed
    Whole(f64),
}

impl<'a> Argument<'a> {
    pub(super) fn of(value: &'a Value) -> Self {
        let number = match value {
            Value::String(text) => return Self::Text(text),
            Value::Number(number) => number,
            other => return Self::Printed(other),
        };
        match (number.as_f64(), number.as_i64()) {
            (Some(float), _) if is_double(value) && number.is_integer() => Self::Whole(float),
            (Some(float), _) if is_double(value) => Self::Float(float),
            (_, Some(integer)) => Self::Integer(integer),
            (_, None) => Self::Big(value),
        }
    }

    /// The name of the Go type; `None` if it is one of two.
    pub(super) const fn type_name(self) -> Option<&'static str> {
        match self {
            Self::Text(_) | Self::Printed(_) => Some("string"),
            Self::Integer(_) => Some("int64"),
            Self::Big(_) => Some("*big.Int"),
            Self::Float(_) => Some("float64"),
            Self::Whole(_) => None,
        }
    }
}
