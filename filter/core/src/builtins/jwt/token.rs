//! The three parts of a token in compact form, and the JSON in them.

use super::super::pki::{base64, error};
use super::super::{Context, Failure};
use crate::json;
use regorus::Value;

/// The parts as they stand in the token.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    header: &'a [u8],
    payload: &'a [u8],
    signature: &'a [u8],
    /// Header and payload with the period between them.
    pub signed: &'a [u8],
}

impl<'a> Token<'a> {
    /// # Errors
    /// There are not three parts.
    pub fn split(text: &'a [u8]) -> Result<Self, Failure> {
        let mut parts = text.split(|byte| *byte == b'.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(error("JWT: wants three parts"));
        };
        let signed = header.len().checked_add(payload.len()).and_then(|length| length.checked_add(1));
        let signed = signed.and_then(|length| text.get(..length)).unwrap_or_default();
        Ok(Self { header, payload, signature, signed })
    }

    /// # Errors
    /// The header is not an object, or it is one of an encrypted token.
    pub fn header(&self) -> Result<Value, Failure> {
        let text = base64::url(self.header).ok_or(error("JWT: the header is not base64url"))?;
        let header = object(&text)?;
        if header["enc"] != Value::Undefined {
            return Err(error("JWT: encrypted tokens are not supported"));
        }
        Ok(header)
    }

    /// # Errors
    /// It is not base64url.
    pub fn payload(&self) -> Result<Vec<u8>, Failure> {
        base64::url(self.payload).ok_or(error("JWT: the payload is not base64url"))
    }

    /// # Errors
    /// It is not base64url.
    pub fn signature(&self) -> Result<Vec<u8>, Failure> {
        base64::url(self.signature).ok_or(error("JWT: the signature is not base64url"))
    }
}

/// Work of decoding a token, for each of its bytes: base64, JSON, and a value of up to twelve times its text.
const DECODED_BYTE: usize = 16;

/// Pays for decoding a token.
pub(super) fn pay(context: &mut Context, token: &[u8]) -> Result<(), Failure> {
    context.work(token.len().saturating_mul(DECODED_BYTE))
}

/// Reads a JSON object as OPA does: one JSON value, behind which a `null` may stand (a slip of its reader).
pub(super) fn object(text: &[u8]) -> Result<Value, Failure> {
    let read = json::parse(text).or_else(|error| match text.split_at_checked(error.offset) {
        Some((value, rest)) if error.message == json::TRAILING && rest.starts_with(b"null") => json::parse(value),
        _ => Err(error),
    });
    match read {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(error("JWT: not a JSON object")),
        Err(json) if json.beyond_bounds => Err(Failure::Inexact("a token's JSON is beyond the bounds of the reader")),
        Err(_) => Err(error("JWT: not JSON")),
    }
}
