//! What changes the live state: an operator, and time.

use super::document::{MAX_BY, digest};
use super::in_force::Attached;
use super::known::Stored;
use super::{Document, FeatureView, Override, Percentage, Rollout};
use crate::config;
use crate::host::HostError;
use crate::metrics::{Feature, LiveError};

/// How often a change is tried again when others come between. Each time somebody else has succeeded.
const ATTEMPTS: usize = 16;

/// Longest time that an override may give itself, in seconds: 30 days.
const MAX_TTL: u64 = 30 * 24 * 60 * 60;

/// A percentage that an operator sets.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// Of which feature.
    pub feature: Feature,
    /// 0 to 100, at most two decimals.
    pub percentage: f64,
    /// Seconds after which it ends by itself.
    pub ttl: Option<u64>,
    /// Only if the live state still has this version.
    pub if_version: Option<u64>,
}

/// What a change of a feature has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// As it stood before.
    pub before: FeatureView,
    /// As it stands now.
    pub after: FeatureView,
    /// The version of the live state now.
    pub version: u64,
}

/// What a clean-up has done: every worker empties its caches before the next request that asks them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cleaned {
    /// The version of the live state now.
    pub version: u64,
    /// Which life the caches are in now.
    pub cache_generation: u64,
}

/// Why a change is not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// It is none that can be made at all.
    Invalid(String),
    /// It does not go together with the configuration in force.
    Conflict(String),
    /// A newer configuration has come to this VM, and says another thing of the feature.
    Replaced,
    /// The live state has another version than the change was meant for.
    Version {
        /// This one.
        current: u64,
    },
    /// The proxy did not do its part; what was written, if anything, is seen by each worker on its next tick.
    Host,
}

/// Why an override has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// A configuration came with another `enabled` or `rollout_percentage`, or the environment did.
    Push,
    /// Its time was over.
    Ttl,
}

/// An override that this VM has ended, on behalf of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Of which feature.
    pub feature: Feature,
    /// Why.
    pub why: Why,
    /// The override.
    pub over: Override,
}

impl Rollout {
    /// Sets the percentage of a feature, for all workers, until a push of its section ends it. `by`: the name of the
    /// token of who does it.
    ///
    /// # Errors
    /// Nothing is changed.
    pub fn update(&self, update: &Update, by: &str) -> Result<Change, Refused> {
        // What is stored below carries the digest of this configuration: under the newest one it would not hold.
        if self.is_replaced(update.feature) {
            return Err(Refused::Replaced);
        }
        let setting = self.configured(update.feature)?;
        let percentage = Percentage::new(update.percentage).map_err(|why| invalid("percentage", &why))?;
        self.allows(update.feature, setting, percentage)?;
        if update.ttl.is_some_and(|ttl| !(1..=MAX_TTL).contains(&ttl)) {
            return Err(invalid("ttl", &format!("must be between 1 and {MAX_TTL} seconds")));
        }
        let now = self.now_ms();
        let until = match (update.ttl, now) {
            (None, _) => None,
            (Some(ttl), Some(now)) => Some(now.saturating_add(ttl.saturating_mul(1000))),
            (Some(_), None) => return Err(Refused::Host),
        };
        let over = Override {
            percentage,
            rolled_back: false,
            digest: digest(update.feature, setting.enabled, setting.percentage),
            also: None,
            since: now.unwrap_or_default(),
            until,
            by: named(by)?,
            version: 0,
        };
        self.set(update.feature, &over, update.if_version)
    }

    /// Takes a feature from everyone, on all workers, until an update or a push of its section. It is said of the newest
    /// configuration too, so that no push that is on its way stands against it, or ends it.
    ///
    /// # Errors
    /// Nothing is changed.
    pub fn rollback(&self, feature: Feature, by: &str) -> Result<Change, Refused> {
        let setting = self.configured(feature)?;
        if feature == Feature::RustOpa && !self.has_remote {
            return Err(Refused::Conflict("without `remote` nobody else could decide".to_owned()));
        }
        let digest = digest(feature, setting.enabled, setting.percentage);
        let over = Override {
            percentage: Percentage::NOBODY,
            rolled_back: true,
            also: self.newest_digest(feature).filter(|newest| *newest != digest),
            digest,
            // A rollback is not refused for want of a clock.
            since: self.now_ms().unwrap_or_default(),
            until: None,
            by: named(by)?,
            version: 0,
        };
        self.set(feature, &over, None)
    }

    /// Empties the caches of all workers.
    ///
    /// # Errors
    /// Nothing is changed.
    pub fn clean_caches(&self) -> Result<Cleaned, Refused> {
        let (_, after) = self.change(None, |document| {
            document.cache_generation = document.cache_generation.wrapping_add(1);
        })?;
        Ok(Cleaned { version: after.version, cache_generation: after.cache_generation })
    }

