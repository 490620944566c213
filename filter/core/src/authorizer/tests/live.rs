//! What an operator changes while requests are on their way.

use super::*;
use crate::metrics::Feature;
use crate::rollout::Update;
use crate::rollout::testing::{Process, Vm};
use serde_json::{Value as Json, json};
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The body decides, inline and from the cache.
fn configuration(rust_opa: f64) -> Json {
    let policy = "package envoy.authz\ndefault allow := false\nallow if input.parsed_body.ok";
    json!({
        "policy": {"modules": {"p.rego": policy}},
        "remote": {"cluster": "opa"},
        "identity": [{"header": "x-user"}],
        "with_request_body": {"max_request_bytes": 100},
        "features": {
            "rust_opa": {"rollout_percentage": rust_opa},
            "rust_cache": {"remote_key": ["parsed_body"], "ttl_seconds_remote": 9},
        },
    })
}

const BODY: &[u8] = br#"{"ok": true}"#;

fn host() -> FakeHost {
    FakeHost { body: Some(BODY.to_vec()), ..FakeHost::default() }
}

/// A request whose body has not come.
fn waiting(authorizer: &Rc<Authorizer>) -> Check {
    let (check, step) = authorizer.check(arrival(head(&[("x-user", "bob")]), false), &host());
    assert!(matches!(step, Step::NeedBody));
    check
}

/// Its body comes: what is done next, and what was counted.
fn go_on(check: &mut Check) -> (Step, String) {
    let host = host();
    let step = check.body(BODY.len(), true, &host);
    let counted = host.counted.take();
    let labels = counted.iter().map(|name| name.trim_start_matches("feature_flag_assignments_total.feature."));
    let labels = labels.map(|name| name.trim_start_matches("cache_operations_total.implementation.rust."));
    (step, labels.collect::<Vec<_>>().join(" "))
}

fn ask(authorizer: &Rc<Authorizer>) -> (Step, String) {
    go_on(&mut waiting(authorizer))
}

const INLINE_MISS: &str = "rust_opa.implementation.rust rust_cache.implementation.rust operation.miss operation.put";
const INLINE_HIT: &str = "rust_opa.implementation.rust rust_cache.implementation.rust operation.hit";
const INLINE_UNKEPT: &str = "rust_opa.implementation.rust rust_cache.implementation.none";
const REMOTE_MISS: &str = "rust_opa.implementation.remote rust_cache.implementation.rust operation.miss";

/// Two workers.
fn two(process: &Rc<Process>, rust_opa: f64) -> [Rc<Authorizer>; 2] {
    [(); 2].map(|()| Vm::of(process).authorizer(&configuration(rust_opa)))
}

#[test]
fn after_a_rollback_no_inline_decision_is_made_or_found_not_even_for_a_request_that_waited() {
    let [one, other] = two(&Process::start(), 100.0);
    for worker in [&one, &other] {
        let (step, counted) = ask(worker);
        assert_eq!((status(&step), counted.as_str()), (ALLOWED, INLINE_MISS));
        let (step, counted) = ask(worker);
        assert_eq!((status(&step), counted.as_str()), (ALLOWED, INLINE_HIT));
    }
    let mut checks = [waiting(&one), waiting(&other), waiting(&other)];
    // One that has its decision by the time of the rollback is not in question.
    assert_eq!(status(&go_on(&mut checks[2]).0), ALLOWED);
    one.rollout().rollback(Feature::RustOpa, "ops").unwrap();
    for check in &mut checks[..2] {
        let (step, counted) = go_on(check);
        assert_eq!((status(&step), counted.as_str()), (CALLED, REMOTE_MISS));
        assert_eq!(check.implementation(), Implementation::None);
    }
    for worker in [&one, &other] {
        let (step, counted) = ask(worker);
        assert_eq!((status(&step), counted.as_str()), (CALLED, REMOTE_MISS));
    }
}

