//! The VM's monotonic clock.

use sark_core::host::Clock;
use std::time::Instant;

thread_local! {
    static START: Instant = Instant::now();
}

/// Nanoseconds since the VM first asked.
pub struct VmClock;

impl Clock for VmClock {
    fn now(&self) -> u64 {
        let elapsed = START.with(Instant::elapsed);
        u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
    }
}
