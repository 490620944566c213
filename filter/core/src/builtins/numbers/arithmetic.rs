//! `plus`, `minus`, `mul`, `div`, `rem`, `abs`, `ceil`, `floor`, `round`, and totals.
//!
//! Integers are computed exactly. Where one operand is none, and for a division that leaves a remainder, OPA computes
//! with floats of 64 bits.

use super::float::{Float, PRECISION};
use super::number::{Number, float_value, integer_value};
use crate::builtins::{Context, Failure, args};
use num_bigint::BigInt;
use num_traits::{One, Zero};
use regorus::Value;
use std::ops::{Add, Mul, Rem, Sub};

/// Bytes of work that an operation on floats counts as: some microseconds.
const FLOAT: usize = 8 << 10;

/// What OPA computes of two numbers.
struct Operation {
    /// On integers of 64 bits, if the result is one of 64 bits.
    small: fn(i64, i64) -> Option<i64>,
    /// On other integers.
    exact: fn(&BigInt, &BigInt) -> BigInt,
    float: fn(&Float, &Float) -> Float,
}

const PLUS: Operation = Operation { small: i64::checked_add, exact: |a, b| a.add(b), float: Float::sum };
const MINUS: Operation =
    Operation { small: i64::checked_sub, exact: |a, b| a.sub(b), float: |a, b| a.sum(&b.clone().negated()) };
const TIMES: Operation = Operation { small: i64::checked_mul, exact: |a, b| a.mul(b), float: Float::product };

impl Operation {
    fn run(&self, context: &mut Context, a: &Number, b: &Number) -> Result<Value, Failure> {
        if let (Some(a), Some(b)) = (a.small(), b.small())
            && let Some(result) = (self.small)(a, b)
        {
            return Ok(Value::from(result));
        }
        pay(context, a, b)?;
        if let (Some(a), Some(b)) = (a.integer(), b.integer()) {
            return Ok(integer_value(&(self.exact)(&a, &b)));
        }
        float_value(context, &(self.float)(&a.float(), &b.float()))
    }
}

/// Pays for a product, which costs most, and for floats.
fn pay(context: &mut Context, a: &Number, b: &Number) -> Result<(), Failure> {
    let words = |number: &Number| usize::try_from(number.bits().wrapping_shr(6)).unwrap_or(usize::MAX);
    let floats = if matches!((a, b), (Number::Float(_), _) | (_, Number::Float(_))) { FLOAT } else { 0 };
    let product = words(a).saturating_add(1).saturating_mul(words(b).saturating_add(1));
    context.work(product.saturating_mul(size_of::<u64>()).saturating_add(floats))
}

fn two(arguments: &[Value]) -> Result<(Number, Number), Failure> {
    let [a, b] = arguments else { return Err(Failure::ARITY) };
    Number::of(a).zip(Number::of(b)).ok_or(Failure::Error("wants two numbers".into()))
}

pub(super) fn plus(context: &mut Context, arguments: &[Value]) -> Result<Value, Failure> {
    let (a, b) = two(arguments)?;
    PLUS.run(context, &a, &b)
}

/// Of numbers, or of sets.
pub(super) fn minus(context: &mut Context, arguments: &[Value]) -> Result<Value, Failure> {
    if let [Value::Set(a), Value::Set(b)] = arguments {
        args::pay(context, a.len().saturating_add(b.len()))?;
        return Ok(a.difference(b).into_value());
    }
    let (a, b) = two(arguments)?;
    MINUS.run(context, &a, &b)
}

pub(super) fn times(context: &mut Context, arguments: &[Value]) -> Result<Value, Failure> {
    let (a, b) = two(arguments)?;
    TIMES.run(context, &a, &b)
}

pub(super) fn divide(context: &mut Context, arguments: &[Value]) -> Result<Value, Failure> {
    let (a, b) = two(arguments)?;
    if let (Some(a), Some(b)) = (a.small(), b.small()) {
        // A quotient of zero is left to floats: it may be -0.
        if let (Some(quotient), Some(0)) = (a.checked_div(b), a.checked_rem(b))
            && a != 0
        {
            return Ok(Value::from(quotient));
        }
    }
    pay(context, &a, &b)?;
    let (a, b) = (a.float(), b.float());
    if b.is_zero() {
        return Err(Failure::Error("divide by zero".into()));
    }
    context.work(FLOAT)?;
    float_value(context, &a.quotient(&b))
}

