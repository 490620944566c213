//! Plugin configurations, put together.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::parts;

/// The configuration whose decision is `data.envoy.authz.result` of this module, a package clause short.
#[must_use]
pub fn of(rules: &str) -> Value {
    let module = format!("package envoy.authz\n\n{rules}");
    json!({"policy": {"modules": {"policy.rego": module}, "path": "envoy/authz/result"}})
}

/// One of the examples in `policies/`.
///
/// # Panics
/// If it cannot be read.
#[must_use]
pub fn example(name: &str) -> Value {
    let read = |file: &str| std::fs::read_to_string(folder(name).join(file)).expect("the example's files");
    let json = |file: &str| -> Value { serde_json::from_str(&read(file)).expect("JSON") };
    let policy = json!({"policy": {"modules": {"policy.rego": read("policy.rego")}, "data": json("data.json")}});
    and(&json("config.json"), policy)
}

/// What a real OPA loads of an example.
#[must_use]
pub fn example_files(name: &str) -> Vec<PathBuf> {
    ["policy.rego", "data.json"].map(|file| folder(name).join(file)).to_vec()
}

/// `base` with `changes`: objects are merged, everything else is replaced.
#[must_use]
pub fn and(base: &Value, changes: Value) -> Value {
    match (base, changes) {
        (Value::Object(base), Value::Object(changes)) => {
            let mut merged = base.clone();
            for (key, change) in changes {
                let value = and(base.get(&key).unwrap_or(&Value::Null), change);
                merged.insert(key, value);
            }
            Value::Object(merged)
        }
        (_, changes) => changes,
    }
}

fn folder(example: &str) -> PathBuf {
    parts::workspace().join("policies").join(example)
}
