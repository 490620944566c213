//! How the features stand, for the operator.

use super::Percentage;
use crate::metrics::Feature;

/// Who said the percentage that is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The plugin's configuration, or the default where it says nothing.
    Configuration,
    /// The VM's environment.
    Environment,
    /// An operator, while the proxy runs.
    Override,
}

impl Source {
    /// Every member.
    pub const ALL: [Self; 3] = [Self::Configuration, Self::Environment, Self::Override];

    /// The word for it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Environment => "environment",
            Self::Override => "override",
        }
    }
}

/// How a feature stands. If several hold, the first of this list is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// `rust_cache` is not configured.
    Absent,
    /// An operator rolled it back: nobody has it.
    RolledBack,
    /// The configuration or the environment switched it off.
    Disabled,
    /// `rust_opa`: the policy cannot be decided inline.
    RemoteOnly,
    /// A percentage holds that an operator set while the proxy runs.
    Overridden,
    /// Enabled, at 0 %.
    Idle,
    /// Enabled, for somebody.
    Active,
}

impl Status {
    /// Every member.
    pub const ALL: [Self; 7] =
        [Self::Absent, Self::RolledBack, Self::Disabled, Self::RemoteOnly, Self::Overridden, Self::Idle, Self::Active];

    /// The word for it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::RolledBack => "rolled_back",
            Self::Disabled => "disabled",
            Self::RemoteOnly => "remote_only",
            Self::Overridden => "overridden",
            Self::Idle => "idle",
            Self::Active => "active",
        }
    }
}

/// All features, as this VM has them in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Features {
    /// Of the live state: what `if_version` is compared with. 0: nothing was ever changed.
    pub version: u64,
    /// Which life the caches are in.
    pub cache_generation: u64,
    /// `rust_opa`, then `rust_cache`.
    pub features: [FeatureView; 2],
}

/// One feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureView {
    /// Which.
    pub feature: Feature,
    /// Whether configuration and environment have it switched on.
    pub enabled: bool,
    /// Share of users that is in force.
    pub percentage: Percentage,
    /// How it stands.
    pub status: Status,
    /// Who said so.
    pub source: Source,
    /// Since when, in milliseconds since the epoch: the override was set, or this VM took the configuration.
    pub since: Option<u64>,
    /// When the override ends by itself, in milliseconds since the epoch.
    pub until: Option<u64>,
    /// The name of the token that set the override.
    pub by: Option<String>,
}
