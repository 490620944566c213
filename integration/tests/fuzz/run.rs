//! The loop around a target, and who watches it.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fastrand::Rng;

/// Something that is fed.
pub trait Target {
    /// The next thing to try.
    fn next(&mut self, rng: &mut Rng) -> Vec<u8>;

    /// Tries it. Whether it was taken: a target that takes nothing finds nothing.
    fn run(&mut self, input: &[u8]) -> bool;
}

/// Longest that one execution may take: a hundred times what the largest seed takes in a build without optimisation.
const BOUND: Duration = Duration::from_secs(5);

/// The stack that the module has at least left for loading and evaluating.
const STACK: usize = 512 * 1024;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[derive(Default)]
struct Progress {
    executions: u64,
    taken: u64,
    slowest: Duration,
}

/// When the running execution began.
type Beginning = Arc<Mutex<Option<Instant>>>;

/// Feeds a target, which is made on the thread it runs on.
pub fn fuzz<T: Target>(name: &'static str, make: impl FnOnce() -> T + Send + 'static) {
    let (seconds, seed) = (setting("SARK_FUZZ_SECONDS", 2), setting("SARK_FUZZ_SEED", 1));
    let file = std::env::temp_dir().join(format!("sark-fuzz-{name}-{}", std::process::id()));
    println!("{name}: seed {seed}, {seconds} s, what is tried stands in {}", file.display());
    let beginning = Beginning::default();
    let work = {
        let (beginning, file) = (Arc::clone(&beginning), file.clone());
        move || feed(make(), Rng::with_seed(seed), Duration::from_secs(seconds), &beginning, &file)
    };
    let worker = std::thread::Builder::new().stack_size(STACK).spawn(work).expect("a thread");
    while !worker.is_finished() {
        std::thread::sleep(Duration::from_millis(20));
        let began = *beginning.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(began.is_none_or(|began| began.elapsed() < BOUND), "{name}: {} takes too long", file.display());
    }
    let progress = worker.join().unwrap_or_else(|_| panic!("{name}: seed {seed}, {} panics", file.display()));
    let Progress { executions, taken, slowest } = progress;
    println!("{name}: seed {seed}, {executions} executions, {taken} taken, the slowest {slowest:?}");
    assert!(taken > 0, "{name}: nothing was taken");
    std::fs::remove_file(&file).expect("the file of what was tried");
}

fn feed<T: Target>(mut target: T, mut rng: Rng, time: Duration, beginning: &Beginning, file: &Path) -> Progress {
    let (mut progress, end) = (Progress::default(), Instant::now() + time);
    let set = |value| *beginning.lock().unwrap_or_else(PoisonError::into_inner) = value;
    while Instant::now() < end {
        let input = target.next(&mut rng);
        keep(file, &input);
        let began = Instant::now();
        set(Some(began));
        progress.taken += u64::from(target.run(&input));
        set(None);
        progress.executions += 1;
        progress.slowest = progress.slowest.max(began.elapsed());
    }
    progress
}

fn keep(file: &Path, input: &[u8]) {
    std::fs::write(file, input).expect("the file of what is tried");
}
