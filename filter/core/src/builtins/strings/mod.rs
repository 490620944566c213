//! `concat`, `contains`, `lower`, `split`, `replace`, `strings.*`, `trim*`, `substring`, ….
//!
//! Positions and lengths count characters, not bytes.

mod affix;
mod parts;
mod replace;
mod search;

use super::operands::{text, texts};
use super::{Builtin, Context, Failure, own, unicode};
use regorus::Value;

pub(super) const TABLE: &[Builtin] = &[
    own("concat", 2, concat),
    own("contains", 2, search::contains),
    own("endswith", 2, search::ends_with),
    own("indexof", 2, search::index_of),
    own("indexof_n", 2, search::index_of_n),
    own("lower", 1, lower),
    own("replace", 3, replace::replace),
    own("split", 2, parts::split),
    own("startswith", 2, search::starts_with),
    own("strings.any_prefix_match", 2, affix::any_prefix_match),
    own("strings.any_suffix_match", 2, affix::any_suffix_match),
    own("strings.count", 2, search::count),
    own("strings.replace_n", 2, replace::replace_n),
    own("strings.reverse", 1, reverse),
    own("strings.split_n", 3, parts::split_n),
    own("substring", 3, parts::substring),
    own("trim", 2, parts::trim),
    own("trim_left", 2, parts::trim_left),
    own("trim_prefix", 2, parts::trim_prefix),
    own("trim_right", 2, parts::trim_right),
    own("trim_space", 1, parts::trim_space),
    own("trim_suffix", 2, parts::trim_suffix),
    own("upper", 1, upper),
];

fn concat(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [separator, items] = args else { return Err(super::operands::arity()) };
    let separator = text(separator)?;
    let items = texts(items)?;
    let separators = separator.len().saturating_mul(items.len());
    context.work(items.iter().map(|item| item.len()).fold(separators, usize::saturating_add))?;
    Ok(Value::from(items.join(separator)))
}

fn lower(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    map(context, args, unicode::lower)
}

fn upper(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    map(context, args, unicode::upper)
}

/// Each character for itself; the text is handed on as it is when nothing changes.
fn map(context: &mut Context, args: &[Value], mapped: fn(char) -> char) -> Result<Value, Failure> {
    let [value] = args else { return Err(super::operands::arity()) };
    let text = text(value)?;
    context.work(text.len().saturating_mul(2))?;
    if text.chars().all(|c| mapped(c) == c) {
        return Ok(value.clone());
    }
    Ok(Value::from(text.chars().map(mapped).collect::<String>()))
}

fn reverse(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value] = args else { return Err(super::operands::arity()) };
    let text = text(value)?;
    context.work(text.len())?;
    Ok(Value::from(text.chars().rev().collect::<String>()))
}
