//! Public keys, as far as a signature can be verified with them.

use super::super::Failure;
use super::error;
use num_bigint::BigUint;

/// Largest RSA modulus that is verified with: the cost grows with its square.
const MAX_MODULUS_BITS: u64 = 8192;

/// What verifies a signature.
#[derive(Debug, Clone)]
pub(in super::super) enum PublicKey {
    Rsa(RsaKey),
    P256(Box<p256::ecdsa::VerifyingKey>),
    P384(Box<p384::ecdsa::VerifyingKey>),
    P521(Box<p521::ecdsa::VerifyingKey>),
    /// The bytes only: that they are no point is found when a signature is verified, as Go does.
    Ed25519([u8; 32]),
    /// A secret that both sides share (`"kty": "oct"`).
    Secret(Vec<u8>),
    /// A key that Go reads and that no algorithm of a token takes (X25519, DSA).
    Unusable,
}

impl PublicKey {
    /// The curve it is on, if signatures are made there with ECDSA.
    pub fn curve(&self) -> Option<Curve> {
        match self {
            Self::P256(_) => Some(Curve::P256),
            Self::P384(_) => Some(Curve::P384),
            Self::P521(_) => Some(Curve::P521),
            _ => None,
        }
    }
}

/// Modulus and exponent, as they were given; [`RsaKey::is_sound`] says whether Go verifies with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct RsaKey {
    pub modulus: BigUint,
    pub exponent: BigUint,
}

impl RsaKey {
    /// # Errors
    /// A modulus that costs too much.
    pub fn new(modulus: &[u8], exponent: &[u8]) -> Result<Self, Failure> {
        let modulus = BigUint::from_bytes_be(modulus);
        if modulus.bits() > MAX_MODULUS_BITS {
            return Err(Failure::Inexact("an RSA key of more than 8192 bits"));
        }
        Ok(Self { modulus, exponent: BigUint::from_bytes_be(exponent) })
    }

    /// Whether Go's `crypto/rsa` verifies with it at all: at least 1024 bits, odd, exponent odd and from 3 to 2^31-1.
    pub fn is_sound(&self) -> bool {
        self.modulus.bits() >= 1024
            && self.modulus.bit(0)
            && self.exponent.bit(0)
            && self.exponent.bits() >= 2
            && self.exponent.bits() <= 31
    }

    /// Length of a signature in bytes.
    pub fn size(&self) -> usize {
        usize::try_from(self.modulus.bits().div_ceil(8)).unwrap_or(usize::MAX)
    }
}

/// The curves that tokens are signed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    /// Length of a coordinate, and of half a signature.
    pub const fn size(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// The key at an uncompressed point (`04`, x, y).
    ///
    /// # Errors
    /// The point is not on the curve.
    pub fn key(self, point: &[u8]) -> Result<PublicKey, Failure> {
        let uncompressed = self.size().checked_mul(2).and_then(|size| size.checked_add(1));
        if point.first() != Some(&4) || Some(point.len()) != uncompressed {
            return Err(error("key: not an uncompressed point"));
        }
        let key = match self {
            Self::P256 => from_point(point).map(|key| PublicKey::P256(Box::new(key))),
            Self::P384 => from_point(point).map(|key| PublicKey::P384(Box::new(key))),
            Self::P521 => from_point(point).map(|key| PublicKey::P521(Box::new(key))),
        };
        key.ok_or(error("key: not a point on its curve"))
    }
}

/// The verifying key of any curve.
fn from_point<K: for<'a> TryFrom<&'a [u8]>>(point: &[u8]) -> Option<K> {
    K::try_from(point).ok()
}
