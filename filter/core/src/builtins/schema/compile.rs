//! A schema, read keyword by keyword in gojsonschema's order, so that the same fault is found first.

use super::arrays::{self, Items};
use super::combined::{self, Combined};
use super::numbers::{self, Numbers};
use super::objects::{self, Members};
use super::reference::{self, Draft};
use super::texts::{self, Texts};
use super::types::{self, Type};
use super::values::{self, Values};
use crate::builtins::rego_text::is_double;
use crate::builtins::{Context, Failure};
use regorus::Value;
use regorus::value::Array;
use std::collections::BTreeMap;

/// Deepest nesting of schemas within schemas, references included. The same limit holds for validation.
pub(super) const MAX_DEPTH: usize = 128;

/// Work of reading one schema: some forty keywords are looked up.
const SCHEMA: usize = 4096;

/// What a schema is called where another one is expected.
pub(super) const VALID_SCHEMA: &str = "Valid Schema";

/// Why a schema is not compiled.
#[derive(Debug)]
pub(super) enum Refusal {
    /// OPA refuses it as well, with that text.
    Invalid(String),
    /// It cannot be told.
    Other(Failure),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}

impl Refusal {
    pub(super) fn invalid(why: &str) -> Self {
        Self::Invalid(why.to_owned())
    }

    pub(super) fn invalid_type(expected: &str, given: &str) -> Self {
        Self::Invalid(format!("Invalid type. Expected: {expected}, given: {given}"))
    }

    /// The failure of a builtin that does not tell the text.
    pub(super) fn into_failure(self, invalid: impl FnOnce(String) -> Failure) -> Failure {
        match self {
            Self::Invalid(why) => invalid(why),
            Self::Other(failure) => failure,
        }
    }
}

/// A schema's place among all.
pub(super) type Id = usize;

/// The members of a schema by name.
pub(super) type Keywords<'a> = BTreeMap<&'a str, &'a Value>;

/// One schema: what each keyword demands.
#[derive(Debug, Default)]
pub(super) struct Node<'a> {
    /// A schema that is only `true` or `false`.
    pub(super) pass: Option<bool>,
    /// The schema referred to, which then alone counts.
    pub(super) target: Option<Id>,
    pub(super) types: Vec<Type>,
    pub(super) members: Members<'a>,
    pub(super) items: Items,
    pub(super) numbers: Numbers,
    pub(super) texts: Texts<'a>,
    pub(super) values: Values,
    pub(super) combined: Combined,
}

/// All schemas; the first is the outermost.
pub(super) type Schemas<'a> = Vec<Node<'a>>;

/// Reads schemas.
pub(super) struct Compiler<'a, 'c> {
    pub(super) context: &'c mut Context,
    pub(super) draft: Draft,
    root: &'a Value,
    schemas: Schemas<'a>,
    references: BTreeMap<&'a str, Id>,
    depth: usize,
}

