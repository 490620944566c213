//! Counts in Envoy's stats. Metrics are defined once per VM; a push keeps them.

use crate::hostcalls::{self, Metric};
use hashbrown::HashMap;
use sark_core::metrics::{CALLOUTS_IN_FLIGHT, Counter};
use std::cell::RefCell;

#[derive(Default)]
struct Ids {
    counters: HashMap<Counter, u32>,
    callouts_in_flight: Option<u32>,
}

thread_local! {
    static IDS: RefCell<Option<Ids>> = const { RefCell::new(None) };
}

/// Defines every metric, so that all of them stand in the stats from the first scrape on. Does nothing a second time.
pub fn define() {
    IDS.with_borrow_mut(|ids| {
        ids.get_or_insert_with(|| Ids {
            counters: Counter::all()
                .into_iter()
                .filter_map(|counter| Some((counter, defined(Metric::Counter, &counter.name())?)))
                .collect(),
            callouts_in_flight: defined(Metric::Gauge, CALLOUTS_IN_FLIGHT),
        });
    });
}

fn defined(kind: Metric, name: &str) -> Option<u32> {
    let id = hostcalls::define_metric(kind, name).ok();
    if id.is_none() {
        log::error!("metric {name} cannot be defined and will not be counted");
    }
    id
}

/// Counts one.
pub fn count(counter: Counter) {
    let id = IDS.with_borrow(|ids| ids.as_ref()?.counters.get(&counter).copied());
    add(id, 1);
}

/// Adds to the number of open calls.
pub fn add_callouts_in_flight(offset: i64) {
    add(IDS.with_borrow(|ids| ids.as_ref()?.callouts_in_flight), offset);
}

/// A metric that cannot be counted must not change a decision.
fn add(id: Option<u32>, offset: i64) {
    if let Some(id) = id {
        let _ = hostcalls::increment_metric(id, offset);
    }
}
