//! Certificates as callers give them: PEM blocks, or base64 of PEM blocks or of DER.

use super::super::pki::certificate::{self, Certificate};
use super::super::pki::der::Reader;
use super::super::pki::{base64, error, pem};
use super::super::{Context, Failure};

/// The label of a certificate request.
const REQUEST: &[u8] = b"CERTIFICATE REQUEST";

const BEGIN: &[u8] = b"-----BEGIN";

/// Work of reading and describing a certificate, for each byte of its text.
const READ_BYTE: usize = 384;

/// The DER of all certificates, one after the other.
pub(super) fn bytes(context: &mut Context, text: &str) -> Result<Vec<u8>, Failure> {
    context.work(text.len().saturating_mul(READ_BYTE))?;
    if text.as_bytes().starts_with(BEGIN) {
        return from_pem(text.as_bytes());
    }
    let bytes = base64::standard(text.as_bytes()).ok_or(error("crypto.x509: neither PEM nor base64"))?;
    if bytes.starts_with(BEGIN) { from_pem(&bytes) } else { Ok(bytes) }
}

/// The DER of the first PEM block, or what the base64 holds, of a certificate request.
pub(super) fn request(context: &mut Context, text: &str) -> Result<Vec<u8>, Failure> {
    context.work(text.len().saturating_mul(READ_BYTE))?;
    let bytes = if text.starts_with("-----BEGIN CERTIFICATE REQUEST-----") {
        text.as_bytes().to_vec()
    } else {
        base64::standard(text.as_bytes()).ok_or(error("crypto.x509: neither PEM nor base64"))?
    };
    match pem::decode(&bytes) {
        Some(block) if block.label == REQUEST => Ok(block.bytes),
        Some(_) => Err(error("crypto.x509: a PEM block that is no certificate request")),
        None => Ok(bytes),
    }
}

/// What follows the last block is not looked at.
fn from_pem(mut text: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut der = Vec::new();
    while let Some(block) = pem::decode(text) {
        if block.label != b"CERTIFICATE" {
            return Err(error("crypto.x509: a PEM block that is no certificate"));
        }
        der.extend(block.bytes);
        text = block.rest;
    }
    Ok(der)
}

/// One certificate after the other, with nothing between them.
pub(super) fn certificates(der: &[u8]) -> Result<Vec<Certificate<'_>>, Failure> {
    let mut input = Reader(der);
    let mut certificates = Vec::new();
    while !input.is_empty() {
        certificates.push(certificate::read(&mut input)?);
    }
    Ok(certificates)
}
