//! `base64*`, `hex.*`, `urlquery.*`, `json.marshal`, `json.unmarshal`, `json.is_valid`.

mod json;
pub(super) mod json_text;
mod urlquery;

use super::operands::{arity, text};
use super::{Builtin, Context, Failure, own};
use crate::text::{hex_digit, hexadecimal};
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, Engine};
use base64::{alphabet, engine::general_purpose::URL_SAFE_NO_PAD};
use regorus::Value;

pub(super) const TABLE: &[Builtin] = &[
    own("base64.decode", 1, base64_decode),
    own("base64.encode", 1, base64_encode),
    own("base64.is_valid", 1, base64_is_valid),
    own("base64url.decode", 1, base64url_decode),
    own("base64url.encode", 1, base64url_encode),
    own("base64url.encode_no_pad", 1, base64url_encode_no_pad),
    own("hex.decode", 1, hex_decode),
    own("hex.encode", 1, hex_encode),
    own("json.is_valid", 1, json::is_valid),
    own("json.marshal", 1, json::marshal),
    own("json.marshal_with_options", 2, json::marshal_with_options),
    own("json.unmarshal", 1, json::unmarshal),
    own("urlquery.decode", 1, urlquery::decode),
    own("urlquery.decode_object", 1, urlquery::decode_object),
    own("urlquery.encode", 1, urlquery::encode),
    own("urlquery.encode_object", 1, urlquery::encode_object),
];

/// Go takes bits beyond the last byte, and wants the padding.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// The text of a builtin that takes one, paid for.
fn only_text<'a>(context: &mut Context, args: &'a [Value]) -> Result<&'a str, Failure> {
    let [value] = args else { return Err(arity()) };
    let text = text(value)?;
    context.work(text.len().saturating_mul(3))?;
    Ok(text)
}

/// Decoded bytes as a value. OPA keeps bytes that are no text, the engine cannot.
pub(super) fn decoded(bytes: Vec<u8>) -> Result<Value, Failure> {
    String::from_utf8(bytes).map(Value::from).map_err(|_| Failure::Inexact("decodes to what is no UTF-8"))
}

fn base64_encode(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    only_text(context, args).map(|text| Value::from(STANDARD.encode(text)))
}

fn base64url_encode(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    only_text(context, args).map(|text| Value::from(URL_SAFE.encode(text)))
}

fn base64url_encode_no_pad(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    only_text(context, args).map(|text| Value::from(URL_SAFE_NO_PAD.encode(text)))
}

/// Go passes over line breaks anywhere.
fn base64(engine: &GeneralPurpose, text: &str) -> Result<Vec<u8>, Failure> {
    let joined = text.replace(['\r', '\n'], "");
    engine.decode(joined).map_err(|_| Failure::Error("is no base64".into()))
}

fn base64_decode(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    base64(&STANDARD, only_text(context, args)?).and_then(decoded)
}

fn base64_is_valid(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    match only_text(context, args).and_then(|text| base64(&STANDARD, text)) {
        Ok(_) => Ok(Value::from(true)),
        Err(Failure::Error(_)) => Ok(Value::from(false)),
        Err(other) => Err(other),
    }
}

/// The padding may be left out. OPA counts the characters before line breaks are passed over.
fn base64url_decode(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let text = only_text(context, args)?;
    let padding = match text.len() % 4 {
        _ if text.ends_with('=') => "",
        0 => "",
        2 => "==",
        3 => "=",
        _ => return Err(Failure::Error("is no base64".into())),
    };
    base64(&URL_SAFE, &format!("{text}{padding}")).and_then(decoded)
}

fn hex_encode(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let text = only_text(context, args)?;
    Ok(Value::from(hexadecimal(text.as_bytes())))
}

fn hex_decode(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let text = only_text(context, args)?;
    let malformed = || Failure::Error("is not hexadecimal".into());
    let mut bytes = Vec::with_capacity(text.len() / 2);
    for pair in text.as_bytes().chunks(2) {
        let [high, low] = pair else { return Err(malformed()) };
        let (high, low) = (hex_digit(*high).ok_or_else(malformed)?, hex_digit(*low).ok_or_else(malformed)?);
        bytes.push(high.wrapping_shl(4) | low);
    }
    decoded(bytes)
}
