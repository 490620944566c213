//! Several at once: of those that read the same, one wins.

use super::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Two workers. `meanwhile` runs between the first one's look at the live state and its attempt to change it.
fn raced<T>(
    process: &Rc<Process>,
    first: impl FnOnce(&Rollout) -> T,
    meanwhile: impl FnOnce(&Rollout) + 'static,
) -> (T, Rollout) {
    let (one, other) = (Vm::of(process).take(&at(5.0)), Vm::of(process).take(&at(5.0)));
    *process.meanwhile.borrow_mut() = Some(Box::new(move || meanwhile(&other)));
    (first(&one), one)
}

#[test]
fn of_two_first_writers_none_is_lost() {
    let process = Process::start();
    let (change, rollout) = raced(
        &process,
        |one| one.update(&to(Feature::RustOpa, 50.0), "one").unwrap(),
        |other| assert_eq!(other.rollback(Feature::RustCache, "other").unwrap().version, 1),
    );
    assert_eq!(change.version, 2);
    assert_eq!(
        (seen(&rollout), shown(&rollout, Feature::RustCache)),
        ("50 overridden override".to_owned(), "0 rolled_back override".to_owned())
    );
}

#[test]
fn of_two_updates_with_one_version_exactly_one_wins() {
    // The first change of all, and a later one.
    for before in [0, 1] {
        let process = Process::start();
        let setup = Vm::of(&process).take(&at(5.0));
        (0..before).for_each(|_| drop(setup.update(&to(Feature::RustOpa, 1.0), "setup").unwrap()));
        let update = |percentage| Update { if_version: Some(before), ..to(Feature::RustOpa, percentage) };
        let winner = update(20.0);
        let (result, rollout) = raced(
            &process,
            |one| one.update(&update(10.0), "one"),
            move |other| assert_eq!(other.update(&winner, "other").unwrap().version, before + 1),
        );
        assert_eq!(result, Err(Refused::Version { current: before + 1 }));
        assert_eq!(seen(&rollout), "20 overridden override");
    }
}

#[test]
fn a_rollback_that_comes_between_is_not_undone_by_a_tick() {
    let process = Process::start();
    let first = Vm::of(&process).take(&at(5.0));
    first.update(&to(Feature::RustOpa, 50.0), "ops").unwrap();
    // Taken after it: its tick will end the override.
    let vm = Vm::of(&process);
    let second = vm.take(&at(6.0));
    let third = Vm::of(&process).take(&at(6.0));
    *process.meanwhile.borrow_mut() = Some(Box::new(move || drop(third.rollback(Feature::RustOpa, "ops").unwrap())));
    assert_eq!(second.tick(), []);
    assert_eq!((seen(&second), second.tick()), ("0 rolled_back override".to_owned(), vec![]));
}

#[test]
fn a_change_that_always_comes_too_late_gives_up_without_writing() {
    let process = Process::start();
    let vm = Vm::of(&process);
    let rollout = vm.take(&at(5.0));
    let live = vm.live.clone();
    let again = Rc::clone(&process);
    fn keep_writing(process: &Rc<Process>, live: Rc<super::super::testing::FakeLive>) {
        let next = Rc::clone(process);
        live.overwrite(&Document::default().write());
        *process.meanwhile.borrow_mut() = Some(Box::new(move || keep_writing(&next, live)));
    }
    *process.meanwhile.borrow_mut() = Some(Box::new(move || keep_writing(&again, live)));
    assert_eq!(rollout.update(&to(Feature::RustOpa, 50.0), "ops"), Err(Refused::Host));
    assert_eq!(vm.live.calls.borrow().iter().filter(|call| **call == "store").count(), 16);
    process.meanwhile.take();
    assert_eq!(seen(&rollout), "5 active configuration");
}

#[test]
fn a_worker_that_looks_between_storing_and_telling_sees_it_then_or_with_the_next_request() {
    let process = Process::start();
    let (vm, other) = (Vm::of(&process), Vm::of(&process));
    let (rollout, worker) = (vm.take(&at(100.0)), other.take(&at(100.0)));
    assert_eq!(inline(&worker), EVERYONE);
    // Stored, and nobody is told.
    vm.live.broken.borrow_mut().push("announce");
    assert_eq!(rollout.rollback(Feature::RustOpa, "ops"), Err(Refused::Host));
    assert_eq!(vm.live.errors.take(), [LiveError::Write]);
    assert_eq!((inline(&rollout), inline(&worker)), (NOBODY, EVERYONE));
    let _ = worker.tick();
    assert_eq!(inline(&worker), NOBODY);
}
