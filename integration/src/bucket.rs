//! The documented bucket of a user, written down a second time and sharing nothing with the filter.

use sha2::{Digest as _, Sha256};

/// The first 8 bytes of SHA-256(`feature`, a zero byte, `user`), big-endian, modulo 10,000.
#[must_use]
pub fn bucket(feature: &str, user: impl AsRef<[u8]>) -> u64 {
    let digest = Sha256::new().chain_update(feature).chain_update([0]).chain_update(user).finalize();
    digest.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte)) % 10_000
}

/// Whether a user is decided inline at `percentage`.
#[must_use]
pub fn inline(feature: &str, user: impl AsRef<[u8]>, percentage: f64) -> bool {
    (bucket(feature, user) as f64) < (percentage * 100.0).round()
}
