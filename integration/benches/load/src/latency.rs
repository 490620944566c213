//! How long replies took.

use std::time::Duration;

use serde_json::{Value, json};

/// Every latency of a run, in nanoseconds.
#[derive(Default)]
pub struct Latencies(Vec<u64>);

impl Latencies {
    /// One more.
    pub fn add(&mut self, took: Duration) {
        self.0.push(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Percentiles in microseconds: exact, since all latencies are kept.
    pub fn summary(mut self) -> Value {
        self.0.sort_unstable();
        let at = |share: f64| {
            let rank = (share * self.0.len() as f64).ceil() as usize;
            self.0.get(rank.saturating_sub(1)).map_or(0.0, |nanoseconds| *nanoseconds as f64 / 1000.0)
        };
        json!({"p50": at(0.50), "p90": at(0.90), "p95": at(0.95), "p99": at(0.99), "max": at(1.0)})
    }
}
