//! Evaluates what was loaded, under small limits.

use std::rc::Rc;
use std::time::{Duration, Instant};

use regorus::Value;
use sark_core::builtins::{Context, Moment};
use sark_core::config::Limits;
use sark_core::host::Clock;
use sark_core::plan::{Entry, Plan, Scratch};

/// So few steps that much is tried; nothing depends on the time.
const LIMITS: Limits = Limits { time: Duration::from_secs(3_600), steps: 20_000 };

struct WallClock(Instant);

impl Clock for WallClock {
    fn now(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// A context whose budget is yet to be filled.
pub fn context() -> Context {
    Context::new(Rc::new(WallClock(Instant::now())))
}

/// What a real request and the odd policy read.
const INPUT: &str = r#"{
    "attributes": {"request": {"http": {"method": "GET", "path": "/a/b", "headers": {"authorization": "Bearer a.b.c"}}}},
    "parsed_path": ["a", "b"], "a": 1, "b": {"c": [1, 2, {"d": null}]}, "s": "text", "l": [1, "x", [2]], "n": 2.5,
    "role": "admin", "roles": ["admin", "user"], "u": "al", "k": "a"
}"#;

const DATA: &str = r#"{"roles": {"admin": ["GET"]}, "t": {"d": [1, 2, 3]}, "perms": {"al": {"ok": true}}}"#;

/// Evaluates things again and again, with one memory as in production.
pub struct Evaluator {
    context: Context,
    scratch: Scratch,
    input: Value,
    data: Value,
}

impl Evaluator {
    pub fn new() -> Self {
        let read = |text: &str| sark_core::json::parse(text.as_bytes()).expect("a document");
        Self { context: context(), scratch: Scratch::default(), input: read(INPUT), data: read(DATA) }
    }

    /// Whatever comes out is fine; that it comes out is what is tried.
    pub fn evaluate(&mut self, plan: &Plan, entry: Entry, data: Option<&Value>) {
        self.context.begin(LIMITS, Moment { now_ns: 1_700_000_000_000_000_000, seed: 1 });
        let data = data.unwrap_or(&self.data);
        let answer = plan.evaluate(entry, &self.input, data, &mut self.context, &mut self.scratch);
        drop(answer.map(|results| format!("{results:?}").len()));
    }
}
