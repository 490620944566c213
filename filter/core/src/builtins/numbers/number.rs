//! A number as OPA's builtins see it: an integer of any size, or a float.

use super::decimal::Decimal;
use super::float::{Float, PRECISION};
use crate::builtins::{Context, Failure};
use num_bigint::BigInt;
use num_traits::ToPrimitive;
use regorus::Value;

/// A number, read from a value.
#[derive(Debug, Clone)]
pub(in crate::builtins) enum Number {
    /// An integer of 64 bits, which most are.
    Small(i64),
    /// Any other integer.
    Big(BigInt),
    /// Not an integer.
    Float(f64),
}

impl Number {
    /// `None` if the value is no number.
    pub(in crate::builtins) fn of(value: &Value) -> Option<Self> {
        let Value::Number(number) = value else { return None };
        if let Some(small) = number.as_i64() {
            return Some(Self::Small(small));
        }
        if let Some(big) = number.as_big() {
            return Some(Self::Big((*big).clone()));
        }
        if number.is_integer() {
            // A double too large for regorus to call it an integer: it stands for the digits it is written with.
            return BigInt::parse_bytes(number.format_decimal().as_bytes(), 10).map(Self::Big);
        }
        number.as_f64().map(Self::Float)
    }

    /// The integer, if it is one.
    pub(in crate::builtins) fn integer(&self) -> Option<BigInt> {
        match self {
            Self::Small(small) => Some(BigInt::from(*small)),
            Self::Big(big) => Some(big.clone()),
            Self::Float(_) => None,
        }
    }

    /// The integer, if it fits into 64 bits: what OPA takes for positions and lengths.
    pub(in crate::builtins) const fn small(&self) -> Option<i64> {
        match self {
            Self::Small(small) => Some(*small),
            _ => None,
        }
    }

    /// The integer as a position in an array.
    pub(in crate::builtins) fn index(&self) -> Option<usize> {
        self.small().and_then(|small| usize::try_from(small).ok())
    }

    /// As OPA computes with it where it does not compute with integers.
    pub(super) fn float(&self) -> Float {
        match self {
            Self::Small(small) => Float::of_integer(&BigInt::from(*small), PRECISION),
            Self::Big(big) => Float::of_integer(big, PRECISION),
            Self::Float(double) => Float::of_decimal(&Decimal::of_double(*double)),
        }
    }

    /// Bits of the integer; of a double, more than any operation makes of it.
    pub(super) fn bits(&self) -> u64 {
        match self {
            Self::Small(_) => 64,
            Self::Big(big) => big.bits(),
            Self::Float(_) => 4096,
        }
    }
}

/// An integer as a value.
pub(in crate::builtins) fn integer_value(integer: &BigInt) -> Value {
    if let Some(small) = integer.to_i64() {
        return Value::from(small);
    }
    let mut value = Value::from(0_i64);
    if let Ok(number) = value.as_number_mut() {
        *number = integer.clone().into();
    }
    value
}

/// A float as OPA writes it, if a double can stand for that decimal.
pub(super) fn float_value(context: &mut Context, float: &Float) -> Result<Value, Failure> {
    let weight = usize::try_from(float.weight()).unwrap_or(usize::MAX);
    // Turning it into digits is quadratic.
    context.work(weight.saturating_mul(weight.checked_shr(6).unwrap_or(0)))?;
    if float.is_zero() {
        return Ok(Value::from(if float.is_negative() { -0.0 } else { 0.0 }));
    }
    let decimal = float.shortest();
    if float.is_integer() {
        let (negative, digits, zeros) = decimal.parts();
        let sign = if negative { num_bigint::Sign::Minus } else { num_bigint::Sign::Plus };
        let scale = BigInt::from(10_u8).pow(u32::try_from(zeros).unwrap_or(0));
        return Ok(integer_value(&std::ops::Mul::mul(BigInt::from_biguint(sign, digits), scale)));
    }
    decimal.double().map(Value::from).ok_or(Failure::Inexact("a number has more digits than a double holds"))
}
