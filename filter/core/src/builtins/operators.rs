//! What the planner makes of operators: `eq`, `equal`, `neq`, `lt`, `lte`, `gt`, `gte`, `and`, `or`, `internal.print`,
//! `internal.template_string`, and `trace`. The arithmetic ones are in `numbers`; `assign` and `print` never get here,
//! the compiler rewrites them.

use super::args::{pay, set};
use super::order::{compare_paid, equal_paid};
use super::{Builtin, Context, Failure, own};
use regorus::Value;
use std::cmp::Ordering;

pub(super) const TABLE: &[Builtin] = &[
    own("eq", 2, equal),
    own("equal", 2, equal),
    own("neq", 2, not_equal),
    own("lt", 2, |context, args| ordered(context, args, Ordering::is_lt)),
    own("lte", 2, |context, args| ordered(context, args, Ordering::is_le)),
    own("gt", 2, |context, args| ordered(context, args, Ordering::is_gt)),
    own("gte", 2, |context, args| ordered(context, args, Ordering::is_ge)),
    own("and", 2, and),
    own("or", 2, or),
    own("internal.print", 1, print),
    own("trace", 1, trace),
];

fn equal(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [a, b] = args else { return Err(Failure::ARITY) };
    equal_paid(context, a, b).map(Value::Bool)
}

fn not_equal(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [a, b] = args else { return Err(Failure::ARITY) };
    equal_paid(context, a, b).map(|equal| Value::Bool(!equal))
}

fn ordered(context: &mut Context, args: &[Value], accept: fn(Ordering) -> bool) -> Result<Value, Failure> {
    let [a, b] = args else { return Err(Failure::ARITY) };
    compare_paid(context, a, b).map(|ordering| Value::Bool(accept(ordering)))
}

/// The intersection of two sets.
fn and(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [a, b] = args else { return Err(Failure::ARITY) };
    let (a, b) = (set(a)?, set(b)?);
    pay(context, a.len().saturating_add(b.len()))?;
    Ok(a.intersection(b).into_value())
}

/// The union of two sets.
fn or(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [a, b] = args else { return Err(Failure::ARITY) };
    let (a, b) = (set(a)?, set(b)?);
    pay(context, a.len().saturating_add(b.len()))?;
    Ok(a.union(b).into_value())
}

/// Prints nothing: what a policy prints holds values of the request. Always defined, as in OPA.
fn print(_: &mut Context, _: &[Value]) -> Result<Value, Failure> {
    Ok(Value::Bool(true))
}

/// A note in OPA's trace, which we do not have.
fn trace(_: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    match args {
        [Value::String(_)] => Ok(Value::Bool(true)),
        _ => Err(Failure::Error("wants a string".into())),
    }
}
