//! `io.jwt.encode_sign` and `io.jwt.encode_sign_raw`.
//!
//! Curves sign with the nonce of RFC 6979, which needs no randomness; OPA's is random, so no two signatures of OPA's are
//! equal either. RSA signs as told in [`super::rsa_sign`]; PSS does not, it wants a random salt, which the proxy cannot
//! vouch for. P-521 does not: its library does not claim to meet the vectors of that RFC.

use super::super::pki::key::{Curve, RsaKey};
use super::super::pki::{base64, error};
use super::super::{Context, Failure, find};
use super::algorithm::{Algorithm, Hash};
use super::hash::digest;
use super::jwk::{self, Jwk, Material, OctetKind};
use super::rsa_sign::sign_pkcs1;
use crate::json;
use ed25519_dalek::Signer;
use hmac::{Hmac, KeyInit, Mac};
use p256::ecdsa::signature::hazmat::PrehashSigner;
use regorus::Value;
use sha2::{Sha256, Sha384, Sha512};

/// Work of each byte that is signed, and of a signature on a curve and with RSA-2048, in bytes.
const SIGNED_BYTE: usize = 32;
const CURVE: usize = 4_000_000;
const RSA_2048: usize = 30_000_000;

/// Header, payload and key as objects.
pub(super) fn encode_sign(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let marshal = find("json.marshal").ok_or(Failure::Inexact("json.marshal is not compiled in"))?;
    let texts: Vec<Value> =
        args.iter().map(|arg| (marshal.run)(context, std::slice::from_ref(arg))).collect::<Result<_, _>>()?;
    encode_sign_raw(context, &texts)
}

/// Header, payload and key as texts; the payload may be anything if the header's `typ` is not `JWT`.
pub(super) fn encode_sign_raw(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [Value::String(header), Value::String(payload), Value::String(key)] = args else {
        return Err(error("io.jwt.encode_sign: wants three texts"));
    };
    let length = header.len().saturating_add(payload.len()).saturating_add(key.len());
    context.work(length.saturating_mul(SIGNED_BYTE))?;
    let keys = jwk::read_all(key)?;
    let key = keys.first().ok_or(error("io.jwt.encode_sign: no key"))?;
    let parameters = parameters(header)?;
    let algorithm = match &parameters["alg"] {
        Value::String(name) if Algorithm::is_of_tokens(name) => Algorithm::named(name),
        _ => None,
    };
    let algorithm = algorithm.ok_or(error("io.jwt.encode_sign: the header names no algorithm"))?;
    let may_be_anything = matches!(&parameters["typ"], Value::String(kind) if &**kind != "JWT");
    if !may_be_anything && !is_json(payload)? {
        return Err(error("io.jwt.encode_sign: the payload is not JSON"));
    }
    let signed = format!("{}.{}", base64::encode_url(header.as_bytes()), base64::encode_url(payload.as_bytes()));
    context.work(cost(&key.material))?;
    let signature = sign(key, algorithm, signed.as_bytes())?;
    Ok(Value::from(format!("{signed}.{}", base64::encode_url(&signature))))
}

/// The header, as far as the reader that OPA takes for it (`fastjson`) is sure to agree: it lets pass some numbers and
/// strings that are not JSON, and takes the first of two equal names.
fn parameters(header: &str) -> Result<Value, Failure> {
    json::parse_within(header.as_bytes(), json::Bounds::TOKEN).map_err(|json| {
        let rest = header.get(json.offset..).unwrap_or_default().to_ascii_lowercase();
        let is_odd_number = ["nan", "inf", "+", "."].iter().any(|odd| rest.starts_with(odd));
        let is_odd_text = json.message.contains("string") || json.message.contains("number");
        let is_structure = json.message.starts_with("expected");
        if json.beyond_bounds || is_odd_number || (is_odd_text && !is_structure) {
            Failure::Inexact("a header that is not plain JSON")
        } else {
            error("io.jwt.encode_sign: the header is not JSON")
        }
    })
}

fn is_json(text: &str) -> Result<bool, Failure> {
    match json::parse(text.as_bytes()) {
        Ok(_) => Ok(true),
        Err(json) if json.beyond_bounds => Err(Failure::Inexact("a payload beyond the bounds of the reader")),
        Err(_) => Ok(false),
    }
}

