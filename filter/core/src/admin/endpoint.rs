//! What there is under the prefix.

/// One endpoint. A closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// The features as they are in force.
    Features,
    /// Another percentage for a feature.
    Update,
    /// Nobody has the feature any more.
    Rollback,
    /// Every worker forgets the decisions that it keeps.
    Cleanup,
    /// How the workers stand.
    Status,
    /// What they have compared.
    Shadow,
}

impl Endpoint {
    /// Every endpoint, in label order.
    pub const ALL: [Self; 6] =
        [Self::Features, Self::Update, Self::Rollback, Self::Cleanup, Self::Status, Self::Shadow];

    /// The endpoint behind the prefix. Byte by byte: there is one way to write each.
    #[must_use]
    pub fn at(rest: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| endpoint.path() == rest)
    }

    /// What follows the prefix.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Features => "/features",
            Self::Update => "/rollout/update",
            Self::Rollback => "/rollout/rollback",
            Self::Cleanup => "/cache/cleanup",
            Self::Status => "/status",
            Self::Shadow => "/shadow",
        }
    }

    /// The label's value.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Features => "features",
            Self::Update => "update",
            Self::Rollback => "rollback",
            Self::Cleanup => "cleanup",
            Self::Status => "status",
            Self::Shadow => "shadow",
        }
    }

    /// Whether it changes anything.
    #[must_use]
    pub const fn writes(self) -> bool {
        match self {
            Self::Features | Self::Status | Self::Shadow => false,
            Self::Update | Self::Rollback | Self::Cleanup => true,
        }
    }

    /// What the header `allow` says.
    #[must_use]
    pub const fn methods(self) -> &'static str {
        if self.writes() { "POST, OPTIONS" } else { "GET, HEAD, OPTIONS" }
    }
}
