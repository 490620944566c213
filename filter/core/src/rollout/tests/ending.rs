//! How long an override holds.

use super::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Two workers and the main thread; `take` is a push.
fn three(process: &Rc<Process>) -> [Vm; 3] {
    [(); 3].map(|()| Vm::of(process))
}

fn push(vms: &[Vm; 3], configuration: &Json) -> [Rollout; 3] {
    [0, 1, 2].map(|vm| vms[vm].take(configuration))
}

fn tick(rollouts: &[Rollout; 3]) -> Vec<Ended> {
    rollouts.iter().flat_map(Rollout::tick).collect()
}

#[test]
fn a_push_of_anything_else_keeps_an_override() {
    let process = Process::start();
    let vms = three(&process);
    let mut rollouts = push(&vms, &at(5.0));
    rollouts[0].update(&to(Feature::RustOpa, 12.79), "ops").unwrap();
    let pushes = [
        json!({"policy": {"modules": {"p.rego": "package envoy.authz\nallow := false"}}}),
        json!({"features": {"rust_opa": {"rollout_percentage": 5, "fallback_on_error": false}}}),
        json!({"features": {"rust_opa": {"rollout_percentage": 5.0, "enabled": true}, "rust_cache": {"ttl_seconds": 7}}}),
        json!({"features": {"rust_opa": {"rollout_percentage": 5}}}),
    ];
    for changes in pushes {
        let mut configuration = at(5.0);
        for (key, value) in changes.as_object().unwrap() {
            configuration[key] = value.clone();
        }
        rollouts = push(&vms, &configuration);
        assert_eq!(tick(&rollouts), []);
        for rollout in &rollouts {
            assert_eq!(
                (inline(rollout), seen(rollout)),
                (BOB, "12.79 overridden override".to_owned()),
                "{configuration}"
            );
        }
    }
}

#[test]
fn a_push_of_the_feature_ends_it_once_and_for_good() {
    let ends = [json!({"rollout_percentage": 6}), json!({"rollout_percentage": 5, "enabled": false}), json!({})];
    for (what, changed) in ends.into_iter().flat_map(|changed| [("update", changed.clone()), ("rollback", changed)]) {
        let process = Process::start();
        let vms = three(&process);
        let first = push(&vms, &at(5.0));
        match what {
            "update" => first[1].update(&to(Feature::RustOpa, 50.0), "ops").map(drop).unwrap(),
            _ => first[1].rollback(Feature::RustOpa, "ops").map(drop).unwrap(),
        }
        first[1].update(&to(Feature::RustCache, 1.0), "ops").unwrap();
        let second = push(&vms, &features(changed, json!({})));
        for rollout in &second {
            assert!(!seen(rollout).ends_with("override"), "at once: {}", seen(rollout));
            assert_eq!(shown(rollout, Feature::RustCache), "1 overridden override");
        }
        let ended = tick(&second);
        let of: Vec<_> = ended.iter().map(|ended| (ended.feature, ended.why, ended.over.by.as_str())).collect();
        assert_eq!(of, [(Feature::RustOpa, Why::Push, "ops")], "by one of them");
        assert_eq!(tick(&second), []);
        // Back to what it was said of.
        for rollout in &push(&vms, &at(5.0)) {
            assert_eq!(seen(rollout), "5 active configuration", "{what}");
            assert_eq!(shown(rollout, Feature::RustCache), "1 overridden override");
        }
    }
}

#[test]
fn a_change_of_the_environment_ends_it_like_a_push() {
    let process = Process::start();
    let rollout = Vm::of(&process).take(&at(5.0));
    rollout.update(&to(Feature::RustOpa, 50.0), "ops").unwrap();
    let same = Vm::of(&process).with("SARK_RUST_OPA_ROLLOUT_PCT", "5").take(&at(5.0));
    assert_eq!((seen(&same), same.tick()), ("50 overridden override".to_owned(), vec![]));
    let other = Vm::of(&process).with("SARK_RUST_OPA_ROLLOUT_PCT", "6").take(&at(5.0));
    assert_eq!((seen(&other), other.tick().len()), ("6 active environment".to_owned(), 1));
    assert_eq!(seen(&rollout), "5 active configuration");
}

#[test]
fn the_configuration_before_ends_nothing_that_was_said_of_the_one_after() {
    let process = Process::start();
    let vms = three(&process);
    let (before, after) = (push(&vms, &at(5.0)), push(&vms, &at(6.0)));
    after[0].update(&to(Feature::RustOpa, 50.0), "ops").unwrap();
    // Requests under way keep the first ones alive, and they tick.
    assert_eq!(tick(&before), []);
    assert_eq!(
        (seen(&before[1]), seen(&after[1])),
        ("5 active configuration".to_owned(), "50 overridden override".to_owned())
    );
}

/// What such a request waits for may take a minute.
#[test]
fn a_rollback_holds_for_requests_of_the_configurations_before_it() {
    let process = Process::start();
    let vms = three(&process);
    let (before, after) = (push(&vms, &at(100.0)), push(&vms, &at(50.0)));
    assert_eq!(inline(&before[2]), EVERYONE);
    after[0].rollback(Feature::RustOpa, "ops").unwrap();
    for rollout in before.iter().chain(&after) {
        assert_eq!((inline(rollout), seen(rollout)), (NOBODY, "0 rolled_back override".to_owned()));
    }
    assert_eq!(tick(&before), []);
}

