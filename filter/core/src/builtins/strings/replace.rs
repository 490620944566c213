//! `replace` and `strings.replace_n`, which are Go's `strings.Replacer`.

use crate::builtins::operands::{arity, text};
use crate::builtins::{Context, Failure};
use regorus::Value;

pub(super) fn replace(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value, old, new] = args else { return Err(arity()) };
    let value = text(value)?;
    substitute(context, value, &[(text(old)?, text(new)?)])
}

pub(super) fn replace_n(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [Value::Object(patterns), value] = args else {
        return Err(Failure::Error("wants an object of texts".into()));
    };
    let value = text(value)?;
    // The members of an object are in the order of their keys, as OPA sorts them.
    let pairs = patterns.iter().map(|(old, new)| Ok((text(old)?, text(new)?)));
    let pairs = pairs.collect::<Result<Vec<_>, Failure>>()?;
    substitute(context, value, &pairs)
}

/// Goes through the text once, byte by byte. Where an old text stands, the first one of the list is replaced; what was
/// put in is not looked at again. An empty old text stands everywhere, but not twice at the same place.
fn substitute(context: &mut Context, text: &str, pairs: &[(&str, &str)]) -> Result<Value, Failure> {
    context.work(text.len().saturating_mul(pairs.len().saturating_add(1)))?;
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    let mut nothing_replaced = false;
    loop {
        let found = find(context, rest, pairs, nothing_replaced)?;
        nothing_replaced = matches!(found, Some((0, _)));
        if let Some((length, new)) = found {
            context.work(new.len())?;
            out.extend_from_slice(new.as_bytes());
            rest = rest.get(length..).unwrap_or_default();
            continue;
        }
        let Some((first, behind)) = rest.split_first() else { break };
        out.push(*first);
        rest = behind;
    }
    // Go cuts characters apart where it replaces nothing inside of them.
    String::from_utf8(out).map(Value::from).map_err(|_| Failure::Inexact("a text that is no UTF-8"))
}

/// The first pair whose old text stands at the beginning: its length and the new text.
fn find<'a>(
    context: &mut Context,
    rest: &[u8],
    pairs: &[(&str, &'a str)],
    no_empty: bool,
) -> Result<Option<(usize, &'a str)>, Failure> {
    for (old, new) in pairs {
        match old.as_bytes().first() {
            None if no_empty => {}
            None => return Ok(Some((0, *new))),
            Some(first) if rest.first() == Some(first) => {
                context.work(old.len())?;
                if rest.starts_with(old.as_bytes()) {
                    return Ok(Some((old.len(), *new)));
                }
            }
            Some(_) => {}
        }
    }
    Ok(None)
}
