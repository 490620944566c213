//! Pushing a configuration through a file, and learning what became of it.

use super::admin::Admin;
use crate::Result;

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Push {
    /// It serves on every worker.
    Accepted,
    /// It was refused; the lines of Envoy's log that say why.
    Rejected(String),
}

impl Push {
    /// Asserts that it was accepted.
    ///
    /// # Panics
    /// If not.
    #[track_caller]
    pub fn accepted(self) {
        if let Self::Rejected(why) = self {
            panic!("the push was refused:\n{why}");
        }
    }

    /// Asserts that it was refused, and says why.
    ///
    /// # Panics
    /// If not.
    #[track_caller]
    #[must_use]
    pub fn rejected(self) -> String {
        match self {
            Self::Rejected(why) => why,
            Self::Accepted => panic!("the push was accepted"),
        }
    }
}

/// The counters of ECDS that tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counters {
    /// Updates taken by the main thread.
    pub(super) success: u64,
    /// Updates refused, by the filter or as nonsense.
    pub(super) refused: u64,
    /// Updates that have reached every worker.
    pub(super) reload: u64,
}

impl Counters {
    pub(super) fn read(admin: Admin) -> Result<Self> {
        let mut counters = Self::default();
        for (name, value) in admin.stats_matching("extension_config_discovery")? {
            let sum = match name.rsplit('.').next() {
                Some("update_success") => &mut counters.success,
                Some("update_rejected" | "update_failure") => &mut counters.refused,
                Some("config_reload") => &mut counters.reload,
                _ => continue,
            };
            *sum += value;
        }
        Ok(counters)
    }
}

/// The lines of a log that say why a configuration was refused. Envoy adds a few of its own that say nothing more.
pub(super) fn reasons(log: &str) -> String {
    const LEVELS: [&str; 3] = ["[warning]", "[error]", "[critical]"];
    const TELLING: [&str; 4] = ["wasm log", "reject", "Unable to", "Unknown field"];
    let has = |line: &str, words: &[&str]| words.iter().any(|word| line.contains(word));
    // A line without a level continues the one before.
    let lines = log.lines().filter(|line| !line.starts_with('[') || (has(line, &LEVELS) && has(line, &TELLING)));
    lines.collect::<Vec<_>>().join("\n")
}
