//! A decision cache beside the evaluator: what is found there is what an evaluation gives.

use std::time::Duration;

use regorus::Value;
use sark_core::builtins::Purity;
use sark_core::cache::{Facts, Keeper, Kept, Question, Revision};
use sark_core::config;
use sark_core::decision::{self, Decision};
use sark_core::engine::Shelf;
use sark_core::metrics::Implementation::Rust;
use sark_core::plan::Footprint;
use sark_core::policy::DecisionPath;
use sark_core::request::Shape;

const CONFIGURATION: &[u8] = br#"{"features": {"rust_cache": {"ttl_seconds": 86400}}}"#;

/// The cache of one policy and its data.
pub struct Memory {
    keeper: Keeper,
    now: u64,
}

impl Memory {
    pub fn new(footprint: &Footprint) -> Self {
        let settings = config::read(CONFIGURATION, &|_| None).expect("a configuration").settings;
        let settings = settings.rust_cache.expect("a cache");
        let impure = footprint.builtins.iter().filter(|builtin| builtin.purity != Purity::Pure);
        let facts = Facts { reads: footprint.input.clone(), impure: impure.map(|builtin| builtin.name).collect() };
        let revision = Revision::of(CONFIGURATION, &settings.times);
        let path = DecisionPath::parse("t/x").expect("a path");
        let (shape, shelf) = (Shape::default(), Shelf::default());
        let (keeper, _) = Keeper::new(&settings, &shape, &revision, &[path], &[Some(facts)], &shelf);
        Self { keeper, now: 0 }
    }

    /// Asks for the answer to an input, keeps `answer` if there is none, then asks with no more of the input than is read.
    /// What is wrong, if something is: another answer was kept, or the one that was kept is not found again.
    pub fn try_it(&mut self, input: &Value, part: &Value, answer: Option<&str>) -> Option<String> {
        self.now += Duration::from_millis(1).as_nanos() as u64;
        let decision = decision(answer);
        match self.recall(input) {
            Kept::Never => return None,
            Kept::Decision(kept) if kept != decision => return Some(format!("kept {kept:?}, now {decision:?}")),
            Kept::Decision(_) => {}
            Kept::Nothing(place) => {
                self.keeper.keep(place, &decision, None).expect("it is kept");
            }
        }
        match self.recall(part) {
            Kept::Decision(kept) if kept == decision => None,
            other => Some(format!("of the part that is read {other:?} is kept, not {decision:?}")),
        }
    }

    fn recall(&self, input: &Value) -> Kept {
        self.keeper.recall(Rust, 0, Question::Input(input), self.now, || None).unwrap_or(Kept::Never)
    }
}

/// A decision that carries an answer of any kind.
fn decision(answer: Option<&str>) -> Decision {
    let escaped: String = answer.map_or_else(|| "undefined".to_owned(), |text| format!("={}", text.escape_default()));
    let text = serde_json::json!({"allowed": false, "body": escaped}).to_string();
    decision::read(&Value::from_json_str(&text).expect("JSON")).expect("a decision")
}
