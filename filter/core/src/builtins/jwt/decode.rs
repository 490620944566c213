//! `io.jwt.decode`: what stands in a token, nothing of it verified.

use super::super::crypto::hex;
use super::super::pki::error;
use super::super::{Context, Failure};
use super::token::{Token, object, pay};
use regorus::Value;
use std::borrow::Cow;
use std::sync::Arc;

/// Header, payload, and the signature in hex; of the innermost token if one is the payload of another.
pub(super) fn decode(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [Value::String(text)] = args else { return Err(error("io.jwt.decode: wants a string")) };
    context.work(text.len())?;
    if let Some(known) = context.memory.jwt.decoded.get(&**text) {
        return Ok(known);
    }
    let decoded = decode_text(context, text.as_bytes())?;
    context.memory.jwt.decoded.put(Arc::clone(text), decoded.clone(), text.len().saturating_mul(16));
    Ok(decoded)
}

fn decode_text(context: &mut Context, text: &[u8]) -> Result<Value, Failure> {
    let mut text = Cow::Borrowed(text);
    loop {
        pay(context, &text)?;
        let token = Token::split(&text)?;
        let header = token.header()?;
        let payload = token.payload()?;
        match &header["cty"] {
            Value::String(content) if &**content == "JWT" => {
                text = Cow::Owned(without_quotes(&payload).to_vec());
                continue;
            }
            Value::String(_) | Value::Undefined => {}
            _ => return Err(Failure::Inexact("a token whose cty is no string: OPA panics")),
        }
        let payload = object(&payload)?;
        let signature = Value::from(hex(&token.signature()?));
        return Ok(Value::from(vec![header, payload, signature]));
    }
}

/// A nested token may be quoted.
fn without_quotes(mut text: &[u8]) -> &[u8] {
    while let [b'"' | b'\'', rest @ ..] | [rest @ .., b'"' | b'\''] = text {
        text = rest;
    }
    text
}
