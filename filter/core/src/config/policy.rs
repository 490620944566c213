//! `policy`, read but not loaded.

use super::error::ConfigError;
use super::raw;
use crate::policy::{DecisionPath, Module, RegoVersion, bundle};
use crate::text::hexadecimal;
use regorus::Value;
use sha2::{Digest as _, Sha256};

/// Each is a policy of its own.
const MAX_PATHS: usize = 16;

/// `policy`.
#[derive(Debug)]
pub struct Policy {
    /// What is to be run.
    pub program: Program,
    /// The `data` document; an object.
    pub data: Value,
    /// The decision that is evaluated.
    pub path: DecisionPath,
    /// Decisions that a route may choose instead.
    pub more_paths: Vec<DecisionPath>,
    /// A policy that cannot be decided inline is no error: the remote OPA decides for everyone.
    pub unsupported_goes_remote: bool,
}

impl Policy {
    /// The configured decision, then those that a route may choose.
    pub fn paths(&self) -> impl Iterator<Item = &DecisionPath> {
        std::iter::once(&self.path).chain(&self.more_paths)
    }
}

/// What the policy consists of.
#[derive(Debug)]
pub enum Program {
    /// OPA's `plan.json`.
    Plan(Vec<u8>),
    /// Rego text.
    Source {
        /// The modules, in name order.
        modules: Vec<Module>,
        /// Their language.
        version: RegoVersion,
    },
}

/// The policy and its digest: of the bundle's file, or of what stands in the place of one.
pub(super) fn policy(raw: raw::Policy<'_>, has_remote: bool) -> Result<(Policy, String), ConfigError> {
    let path = DecisionPath::parse(&raw.path).map_err(|message| ConfigError::new("policy.path", message))?;
    let more_paths = more_paths(&raw.paths, &path)?;
    let unsupported_goes_remote = raw.unsupported == raw::Unsupported::Remote;
    if unsupported_goes_remote && !has_remote {
        return Err(ConfigError::new(
            "policy.unsupported",
            "cannot be \"remote\" without `remote`: nobody could decide",
        ));
    }
    let Some(text) = &raw.bundle else {
        let version = match raw.rego_version {
            Some(raw::RegoVersion::V0) => RegoVersion::V0,
            None | Some(raw::RegoVersion::V1) => RegoVersion::V1,
        };
        let modules: Vec<Module> =
            raw.modules.unwrap_or_default().0.into_iter().map(|(name, text)| Module { name, text }).collect();
        let digest = digest(&modules, raw.data);
        let data = data(raw.data)?;
        let program = Program::Source { modules, version };
        return Ok((Policy { program, data, path, more_paths, unsupported_goes_remote }, digest));
    };
    let besides = [
        ("policy.modules", raw.modules.is_some()),
        ("policy.data", raw.data.is_some()),
        ("policy.rego_version", raw.rego_version.is_some()),
    ];
    if let Some((key, _)) = besides.iter().find(|(_, is_there)| *is_there) {
        return Err(ConfigError::new(*key, "cannot stand beside `policy.bundle`, which holds it"));
    }
    let refused = |message| ConfigError::new("policy.bundle", message);
    let packed = bundle::decoded(text).map_err(refused)?;
    let digest = hexadecimal(&Sha256::digest(&packed));
    let bundle = bundle::unpacked(&packed).map_err(refused)?;
    drop(packed);
    let program = match bundle.plan {
        Some(plan) => Program::Plan(plan),
        None => Program::Source { modules: bundle.modules, version: bundle.version },
    };
    Ok((Policy { program, data: bundle.data, path, more_paths, unsupported_goes_remote }, digest))
}

/// The same for the same modules and the same text of data.
fn digest(modules: &[Module], data: Option<&serde_json::value::RawValue>) -> String {
    let mut digest = Sha256::new();
    let mut part = |text: &str| {
        digest.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
        digest.update(text.as_bytes());
    };
    for module in modules {
        part(&module.name);
        part(&module.text);
    }
    part(data.map(serde_json::value::RawValue::get).unwrap_or_default());
    hexadecimal(&digest.finalize())
}

fn more_paths(raw: &[String], default: &DecisionPath) -> Result<Vec<DecisionPath>, ConfigError> {
    if raw.len() > MAX_PATHS {
        return Err(ConfigError::new("policy.paths", format!("at most {MAX_PATHS} are allowed")));
    }
    let mut paths = Vec::with_capacity(raw.len());
    for (index, text) in raw.iter().enumerate() {
        let key = format!("policy.paths[{index}]");
        let path = DecisionPath::parse(text).map_err(|message| ConfigError::new(&key, message))?;
        if path == *default || paths.contains(&path) {
            return Err(ConfigError::new(key, format!("`{path}` stands twice, or is `policy.path`")));
        }
        paths.push(path);
    }
    Ok(paths)
}

fn data(raw: Option<&serde_json::value::RawValue>) -> Result<Value, ConfigError> {
    let Some(raw) = raw else {
        return Ok(Value::new_object());
    };
    let data = crate::json::parse_within(raw.get().as_bytes(), crate::json::Bounds::DATA)
        .map_err(|error| ConfigError::new("policy.data", error.to_string()))?;
    if data.as_object().is_err() {
        return Err(ConfigError::new("policy.data", "must be an object"));
    }
    Ok(data)
}
