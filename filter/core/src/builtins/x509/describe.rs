//! A certificate as the object that Go's `encoding/json` makes of it.

use super::super::pki::base64;
use super::super::pki::certificate::{Certificate, Extension, Extensions, Name, NameConstraints, Names};
use super::super::pki::key::PublicKey;
use super::super::{Failure, pki::error};
use super::identifiers;
use num_bigint::BigUint;
use regorus::Value;
use std::net::{IpAddr, Ipv6Addr};

/// An object under construction.
#[derive(Default)]
pub(super) struct Object(pub std::collections::BTreeMap<Value, Value>);

impl Object {
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(Value::from(name), value.into());
    }
}

/// The certificate, and its URIs as texts (`URIStrings`), which OPA adds where it does not forget to.
pub(super) fn certificate(certificate: &Certificate<'_>, with_uri_strings: bool) -> Result<Value, Failure> {
    let mut object = Object::default();
    object.set("Raw", bytes(certificate.raw));
    object.set("RawTBSCertificate", bytes(certificate.signed));
    object.set("RawSubjectPublicKeyInfo", bytes(certificate.key_info));
    object.set("RawSubject", bytes(certificate.subject.raw));
    object.set("RawIssuer", bytes(certificate.issuer.raw));
    object.set("Signature", bytes(certificate.signature));
    object.set("SignatureAlgorithm", u64::from(identifiers::signature(certificate.algorithm)?));
    object.set("PublicKeyAlgorithm", u64::from(identifiers::key_of(certificate.key_info)?));
    object.set("PublicKey", public_key(&certificate.key, certificate.key_info)?);
    object.set("Version", certificate.version);
    object.set("SerialNumber", number(certificate.serial)?);
    object.set("Issuer", name(&certificate.issuer)?);
    object.set("Subject", name(&certificate.subject)?);
    object.set("NotBefore", time(certificate.not_before));
    object.set("NotAfter", time(certificate.not_after));
    describe_extensions(&mut object, &certificate.extensions)?;
    if with_uri_strings {
        object.set("URIStrings", texts(&certificate.extensions.uris)?);
    }
    Ok(Value::from(object.0))
}

fn describe_extensions(object: &mut Object, extensions: &Extensions<'_>) -> Result<(), Failure> {
    if extensions.has_policy_rules {
        return Err(Failure::Inexact("a certificate with rules about policies"));
    }
    for name in ["InhibitAnyPolicy", "InhibitPolicyMapping", "RequireExplicitPolicy"] {
        object.set(name, 0_u64);
        object.set(&format!("{name}Zero"), false);
    }
    object.set("PolicyMappings", Value::Null);
    object.set("ExtraExtensions", Value::Null);
    object.set("Extensions", list(&extensions.all, extension)?);
    object.set("UnhandledCriticalExtensions", list(&extensions.unhandled, |id| identifiers::as_numbers(id))?);
    object.set("KeyUsage", u64::from(extensions.key_usage));
    let (known, unknown): (Vec<&[u8]>, Vec<&[u8]>) =
        extensions.extended_usages.iter().partition(|usage| identifiers::usage(usage).is_some());
    object.set("ExtKeyUsage", list(&known, |id| Ok(Value::from(u64::from(identifiers::usage(id).unwrap_or(0)))))?);
    object.set("UnknownExtKeyUsage", list(&unknown, |id| identifiers::as_numbers(id))?);
    object.set("BasicConstraintsValid", extensions.basic.is_some());
    let (is_authority, below) = extensions.basic.unwrap_or((false, 0));
    object.set("IsCA", is_authority);
    object.set("MaxPathLen", below);
    object.set("MaxPathLenZero", extensions.basic.is_some() && below == 0);
    object.set("SubjectKeyId", extensions.subject_key.map_or(Value::Null, bytes));
    object.set("AuthorityKeyId", extensions.authority_key.map_or(Value::Null, bytes));
    object.set("OCSPServer", list(&extensions.ocsp_servers, |bytes| text(bytes))?);
    object.set("IssuingCertificateURL", list(&extensions.issuer_urls, |bytes| text(bytes))?);
    object.set("CRLDistributionPoints", list(&extensions.revocation_lists, |bytes| text(bytes))?);
    object.set("DNSNames", texts(&extensions.dns_names)?);
    object.set("EmailAddresses", texts(&extensions.email_addresses)?);
    object.set("IPAddresses", list(&extensions.addresses, |bytes| address(bytes))?);
    object.set("URIs", list(&extensions.uris, |text| Ok(uri(text)))?);
    let policies = extensions.policies.as_ref();
    object.set("Policies", policies.map_or(Ok(Value::Null), |all| list(all, |id| identifiers::as_text(id)))?);
    object.set(
        "PolicyIdentifiers",
        policies.map_or(Ok(Value::Null), |all| array(all, |id| identifiers::as_numbers(id)))?,
    );
    name_constraints(object, extensions.name_constraints.as_ref())
}

