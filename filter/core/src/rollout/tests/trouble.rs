//! A live state that cannot be read, or is not ours.

use super::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn what_cannot_be_read_undoes_no_rollback() {
    for broken in ["load", "changes"] {
        let process = Process::start();
        let (vm, other) = (Vm::of(&process), Vm::of(&process));
        let (rollout, worker) = (vm.take(&at(100.0)), other.take(&at(100.0)));
        rollout.rollback(Feature::RustOpa, "ops").unwrap();
        assert_eq!(inline(&worker), NOBODY);
        other.live.broken.borrow_mut().push(broken);
        process.changes.set(99);
        for _ in 0..3 {
            assert_eq!(inline(&worker), NOBODY);
        }
        assert_eq!(other.live.errors.take(), [LiveError::Read; 3], "{broken}");
        // Nor does a push in this VM.
        let next = other.take(&at(100.0));
        assert_eq!(inline(&next), NOBODY);
        other.live.broken.borrow_mut().clear();
        rollout.update(&to(Feature::RustOpa, 12.79), "ops").unwrap();
        assert_eq!((inline(&worker), inline(&next)), (BOB, BOB));
    }
}

#[test]
fn a_vm_that_never_could_read_goes_by_its_configuration_and_catches_up() {
    let process = Process::start();
    let (vm, other) = (Vm::of(&process), Vm::of(&process));
    vm.take(&at(100.0)).rollback(Feature::RustOpa, "ops").unwrap();
    other.live.broken.borrow_mut().push("load");
    let worker = other.take(&at(100.0));
    assert_eq!((inline(&worker), worker.features().version), (EVERYONE, 0));
    assert!(worker.tick().is_empty());
    other.live.broken.borrow_mut().clear();
    // With the next request; nobody has to change anything.
    assert_eq!(inline(&worker), NOBODY);
}

#[test]
fn a_malformed_document_changes_nothing_and_is_overwritten_by_the_next_change() {
    for bytes in [&b"{"[..], b"", br#"{"format":2,"version":9,"cache_generation":0,"features":{}}"#] {
        let process = Process::start();
        let vm = Vm::of(&process);
        let rollout = vm.take(&at(100.0));
        rollout.rollback(Feature::RustOpa, "ops").unwrap();
        rollout.rollback(Feature::RustCache, "ops").unwrap();
        vm.live.overwrite(bytes);
        for _ in 0..3 {
            assert_eq!(inline(&rollout), NOBODY);
        }
        assert_eq!(vm.live.errors.take(), [LiveError::Malformed], "looked at once");
        assert_eq!(rollout.tick(), []);
        // A VM that knows nothing else.
        let fresh = Vm::of(&process).take(&at(100.0));
        assert_eq!(seen(&fresh), "100 active configuration");
        // The one that knows sets things right, for all.
        let change = rollout.update(&Update { if_version: Some(2), ..to(Feature::RustCache, 5.0) }, "ops").unwrap();
        assert_eq!(change.version, 3);
        assert_eq!((inline(&rollout), inline(&fresh)), (NOBODY, NOBODY));
    }
}

#[test]
fn a_rollback_gets_through_whatever_lies_there_and_without_a_clock() {
    let process = Process::start();
    let vm = Vm::of(&process);
    vm.live.overwrite(b"garbage");
    process.now_ms.set(None);
    let rollout = vm.take(&at(100.0));
    let change = rollout.rollback(Feature::RustOpa, "ops").unwrap();
    assert_eq!((change.after.since, change.version), (None, 1));
    assert_eq!(inline(&Vm::of(&process).take(&at(100.0))), NOBODY);
    let update = Update { ttl: Some(5), ..to(Feature::RustOpa, 5.0) };
    assert_eq!(rollout.update(&update, "ops"), Err(Refused::Host));
}

#[test]
fn what_cannot_be_stored_is_said_and_changes_nothing() {
    let process = Process::start();
    let vm = Vm::of(&process);
    let rollout = vm.take(&at(100.0));
    for (broken, error) in [("store", LiveError::Write), ("load", LiveError::Read)] {
        vm.live.broken.borrow_mut().push(broken);
        assert_eq!(rollout.rollback(Feature::RustOpa, "ops"), Err(Refused::Host));
        assert_eq!(vm.live.errors.take(), [error]);
        vm.live.broken.borrow_mut().clear();
        assert_eq!((inline(&rollout), vm.live.document()), (EVERYONE, None));
    }
}

#[test]
fn a_clock_that_is_lost_ends_no_override() {
    let process = Process::start();
    let rollout = Vm::of(&process).take(&at(100.0));
    rollout.update(&Update { ttl: Some(5), ..to(Feature::RustOpa, 12.79) }, "ops").unwrap();
    process.now_ms.set(None);
    assert_eq!((inline(&rollout), rollout.tick()), (BOB, vec![]));
}
