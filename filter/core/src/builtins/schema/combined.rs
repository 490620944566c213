//! `anyOf`, `oneOf`, `allOf`, `not`, `if`, `then`, `else`.

use super::compile::{self, Compiler, Id, Keywords, Refusal};
use super::outcome::{Outcome, Place};
use super::reference::Draft;
use super::validate::Validator;
use crate::builtins::Failure;
use regorus::Value;

/// Schemas for the same value.
#[derive(Debug, Default)]
pub(super) struct Combined {
    any_of: Vec<Id>,
    one_of: Vec<Id>,
    all_of: Vec<Id>,
    not: Option<Id>,
    condition: Option<Id>,
    then: Option<Id>,
    otherwise: Option<Id>,
}

pub(super) fn read<'a>(compiler: &mut Compiler<'a, '_>, keywords: &Keywords<'a>) -> Result<Combined, Refusal> {
    let one_of = schemas(compiler, keywords, "oneOf")?;
    let any_of = schemas(compiler, keywords, "anyOf")?;
    let all_of = schemas(compiler, keywords, "allOf")?;
    let not = schema(compiler, keywords, "not")?;
    let mut combined = Combined { any_of, one_of, all_of, not, ..Combined::default() };
    if compiler.draft >= Draft::Seven {
        combined.condition = schema(compiler, keywords, "if")?;
        combined.then = schema(compiler, keywords, "then")?;
        combined.otherwise = schema(compiler, keywords, "else")?;
    }
    Ok(combined)
}

fn schemas<'a>(compiler: &mut Compiler<'a, '_>, keywords: &Keywords<'a>, key: &str) -> Result<Vec<Id>, Refusal> {
    let schemas = compile::list(keywords, key)?;
    schemas.into_iter().flat_map(|schemas| schemas.iter()).map(|schema| compiler.schema(schema)).collect()
}

fn schema<'a>(compiler: &mut Compiler<'a, '_>, keywords: &Keywords<'a>, key: &str) -> Result<Option<Id>, Refusal> {
    let refusal = || Refusal::Invalid(format!("{key} must be of an object"));
    keywords.get(key).map(|schema| compiler.schema_or(schema, refusal)).transpose()
}

impl Validator<'_, '_> {
    pub(super) fn combined(
        &mut self,
        rules: &Combined,
        value: &Value,
        place: &Place,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        self.any_of(&rules.any_of, value, place, outcome)?;
        self.one_of(&rules.one_of, value, place, outcome)?;
        self.all_of(&rules.all_of, value, place, outcome)?;
        if let Some(schema) = rules.not
            && self.schema(schema, value, place)?.is_valid()
        {
            outcome.refuse(self.context, place, "number_not", "Must not validate the schema (not)")?;
        }
        Ok(())
    }

    /// The errors of the schema that came closest are told as well; so below.
    fn any_of(&mut self, schemas: &[Id], value: &Value, place: &Place, outcome: &mut Outcome) -> Result<(), Failure> {
        let mut best = None;
        for schema in schemas {
            let found = self.schema(*schema, value, place)?;
            if found.is_valid() {
                return Ok(());
            }
            Outcome::keep_better(&mut best, found);
        }
        if let Some(best) = best {
            outcome.refuse(self.context, place, "number_any_of", "Must validate at least one schema (anyOf)")?;
            outcome.merge(best);
        }
        Ok(())
    }

    fn one_of(&mut self, schemas: &[Id], value: &Value, place: &Place, outcome: &mut Outcome) -> Result<(), Failure> {
        let mut valid: usize = 0;
        let mut best = None;
        for schema in schemas {
            let found = self.schema(*schema, value, place)?;
            if found.is_valid() {
                valid = valid.saturating_add(1);
            } else {
                Outcome::keep_better(&mut best, found);
            }
        }
        if schemas.is_empty() || valid == 1 {
            return Ok(());
        }
        outcome.refuse(self.context, place, "number_one_of", "Must validate one and only one schema (oneOf)")?;
        if valid == 0 {
            outcome.merge(best.unwrap_or_default());
        }
        Ok(())
    }

    fn all_of(&mut self, schemas: &[Id], value: &Value, place: &Place, outcome: &mut Outcome) -> Result<(), Failure> {
        let mut is_valid = true;
        for schema in schemas {
            let found = self.schema(*schema, value, place)?;
            is_valid &= found.is_valid();
            outcome.merge(found);
        }
        if !is_valid {
            outcome.refuse(self.context, place, "number_all_of", "Must validate all the schemas (allOf)")?;
        }
        Ok(())
    }

    pub(super) fn condition(
        &mut self,
        rules: &Combined,
        value: &Value,
        place: &Place,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        let Some(condition) = rules.condition else { return Ok(()) };
        let (schema, kind, why) = if self.schema(condition, value, place)?.is_valid() {
            (rules.then, "condition_then", "Must validate \"then\" as \"if\" was valid")
        } else {
            (rules.otherwise, "condition_else", "Must validate \"else\" as \"if\" was not valid")
        };
        let Some(schema) = schema else { return Ok(()) };
        let found = self.schema(schema, value, place)?;
        if !found.is_valid() {
            outcome.refuse(self.context, place, kind, why)?;
            outcome.merge(found);
        }
        Ok(())
    }
}
