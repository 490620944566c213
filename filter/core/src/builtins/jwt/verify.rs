//! `io.jwt.verify_*`: whether a token is signed with a key, by an algorithm that the policy names.

use super::super::pki::error;
use super::super::pki::key::PublicKey;
use super::super::{Context, Failure};
use super::algorithm::{Algorithm, Hash};
use super::header::Header;
use super::keys::KeySet;
use super::memory::fingerprint;
use super::signature::{self, Form};
use super::token::{Token, pay};
use regorus::Value;

/// With keys that one side keeps.
pub(super) fn asymmetric(context: &mut Context, args: &[Value], algorithm: Algorithm) -> Result<Value, Failure> {
    let [Value::String(text), Value::String(keys)] = args else {
        return Err(error("io.jwt.verify: wants strings"));
    };
    let token = Token::split(text.as_bytes())?;
    let keys = KeySet::of(context, keys)?;
    pay(context, text.as_bytes())?;
    let print = fingerprint(&[b"verify", format!("{algorithm:?}").as_bytes(), &keys.identity, text.as_bytes()]);
    if let Some(known) = context.memory.jwt.verified.get(&print) {
        return Ok(Value::from(known));
    }
    let signature = token.signature()?;
    let header = token.header()?;
    let valid = keys.any(&Header::read(&header)?, |key| {
        Ok(!key.is_private && signature::verify(context, &key.key, algorithm, Form::Loose, token.signed, &signature)?)
    })?;
    context.memory.jwt.verified.put(print, valid, size_of_val(&print));
    Ok(Value::from(valid))
}

/// With a secret that both sides know. The header is not looked at. Not remembered: looking it up costs as much.
pub(super) fn symmetric(context: &mut Context, args: &[Value], hash: Hash) -> Result<Value, Failure> {
    let [Value::String(text), Value::String(secret)] = args else {
        return Err(error("io.jwt.verify: wants strings"));
    };
    pay(context, text.as_bytes())?;
    let token = Token::split(text.as_bytes())?;
    let signature = token.signature()?;
    let secret = PublicKey::Secret(secret.as_bytes().to_vec());
    let valid = signature::verify(context, &secret, Algorithm::Hmac(hash), Form::Loose, token.signed, &signature)?;
    Ok(Value::from(valid))
}
