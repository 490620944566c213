//! What the endpoints do, as JSON: the live state of the rollout, and how the workers stand.

use super::comparisons::Comparisons;
use super::outcome::Refusal;
use super::visit::{Done, Refused};
use super::{arguments, comparisons, worker};
use crate::authorizer::Authorizer;
use crate::builtins::time::rfc3339;
use crate::host::{Desk, HostError};
use crate::metrics::{Counter, Feature};
use crate::rollout::{self, FeatureView, Features, Percentage};
use serde_json::{Map, Value, json};

impl Authorizer {
    pub(super) fn show_features(&self) -> Done {
        let Features { version, features, .. } = self.rollout().features();
        let mut body: Map<String, Value> =
            features.iter().map(|view| (view.feature.label().to_owned(), shown(view))).collect();
        body.insert("version".to_owned(), version.into());
        Done { body: body.into(), change: None }
    }

    pub(super) fn show_status(&self, desk: &dyn Desk) -> Result<Done, Refused> {
        let unknown = |HostError| Refused(Refusal::Unavailable, "Envoy did not tell how the workers stand".to_owned());
        let now = now_ms(desk).map_err(unknown)?;
        let mut counts = Map::new();
        for counter in Counter::all() {
            let count = desk.counted(counter).map_err(unknown)?;
            if count > 0 {
                counts.insert(counter.name(), count.into());
            }
        }
        let workers = worker::all(now, desk).map_err(unknown)?;
        let body = json!({"time": rfc3339(now), "counts": counts, "workers": workers});
        Ok(Done { body, change: None })
    }

    pub(super) fn show_comparisons(&self, desk: &dyn Desk) -> Result<Done, Refused> {
        let unknown = |HostError| Refused(Refusal::Unavailable, "Envoy did not tell what was compared".to_owned());
        let now = now_ms(desk).map_err(unknown)?;
        let Comparisons { counts, workers } = comparisons::all(now, desk).map_err(unknown)?;
        let percentage = self.shadow_percentage().map(number);
        let body = json!({"time": rfc3339(now), "percentage": percentage, "counts": counts, "workers": workers});
        Ok(Done { body, change: None })
    }

    pub(super) fn change_percentage(&self, given: arguments::Update, by: &str) -> Result<Done, Refused> {
        let arguments::Update { feature, percentage, ttl, if_version } = given;
        let update = rollout::Update { feature: named(&feature)?, percentage, ttl, if_version };
        self.rollout().update(&update, by).map(|change| changed(&change, by)).map_err(refused)
    }

    pub(super) fn roll_back(&self, given: &arguments::Rollback, by: &str) -> Result<Done, Refused> {
        self.rollout().rollback(named(&given.feature)?, by).map(|change| changed(&change, by)).map_err(refused)
    }

    pub(super) fn clean_up(&self, by: &str) -> Result<Done, Refused> {
        let rollout::Cleaned { version, cache_generation } = self.rollout().clean_caches().map_err(refused)?;
        Ok(Done {
            body: json!({"version": version, "cache_generation": cache_generation}),
            change: Some(format!("{by} empties the caches of all workers, generation {cache_generation}")),
        })
    }
}

fn now_ms(host: &dyn Desk) -> Result<u64, HostError> {
    u64::try_from(host.now()?.div_euclid(1_000_000)).map_err(|_| HostError)
}

fn named(feature: &str) -> Result<Feature, Refused> {
    [Feature::RustOpa, Feature::RustCache].into_iter().find(|known| known.label() == feature).ok_or_else(|| {
        Refused(Refusal::BadRequest, format!("`feature` must be {} or {}", rollout::RUST_OPA, rollout::RUST_CACHE))
    })
}

fn changed(change: &rollout::Change, by: &str) -> Done {
    let rollout::Change { before, after, version } = change;
    let (was, is) = (told(before), told(after));
    Done {
        body: json!({"feature": after.feature.label(), "before": shown(before), "after": shown(after), "version": version}),
        change: Some(format!("{by} changes {}: was {was}, is {is}, version {version}", after.feature.label())),
    }
}

fn refused(why: rollout::Refused) -> Refused {
    match why {
        rollout::Refused::Invalid(why) => Refused(Refusal::BadRequest, why),
        rollout::Refused::Conflict(why) => Refused(Refusal::Conflict, why),
        rollout::Refused::Replaced => Refused(
            Refusal::Replaced,
            "this worker has taken a newer configuration meanwhile: send it again, over a new connection".to_owned(),
        ),
        rollout::Refused::Version { current } => {
            Refused(Refusal::VersionConflict, format!("the version is {current} now"))
        }
        rollout::Refused::Host => Refused(
            Refusal::Unavailable,
            "the live state could not be changed for certain: look how it stands, and try again".to_owned(),
        ),
    }
}

/// A feature as an answer has it.
fn shown(view: &FeatureView) -> Value {
    let mut members = Map::new();
    let mut add = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
    add("enabled", view.enabled.into());
    add("rollout_percentage", number(view.percentage));
    add("status", view.status.label().into());
    add("source", view.source.label().into());
    if let Some(since) = view.since.and_then(rfc3339) {
        add("since", since.into());
    }
    if let Some(until) = view.until.and_then(rfc3339) {
        add("until", until.into());
    }
    if let Some(by) = &view.by {
        add("by", by.as_str().into());
    }
    members.into()
}

/// `5`, not `5.0`: as the operator wrote it.
fn number(percentage: Percentage) -> Value {
    serde_json::from_str(&percentage.to_string()).unwrap_or_default()
}

/// A feature as the log has it.
fn told(view: &FeatureView) -> String {
    format!("{} % ({}, by {})", view.percentage, view.status.label(), view.by.as_deref().unwrap_or(view.source.label()))
}
