//! For what of the configuration a key is good: a digest of everything that shapes an input or a decision.

use crate::config::CacheTimes;
use crate::metrics::Implementation;
use crate::policy::DecisionPath;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Members of the configuration that shape neither: who is decided by which side, and what becomes of a decision or of
/// its absence. Whatever is not named here counts, what is yet to be invented too.
const WITHOUT_EFFECT: [&str; 9] = [
    "features",
    "identity",
    "shadow",
    "dry_run",
    "failure_mode_allow",
    "failure_mode_allow_header_add",
    "status_on_error",
    "debug_header",
    "admin",
];

/// A digest of the configuration, but for what has no effect on decisions. Never an operator's label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revision([u8; 32]);

impl Revision {
    /// Of a configuration that was read without error. White space counts, the order of the members does not.
    #[must_use]
    pub fn of(configuration: &[u8], times: &CacheTimes) -> Self {
        // What cannot be read again is a configuration like no other: its bytes as they are.
        let members: BTreeMap<String, &RawValue> = serde_json::from_slice(configuration).unwrap_or_default();
        let mut digest = Parted(Sha256::new());
        digest.part(env!("CARGO_PKG_VERSION").as_bytes());
        // A shorter time counts at once: what was kept for longer is not found any more.
        for time in [Some(times.allow), Some(times.deny), times.impure, times.remote] {
            digest.part(time.map(|time| time.as_nanos().to_le_bytes()).as_ref().map_or(&[], |bytes| &bytes[..]));
        }
        if members.is_empty() {
            digest.part(configuration);
        }
        for (name, text) in members.iter().filter(|(name, _)| !WITHOUT_EFFECT.contains(&name.as_str())) {
            digest.part(name.as_bytes());
            digest.part(text.get().as_bytes());
        }
        Self(digest.finish())
    }
}

/// What stands at the beginning of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scope([u8; 32]);

impl Scope {
    /// For the answers of one side to one decision. `parts`: the paths whose values make up the rest of the key.
    pub fn new(revision: &Revision, side: Implementation, decision: &DecisionPath, parts: &[Vec<String>]) -> Self {
        let mut digest = Parted(Sha256::new());
        digest.part(&revision.0);
        digest.part(side.label().as_bytes());
        digest.list(decision.pieces());
        parts.iter().for_each(|path| digest.list(path));
        Self(digest.finish())
    }

    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A digest of parts that cannot be confused: each stands behind its length.
struct Parted(Sha256);

impl Parted {
    fn part(&mut self, bytes: &[u8]) {
        self.0.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
        self.0.update(bytes);
    }

    fn list(&mut self, texts: &[String]) {
        self.part(&u64::try_from(texts.len()).unwrap_or(u64::MAX).to_le_bytes());
        texts.iter().for_each(|text| self.part(text.as_bytes()));
    }

    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
