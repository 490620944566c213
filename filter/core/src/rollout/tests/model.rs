//! Random histories of workers, pushes, changes and ticks.

use super::*;
use crate::host::testing::Random;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const FEATURES: [Feature; 2] = Feature::ALL;

/// `rust_opa` and `rust_cache` of a configuration, and something that is neither.
#[derive(Clone, Copy, PartialEq)]
struct Pushed([(bool, f64); 2], u64);

impl Pushed {
    fn random(random: &mut Random) -> Self {
        let mut feature = || (random.next(5) > 0, random.pick(&[0.0, 5.0, 100.0]));
        Self([feature(), feature()], 1 + random.next(3) as u64)
    }

    fn json(self) -> Json {
        let Self([opa, cache], ttl) = self;
        features(
            json!({"enabled": opa.0, "rollout_percentage": opa.1}),
            json!({"enabled": cache.0, "rollout_percentage": cache.1, "ttl_seconds": ttl}),
        )
    }
}

/// A worker: the configuration in force, and earlier ones that requests still hold.
struct Worker {
    vm: Vm,
    rollouts: Vec<(Pushed, Rollout)>,
}

impl Worker {
    fn new(process: &Rc<Process>, pushed: Pushed) -> Self {
        let mut worker = Self { vm: Vm::of(process), rollouts: Vec::new() };
        worker.take(pushed, 1);
        worker
    }

    /// The last `held` ones stay.
    fn take(&mut self, pushed: Pushed, held: usize) {
        self.rollouts.push((pushed, self.vm.take(&pushed.json())));
        let surplus = self.rollouts.len().saturating_sub(held);
        self.rollouts.drain(..surplus);
    }

    fn now(&self) -> &Rollout {
        &self.rollouts.last().unwrap().1
    }
}

/// `None`: absent, as nobody has it there.
fn has(rollout: &Rollout, feature: Feature, user: &str) -> bool {
    let in_force = rollout.in_force();
    match feature {
        Feature::RustOpa => in_force.rust_opa.applies(Some(user)),
        Feature::RustCache => in_force.rust_cache.unwrap().applies(Some(user)),
    }
}

/// A push reaches every worker before anything else happens: then each knows exactly what was said last.
#[test]
fn what_was_said_last_holds_on_every_worker() {
    for seed in 1..=60 {
        let mut random = Random::new(seed * 7919);
        let process = Process::start();
        let mut pushed = Pushed([(true, 5.0), (true, 5.0)], 1);
        let mut workers: Vec<_> = (0..3).map(|_| Worker::new(&process, pushed)).collect();
        // By feature: what an operator said of it as it is.
        let mut said: [Option<(f64, bool)>; 2] = [None, None];
        for step in 0..60 {
            let at = random.next(3);
            let index = random.next(2);
            match random.next(6) {
                0 | 1 => {
                    let next = Pushed::random(&mut random);
                    for (said, (now, next)) in said.iter_mut().zip(pushed.0.iter().zip(next.0)) {
                        *said = said.filter(|_| *now == next);
                    }
                    pushed = next;
                    workers.iter_mut().for_each(|worker| worker.take(pushed, 2));
                    // The first tick of one of them comes before the next push.
                    let _ = workers[at].now().tick();
                }
                2 => {
                    let percentage = random.pick(&[0.0, 12.79, 50.0, 100.0]);
                    if workers[at].now().update(&to(FEATURES[index], percentage), "ops").is_ok() {
                        said[index] = Some((percentage, false));
                    }
                }
                3 => {
                    workers[at].now().rollback(FEATURES[index], "ops").unwrap();
                    said[index] = Some((0.0, true));
                }
                4 => workers[at] = Worker::new(&process, pushed),
                _ => drop(workers[at].now().tick()),
            }
            for (worker, index) in workers.iter().flat_map(|worker| [(worker, 0), (worker, 1)]) {
                let (enabled, configured) = pushed.0[index];
                let (percentage, rolled_back) = said[index].unwrap_or((configured, false));
                let view = &worker.now().features().features[index];
                assert_eq!(
                    (view.percentage, view.source == Source::Override, view.status == Status::RolledBack),
                    (Percentage::new(percentage).unwrap(), said[index].is_some(), rolled_back),
                    "seed {seed}, step {step}"
                );
                for user in ["alice", "bob"] {
                    let inside =
                        Percentage::new(percentage).unwrap().contains(bucket(FEATURES[index].label(), user.as_bytes()));
                    let expected = enabled && !rolled_back && inside;
                    assert_eq!(has(worker.now(), FEATURES[index], user), expected, "seed {seed}, step {step}");
                }
            }
        }
    }
}

