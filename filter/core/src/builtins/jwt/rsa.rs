//! RSA signatures, verified (RFC 8017). Nothing here is secret, so nothing here has to take constant time.

use super::super::pki::key::RsaKey;
use super::algorithm::Hash;
use super::hash::digest;
use num_bigint::BigUint;

/// The ASN.1 that stands before a digest in a PKCS #1 v1.5 signature.
const fn digest_info(hash: Hash) -> &'static [u8; 19] {
    match hash {
        Hash::Sha256 => b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
        Hash::Sha384 => b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30",
        Hash::Sha512 => b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
    }
}

/// What was signed: the signature to the power of the public exponent, as long as the modulus.
fn open(key: &RsaKey, signature: &[u8]) -> Option<Vec<u8>> {
    if !key.is_sound() || signature.len() != key.size() {
        return None;
    }
    let signature = BigUint::from_bytes_be(signature);
    if signature >= key.modulus {
        return None;
    }
    let digits = signature.modpow(&key.exponent, &key.modulus).to_bytes_be();
    let mut opened = vec![0; key.size().checked_sub(digits.len())?];
    opened.extend(digits);
    Some(opened)
}

/// RSASSA-PKCS1-v1_5: what was signed is built again and compared as a whole; nothing in it is parsed.
pub(super) fn verify_pkcs1(key: &RsaKey, hash: Hash, message: &[u8], signature: &[u8]) -> Option<bool> {
    Some(open(key, signature)? == padded_pkcs1(hash, message, key.size())?)
}

/// What is signed: zero, one, filling, zero, and the digest with its name.
pub(super) fn padded_pkcs1(hash: Hash, message: &[u8], size: usize) -> Option<Vec<u8>> {
    let tail = [&[0], &digest_info(hash)[..], &digest(hash, &[message])].concat();
    let filling = size.checked_sub(tail.len())?.checked_sub(2)?;
    (filling >= 8).then(|| [&[0, 1], &vec![0xff; filling][..], &tail].concat())
}

/// How long the salt of a PSS signature has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Salt {
    Any,
    AsLongAsTheDigest,
}

/// RSASSA-PSS with MGF1 and one hash for all (RFC 8017, 9.1.2).
pub(super) fn verify_pss(key: &RsaKey, hash: Hash, salt: Salt, message: &[u8], signature: &[u8]) -> Option<bool> {
    let opened = open(key, signature)?;
    let bits = key.modulus.bits().checked_sub(1)?;
    let length = usize::try_from(bits.div_ceil(8)).ok()?;
    let (zeros, encoded) = opened.split_at_checked(opened.len().checked_sub(length)?)?;
    let hashed = digest(hash, &[message]);
    let (body, [0xbc]) = encoded.split_at_checked(length.checked_sub(1)?)? else { return None };
    let (masked, seed) = body.split_at_checked(body.len().checked_sub(hashed.len())?)?;
    // The bits of the first byte that the modulus leaves unused are zero.
    let unused = opened_bits(length).checked_sub(bits)?;
    let used = 0xff_u8.checked_shr(u32::try_from(unused).ok()?)?;
    if zeros.iter().any(|byte| *byte != 0) || masked.first()? & !used != 0 {
        return None;
    }
    let mut unmasked: Vec<u8> = masked.iter().zip(mask(hash, seed, masked.len())).map(|(a, b)| a ^ b).collect();
    *unmasked.first_mut()? &= used;
    let filling = unmasked.iter().position(|byte| *byte != 0)?;
    let (1, salt_given) = unmasked.get(filling..)?.split_first().map(|(first, rest)| (*first, rest))? else {
        return None;
    };
    if salt == Salt::AsLongAsTheDigest && salt_given.len() != hashed.len() {
        return None;
    }
    Some(digest(hash, &[&[0; 8], &hashed, salt_given]) == seed)
}

fn opened_bits(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX).saturating_mul(8)
}

/// MGF1.
fn mask(hash: Hash, seed: &[u8], length: usize) -> Vec<u8> {
    let blocks = (0_u32..).map(|counter| digest(hash, &[seed, &counter.to_be_bytes()]));
    blocks.flatten().take(length).collect()
}
