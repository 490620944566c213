//! `bits.*`, on integers of any size, negative ones in two's complement.

use super::args::integer;
use super::numbers::integer_value;
use super::{Builtin, Context, Failure, own};
use num_bigint::{BigInt, Sign};
use regorus::Value;
use std::ops::{BitAnd, BitOr, BitXor, Not, Shl, Shr};

pub(super) const TABLE: &[Builtin] = &[
    own("bits.and", 2, |context, args| both(context, args, |a, b| a.bitand(b))),
    own("bits.or", 2, |context, args| both(context, args, |a, b| a.bitor(b))),
    own("bits.xor", 2, |context, args| both(context, args, |a, b| a.bitxor(b))),
    own("bits.negate", 1, negate),
    own("bits.lsh", 2, shift_left),
    own("bits.rsh", 2, shift_right),
];

fn bytes(number: &BigInt) -> usize {
    usize::try_from(number.bits().wrapping_shr(3)).unwrap_or(usize::MAX)
}

fn both(context: &mut Context, args: &[Value], operation: fn(&BigInt, &BigInt) -> BigInt) -> Result<Value, Failure> {
    let [a, b] = args else { return Err(Failure::ARITY) };
    let (a, b) = (integer(a)?, integer(b)?);
    context.work(bytes(&a).saturating_add(bytes(&b)))?;
    Ok(integer_value(&operation(&a, &b)))
}

fn negate(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [number] = args else { return Err(Failure::ARITY) };
    let number = integer(number)?;
    context.work(bytes(&number))?;
    Ok(integer_value(&number.not()))
}

/// The number and how far to shift it: OPA takes the low 64 bits of that.
fn shift(args: &[Value]) -> Result<(BigInt, u64), Failure> {
    let [number, shift] = args else { return Err(Failure::ARITY) };
    let (number, shift) = (integer(number)?, integer(shift)?);
    if shift.sign() == Sign::Minus {
        return Err(Failure::Error("cannot shift by a negative number".into()));
    }
    Ok((number, shift.iter_u64_digits().next().unwrap_or(0)))
}

fn shift_left(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let (number, shift) = shift(args)?;
    if number.sign() == Sign::NoSign {
        return Ok(Value::from(0_i64));
    }
    let longer = usize::try_from(shift.wrapping_shr(3)).unwrap_or(usize::MAX);
    context.work(bytes(&number).saturating_add(longer))?;
    Ok(integer_value(&number.shl(shift)))
}

/// Rounds down: -1 stays -1.
fn shift_right(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let (number, shift) = shift(args)?;
    context.work(bytes(&number))?;
    let shift = shift.min(number.bits().saturating_add(1));
    Ok(integer_value(&number.shr(shift)))
}
