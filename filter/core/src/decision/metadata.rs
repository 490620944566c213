//! `dynamic_metadata`: what a policy tells other filters and access logs.
//!
//! A wasm filter cannot write dynamic metadata, so it becomes the filter state `wasm.sark.dynamic_metadata` as JSON.

use super::read::{Unusable, members, wrong};
use regorus::Value;
use serde::Serialize;
use std::collections::BTreeMap;

/// As much as one filter state may hold.
const MAX_BYTES: usize = 64 * 1024;
/// The key that the decision's own id takes, whatever the policy put there (contract section 2.7).
const DECISION_ID: &str = "decision_id";

/// The members of the object, in order of their names; each text is JSON.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Metadata(Vec<(String, String)>);

impl Metadata {
    /// From the key's value.
    pub(super) fn read(key: &str, value: &Value) -> Result<Self, Unusable> {
        let members = members(value).ok_or_else(|| wrong(key, "an object", value))?;
        let mut texts = Vec::with_capacity(members.len());
        let mut bytes = 0_usize;
        for (name, value) in members {
            if !has_finite_numbers(value) {
                return Err(Unusable::Shape(format!("`{key}` holds a number that no double can hold")));
            }
            let text = as_json(value);
            bytes = bytes.saturating_add(name.len()).saturating_add(text.len());
            texts.push((name, text));
        }
        if bytes > MAX_BYTES {
            return Err(Unusable::Mutation(format!("`{key}` has more than {MAX_BYTES} bytes")));
        }
        Ok(Self(texts))
    }

    /// The members.
    pub(crate) const fn members(&self) -> &Vec<(String, String)> {
        &self.0
    }

    /// The object as JSON, with the id of the decision in it.
    #[must_use]
    pub fn to_json(&self, decision_id: &str) -> String {
        let id = format!("\"{decision_id}\"");
        let mut members: BTreeMap<&str, &str> = BTreeMap::new();
        members.extend(self.0.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        members.insert(DECISION_ID, &id);
        let members: Vec<String> =
            members.iter().map(|(name, text)| format!("{}:{text}", serde_json::Value::from(*name))).collect();
        format!("{{{}}}", members.join(","))
    }
}

/// A value of the engine as JSON text. Writing what has only strings as keys into a string cannot fail.
pub(super) fn as_json(value: &Value) -> String {
    serde_json::to_string(&Json(value)).unwrap_or_default()
}

/// A value of the engine as plain JSON: sets are arrays, keys are strings (contract section 2.2).
struct Json<'a>(&'a Value);

impl Serialize for Json<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Array(items) => serializer.collect_seq(items.iter().map(Json)),
            Value::Set(items) => serializer.collect_seq(items.iter().map(Json)),
            Value::Object(_) => {
                let members = members(self.0).unwrap_or_default();
                serializer.collect_map(members.into_iter().map(|(name, value)| (name, Json(value))))
            }
            scalar => scalar.serialize(serializer),
        }
    }
}

/// The document is bounded in depth and number of values before it comes here.
fn has_finite_numbers(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_f64().is_some() || is_finite_text(value),
        Value::Array(items) => items.iter().all(has_finite_numbers),
        Value::Set(items) => items.iter().all(has_finite_numbers),
        Value::Object(members) => members.iter().all(|(_, value)| has_finite_numbers(value)),
        _ => true,
    }
}

fn is_finite_text(number: &Value) -> bool {
    as_json(number).parse::<f64>().is_ok_and(f64::is_finite)
}
