//! What configuration, environment and overrides mean together, for one configuration.

use super::document::{RolledBack, digest};
use super::newest::Taken;
use super::{Document, FeatureView, Features, Known, Override, Percentage, Source, Status};
use crate::config;
use crate::host::Live;
use crate::metrics::Feature;
use std::cell::Cell;
use std::rc::Rc;

/// The features of one configuration.
pub struct Rollout {
    rust_opa: config::Feature,
    rust_cache: Option<config::Feature>,
    /// Somebody else can decide.
    pub(super) has_remote: bool,
    /// Somebody can be told from somebody else.
    pub(super) has_identity: bool,
    /// There is a decision that can be made inline.
    has_inline: bool,
    pub(super) attached: Option<Attached>,
    worked_out: Cell<Option<WorkedOut>>,
}

/// What was worked out, and for how long it is right.
#[derive(Clone, Copy)]
struct WorkedOut {
    in_force: InForce,
    /// Of what was known.
    revision: u64,
    /// When the next override ends by itself, in milliseconds since the epoch.
    until: Option<u64>,
}

/// The live state, as this configuration sees it.
pub(super) struct Attached {
    pub live: Rc<dyn Live>,
    pub known: Rc<Known>,
    /// The version of the live state when this configuration was taken. What is newer, was said of this configuration or
    /// a later one.
    taken_at: Cell<Option<u64>>,
    /// When this configuration was taken, in milliseconds since the epoch.
    since: Option<u64>,
    /// This configuration, as the others know it.
    pub taken: Rc<Taken>,
}

/// Who has the features now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InForce {
    /// `rust_opa`.
    pub rust_opa: Share,
    /// `rust_cache`, where it is configured.
    pub rust_cache: Option<Share>,
    /// The version of the live state that says so.
    pub version: u64,
    /// Versions of the last rollbacks, over or not: what was assigned before one of them is taken back.
    pub rolled_back: RolledBack,
}

/// Who has a feature now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    feature: Feature,
    /// Somebody may have it: it is switched on, and not rolled back. What stands beside the percentage, such as users who
    /// are named, must ask this first.
    pub enabled: bool,
    /// Share of users.
    pub percentage: Percentage,
}

impl Share {
    /// Whether a user has the feature. Nobody in particular has it only where everyone has.
    #[must_use]
    pub fn applies(self, user: Option<&str>) -> bool {
        self.enabled && self.percentage.includes(self.feature.label(), user)
    }
}

impl Rollout {
    /// As configuration and environment say, before an operator says anything else. `has_inline`: there is a decision
    /// that can be made inline.
    #[must_use]
    pub fn new(settings: &config::Settings, has_inline: bool) -> Self {
        Self {
            rust_opa: settings.rust_opa,
            rust_cache: settings.rust_cache.as_ref().map(|cache| cache.feature),
            has_remote: settings.remote.is_some(),
            has_identity: !settings.identity.is_empty(),
            has_inline,
            attached: None,
            worked_out: Cell::new(None),
        }
    }

    /// From now on the live state counts. It is read, and not changed: this may be the configuration of a VM that only
    /// tries it out.
    pub fn attach(&mut self, live: Rc<dyn Live>, known: Rc<Known>) {
        // What cannot be read is counted there, and looked at again with the first request.
        let _ = known.reload(&*live);
        let taken = Rc::new(self.taken());
        known.newest.comes(&taken);
        let (since, taken_at) = (live.now_ms(), Cell::new(known.version()));
        self.attached = Some(Attached { live, known, taken_at, since, taken });
    }

    /// Who has the features now. The cost is one look at a number, unless something has changed.
    #[must_use]
    pub fn in_force(&self) -> InForce {
        let Some(attached) = &self.attached else {
            return self.work_out(&Document::default(), None);
        };
        attached.known.refresh(&*attached.live);
        let revision = attached.known.revision();
        if let Some(worked_out) = self.worked_out.get()
            && worked_out.revision == revision
            && !worked_out.until.is_some_and(|until| attached.is_past(until))
        {
            return worked_out.in_force;
        }
        let document = attached.known.document();
        let now = attached.time_for(&document);
        let in_force = self.work_out(&document, now);
        self.worked_out.set(Some(WorkedOut { in_force, revision, until: document.next_end(now) }));
        in_force
    }

    /// How the features stand now.
    #[must_use]
    pub fn features(&self) -> Features {
        let Some(attached) = &self.attached else {
            return self.view(&Document::default(), None);
        };
        attached.known.refresh(&*attached.live);
        let document = attached.known.document();
        self.view(&document, attached.time_for(&document))
    }

    pub(super) const fn setting(&self, feature: Feature) -> Option<&config::Feature> {
        match feature {
            Feature::RustOpa => Some(&self.rust_opa),
            Feature::RustCache => self.rust_cache.as_ref(),
        }
    }

