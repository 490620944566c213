//! Reads the result value, key by key, in the contract's order; the first failure wins. Keys of the other branch are
//! not looked at.

use super::{Decision, Header, Metadata, Mutations, QueryMutations, Reply, Verdict, check};
use regorus::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// Statuses that stand in both Go's and Envoy's lists (contract section 2.3).
const STATUSES: [std::ops::RangeInclusive<u16>; 12] = [
    100..=100,
    200..=208,
    226..=226,
    300..=305,
    307..=308,
    400..=417,
    421..=424,
    426..=426,
    428..=429,
    431..=431,
    500..=508,
    510..=511,
];

/// Why a result value is not a decision that can be carried out. Names the key and the type, never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// It has not the shape of a decision.
    Shape(String),
    /// It is a decision, and what it wants changed or answered cannot be sent. The text of a request may be what is
    /// wrong in it.
    Mutation(String),
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Shape(message) | Self::Mutation(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Unusable {}

/// Reads a result.
///
/// # Errors
/// The value is neither a boolean nor an object of the contract's shape, or wants what HTTP cannot carry.
pub fn read(result: &Value) -> Result<Decision, Unusable> {
    let verdict = match result {
        Value::Bool(true) => Verdict::Allow(Mutations::default()),
        Value::Bool(false) => Verdict::Deny(Reply::denied(Vec::new(), String::new(), 403)),
        Value::Object(_) => return read_object(&Keys(result)),
        other => {
            return Err(Unusable::Shape(format!("the decision must be a boolean or an object, not {}", kind(other))));
        }
    };
    Ok(Decision { verdict, dynamic_metadata: None, cache_ttl: None })
}

fn read_object(keys: &Keys) -> Result<Decision, Unusable> {
    let allowed = match keys.get("allowed") {
        Some(Value::Bool(allowed)) => *allowed,
        Some(other) => return Err(wrong("allowed", "a boolean", other)),
        None => return Err(Unusable::Shape("`allowed` is missing".to_owned())),
    };
    let headers = keys.headers("headers")?;
    let metadata = "dynamic_metadata";
    let dynamic_metadata = keys.get(metadata).map(|value| Metadata::read(metadata, value)).transpose();
    // A wrong shape is found in the contract's order, what cannot be sent only behind all shapes.
    let (dynamic_metadata, too_much) = match dynamic_metadata {
        Ok(dynamic_metadata) => (dynamic_metadata, None),
        Err(error @ Unusable::Mutation(_)) => (None, Some(error)),
        Err(error) => return Err(error),
    };
    let verdict = if allowed {
        let mutations = read_allow(keys, headers)?;
        check::mutations(&mutations)?;
        Verdict::Allow(mutations)
    } else {
        let reply = read_deny(keys, headers)?;
        check::reply(&reply)?;
        Verdict::Deny(reply)
    };
    match too_much {
        Some(error) => Err(error),
        None => Ok(Decision { verdict, dynamic_metadata, cache_ttl: keys.get("cache_ttl_seconds").map(cache_ttl) }),
    }
}

/// How long the policy lets a decision be kept. The plugin does not know this key, so nothing in it is an error: what is
/// no number of seconds is none.
fn cache_ttl(value: &Value) -> Duration {
    let number = value.as_number().ok().filter(|number| number.is_integer());
    Duration::from_secs(number.and_then(|number| number.as_u64()).unwrap_or(0))
}

fn read_allow(keys: &Keys, headers: Vec<Header>) -> Result<Mutations, Unusable> {
    let remove_request_headers = keys.strings("request_headers_to_remove")?;
    Ok(Mutations {
        set_request_headers: without(last_of_each_name(headers), |name| {
            name.starts_with(':') && !matches!(name, ":path" | ":method" | ":authority" | ":scheme")
        }),
        remove_request_headers: removable(remove_request_headers),
        add_response_headers: without(keys.headers("response_headers_to_add")?, |name| {
            name.starts_with(':') || matches!(name, "connection" | "transfer-encoding" | "upgrade")
        }),
        query: QueryMutations {
            remove: keys.strings("query_parameters_to_remove")?,
            set: keys.query_parameters("query_parameters_to_set")?,
        },
    })
}

fn read_deny(keys: &Keys, headers: Vec<Header>) -> Result<Reply, Unusable> {
    let body = match keys.get("body") {
        None => String::new(),
        Some(Value::String(body)) => body.to_string(),
        Some(other) => return Err(wrong("body", "a string", other)),
    };
    let status = match keys.get("http_status") {
        None => 403,
        Some(value) => status(value)?,
    };
    // The client would take the next response for the end of this one.
    if status == 100 {
        return Err(Unusable::Mutation("`http_status` 100 ends no response".to_owned()));
    }
    // These have no body; one would be taken for the beginning of the next response.
    let body = if matches!(status, 204 | 304) { String::new() } else { body };
    Ok(Reply::denied(headers, body, status))
}

/// Without those that Envoy drops without a word (seen in 1.40).
fn without(mut headers: Vec<Header>, is_dropped: impl Fn(&str) -> bool) -> Vec<Header> {
    headers.retain(|(name, _)| !is_dropped(name));
    headers
}

/// Lower case, without the names that Envoy keeps silently and those that no header has.
fn removable(names: Vec<String>) -> Vec<String> {
    names
        .into_iter()
        .map(|name| name.to_ascii_lowercase())
        .filter(|name| name != "host" && crate::http::is_header_name(name.as_bytes()))
        .collect()
}

fn status(value: &Value) -> Result<u16, Unusable> {
    value
        .as_number()
        .ok()
        .filter(|number| number.is_integer())
        .and_then(|number| number.as_u64())
        .and_then(|status| u16::try_from(status).ok())
        .filter(|status| STATUSES.iter().any(|range| range.contains(status)))
        .ok_or_else(|| Unusable::Shape("`http_status` must be an integer that is an HTTP status".to_owned()))
}

/// Overwriting keeps one value a name, and the last one wins (contract section 2.4). `host` is another name of
/// `:authority`.
fn last_of_each_name(headers: Vec<Header>) -> Vec<Header> {
    let mut kept: Vec<Header> = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let name = if name == "host" { ":authority".to_owned() } else { name };
        kept.retain(|(other, _)| *other != name);
        kept.push((name, value));
    }
    kept
}

