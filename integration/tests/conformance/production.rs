//! What production gives an evaluation.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sark_core::builtins::Moment;
use sark_core::config::Limits;
use sark_core::host::Clock;

/// The default budget of steps. Time is a bound for a hang only: what the page says must not depend on the machine.
pub const LIMITS: Limits = Limits { time: Duration::from_secs(60), steps: 1_000_000 };

/// Now, for cases that look at certificates and tokens.
pub fn moment() -> Moment {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock behind 1970");
    Moment { now_ns: since_epoch.as_nanos() as i64, seed: 1 }
}

pub struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> u64 {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed().as_nanos() as u64
    }
}