#[test]
fn a_rollback_holds_for_a_request_that_waited_whatever_push_has_ended_it() {
    for feature in [Feature::RustOpa, Feature::RustCache] {
        let process = Process::start();
        let vms = [Vm::of(&process), Vm::of(&process)];
        let before = [0, 1].map(|vm| vms[vm].authorizer(&configuration(100.0)));
        assert_eq!(ask(&before[1]).1, INLINE_MISS);
        let mut check = waiting(&before[1]);
        before[0].rollout().rollback(feature, "ops").unwrap();
        // The push says another thing of both features, and ends the rollback.
        let mut pushed = configuration(50.0);
        pushed["features"]["rust_cache"]["rollout_percentage"] = json!(50);
        let after = [0, 1].map(|vm| vms[vm].authorizer(&pushed));
        assert_eq!(after.iter().flat_map(|worker| worker.rollout().tick()).count(), 1);
        let (step, counted) = go_on(&mut check);
        let expected = match feature {
            Feature::RustOpa => (CALLED, REMOTE_MISS),
            Feature::RustCache => (ALLOWED, INLINE_UNKEPT),
        };
        assert_eq!((status(&step), counted.as_str()), expected);
    }
}

#[test]
fn a_request_keeps_the_remote_side_that_it_began_with() {
    let [one, other] = two(&Process::start(), 0.0);
    let mut check = waiting(&other);
    let update = Update { feature: Feature::RustOpa, percentage: 100.0, ttl: None, if_version: None };
    one.rollout().update(&update, "ops").unwrap();
    assert_eq!(status(&go_on(&mut check).0), CALLED);
    assert_eq!(status(&ask(&other).0), ALLOWED);
}

