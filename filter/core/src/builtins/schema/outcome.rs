//! What validation found: errors in order, and the score by which gojsonschema tells which of several schemas came
//! closest.

use crate::builtins::{Context, Failure};
use regorus::Value;
use regorus::value::Object;

/// Work of one error, with the object that becomes of it.
const ERROR: usize = 512;

/// What the whole document is called.
const ROOT: &str = "(Root)";

/// Where in the document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    name: &'a str,
    outer: Option<&'a Place<'a>>,
}

impl<'a> Place<'a> {
    pub(super) const ROOT: Self = Self { name: ROOT, outer: None };

    pub(super) const fn within(outer: &'a Self, name: &'a str) -> Self {
        Self { name, outer: Some(outer) }
    }

    /// The names from the document to here, with periods between them. The document itself is only named alone.
    pub(super) fn field(&self, context: &mut Context) -> Result<String, Failure> {
        let mut names = vec![self.name];
        let mut place = self.outer;
        while let Some(outer) = place {
            context.work(outer.name.len())?;
            names.push(outer.name);
            place = outer.outer;
        }
        if names.len() > 1 {
            names.pop();
        }
        names.reverse();
        Ok(names.join("."))
    }
}

#[derive(Debug)]
struct Error {
    kind: &'static str,
    field: String,
    description: String,
}

/// Errors and score.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    errors: Vec<Error>,
    score: i64,
}

impl Outcome {
    pub(super) const fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }

    /// One more check is done, whatever it found.
    pub(super) const fn score(&mut self) {
        self.score = self.score.saturating_add(1);
    }

    /// Notes an error.
    pub(super) fn refuse(
        &mut self,
        context: &mut Context,
        place: &Place,
        kind: &'static str,
        description: &str,
    ) -> Result<(), Failure> {
        let field = place.field(context)?;
        let length = field.len().saturating_add(description.len());
        context.work(length.saturating_mul(4).saturating_add(ERROR))?;
        self.errors.push(Error { kind, field, description: description.to_owned() });
        self.score = self.score.saturating_sub(2);
        Ok(())
    }

    /// Takes over what a schema within this one found.
    pub(super) fn merge(&mut self, other: Self) {
        self.errors.extend(other.errors);
        self.score = self.score.saturating_add(other.score);
    }

    /// Keeps the first of those with the highest score.
    pub(super) fn keep_better(best: &mut Option<Self>, found: Self) {
        if best.as_ref().is_none_or(|best| found.score > best.score) {
            *best = Some(found);
        }
    }

    /// The list that OPA gives.
    pub(super) fn into_value(self) -> Value {
        let error = |error: Error| {
            let whole = format!("{}: {}", error.field, error.description);
            let members = [
                ("error", Value::from(whole)),
                ("type", Value::from(error.kind)),
                ("field", Value::from(error.field)),
                ("desc", Value::from(error.description)),
            ];
            Value::from(members.into_iter().map(|(key, value)| (Value::from(key), value)).collect::<Object>())
        };
        Value::from(self.errors.into_iter().map(error).collect::<Vec<_>>())
    }
}