    fn work_out(&self, document: &Document, now: Option<u64>) -> InForce {
        let share = |feature, setting: &config::Feature| {
            let over = self.holding(feature, document, now);
            Share {
                feature,
                enabled: setting.enabled && !over.is_some_and(|over| over.rolled_back),
                percentage: over.map_or(setting.percentage, |over| over.percentage),
            }
        };
        InForce {
            rust_opa: share(Feature::RustOpa, &self.rust_opa),
            rust_cache: self.rust_cache.as_ref().map(|setting| share(Feature::RustCache, setting)),
            version: document.version,
            rolled_back: document.rolled_back,
        }
    }

    /// The override of a feature, if it holds for this configuration. It does if it was said of the same `enabled` and
    /// `rollout_percentage`. A rollback also holds for the configurations before it: their requests may still wait for
    /// their bodies.
    fn holding<'a>(&self, feature: Feature, document: &'a Document, now: Option<u64>) -> Option<&'a Override> {
        let over = document.of(feature)?;
        let taken_at = self.taken_at().unwrap_or_default();
        let is_meant = self.is_meant(feature, over) || (over.rolled_back && taken_at < over.version);
        // Without a remote OPA nobody else could decide.
        let is_possible = feature == Feature::RustCache || self.has_remote || over.percentage.is_everyone();
        (is_meant && is_possible && !over.is_over(now)).then_some(over)
    }

    /// Whether an override was said of this feature as it stands here.
    pub(super) fn is_meant(&self, feature: Feature, over: &Override) -> bool {
        self.setting(feature).is_some_and(|setting| {
            let digest = digest(feature, setting.enabled, setting.percentage);
            over.digest == digest || over.also.as_ref() == Some(&digest)
        })
    }

    /// The version of the live state when this configuration was taken, or the first that could be read since.
    pub(super) fn taken_at(&self) -> Option<u64> {
        let attached = self.attached.as_ref()?;
        if attached.taken_at.get().is_none() {
            attached.taken_at.set(attached.known.version());
        }
        attached.taken_at.get()
    }

    /// How the features stand by this document.
    pub(super) fn view(&self, document: &Document, now: Option<u64>) -> Features {
        let features = [Feature::RustOpa, Feature::RustCache].map(|feature| self.feature_view(feature, document, now));
        Features { version: document.version, cache_generation: document.cache_generation, features }
    }

    pub(super) fn feature_view(&self, feature: Feature, document: &Document, now: Option<u64>) -> FeatureView {
        let setting = self.setting(feature);
        let over = setting.and_then(|_| self.holding(feature, document, now));
        let said = |setting: &config::Feature| (setting.percentage, setting.source);
        let (percentage, source) = match over {
            Some(over) => (over.percentage, Source::Override),
            None => setting.map_or((Percentage::NOBODY, Source::Configuration), said),
        };
        FeatureView {
            feature,
            enabled: setting.is_some_and(|setting| setting.enabled),
            percentage,
            status: self.status(feature, over, percentage),
            source,
            since: match over {
                Some(over) => Some(over.since).filter(|since| *since > 0),
                None => self.attached.as_ref().and_then(|attached| attached.since),
            },
            until: over.and_then(|over| over.until),
            by: over.map(|over| over.by.clone()),
        }
    }

    fn status(&self, feature: Feature, over: Option<&Override>, percentage: Percentage) -> Status {
        match (self.setting(feature), over) {
            (None, _) => Status::Absent,
            (_, Some(over)) if over.rolled_back => Status::RolledBack,
            (Some(setting), _) if !setting.enabled => Status::Disabled,
            _ if feature == Feature::RustOpa && !self.has_inline => Status::RemoteOnly,
            (_, Some(_)) => Status::Overridden,
            _ if percentage.is_nobody() => Status::Idle,
            _ => Status::Active,
        }
    }
}

impl Attached {
    /// The time, where it matters to this document.
    pub fn time_for(&self, document: &Document) -> Option<u64> {
        document.next_end(None).and_then(|_| self.live.now_ms())
    }

    /// It is known to be past this time.
    fn is_past(&self, until: u64) -> bool {
        self.live.now_ms().is_some_and(|now| until <= now)
    }
}

impl Document {
    /// When the next override ends by itself, of those whose time is not over.
    fn next_end(&self, now: Option<u64>) -> Option<u64> {
        let overrides = [&self.rust_opa, &self.rust_cache].into_iter().flatten();
        overrides.filter(|over| !over.is_over(now)).filter_map(|over| over.until).min()
    }
}

impl Override {
    /// Its time is known to be over.
    pub(super) fn is_over(&self, now: Option<u64>) -> bool {
        self.until.zip(now).is_some_and(|(until, now)| until <= now)
    }
}
