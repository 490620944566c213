//! The few forms that fields are written in.

use super::super::ParseError;
use super::json::refused;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// The number of a field, and what stands behind it.
pub(super) fn key(rest: &mut &[u8]) -> Result<(u32, WireType), ParseError> {
    decode_key(rest).map_err(|error| refused(&error.to_string()))
}

pub(super) fn varint(rest: &mut &[u8]) -> Result<u64, ParseError> {
    decode_varint(rest).map_err(|error| refused(&error.to_string()))
}

pub(super) fn fixed<const LENGTH: usize>(rest: &mut &[u8]) -> Result<[u8; LENGTH], ParseError> {
    let (bytes, behind) = rest.split_first_chunk().ok_or_else(too_long)?;
    *rest = behind;
    Ok(*bytes)
}

/// What stands behind a length.
pub(super) fn delimited<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], ParseError> {
    let length = usize::try_from(varint(rest)?).ok();
    let (content, behind) = length.and_then(|length| rest.split_at_checked(length)).ok_or_else(too_long)?;
    *rest = behind;
    Ok(content)
}

/// A field that is not read; groups no deeper inside each other than messages.
pub(super) fn skip(number: u32, wire: WireType, rest: &mut &[u8]) -> Result<(), ParseError> {
    skip_field(wire, number, rest, DecodeContext::default()).map_err(|error| refused(&error.to_string()))
}

fn too_long() -> ParseError {
    refused("a field is longer than the message")
}
