//! `parsed_body` of gRPC requests: the first message, by the descriptors of the configuration, as protobuf's JSON
//! (contract section 1.8).

mod decode;
mod described;
mod json;
mod known;
mod names;
mod resolve;
mod schema;
mod value;
mod wire;

use super::ParseError;
use super::body::{Parsed, json_text};
use crate::json::Bounds;
use regorus::Value;
use schema::{MessageType, Schema};

/// Bytes before a message: a flag and a length.
const FRAME_HEAD: usize = 5;

/// Nesting of the JSON of a message, of which no more than 100 are inside each other: more than those can make.
const MAX_DEPTH: usize = 1_000;

/// The services of a descriptor set.
#[derive(Debug)]
pub struct Services(Schema);

impl Services {
    /// From a `FileDescriptorSet`.
    ///
    /// # Errors
    /// It is none, or not complete.
    pub fn new(descriptor_set: &[u8]) -> Result<Self, String> {
        Schema::new(descriptor_set).map(Self)
    }
}

/// What was found in a body.
#[derive(Debug)]
pub enum Found {
    /// Nothing that can be read: compressed, or a method that is not described.
    Nothing,
    /// The first message is longer than the body.
    Truncated,
    /// The message.
    Message(Parsed),
}

/// Reads the first message. `path` is the decoded path in segments.
///
/// # Errors
/// A path that names no method, a body without the head of a frame, a message that cannot be decoded.
pub fn parse(services: &Services, path: &[Value], body: &[u8]) -> Result<Found, ParseError> {
    let [service, method] = path else {
        return Err(ParseError::new("invalid parsed path"));
    };
    let Some((&[compressed, a, b, c, d], rest)) = body.split_first_chunk::<FRAME_HEAD>() else {
        return Err(ParseError::new("less than 5 bytes"));
    };
    if compressed != 0 {
        return Ok(Found::Nothing);
    }
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    let Some(message) = rest.get(..length) else {
        return Ok(Found::Truncated);
    };
    let name = |segment: &Value| segment.as_string().map(ToString::to_string).unwrap_or_default();
    match services.0.input(&name(service), &name(method)) {
        Some(of) => read(&services.0, of, message).map(Found::Message),
        None => Ok(Found::Nothing),
    }
}

fn read(schema: &Schema, of: &MessageType, message: &[u8]) -> Result<Parsed, ParseError> {
    // The message is gone before its text is read.
    let text = json::write(schema, of, message)?;
    json_text(text.as_bytes(), &mut Bounds { depth: MAX_DEPTH, ..Bounds::REQUEST })
}

#[cfg(test)]
mod tests;
