//! A document against a schema, in gojsonschema's order.

use super::compile::{Id, MAX_DEPTH, Node, Schemas};
use super::objects::Document;
use super::outcome::{Outcome, Place};
use super::types::{self, Type};
use crate::builtins::{Context, Failure};
use regorus::Value;

/// Work of asking one schema about one value.
const ASK: usize = 512;

/// Asks schemas about values.
pub(super) struct Validator<'s, 'c> {
    pub(super) context: &'c mut Context,
    schemas: &'s Schemas<'s>,
    depth: usize,
}

impl<'s, 'c> Validator<'s, 'c> {
    pub(super) fn validate(
        context: &'c mut Context,
        schemas: &'s Schemas<'s>,
        document: &Value,
    ) -> Result<Outcome, Failure> {
        Self { context, schemas, depth: 0 }.schema(0, document, &Place::ROOT)
    }

    /// What one schema finds. References count as a level, so that one that leads to itself ends.
    pub(super) fn schema(&mut self, id: Id, value: &Value, place: &Place) -> Result<Outcome, Failure> {
        self.context.work(ASK)?;
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH {
            return Err(Failure::Inexact("a document that its schema goes into too deeply"));
        }
        let node = self.schemas.get(id).ok_or(Failure::Inexact("a schema that is not there"))?;
        let outcome = match (node.pass, node.target) {
            (Some(pass), _) => self.pass(pass, place)?,
            (None, Some(target)) => self.schema(target, value, place)?,
            (None, None) => self.typed(node, value, place)?,
        };
        self.depth = self.depth.saturating_sub(1);
        Ok(outcome)
    }

    fn pass(&mut self, pass: bool, place: &Place) -> Result<Outcome, Failure> {
        let mut outcome = Outcome::default();
        if !pass {
            outcome.refuse(self.context, place, "false", "False always fails validation")?;
        }
        Ok(outcome)
    }

    fn typed(&mut self, node: &'s Node<'s>, value: &Value, place: &Place) -> Result<Outcome, Failure> {
        let mut outcome = Outcome::default();
        let given = Type::of(value).ok_or(Failure::Inexact("a value that is no JSON"))?;
        if !given.is_among(&node.types) {
            let why = format!("Invalid type. Expected: {}, given: {}", types::listed(&node.types), given.name());
            outcome.refuse(self.context, place, "invalid_type", &why)?;
            return Ok(outcome);
        }
        self.keywords(node, value, place, &mut outcome)?;
        outcome.score();
        Ok(outcome)
    }

    fn keywords(
        &mut self,
        node: &'s Node<'s>,
        value: &Value,
        place: &Place,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        let members = self.document(value)?;
        self.combined(&node.combined, value, place, outcome)?;
        self.dependencies(&node.members, &members, value, place, outcome)?;
        self.condition(&node.combined, value, place, outcome)?;
        outcome.score();
        match value {
            Value::Number(_) => self.numbers(&node.numbers, value, place, outcome)?,
            Value::Array(items) => self.items(&node.items, items, place, outcome)?,
            Value::Object(_) => self.members(&node.members, &members, place, outcome)?,
            _ => {}
        }
        self.value((&node.values, node.texts.format), value, place, outcome)?;
        if let Value::String(text) = value {
            self.text(&node.texts, text, place, outcome)?;
        }
        for (name, schema) in &node.members.named {
            if let Some(member) = members.get(name) {
                outcome.merge(self.schema(*schema, member, &Place::within(place, name))?);
            }
        }
        Ok(())
    }

    /// The members of an object by name; none of anything else.
    fn document<'v>(&mut self, value: &'v Value) -> Result<Document<'v>, Failure> {
        let Value::Object(members) = value else { return Ok(Document::new()) };
        self.context.work(members.len().saturating_mul(super::LOOK))?;
        let mut document = Document::new();
        document.extend(members.iter().filter_map(|(name, value)| Some((&**name.as_string().ok()?, value))));
        Ok(document)
    }
}
