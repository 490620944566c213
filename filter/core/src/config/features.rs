//! `features`, checked.

use super::environment::{self, Environment, Key};
use super::error::ConfigError;
use super::raw;
use crate::identity::Pins;
use crate::rollout::{Percentage, Source};

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

impl Feature {
    /// Why the feature needs to know its users, if it does.
    pub(super) fn needs_users(self, pins: &Pins) -> Option<&'static str> {
        if self.enabled && self.percentage.is_split() {
            return Some("rollout_percentage` is neither 0 nor 100");
        }
        (!pins.users.is_empty()).then_some("users` names some")
    }
}

pub(super) fn rust_opa(
    raw: &raw::RustOpa,
    pins: &Pins,
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
    if !has_remote && pins.keep_out() {
        return Err(ConfigError::new(
            "features.rust_opa",
            "can keep no user or header out without `remote`: nobody could decide for them",
        ));
    }
    Ok(Feature {
        enabled: enabled.value,
        percentage: percentage.value,
        fallback_on_error: raw.fallback_on_error,
        source: enabled.source_with(&percentage),
    })
}
