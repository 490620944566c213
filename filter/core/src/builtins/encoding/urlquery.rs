//! `urlquery.*`: Go's `url.QueryEscape`, `url.ParseQuery`, `url.Values.Encode`.

use super::json_text::named;
use super::{decoded, only_text};
use crate::builtins::operands::texts;
use crate::builtins::percent::{Part, escape, unescape};
use crate::builtins::{Context, Failure};
use regorus::Value;
use std::collections::BTreeMap;

/// Go refuses queries of more parameters.
const MAX_PARAMETERS: usize = 10_000;

pub(super) fn encode(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let text = only_text(context, args)?;
    let mut out = String::new();
    escape(&mut out, text.as_bytes(), Part::Query);
    Ok(Value::from(out))
}

pub(super) fn decode(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    unescape(only_text(context, args)?, Part::Query).and_then(decoded)
}

/// An object of texts, or of arrays or sets of texts.
pub(super) fn encode_object(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [Value::Object(object)] = args else { return Err(Failure::Error("wants an object".into())) };
    let members = named(context, object)?;
    let mut out = String::new();
    for (name, value) in members {
        let values = match value {
            Value::String(text) => vec![&**text],
            values => texts(values)?,
        };
        for value in values {
            context.work(name.len().saturating_add(value.len()).saturating_mul(3))?;
            if !out.is_empty() {
                out.push('&');
            }
            escape(&mut out, name.as_bytes(), Part::Query);
            out.push('=');
            escape(&mut out, value.as_bytes(), Part::Query);
        }
    }
    Ok(Value::from(out))
}

/// An object with an array of values for each name.
pub(super) fn decode_object(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let text = only_text(context, args)?;
    if text.matches('&').count() >= MAX_PARAMETERS {
        return Err(Failure::Error("too many parameters".into()));
    }
    let mut members: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
    for parameter in text.split('&').filter(|parameter| !parameter.is_empty()) {
        if parameter.contains(';') {
            return Err(Failure::Error("a semicolon in a query".into()));
        }
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let name = unescape(name, Part::Query)?;
        context.work(size_of::<Value>().saturating_mul(4))?;
        members.entry(name).or_default().push(unescape(value, Part::Query)?);
    }
    // Errors come first: only what OPA takes can be beyond the engine.
    let mut object = BTreeMap::new();
    for (name, values) in members {
        let values = values.into_iter().map(decoded).collect::<Result<Vec<_>, _>>()?;
        object.insert(decoded(name)?, Value::from(values));
    }
    Ok(Value::from(object))
}
