//! `items`, `additionalItems`, `contains`, `minItems`, `maxItems`, `uniqueItems`.

use super::compile::{self, Compiler, Id, Keywords, Refusal, VALID_SCHEMA};
use super::outcome::{Outcome, Place};
use super::validate::Validator;
use super::values;
use crate::builtins::Failure;
use regorus::Value;
use regorus::value::Array;
use std::collections::BTreeMap;

/// What an array must hold.
#[derive(Debug, Default)]
pub(super) struct Items {
    /// One schema for all items.
    each: Option<Id>,
    /// A schema for each of the first items.
    first: Vec<Id>,
    additional: Additional,
    contains: Option<Id>,
    min: Option<u64>,
    max: Option<u64>,
    are_unique: bool,
}

/// What is demanded of items or members that no other keyword speaks of.
#[derive(Debug, Default, Clone, Copy)]
pub(super) enum Additional {
    #[default]
    Allowed,
    Refused,
    Schema(Id),
}

impl Additional {
    pub(super) fn read<'a>(
        compiler: &mut Compiler<'a, '_>,
        keywords: &Keywords<'a>,
        key: &str,
    ) -> Result<Self, Refusal> {
        match keywords.get(key) {
            None | Some(Value::Bool(true)) => Ok(Self::Allowed),
            Some(Value::Bool(false)) => Ok(Self::Refused),
            Some(schema @ Value::Object(_)) => compiler.schema(schema).map(Self::Schema),
            Some(_) => Err(Refusal::invalid_type(&format!("boolean/{VALID_SCHEMA}"), key)),
        }
    }
}

pub(super) fn read_schemas<'a>(
    compiler: &mut Compiler<'a, '_>,
    keywords: &Keywords<'a>,
    rules: &mut Items,
) -> Result<(), Refusal> {
    let refusal = || Refusal::invalid_type(&format!("{VALID_SCHEMA}/Array Of Schemas"), "items");
    match keywords.get("items") {
        None => {}
        Some(Value::Array(schemas)) => {
            for schema in schemas.iter() {
                rules.first.push(compiler.schema_or(schema, refusal)?);
            }
        }
        Some(schema) => rules.each = Some(compiler.schema_or(schema, refusal)?),
    }
    rules.additional = Additional::read(compiler, keywords, "additionalItems")?;
    Ok(())
}

pub(super) fn read_limits<'a>(
    compiler: &mut Compiler<'a, '_>,
    keywords: &Keywords<'a>,
    rules: &mut Items,
) -> Result<(), Refusal> {
    rules.min = compile::count(keywords, "minItems")?;
    rules.max = compile::count(keywords, "maxItems")?;
    rules.are_unique = match keywords.get("uniqueItems") {
        None => false,
        Some(Value::Bool(are_unique)) => *are_unique,
        Some(_) => return Err(Refusal::invalid("uniqueItems must be of a boolean")),
    };
    if let Some(contains) = keywords.get("contains").filter(|_| compiler.draft >= super::reference::Draft::Six) {
        rules.contains = Some(compiler.schema(contains)?);
    }
    Ok(())
}

impl Validator<'_, '_> {
    pub(super) fn items(
        &mut self,
        rules: &Items,
        items: &Array,
        place: &Place,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        if let Some(schema) = rules.each {
            self.each_item(schema, items, 0, place, outcome)?;
        } else if !rules.first.is_empty() {
            self.first_items(rules, items, place, outcome)?;
        }
        let length = u64::try_from(items.len()).unwrap_or(u64::MAX);
        if let Some(min) = rules.min.filter(|min| length < *min) {
            let why = format!("Array must have at least {min} items");
            outcome.refuse(self.context, place, "array_min_items", &why)?;
        }
        if let Some(max) = rules.max.filter(|max| length > *max) {
            let why = format!("Array must have at most {max} items");
            outcome.refuse(self.context, place, "array_max_items", &why)?;
        }
        if rules.are_unique {
            self.unique_items(items, place, outcome)?;
        }
        if let Some(schema) = rules.contains {
            self.contains(schema, items, place, outcome)?;
        }
        outcome.score();
        Ok(())
    }

    fn item(&mut self, schema: Id, index: usize, item: &Value, place: &Place) -> Result<Outcome, Failure> {
        self.schema(schema, item, &Place::within(place, &index.to_string()))
    }

    fn each_item(
        &mut self,
        schema: Id,
        items: &Array,
        from: usize,
        place: &Place,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        for (index, item) in items.iter().enumerate().skip(from) {
            outcome.merge(self.item(schema, index, item, place)?);
        }
        Ok(())
    }

    fn first_items(
        &mut self,
        rules: &Items,
        items: &Array,
        place: &Place,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        for (index, (schema, item)) in rules.first.iter().zip(items.iter()).enumerate() {
            outcome.merge(self.item(*schema, index, item, place)?);
        }
        match rules.additional {
            _ if rules.first.len() >= items.len() => Ok(()),
            Additional::Allowed => Ok(()),
            Additional::Refused => {
                let why = "No additional items allowed on array";
                outcome.refuse(self.context, place, "array_no_additional_items", why)
            }
            Additional::Schema(schema) => self.each_item(schema, items, rules.first.len(), place, outcome),
        }
    }

    fn unique_items(&mut self, items: &Array, place: &Place, outcome: &mut Outcome) -> Result<(), Failure> {
        let mut seen = BTreeMap::new();
        for (index, item) in items.iter().enumerate() {
            let text = values::comparable(self.context, item)?;
            if let Some(before) = seen.insert(text, index) {
                let why = format!("array items[{before},{index}] must be unique");
                outcome.refuse(self.context, place, "unique", &why)?;
            }
        }
        Ok(())
    }

    fn contains(&mut self, schema: Id, items: &Array, place: &Place, outcome: &mut Outcome) -> Result<(), Failure> {
        let mut best: Option<Outcome> = None;
        for (index, item) in items.iter().enumerate() {
            let found = self.item(schema, index, item, place)?;
            if found.is_valid() {
                return Ok(());
            }
            Outcome::keep_better(&mut best, found);
        }
        outcome.refuse(self.context, place, "contains", "At least one of the items must match")?;
        outcome.merge(best.unwrap_or_default());
        Ok(())
    }
}
