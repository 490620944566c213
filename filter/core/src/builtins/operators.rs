//! What the planner makes of operators: `eq`, `equal`, `neq`, `lt`, `lte`, `gt`, `gte`, `and`, `or`, `internal.print`,
//! `internal.template_string`, and `trace`. The arithmetic ones are in `numbers`; `assign` and `print` never get here,
//! the compiler rewrites them.

use super::args::{array, pay, set};
use super::order::{compare_paid, equal_paid};
use super::{Builtin, Context, Failure, own, rego_text};
use crate::engine::EvalError;
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
    own("internal.template_string", 1, template_string),
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

/// The parts of a template, one after the other. Where a part is an expression it is the set of its values, which is
/// empty if it is undefined.
fn template_string(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [parts] = args else { return Err(Failure::ARITY) };
    let parts = array(parts)?;
    pay(context, parts.len())?;
    let mut out = String::new();
    for part in parts.iter() {
        match part {
            Value::Set(values) => match (values.first(), values.len()) {
                (None, _) => out.push_str("<undefined>"),
                (Some(value), 1) => push_plain(context, &mut out, value)?,
                _ => return Err(Failure::Stop(EvalError::Conflict)),
            },
            Value::Array(_) | Value::Object(_) => {
                return Err(Failure::Stop(EvalError::Other("a part of a template is of the wrong type".into())));
            }
            scalar => push_plain(context, &mut out, scalar)?,
        }
    }
    Ok(Value::from(out))
}

/// A text without quotes, anything else as it is printed.
fn push_plain(context: &mut Context, out: &mut String, value: &Value) -> Result<(), Failure> {
    let Value::String(text) = value else { return rego_text::push(context, out, value) };
    context.work(text.len())?;
    out.push_str(text);
    Ok(())
}

/// A note in OPA's trace, which we do not have.
fn trace(_: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    match args {
        [Value::String(_)] => Ok(Value::Bool(true)),
        _ => Err(Failure::Error("wants a string".into())),
    }
}
