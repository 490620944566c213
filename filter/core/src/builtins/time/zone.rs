//! Time zones. OPA's local zone is taken to be UTC, as in its image.

use super::calendar::Civil;
use crate::builtins::{Context, Failure};

/// A time zone: UTC.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Zone;

impl Zone {
    /// The zone of that name. The names of the IANA database are known to OPA, not to us.
    pub(super) fn named(_: &mut Context, name: &str) -> Result<Self, Failure> {
        match name {
            "" | "UTC" | "Local" => Ok(Self),
            _ if name.contains("..") || name.starts_with(['/', '\\']) => {
                Err(Failure::Error("is not the name of a time zone".into()))
            }
            _ => Err(Failure::Inexact("a time zone other than UTC")),
        }
    }

    /// What a clock in the zone shows.
    pub(super) fn civil(self, nanoseconds: i64) -> Civil {
        Civil::at(nanoseconds, 0, "UTC".to_owned())
    }

    /// Seconds since the epoch when a clock in the zone shows that.
    pub(super) fn seconds(self, civil: &Civil) -> i64 {
        civil.seconds()
    }
}
