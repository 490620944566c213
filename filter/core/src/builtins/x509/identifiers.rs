//! The object identifiers that Go has numbers for.

use super::super::Failure;
use super::super::pki::der::Reader;
use super::super::pki::error;
use super::super::pki::spki::Algorithm;
use regorus::Value;

const PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// Signature algorithms by Go's numbers.
const SIGNATURES: [(&[u8], u8); 13] = [
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4], 2),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5], 3),
    (&[0x2b, 0x0e, 3, 2, 0x1d], 3),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11], 4),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12], 5),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13], 6),
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 3], 7),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 2], 8),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1], 9),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2], 10),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3], 11),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4], 12),
    (ED25519, 16),
];

/// Key algorithms by Go's numbers.
const KEYS: [(&[u8], u8); 4] = [
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1], 1),
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1], 2),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1], 3),
    (ED25519, 4),
];

/// Extended key usages by Go's numbers.
const USAGES: [(&[u8], u8); 14] = [
    (&[0x55, 0x1d, 0x25, 0], 0),
    (&[0x2b, 6, 1, 5, 5, 7, 3, 1], 1),
    (&[0x2b, 6, 1, 5, 5, 7, 3, 2], 2),
    (&[0x2b, 6, 1, 5, 5, 7, 3, 3], 3),
    (&[0x2b, 6, 1, 5, 5, 7, 3, 4], 4),
    (&[0x2b, 6, 1, 5, 5, 7, 3, 5], 5),
    (&[0x2b, 6, 1, 5, 5, 7, 3, 6], 6),
    (&[0x2b, 6, 1, 5, 5, 7, 3, 7], 7),
    (&[0x2b, 6, 1, 5, 5, 7, 3, 8], 8),
    (&[0x2b, 6, 1, 5, 5, 7, 3, 9], 9),
    (&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 10, 3, 3], 10),
    (&[0x60, 0x86, 0x48, 1, 0x86, 0xf8, 0x42, 4, 1], 11),
    (&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 0x16], 12),
    (&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x3d, 1, 1], 13),
];

fn number(table: &[(&[u8], u8)], identifier: &[u8]) -> Option<u8> {
    table.iter().find(|(known, _)| *known == identifier).map(|(_, number)| *number)
}

/// Go's number of a signature algorithm; 0 if it has none.
pub(super) fn signature(algorithm: Algorithm<'_>) -> Result<u8, Failure> {
    match algorithm.identifier {
        PSS => Err(Failure::Inexact("a certificate signed with PSS")),
        ED25519 if !algorithm.parameters.is_empty() => Ok(0),
        identifier => Ok(number(&SIGNATURES, identifier).unwrap_or(0)),
    }
}

/// Go's number of the algorithm of a key in its SubjectPublicKeyInfo; 0 if it has none.
pub(super) fn key_of(key_info: &[u8]) -> Result<u8, Failure> {
    let identifier = Reader(key_info).any().and_then(|info| {
        let mut algorithm = Reader(Reader(info.content).any()?.content);
        algorithm.object_identifier()
    });
    Ok(number(&KEYS, identifier.ok_or(error("certificate: malformed"))?).unwrap_or(0))
}

/// Go's number of an extended key usage.
pub(super) fn usage(identifier: &[u8]) -> Option<u8> {
    number(&USAGES, identifier)
}

/// The parts of an identifier. The first byte holds two of them.
fn parts(identifier: &[u8]) -> Option<Vec<u64>> {
    let mut parts = Vec::new();
    let mut part: u64 = 0;
    for byte in identifier {
        part = part.checked_mul(128)?.checked_add(u64::from(byte & 0x7f))?;
        if byte & 0x80 != 0 {
            continue;
        }
        match part {
            _ if !parts.is_empty() => parts.push(part),
            0..80 => parts.extend([part / 40, part.rem_euclid(40)]),
            _ => parts.extend([2, part.checked_sub(80)?]),
        }
        part = 0;
    }
    Some(parts)
}

/// As Go's `asn1.ObjectIdentifier`: an array of numbers.
pub(super) fn as_numbers(identifier: &[u8]) -> Result<Value, Failure> {
    let parts = parts(identifier).ok_or(Failure::Inexact("an object identifier beyond 64 bits"))?;
    Ok(Value::from(parts.into_iter().map(Value::from).collect::<Vec<_>>()))
}

/// As Go's `x509.OID`: numbers with periods between them.
pub(super) fn as_text(identifier: &[u8]) -> Result<Value, Failure> {
    let parts = parts(identifier).ok_or(Failure::Inexact("an object identifier beyond 64 bits"))?;
    Ok(Value::from(parts.iter().map(u64::to_string).collect::<Vec<_>>().join(".")))
}
