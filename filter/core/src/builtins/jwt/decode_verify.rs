//! `io.jwt.decode_verify`: signature, header and claims in one call.

use super::super::pki::error;
use super::super::pki::key::PublicKey;
use super::super::{Context, Failure};
use super::algorithm::Algorithm;
use super::claims;
use super::constraints::{Constraints, Trust};
use super::header::Header;
use super::memory::{Opened, fingerprint};
use super::signature::{self, Form};
use super::token::{Token, object, pay};
use regorus::Value;
use std::borrow::Cow;

/// `[true, header, payload]`, or `[false, {}, {}]`. What the signature says may be remembered, what the clock says is
/// asked anew.
pub(super) fn decode_verify(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [token, constraints] = args else { return Err(error("io.jwt.decode_verify: wants two arguments")) };
    let constraints = Constraints::read(context, constraints)?;
    let Value::String(text) = token else { return Err(error("io.jwt.decode_verify: wants a string")) };
    match open(context, &constraints, text.as_bytes())? {
        Opened::Trusted(header, payload) if claims::fit(context, &constraints, &payload)? => {
            Ok(Value::from(vec![Value::from(true), header, payload]))
        }
        _ => Ok(Value::from(vec![Value::from(false), Value::new_object(), Value::new_object()])),
    }
}

/// The token's content if it is signed as demanded, from memory if that is known.
fn open(context: &mut Context, constraints: &Constraints, text: &[u8]) -> Result<Opened, Failure> {
    pay(context, text)?;
    let trust = constraints.trust.identity();
    let print = fingerprint(&[b"decode_verify", constraints.algorithm.as_bytes(), &trust, text]);
    if let Some(known) = context.memory.jwt.opened.get(&print) {
        return Ok(known);
    }
    let opened = open_text(context, constraints, text)?;
    context.memory.jwt.opened.put(print, opened.clone(), text.len().saturating_mul(16).saturating_add(64));
    Ok(opened)
}

/// A token in a token: each is verified with the same keys. Each is a quarter shorter than the one around it.
fn open_text(context: &mut Context, constraints: &Constraints, text: &[u8]) -> Result<Opened, Failure> {
    let mut text = Cow::Borrowed(text);
    loop {
        pay(context, &text)?;
        let token = Token::split(&text)?;
        let header_value = token.header()?;
        let header = Header::read(&header_value)?;
        let fits = constraints.algorithm.is_empty() || *constraints.algorithm == *header.algorithm;
        if !header.is_valid() || !fits {
            return Ok(Opened::Refused);
        }
        let signature = token.signature()?;
        if !is_signed(context, &constraints.trust, &header, &token, &signature)? {
            return Ok(Opened::Refused);
        }
        let payload = token.payload()?;
        if !header.is_nested() {
            return Ok(Opened::Trusted(header_value, object(&payload)?));
        }
        text = Cow::Owned(payload);
    }
}

/// The header's algorithm decides how, the kind of key decides whether: an RSA key verifies no HMAC.
fn is_signed(
    context: &mut Context,
    trust: &Trust,
    header: &Header<'_>,
    token: &Token<'_>,
    signature: &[u8],
) -> Result<bool, Failure> {
    let Some(algorithm) = Algorithm::named(header.algorithm) else { return Ok(false) };
    let mut fits = |key: &PublicKey| signature::verify(context, key, algorithm, Form::Strict, token.signed, signature);
    match trust {
        Trust::Keys(keys) => keys.any(header, |key| fits(&key.key)),
        Trust::Secret(secret) => fits(&PublicKey::Secret(secret.as_bytes().to_vec())),
    }
}