/// The keys of the result object.
struct Keys<'a>(&'a Value);

impl<'a> Keys<'a> {
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.as_object().ok()?.get(&Value::from(name))
    }

    /// An object, or an array or set of objects; each value a string or an array of strings.
    fn headers(&self, key: &str) -> Result<Vec<Header>, Unusable> {
        let mut headers = Vec::new();
        match self.get(key) {
            None => {}
            Some(object @ Value::Object(_)) => header_object(key, object, &mut headers)?,
            Some(list) => {
                for object in items(list).ok_or_else(|| wrong(key, "an object or an array of objects", list))? {
                    header_object(key, object, &mut headers)?;
                }
            }
        }
        Ok(headers)
    }

    /// An array or set of strings.
    fn strings(&self, key: &str) -> Result<Vec<String>, Unusable> {
        let Some(list) = self.get(key) else {
            return Ok(Vec::new());
        };
        let items = items(list).ok_or_else(|| wrong(key, "an array of strings", list))?;
        items.into_iter().map(|item| string(key, item)).collect()
    }

    /// An object; each value a string or an array of strings, of which Envoy keeps the last.
    fn query_parameters(&self, key: &str) -> Result<Vec<(String, String)>, Unusable> {
        let Some(value) = self.get(key) else {
            return Ok(Vec::new());
        };
        let mut parameters = Vec::new();
        for (name, value) in members(value).ok_or_else(|| wrong(key, "an object", value))? {
            if let Some(last) = one_or_many(key, value)?.pop() {
                parameters.push((name, last));
            }
        }
        Ok(parameters)
    }
}

/// The members of an object. What is no string becomes the text of its JSON, as in the plugin; of two keys that become
/// one the later counts.
pub(super) fn members(object: &Value) -> Option<BTreeMap<String, &Value>> {
    let mut members = BTreeMap::new();
    members.extend(object.as_object().ok()?.iter_sorted().map(|(name, value)| (text_of_key(name), value)));
    Some(members)
}

fn text_of_key(key: &Value) -> String {
    match key {
        Value::String(text) => text.to_string(),
        other => super::metadata::as_json(other),
    }
}

fn header_object(key: &str, object: &Value, headers: &mut Vec<Header>) -> Result<(), Unusable> {
    for (name, value) in members(object).ok_or_else(|| wrong(key, "an object", object))? {
        let name = name.to_ascii_lowercase();
        headers.extend(one_or_many(key, value)?.into_iter().map(|value| (name.clone(), value)));
    }
    Ok(())
}

fn one_or_many(key: &str, value: &Value) -> Result<Vec<String>, Unusable> {
    match value {
        Value::String(text) => Ok(vec![text.to_string()]),
        list => items(list)
            .ok_or_else(|| wrong(key, "strings or arrays of strings as values", list))?
            .into_iter()
            .map(|item| string(key, item))
            .collect(),
    }
}

fn string(key: &str, value: &Value) -> Result<String, Unusable> {
    value.as_string().map(|text| text.to_string()).map_err(|_| wrong(key, "strings", value))
}

/// The items of an array or of a set: Rego sets count as arrays everywhere.
fn items(value: &Value) -> Option<Vec<&Value>> {
    match value {
        Value::Array(items) => Some(items.iter().collect()),
        Value::Set(items) => Some(items.iter().collect()),
        _ => None,
    }
}

pub(super) fn wrong(key: &str, wanted: &str, got: &Value) -> Unusable {
    Unusable::Shape(format!("`{key}` must hold {wanted}, not {}", kind(got)))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Set(_) => "a set",
        Value::Object(_) => "an object",
        Value::Undefined => "undefined",
    }
}
