//! How many calls to the remote OPA are open in this worker.
//!
//! Envoy does not cancel a call whose client went away, and the SDK drops its answer without telling, so such a call
//! is counted until its deadline: else a client that opens and aborts requests could pile up calls without bound.

use crate::clock::VmClock;
use crate::counters;
use sark_core::host::Clock;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::Duration;

#[derive(Default)]
struct Open {
    awaited: usize,
    /// Deadlines of calls nobody waits for any more, in nanoseconds of the VM's clock.
    abandoned: VecDeque<u64>,
}

thread_local! {
    static OPEN: RefCell<Open> = RefCell::default();
}

impl Open {
    fn count(&mut self) -> usize {
        let now = VmClock.now();
        self.abandoned.retain(|deadline| *deadline > now);
        self.awaited.saturating_add(self.abandoned.len())
    }
}

/// One call that is awaited. Dropping it gives up waiting.
pub struct Awaited {
    deadline: u64,
    answered: bool,
}

impl Awaited {
    /// Takes a place, or `None` when `limit` calls are open.
    pub fn begin(limit: usize, timeout: Duration) -> Option<Self> {
        OPEN.with_borrow_mut(|open| {
            if open.count() >= limit {
                return None;
            }
            open.awaited = open.awaited.saturating_add(1);
            counters::add_callouts_in_flight(1);
            let timeout = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
            Some(Self { deadline: VmClock.now().saturating_add(timeout), answered: false })
        })
    }

    /// The call is over: it was answered, or never sent.
    pub fn end(mut self) {
        self.answered = true;
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        OPEN.with_borrow_mut(|open| {
            open.awaited = open.awaited.saturating_sub(1);
            if !self.answered {
                open.abandoned.push_back(self.deadline);
            }
        });
        counters::add_callouts_in_flight(-1);
    }
}