/// That of RSA grows with the cube of the modulus.
fn cost(material: &Material) -> usize {
    match material {
        Material::Rsa { modulus, .. } => RSA_2048.saturating_mul(modulus.len().div_ceil(256).saturating_pow(3)),
        Material::Curve { .. } | Material::Octets { .. } => CURVE,
        Material::Secret(_) => 0,
    }
}

fn sign(key: &Jwk, algorithm: Algorithm, signed: &[u8]) -> Result<Vec<u8>, Failure> {
    match (algorithm, &key.material) {
        (Algorithm::Hmac(hash), Material::Secret(secret)) => mac(hash, secret, signed),
        (Algorithm::Ecdsa(hash), Material::Curve { curve, point, secret }) if key.is_private => {
            sign_on(*curve, secret, point, &digest(hash, &[signed]))
        }
        (Algorithm::Ed25519, Material::Octets { kind: OctetKind::Ed25519, secret, .. }) if key.is_private => {
            key.export()?;
            let signer = jwk::signer(secret).ok_or(error("io.jwt.encode_sign: wrong size of a key"))?;
            Ok(signer.sign(signed).to_bytes().to_vec())
        }
        (Algorithm::RsaPkcs1(hash), Material::Rsa { secret: Some(secret), modulus, exponent }) => {
            sign_pkcs1(&RsaKey::new(modulus, exponent)?, secret, hash, signed)
                .ok_or(Failure::Inexact("a private key whose numbers do not belong together"))
        }
        (Algorithm::RsaPss(_), Material::Rsa { secret: Some(_), .. }) => {
            Err(Failure::Inexact("signing with a PSS salt"))
        }
        // OPA's library takes the bytes of an Ed25519 key, even of a public one, for a secret.
        (Algorithm::Hmac(_), Material::Octets { kind: OctetKind::Ed25519, .. }) => {
            Err(Failure::Inexact("an HMAC with the bytes of an Ed25519 key"))
        }
        _ => Err(error("io.jwt.encode_sign: the key is not for the algorithm")),
    }
}

fn mac(hash: Hash, secret: &[u8], signed: &[u8]) -> Result<Vec<u8>, Failure> {
    fn code<M: KeyInit + Mac>(secret: &[u8], signed: &[u8]) -> Option<Vec<u8>> {
        let mac = <M as KeyInit>::new_from_slice(secret).ok()?;
        Some(mac.chain_update(signed).finalize().into_bytes().to_vec())
    }
    let code = match hash {
        Hash::Sha256 => code::<Hmac<Sha256>>(secret, signed),
        Hash::Sha384 => code::<Hmac<Sha384>>(secret, signed),
        Hash::Sha512 => code::<Hmac<Sha512>>(secret, signed),
    };
    code.ok_or(Failure::Inexact("an HMAC key that cannot be taken"))
}

/// OPA would sign with a secret that does not belong to the point; nobody could verify that.
fn sign_on(curve: Curve, secret: &[u8], point: &[u8], digest: &[u8]) -> Result<Vec<u8>, Failure> {
    let stray = || Failure::Inexact("a secret that does not belong to its point");
    match curve {
        Curve::P256 => {
            let key = p256::ecdsa::SigningKey::from_slice(secret).map_err(|_| stray())?;
            let is_its = key.verifying_key().to_sec1_point(false).as_bytes() == point;
            let signature: Option<p256::ecdsa::Signature> = key.sign_prehash(digest).ok().filter(|_| is_its);
            signature.map(|signature| signature.to_bytes().to_vec()).ok_or_else(stray)
        }
        Curve::P384 => {
            let key = p384::ecdsa::SigningKey::from_slice(secret).map_err(|_| stray())?;
            let is_its = key.verifying_key().to_sec1_point(false).as_bytes() == point;
            let signature: Option<p384::ecdsa::Signature> = key.sign_prehash(digest).ok().filter(|_| is_its);
            signature.map(|signature| signature.to_bytes().to_vec()).ok_or_else(stray)
        }
        Curve::P521 => Err(Failure::Inexact("signing with a key on P-521")),
    }
}
