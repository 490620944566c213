//! `json.marshal`, `json.unmarshal`, `json.is_valid`.

use super::json_text::{self, Layout};
use super::only_text;
use crate::builtins::operands::{arity, text};
use crate::builtins::{Context, Failure};
use crate::json::{JsonError, TRAILING, parse};
use regorus::Value;
use serde::de::IgnoredAny;

pub(super) fn marshal(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value] = args else { return Err(arity()) };
    json_text::write(context, value, None).map(Value::from)
}

pub(super) fn marshal_with_options(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value, Value::Object(options)] = args else {
        return Err(Failure::Error("wants an object of options".into()));
    };
    let mut layout = Layout { prefix: "", indent: "\t" };
    let mut pretty = None;
    for (key, option) in options.iter() {
        match text(key)? {
            "prefix" => layout.prefix = text(option)?,
            "indent" => layout.indent = text(option)?,
            "pretty" => match option {
                Value::Bool(wanted) => pretty = Some(*wanted),
                _ => return Err(Failure::Error("pretty is a boolean".into())),
            },
            _ => return Err(Failure::Error("an unknown option".into())),
        }
    }
    // Any other option asks for it.
    let pretty = pretty.unwrap_or(!options.is_empty());
    let text = json_text::write(context, value, pretty.then_some(layout))?;
    Ok(if pretty { Value::from(format!("{}{text}", layout.prefix)) } else { Value::from(text) })
}

/// OPA's reader takes a value that is followed by `null` for the whole text.
pub(super) fn unmarshal(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let text = read_text(context, args)?;
    match parse(text.as_bytes()) {
        Ok(value) => Ok(value),
        Err(error) if error.beyond_bounds => Err(Failure::Inexact("JSON beyond the bounds of the reader")),
        Err(error) if is_followed_by_null(text, &error) => Err(Failure::Inexact("JSON that is followed by null")),
        Err(_) => Err(Failure::Error("is no JSON".into())),
    }
}

fn is_followed_by_null(text: &str, error: &JsonError) -> bool {
    let rest = text.as_bytes().get(error.offset..).unwrap_or_default();
    error.message == TRAILING && rest.starts_with(b"null")
}

/// A value takes several times the bytes of its text.
fn read_text<'a>(context: &mut Context, args: &'a [Value]) -> Result<&'a str, Failure> {
    let text = only_text(context, args)?;
    context.work(text.len().saturating_mul(8))?;
    Ok(text)
}

pub(super) fn is_valid(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    if !matches!(args, [Value::String(_)]) {
        return Ok(Value::from(false));
    }
    let text = read_text(context, args)?;
    match parse(text.as_bytes()) {
        Ok(_) => Ok(Value::from(true)),
        Err(error) if !error.beyond_bounds => Ok(Value::from(false)),
        // A number that cannot be held is valid all the same; what is too deep for this reader, too, is not known.
        Err(_) => match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => Ok(Value::from(true)),
            Err(_) => Err(Failure::Inexact("JSON beyond the bounds of the reader")),
        },
    }
}