/// A push reaches the workers one after the other, with anything in between: changes on workers that have it or not, VMs
/// that trap, races. After a rollback was acknowledged nobody has the feature, on whichever worker, under whichever
/// configuration that a request may still hold, until an update or a push of the feature.
#[test]
fn after_a_rollback_nobody_has_the_feature_until_somebody_says_so() {
    let mut rolled_back_steps = 0;
    for seed in 1..=150 {
        let mut random = Random::new(seed * 104_729);
        let process = Process::start();
        let first = Pushed([(true, 100.0), (true, 100.0)], 1);
        let mut workers: Vec<_> = (0..3).map(|_| Worker::new(&process, first)).collect();
        // The last of them is in force as soon as all workers have it.
        let mut pushes = vec![first];
        let mut reached = [0; 3];
        let mut is_rolled_back = [false; 2];
        for step in 0..80 {
            let at = random.next(3);
            let index = random.next(2);
            let feature = FEATURES[index];
            match random.next(9) {
                0 if reached == [pushes.len() - 1; 3] => {
                    let next = Pushed::random(&mut random);
                    for (rolled_back, (now, next)) in
                        is_rolled_back.iter_mut().zip(pushes[pushes.len() - 1].0.iter().zip(next.0))
                    {
                        *rolled_back &= *now == next;
                    }
                    pushes.push(next);
                }
                0..=2 if reached[at] + 1 < pushes.len() => {
                    reached[at] += 1;
                    workers[at].take(pushes[reached[at]], 3);
                }
                3 => {
                    let _ = workers[at].now().update(&to(feature, 100.0), "ops").map(|_| is_rolled_back[index] = false);
                }
                // Where the last push has arrived, else it may end what is said.
                4 if reached[at] + 1 == pushes.len() => {
                    workers[at].now().rollback(feature, "ops").unwrap();
                    is_rolled_back[index] = true;
                }
                5 if reached[at] + 1 == pushes.len() => {
                    // Another worker's rollback comes between this one's look and its change.
                    let other = Vm::of(&process).take(&pushes[reached[at]].json());
                    *process.meanwhile.borrow_mut() =
                        Some(Box::new(move || drop(other.rollback(feature, "ops").unwrap())));
                    let other_feature = FEATURES[1 - index];
                    let changed = workers[at].now().update(&to(other_feature, 100.0), "ops");
                    // Without an attempt to store there was nobody between.
                    is_rolled_back[index] |= process.meanwhile.take().is_none();
                    is_rolled_back[1 - index] &= changed.is_err();
                }
                // A VM that traps is made anew for the configuration that is in force then.
                6 => {
                    reached[at] = pushes.len() - 1;
                    workers[at] = Worker::new(&process, pushes[reached[at]]);
                }
                7 => drop(workers[at].now().tick()),
                _ => {
                    for (_, rollout) in &workers[at].rollouts {
                        let _ = rollout.tick();
                    }
                }
            }
            for worker in &workers {
                for ((_, rollout), index) in worker.rollouts.iter().flat_map(|rollout| [(rollout, 0), (rollout, 1)]) {
                    if is_rolled_back[index] {
                        rolled_back_steps += 1;
                        assert!(!has(rollout, FEATURES[index], "bob"), "seed {seed}, step {step}");
                        assert!(!has(rollout, FEATURES[index], "alice"), "seed {seed}, step {step}");
                    }
                }
            }
        }
    }
    assert!(rolled_back_steps > 10_000, "{rolled_back_steps}");
}
