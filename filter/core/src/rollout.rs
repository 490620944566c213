//! Which side decides for a user: sticky buckets, in integers, the same everywhere and for ever.
//!
//! The hash is part of the product's contract: `docs/configuration.md` states it and publishes vectors.

use sha2::{Digest, Sha256};

/// Salt of the feature `rust_opa`: its name.
pub const RUST_OPA: &str = "rust_opa";

/// Salt of the feature `rust_cache`: its name.
pub const RUST_CACHE: &str = "rust_cache";

const BUCKETS: u64 = 10_000;

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

    /// 100 %.
    #[must_use]
    pub const fn is_everyone(self) -> bool {
        self.0 == 10_000
    }

    /// Neither 0 % nor 100 %.
    #[must_use]
    pub const fn is_split(self) -> bool {
        self.0 > 0 && self.0 < 10_000
    }

    /// Whether a bucket is inside the share.
    #[must_use]
    pub const fn contains(self, bucket: u16) -> bool {
        bucket < self.0
    }
}

/// The bucket of a user, 0 to 9999: the first eight bytes of SHA-256(feature, 0x00, user) as a big-endian number,
/// modulo 10000.
#[must_use]
pub fn bucket(feature: &str, user: &[u8]) -> u16 {
    let mut hash = Sha256::new();
    hash.update(feature.as_bytes());
    hash.update([0]);
    hash.update(user);
    let digest = hash.finalize();
    let number = digest.iter().take(8).fold(0_u64, |number, byte| number.wrapping_shl(8) | u64::from(*byte));
    // Below 10000, so the conversion never fails; a failure would mean "last bucket", the last to be rolled over.
    u16::try_from(number.checked_rem(BUCKETS).unwrap_or(0)).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn published_vectors_hold() {
        for (user, expected) in [("alice", 8301), ("bob", 1278), ("user-42", 3005), ("héloïse", 7200)] {
            assert_eq!(bucket(RUST_OPA, user.as_bytes()), expected, "{user}");
        }
        for (user, expected) in [("alice", 3408), ("bob", 3849), ("user-42", 7305), ("héloïse", 9066)] {
            assert_eq!(bucket(RUST_CACHE, user.as_bytes()), expected, "{user}");
        }
    }

    #[test]
    fn raising_the_percentage_only_adds_users() {
        let steps = [0.0, 0.01, 1.0, 5.0, 25.0, 50.0, 99.99, 100.0].map(|p| Percentage::new(p).unwrap());
        for user in 0..2_000 {
            let bucket = bucket(RUST_OPA, format!("u{user}").as_bytes());
            let sides = steps.map(|step| step.contains(bucket));
            assert!(sides.is_sorted(), "user {user} moved back");
            assert_eq!((sides[0], sides[7]), (false, true));
        }
    }

    #[test]
    fn percentages_have_at_most_two_decimals() {
        for hundredths in 0..=10_000_u16 {
            let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
            assert_eq!(Percentage::new(text.parse().unwrap()), Ok(Percentage(hundredths)), "{text}");
        }
        for bad in [-0.01, 100.01, 0.001, 33.333, f64::NAN, f64::INFINITY] {
            assert!(Percentage::new(bad).is_err(), "{bad}");
        }
    }
}
