//! RSA signatures, made (RFC 8017, PKCS #1 v1.5).
//!
//! Big numbers here take a time that depends on them, and so on the private exponent; so do those of the crate `rsa`
//! (RUSTSEC-2023-0071, "Marvin"). That is why the number that meets the exponent is blinded with a factor that nobody
//! without the key can know. Nobody can choose that number either: it is what a digest was padded to.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "big numbers do not overflow; divisors are primes and moduli, no difference is below zero"
)]

use super::super::pki::key::RsaKey;
use super::algorithm::Hash;
use super::hash::digest;
use super::rsa::padded_pkcs1;
use num_bigint::BigUint;

/// The private numbers of a key; what a JWK calls d, p, q, and dp, dq, qi if all of them are given.
#[derive(Debug)]
pub(in super::super) struct RsaSecret {
    pub exponent: BigUint,
    pub primes: [BigUint; 2],
    pub hints: Option<[BigUint; 3]>,
}

/// What the Chinese remainder theorem needs.
pub(in super::super) struct Parts<'a> {
    p: &'a BigUint,
    q: &'a BigUint,
    of_p: BigUint,
    of_q: BigUint,
    inverse_of_q: BigUint,
}

/// `None` if the key is not one that all libraries agree on.
pub(super) fn sign_pkcs1(key: &RsaKey, secret: &RsaSecret, hash: Hash, message: &[u8]) -> Option<Vec<u8>> {
    let parts = parts(key, secret)?;
    let padded = BigUint::from_bytes_be(&padded_pkcs1(hash, message, key.size())?);
    let factor = blinding(secret, &padded, key)?;
    let blinded = &padded * factor.modpow(&key.exponent, &key.modulus) % &key.modulus;
    let signature = power(&parts, &blinded) * factor.modinv(&key.modulus)? % &key.modulus;
    // A slip in one half would give the primes away.
    if signature.modpow(&key.exponent, &key.modulus) != padded {
        return None;
    }
    let digits = signature.to_bytes_be();
    let mut bytes = vec![0; key.size().checked_sub(digits.len())?];
    bytes.extend(digits);
    Some(bytes)
}

/// The numbers belong together, as Go checks before it signs.
pub(in super::super) fn parts<'a>(key: &RsaKey, secret: &'a RsaSecret) -> Option<Parts<'a>> {
    let one = BigUint::from(1_u8);
    let [p, q] = &secret.primes;
    if [p, q, &secret.exponent].iter().any(|number| number.bits() > key.modulus.bits()) {
        return None;
    }
    let (larger, smaller) = if p > q { (p, q) } else { (q, p) };
    let half = key.modulus.bits() / 2;
    let is_far = (larger - smaller).bits().checked_add(100)? > half;
    if !key.is_sound() || *smaller <= one || p * q != key.modulus || !is_far || secret.exponent.bits() <= half {
        return None;
    }
    let (below_p, below_q) = (p - &one, q - &one);
    let (of_p, of_q) = (&secret.exponent % &below_p, &secret.exponent % &below_q);
    let inverse_of_q = q.modinv(p)?;
    let belongs = &of_p * &key.exponent % &below_p == one && &of_q * &key.exponent % &below_q == one;
    let hinted = secret.hints.as_ref().is_none_or(|hints| *hints == [of_p.clone(), of_q.clone(), inverse_of_q.clone()]);
    (belongs && hinted).then_some(Parts { p, q, of_p, of_q, inverse_of_q })
}

/// To the power of the private exponent.
fn power(parts: &Parts<'_>, base: &BigUint) -> BigUint {
    let of_p = base.modpow(&parts.of_p, parts.p);
    let of_q = base.modpow(&parts.of_q, parts.q);
    let difference = (of_p + parts.p) - &of_q % parts.p;
    of_q + parts.q * (difference * &parts.inverse_of_q % parts.p)
}

/// A number below the modulus that depends on the secret and on what is signed.
fn blinding(secret: &RsaSecret, padded: &BigUint, key: &RsaKey) -> Option<BigUint> {
    let seed = digest(Hash::Sha512, &[b"blinding", &secret.exponent.to_bytes_be(), &padded.to_bytes_be()]);
    let blocks = (0_u32..).map(|counter| digest(Hash::Sha512, &[&seed, &counter.to_be_bytes()]));
    let bytes: Vec<u8> = blocks.flatten().take(key.size()).collect();
    let factor = BigUint::from_bytes_be(&bytes) % &key.modulus;
    (factor.bits() > 1).then_some(factor)
}
