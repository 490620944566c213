//! Parts of a text: `split`, `substring`, `trim`.

use crate::builtins::operands::{arity, integer, text};
use crate::builtins::{Context, Failure};
use regorus::Value;

pub(super) fn split(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value, delimiter] = args else { return Err(arity()) };
    let pieces = pieces(context, text(value)?, text(delimiter)?)?;
    Ok(pieces.into_iter().map(Value::from).collect::<Vec<_>>().into())
}

/// The first `n` pieces; with a negative `n` the last ones.
pub(super) fn split_n(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value, delimiter, n] = args else { return Err(arity()) };
    let (value, delimiter, n) = (text(value)?, text(delimiter)?, integer(n)?);
    let pieces = pieces(context, value, delimiter)?;
    let count = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
    let skipped = if n < 0 { pieces.len().saturating_sub(count) } else { 0 };
    Ok(pieces.into_iter().skip(skipped).take(count).map(Value::from).collect::<Vec<_>>().into())
}

/// The pieces between the delimiters; nothing stands between all characters.
fn pieces<'a>(context: &mut Context, text: &'a str, delimiter: &str) -> Result<Vec<&'a str>, Failure> {
    context.work(text.len().saturating_add(delimiter.len()))?;
    let count = text.matches(delimiter).count().saturating_add(1);
    context.work(count.saturating_mul(size_of::<Value>().saturating_mul(2)))?;
    if delimiter.is_empty() {
        return Ok(text.split("").filter(|piece| !piece.is_empty()).collect());
    }
    Ok(text.split(delimiter).collect())
}

/// From the offset on; as many characters as asked for, with a negative length all of them.
pub(super) fn substring(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value, offset, length] = args else { return Err(arity()) };
    let (text, offset, length) = (text(value)?, integer(offset)?, integer(length)?);
    context.work(text.len())?;
    if offset < 0 {
        return Err(Failure::Error("a negative offset".into()));
    }
    // Wasm has 32 bits for a position and OPA 64: what does not fit lies behind the end, as it does there.
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    let part = behind(text, offset);
    let Ok(length) = usize::try_from(length) else { return Ok(Value::from(part)) };
    let left = behind(part, length);
    Ok(Value::from(part.strip_suffix(left).unwrap_or(part)))
}

/// What follows the first `count` characters.
fn behind(text: &str, count: usize) -> &str {
    let at = text.char_indices().nth(count).map_or(text.len(), |(at, _)| at);
    text.get(at..).unwrap_or("")
}

/// Both texts of a builtin that removes characters of a set: every character is compared with all of the set.
fn with_set<'a>(context: &mut Context, args: &'a [Value]) -> Result<(&'a str, &'a str), Failure> {
    let [value, set] = args else { return Err(arity()) };
    let (text, set) = (text(value)?, text(set)?);
    context.work(text.len().saturating_mul(set.len().saturating_add(1)))?;
    Ok((text, set))
}

pub(super) fn trim(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let (text, set) = with_set(context, args)?;
    Ok(Value::from(text.trim_matches(|c| set.contains(c))))
}

pub(super) fn trim_left(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let (text, set) = with_set(context, args)?;
    Ok(Value::from(text.trim_start_matches(|c| set.contains(c))))
}

pub(super) fn trim_right(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let (text, set) = with_set(context, args)?;
    Ok(Value::from(text.trim_end_matches(|c| set.contains(c))))
}

/// Both texts of a builtin that removes the second from an end of the first.
fn with_affix<'a>(context: &mut Context, args: &'a [Value]) -> Result<(&'a str, &'a str), Failure> {
    let [value, affix] = args else { return Err(arity()) };
    let (text, affix) = (text(value)?, text(affix)?);
    context.work(text.len())?;
    Ok((text, affix))
}

pub(super) fn trim_prefix(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let (text, affix) = with_affix(context, args)?;
    Ok(Value::from(text.strip_prefix(affix).unwrap_or(text)))
}

pub(super) fn trim_suffix(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let (text, affix) = with_affix(context, args)?;
    Ok(Value::from(text.strip_suffix(affix).unwrap_or(text)))
}

pub(super) fn trim_space(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value] = args else { return Err(arity()) };
    let text = text(value)?;
    context.work(text.len())?;
    Ok(Value::from(text.trim()))
}
