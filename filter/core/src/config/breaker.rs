//! `remote.breaker`, checked.

use super::compiled::{bounded, duration};
use super::error::ConfigError;
use super::raw;
use std::time::Duration;

/// When the remote OPA is taken for one that does not answer.
#[derive(Debug, Clone, Copy)]
pub struct Breaker {
    /// Share of calls without an answer that raises the suspicion.
    pub failure_percentage: u64,
    /// Fewer calls raise none.
    pub minimum_calls: u32,
    /// The calls of how long are looked at.
    pub window: Duration,
    /// Time from a probe without an answer to the next one.
    pub probe_interval: Duration,
    /// Answered probes in a row that close it.
    pub probes: u32,
    /// While it is open, remote users are decided inline.
    pub fallback_to_inline: bool,
}

/// `None`: switched off.
pub(super) fn breaker(raw: &raw::Breaker) -> Result<Option<Breaker>, ConfigError> {
    let count = |value, key, default, max| {
        let value = bounded(value, key, default, 1, max)?;
        u32::try_from(value).map_err(|_| ConfigError::new(key, "is too large"))
    };
    let breaker = Breaker {
        failure_percentage: bounded(raw.failure_percentage, "remote.breaker.failure_percentage", 50, 1, 100)?,
        minimum_calls: count(raw.minimum_calls, "remote.breaker.minimum_calls", 20, 1_000_000)?,
        window: duration(raw.window.as_deref(), "remote.breaker.window", 5_000, 1_000, 600_000)?,
        probe_interval: duration(
            raw.probe_interval.as_deref(),
            "remote.breaker.probe_interval",
            1_000,
            1_000,
            600_000,
        )?,
        probes: count(raw.probes, "remote.breaker.probes", 2, 100)?,
        fallback_to_inline: raw.fallback_to_inline,
    };
    if !raw.enabled && raw.fallback_to_inline {
        return Err(ConfigError::new(
            "remote.breaker.fallback_to_inline",
            "has no effect without the breaker; leave it out",
        ));
    }
    Ok(raw.enabled.then_some(breaker))
}
