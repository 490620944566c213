//! `crypto.parse_private_keys`, `crypto.x509.parse_rsa_private_key`: RSA keys in PEM blocks `RSA PRIVATE KEY`. Keys of
//! other kinds are inexact, and so is every key that not all libraries would take.

use super::super::jwt::rsa_sign::{RsaSecret, parts};
use super::super::pki::der::{Reader, tag};
use super::super::pki::key::RsaKey;
use super::super::pki::{base64, error, pem};
use super::super::{Context, Failure};
use super::describe::{self, Object};
use num_bigint::BigUint;
use regorus::Value;

/// Work of looking at a byte of PEM.
const READ_BYTE: usize = 64;

/// Work of checking that a key's numbers belong together: divisions and an inversion of big numbers.
const CHECK: usize = 1 << 20;

struct PrivateKey {
    public: RsaKey,
    secret: RsaSecret,
    /// d mod p-1, d mod q-1, 1/q mod p.
    hints: [BigUint; 3],
}

/// Go's `rsa.PrivateKey`, one object a key.
pub(super) fn parse_private_keys(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [Value::String(text)] = args else { return Err(error("crypto: wants a string")) };
    if text.is_empty() {
        return Ok(Value::Null);
    }
    let keys = keys(context, text.as_bytes())?;
    Ok(Value::from(keys.iter().map(PrivateKey::as_go).collect::<Result<Vec<_>, _>>()?))
}

/// The first key as a JWK, `null` if there is none.
pub(super) fn parse_rsa_private_key(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [Value::String(text)] = args else { return Err(error("crypto.x509: wants a string")) };
    let keys = match text.as_bytes() {
        [] => return Err(error("crypto.x509: an empty text")),
        pem if pem.starts_with(b"-----BEGIN") => keys(context, pem)?,
        coded => {
            context.work(coded.len())?;
            let bytes = base64::standard(coded).ok_or(error("crypto.x509: neither PEM nor base64"))?;
            keys(context, &bytes)?
        }
    };
    Ok(keys.first().map_or(Value::Null, PrivateKey::as_jwk))
}

/// The keys of all blocks. Blocks that hold something else are passed over.
fn keys(context: &mut Context, text: &[u8]) -> Result<Vec<PrivateKey>, Failure> {
    context.work(text.len().saturating_mul(READ_BYTE))?;
    let decoded = base64::standard(text);
    let mut rest = decoded.as_deref().unwrap_or(text);
    let mut keys = Vec::new();
    while let Some(block) = pem::decode(rest) {
        match block.label {
            b"RSA PRIVATE KEY" => {
                context.work(CHECK)?;
                let inexact = Failure::Inexact("a private key that not all libraries take");
                keys.push(PrivateKey::read(&block.bytes).ok_or(inexact)?);
            }
            b"PRIVATE KEY" | b"EC PRIVATE KEY" => {
                return Err(Failure::Inexact("a private key of a kind that is not read here"));
            }
            _ => {}
        }
        rest = block.rest;
    }
    Ok(keys)
}

impl PrivateKey {
    /// An RSAPrivateKey of two primes (RFC 8017, appendix A.1.2).
    fn read(der: &[u8]) -> Option<Self> {
        let mut input = Reader(der);
        let mut fields = input.read(tag::SEQUENCE)?;
        let has_two_primes = fields.small_integer()? == 0;
        let public = RsaKey::new(fields.unsigned()?, fields.unsigned()?).ok()?;
        let mut number = || Some(BigUint::from_bytes_be(fields.unsigned()?));
        let exponent = number()?;
        let primes = [number()?, number()?];
        let hints = [number()?, number()?, number()?];
        let secret = RsaSecret { exponent, primes, hints: Some(hints.clone()) };
        let is_whole = has_two_primes && input.is_empty() && fields.is_empty();
        let is_sound = is_whole && parts(&public, &secret).is_some();
        is_sound.then_some(Self { public, secret, hints })
    }

    fn as_go(&self) -> Result<Value, Failure> {
        let decimal = |number: &BigUint| describe::number(&number.to_bytes_be());
        let [of_p, of_q, inverse_of_q] = &self.hints;
        let mut precomputed = Object::default();
        precomputed.set("CRTValues", Value::new_array());
        precomputed.set("Dp", decimal(of_p)?);
        precomputed.set("Dq", decimal(of_q)?);
        precomputed.set("Qinv", decimal(inverse_of_q)?);
        let primes = self.secret.primes.iter().map(decimal).collect::<Result<Vec<_>, _>>()?;
        let mut object = Object::default();
        object.set("N", decimal(&self.public.modulus)?);
        object.set("E", decimal(&self.public.exponent)?);
        object.set("D", decimal(&self.secret.exponent)?);
        object.set("Primes", Value::from(primes));
        object.set("Precomputed", Value::from(precomputed.0));
        Ok(Value::from(object.0))
    }

    fn as_jwk(&self) -> Value {
        let [p, q] = &self.secret.primes;
        let [of_p, of_q, inverse_of_q] = &self.hints;
        let mut object = Object::default();
        object.set("kty", "RSA");
        let numbers = [
            ("n", &self.public.modulus),
            ("e", &self.public.exponent),
            ("d", &self.secret.exponent),
            ("p", p),
            ("q", q),
            ("dp", of_p),
            ("dq", of_q),
            ("qi", inverse_of_q),
        ];
        for (name, number) in numbers {
            object.set(name, base64::encode_url(&number.to_bytes_be()));
        }
        Value::from(object.0)
    }
}
