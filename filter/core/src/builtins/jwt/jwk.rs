//! JSON Web Keys, alone or in a set, as OPA's library (`jwx`) reads them with Go's `encoding/json`.

use super::super::Failure;
use super::super::pki::der::without_leading_zeros;
use super::super::pki::key::{Curve, PublicKey, RsaKey};
use super::super::pki::{base64, certificate, error};
use super::algorithm::Algorithm;
use super::rsa_sign::RsaSecret;
use crate::json;
use num_bigint::BigUint;
use regorus::Value;

/// Most keys in a set.
const MAX_KEYS: usize = 1000;

/// A key that is well-formed. [`export`](Self::export) may still refuse it.
#[derive(Debug)]
pub(super) struct Jwk {
    /// `alg`.
    pub algorithm: Option<String>,
    /// `kid`.
    pub id: Option<String>,
    /// It has a `d`.
    pub is_private: bool,
    pub material: Material,
}

/// The numbers of a key.
#[derive(Debug)]
pub(super) enum Material {
    /// `secret` is there if the primes are.
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
        secret: Option<Box<RsaSecret>>,
    },
    Curve {
        curve: Curve,
        point: Vec<u8>,
        secret: Vec<u8>,
    },
    Octets {
        kind: OctetKind,
        public: Vec<u8>,
        secret: Vec<u8>,
    },
    Secret(Vec<u8>),
}

/// The kinds of `"kty": "OKP"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OctetKind {
    Ed25519,
    X25519,
    /// Registered, but not to be exported.
    Other,
}

/// The keys of a text: those of `keys` if there is such a member, else the key that the text is.
///
/// # Errors
/// One key that is refused refuses all.
pub(super) fn read_all(text: &str) -> Result<Vec<Jwk>, Failure> {
    let value = parse(text)?;
    match &value["keys"] {
        Value::Undefined => Ok(vec![read(&value)?]),
        Value::Array(keys) if keys.len() <= MAX_KEYS => keys.iter().map(read).collect(),
        _ => Err(error("JWK: keys must be an array of at most 1000")),
    }
}

/// Duplicate names are refused: two libraries read the text one after the other in OPA, and not alike.
fn parse(text: &str) -> Result<Value, Failure> {
    json::parse_within(text.as_bytes(), json::Bounds::TOKEN).map_err(|json| match json {
        json if json.beyond_bounds => Failure::Inexact("keys whose JSON is beyond the bounds of the reader"),
        // What follows a lone key is not looked at by OPA; what follows a set makes it no set.
        json if json.message == json::TRAILING && text.trim_start().starts_with('{') => {
            Failure::Inexact("text after a JWK")
        }
        _ => error("JWK: not JSON"),
    })
}

/// Reads one key.
fn read(value: &Value) -> Result<Jwk, Failure> {
    let members = Members::of(value)?;
    let kind = members.text("kty")?.unwrap_or_default();
    let is_private = members.has("d");
    let material = match kind {
        "RSA" => rsa(&members, is_private)?,
        "EC" => curve(&members, is_private)?,
        "OKP" => octets(&members, is_private)?,
        "oct" => Material::Secret(members.required("k")?),
        _ => return Err(error("JWK: unknown kty")),
    };
    let algorithm = members.text("alg")?;
    if algorithm.is_some_and(|name| !Algorithm::is_registered(name)) {
        return Err(error("JWK: unknown alg"));
    }
    let id = members.text("kid")?;
    for name in ["use", "x5t", "x5t#S256", "x5u"] {
        members.text(name)?;
    }
    members.operations()?;
    members.certificates()?;
    Ok(Jwk { algorithm: algorithm.map(str::to_owned), id: id.map(str::to_owned), is_private, material })
}

fn rsa(members: &Members<'_>, is_private: bool) -> Result<Material, Failure> {
    let (modulus, exponent) = (members.required("n")?, members.required("e")?);
    if without_leading_zeros(&modulus).is_empty() {
        return Err(error("JWK: an RSA key wants a modulus"));
    }
    let digits = without_leading_zeros(&exponent);
    let is_odd = digits.last().is_some_and(|last| last & 1 == 1);
    if !is_odd || digits.len() > 8 || (digits.len() == 8 && digits.first().is_some_and(|first| first & 0x80 != 0)) {
        return Err(error("JWK: an RSA key wants an odd exponent"));
    }
    let secret = if is_private { rsa_secret(members)?.map(Box::new) } else { None };
    Ok(Material::Rsa { modulus, exponent, secret })
}

/// The primes may be missing; then nothing is made of the key.
fn rsa_secret(members: &Members<'_>) -> Result<Option<RsaSecret>, Failure> {
    let number = |name| Ok(members.bytes(name)?.map(|bytes| BigUint::from_bytes_be(&bytes)));
    let exponent = BigUint::from_bytes_be(&members.required("d")?);
    let (dp, dq, qi): (Option<_>, Option<_>, Option<_>) = (number("dp")?, number("dq")?, number("qi")?);
    let hints = if let (Some(dp), Some(dq), Some(qi)) = (dp, dq, qi) { Some([dp, dq, qi]) } else { None };
    let (p, q) = (number("p")?, number("q")?);
    Ok(p.zip(q).map(|(p, q)| RsaSecret { exponent, primes: [p, q], hints }))
}

