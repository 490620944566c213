//! X.509 certificates, read as Go's `crypto/x509` reads them: what it refuses is refused, what it reads is kept.

mod constraints;
mod extensions;
mod name;
mod time;

pub(in super::super) use constraints::{NameConstraints, Names};
pub(in super::super) use extensions::{Extension, Extensions};
pub(in super::super) use name::Name;
pub(in super::super) use time::date;

use super::super::Failure;
use super::der::{Reader, tag};
use super::error;
use super::key::PublicKey;
use super::spki::{self, Algorithm};

/// A certificate; slices are parts of its DER.
#[derive(Debug)]
pub(in super::super) struct Certificate<'a> {
    pub raw: &'a [u8],
    pub signed: &'a [u8],
    /// From 1 to 3.
    pub version: i64,
    /// Big-endian, without leading zeros.
    pub serial: &'a [u8],
    pub algorithm: Algorithm<'a>,
    pub issuer: Name<'a>,
    pub subject: Name<'a>,
    /// Seconds since the epoch.
    pub not_before: i64,
    pub not_after: i64,
    pub key_info: &'a [u8],
    pub key: PublicKey,
    pub extensions: Extensions<'a>,
    pub signature: &'a [u8],
}

/// The one certificate that the bytes are.
///
/// # Errors
/// Go refuses it, or it is of a kind that is not held here.
pub(in super::super) fn parse(der: &[u8]) -> Result<Certificate<'_>, Failure> {
    let mut input = Reader(der);
    let certificate = read(&mut input)?;
    if input.is_empty() { Ok(certificate) } else { Err(error("certificate: trailing data")) }
}

/// Malformed, in a way that is not worth a text of its own.
pub(super) fn malformed<T>(part: Option<T>) -> Result<T, Failure> {
    part.ok_or(error("certificate: malformed"))
}

/// The next certificate.
pub(in super::super) fn read<'a>(input: &mut Reader<'a>) -> Result<Certificate<'a>, Failure> {
    let outer = malformed(input.element(tag::SEQUENCE))?;
    let mut parts = Reader(outer.content);
    let signed = malformed(parts.element(tag::SEQUENCE))?;
    let mut fields = Reader(signed.content);
    let version = version(&mut fields)?;
    let serial = fields.unsigned().ok_or(error("certificate: malformed or negative serial number"))?;
    let algorithm = malformed(fields.read(tag::SEQUENCE))?;
    if malformed(parts.read(tag::SEQUENCE))? != algorithm {
        return Err(error("certificate: two signature algorithms"));
    }
    let algorithm = malformed(Algorithm::read(algorithm))?;
    let issuer = Name::read(malformed(fields.element(tag::SEQUENCE))?)?;
    let mut validity = malformed(fields.read(tag::SEQUENCE))?;
    let (not_before, not_after) = (time::read(&mut validity)?, time::read(&mut validity)?);
    let subject = Name::read(malformed(fields.element(tag::SEQUENCE))?)?;
    let key_info = malformed(fields.element(tag::SEQUENCE))?;
    let key = spki::certificate_key(Reader(key_info.content))?;
    let extensions = extensions_of(version, fields)?;
    let (signature, unused) = malformed(parts.bit_string())?;
    if unused != 0 {
        return Err(Failure::Inexact("a signature that is not whole bytes"));
    }
    let (raw, signed, key_info) = (outer.whole, signed.whole, key_info.whole);
    Ok(Certificate {
        raw,
        signed,
        version,
        serial,
        algorithm,
        issuer,
        subject,
        not_before,
        not_after,
        key_info,
        key,
        extensions,
        signature,
    })
}

/// Written one less than it is meant; absent: 1.
fn version(fields: &mut Reader<'_>) -> Result<i64, Failure> {
    let written = match malformed(fields.optional(tag::constructed(0)))? {
        None => 0,
        Some(mut version) => {
            let number = malformed(version.small_integer())?;
            malformed(version.is_empty().then_some(number))?
        }
    };
    match written {
        0..=2 => Ok(written.saturating_add(1)),
        _ => Err(error("certificate: unknown version")),
    }
}

/// What follows the key. Unique identifiers are skipped; only version 3 has extensions.
fn extensions_of(version: i64, mut fields: Reader<'_>) -> Result<Extensions<'_>, Failure> {
    if version > 1 {
        malformed(fields.optional(tag::context(1)))?;
        malformed(fields.optional(tag::context(2)))?;
    }
    let extensions = if version == 3 { malformed(fields.optional(tag::constructed(3)))? } else { None };
    match extensions {
        None => Ok(Extensions::default()),
        Some(mut extensions) => Extensions::read(malformed(extensions.read(tag::SEQUENCE))?),
    }
}
