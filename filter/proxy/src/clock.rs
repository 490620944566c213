//! The VM's clocks.

use sark_core::host::Clock;
use std::time::{Instant, SystemTime};

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

/// The time of day, nanoseconds since 1970 in UTC; `None` outside the years 1970 to 2262.
pub fn epoch_nanoseconds() -> Option<i64> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_nanos()).ok()
}

/// The time of day, milliseconds since 1970 in UTC.
pub fn epoch_milliseconds() -> Option<u64> {
    u64::try_from(epoch_nanoseconds()?.div_euclid(1_000_000)).ok()
}
