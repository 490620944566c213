//! What is said to a configuration that another one has replaced in its VM.

use super::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A request begins under this configuration, on the connection of this number.
fn begin(rollout: &Rollout, connection: u64) {
    rollout.begins(&|| Some(connection));
}

fn rolled_back(rollout: &Rollout) -> Result<u64, Refused> {
    rollout.rollback(Feature::RustOpa, "ops").map(|change| change.version)
}

fn updated(rollout: &Rollout) -> Result<u64, Refused> {
    rollout.update(&to(Feature::RustOpa, 50.0), "ops").map(|change| change.version)
}

#[test]
fn an_update_under_the_configuration_before_is_refused_and_stores_nothing() {
    let vm = Vm::of(&Process::start());
    let (before, newest) = (vm.take(&at(5.0)), vm.take(&at(6.0)));
    begin(&newest, 3);
    assert_eq!(updated(&before), Err(Refused::Replaced));
    assert_eq!((vm.live.document(), before.is_newest(), newest.is_newest()), (None, false, true));
    // What is not said of a configuration is done. So is what is sent again.
    assert_eq!(before.clean_caches().unwrap().version, 1);
    assert_eq!((updated(&newest), seen(&newest)), (Ok(2), "50 overridden override".to_owned()));
}

#[test]
fn a_rollback_is_said_of_the_configuration_that_is_about_to_take_over_too() {
    let process = Process::start();
    let (vm, late) = (Vm::of(&process), Vm::of(&process));
    let serving = vm.take(&at(5.0));
    begin(&serving, 1);
    // It may be on its way for long.
    let coming = vm.take(&at(6.0));
    assert_eq!(rolled_back(&serving), Ok(1));
    // Whoever takes either of them later, here or elsewhere, has it.
    let (again, elsewhere) = (vm.take(&at(5.0)), late.take(&at(6.0)));
    for rollout in [&serving, &coming, &again, &elsewhere] {
        assert_eq!((rollout.tick(), seen(rollout)), (vec![], "0 rolled_back override".to_owned()));
    }
    // Another push ends it.
    let other = vm.take(&at(7.0));
    assert_eq!((other.tick().len(), seen(&other)), (1, "7 active configuration".to_owned()));
}

#[test]
fn where_both_say_the_same_of_the_feature_the_change_is_the_same() {
    let vm = Vm::of(&Process::start());
    let before = vm.take(&at(5.0));
    let newest = vm.take(&features(json!({"rollout_percentage": 5}), json!({"rollout_percentage": 6})));
    assert_eq!(updated(&before), Ok(1));
    assert_eq!((seen(&newest), newest.tick()), ("50 overridden override".to_owned(), vec![]));
    assert_eq!(before.update(&to(Feature::RustCache, 50.0), "ops"), Err(Refused::Replaced));
    // The same percentage, and nobody else to decide; or nobody to tell apart.
    for missing in ["remote", "identity"] {
        let mut pushed = at(100.0);
        pushed.as_object_mut().unwrap().remove(missing);
        let (before, newest) = (vm.take(&at(100.0)), vm.take(&pushed));
        assert_eq!(updated(&before), Err(Refused::Replaced));
        drop(newest);
    }
}

#[test]
fn other_vms_and_other_plugins_have_newest_ones_of_their_own() {
    let process = Process::start();
    let (one, other) = (Vm::of(&process), Vm::of(&process));
    let (before, newest) = (one.take(&at(5.0)), other.take(&at(6.0)));
    assert_eq!((before.is_newest(), rolled_back(&before)), (true, Ok(1)));
    // The push comes to this worker after the rollback: as everywhere else, it ends it.
    assert_eq!(seen(&newest), "0 rolled_back override");
    let last = one.take(&at(6.0));
    assert_eq!((seen(&last), last.tick().len(), seen(&newest)), ("6 active configuration".to_owned(), 1, seen(&last)));
}

#[test]
fn one_whose_successor_is_gone_is_the_newest_again() {
    let vm = Vm::of(&Process::start());
    let (first, second) = (vm.take(&at(5.0)), vm.take(&at(6.0)));
    begin(&second, 3);
    drop(second);
    assert_eq!((rolled_back(&first), first.is_newest()), (Ok(1), true));
}

/// Requests still hold the one between.
#[test]
fn one_that_is_taken_up_again_is_known_by_a_connection_that_came_later() {
    let vm = Vm::of(&Process::start());
    let first = vm.take(&at(5.0));
    begin(&first, 1);
    let second = vm.take(&at(6.0));
    // On its way to take over: nobody has asked it yet.
    begin(&first, 4);
    assert_eq!(updated(&first), Err(Refused::Replaced));
    begin(&second, 3);
    // A listener that is drained has connections from before; and who knows of one whose number is not told.
    begin(&first, 2);
    begin(&first, 3);
    first.begins(&|| None);
    assert_eq!(updated(&first), Err(Refused::Replaced));
    begin(&first, 4);
    assert_eq!((updated(&first), updated(&second)), (Ok(1), Err(Refused::Replaced)));
    // And the other way round.
    begin(&second, 4);
    assert_eq!(updated(&second), Err(Refused::Replaced));
    begin(&second, 5);
    assert_eq!((updated(&second), updated(&first)), (Ok(2), Err(Refused::Replaced)));
}

#[test]
fn of_two_whose_successor_is_gone_requests_tell_which_one_it_is() {
    let vm = Vm::of(&Process::start());
    let (first, second, third) = (vm.take(&at(5.0)), vm.take(&at(6.0)), vm.take(&at(7.0)));
    begin(&third, 7);
    drop(third);
    // By its tick.
    assert!(first.is_newest() && !second.is_newest());
    begin(&second, 2);
    assert_eq!((updated(&second), updated(&first)), (Ok(1), Err(Refused::Replaced)));
}

#[test]
fn a_number_is_asked_for_beside_others_until_it_is_known() {
    let vm = Vm::of(&Process::start());
    let (first, rollout) = (vm.take(&at(5.0)), vm.take(&at(6.0)));
    let asked = std::cell::Cell::new(0);
    let tell = |number| {
        rollout.begins(&|| {
            asked.set(asked.get() + 1);
            number
        });
    };
    tell(None);
    tell(Some(1));
    tell(Some(2));
    assert_eq!(asked.get(), 2);
    drop((first, rollout));
    // Alone it has nothing to be told from.
    vm.take(&at(7.0)).begins(&|| panic!("asked"));
}