pub(super) fn remainder(context: &mut Context, arguments: &[Value]) -> Result<Value, Failure> {
    let (a, b) = two(arguments)?;
    if let (Some(a), Some(b)) = (a.small(), b.small())
        && let Some(remainder) = a.checked_rem(b)
    {
        return Ok(Value::from(remainder));
    }
    pay(context, &a, &b)?;
    let (Some(a), Some(b)) = (a.integer(), b.integer()) else {
        return Err(Failure::Error("modulo on floating-point number".into()));
    };
    if b.is_zero() {
        return Err(Failure::Error("modulo by zero".into()));
    }
    Ok(integer_value(&a.rem(b)))
}

/// Integers of 32 bits stay as they are for OPA, all other numbers become floats, large integers as well.
fn unary(
    context: &mut Context,
    arguments: &[Value],
    small: fn(i64) -> i64,
    float: fn(Float) -> Float,
) -> Result<Value, Failure> {
    let [number] = arguments else { return Err(Failure::ARITY) };
    let Some(number) = Number::of(number) else { return Err(Failure::Error("wants a number".into())) };
    if let Some(integer) = number.small().filter(|integer| i32::try_from(*integer).is_ok()) {
        return Ok(Value::from(small(integer)));
    }
    pay(context, &number, &number)?;
    context.work(FLOAT)?;
    float_value(context, &float(number.float()))
}

pub(super) fn abs(context: &mut Context, arguments: &[Value]) -> Result<Value, Failure> {
    unary(context, arguments, i64::saturating_abs, Float::absolute)
}

pub(super) fn round(context: &mut Context, arguments: &[Value]) -> Result<Value, Failure> {
    unary(
        context,
        arguments,
        |integer| integer,
        |number| {
            let half = Float::of_decimal(&super::decimal::Decimal::of_double(0.5));
            let half = if number.is_negative() { half.negated() } else { half };
            whole(&number.sum(&half))
        },
    )
}

pub(super) fn ceil(context: &mut Context, arguments: &[Value]) -> Result<Value, Failure> {
    unary(
        context,
        arguments,
        |integer| integer,
        |number| {
            let whole = whole(&number);
            if whole.is_negative() || number.is_integer() { whole } else { whole.sum(&one()) }
        },
    )
}

pub(super) fn floor(context: &mut Context, arguments: &[Value]) -> Result<Value, Failure> {
    unary(
        context,
        arguments,
        |integer| integer,
        |number| {
            let whole = whole(&number);
            if !whole.is_negative() || number.is_integer() { whole } else { whole.sum(&one().negated()) }
        },
    )
}

fn one() -> Float {
    Float::of_integer(&BigInt::one(), PRECISION)
}

/// The integer part, as precise as it must be to hold it. Of `-0.5` it is 0, not -0.
fn whole(number: &Float) -> Float {
    let integer = number.truncated();
    let precision = integer.bits().max(PRECISION);
    Float::of_integer(&integer, precision)
}

/// What `sum` and `product` make of many numbers.
#[derive(Clone, Copy)]
pub(in crate::builtins) enum Total {
    Sum,
    Product,
}

impl Total {
    /// Exact if all are integers. The floats of a product start with Go's precision of a double.
    pub(in crate::builtins) fn of(self, context: &mut Context, numbers: &[Number]) -> Result<Value, Failure> {
        let (operation, start, float) = match self {
            Self::Sum => (PLUS, 0, Float::zero(PRECISION)),
            Self::Product => (TIMES, 1, Float::of_integer(&BigInt::one(), u64::from(f64::MANTISSA_DIGITS))),
        };
        let small = numbers.iter().try_fold(start, |total, number| (operation.small)(total, number.small()?));
        if let Some(total) = small {
            return Ok(Value::from(total));
        }
        if numbers.iter().any(|number| matches!(number, Number::Float(_))) {
            let mut total = float;
            for number in numbers {
                pay(context, number, number)?;
                context.work(FLOAT)?;
                total = (operation.float)(&total, &number.float());
            }
            return float_value(context, &total);
        }
        let mut total = Number::Small(start);
        for number in numbers {
            pay(context, &total, number)?;
            if let (Some(a), Some(b)) = (total.integer(), number.integer()) {
                total = Number::Big((operation.exact)(&a, &b));
            }
        }
        Ok(total.integer().as_ref().map_or(Value::Undefined, integer_value))
    }
}
