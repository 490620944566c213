//! `$schema`, `id` and `$ref`: which draft counts, and which schema another one means. Only references within the
//! schema are followed, and of URLs only plain ones are read, which no library reads otherwise.

use super::compile::{Keywords, Refusal};
use crate::builtins::Failure;
use regorus::Value;
use regorus::value::Object;

/// The edition of JSON Schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Draft {
    Four,
    Six,
    Seven,
    /// None is named: the keywords of all of them.
    Any,
}

impl Draft {
    /// The keyword that holds a schema's identifier.
    pub(super) fn id_keyword(self, keywords: &Keywords) -> &'static str {
        match self {
            Self::Four => "id",
            Self::Any if keywords.contains_key("id") => "id",
            _ => "$id",
        }
    }
}

/// The draft that the outermost schema names.
pub(super) fn draft(root: &Value) -> Result<Draft, Refusal> {
    let members = match root {
        Value::Bool(_) => return Ok(Draft::Any),
        Value::Object(members) => members,
        _ => return Err(Refusal::invalid("schema is invalid")),
    };
    let url = match members.get(&Value::from("$schema")) {
        None => return Ok(Draft::Any),
        Some(Value::String(url)) => url,
        Some(_) => return Err(Refusal::invalid("$schema must be of type string")),
    };
    match url.strip_suffix('#').unwrap_or(url) {
        "http://json-schema.org/draft-04/schema" => Ok(Draft::Four),
        "http://json-schema.org/draft-06/schema" => Ok(Draft::Six),
        "http://json-schema.org/draft-07/schema" => Ok(Draft::Seven),
        other if is_plain_url(other) => Ok(Draft::Any),
        _ => Err(Refusal::Other(Failure::Inexact("a schema of a draft that has no plain URL"))),
    }
}

/// Whether it is a URL in normal form, of a host and a path, that no part of needs to be escaped.
fn is_plain_url(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else { return false };
    let (host, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len())).unwrap_or((rest, ""));
    let is_host = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let is_path = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_segment = |part: &str| !part.is_empty() && part.bytes().all(|byte| is_path(byte) || byte == b'.');
    let mut segments = path.split('/').skip(1);
    !host.is_empty() && host.bytes().all(is_host) && segments.all(|part| is_segment(part) && !part.starts_with('.'))
}

/// Schemas with an identifier of their own change what references mean; only the outermost may have one.
pub(super) fn refuse_inner_ids(root: &Value) -> Result<(), Refusal> {
    let Value::Object(members) = root else { return Ok(()) };
    match identifier(members) {
        Some(url) if !is_plain_url(url) => Err(Refusal::Other(Failure::Inexact("a schema with a special id"))),
        _ => members_with_ids(members),
    }
}

/// The identifier that gojsonschema sees, whatever the draft.
fn identifier(members: &Object) -> Option<&str> {
    let id = members.get(&Value::from("id")).or_else(|| members.get(&Value::from("$id")));
    id.and_then(|id| id.as_string().ok()).map(|id| &**id)
}

fn members_with_ids(members: &Object) -> Result<(), Refusal> {
    for (key, value) in members.iter() {
        match (key.as_string().map_or("", |key| &**key), value) {
            ("const" | "enum", _) => {}
            ("properties" | "dependencies" | "patternProperties", Value::Object(named)) => {
                named.iter().try_for_each(|(_, value)| inner_ids(value))?;
            }
            ("properties" | "dependencies" | "patternProperties", _) => {}
            (_, value) => inner_ids(value)?,
        }
    }
    Ok(())
}

fn inner_ids(value: &Value) -> Result<(), Refusal> {
    match value {
        Value::Array(items) => items.iter().try_for_each(inner_ids),
        Value::Object(members) if identifier(members).is_some() => {
            Err(Refusal::Other(Failure::Inexact("a schema within a schema that has an id")))
        }
        Value::Object(members) => members_with_ids(members),
        _ => Ok(()),
    }
}

/// What a reference `#/…` points to.
pub(super) fn find<'a>(root: &'a Value, text: &str) -> Result<&'a Value, Refusal> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'.' | b'~' | b'$');
    let pointer = match text.strip_prefix('#') {
        Some("") => return Ok(root),
        Some(pointer) if pointer.bytes().all(is_plain) => pointer,
        _ => return Err(Refusal::Other(Failure::Inexact("a reference out of a schema"))),
    };
    let tokens = pointer.strip_prefix('/').ok_or(Refusal::Other(Failure::Inexact("a reference to a name")))?;
    tokens.split('/').try_fold(root, step)
}

fn step<'a>(value: &'a Value, token: &str) -> Result<&'a Value, Refusal> {
    match value {
        Value::Object(members) => {
            let key = token.replace("~1", "/").replace("~0", "~");
            let missing = || Refusal::Invalid(format!("Object has no key '{key}'"));
            members.get(&Value::from(key.as_str())).ok_or_else(missing)
        }
        Value::Array(items) => {
            let index: i64 = token.parse().map_err(|_| Refusal::Invalid(format!("Invalid array index '{token}'")))?;
            let beyond = || Refusal::Invalid(format!("Out of bound array[0,{}] index '{index}'", items.len()));
            usize::try_from(index).ok().and_then(|index| items.get(index)).ok_or_else(beyond)
        }
        _ => Err(Refusal::Invalid(format!("Invalid token reference '{token}'"))),
    }
}
