//! The live state of one plugin: one JSON document that all workers of a proxy share.

use super::Percentage;
use crate::config::Object;
use crate::metrics::Feature;
use crate::text::hexadecimal;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Form of the document. One of another form is not understood.
const FORMAT: u32 = 1;

/// Largest document that is read. What is written is an eighth of it.
const MAX_BYTES: usize = 8 * 1024;

/// Longest name of who set an override, in bytes.
pub(super) const MAX_BY: usize = 64;

/// Everything that an operator changed while the proxy runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// Goes up with every change. 0: there never was one.
    pub version: u64,
    /// Which life the caches are in; another one begins empty.
    pub cache_generation: u64,
    /// Override of `rust_opa`.
    pub rust_opa: Option<Override>,
    /// Override of `rust_cache`.
    pub rust_cache: Option<Override>,
    /// Versions of the last rollbacks. They stay when a rollback has ended: requests that began before it may still wait.
    pub rolled_back: RolledBack,
}

/// The version that the last rollback of each feature came with; 0: there was none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RolledBack {
    /// Of `rust_opa`.
    pub rust_opa: u64,
    /// Of `rust_cache`.
    pub rust_cache: u64,
}

/// What an operator said of a feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// Share of users.
    #[serde(with = "hundredths")]
    pub percentage: Percentage,
    /// Nobody has the feature, whatever else speaks for it.
    pub rolled_back: bool,
    /// Of what it overrides; see [`digest`].
    pub digest: String,
    /// The same of the configuration that takes its place, where that differs: a rollback is said of both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub also: Option<String>,
    /// When it was set, in milliseconds since the epoch; 0 if nobody knew.
    pub since: u64,
    /// When it ends by itself, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// The name of the token of who set it.
    pub by: String,
    /// The document's version that it came with.
    pub version: u64,
}

/// The bytes are not a document of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: u32,
    version: u64,
    cache_generation: u64,
    features: Object<Overrides>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rolled_back: Option<Object<RolledBack>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Overrides {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rust_opa: Option<Object<Override>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rust_cache: Option<Object<Override>>,
}

impl Document {
    /// From the bytes that workers share.
    ///
    /// # Errors
    /// They are anything but a whole document.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAX_BYTES {
            return Err(Malformed);
        }
        let Object(written) = serde_json::from_slice::<Object<Written>>(bytes).map_err(|_| Malformed)?;
        let Written { format, version, cache_generation, features: Object(features), rolled_back } = written;
        let Object(rolled_back) = rolled_back.unwrap_or_default();
        let [rust_opa, rust_cache] = [features.rust_opa, features.rust_cache].map(|over| over.map(|Object(over)| over));
        let is_sound = |over: &Override| over.version <= version && over.by.len() <= MAX_BY;
        let is_known = rolled_back.rust_opa.max(rolled_back.rust_cache) <= version;
        if format != FORMAT || !is_known || ![&rust_opa, &rust_cache].into_iter().flatten().all(is_sound) {
            return Err(Malformed);
        }
        Ok(Self { version, cache_generation, rust_opa, rust_cache, rolled_back })
    }

    /// To the bytes that workers share.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let Self { version, cache_generation, rust_opa, rust_cache, rolled_back } = self.clone();
        let features = Overrides { rust_opa: rust_opa.map(Object), rust_cache: rust_cache.map(Object) };
        let rolled_back = Some(rolled_back).filter(|versions| *versions != RolledBack::default()).map(Object);
        let features = Object(features);
        let written = Written { format: FORMAT, version, cache_generation, features, rolled_back };
        // Numbers and texts only: there is nothing in it that cannot be written. No bytes would be read as malformed.
        serde_json::to_vec(&written).unwrap_or_default()
    }

    /// The override of a feature.
    #[must_use]
    pub const fn of(&self, feature: Feature) -> Option<&Override> {
        match feature {
            Feature::RustOpa => self.rust_opa.as_ref(),
            Feature::RustCache => self.rust_cache.as_ref(),
        }
    }

    /// Sets what an operator said of a feature, as of this version.
    pub(super) fn set(&mut self, feature: Feature, over: Override) {
        if over.rolled_back {
            match feature {
                Feature::RustOpa => self.rolled_back.rust_opa = self.version,
                Feature::RustCache => self.rolled_back.rust_cache = self.version,
            }
        }
        *self.of_mut(feature) = Some(Override { version: self.version, ..over });
    }

    /// The place of the override of a feature.
    pub(super) const fn of_mut(&mut self, feature: Feature) -> &mut Option<Override> {
        match feature {
            Feature::RustOpa => &mut self.rust_opa,
            Feature::RustCache => &mut self.rust_cache,
        }
    }
}

/// Tells apart what an override may override: SHA-256, in hexadecimal, of the feature's name, `enabled` and
/// `rollout_percentage`. Nothing else, so that changing a time to live does not undo a rollback.
pub(super) fn digest(feature: Feature, enabled: bool, percentage: Percentage) -> String {
    let text = format!("{}\0{enabled}\0{percentage}", feature.label());
    hexadecimal(&Sha256::digest(text))
}

/// A percentage as a whole number of hundredths.
mod hundredths {
    use super::Percentage;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    // serde passes a reference.
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
    pub fn serialize<S: Serializer>(percentage: &Percentage, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(percentage.hundredths())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Percentage, D::Error> {
        let hundredths = u16::deserialize(deserializer)?;
        Percentage::of_hundredths(hundredths).ok_or_else(|| de::Error::custom("more than everyone"))
    }
}
