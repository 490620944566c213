//! What is kept of tokens and keys: only what depends on nothing but the bytes that are looked up with. Never whether a
//! token is valid *now*.

use super::keys::KeySet;
use crate::builtins::bounded::Bounded;
use regorus::Value;
use sha2::{Digest, Sha256};
use std::rc::Rc;
use std::sync::Arc;

/// The memory of `io.jwt.*`.
#[derive(Default)]
pub(in super::super) struct TokenMemory {
    /// Parsed keys, by the text that holds them.
    pub(super) keys: Bounded<Arc<str>, Rc<KeySet>, 64, 0x10_0000>,
    /// What `io.jwt.decode` answers, by token.
    pub(super) decoded: Bounded<Arc<str>, Value, 512, 0x20_0000>,
    /// What `io.jwt.verify_*` answers, by [`fingerprint`].
    pub(super) verified: Bounded<[u8; 32], bool, 4096, 0x10_0000>,
    /// What `io.jwt.decode_verify` found before it looked at the claims, by [`fingerprint`].
    pub(super) opened: Bounded<[u8; 32], Opened, 512, 0x20_0000>,
}

/// A token whose signature has been looked at.
#[derive(Debug, Clone)]
pub(super) enum Opened {
    /// The signature or the header do not fit what is demanded.
    Refused,
    /// Header and payload, of the innermost token if it is nested.
    Trusted(Value, Value),
}

/// One number for all parts, which no other parts have: each stands behind its length.
pub(super) fn fingerprint(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn parts_cannot_be_confused() {
        assert_ne!(fingerprint(&[b"ab", b"c"]), fingerprint(&[b"a", b"bc"]));
        assert_ne!(fingerprint(&[b"ab"]), fingerprint(&[b"ab", b""]));
    }
}
