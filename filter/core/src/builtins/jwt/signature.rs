//! Does a signature fit a key? Each algorithm takes its own kind of key only: a public key is never a secret, whatever
//! a token says about itself.

use super::super::pki::key::{Curve, PublicKey, RsaKey};
use super::super::{Context, Failure};
use super::algorithm::{Algorithm, Hash};
use super::hash::digest;
use super::rsa::{Salt, verify_pkcs1, verify_pss};
use ed25519_dalek::Verifier;
use hmac::{Hmac, KeyInit, Mac};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use sha2::{Sha256, Sha384, Sha512};

/// How exactly a signature must be formed. OPA's `io.jwt.verify_*` and `io.jwt.decode_verify` stand on different
/// libraries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Form {
    /// `io.jwt.verify_*`: a PSS salt of any length; halves of an ECDSA signature of any length.
    Loose,
    /// `io.jwt.decode_verify`: a salt as long as the digest; halves as long as the curve's numbers.
    Strict,
}

/// Work of one verification in bytes, measured against copying.
mod cost {
    pub const HASHED_BYTE: usize = 16;
    pub const RSA_2048: usize = 1_000_000;
    pub const P256: usize = 1_000_000;
    pub const P384: usize = 4_000_000;
    pub const P521: usize = 6_000_000;
    pub const ED25519: usize = 600_000;
}

/// Whether the key signed the message so. A key of another kind did not.
pub(in super::super) fn verify(
    context: &mut Context,
    key: &PublicKey,
    algorithm: Algorithm,
    form: Form,
    message: &[u8],
    signature: &[u8],
) -> Result<bool, Failure> {
    let hashing = message.len().saturating_mul(cost::HASHED_BYTE);
    match (algorithm, key) {
        (Algorithm::Hmac(hash), PublicKey::Secret(secret)) => {
            context.work(hashing.saturating_add(secret.len()))?;
            Ok(verify_hmac(hash, secret, message, signature))
        }
        (Algorithm::RsaPkcs1(hash), PublicKey::Rsa(key)) => {
            context.work(hashing.saturating_add(cost_of_rsa(key)))?;
            Ok(verify_pkcs1(key, hash, message, signature).unwrap_or(false))
        }
        (Algorithm::RsaPss(hash), PublicKey::Rsa(key)) => {
            context.work(hashing.saturating_add(cost_of_rsa(key)))?;
            let salt = if form == Form::Loose { Salt::Any } else { Salt::AsLongAsTheDigest };
            Ok(verify_pss(key, hash, salt, message, signature).unwrap_or(false))
        }
        (Algorithm::Ed25519, PublicKey::Ed25519(key)) => {
            context.work(hashing.saturating_add(cost::ED25519))?;
            Ok(verify_ed25519(key, message, signature).unwrap_or(false))
        }
        (Algorithm::Ecdsa(hash), key) => verify_ecdsa(context, key, hash, form, message, signature),
        _ => Ok(false),
    }
}

/// Grows with the square of the modulus and with the length of the exponent.
fn cost_of_rsa(key: &RsaKey) -> usize {
    let modulus = key.size();
    let exponent = usize::try_from(key.exponent.bits()).unwrap_or(usize::MAX);
    let square = modulus.saturating_mul(modulus).saturating_mul(exponent);
    let of_2048 = 256 * 256 * 17;
    cost::RSA_2048.saturating_mul(square.div_ceil(of_2048 / 16)).div_ceil(16)
}

/// Compares in constant time.
pub(super) fn verify_hmac(hash: Hash, secret: &[u8], message: &[u8], signature: &[u8]) -> bool {
    fn fits<M: KeyInit + Mac>(secret: &[u8], message: &[u8], signature: &[u8]) -> bool {
        <M as KeyInit>::new_from_slice(secret)
            .is_ok_and(|mac| mac.chain_update(message).verify_slice(signature).is_ok())
    }
    match hash {
        Hash::Sha256 => fits::<Hmac<Sha256>>(secret, message, signature),
        Hash::Sha384 => fits::<Hmac<Sha384>>(secret, message, signature),
        Hash::Sha512 => fits::<Hmac<Sha512>>(secret, message, signature),
    }
}

fn verify_ed25519(key: &[u8; 32], message: &[u8], signature: &[u8]) -> Option<bool> {
    let key = ed25519_dalek::VerifyingKey::from_bytes(key).ok()?;
    let signature = ed25519_dalek::Signature::from_slice(signature).ok()?;
    Some(key.verify(message, &signature).is_ok())
}

fn verify_ecdsa(
    context: &mut Context,
    key: &PublicKey,
    hash: Hash,
    form: Form,
    message: &[u8],
    signature: &[u8],
) -> Result<bool, Failure> {
    let Some(curve) = key.curve() else { return Ok(false) };
    let cost = match curve {
        Curve::P256 => cost::P256,
        Curve::P384 => cost::P384,
        Curve::P521 => cost::P521,
    };
    context.work(message.len().saturating_mul(cost::HASHED_BYTE).saturating_add(cost))?;
    let Some(signature) = fixed(curve, form, signature) else { return Ok(false) };
    let digest = digest(hash, &[message]);
    Ok(match key {
        PublicKey::P256(key) => fits::<_, p256::ecdsa::Signature>(&**key, &digest, &signature),
        PublicKey::P384(key) => fits::<_, p384::ecdsa::Signature>(&**key, &digest, &signature),
        PublicKey::P521(key) => fits::<_, p521::ecdsa::Signature>(&**key, &digest, &signature),
        _ => false,
    })
}

fn fits<K, S>(key: &K, digest: &[u8], signature: &[u8]) -> bool
where
    K: PrehashVerifier<S>,
    S: for<'a> TryFrom<&'a [u8]>,
{
    S::try_from(signature).is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok())
}

/// The two numbers of a signature, each as long as the curve's.
fn fixed(curve: Curve, form: Form, signature: &[u8]) -> Option<Vec<u8>> {
    let size = curve.size();
    if form == Form::Strict && Some(signature.len()) != size.checked_mul(2) {
        return None;
    }
    let (r, s) = signature.split_at_checked(signature.len() / 2)?;
    let padded = |number: &[u8]| {
        let digits = super::super::pki::der::without_leading_zeros(number);
        let mut padded = vec![0; size.checked_sub(digits.len())?];
        padded.extend(digits);
        Some(padded)
    };
    Some([padded(r)?, padded(s)?].concat())
}
