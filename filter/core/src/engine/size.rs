//! How large a decision may be.

use super::EvalError;
use regorus::Value;

/// Values (members and elements of all depths) of a decision: what it may cost to read it.
const MAX_VALUES: usize = 100_000;
/// Values inside each other.
const MAX_DEPTH: usize = 128;

/// Refuses what is larger. The work is bounded by the limits, also where parts are shared.
pub(super) fn check(value: &Value) -> Result<(), EvalError> {
    let mut left = MAX_VALUES;
    let mut open = vec![(value, 0_usize)];
    while let Some((value, depth)) = open.pop() {
        left = left.checked_sub(1).filter(|_| depth <= MAX_DEPTH).ok_or(EvalError::SizeLimit)?;
        let deeper = depth.saturating_add(1);
        let members = match value {
            Value::Array(items) => items.len(),
            Value::Set(items) => items.len(),
            Value::Object(members) => members.len(),
            _ => 0,
        };
        if members > left {
            return Err(EvalError::SizeLimit);
        }
        match value {
            Value::Array(items) => open.extend(items.iter().map(|item| (item, deeper))),
            Value::Set(items) => open.extend(items.iter().map(|item| (item, deeper))),
            Value::Object(members) => {
                open.extend(members.iter().flat_map(|(key, value)| [(key, deeper), (value, deeper)]));
            }
            _ => {}
        }
    }
    Ok(())
}