fn curve(members: &Members<'_>, is_private: bool) -> Result<Material, Failure> {
    let curve = match members.text("crv")? {
        Some("P-256") => Curve::P256,
        Some("P-384") => Curve::P384,
        Some("P-521") => Curve::P521,
        _ => return Err(error("JWK: unknown crv")),
    };
    let (x, y) = (members.required("x")?, members.required("y")?);
    let secret = if is_private { members.required("d")? } else { vec![0; curve.size()] };
    if [&x, &y, &secret].iter().any(|number| number.len() != curve.size()) {
        return Err(error("JWK: a number's length is not that of its curve"));
    }
    let point = [&[4], &x[..], &y].concat();
    curve.key(&point)?;
    Ok(Material::Curve { curve, point, secret })
}

fn octets(members: &Members<'_>, is_private: bool) -> Result<Material, Failure> {
    let kind = match members.text("crv")? {
        Some("Ed25519") => OctetKind::Ed25519,
        Some("X25519") => OctetKind::X25519,
        Some("Ed448" | "X448" | "P-256" | "P-384" | "P-521") => OctetKind::Other,
        _ => return Err(error("JWK: unknown crv")),
    };
    let public = members.required("x")?;
    let secret = if is_private { members.required("d")? } else { vec![0; 32] };
    if kind != OctetKind::Other && (public.len() != 32 || secret.len() != 32) {
        return Err(error("JWK: wrong size of a key"));
    }
    Ok(Material::Octets { kind, public, secret })
}

impl Jwk {
    /// The public key.
    ///
    /// # Errors
    /// OPA's library reads the key, but makes nothing of it.
    pub fn export(&self) -> Result<PublicKey, Failure> {
        match &self.material {
            Material::Rsa { secret: None, .. } if self.is_private => {
                Err(error("JWK: an RSA private key wants its primes"))
            }
            Material::Rsa { modulus, exponent, .. } => RsaKey::new(modulus, exponent).map(PublicKey::Rsa),
            Material::Curve { curve, point, .. } => curve.key(point),
            Material::Octets { kind: OctetKind::X25519, .. } => Ok(PublicKey::Unusable),
            Material::Octets { kind: OctetKind::Ed25519, public, secret } => {
                if self.is_private && signer(secret).is_none_or(|key| key.verifying_key().as_bytes()[..] != public[..])
                {
                    return Err(error("JWK: x does not belong to d"));
                }
                let public = public.as_slice().try_into().map_err(|_| error("JWK: wrong size of a key"))?;
                Ok(PublicKey::Ed25519(public))
            }
            Material::Octets { .. } => Err(error("JWK: a curve that is not supported")),
            Material::Secret(secret) => Ok(PublicKey::Secret(secret.clone())),
        }
    }
}

/// The Ed25519 key that grows from a seed.
pub(super) fn signer(seed: &[u8]) -> Option<ed25519_dalek::SigningKey> {
    seed.try_into().ok().map(|seed: &[u8; 32]| ed25519_dalek::SigningKey::from_bytes(seed))
}

/// The members of a key, read as Go's `encoding/json` reads them into typed fields.
struct Members<'a>(&'a Value);

impl<'a> Members<'a> {
    fn of(value: &'a Value) -> Result<Self, Failure> {
        let Value::Object(members) = value else { return Err(error("JWK: not an object")) };
        // Go finds `kty` and `d` in any case when it looks for the kind of key, and in this case only afterwards.
        let is_twin = |name: &str| !matches!(name, "kty" | "d") && matches!(&*name.to_lowercase(), "kty" | "d");
        if members.keys().any(|name| name.as_string().is_ok_and(|name| is_twin(name))) {
            return Err(Failure::Inexact("a JWK with names in another case"));
        }
        Ok(Self(value))
    }

    fn has(&self, name: &str) -> bool {
        self.0[name] != Value::Undefined
    }

    /// `null` is the empty text.
    fn text(&self, name: &str) -> Result<Option<&'a str>, Failure> {
        match &self.0[name] {
            Value::Undefined => Ok(None),
            Value::Null => Ok(Some("")),
            Value::String(text) => Ok(Some(text)),
            _ => Err(error("JWK: a member must be a string")),
        }
    }

    fn bytes(&self, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        let decode = |text: &str| base64::any(text.as_bytes()).ok_or(error("JWK: a member must be base64"));
        self.text(name)?.map(decode).transpose()
    }

    /// Bytes that have to be there, and some.
    fn required(&self, name: &str) -> Result<Vec<u8>, Failure> {
        self.bytes(name)?.filter(|bytes| !bytes.is_empty()).ok_or(error("JWK: a member is missing"))
    }

    fn operations(&self) -> Result<(), Failure> {
        match &self.0["key_ops"] {
            Value::Undefined | Value::Null => Ok(()),
            Value::Array(names) if names.iter().all(|name| matches!(name, Value::String(_) | Value::Null)) => Ok(()),
            _ => Err(error("JWK: key_ops must be strings")),
        }
    }

    /// `x5c`: not used, but a set with a certificate that cannot be read is refused.
    fn certificates(&self) -> Result<(), Failure> {
        const MOST: usize = 10;
        const LARGEST: usize = 256 * 1024;
        let chain = match &self.0["x5c"] {
            Value::Undefined => return Ok(()),
            Value::Array(chain) if chain.len() <= MOST => chain,
            _ => return Err(error("JWK: x5c must be an array of at most 10")),
        };
        for text in chain.iter() {
            let Value::String(text) = text else { return Err(error("JWK: x5c must be strings")) };
            let text: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b' ' | 9..=13)).collect();
            let der = base64::standard(&text).filter(|der| der.len() <= LARGEST);
            certificate::parse(&der.ok_or(error("JWK: x5c is not base64"))?)?;
        }
        Ok(())
    }
}
