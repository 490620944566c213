//! What the route has to say about a check: the members of its metadata in the namespace `sark`.
//!
//! A wasm filter has no configuration of its own per route, so this stands in for what `ext_authz` and its routes have
//! (`disabled`, `context_extensions`) and for several policies behind one listener (`path`).

#[cfg(test)]
mod tests;

use crate::host::HostError;
use crate::policy::DecisionPath;
use crate::request::Metadata;
use regorus::Value;
use regorus::value::Object;
use std::collections::BTreeMap;

/// The namespace of route metadata that is ours.
const NAMESPACE: &str = "sark";

/// What a route says. The default is a route that says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The number of the decision: 0 is the configured one, then those that routes may choose.
    pub decision: usize,
    /// There is no check.
    pub disabled: bool,
    /// `attributes.contextExtensions` of the input document.
    pub context_extensions: BTreeMap<String, String>,
}

/// Why metadata is not what it may be. Names keys, never values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadMetadata(String);

impl std::fmt::Display for BadMetadata {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Overrides {
    /// From a route's metadata as Envoy hands it over: the bytes of `envoy.config.core.v3.Metadata`, empty without
    /// any. `choices`: the decisions that a route may choose.
    ///
    /// # Errors
    /// A key that does not exist or has another type, a decision that is no choice, bytes that are no metadata.
    pub fn read(bytes: &[u8], configured: &DecisionPath, choices: &[DecisionPath]) -> Result<Self, BadMetadata> {
        let unreadable = |HostError| BadMetadata("the metadata cannot be read".to_owned());
        let metadata = Metadata::read(bytes).and_then(|metadata| metadata.namespace(NAMESPACE)).map_err(unreadable)?;
        let mut overrides = Self::default();
        for (key, value) in metadata.unwrap_or_default() {
            match (key.as_str(), value) {
                ("disabled", Value::Bool(disabled)) => overrides.disabled = disabled,
                ("path", Value::String(path)) => overrides.decision = decision(&path, configured, choices)?,
                ("context_extensions", value @ Value::Object(_)) => overrides.context_extensions = extensions(&value)?,
                ("disabled" | "path" | "context_extensions", _) => {
                    return Err(BadMetadata(format!("`sark.{key}` has the wrong type")));
                }
                _ => return Err(BadMetadata("`sark` has a key that does not exist".to_owned())),
            }
        }
        Ok(overrides)
    }

    /// `attributes.contextExtensions` of the input document, if there are any.
    #[must_use]
    pub fn context_extensions(&self) -> Option<Value> {
        let members = self.context_extensions.iter();
        let members: Object = members.map(|(name, value)| (name.as_str().into(), value.as_str().into())).collect();
        (!members.is_empty()).then(|| Value::from(members))
    }
}

fn decision(text: &str, configured: &DecisionPath, choices: &[DecisionPath]) -> Result<usize, BadMetadata> {
    let unknown = || BadMetadata("`sark.path` is neither `policy.path` nor one of `policy.paths`".to_owned());
    let path = DecisionPath::parse(text).map_err(|_| unknown())?;
    std::iter::once(configured).chain(choices).position(|choice| *choice == path).ok_or_else(unknown)
}

fn extensions(value: &Value) -> Result<BTreeMap<String, String>, BadMetadata> {
    let members = value.as_object().map(|members| members.iter().collect::<Vec<_>>()).unwrap_or_default();
    let mut extensions = BTreeMap::new();
    for pair in members {
        let (Value::String(name), Value::String(value)) = pair else {
            return Err(BadMetadata("`sark.context_extensions` must hold strings".to_owned()));
        };
        extensions.insert(name.to_string(), value.to_string());
    }
    Ok(extensions)
}