#[test]
fn after_a_rollback_of_the_cache_nothing_that_is_kept_is_served() {
    let [one, other] = two(&Process::start(), 100.0);
    assert_eq!(ask(&other).1, INLINE_MISS);
    let mut check = waiting(&other);
    one.rollout().rollback(Feature::RustCache, "ops").unwrap();
    assert_eq!(go_on(&mut check).1, INLINE_UNKEPT);
    assert_eq!(ask(&other).1, INLINE_UNKEPT);

    let [one, other] = two(&Process::start(), 0.0);
    let answered = |check: &mut Check| status(&check.resume(answer(r#"{"result": true}"#), &host()));
    let mut check = waiting(&other);
    assert_eq!((go_on(&mut check).1.as_str(), answered(&mut check)), (REMOTE_MISS, ALLOWED));
    let kept = "rust_opa.implementation.remote rust_cache.implementation.rust operation.hit";
    assert_eq!(ask(&other).1, kept);
    one.rollout().rollback(Feature::RustCache, "ops").unwrap();
    assert_eq!(ask(&other).1, "rust_opa.implementation.remote rust_cache.implementation.none");
}

#[test]
fn a_clean_up_empties_every_cache_of_every_worker() {
    let process = Process::start();
    let vms = [Vm::of(&process), Vm::of(&process)];
    let [one, other] = [0, 1].map(|vm| vms[vm].authorizer(&configuration(100.0)));
    for worker in [&one, &other] {
        assert_eq!((ask(worker).1.as_str(), ask(worker).1.as_str()), (INLINE_MISS, INLINE_HIT));
    }
    // A configuration before, whose cache has other bounds, is kept alive by a request.
    let mut small = configuration(100.0);
    small["features"]["rust_cache"]["max_size"] = json!(7);
    let before = vms[1].authorizer(&small);
    assert_eq!((ask(&before).1.as_str(), ask(&before).1.as_str()), (INLINE_MISS, INLINE_HIT));
    let mut check = waiting(&other);
    assert_eq!(vms[1].shelf.sweep(0).entries, 2);

    let cleaned = one.rollout().clean_caches().unwrap();
    assert_eq!((cleaned.version, cleaned.cache_generation), (1, 1));
    assert_eq!(go_on(&mut check).1, INLINE_MISS);
    assert_eq!(ask(&one).1, INLINE_MISS);
    assert_eq!(ask(&other).1, INLINE_HIT);
    // No request has come to this one since; the tick is enough.
    assert_eq!(vms[1].shelf.sweep(0).entries, 1);
    assert_eq!(ask(&before).1, INLINE_MISS);
    // Once each.
    let _ = (one.rollout().tick(), other.rollout().tick());
    assert_eq!((ask(&one).1.as_str(), ask(&other).1.as_str()), (INLINE_HIT, INLINE_HIT));
}

#[test]
fn a_worker_without_requests_empties_its_cache_on_its_tick() {
    let process = Process::start();
    let vms = [Vm::of(&process), Vm::of(&process)];
    let [one, other] = [0, 1].map(|vm| vms[vm].authorizer(&configuration(100.0)));
    assert_eq!(ask(&other).1, INLINE_MISS);
    one.rollout().clean_caches().unwrap();
    assert_eq!((other.rollout().tick(), vms[1].shelf.sweep(0).entries), (Vec::new(), 0));
}

#[test]
fn an_answer_that_was_asked_before_a_clean_up_is_not_kept() {
    let [one, other] = two(&Process::start(), 0.0);
    let mut check = waiting(&other);
    assert_eq!(go_on(&mut check).1, REMOTE_MISS);
    one.rollout().clean_caches().unwrap();
    assert_eq!(ask(&other).1, REMOTE_MISS);
    assert_eq!(status(&check.resume(answer(r#"{"result": true}"#), &host())), ALLOWED);
    assert_eq!(ask(&other).1, REMOTE_MISS);
}

#[test]
fn after_a_rollback_nobody_is_inline_by_name_or_for_want_of_a_remote_answer() {
    let mut configuration = configuration(50.0);
    configuration["features"]["rust_opa"]["users"] = json!({"carol": true});
    configuration["features"]["rust_opa"]["headers"] = json!([{"name": "x-beta", "value": "1", "use": true}]);
    configuration["remote"]["breaker"] = json!({"fallback_to_inline": true});
    let vm = Vm::of(&Process::start());
    let authorizer = vm.authorizer(&configuration);
    let begin = |headers: &[(&str, &str)]| authorizer.check(arrival(head(headers), false), &host()).0;
    // Nobody, and alice, are remote users at 50 %.
    let by_name = [&[("x-user", "carol")][..], &[("x-beta", "1")]];
    let instead = [("x-user", "alice")];
    for _ in 0..20 {
        let mut check = begin(&instead);
        assert_eq!(status(&go_on(&mut check).0), CALLED);
        check.resume(RemoteReply::Reset, &host());
    }
    let (probe, _) = authorizer.probe().unwrap();
    vm.clock.now.set(vm.clock.now.get() + 1_000_000_000);
    assert!(authorizer.probed(probe, RemoteReply::Reset).is_some());

    let everybody = [by_name[0], by_name[1], &instead];
    let mut waiting = everybody.map(&begin);
    for headers in everybody {
        assert_eq!(status(&go_on(&mut begin(headers)).0), ALLOWED, "{headers:?}");
    }
    authorizer.rollout().rollback(Feature::RustOpa, "ops").unwrap();
    for check in waiting.iter_mut().chain(&mut everybody.map(&begin)) {
        assert_eq!(status(&go_on(check).0), 403);
        assert_eq!(check.error().as_deref(), Some("remote:breaker_open"));
    }
}

#[test]
fn after_a_rollback_of_the_cache_nobody_uses_it_by_name() {
    let mut configuration = configuration(100.0);
    configuration["features"]["rust_cache"]["users"] = json!({"bob": true});
    let authorizer = Vm::of(&Process::start()).authorizer(&configuration);
    assert_eq!([ask(&authorizer).1, ask(&authorizer).1], [INLINE_MISS, INLINE_HIT]);
    authorizer.rollout().rollback(Feature::RustCache, "ops").unwrap();
    assert_eq!(ask(&authorizer).1, INLINE_UNKEPT);
    configuration["features"]["rust_cache"]["enabled"] = json!(false);
    assert_eq!(ask(&Vm::of(&Process::start()).authorizer(&configuration)).1, INLINE_UNKEPT);
}
