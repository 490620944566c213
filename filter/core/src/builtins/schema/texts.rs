//! `minLength`, `maxLength`, `pattern`; and `format`, which counts for every type.

use super::compile::{self, Compiler, Keywords, Refusal};
use super::outcome::{Outcome, Place};
use super::validate::Validator;
use crate::builtins::Failure;
use crate::builtins::regexes::{Program, program};
use std::rc::Rc;

/// What a text must be.
#[derive(Debug, Default)]
pub(super) struct Texts<'a> {
    min_length: Option<u64>,
    max_length: Option<u64>,
    pattern: Option<(&'a str, Rc<Program>)>,
    pub(super) format: Option<&'a str>,
}

pub(super) fn read<'a>(compiler: &mut Compiler<'a, '_>, keywords: &Keywords<'a>) -> Result<Texts<'a>, Refusal> {
    let min_length = compile::count(keywords, "minLength")?;
    let max_length = compile::count(keywords, "maxLength")?;
    compile::in_order(("minLength", min_length), ("maxLength", max_length))?;
    let pattern = match compile::text(keywords, "pattern")? {
        None => None,
        Some(text) => Some((text, pattern(compiler, text, || "pattern must be a valid regex".to_owned())?)),
    };
    let format = compile::text(keywords, "format")?.filter(|format| !format.is_empty());
    Ok(Texts { min_length, max_length, pattern, format })
}

/// A regular expression of the schema.
pub(super) fn pattern(
    compiler: &mut Compiler,
    text: &str,
    invalid: impl FnOnce() -> String,
) -> Result<Rc<Program>, Refusal> {
    program(compiler.context, text).map_err(|failure| match failure {
        Failure::Error(_) => Refusal::Invalid(invalid()),
        other => Refusal::Other(other),
    })
}

impl Validator<'_, '_> {
    pub(super) fn text(
        &mut self,
        rules: &Texts,
        text: &str,
        place: &Place,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        if rules.min_length.is_some() || rules.max_length.is_some() {
            self.context.work(text.len())?;
        }
        let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        if let Some(min) = rules.min_length.filter(|min| length < *min) {
            let why = format!("String length must be greater than or equal to {min}");
            outcome.refuse(self.context, place, "string_gte", &why)?;
        }
        if let Some(max) = rules.max_length.filter(|max| length > *max) {
            let why = format!("String length must be less than or equal to {max}");
            outcome.refuse(self.context, place, "string_lte", &why)?;
        }
        if let Some((pattern, program)) = &rules.pattern
            && !program.is_match(self.context, text)?
        {
            outcome.refuse(self.context, place, "pattern", &format!("Does not match pattern '{pattern}'"))?;
        }
        outcome.score();
        Ok(())
    }
}
