//! Waiting for a condition, always with a deadline.

use std::time::{Duration, Instant};

use crate::{Error, Result};

/// How long a test waits for what takes a moment, on a machine that is busy.
pub const SOON: Duration = Duration::from_secs(30);

/// How often a condition is looked at.
const STEP: Duration = Duration::from_millis(5);

/// Asks `probe` until it answers `Some`, for at most `limit`.
pub fn until<T>(limit: Duration, what: &str, mut probe: impl FnMut() -> Option<T>) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = probe() {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            return Err(Error::new(format!("{what}: not so within {limit:?}")));
        }
        std::thread::sleep(STEP);
    }
}
