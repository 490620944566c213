//! `is_*`, `type_name`, `cast_*`.

use super::args::{items, length, pay};
use super::{Builtin, Context, Failure, own};
use regorus::Value;
use std::collections::BTreeSet;

pub(super) const TABLE: &[Builtin] = &[
    own("is_array", 1, |_, args| is(args, "array")),
    own("is_boolean", 1, |_, args| is(args, "boolean")),
    own("is_null", 1, |_, args| is(args, "null")),
    own("is_number", 1, |_, args| is(args, "number")),
    own("is_object", 1, |_, args| is(args, "object")),
    own("is_set", 1, |_, args| is(args, "set")),
    own("is_string", 1, |_, args| is(args, "string")),
    own("type_name", 1, type_name),
    own("cast_array", 1, cast_array),
    own("cast_boolean", 1, |_, args| cast(args, "boolean")),
    own("cast_null", 1, |_, args| cast(args, "null")),
    own("cast_object", 1, |_, args| cast(args, "object")),
    own("cast_set", 1, cast_set),
    own("cast_string", 1, |_, args| cast(args, "string")),
];

/// OPA's name of the value's type.
const fn name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        Value::Set(_) => "set",
        Value::Undefined => "undefined",
    }
}

fn type_name(_: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value] = args else { return Err(Failure::ARITY) };
    Ok(Value::from(name(value)))
}

fn is(args: &[Value], wanted: &str) -> Result<Value, Failure> {
    let [value] = args else { return Err(Failure::ARITY) };
    Ok(Value::from(name(value) == wanted))
}

/// The value, if it is of that type already.
fn cast(args: &[Value], wanted: &str) -> Result<Value, Failure> {
    let [value] = args else { return Err(Failure::ARITY) };
    if name(value) == wanted { Ok(value.clone()) } else { Err(Failure::Error("is of another type".into())) }
}

fn cast_array(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value] = args else { return Err(Failure::ARITY) };
    pay(context, length(value))?;
    Ok(Value::from(items(value)?.into_iter().cloned().collect::<Vec<_>>()))
}

fn cast_set(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value] = args else { return Err(Failure::ARITY) };
    pay(context, length(value))?;
    Ok(Value::from(items(value)?.into_iter().cloned().collect::<BTreeSet<_>>()))
}
