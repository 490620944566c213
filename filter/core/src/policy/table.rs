//! Indexes into `data`.
//!
//! OPA looks an index into the data document up as text: the number 7 finds the key `"7"`, the string
//! `"0"` the first item of an array. regorus does so for some references and not for others. The data
//! is known, so what is accepted are indexes for which there is nothing to find that way.

use regorus::Value;
use regorus::unstable::{Expr, Span};

use super::body::Walker;
use super::error::PolicyError;
use super::reference::Segment;
use super::scope::Kind;

/// Checks `data.<keys>` with `rest` behind it, in which no rule takes part.
pub(super) fn check_data(
    walker: &Walker<'_>,
    span: &Span,
    keys: &[String],
    rest: &[Segment<'_>],
) -> Result<(), PolicyError> {
    let mut values = Some(vec![walker.known.data]);
    for key in keys {
        values = values.and_then(|values| by_key(&values, key));
    }
    for segment in rest {
        values = values.and_then(|values| match segment {
            Segment::Key(key) => by_key(&values, key),
            Segment::Index(index) => by_index(&values, Use::of(walker, index)),
        });
    }
    match values {
        Some(_) => Ok(()),
        None => Err(PolicyError::at(
            span,
            "OPA takes numbers and array positions for text when it indexes data; bind the table first: t := data.<table>; t[key]",
        )),
    }
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
            Value::Array(_) if is_number(key) => return None,
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

/// A number could have this text.
fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
}