impl<'a, 'c> Compiler<'a, 'c> {
    pub(super) fn compile(context: &'c mut Context, root: &'a Value) -> Result<Schemas<'a>, Refusal> {
        let draft = reference::draft(root)?;
        reference::refuse_inner_ids(root)?;
        let schemas = Vec::new();
        let mut compiler = Self { context, draft, root, schemas, references: BTreeMap::new(), depth: 0 };
        compiler.schema(root)?;
        Ok(compiler.schemas)
    }

    /// Reads a schema.
    pub(super) fn schema(&mut self, value: &'a Value) -> Result<Id, Refusal> {
        let id = self.schemas.len();
        self.schemas.push(Node::default());
        self.fill(id, value)?;
        Ok(id)
    }

    /// Reads a schema that a keyword takes, which must look like one.
    pub(super) fn schema_or(&mut self, value: &'a Value, refusal: impl Fn() -> Refusal) -> Result<Id, Refusal> {
        match value {
            Value::Bool(_) | Value::Object(_) => self.schema(value),
            _ => Err(refusal()),
        }
    }

    fn fill(&mut self, id: Id, value: &'a Value) -> Result<(), Refusal> {
        self.context.work(SCHEMA)?;
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH {
            return Err(Refusal::Other(Failure::Inexact("a schema that is nested too deeply")));
        }
        let node = match value {
            Value::Bool(pass) if self.draft >= Draft::Six => Node { pass: Some(*pass), ..Node::default() },
            Value::Object(members) => {
                self.context.work(members.len().saturating_mul(super::LOOK))?;
                let mut named = Keywords::new();
                named.extend(members.iter().filter_map(|(key, value)| Some((&**key.as_string().ok()?, value))));
                self.node(&named)?
            }
            _ => return Err(Refusal::Invalid(format!("Expected: {VALID_SCHEMA}, given: Invalid JSON"))),
        };
        self.depth = self.depth.saturating_sub(1);
        if let Some(slot) = self.schemas.get_mut(id) {
            *slot = node;
        }
        Ok(())
    }

    fn node(&mut self, keywords: &Keywords<'a>) -> Result<Node<'a>, Refusal> {
        text(keywords, self.draft.id_keyword(keywords))?;
        self.definitions(keywords)?;
        text(keywords, "title")?;
        text(keywords, "description")?;
        let mut node = Node::default();
        if let Some(reference) = text(keywords, "$ref")? {
            let (target, is_known) = self.reference(reference)?;
            node.target = Some(target);
            if !is_known {
                return Ok(node);
            }
        }
        node.types = types::read(keywords)?;
        objects::read_schemas(self, keywords, &mut node.members)?;
        arrays::read_schemas(self, keywords, &mut node.items)?;
        node.numbers = numbers::read(self.draft, keywords)?;
        node.texts = texts::read(self, keywords)?;
        objects::read_limits(keywords, &mut node.members)?;
        arrays::read_limits(self, keywords, &mut node.items)?;
        node.values = values::read(self, keywords)?;
        node.combined = combined::read(self, keywords)?;
        Ok(node)
    }

    fn definitions(&mut self, keywords: &Keywords<'a>) -> Result<(), Refusal> {
        let refusal = || Refusal::invalid_type("Array Of Schemas", "definitions");
        match keywords.get("definitions") {
            None => Ok(()),
            Some(Value::Object(definitions)) => {
                for (_, definition) in definitions.iter_sorted() {
                    self.schema_or(definition, refusal)?;
                }
                Ok(())
            }
            Some(_) => Err(refusal()),
        }
    }

    /// The schema referred to, and whether it was referred to before. gojsonschema reads what stands next to a
    /// reference only then.
    fn reference(&mut self, text: &'a str) -> Result<(Id, bool), Refusal> {
        if let Some(id) = self.references.get(text) {
            return Ok((*id, true));
        }
        let id = self.schemas.len();
        self.schemas.push(Node::default());
        self.references.insert(text, id);
        match reference::find(self.root, text)? {
            value @ (Value::Bool(_) | Value::Object(_)) => self.fill(id, value)?,
            _ => return Err(Refusal::Invalid(format!("{VALID_SCHEMA} must be of type object"))),
        }
        Ok((id, false))
    }
}

/// The text of a keyword.
pub(super) fn text<'a>(keywords: &Keywords<'a>, key: &str) -> Result<Option<&'a str>, Refusal> {
    match keywords.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refusal::invalid_type("string", key)),
    }
}

/// The list of a keyword.
pub(super) fn list<'a>(keywords: &Keywords<'a>, key: &str) -> Result<Option<&'a Array>, Refusal> {
    match keywords.get(key) {
        None => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items)),
        Some(_) => Err(Refusal::Invalid(format!("{key} must be of an array"))),
    }
}

/// The limit of a keyword that counts something.
pub(super) fn count(keywords: &Keywords, key: &str) -> Result<Option<u64>, Refusal> {
    let Some(value) = keywords.get(key) else { return Ok(None) };
    let no_integer = || Refusal::Invalid(format!("{key} must be of an integer"));
    let Value::Number(number) = value else { return Err(no_integer()) };
    if is_double(value) && number.is_integer() {
        // OPA goes by its digits: it takes 1, and neither 1.0 nor 1e0.
        return Err(Refusal::Other(Failure::Inexact("the digits of a limit in a schema")));
    }
    let integer = number.as_i64().filter(|_| !is_double(value)).ok_or_else(no_integer)?;
    let negative = |_| Refusal::Invalid(format!("{key} must be greater than or equal to 0"));
    u64::try_from(integer).map(Some).map_err(negative)
}

/// Two limits of which the lower must not be above the upper.
pub(super) fn in_order((lower, low): (&str, Option<u64>), (upper, high): (&str, Option<u64>)) -> Result<(), Refusal> {
    match (low, high) {
        (Some(low), Some(high)) if low > high => {
            Err(Refusal::Invalid(format!("{lower} cannot be greater than {upper}")))
        }
        _ => Ok(()),
    }
}
