//! Changes that are not made.

use super::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn conflict(result: Result<Change, Refused>, why: &str) {
    match result {
        Err(Refused::Conflict(text)) if text.contains(why) => {}
        other => panic!("{other:?}, not a conflict: {why}"),
    }
}

fn invalid(result: Result<Change, Refused>, why: &str) {
    match result {
        Err(Refused::Invalid(text)) if text.contains(why) => {}
        other => panic!("{other:?}, not invalid: {why}"),
    }
}

#[test]
fn a_refused_change_changes_nothing() {
    let vm = Vm::of(&Process::start());
    let rollout = vm.take(&at(5.0));
    let opa = |percentage| rollout.update(&to(Feature::RustOpa, percentage), "ops");
    for (percentage, why) in [
        (-0.01, "`percentage` must be between 0 and 100, not -0.01"),
        (100.01, "`percentage` must be between"),
        (33.333, "at most two decimals"),
        (f64::NAN, "between"),
        (f64::INFINITY, "between"),
    ] {
        invalid(opa(percentage), why);
    }
    for ttl in [0, 2_592_001, u64::MAX] {
        let update = Update { ttl: Some(ttl), ..to(Feature::RustOpa, 5.0) };
        invalid(rollout.update(&update, "ops"), "`ttl` must be between 1 and 2592000 seconds");
    }
    invalid(rollout.rollback(Feature::RustOpa, &"x".repeat(65)), "`by` has at most 64 bytes");
    let update = Update { if_version: Some(1), ..to(Feature::RustOpa, 5.0) };
    assert_eq!(rollout.update(&update, "ops"), Err(Refused::Version { current: 0 }));
    assert_eq!((vm.live.document(), seen(&rollout)), (None, "5 active configuration".to_owned()));
}

#[test]
fn what_a_configuration_may_not_say_an_operator_may_not_say() {
    let vm = Vm::of(&Process::start());
    let alone = vm.take(&json!({"features": {"rust_cache": {}}}));
    conflict(alone.update(&to(Feature::RustOpa, 99.99), "ops"), "without `remote`");
    conflict(alone.update(&to(Feature::RustOpa, 0.0), "ops"), "without `remote`");
    conflict(alone.rollback(Feature::RustOpa, "ops"), "without `remote`");
    conflict(alone.update(&to(Feature::RustCache, 50.0), "ops"), "without `identity`");
    assert!(alone.update(&to(Feature::RustOpa, 100.0), "ops").is_ok());
    assert!(alone.update(&to(Feature::RustCache, 0.0), "ops").is_ok());
    assert!(alone.rollback(Feature::RustCache, "ops").is_ok());

    let vm = Vm::of(&Process::start());
    let nameless = vm.take(&json!({"remote": {"cluster": "opa"}}));
    conflict(nameless.update(&to(Feature::RustOpa, 50.0), "ops"), "without `identity`");
    conflict(nameless.update(&to(Feature::RustCache, 0.0), "ops"), "`features.rust_cache` is not configured");
    conflict(nameless.rollback(Feature::RustCache, "ops"), "`features.rust_cache` is not configured");
    assert!(nameless.update(&to(Feature::RustOpa, 0.0), "ops").is_ok());

    let vm = Vm::of(&Process::start());
    let off = vm.take(&features(json!({"enabled": false}), json!({"enabled": false})));
    for feature in Feature::ALL {
        conflict(off.update(&to(feature, 5.0), "ops"), "switched off");
        // Nobody has it, and an operator who wants that to be so is not sent away.
        assert!(off.rollback(feature, "ops").is_ok());
    }
}

#[test]
fn without_a_remote_side_nobody_is_taken_from_the_inline_one() {
    // One VM, two plugins of one name: only one of them has a remote side.
    let process = Process::start();
    let (vm, other) = (Vm::of(&process), Vm::of(&process));
    let alone = other.take(&json!({}));
    vm.take(&at(100.0)).rollback(Feature::RustOpa, "ops").unwrap();
    assert_eq!((inline(&alone), seen(&alone)), (EVERYONE, "100 active configuration".to_owned()));
}

#[test]
fn before_it_is_attached_nothing_can_be_changed() {
    let settings = crate::config::read(at(5.0).to_string().as_bytes(), &|_| None).unwrap().settings;
    let rollout = Rollout::new(&settings, true);
    assert_eq!(rollout.update(&to(Feature::RustOpa, 5.0), "ops"), Err(Refused::Host));
    assert_eq!(rollout.rollback(Feature::RustOpa, "ops"), Err(Refused::Host));
    assert_eq!(rollout.clean_caches(), Err(Refused::Host));
    assert_eq!((rollout.tick(), seen(&rollout)), (Vec::new(), "5 active configuration".to_owned()));
}

#[test]
fn a_policy_that_cannot_be_decided_inline_is_said_to_be_so() {
    let settings = crate::config::read(at(5.0).to_string().as_bytes(), &|_| None).unwrap().settings;
    let vm = Vm::of(&Process::start());
    let mut rollout = Rollout::new(&settings, false);
    rollout.attach(vm.live.clone(), vm.shelf.known("sark"));
    assert_eq!(seen(&rollout), "5 remote_only configuration");
    rollout.update(&to(Feature::RustOpa, 50.0), "ops").unwrap();
    assert_eq!(seen(&rollout), "50 remote_only override");
    rollout.rollback(Feature::RustOpa, "ops").unwrap();
    assert_eq!(seen(&rollout), "0 rolled_back override");
}
