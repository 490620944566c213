//! SubjectPublicKeyInfo: what a PEM block `PUBLIC KEY` and a certificate hold.

use super::super::Failure;
use super::der::{Reader, tag};
use super::error;
use super::key::{Curve, PublicKey, RsaKey};

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1];
const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const X25519: &[u8] = &[0x2b, 0x65, 0x6e];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const P224: &[u8] = &[0x2b, 0x81, 0x04, 0, 0x21];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0, 0x22];
const P521: &[u8] = &[0x2b, 0x81, 0x04, 0, 0x23];

/// An algorithm with its parameters, whole.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Algorithm<'a> {
    pub identifier: &'a [u8],
    pub parameters: &'a [u8],
}

impl<'a> Algorithm<'a> {
    /// Reads the content of an AlgorithmIdentifier.
    pub fn read(mut content: Reader<'a>) -> Option<Self> {
        let identifier = content.object_identifier()?;
        let parameters = if content.is_empty() { &[][..] } else { content.any()?.whole };
        Some(Self { identifier, parameters })
    }

    /// Whether Go knows what key belongs to it, in a certificate.
    fn is_known_in_certificates(self) -> bool {
        [RSA, DSA, ECDSA, ED25519].contains(&self.identifier)
    }
}

/// The key of a PEM block `PUBLIC KEY`.
///
/// # Errors
/// Go refuses it, or it is of a kind that is not held here.
pub(in super::super) fn public_key(der: &[u8]) -> Result<PublicKey, Failure> {
    let mut outer = Reader(der);
    let (algorithm, bits) = outer.read(tag::SEQUENCE).and_then(parts).ok_or(error("key: malformed public key"))?;
    if !outer.is_empty() {
        return Err(error("key: data after the public key"));
    }
    key(algorithm, bits)
}

/// The key of a certificate: one of an algorithm that Go does not know is no error.
pub(in super::super) fn certificate_key(info: Reader<'_>) -> Result<PublicKey, Failure> {
    let (algorithm, bits) = parts(info).ok_or(error("certificate: malformed public key"))?;
    if algorithm.is_known_in_certificates() { key(algorithm, bits) } else { Ok(PublicKey::Unusable) }
}

fn parts(mut info: Reader<'_>) -> Option<(Algorithm<'_>, (&[u8], u8))> {
    let algorithm = Algorithm::read(info.read(tag::SEQUENCE)?)?;
    Some((algorithm, info.bit_string()?))
}

fn key(algorithm: Algorithm<'_>, (data, unused): (&[u8], u8)) -> Result<PublicKey, Failure> {
    if unused != 0 {
        return Err(Failure::Inexact("a public key that is not whole bytes"));
    }
    match algorithm.identifier {
        RSA if algorithm.parameters == [5, 0] => rsa(data),
        ECDSA => curve(algorithm.parameters)?.key(data),
        ED25519 if algorithm.parameters.is_empty() => {
            data.try_into().map(PublicKey::Ed25519).map_err(|_| error("key: wrong size of an Ed25519 key"))
        }
        X25519 if algorithm.parameters.is_empty() && data.len() == 32 => Ok(PublicKey::Unusable),
        DSA => dsa(algorithm.parameters, data).ok_or(error("key: malformed DSA key")),
        RSA | ED25519 | X25519 => Err(error("key: illegal parameters")),
        _ => Err(error("key: unknown algorithm")),
    }
}

/// An RSAPublicKey: both numbers are positive, the exponent fits 63 bits. What follows the sequence is not looked at.
fn rsa(data: &[u8]) -> Result<PublicKey, Failure> {
    let numbers = |mut numbers: Reader<'_>| Some((numbers.unsigned()?.to_vec(), numbers.small_integer()?));
    let (modulus, exponent) =
        Reader(data).read(tag::SEQUENCE).and_then(numbers).ok_or(error("key: malformed RSA key"))?;
    if modulus.is_empty() || exponent <= 0 {
        return Err(error("key: an RSA key's numbers are positive"));
    }
    RsaKey::new(&modulus, &exponent.to_be_bytes()).map(PublicKey::Rsa)
}

fn curve(parameters: &[u8]) -> Result<Curve, Failure> {
    match Reader(parameters).object_identifier() {
        Some(P256) => Ok(Curve::P256),
        Some(P384) => Ok(Curve::P384),
        Some(P521) => Ok(Curve::P521),
        Some(P224) => Err(Failure::Inexact("a key on the curve P-224")),
        _ => Err(error("key: unsupported elliptic curve")),
    }
}

fn dsa(parameters: &[u8], data: &[u8]) -> Option<PublicKey> {
    let mut parameters = Reader(parameters).read(tag::SEQUENCE)?;
    let y = Reader(data).unsigned()?;
    let (p, q, g) = (parameters.unsigned()?, parameters.unsigned()?, parameters.unsigned()?);
    [y, p, q, g].iter().all(|number| !number.is_empty()).then_some(PublicKey::Unusable)
}
