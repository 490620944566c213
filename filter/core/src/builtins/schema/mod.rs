//! `json.match_schema`, `json.verify_schema`: JSON Schema of drafts 4, 6 and 7, as OPA's copy of gojsonschema reads it.
//!
//! OPA goes through objects in random order. Where that shows (two members that are not valid, two faults in a schema)
//! the answer here is the one of OPA's answers that goes by name.
//!
//! Not inline: schemas within schemas that have an `id`, references other than `#/…`, the formats `email`, `uri` and
//! their kin.

mod arrays;
mod combined;
mod compile;
mod exact;
mod formats;
mod numbers;
mod objects;
mod outcome;
mod reference;
mod texts;
mod types;
mod validate;
mod values;

use super::encoding::json_text;
use super::{Builtin, Context, Failure, own};
use crate::json;
use compile::{Compiler, Refusal};
use regorus::Value;
use validate::Validator;

pub(super) const TABLE: &[Builtin] =
    &[own("json.match_schema", 2, match_schema), own("json.verify_schema", 1, verify_schema)];

/// Work of looking at one value of a document or of a schema.
const LOOK: usize = 64;

/// `[true, []]`, or `[false, errors]`.
fn match_schema(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [document, schema] = args else { return Err(Failure::ARITY) };
    let refused = |_| Failure::Error("json.match_schema: refuses the document or the schema".into());
    let document = document_of(context, document).map_err(|refusal| refusal.into_failure(refused))?;
    let schema = document_of(context, schema).map_err(|refusal| refusal.into_failure(refused))?;
    let compiled = Compiler::compile(context, &schema).map_err(|refusal| refusal.into_failure(refused))?;
    let outcome = Validator::validate(context, &compiled, &document)?;
    let is_valid = outcome.is_valid();
    Ok(Value::from(vec![Value::from(is_valid), outcome.into_value()]))
}

/// `[true, null]`, or `[false, what is wrong]`.
fn verify_schema(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [schema] = args else { return Err(Failure::ARITY) };
    let verified = document_of(context, schema).and_then(|schema| Compiler::compile(context, &schema).map(|_| ()));
    match verified {
        Ok(()) => Ok(Value::from(vec![Value::from(true), Value::Null])),
        Err(Refusal::Invalid(why)) => {
            Ok(Value::from(vec![Value::from(false), Value::from(format!("jsonschema: {why}"))]))
        }
        Err(Refusal::Other(failure)) => Err(failure),
    }
}

/// The JSON that an argument stands for: a text is read, a value of Rego becomes what it is as JSON.
fn document_of(context: &mut Context, value: &Value) -> Result<Value, Refusal> {
    match value {
        Value::String(text) => read(context, text),
        Value::Object(_) | Value::Array(_) if is_json(context, value)? => Ok(value.clone()),
        Value::Object(_) | Value::Array(_) => {
            let text = json_text::write(context, value, None)?;
            read(context, &text)
        }
        _ => Err(Refusal::invalid("wrong type, expected string or object")),
    }
}

/// A value takes several times the bytes of its text.
fn read(context: &mut Context, text: &str) -> Result<Value, Refusal> {
    context.work(text.len().saturating_mul(8))?;
    json::parse(text.as_bytes()).map_err(|error| {
        if error.beyond_bounds {
            Refusal::Other(Failure::Inexact("JSON beyond the bounds of the reader"))
        } else {
            Refusal::invalid("invalid JSON string")
        }
    })
}

/// Whether nothing in it is a set or has a key that is no text.
fn is_json(context: &mut Context, value: &Value) -> Result<bool, Failure> {
    context.work(LOOK)?;
    match value {
        Value::Array(items) => {
            for item in items.iter() {
                if !is_json(context, item)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Value::Object(members) => {
            for (key, member) in members.iter() {
                if !matches!(key, Value::String(_)) || !is_json(context, member)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Value::Set(_) | Value::Undefined => Ok(false),
        _ => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use crate::builtins::{Failure, find, tests::context};
    use crate::json;
    use regorus::Value;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn call(name: &str, args: &[&str]) -> Result<Value, Failure> {
        let args: Vec<Value> = args.iter().map(|text| json::parse(text.as_bytes()).unwrap()).collect();
        (find(name).unwrap().run)(&mut context(0), &args)
    }

    #[test]
    fn members_that_are_not_valid_are_told_by_name() {
        let schema =
            r#"{"additionalProperties": {"type": "null"}, "properties": {"c": false, "b": {"type": "string"}}}"#;
        let answer = call("json.match_schema", &[r#"{"d": 1, "c": 1, "b": 1, "a": 1}"#, schema]).unwrap();
        let fields: Vec<_> = answer[1].as_array().unwrap().iter().map(|error| error["field"].clone()).collect();
        assert_eq!(fields, ["a", "d", "b", "c"].map(Value::from));
    }

    #[test]
    fn of_two_faults_in_a_schema_the_first_by_name_is_told() {
        let answer = call("json.verify_schema", &[r#"{"properties": {"b": {"minLength": -1}, "a": {"type": 1}}}"#]);
        let why = "jsonschema: Invalid type. Expected: type, given: string/Array Of Strings";
        assert_eq!(answer.unwrap()[1], Value::from(why));
    }

    #[test]
    fn a_schema_that_never_ends_ends_the_evaluation() {
        for schema in [
            r##"{"$ref": "#"}"##,
            r##"{"allOf": [{"$ref": "#"}]}"##,
            r##"{"definitions": {"a": {"$ref": "#/definitions/b"}, "b": {"$ref": "#/definitions/a"}}, "$ref": "#/definitions/a"}"##,
        ] {
            assert!(matches!(call("json.match_schema", &["[]", schema]), Err(Failure::Inexact(_))), "{schema}");
        }
    }

    #[test]
    fn a_schema_that_doubles_its_work_at_each_level_is_stopped() {
        let mut definitions = vec![r#""a0": {}"#.to_owned()];
        for level in 1..40 {
            let below = level - 1;
            definitions.push(format!(
                r##""a{level}": {{"allOf": [{{"$ref": "#/definitions/a{below}"}}, {{"$ref": "#/definitions/a{below}"}}]}}"##
            ));
        }
        let schema = format!(r##"{{"definitions": {{{}}}, "$ref": "#/definitions/a39"}}"##, definitions.join(","));
        assert!(matches!(call("json.match_schema", &["[]", &schema]), Err(Failure::Stop(_))));
    }
}
