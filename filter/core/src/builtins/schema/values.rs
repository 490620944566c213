//! `const`, `enum`: values that are compared as JSON text whose numbers went through a double.

use super::compile::{self, Compiler, Keywords, Refusal};
use super::outcome::{Outcome, Place};
use super::reference::Draft;
use super::validate::Validator;
use crate::builtins::encoding::json_text;
use crate::builtins::{Context, Failure};
use regorus::Value;

/// Which values are taken, as [`comparable`] texts.
#[derive(Debug, Default)]
pub(super) struct Values {
    constant: Option<String>,
    /// An empty list takes none.
    listed: Option<Vec<String>>,
}

pub(super) fn read<'a>(compiler: &mut Compiler<'a, '_>, keywords: &Keywords<'a>) -> Result<Values, Refusal> {
    let constant = match keywords.get("const").filter(|_| compiler.draft >= Draft::Six) {
        None => None,
        Some(value) => Some(comparable(compiler.context, value)?),
    };
    let listed = match compile::list(keywords, "enum")? {
        None => None,
        Some(values) => {
            let mut listed = Vec::new();
            for value in values.iter() {
                let text = comparable(compiler.context, value)?;
                compiler.context.work(listed.len().saturating_mul(super::LOOK))?;
                if listed.contains(&text) {
                    return Err(Refusal::invalid("enum items must be unique"));
                }
                listed.push(text);
            }
            Some(listed)
        }
    };
    Ok(Values { constant, listed })
}

/// The JSON text that equal values share.
pub(super) fn comparable(context: &mut Context, value: &Value) -> Result<String, Failure> {
    let mut out = String::new();
    push(context, &mut out, value)?;
    Ok(out)
}

fn push(context: &mut Context, out: &mut String, value: &Value) -> Result<(), Failure> {
    match value {
        Value::Number(_) => out.push_str(&number(context, value)?),
        Value::Array(items) => {
            context.work(1)?;
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                push(context, out, item)?;
            }
            out.push(']');
        }
        Value::Object(members) => {
            context.work(members.len().saturating_mul(super::LOOK))?;
            out.push('{');
            for (at, (name, value)) in members.iter_sorted().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                push(context, out, name)?;
                out.push(':');
                push(context, out, value)?;
            }
            out.push('}');
        }
        other => out.push_str(&json_text::write(context, other, None)?),
    }
    Ok(())
}

/// A double as Go's `encoding/json` writes it.
fn number(context: &mut Context, value: &Value) -> Result<String, Failure> {
    let too_large = Failure::Inexact("a number beyond a double in a schema");
    let Value::Number(number) = value else { return Err(too_large) };
    let bytes = number.as_big().map_or(8, |big| usize::try_from(big.bits()).unwrap_or(usize::MAX) / 8);
    context.work(bytes.saturating_mul(bytes))?;
    let double: f64 = number.format_decimal().parse().map_err(|_| too_large.clone())?;
    match double.abs() {
        size if !size.is_finite() => Err(too_large),
        size if size != 0.0 && !(1e-6..1e21).contains(&size) => {
            let text = format!("{double:e}");
            Ok(if size < 1.0 { text } else { text.replace('e', "e+") })
        }
        _ => Ok(double.to_string()),
    }
}

impl Validator<'_, '_> {
    /// `const`, `enum` and `format`.
    pub(super) fn value(
        &mut self,
        (rules, format): (&Values, Option<&str>),
        value: &Value,
        place: &Place,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        if rules.constant.is_some() || rules.listed.is_some() {
            let text = comparable(self.context, value)?;
            if let Some(constant) = rules.constant.as_ref().filter(|constant| **constant != text) {
                let why = format!("{} does not match: {constant}", place.field(self.context)?);
                outcome.refuse(self.context, place, "const", &why)?;
            }
            if let Some(listed) = &rules.listed {
                self.context.work(listed.len().saturating_mul(super::LOOK))?;
                if !listed.contains(&text) {
                    let field = place.field(self.context)?;
                    let why = format!("{field} must be one of the following: {}", listed.join(", "));
                    outcome.refuse(self.context, place, "enum", &why)?;
                }
            }
        }
        if let Some(format) = format
            && !super::formats::matches(self.context, format, value)?
        {
            outcome.refuse(self.context, place, "format", &format!("Does not match format '{format}'"))?;
        }
        outcome.score();
        Ok(())
    }
}