/// Go's `null` stands for a list of nothing.
fn list<T>(items: &[T], each: impl Fn(&T) -> Result<Value, Failure>) -> Result<Value, Failure> {
    if items.is_empty() { Ok(Value::Null) } else { array(items, each) }
}

fn array<T>(items: &[T], each: impl Fn(&T) -> Result<Value, Failure>) -> Result<Value, Failure> {
    Ok(Value::from(items.iter().map(each).collect::<Result<Vec<_>, _>>()?))
}

fn texts(texts: &[&str]) -> Result<Value, Failure> {
    list(texts, |text| Ok(Value::from(*text)))
}

pub(super) fn bytes(bytes: &[u8]) -> Value {
    Value::from(base64::encode_standard(bytes))
}

fn text(bytes: &[u8]) -> Result<Value, Failure> {
    let text = std::str::from_utf8(bytes).map_err(|_| Failure::Inexact("a URL of a certificate that is not UTF-8"))?;
    Ok(Value::from(text))
}

/// Digit by digit: serial numbers and keys are beyond doubles.
pub(super) fn number(bytes: &[u8]) -> Result<Value, Failure> {
    let digits = BigUint::from_bytes_be(bytes).to_string();
    Value::from_numeric_string(&digits).map_err(|_| Failure::Inexact("a number that cannot be held"))
}

/// The curve has no fields that JSON shows.
pub(super) fn public_key(key: &PublicKey, key_info: &[u8]) -> Result<Value, Failure> {
    let mut object = Object::default();
    let point = match key {
        PublicKey::Rsa(key) => {
            object.set("N", number(&key.modulus.to_bytes_be())?);
            object.set("E", number(&key.exponent.to_bytes_be())?);
            return Ok(Value::from(object.0));
        }
        PublicKey::Ed25519(key) => return Ok(bytes(key)),
        PublicKey::P256(key) => key.to_sec1_point(false).as_bytes().to_vec(),
        PublicKey::P384(key) => key.to_sec1_point(false).as_bytes().to_vec(),
        PublicKey::P521(key) => key.to_sec1_point(false).as_bytes().to_vec(),
        _ if identifiers::key_of(key_info)? == 0 => return Ok(Value::Null),
        _ => return Err(Failure::Inexact("a key that is not described here")),
    };
    let (x, y) = point.get(1..).and_then(|xy| xy.split_at_checked(xy.len() / 2)).unwrap_or_default();
    object.set("Curve", Value::new_object());
    object.set("X", number(x)?);
    object.set("Y", number(y)?);
    Ok(Value::from(object.0))
}

