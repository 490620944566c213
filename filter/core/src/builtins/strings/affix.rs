//! `strings.any_prefix_match` and `strings.any_suffix_match`.

use crate::builtins::operands::{arity, texts};
use crate::builtins::{Context, Failure};
use regorus::Value;

pub(super) fn any_prefix_match(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    any(context, args, |text, affix| text.starts_with(affix))
}

pub(super) fn any_suffix_match(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    any(context, args, |text, affix| text.ends_with(affix))
}

/// Whether one of the texts matches one of the affixes; either may also be a single text.
fn any(context: &mut Context, args: &[Value], matches: fn(&str, &str) -> bool) -> Result<Value, Failure> {
    let [searched, affixes] = args else { return Err(arity()) };
    let searched = one_or_more(context, searched)?;
    let affixes = one_or_more(context, affixes)?;
    // Comparing stops at the first difference or the end of the affix.
    let bytes = affixes.iter().map(|affix| affix.len().saturating_add(8)).fold(0, usize::saturating_add);
    context.work(bytes.saturating_mul(searched.len()))?;
    Ok(Value::from(searched.iter().any(|text| affixes.iter().any(|affix| matches(text, affix)))))
}

fn one_or_more<'a>(context: &mut Context, value: &'a Value) -> Result<Vec<&'a str>, Failure> {
    let members = match value {
        Value::String(text) => return Ok(vec![text]),
        Value::Array(items) => items.len(),
        Value::Set(items) => items.len(),
        _ => 0,
    };
    context.work(members.saturating_mul(size_of::<&str>()))?;
    texts(value)
}
