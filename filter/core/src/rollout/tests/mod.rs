mod documents;
mod ending;
mod model;
mod precedence;
mod races;
mod refusals;
mod replaced;
mod trouble;

use super::testing::{Process, Vm};
use super::*;
use crate::metrics::{Feature, LiveError};
use serde_json::{Value as Json, json};
use std::rc::Rc;

/// A remote OPA, an identity and a cache, with these features.
fn features(rust_opa: Json, rust_cache: Json) -> Json {
    json!({
        "remote": {"cluster": "opa"},
        "identity": [{"header": "x-user"}],
        "features": {"rust_opa": rust_opa, "rust_cache": rust_cache},
    })
}

/// `rust_opa` at this percentage.
fn at(percentage: f64) -> Json {
    features(json!({"rollout_percentage": percentage}), json!({}))
}

fn to(feature: Feature, percentage: f64) -> Update {
    Update { feature, percentage, ttl: None, if_version: None }
}

/// `rust_opa` as the operator sees it: `5 active configuration`.
fn seen(rollout: &Rollout) -> String {
    shown(rollout, Feature::RustOpa)
}

fn shown(rollout: &Rollout, feature: Feature) -> String {
    let features = rollout.features();
    let view = features.features.iter().find(|view| view.feature == feature).unwrap();
    format!("{} {} {}", view.percentage, view.status.label(), view.source.label())
}

/// Who has `rust_opa` of bob (bucket 1278), alice (8301) and somebody without a name.
fn inline(rollout: &Rollout) -> [bool; 3] {
    let share = rollout.in_force().rust_opa;
    [share.applies(Some("bob")), share.applies(Some("alice")), share.applies(None)]
}

const EVERYONE: [bool; 3] = [true, true, true];
const BOB: [bool; 3] = [true, false, false];
const NOBODY: [bool; 3] = [false, false, false];
