//! `count`, `sum`, `product`, `max`, `min`, `sort`, `all`, `any`, `internal.member_2`, `internal.member_3`.

use super::{Builtin, Context, Failure, own};
use regorus::Value;

pub(super) const TABLE: &[Builtin] = &[own("count", 1, count)];

/// Characters of a text, or members of a collection.
fn count(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let count = match args {
        [Value::String(text)] => {
            context.work(text.len())?;
            text.chars().count()
        }
        [Value::Array(items)] => items.len(),
        [Value::Set(items)] => items.len(),
        [Value::Object(members)] => members.len(),
        _ => return Err(Failure::Error("count: wants a string or a collection".into())),
    };
    Ok(Value::from(u64::try_from(count).unwrap_or(u64::MAX)))
}
