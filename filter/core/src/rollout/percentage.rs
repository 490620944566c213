//! A share of users, in hundredths of a percent.

use super::bucket;

const EVERYONE: u16 = 10_000;

/// A share of users in hundredths of a percent, 0 to 10000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percentage(u16);

impl Percentage {
    /// From the number in the configuration.
    ///
    /// # Errors
    /// Outside 0 to 100, or more than two decimals (the buckets are hundredths).
    pub fn new(percent: f64) -> Result<Self, String> {
        if !(0.0..=100.0).contains(&percent) {
            return Err(format!("must be between 0 and 100, not {percent}"));
        }
        let hundredths = (percent * 100.0).round();
        // A decimal with at most two digits after the point is exactly the double that this division gives.
        if hundredths / 100.0 != percent {
            return Err(format!("may have at most two decimals, not {percent}"));
        }
        // In range by the first check; a cast of a float saturates and cannot panic.
        Ok(Self(hundredths as u16))
    }

    /// Nobody.
    pub const NOBODY: Self = Self(0);

    /// From hundredths of a percent, if they are at most 10000.
    #[must_use]
    pub fn of_hundredths(hundredths: u16) -> Option<Self> {
        (hundredths <= EVERYONE).then_some(Self(hundredths))
    }

    /// Hundredths of a percent.
    #[must_use]
    pub const fn hundredths(self) -> u16 {
        self.0
    }

    /// 0 %.
    #[must_use]
    pub const fn is_nobody(self) -> bool {
        self.0 == 0
    }

    /// 100 %.
    #[must_use]
    pub const fn is_everyone(self) -> bool {
        self.0 == EVERYONE
    }

    /// Neither 0 % nor 100 %.
    #[must_use]
    pub const fn is_split(self) -> bool {
        !self.is_nobody() && !self.is_everyone()
    }

    /// Whether a user is inside the share, by the buckets of this salt. Nobody in particular is inside only where everyone
    /// is.
    #[must_use]
    pub fn includes(self, salt: &str, user: Option<&str>) -> bool {
        self.is_everyone() || user.is_some_and(|user| self.contains(bucket(salt, user.as_bytes())))
    }

    /// Whether a bucket is inside the share.
    #[must_use]
    pub const fn contains(self, bucket: u16) -> bool {
        bucket < self.0
    }
}

/// As JSON has it: `5`, `0.5`, `12.34`.
impl std::fmt::Display for Percentage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The nearest double of a decimal is written as that decimal.
        write!(f, "{}", f64::from(self.0) / 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn percentages_have_at_most_two_decimals() {
        for hundredths in 0..=10_000_u16 {
            let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
            assert_eq!(Percentage::new(text.parse().unwrap()), Ok(Percentage(hundredths)), "{text}");
            let shown = Percentage(hundredths).to_string();
            assert_eq!(shown.parse::<f64>(), text.parse(), "{shown}");
            assert!(shown.len() <= text.len(), "{shown}");
        }
        for bad in [-0.01, 100.01, 0.001, 33.333, f64::NAN, f64::INFINITY] {
            assert!(Percentage::new(bad).is_err(), "{bad}");
        }
    }
}
