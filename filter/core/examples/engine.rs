//! How long loading a configuration and evaluating its decision take: one measurement, printed as a line of JSON.
//!
//! ```text
//! engine CONFIGURATION INPUT
//! ```
//!
//! Both are JSON files: a plugin configuration as `scripts/make-config` prints it, and an input document. Runs natively
//! and, built for `wasm32-wasip1`, in V8 under Node's WASI; `scripts/bench-engine` runs both. All times are in
//! microseconds.

use sark_core::builtins::Moment;
use sark_core::engine::{self, Engine, Shelf};
use sark_core::host::Clock;
use sark_core::{config, json};
use std::error::Error;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Loads after the first one.
const LOADS: usize = 20;
/// Evaluations until the code is compiled for good (V8 does that while it runs).
const WARM_UP: Duration = Duration::from_millis(1_500);
/// Batches and the evaluations of each: the spread tells how quiet the machine was.
const BATCHES: usize = 30;
const BATCH: u32 = 500;

struct Monotonic(Instant);

impl Clock for Monotonic {
    fn now(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    let [configuration, input] = files.as_slice() else { return Err("engine CONFIGURATION INPUT".into()) };
    let configuration = std::fs::read(configuration)?;
    let input = json::parse(&std::fs::read(input)?).map_err(|error| error.to_string())?;

    let started = Instant::now();
    let engine = load(&configuration)?;
    let load_cold = started.elapsed();
    let load_warm = median((0..LOADS).map(|_| timed(|| load(&configuration).map(drop))).collect::<Result<_, _>>()?);

    let evaluate = || engine.evaluate(input.clone(), Moment::default()).map_err(|error| format!("{error:?}").into());
    let evaluate_first = timed(|| evaluate().map(drop))?;
    let warm = Instant::now();
    while warm.elapsed() < WARM_UP {
        evaluate()?;
    }
    let batch = || (0..BATCH).try_for_each(|_| evaluate().map(drop));
    let mut batches = (0..BATCHES).map(|_| timed(batch)).collect::<Result<Vec<_>, _>>()?;
    batches.sort();
    let of_one = |batch: Option<&Duration>| microseconds(batch.copied().unwrap_or_default()) / f64::from(BATCH);
    println!(
        r#"{{"result": {}, "load_cold": {:.1}, "load_warm": {:.1}, "evaluate_first": {:.2}, "evaluate_min": {:.3}, "evaluate": {:.3}}}"#,
        evaluate()?.to_json_str().map_err(|error| error.to_string())?,
        microseconds(load_cold),
        microseconds(load_warm),
        microseconds(evaluate_first),
        of_one(batches.first()),
        of_one(batches.get(BATCHES / 2)),
    );
    Ok(())
}

/// A push, without Envoy: the configuration is read and its policy made ready.
fn load(configuration: &[u8]) -> Result<Engine, Box<dyn Error>> {
    let config = config::read(configuration, &|_| None).map_err(|error| error.to_string())?;
    let loaded = engine::load(&config.policy, &Shelf::default(), &[]).remove(0).map_err(|error| error.to_string())?;
    Ok(Engine::new(loaded, config.settings.limits, Rc::new(Monotonic(Instant::now()))))
}

fn timed(run: impl Fn() -> Result<(), Box<dyn Error>>) -> Result<Duration, Box<dyn Error>> {
    let started = Instant::now();
    run()?;
    Ok(started.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
