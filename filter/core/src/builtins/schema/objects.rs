//! `properties`, `additionalProperties`, `patternProperties`, `propertyNames`, `dependencies`, `required`,
//! `minProperties`, `maxProperties`.

use super::arrays::Additional;
use super::compile::{self, Compiler, Id, Keywords, Refusal, VALID_SCHEMA};
use super::outcome::{Outcome, Place};
use super::reference::Draft;
use super::texts;
use super::validate::Validator;
use crate::builtins::Failure;
use crate::builtins::regexes::Program;
use regorus::Value;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What an object must hold.
#[derive(Debug, Default)]
pub(super) struct Members<'a> {
    pub(super) named: BTreeMap<&'a str, Id>,
    additional: Additional,
    patterns: Vec<(Rc<Program>, Id)>,
    names: Option<Id>,
    pub(super) dependencies: BTreeMap<&'a str, Dependency<'a>>,
    required: Vec<&'a str>,
    min: Option<u64>,
    max: Option<u64>,
}

/// What is demanded if a member is there.
#[derive(Debug)]
pub(super) enum Dependency<'a> {
    Names(Vec<&'a str>),
    Schema(Id),
}

/// The members of a document's object, by name.
pub(super) type Document<'v> = BTreeMap<&'v str, &'v Value>;

pub(super) fn read_schemas<'a>(
    compiler: &mut Compiler<'a, '_>,
    keywords: &Keywords<'a>,
    rules: &mut Members<'a>,
) -> Result<(), Refusal> {
    match keywords.get("properties") {
        None => {}
        Some(Value::Object(properties)) => {
            for (name, schema) in properties.iter_sorted() {
                rules.named.insert(name_of(name), compiler.schema(schema)?);
            }
        }
        Some(_) => return Err(Refusal::invalid("Properties must be of type object")),
    }
    rules.additional = Additional::read(compiler, keywords, "additionalProperties")?;
    read_patterns(compiler, keywords, rules)?;
    if let Some(names) = keywords.get("propertyNames").filter(|_| compiler.draft >= Draft::Six) {
        // gojsonschema names another keyword here.
        let refusal = || Refusal::invalid_type(VALID_SCHEMA, "patternProperties");
        rules.names = Some(compiler.schema_or(names, refusal)?);
    }
    read_dependencies(compiler, keywords, rules)
}

/// The names of JSON are texts.
fn name_of(key: &Value) -> &str {
    key.as_string().map_or("", |name| name)
}

fn read_patterns<'a>(
    compiler: &mut Compiler<'a, '_>,
    keywords: &Keywords<'a>,
    rules: &mut Members<'a>,
) -> Result<(), Refusal> {
    match keywords.get("patternProperties") {
        None => Ok(()),
        Some(Value::Object(patterns)) => {
            for (pattern, schema) in patterns.iter_sorted() {
                let text = name_of(pattern);
                let program = texts::pattern(compiler, text, || format!("Invalid regex pattern '{text}'"))?;
                rules.patterns.push((program, compiler.schema(schema)?));
            }
            Ok(())
        }
        Some(_) => Err(Refusal::invalid_type(VALID_SCHEMA, "patternProperties")),
    }
}

fn read_dependencies<'a>(
    compiler: &mut Compiler<'a, '_>,
    keywords: &Keywords<'a>,
    rules: &mut Members<'a>,
) -> Result<(), Refusal> {
    let refusal = || Refusal::invalid("Dependency must be of type Schema Or Array Of Strings");
    let dependencies = match keywords.get("dependencies") {
        None => return Ok(()),
        Some(Value::Object(dependencies)) => dependencies,
        Some(_) => return Err(Refusal::invalid("dependencies must be of type object")),
    };
    for (name, dependency) in dependencies.iter_sorted() {
        let dependency = match dependency {
            Value::Array(names) => {
                let names = names.iter().map(|name| name.as_string().map(|name| &**name));
                Dependency::Names(names.collect::<Result<_, _>>().map_err(|_| refusal())?)
            }
            schema => Dependency::Schema(compiler.schema_or(schema, refusal)?),
        };
        rules.dependencies.insert(name_of(name), dependency);
    }
    Ok(())
}

