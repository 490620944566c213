//! When a root context is called next without a request: once a second, or at once while something waits for it.

use crate::hostcalls;
use std::cell::Cell;

/// The first time. A push must end what it ends before the next push comes, else going back would revive it.
const FIRST_MILLISECONDS: u32 = 20;

/// How soon what waits is taken up.
const QUICK_MILLISECONDS: u32 = 1;

/// How often every VM, the main thread's too, is called without a request.
const MILLISECONDS: u32 = 1_000;

/// The ticks of one root context, shared with its streams: from their callbacks too Envoy sets the period of the root
/// context.
#[derive(Default)]
pub struct Ticks {
    /// In milliseconds; 0: there are none yet.
    period: Cell<u32>,
}

impl Ticks {
    /// The first one comes soon.
    pub fn start(&self) {
        self.set(FIRST_MILLISECONDS);
    }

    /// Something waits for the next one.
    pub fn hasten(&self) {
        self.set(QUICK_MILLISECONDS);
    }

    /// Nothing waits any more.
    pub fn calm(&self) {
        self.set(MILLISECONDS);
    }

    /// If it fails, ticks come as they did, and it is tried again the next time.
    fn set(&self, period: u32) {
        if self.period.get() != period && hostcalls::set_tick_period(period).is_ok() {
            self.period.set(period);
        }
    }
}
