//! `numbers.range`, `numbers.range_step`.

use super::number::integer_value;
use crate::builtins::{Context, Failure, args};
use num_bigint::{BigInt, Sign};
use num_traits::{One, ToPrimitive};
use regorus::Value;
use std::ops::{Add, Sub};

pub(super) fn range(context: &mut Context, arguments: &[Value]) -> Result<Value, Failure> {
    let [first, last] = arguments else { return Err(Failure::ARITY) };
    between(context, args::integer(first)?, &args::integer(last)?, &BigInt::one())
}

pub(super) fn range_step(context: &mut Context, arguments: &[Value]) -> Result<Value, Failure> {
    let [first, last, step] = arguments else { return Err(Failure::ARITY) };
    let (first, last, step) = (args::integer(first)?, args::integer(last)?, args::integer(step)?);
    if step.sign() != Sign::Plus {
        return Err(Failure::Error("the step must be a positive integer".into()));
    }
    between(context, first, &last, &step)
}

/// From `first` up or down to `last`, both included if the steps meet them. Paid for before it is made.
fn between(context: &mut Context, first: BigInt, last: &BigInt, step: &BigInt) -> Result<Value, Failure> {
    let distance = Sub::sub(&first, last);
    let up = distance.sign() == Sign::Minus;
    let steps = BigInt::from_biguint(Sign::Plus, distance.into_parts().1).checked_div(step);
    let steps = steps.and_then(|steps| steps.to_usize()).unwrap_or(usize::MAX);
    let size = usize::try_from(first.bits().max(last.bits()).wrapping_shr(3)).unwrap_or(usize::MAX);
    args::pay(context, steps.saturating_add(1))?;
    context.work(steps.saturating_mul(size))?;
    let next = |number: &BigInt| Some(if up { number.add(step) } else { number.sub(step) });
    let numbers = std::iter::successors(Some(first), next).take(steps.saturating_add(1));
    Ok(Value::from(numbers.map(|number| integer_value(&number)).collect::<Vec<_>>()))
}
