//! What a caller says beside the path: a JSON object in the body, or the same members as query parameters.

use crate::json;
use crate::request::parse_query;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// Longest body that is read, in bytes.
pub(super) const MAX_BODY_BYTES: usize = 4096;

/// Of an update.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Update {
    pub feature: String,
    pub percentage: f64,
    /// Seconds.
    #[serde(default, deserialize_with = "given")]
    pub ttl: Option<u64>,
    #[serde(default, deserialize_with = "given")]
    pub if_version: Option<u64>,
}

/// Of a rollback.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rollback {
    pub feature: String,
}

/// Of everything else.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// `null` is no way to leave an argument out: an update whose `if_version` got lost would be another one.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Reads the arguments of a body. An empty one has none.
pub(super) fn from_body<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body };
    let object: crate::config::Object<T> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    Ok(object.0)
}

/// Reads the arguments of a query: numbers are what looks like one.
pub(super) fn from_query<T: DeserializeOwned>(query: &str) -> Result<T, String> {
    let mut members = Map::new();
    let parameters = parse_query(query.as_bytes()).map_err(|error| error.to_string())?;
    for (name, values) in parameters.as_object().into_iter().flat_map(|parameters| parameters.iter()) {
        let name = name.as_string().map(|name| name.to_string()).unwrap_or_default();
        let [text] = values.as_array().map(|values| values.as_slice()).unwrap_or_default() else {
            return Err(format!("the argument {} stands more than once", json::quote(&name)));
        };
        let text = text.as_string().map(|text| text.to_string()).unwrap_or_default();
        let value = match serde_json::from_str(&text) {
            Ok(number) if text.trim() == text => Value::Number(number),
            _ => Value::String(text),
        };
        members.insert(name, value);
    }
    T::deserialize(Value::Object(members)).map_err(|error| error.to_string())
}