#[test]
fn a_vm_that_is_made_anew_has_the_override() {
    let process = Process::start();
    Vm::of(&process).take(&at(5.0)).rollback(Feature::RustOpa, "ops").unwrap();
    // The VM of the worker that rolled back is gone, as after a trap.
    let rollout = Vm::of(&process).take(&at(5.0));
    assert_eq!((inline(&rollout), rollout.tick()), (NOBODY, vec![]));
}

#[test]
fn another_vm_id_and_another_plugin_start_clean() {
    let process = Process::start();
    let rollout = Vm::of(&process).take(&at(5.0));
    rollout.rollback(Feature::RustOpa, "ops").unwrap();
    for other in [Vm::named(&process, "sark-v2", "sark"), Vm::named(&process, "sark-v1", "other")] {
        let other = other.take(&at(5.0));
        assert_eq!((other.features().version, seen(&other)), (0, "5 active configuration".to_owned()));
        other.update(&to(Feature::RustOpa, 50.0), "ops").unwrap();
        assert_eq!(seen(&rollout), "0 rolled_back override");
    }
}

#[test]
fn an_override_ends_when_its_time_is_over() {
    let process = Process::start();
    let vms = three(&process);
    let rollouts = push(&vms, &at(5.0));
    let update = Update { ttl: Some(60), ..to(Feature::RustOpa, 50.0) };
    let change = rollouts[0].update(&update, "ops").unwrap();
    assert_eq!((change.after.since, change.after.until), (Some(3_600_000), Some(3_660_000)));
    process.pass(59);
    assert_eq!(tick(&rollouts), []);
    process.now_ms.set(Some(3_659_999));
    assert!(rollouts.iter().all(|rollout| seen(rollout) == "50 overridden override"));
    process.now_ms.set(Some(3_660_000));
    // Not first by the tick.
    assert!(rollouts.iter().all(|rollout| seen(rollout) == "5 active configuration" && inline(rollout) == NOBODY));
    let ended = tick(&rollouts);
    assert_eq!(ended.iter().map(|ended| ended.why).collect::<Vec<_>>(), [Why::Ttl]);
    // Clocks are set back; what has ended has ended.
    process.now_ms.set(Some(3_600_000));
    assert!(rollouts.iter().all(|rollout| seen(rollout) == "5 active configuration"));
}

#[test]
fn two_overrides_end_each_at_its_time() {
    let process = Process::start();
    let rollout = Vm::of(&process).take(&at(5.0));
    for (feature, ttl) in [(Feature::RustOpa, 60), (Feature::RustCache, 30)] {
        rollout.update(&Update { ttl: Some(ttl), ..to(feature, 50.0) }, "ops").unwrap();
    }
    // bob's buckets are 1278 and 3849.
    let has = || {
        let in_force = rollout.in_force();
        (in_force.rust_opa.applies(Some("bob")), in_force.rust_cache.unwrap().percentage.to_string())
    };
    for (seconds, expected) in
        [(0, (true, "50")), (29, (true, "50")), (1, (true, "100")), (29, (true, "100")), (1, (false, "100"))]
    {
        process.pass(seconds);
        assert_eq!(has(), (expected.0, expected.1.to_owned()));
    }
}

#[test]
fn an_override_without_a_time_asks_no_clock() {
    let process = Process::start();
    let vm = Vm::of(&process);
    let rollout = vm.take(&at(5.0));
    rollout.update(&to(Feature::RustOpa, 50.0), "ops").unwrap();
    vm.live.calls.take();
    for _ in 0..3 {
        inline(&rollout);
    }
    assert_eq!(vm.live.calls.take(), ["changes", "load", "changes", "changes"]);
    rollout.update(&Update { ttl: Some(9), ..to(Feature::RustOpa, 50.0) }, "ops").unwrap();
    inline(&rollout);
    vm.live.calls.take();
    inline(&rollout);
    assert_eq!(vm.live.calls.take(), ["changes", "now"]);
}

#[test]
fn without_overrides_a_request_costs_one_look_at_a_number() {
    let vm = Vm::of(&Process::start());
    let rollout = vm.take(&at(5.0));
    inline(&rollout);
    vm.live.calls.take();
    for _ in 0..3 {
        inline(&rollout);
    }
    assert_eq!(vm.live.calls.take(), ["changes"; 3]);
}

#[test]
fn an_update_lifts_a_rollback_and_a_rollback_takes_the_place_of_an_update() {
    let process = Process::start();
    let vms = three(&process);
    let rollouts = push(&vms, &at(5.0));
    let change = rollouts[0].update(&to(Feature::RustOpa, 50.0), "a").unwrap();
    assert_eq!((change.before.source, change.before.by, change.version), (Source::Configuration, None, 1));
    let change = rollouts[1].rollback(Feature::RustOpa, "b").unwrap();
    assert_eq!((change.before.percentage.to_string(), change.before.by.as_deref()), ("50".to_owned(), Some("a")));
    assert_eq!((change.after.status, change.after.by.as_deref(), change.version), (Status::RolledBack, Some("b"), 2));
    assert!(rollouts.iter().all(|rollout| inline(rollout) == NOBODY));
    rollouts[2].update(&to(Feature::RustOpa, 100.0), "c").unwrap();
    assert!(rollouts.iter().all(|rollout| inline(rollout) == EVERYONE));
}
