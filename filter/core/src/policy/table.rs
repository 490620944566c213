//! Indexes into `data`.
//!
//! OPA looks an index into the data document up as text: the number 7 finds the key `"7"`, the string
//! `"0"` the first item of an array. regorus does so for some references and not for others. The data
//! is known, so what is accepted are indexes for which there is nothing to find that way.

use std::cell::RefCell;
use std::collections::BTreeSet;

use regorus::Value;
use regorus::unstable::{Expr, Span};

use super::body::Walker;
use super::error::PolicyError;
use super::reference::Segment;
use super::scope::Kind;

/// Values that all indexes together may find. Each is looked at.
const MAX_FOUND: usize = 5_000_000;

/// What was checked already: most references of a policy ask for the same.
#[derive(Debug, Default)]
pub(super) struct Checked(RefCell<State>);

#[derive(Debug, Default)]
struct State {
    /// References without an error.
    done: BTreeSet<Vec<Step>>,
    /// Values found so far.
    found: usize,
}

/// One step of a reference, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Key(String),
    Index(Use),
}

/// Checks `data.<keys>` with `rest` behind it, in which no rule takes part.
pub(super) fn check_data(
    walker: &Walker<'_>,
    span: &Span,
    keys: &[String],
    rest: &[Segment<'_>],
) -> Result<(), PolicyError> {
    if !walker.known.finally {
        return Ok(());
    }
    let keys = keys.iter().cloned().map(Step::Key);
    let rest = rest.iter().map(|segment| match segment {
        Segment::Key(key) => Step::Key(key.clone()),
        Segment::Index(index) => Step::Index(Use::of(walker, index)),
    });
    let steps: Vec<Step> = keys.chain(rest).collect();
    let mut state = walker.known.checked.0.borrow_mut();
    if state.done.contains(&steps) {
        return Ok(());
    }
    let mut values = vec![walker.known.data];
    for step in &steps {
        let found = match step {
            Step::Key(key) => by_key(&values, key),
            Step::Index(usage) => by_index(&values, *usage),
        };
        values = found.ok_or_else(|| {
            PolicyError::at(
                span,
                "OPA takes numbers and array positions for text when it indexes data; bind the table first: t := data.<table>; t[key]",
            )
        })?;
        state.found = state.found.saturating_add(values.len());
        if state.found > MAX_FOUND {
            return Err(PolicyError::at(
                span,
                "the policy indexes large tables of data in too many ways; bind the table first: t := data.<table>; t[key]",
            ));
        }
    }
    state.done.insert(steps);
    Ok(())
}

/// Checks what is behind a rule that is named from `data`, where regorus takes numbers for text and
/// OPA does not.
pub(super) fn check_rule(walker: &Walker<'_>, span: &Span, rest: &[Segment<'_>]) -> Result<(), PolicyError> {
    let looks_up = |segment: &Segment<'_>| match segment {
        Segment::Key(_) => false,
        Segment::Index(index) => Use::of(walker, index) != Use::Iterate,
    };
    if span.text() == "data" && rest.iter().any(looks_up) {
        return Err(PolicyError::at(
            span,
            "an index behind a rule that is named from data is not available inline; bind the rule first: t := data.<rule>; t[key]",
        ));
    }
    Ok(())
}

/// What an index does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    /// It takes every key in turn.
    Iterate,
    /// It is an integer.
    Integer,
    /// It is some value.
    Value,
}

impl Use {
    fn of(walker: &Walker<'_>, index: &Expr) -> Self {
        match index {
            Expr::Number { .. } => Self::Integer,
            Expr::Var { span, .. } if span.text() == "_" => Self::Iterate,
            Expr::Var { span, .. } => match walker.scopes.get(span.text()) {
                Some(local) if local.open => Self::Iterate,
                Some(local) if local.kind == Kind::Integer => Self::Integer,
                _ => Self::Value,
            },
            _ => Self::Value,
        }
    }
}

/// What a constant key finds; `None` if it could be an array position.
fn by_key<'v>(values: &[&'v Value], key: &str) -> Option<Vec<&'v Value>> {
    let mut found = Vec::new();
    for value in values {
        match value {
            Value::Array(_) if is_position(key) => return None,
            Value::Object(fields) => found.extend(fields.get(&Value::from(key))),
            _ => {}
        }
    }
    Some(found)
}

/// What an index may find; `None` if it could find something as text.
fn by_index<'v>(values: &[&'v Value], usage: Use) -> Option<Vec<&'v Value>> {
    let mut found = Vec::new();
    for value in values {
        match value {
            Value::Array(_) if usage == Use::Value => return None,
            Value::Array(items) => found.extend(items.iter()),
            Value::Object(fields) => {
                let numeric = |key: &Value| key.as_string().is_ok_and(|key| is_number(key));
                if usage != Use::Iterate && fields.iter().any(|(key, _)| numeric(key)) {
                    return None;
                }
                found.extend(fields.iter().map(|(_, value)| value));
            }
            _ => {}
        }
    }
    Some(found)
}

/// Go reads the text as an array's position.
fn is_position(text: &str) -> bool {
    text.starts_with('+') || is_number(text)
}

/// A number could have this text.
fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
}
