//! The data document against the rules.
//!
//! OPA refuses data at the path of a rule.

use regorus::Value;

use super::error::PolicyError;
use super::index::{Index, Path};

/// Checks the data document.
pub(super) fn check(index: &Index, data: &Value) -> Result<(), PolicyError> {
    if data.as_object().is_err() {
        return Err(PolicyError::general("policy.data must be an object"));
    }
    for group in &index.groups {
        if occupied(data, &group.path, true) {
            let message = format!("policy.data has a value at the rule data.{}; rename one", group.path.join("."));
            return Err(PolicyError::at(&group.span, message));
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
