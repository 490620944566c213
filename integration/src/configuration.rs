//! Plugin configurations, put together.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::{bundle, parts};

/// The configuration whose decision is `data.envoy.authz.result` of this module, a package clause short.
#[must_use]
pub fn of(rules: &str) -> Value {
    let module = format!("package envoy.authz\n\n{rules}");
    json!({"policy": {"modules": {"policy.rego": module}, "path": "envoy/authz/result"}})
}

/// The decision `path` of one module with this data, as a plan that OPA's compiler makes.
///
/// # Panics
/// If it does not take the module.
#[must_use]
#[track_caller]
pub fn planned(rego: &str, data: &Value, path: &str) -> Value {
    let files = [("policy.rego", rego), ("data.json", &data.to_string())];
    let bundle = bundle::build(&files, path).unwrap_or_else(|error| panic!("{error}"));
    json!({"policy": {"bundle": bundle, "path": path}})
}

/// The same as text.
#[must_use]
pub fn source(rego: &str, data: &Value, path: &str) -> Value {
    json!({"policy": {"modules": {"policy.rego": rego}, "data": data, "path": path}})
}

/// One of the examples in `policies/`, as a plan.
///
/// # Panics
/// If OPA's compiler does not take it.
#[must_use]
pub fn example(name: &str) -> Value {
    let configuration = example_settings(name);
    let path = configuration["policy"]["path"].as_str().unwrap_or("envoy/authz/allow").to_owned();
    let bundle = bundle::build_folder(&folder(name), &path).expect("the example's plan");
    and(&configuration, json!({"policy": {"bundle": bundle}}))
}

/// The same as text.
///
/// # Panics
/// If it cannot be read.
#[must_use]
pub fn example_source(name: &str) -> Value {
    let policy = json!({"modules": {"policy.rego": read(name, "policy.rego")}, "data": read_json(name, "data.json")});
    and(&example_settings(name), json!({"policy": policy}))
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

fn example_settings(name: &str) -> Value {
    read_json(name, "config.json")
}

fn read_json(example: &str, file: &str) -> Value {
    serde_json::from_str(&read(example, file)).expect("JSON")
}

fn read(example: &str, file: &str) -> String {
    std::fs::read_to_string(folder(example).join(file)).expect("the example's files")
}

fn folder(example: &str) -> PathBuf {
    parts::workspace().join("policies").join(example)
}
