//! `shadow`, checked.

use super::compiled::bounded_usize;
use super::error::ConfigError;
use super::raw;
use crate::rollout::Percentage;

/// Checked keys.
#[derive(Debug, Clone, Copy)]
pub struct Shadow {
    /// Share of the requests that the other side decides as well.
    pub percentage: Percentage,
    /// How many of them may wait or be under way in a worker.
    pub max_in_flight: usize,
    /// The memory they may take there.
    pub max_bytes: usize,
    /// Differences of each class that are kept.
    pub keep_differences: usize,
    /// The inline side is slow where it takes this many times as long as the remote side.
    pub latency_ratio: f64,
}

impl Shadow {
    /// Why users have to be known, if they have to.
    pub(super) fn needs_users(self) -> Option<&'static str> {
        self.percentage.is_split().then_some("percentage` is neither 0 nor 100")
    }
}

pub(super) fn shadow(raw: &raw::Shadow, has_remote: bool) -> Result<Shadow, ConfigError> {
    if !has_remote {
        return Err(ConfigError::new("shadow", "has no effect without `remote`: there is one side only; leave it out"));
    }
    let percentage =
        Percentage::new(raw.percentage).map_err(|message| ConfigError::new("shadow.percentage", message))?;
    Ok(Shadow {
        percentage,
        max_in_flight: bounded_usize(raw.max_in_flight, "shadow.max_in_flight", 100, 1, 65_536)?,
        max_bytes: bounded_usize(raw.max_bytes, "shadow.max_bytes", 16 << 20, 1 << 16, 1 << 30)?,
        keep_differences: bounded_usize(raw.keep_differences, "shadow.keep_differences", 10, 0, 100)?,
        latency_ratio: latency_ratio(raw.latency_ratio.unwrap_or(1.0))?,
    })
}

fn latency_ratio(ratio: f64) -> Result<f64, ConfigError> {
    if (0.01..=1000.0).contains(&ratio) {
        Ok(ratio)
    } else {
        Err(ConfigError::new("shadow.latency_ratio", format!("must be between 0.01 and 1000, not {ratio}")))
    }
}
