//! `features` and `identity`, checked.

use super::compiled::header_name;
use super::environment::{self, Environment, Key};
use super::error::ConfigError;
use super::flow::Flow;
use super::raw;
use crate::rollout::{Percentage, Source};

const MAX_IDENTITY_SOURCES: usize = 8;

/// A feature flag.
#[derive(Debug, Clone, Copy)]
pub struct Feature {
    /// Off: nobody.
    pub enabled: bool,
    /// Share of users.
    pub percentage: Percentage,
    /// An inline error asks the remote side.
    pub fallback_on_error: bool,
    /// Who said `enabled` and `percentage`.
    pub source: Source,
}

pub(super) fn rust_opa(
    raw: &raw::RustOpa,
    environment: Environment<'_>,
    has_remote: bool,
) -> Result<Feature, ConfigError> {
    let enabled = environment::switch(Key {
        key: "features.rust_opa.enabled",
        variable: "SARK_RUST_OPA_ENABLED",
        configured: raw.enabled,
        environment,
    })?;
    let percentage = environment::percentage(Key {
        key: "features.rust_opa.rollout_percentage",
        variable: "SARK_RUST_OPA_ROLLOUT_PCT",
        configured: raw.rollout_percentage,
        environment,
    })?;
    if !has_remote && !enabled.value {
        return Err(ConfigError::new(enabled.place, "cannot be false without `remote`: nobody could decide"));
    }
    if !has_remote && !percentage.value.is_everyone() {
        let message = "must be 100 without `remote`: nobody could decide for the rest";
        return Err(ConfigError::new(percentage.place, message));
    }
    Ok(Feature {
        enabled: enabled.value,
        percentage: percentage.value,
        fallback_on_error: raw.fallback_on_error,
        source: enabled.source_with(&percentage),
    })
}

pub(super) fn identity(
    raw: &[raw::Object<raw::IdentitySource>],
    features: [(&str, Option<Feature>); 2],
    flow: &Flow,
) -> Result<Vec<String>, ConfigError> {
    if raw.len() > MAX_IDENTITY_SOURCES {
        return Err(ConfigError::new("identity", format!("at most {MAX_IDENTITY_SOURCES} sources are allowed")));
    }
    let is_split = |feature: &Feature| feature.enabled && feature.percentage.is_split();
    let split = features.iter().find(|(_, feature)| feature.as_ref().is_some_and(is_split));
    if let Some((name, _)) = split.filter(|_| raw.is_empty()) {
        return Err(ConfigError::new(
            "identity",
            format!(
                "must name where the user is taken from when `features.{name}.rollout_percentage` is neither 0 nor 100"
            ),
        ));
    }
    raw.iter()
        .enumerate()
        .map(|(index, source)| {
            let key = format!("identity[{index}].header");
            let name = header_name(&source.0.header, &key)?;
            if flow.strips(name.as_bytes()) {
                return Err(ConfigError::new(key, format!("`{name}` is removed from every request and never there")));
            }
            Ok(name)
        })
        .collect()
}
