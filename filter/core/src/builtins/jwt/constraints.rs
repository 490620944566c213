//! What `io.jwt.decode_verify` is told to demand of a token.

use super::super::pki::error;
use super::super::{Context, Failure};
use super::keys::KeySet;
use super::memory::fingerprint;
use regorus::Value;
use std::rc::Rc;
use std::sync::Arc;

/// The demands. A text that is empty demands nothing.
#[derive(Debug)]
pub(super) struct Constraints {
    pub trust: Trust,
    pub algorithm: Arc<str>,
    pub issuer: Arc<str>,
    pub audience: Arc<str>,
    /// Nanoseconds since the epoch, as a double, which OPA computes with.
    pub time: f64,
}

/// Whose signature counts.
#[derive(Debug)]
pub(super) enum Trust {
    Keys(Rc<KeySet>),
    Secret(Arc<str>),
}

impl Trust {
    /// What tells it from any other.
    pub fn identity(&self) -> [u8; 32] {
        match self {
            Self::Keys(keys) => keys.identity,
            Self::Secret(secret) => fingerprint(&[b"secret", secret.as_bytes()]),
        }
    }
}

impl Constraints {
    /// # Errors
    /// A member that is unknown or of the wrong type; not exactly one of `cert` and `secret`.
    pub fn read(context: &mut Context, value: &Value) -> Result<Self, Failure> {
        let Value::Object(members) = value else {
            return Err(error("io.jwt.decode_verify: wants an object of constraints"));
        };
        for name in members.keys() {
            match name {
                Value::String(name) if KNOWN.contains(&&**name) => {}
                Value::String(_) => return Err(error("io.jwt.decode_verify: unknown constraint")),
                _ => return Err(Failure::Inexact("a constraint whose name is no string: OPA panics")),
            }
        }
        let (algorithm, issuer) = (text(value, "alg")?, text(value, "iss")?);
        let (audience, secret) = (text(value, "aud")?, text(value, "secret")?);
        let time = match &value["time"] {
            Value::Undefined => nanoseconds(context)?,
            time @ Value::Number(_) => at_least_zero(double(time)?)?,
            _ => return Err(error("io.jwt.decode_verify: time must be a number")),
        };
        let trust = match (&value["cert"], secret) {
            (Value::Undefined, secret) if secret.is_empty() => {
                return Err(error("io.jwt.decode_verify: no key"));
            }
            (Value::Undefined, secret) => Trust::Secret(secret),
            (Value::String(keys), secret) if secret.is_empty() => Trust::Keys(KeySet::of(context, keys)?),
            (Value::String(_), _) => return Err(error("io.jwt.decode_verify: two keys")),
            _ => return Err(error("io.jwt.decode_verify: cert must be a string")),
        };
        Ok(Self { trust, algorithm, issuer, audience, time })
    }
}

const KNOWN: [&str; 6] = ["cert", "secret", "alg", "iss", "aud", "time"];

fn text(constraints: &Value, name: &str) -> Result<Arc<str>, Failure> {
    match &constraints[name] {
        Value::Undefined => Ok("".into()),
        Value::String(text) => Ok(Arc::clone(text)),
        _ => Err(error("io.jwt.decode_verify: a constraint must be a string")),
    }
}

fn nanoseconds(context: &Context) -> Result<f64, Failure> {
    at_least_zero(context.moment().now_ns as f64)
}

fn at_least_zero(time: f64) -> Result<f64, Failure> {
    if time < 0.0 { Err(error("io.jwt.decode_verify: time must not be negative")) } else { Ok(time) }
}

/// The nearest double, as Go reads it from the number's digits.
fn double(number: &Value) -> Result<f64, Failure> {
    let nearest = number.as_number().ok().and_then(|number| match number.as_f64() {
        Some(exact) => Some(exact),
        None => number.format_decimal().parse().ok(),
    });
    nearest.filter(|double| double.is_finite()).ok_or(Failure::Inexact("a time beyond a double"))
}
