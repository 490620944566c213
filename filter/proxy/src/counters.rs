//! Counts in Envoy's stats. Metrics are defined once per VM; a push keeps them.

use crate::hostcalls::{self, Metric};
use hashbrown::HashMap;
use sark_core::engine::Swept;
use sark_core::host::HostError;
use sark_core::metrics::{
    BREAKERS_OPEN, CACHE_BYTES, CACHE_ENTRIES, CALLOUTS_IN_FLIGHT, CacheOperation, Counter, LIVE_CHANGES,
};
use std::cell::RefCell;

#[derive(Default)]
struct Ids {
    counters: HashMap<Counter, u32>,
    callouts_in_flight: Option<u32>,
    live_changes: Option<u32>,
    cache_entries: Share,
    cache_bytes: Share,
    breakers_open: Share,
}

/// What this VM adds to a gauge of all of them.
#[derive(Default)]
struct Share {
    id: Option<u32>,
    now: i64,
}

impl Share {
    fn of(name: &str) -> Self {
        Self { id: defined(Metric::Gauge, name), now: 0 }
    }

    fn set(&mut self, value: usize) {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        let change = value.saturating_sub(std::mem::replace(&mut self.now, value));
        if change != 0 {
            add(self.id, change);
        }
    }
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
            live_changes: defined(Metric::Gauge, LIVE_CHANGES),
            cache_entries: Share::of(CACHE_ENTRIES),
            cache_bytes: Share::of(CACHE_BYTES),
            breakers_open: Share::of(BREAKERS_OPEN),
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
    add(id(counter), 1);
}

/// How often all VMs of the process have counted this.
pub fn counted(counter: Counter) -> Result<u64, HostError> {
    id(counter).ok_or(HostError).and_then(hostcalls::metric)
}

fn id(counter: Counter) -> Option<u32> {
    IDS.with_borrow(|ids| ids.as_ref()?.counters.get(&counter).copied())
}

/// Tells how the caches of this VM stand.
pub fn report_caches(swept: Swept) {
    IDS.with_borrow_mut(|ids| {
        let Some(ids) = ids.as_mut() else { return };
        ids.cache_entries.set(swept.entries);
        ids.cache_bytes.set(swept.bytes);
        let expired = ids.counters.get(&Counter::Cache(CacheOperation::Expire)).copied();
        if swept.expired > 0 {
            add(expired, i64::try_from(swept.expired).unwrap_or(i64::MAX));
        }
    });
}

/// Tells how many remote OPAs this VM does not ask.
pub fn report_breakers(open: usize) {
    IDS.with_borrow_mut(|ids| {
        if let Some(ids) = ids.as_mut() {
            ids.breakers_open.set(open);
        }
    });
}

/// Adds to the number of open calls.
pub fn add_callouts_in_flight(offset: i64) {
    add(IDS.with_borrow(|ids| ids.as_ref()?.callouts_in_flight), offset);
}

/// How often live states were changed, by all VMs of the process.
pub fn live_changes() -> Result<u64, HostError> {
    live_changes_id().and_then(hostcalls::metric)
}

/// A live state was changed.
pub fn announce_live_change() -> Result<(), HostError> {
    live_changes_id().and_then(|id| hostcalls::increment_metric(id, 1))
}

fn live_changes_id() -> Result<u32, HostError> {
    IDS.with_borrow(|ids| ids.as_ref()?.live_changes).ok_or(HostError)
}

/// A metric that cannot be counted must not change a decision.
fn add(id: Option<u32>, offset: i64) {
    if let Some(id) = id {
        let _ = hostcalls::increment_metric(id, offset);
    }
}
