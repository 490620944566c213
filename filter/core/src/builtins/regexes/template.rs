//! `regex.template_match`: a text with regular expressions between delimiters.

use crate::builtins::operands::{arity, text};
use crate::builtins::{Context, Failure};
use regorus::Value;

use super::program::program;

pub(super) fn template_match(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [template, text_, start, end] = args else { return Err(arity()) };
    let (template, searched) = (text(template)?, text(text_)?);
    let (start, end) = (delimiter(start)?, delimiter(end)?);
    context.work(template.len().saturating_mul(2))?;
    let pattern = pattern(context, template, start, end)?;
    program(context, &pattern)?.is_match(context, searched).map(Value::from)
}

/// A delimiter is one byte.
fn delimiter(value: &Value) -> Result<char, Failure> {
    let mut chars = text(value)?.chars();
    match (chars.next(), chars.next()) {
        (Some(delimiter), None) if delimiter.is_ascii() => Ok(delimiter),
        _ => Err(Failure::Error("a delimiter is one character".into())),
    }
}

/// The regular expression for the whole text. Each part must be one for itself.
fn pattern(context: &mut Context, mut template: &str, start: char, end: char) -> Result<String, Failure> {
    let mut pattern = String::from("^");
    while let Some((plain, part, rest)) = next_part(template, start, end)? {
        super::parse::parse(context, &format!("^{part}$"))?;
        push_quoted(&mut pattern, plain);
        pattern.push('(');
        pattern.push_str(part);
        pattern.push(')');
        template = rest;
    }
    push_quoted(&mut pattern, template);
    pattern.push('$');
    Ok(pattern)
}

/// What stands before the first part, the part between its delimiters, which may be nested, and what follows.
fn next_part(template: &str, start: char, end: char) -> Result<Option<(&str, &str, &str)>, Failure> {
    let unbalanced = || Failure::Error("delimiters that do not match".into());
    let mut level: usize = 0;
    let mut first = None;
    for (at, c) in template.char_indices() {
        if c == start {
            level = level.saturating_add(1);
            if level == 1 {
                first = template.split_at_checked(at);
            }
        } else if c == end {
            level = level.checked_sub(1).ok_or_else(unbalanced)?;
            if let (0, Some((plain, behind))) = (level, first) {
                let part = behind.get(1..at.saturating_sub(plain.len())).unwrap_or_default();
                let rest = template.get(at.saturating_add(1)..).unwrap_or_default();
                return Ok(Some((plain, part, rest)));
            }
        }
    }
    if level == 0 { Ok(None) } else { Err(unbalanced()) }
}

/// Appends a text that matches itself only.
fn push_quoted(pattern: &mut String, text: &str) {
    for c in text.chars() {
        if "\\.+*?()|[]{}^$".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
}
