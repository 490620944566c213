//! `regex.*`, `re_match`: Go's regular expressions, on the automata of the regex crate.

mod class;
mod expand;
mod intersect;
mod parse;
mod program;
mod template;

use super::operands::{arity, integer, text};
use super::{Builtin, Context, Failure, own};
use program::Match;
use regorus::Value;

pub(super) use program::{Program, RegexMemory, program};

pub(super) const TABLE: &[Builtin] = &[
    own("re_match", 2, is_match),
    own("regex.find_all_string_submatch_n", 3, find_all_groups),
    own("regex.find_n", 3, find),
    own("regex.globs_match", 2, intersect::globs_match),
    own("regex.is_valid", 1, is_valid),
    own("regex.match", 2, is_match),
    own("regex.replace", 3, replace),
    own("regex.split", 2, split),
    own("regex.template_match", 4, template::template_match),
];

fn is_match(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [pattern, value] = args else { return Err(arity()) };
    let (pattern, text) = (text(pattern)?, text(value)?);
    program(context, pattern)?.is_match(context, text).map(Value::from)
}

fn is_valid(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [pattern] = args else { return Err(arity()) };
    let Value::String(pattern) = pattern else { return Ok(Value::from(false)) };
    is_pattern(context, pattern).map(Value::from)
}

/// Whether Go takes it for a regular expression.
pub(super) fn is_pattern(context: &mut Context, text: &str) -> Result<bool, Failure> {
    match parse::parse(context, text) {
        Ok(_) => Ok(true),
        Err(Failure::Error(_)) => Ok(false),
        Err(other) => Err(other),
    }
}

/// Pattern, text and number of matches; a negative number asks for all of them.
fn matches<'a>(
    context: &mut Context,
    args: &'a [Value],
    all_groups: bool,
) -> Result<(&'a str, Vec<Match>, usize), Failure> {
    let [pattern, value, count] = args else { return Err(arity()) };
    let (pattern, text, count) = (text(pattern)?, text(value)?, integer(count)?);
    let program = program(context, pattern)?;
    let groups = if all_groups { program.names.len() } else { 1 };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let matches = program.all_matches(context, text, count, groups)?;
    Ok((text, matches, groups))
}

/// The text of a group; empty if it took no part.
fn part(context: &mut Context, text: &str, place: Option<(usize, usize)>) -> Result<Value, Failure> {
    let part = place.and_then(|(start, end)| text.get(start..end)).unwrap_or_default();
    context.work(part.len().saturating_add(size_of::<Value>()))?;
    Ok(Value::from(part))
}

fn find(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let (text, matches, _) = matches(context, args, false)?;
    let parts = matches.iter().map(|found| part(context, text, found.group(0)));
    parts.collect::<Result<Vec<_>, _>>().map(Value::from)
}

fn find_all_groups(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let (text, matches, groups) = matches(context, args, true)?;
    let mut all = Vec::with_capacity(matches.len());
    for found in &matches {
        let parts = (0..groups).map(|index| part(context, text, found.group(index)));
        all.push(Value::from(parts.collect::<Result<Vec<_>, _>>()?));
    }
    Ok(Value::from(all))
}

fn replace(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value, pattern, template] = args else { return Err(arity()) };
    let (text, pattern, template) = (text(value)?, text(pattern)?, text(template)?);
    let program = program(context, pattern)?;
    let matches = program.all_matches(context, text, usize::MAX, program.names.len())?;
    let mut out = String::new();
    let mut done = 0;
    for found in &matches {
        let (start, end) = found.range();
        push(context, &mut out, text, (done, start))?;
        expand::expand(context, &mut out, template, &program, (text, found))?;
        done = end;
    }
    push(context, &mut out, text, (done, text.len()))?;
    Ok(Value::from(out))
}

fn push(context: &mut Context, out: &mut String, text: &str, (start, end): (usize, usize)) -> Result<(), Failure> {
    let part = text.get(start..end).unwrap_or_default();
    context.work(part.len())?;
    out.push_str(part);
    Ok(())
}

/// The parts between the matches. An empty match at the very beginning separates nothing.
fn split(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [pattern, value] = args else { return Err(arity()) };
    let (pattern, text) = (text(pattern)?, text(value)?);
    let program = program(context, pattern)?;
    if text.is_empty() && !pattern.is_empty() {
        return Ok(Value::from(vec![Value::from("")]));
    }
    let matches = program.all_matches(context, text, usize::MAX, 1)?;
    let mut parts = Vec::new();
    let (mut begin, mut last) = (0, 0);
    for (start, end) in matches.iter().map(Match::range) {
        last = start;
        if end != 0 {
            parts.push(part(context, text, Some((begin, start)))?);
        }
        begin = end;
    }
    if last != text.len() {
        parts.push(part(context, text, Some((begin, text.len())))?);
    }
    Ok(Value::from(parts))
}
