//! `crypto.x509.parse_certificate_request`.

use super::super::pki::certificate::Name;
use super::super::pki::der::{Reader, tag};
use super::super::pki::error;
use super::super::pki::spki::{self, Algorithm};
use super::super::{Context, Failure};
use super::describe::{self, Object, bytes};
use super::{identifiers, input};
use regorus::Value;

/// What Go's `x509.CertificateRequest` holds. Go reads requests more liberally than certificates: what is no DER for
/// certificates is not read here, and neither are requests with attributes.
pub(super) fn parse_certificate_request(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [Value::String(text)] = args else { return Err(error("crypto.x509: wants a string")) };
    let der = input::request(context, text)?;
    if !Reader(&der).is_next(tag::SEQUENCE) {
        return Err(error("crypto.x509: no certificate request"));
    }
    match read(&der) {
        Err(Failure::Error(_)) | Ok(None) => Err(Failure::Inexact("a certificate request that is not plain DER")),
        Ok(Some(request)) => Ok(request),
        Err(other) => Err(other),
    }
}

/// `None` if it is not as expected.
fn read(der: &[u8]) -> Result<Option<Value>, Failure> {
    let Some(parts) = Parts::read(der) else { return Ok(None) };
    let mut object = Object::default();
    object.set("Raw", bytes(der));
    object.set("RawTBSCertificateRequest", bytes(parts.signed));
    object.set("RawSubjectPublicKeyInfo", bytes(parts.key_info));
    object.set("Signature", bytes(parts.signature));
    object.set("SignatureAlgorithm", u64::from(identifiers::signature(parts.algorithm)?));
    object.set("PublicKeyAlgorithm", u64::from(identifiers::key_of(parts.key_info)?));
    let key = spki::certificate_key(Reader(parts.key))?;
    object.set("PublicKey", describe::public_key(&key, parts.key_info)?);
    object.set("Version", parts.version);
    let Some(subject) = Reader(parts.subject).element(tag::SEQUENCE) else { return Ok(None) };
    let subject = Name::read(subject)?;
    object.set("RawSubject", bytes(subject.raw));
    object.set("Subject", describe::name(&subject)?);
    let lists = ["Attributes", "Extensions", "ExtraExtensions", "DNSNames", "EmailAddresses", "IPAddresses", "URIs"];
    for list in lists {
        object.set(list, Value::Null);
    }
    Ok(Some(Value::from(object.0)))
}

struct Parts<'a> {
    signed: &'a [u8],
    version: i64,
    subject: &'a [u8],
    key_info: &'a [u8],
    /// What `key_info` holds.
    key: &'a [u8],
    algorithm: Algorithm<'a>,
    signature: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        let mut input = Reader(der);
        let mut outer = input.read(tag::SEQUENCE)?;
        let signed = outer.element(tag::SEQUENCE)?;
        let algorithm = Algorithm::read(outer.read(tag::SEQUENCE)?)?;
        let (signature, unused) = outer.bit_string()?;
        let mut fields = Reader(signed.content);
        let version = fields.small_integer()?;
        let subject = fields.element(tag::SEQUENCE)?.whole;
        let key_info = fields.element(tag::SEQUENCE)?;
        let attributes = fields.read(tag::constructed(0))?;
        let is_all = [input, outer, fields, attributes].iter().all(|rest| rest.is_empty());
        let (signed, key, key_info) = (signed.whole, key_info.content, key_info.whole);
        (is_all && unused == 0).then_some(Self { signed, version, subject, key_info, key, algorithm, signature })
    }
}
