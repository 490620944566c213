//! Is it in there, how often, and where.

use crate::builtins::operands::{arity, text};
use crate::builtins::{Context, Failure};
use regorus::Value;

/// Both texts of a builtin that looks for the second in the first.
fn both<'a>(context: &mut Context, args: &'a [Value]) -> Result<(&'a str, &'a str), Failure> {
    let [base, search] = args else { return Err(arity()) };
    let (base, search) = (text(base)?, text(search)?);
    context.work(base.len().saturating_add(search.len()))?;
    Ok((base, search))
}

pub(super) fn contains(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    both(context, args).map(|(base, search)| Value::from(base.contains(search)))
}

pub(super) fn starts_with(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    both(context, args).map(|(base, search)| Value::from(base.starts_with(search)))
}

pub(super) fn ends_with(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    both(context, args).map(|(base, search)| Value::from(base.ends_with(search)))
}

/// Occurrences that do not overlap; nothing occurs before, between and after the characters.
pub(super) fn count(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let (base, search) = both(context, args)?;
    Ok(Value::from(base.matches(search).count()))
}

/// Both texts, the second not empty: OPA does not look for nothing.
fn both_filled<'a>(context: &mut Context, args: &'a [Value]) -> Result<(&'a str, &'a str), Failure> {
    let (base, search) = both(context, args)?;
    if search.is_empty() {
        return Err(Failure::Error("looks for an empty text".into()));
    }
    Ok((base, search))
}

/// Characters before the first occurrence; -1 if there is none.
pub(super) fn index_of(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let (base, search) = both_filled(context, args)?;
    let before = base.split_once(search).map(|(before, _)| before.chars().count());
    Ok(before.map_or_else(|| Value::from(-1_i64), Value::from))
}

/// Characters before every occurrence, also before those that overlap.
pub(super) fn index_of_n(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let (base, search) = both_filled(context, args)?;
    let mut found = Vec::new();
    let mut rest = base;
    let mut passed: usize = 0;
    while let Some(at) = rest.find(search) {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        passed = passed.saturating_add(before.chars().count());
        // A step back over what was found is paid for: `aaa…` in `aaaa…` occurs everywhere.
        context.work(search.len().saturating_add(size_of::<Value>()))?;
        found.push(Value::from(passed));
        let mut behind = from.chars();
        behind.next();
        passed = passed.saturating_add(1);
        rest = behind.as_str();
    }
    Ok(Value::from(found))
}
