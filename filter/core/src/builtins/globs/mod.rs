//! `glob.match` and `glob.quote_meta`, as OPA's library (gobwas/glob) has them.

mod compile;
mod lexer;
mod matcher;

use super::bounded::Programs;
use super::operands::{arity, text};
use super::{Builtin, Context, Failure, own};
use matcher::Glob;
use regorus::Value;
use std::rc::Rc;

pub(super) const TABLE: &[Builtin] = &[own("glob.match", 3, glob_match), own("glob.quote_meta", 1, quote_meta)];

/// Patterns that were compiled before. A pattern is kept with the delimiters it was last used with.
pub(super) type GlobMemory = Programs<Glob>;

fn glob_match(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [pattern, delimiters, text_] = args else { return Err(arity()) };
    let pattern = text(pattern)?;
    let known = context.memory.globs.get(pattern).filter(|glob| glob.has_delimiters(delimiters));
    let glob = match known {
        Some(glob) => glob,
        None => compiled(context, pattern, delimiters_of(delimiters)?)?,
    };
    glob.matches(context, text(text_)?).map(Value::from)
}

fn compiled(context: &mut Context, pattern: &str, delimiters: Vec<char>) -> Result<Rc<Glob>, Failure> {
    // Compiling takes a few steps a character.
    context.work(pattern.len().saturating_mul(64))?;
    let glob = Rc::new(compile::compile(pattern, delimiters)?);
    context.memory.globs.put(pattern.into(), Rc::clone(&glob), glob.bytes().saturating_add(pattern.len()));
    Ok(glob)
}

/// Single characters. An empty array stands for the point, null for none.
fn delimiters_of(value: &Value) -> Result<Vec<char>, Failure> {
    let items = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(items) if items.is_empty() => return Ok(vec!['.']),
        Value::Array(items) => items,
        _ => return Err(Failure::Error("wants an array of delimiters or null".into())),
    };
    let single = |item| {
        let mut chars = text(item)?.chars();
        match (chars.next(), chars.next()) {
            (Some(delimiter), None) => Ok(delimiter),
            _ => Err(Failure::Error("a delimiter is one character".into())),
        }
    };
    items.iter().map(single).collect()
}

/// The text with every character that means something in a pattern escaped.
fn quote_meta(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value] = args else { return Err(arity()) };
    let text = text(value)?;
    context.work(text.len().saturating_mul(2))?;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '*' | '?' | '\\' | '[' | ']' | '{' | '}') {
            out.push('\\');
        }
        out.push(c);
    }
    Ok(Value::from(out))
}