pub(super) fn read_limits<'a>(keywords: &Keywords<'a>, rules: &mut Members<'a>) -> Result<(), Refusal> {
    rules.min = compile::count(keywords, "minProperties")?;
    rules.max = compile::count(keywords, "maxProperties")?;
    compile::in_order(("minProperties", rules.min), ("maxProperties", rules.max))?;
    for name in compile::list(keywords, "required")?.into_iter().flat_map(|names| names.iter()) {
        let name = name.as_string().map_err(|_| Refusal::invalid_type("string", "required"))?;
        if rules.required.contains(&&**name) {
            return Err(Refusal::invalid("required items must be unique"));
        }
        rules.required.push(name);
    }
    Ok(())
}

impl Validator<'_, '_> {
    pub(super) fn members(
        &mut self,
        rules: &Members,
        members: &Document,
        place: &Place,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        let length = u64::try_from(members.len()).unwrap_or(u64::MAX);
        if let Some(min) = rules.min.filter(|min| length < *min) {
            let why = format!("Must have at least {min} properties");
            outcome.refuse(self.context, place, "array_min_properties", &why)?;
        }
        if let Some(max) = rules.max.filter(|max| length > *max) {
            let why = format!("Must have at most {max} properties");
            outcome.refuse(self.context, place, "array_max_properties", &why)?;
        }
        for name in &rules.required {
            if members.contains_key(name) {
                outcome.score();
            } else {
                outcome.refuse(self.context, place, "required", &format!("{name} is required"))?;
            }
        }
        for (name, value) in members {
            self.member(rules, name, value, place, outcome)?;
        }
        if let Some(schema) = rules.names {
            self.names(schema, members, place, outcome)?;
        }
        outcome.score();
        Ok(())
    }

    /// A member by the patterns, or as one that nothing else speaks of. Its own schema is asked later.
    fn member(
        &mut self,
        rules: &Members,
        name: &str,
        value: &Value,
        place: &Place,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        let inner = Place::within(place, name);
        let mut is_matched = false;
        for (pattern, schema) in &rules.patterns {
            if pattern.is_match(self.context, name)? {
                is_matched = true;
                outcome.merge(self.schema(*schema, value, &inner)?);
            }
        }
        if is_matched {
            outcome.score();
        }
        match rules.additional {
            _ if is_matched || rules.named.contains_key(name) => Ok(()),
            Additional::Allowed => Ok(()),
            Additional::Refused => {
                let why = format!("Additional property {name} is not allowed");
                outcome.refuse(self.context, place, "additional_property_not_allowed", &why)
            }
            Additional::Schema(schema) => {
                outcome.merge(self.schema(schema, value, &inner)?);
                Ok(())
            }
        }
    }

    fn names(&mut self, schema: Id, members: &Document, place: &Place, outcome: &mut Outcome) -> Result<(), Failure> {
        for name in members.keys() {
            self.context.work(name.len())?;
            let found = self.schema(schema, &Value::from(*name), place)?;
            if !found.is_valid() {
                let why = format!("Property name of \"{name}\" does not match");
                outcome.refuse(self.context, place, "invalid_property_name", &why)?;
                outcome.merge(found);
            }
        }
        Ok(())
    }

    pub(super) fn dependencies(
        &mut self,
        rules: &Members,
        members: &Document,
        value: &Value,
        place: &Place,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        for (_, dependency) in rules.dependencies.iter().filter(|(name, _)| members.contains_key(*name)) {
            match dependency {
                Dependency::Names(names) => {
                    for name in names.iter().filter(|name| !members.contains_key(*name)) {
                        let why = format!("Has a dependency on {name}");
                        outcome.refuse(self.context, place, "missing_dependency", &why)?;
                    }
                }
                Dependency::Schema(schema) => outcome.merge(self.schema(*schema, value, place)?),
            }
        }
        Ok(())
    }
}
