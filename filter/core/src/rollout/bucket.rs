//! Where a user stands: sticky buckets, in integers, the same everywhere and for ever.
//!
//! The hash is part of the product's contract: `docs/configuration.md` states it and publishes vectors.

use sha2::{Digest, Sha256};

const BUCKETS: u64 = 10_000;

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
    use crate::rollout::{Percentage, RUST_CACHE, RUST_OPA, SHADOW};
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
        for (user, expected) in [("alice", 7175), ("bob", 1844), ("user-42", 2765), ("héloïse", 6157)] {
            assert_eq!(bucket(SHADOW, user.as_bytes()), expected, "{user}");
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
}