/// A distinguished name: the attributes that Go knows by name, and all of them in order.
pub(super) fn name(name: &Name<'_>) -> Result<Value, Failure> {
    const LISTS: [(&str, u8); 7] = [
        ("Country", 6),
        ("Locality", 7),
        ("Province", 8),
        ("StreetAddress", 9),
        ("Organization", 10),
        ("OrganizationalUnit", 11),
        ("PostalCode", 17),
    ];
    let values = |number: u8| {
        let attributes = name.attributes.iter().filter(move |(id, _)| *id == [0x55, 4, number]);
        attributes.map(|(_, text)| text.as_str()).collect::<Vec<_>>()
    };
    let mut object = Object::default();
    for (list, number) in LISTS {
        object.set(list, texts(&values(number))?);
    }
    object.set("CommonName", values(3).last().copied().unwrap_or_default());
    object.set("SerialNumber", values(5).last().copied().unwrap_or_default());
    object.set("ExtraNames", Value::Null);
    object.set("Names", list(&name.attributes, attribute)?);
    Ok(Value::from(object.0))
}

fn attribute((identifier, text): &(&[u8], String)) -> Result<Value, Failure> {
    let mut object = Object::default();
    object.set("Type", identifiers::as_numbers(identifier)?);
    object.set("Value", text.as_str());
    Ok(Value::from(object.0))
}

fn extension(extension: &Extension<'_>) -> Result<Value, Failure> {
    let mut object = Object::default();
    object.set("Id", identifiers::as_numbers(extension.identifier)?);
    object.set("Critical", extension.is_critical);
    object.set("Value", bytes(extension.value));
    Ok(Value::from(object.0))
}

fn name_constraints(object: &mut Object, constraints: Option<&NameConstraints<'_>>) -> Result<(), Failure> {
    let none = Names::default();
    object.set("PermittedDNSDomainsCritical", constraints.is_some_and(|constraints| constraints.is_critical));
    let permitted = constraints.map_or(&none, |constraints| &constraints.permitted);
    let excluded = constraints.map_or(&none, |constraints| &constraints.excluded);
    for (kind, names) in [("Permitted", permitted), ("Excluded", excluded)] {
        object.set(&format!("{kind}DNSDomains"), texts(&names.domains)?);
        object.set(&format!("{kind}EmailAddresses"), texts(&names.email_addresses)?);
        object.set(&format!("{kind}URIDomains"), texts(&names.uri_domains)?);
        object.set(&format!("{kind}IPRanges"), list(&names.ranges, |range| address_range(range))?);
    }
    Ok(())
}

fn address_range(range: &[u8]) -> Result<Value, Failure> {
    let (ip, mask) = range.split_at_checked(range.len() / 2).unwrap_or_default();
    let mut object = Object::default();
    object.set("IP", address(ip)?);
    object.set("Mask", bytes(mask));
    Ok(Value::from(object.0))
}

/// Go writes an IPv4 address as such, also when it comes as IPv6.
fn address(bytes: &[u8]) -> Result<Value, Failure> {
    let address = match (<[u8; 4]>::try_from(bytes), <[u8; 16]>::try_from(bytes)) {
        (Ok(four), _) => IpAddr::from(four),
        (_, Ok(sixteen)) => Ipv6Addr::from(sixteen).to_canonical(),
        _ => return Err(error("certificate: malformed address")),
    };
    Ok(Value::from(address.to_string()))
}

/// Go's `url.URL`. The URI is plain: scheme, host and path, nothing escaped.
fn uri(text: &str) -> Value {
    let (scheme, rest) = text.split_once("://").unwrap_or_default();
    let (host, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len())).unwrap_or((rest, ""));
    let mut object = Object::default();
    for empty in ["Opaque", "RawPath", "RawQuery", "Fragment", "RawFragment"] {
        object.set(empty, "");
    }
    object.set("User", Value::Null);
    object.set("OmitHost", false);
    object.set("ForceQuery", false);
    object.set("Scheme", scheme);
    object.set("Host", host);
    object.set("Path", path);
    Value::from(object.0)
}

/// RFC 3339, in UTC.
fn time(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = super::super::pki::certificate::date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}
