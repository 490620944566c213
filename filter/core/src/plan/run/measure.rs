//! Bounds how deep and how large values become.
//!
//! Dropping, comparing and writing values recurses, on a stack of 512 kB; and a value that holds another one twice is
//! small in memory, but whoever walks it walks that part twice: thirty rounds of `x := [x, x]` are a thousand million
//! visits. So whatever is put into a collection is walked once, in full, and paid for. Then no value has more parts than
//! the budget paid for, and builtins may walk what they are given.

use super::stopped;
use crate::builtins::Context;
use crate::engine::EvalError;
use regorus::Value;

/// No value that an evaluation makes is nested deeper. What it only reads may be: a body is as deep as
/// `limits.json_depth` says.
pub const MAX_NESTING: usize = 256;

/// What looking at one part is worth.
const BYTES_PER_PART: usize = 16;

/// Pays for a value with all its parts; refuses one that is nested deeper than `limit`.
pub fn measure(value: &Value, limit: usize, context: &mut Context) -> Result<(), EvalError> {
    let parts = match value {
        Value::Array(items) => items.len(),
        Value::Set(members) => members.len(),
        Value::Object(members) => members.len().saturating_mul(2),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Undefined => return Ok(()),
    };
    context.work(parts.saturating_mul(BYTES_PER_PART)).map_err(stopped)?;
    let limit = limit.checked_sub(1).ok_or(EvalError::DepthLimit)?;
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| measure(item, limit, context)),
        Value::Set(members) => members.iter_sorted().try_for_each(|member| measure(member, limit, context)),
        Value::Object(members) => members.iter_sorted().try_for_each(|(key, value)| {
            measure(key, limit, context)?;
            measure(value, limit, context)
        }),
        _ => Ok(()),
    }
}
