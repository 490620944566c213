//! Equality and lookups, paid for by the size of what is compared: one statement may compare two documents.

use super::stopped;
use crate::builtins::{Context, FREE_BYTES, equal_paid};
use crate::engine::EvalError;
use regorus::Value;

/// Whether two values are equal.
pub fn equal(a: &Value, b: &Value, context: &mut Context) -> Result<bool, EvalError> {
    equal_paid(context, a, b).map_err(stopped)
}

/// Pays for finding a key among so many: the tree compares it a few times, in full.
pub fn pay_for_key(key: &Value, among: usize, context: &mut Context) -> Result<(), EvalError> {
    match key {
        Value::String(text) if text.len() <= FREE_BYTES => Ok(()),
        Value::String(_) | Value::Array(_) | Value::Set(_) | Value::Object(_) => {
            let comparisons = usize::try_from(usize::BITS.saturating_sub(among.leading_zeros())).unwrap_or(1);
            let bytes = size(key, context)?;
            context.work(bytes.saturating_mul(comparisons)).map_err(stopped)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Undefined => Ok(()),
    }
}

/// Bytes of a value, at about the price of comparing it. The walk itself is paid for, a step a member.
fn size(value: &Value, context: &mut Context) -> Result<usize, EvalError> {
    /// Bytes whose comparison takes as long as that of a small value.
    const SMALL: usize = 32;
    context.step()?;
    match value {
        Value::String(text) => Ok(text.len()),
        Value::Array(items) => sum(items.iter(), SMALL, context),
        Value::Set(members) => sum(members.iter_sorted(), SMALL, context),
        Value::Object(members) => sum(members.iter_sorted().flat_map(|(key, value)| [key, value]), SMALL, context),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Undefined => Ok(SMALL),
    }
}

fn sum<'v>(mut values: impl Iterator<Item = &'v Value>, own: usize, context: &mut Context) -> Result<usize, EvalError> {
    values.try_fold(own, |sum, value| Ok(sum.saturating_add(size(value, context)?)))
}
