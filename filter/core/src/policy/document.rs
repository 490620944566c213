//! The data document against the rules.
//!
//! OPA refuses data at the path of a rule; regorus takes the data and forgets the rule, so that
//! `{"envoy":{"authz":{"allow":true}}}` in the data would let everything pass.

use regorus::Value;

use super::entry::PRIVATE_PACKAGE;
use super::error::PolicyError;
use super::heads::{Index, Path};

/// Checks the data document.
pub(super) fn check(index: &Index, data: &Value) -> Result<(), PolicyError> {
    let Ok(root) = data.as_object() else {
        return Err(PolicyError::general("policy.data must be an object"));
    };
    let reserved = |key: &Value| key.as_string().is_ok_and(|key| key.starts_with(PRIVATE_PACKAGE));
    if root.iter().any(|(key, _)| reserved(key)) {
        return Err(PolicyError::general(format!(
            "policy.data must not have a key that begins with {PRIVATE_PACKAGE}"
        )));
    }
    for name in index.names.keys() {
        if occupied(data, name, true) {
            return Err(conflict(index, name));
        }
    }
    for package in &index.packages {
        if occupied(data, package, false) {
            return Err(PolicyError::general(format!(
                "policy.data has something other than an object at package data.{}; move it",
                package.join(".")
            )));
        }
    }
    Ok(())
}

/// The data has a value at `path`, or one on the way there that is no object. With `!leaf`, an
/// object at `path` is fine.
fn occupied(data: &Value, path: &Path, leaf: bool) -> bool {
    let mut value = data;
    for key in path {
        match value.as_object() {
            Ok(object) => match object.get(&Value::from(key.as_str())) {
                Some(inner) => value = inner,
                None => return false,
            },
            Err(_) => return true,
        }
    }
    leaf || value.as_object().is_err()
}

fn conflict(index: &Index, name: &Path) -> PolicyError {
    let message = format!("policy.data has a value at the rule data.{}; rename one", name.join("."));
    match index.rules.range(name.clone()..).next() {
        Some((_, rule)) => PolicyError::at(&rule.span, message),
        None => PolicyError::general(message),
    }
}
