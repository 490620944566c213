//! The replacement of `regex.replace`: `$1`, `$name`, `${name}`, `$$`.

use super::program::{Match, Program};
use crate::builtins::{Context, Failure};

/// Appends the template with the groups of a match put in.
pub(super) fn expand(
    context: &mut Context,
    out: &mut String,
    mut template: &str,
    program: &Program,
    (text, found): (&str, &Match),
) -> Result<(), Failure> {
    while let Some((plain, rest)) = template.split_once('$') {
        context.work(plain.len())?;
        out.push_str(plain);
        template = rest;
        if let Some(rest) = template.strip_prefix('$') {
            out.push('$');
            template = rest;
            continue;
        }
        let Some((name, rest)) = name(template)? else {
            out.push('$');
            continue;
        };
        template = rest;
        if let Some((start, end)) = group(name, program, found) {
            let part = text.get(start..end).unwrap_or_default();
            context.work(part.len())?;
            out.push_str(part);
        }
    }
    context.work(template.len())?;
    out.push_str(template);
    Ok(())
}

/// The name behind a dollar sign, with or without braces, and what follows it.
fn name(template: &str) -> Result<Option<(&str, &str)>, Failure> {
    let (text, braces) = match template.strip_prefix('{') {
        Some(text) => (text, true),
        None => (template, false),
    };
    let is_part = |c: char| c == '_' || c.is_alphanumeric();
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    if !name.is_ascii() {
        return Err(Failure::Inexact("a letter beyond ASCII behind a dollar sign"));
    }
    if name.is_empty() {
        return Ok(None);
    }
    Ok(if braces { rest.strip_prefix('}').map(|rest| (name, rest)) } else { Some((name, rest)) })
}

/// The place of the group of that number or name.
fn group(name: &str, program: &Program, found: &Match) -> Option<(usize, usize)> {
    let number = name.bytes().all(|digit| digit.is_ascii_digit()) && (name.len() == 1 || !name.starts_with('0'));
    if number && name.len() < 10 {
        return found.group(name.parse().ok()?);
    }
    let mut named = program.names.iter().enumerate().filter(|(_, known)| *known == name);
    named.find_map(|(index, _)| found.group(index))
}
