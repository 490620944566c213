//! The digests that signatures are made of.

use super::algorithm::Hash;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// The digest of the parts, one after the other.
pub(super) fn digest(hash: Hash, parts: &[&[u8]]) -> Vec<u8> {
    match hash {
        Hash::Sha256 => digest_with::<Sha256>(parts),
        Hash::Sha384 => digest_with::<Sha384>(parts),
        Hash::Sha512 => digest_with::<Sha512>(parts),
    }
}

fn digest_with<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
    let mut state = D::new();
    parts.iter().for_each(|part| state.update(part));
    state.finalize().to_vec()
}