    /// Looks at the live state, changed or not, and ends overrides: those whose time is over, and those that this
    /// configuration has ended by being taken after them. What has ended does not come back with the configuration that
    /// it was said of.
    #[must_use]
    pub fn tick(&self) -> Vec<Ended> {
        let Some(attached) = &self.attached else { return Vec::new() };
        let Ok(Stored::Document(document, cas)) = attached.known.reload(&*attached.live) else { return Vec::new() };
        let now = attached.time_for(&document);
        let features = [Feature::RustOpa, Feature::RustCache];
        let ended: Vec<Ended> =
            features.into_iter().filter_map(|feature| self.ending(feature, document.of(feature)?, now)).collect();
        if ended.is_empty() {
            return ended;
        }
        let mut next = *document;
        next.version = next.version.saturating_add(1);
        for Ended { feature, .. } in &ended {
            *next.of_mut(*feature) = None;
        }
        // Who comes too late finds on the next tick that it is done, or does it then.
        if attached.store(next, cas) == Ok(true) { ended } else { Vec::new() }
    }

    fn ending(&self, feature: Feature, over: &Override, now: Option<u64>) -> Option<Ended> {
        let is_newer = self.taken_at().is_some_and(|taken_at| taken_at >= over.version);
        let why = if over.is_over(now) {
            Why::Ttl
        } else if is_newer && !self.is_meant(feature, over) {
            Why::Push
        } else {
            return None;
        };
        Some(Ended { feature, why, over: over.clone() })
    }

    fn configured(&self, feature: Feature) -> Result<&config::Feature, Refused> {
        self.setting(feature)
            .ok_or_else(|| Refused::Conflict(format!("`features.{}` is not configured", feature.label())))
    }

    /// The same that a configuration with this percentage would have to fulfil.
    fn allows(&self, feature: Feature, setting: &config::Feature, percentage: Percentage) -> Result<(), Refused> {
        let conflict = |why: &str| Err(Refused::Conflict(why.to_owned()));
        if !setting.enabled {
            return conflict("the feature is switched off by configuration or environment, only a push switches it on");
        }
        if feature == Feature::RustOpa && !self.has_remote && !percentage.is_everyone() {
            return conflict("without `remote` nobody could decide for the rest");
        }
        if percentage.is_split() && !self.has_identity {
            return conflict("without `identity` users cannot be told apart");
        }
        Ok(())
    }

    fn set(&self, feature: Feature, over: &Override, if_version: Option<u64>) -> Result<Change, Refused> {
        let (before, after) = self.change(if_version, |document| {
            document.set(feature, over.clone());
        })?;
        let now = self.now_ms();
        Ok(Change {
            before: self.feature_view(feature, &before, now),
            after: self.feature_view(feature, &after, now),
            version: after.version,
        })
    }

    /// Changes the live state for all workers: the documents before and after.
    fn change(&self, if_version: Option<u64>, change: impl Fn(&mut Document)) -> Result<(Document, Document), Refused> {
        let attached = self.attached.as_ref().ok_or(Refused::Host)?;
        for _ in 0..ATTEMPTS {
            let (before, cas) = match attached.known.reload(&*attached.live) {
                Ok(Stored::Document(document, cas)) => (*document, cas),
                // Overwritten: who put it there does not know us, and an operator must always get through.
                Ok(Stored::Malformed(cas)) => (attached.known.document(), cas),
                Err(HostError) => return Err(Refused::Host),
            };
            if if_version.is_some_and(|version| version != before.version) {
                return Err(Refused::Version { current: before.version });
            }
            let mut after = before.clone();
            after.version = before.version.saturating_add(1);
            change(&mut after);
            match attached.store(after.clone(), cas) {
                Ok(true) => return Ok((before, after)),
                Ok(false) => {}
                Err(HostError) => return Err(Refused::Host),
            }
        }
        Err(Refused::Host)
    }

    fn now_ms(&self) -> Option<u64> {
        self.attached.as_ref()?.live.now_ms()
    }
}

impl Attached {
    /// Writes the document, unless it has changed since, and tells all workers.
    fn store(&self, document: Document, cas: u32) -> Result<bool, HostError> {
        // Envoy takes 0 for "whatever is there"; no value has it.
        let stored = if cas == 0 { Err(HostError) } else { self.live.store(&document.write(), cas) };
        match stored {
            Ok(true) => {
                self.known.take(document);
                self.live.announce().inspect_err(|HostError| self.live.failed(LiveError::Write))?;
                Ok(true)
            }
            Ok(false) => Ok(false),
            Err(HostError) => {
                self.live.failed(LiveError::Write);
                Err(HostError)
            }
        }
    }
}

fn named(by: &str) -> Result<String, Refused> {
    if by.len() > MAX_BY {
        return Err(invalid("by", &format!("has at most {MAX_BY} bytes")));
    }
    Ok(by.to_owned())
}

fn invalid(field: &str, why: &str) -> Refused {
    Refused::Invalid(format!("`{field}` {why}"))
}
