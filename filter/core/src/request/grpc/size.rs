//! What a message will take, found in its bytes before anything is made of them: a number of a packed field is one byte
//! of the message and eighty once it is decoded.
//!
//! Fields that are not described count as the others: the decoder keeps them.

use super::super::ParseError;
use super::json::refused;
use crate::json::Bounds;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use prost_reflect::{Kind, MessageDescriptor};

/// What a message weighs beside its fields, which are in a tree of their own: as many values. With that, the worst message
/// takes as much memory as the worst JSON of as many values does.
const WEIGHT_OF_MESSAGE: usize = 4;

/// Messages inside each other below the outermost: as many as the decoder follows.
const MAX_LEVELS: usize = 100;

/// What a message, and those that are packed into it, may still hold.
pub(super) struct Size {
    left: usize,
}

/// What stands behind the number of a field, as far as its size depends on it.
enum Content {
    /// One value, of which nothing more is made.
    One,
    /// Numbers without anything between them: how each is written.
    Packed(WireType),
    /// A message of its own.
    Message(MessageDescriptor),
    /// Fields of which nothing is described.
    Group,
}

impl Size {
    pub(super) const fn new() -> Self {
        Self { left: Bounds::REQUEST.values }
    }

    /// Takes a message out of what is left.
    ///
    /// # Errors
    /// It is beyond that, nested too deeply, or no message.
    pub(super) fn take(&mut self, descriptor: &MessageDescriptor, mut message: &[u8]) -> Result<(), ParseError> {
        self.fields(Some(descriptor), &mut message, None, MAX_LEVELS)
    }

    /// The fields up to the end of `rest` or of a group.
    fn fields(
        &mut self,
        descriptor: Option<&MessageDescriptor>,
        rest: &mut &[u8],
        group: Option<u32>,
        levels: usize,
    ) -> Result<(), ParseError> {
        self.spend(WEIGHT_OF_MESSAGE)?;
        while group.is_some() || !rest.is_empty() {
            let (number, wire) = decode_key(rest).map_err(|error| refused(&error.to_string()))?;
            if wire == WireType::EndGroup && group == Some(number) {
                return Ok(());
            }
            self.spend(1)?;
            match content(descriptor, number, wire)? {
                Content::One => skip(number, wire, rest)?,
                Content::Packed(item) => self.spend(items(item, delimited(rest)?))?,
                Content::Message(inner) => {
                    // The decoder reads the members of a map as part of the message around them.
                    let below = if inner.is_map_entry() { Some(levels) } else { levels.checked_sub(1) };
                    let below = below.ok_or_else(too_deep)?;
                    if wire == WireType::StartGroup {
                        self.fields(Some(&inner), rest, Some(number), below)?;
                    } else {
                        self.fields(Some(&inner), &mut delimited(rest)?, None, below)?;
                    }
                }
                Content::Group => {
                    let below = levels.checked_sub(1).ok_or_else(too_deep)?;
                    self.fields(None, rest, Some(number), below)?;
                }
            }
        }
        Ok(())
    }

    fn spend(&mut self, values: usize) -> Result<(), ParseError> {
        self.left = self.left.checked_sub(values).ok_or_else(|| refused("the message holds too many values"))?;
        Ok(())
    }
}

/// # Errors
/// A message is written as something else: the decoder would take anything for a member of a map.
fn content(descriptor: Option<&MessageDescriptor>, number: u32, wire: WireType) -> Result<Content, ParseError> {
    let field = descriptor.and_then(|descriptor| {
        let field = descriptor.get_field(number).map(|field| (field.kind(), field.is_list(), field.is_group()));
        let extension = || descriptor.get_extension(number);
        field.or_else(|| extension().map(|field| (field.kind(), field.is_list(), field.is_group())))
    });
    Ok(match (field, wire) {
        (None, WireType::StartGroup) => Content::Group,
        (Some((Kind::Message(inner), _, is_group)), _) => {
            let expected = if is_group { WireType::StartGroup } else { WireType::LengthDelimited };
            if wire != expected {
                return Err(refused("a message is written as something else"));
            }
            Content::Message(inner)
        }
        (Some((kind, true, _)), WireType::LengthDelimited) => match kind.wire_type() {
            WireType::LengthDelimited => Content::One,
            item => Content::Packed(item),
        },
        _ => Content::One,
    })
}

/// How many numbers are in a packed field.
fn items(item: WireType, content: &[u8]) -> usize {
    match item {
        WireType::ThirtyTwoBit => content.len().div_ceil(4),
        WireType::SixtyFourBit => content.len().div_ceil(8),
        _ => content.iter().filter(|byte| byte.is_ascii()).count(),
    }
}

/// What stands behind a length.
fn delimited<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], ParseError> {
    let length = decode_varint(rest).map_err(|error| refused(&error.to_string()))?;
    let split = usize::try_from(length).ok().and_then(|length| rest.split_at_checked(length));
    let (content, behind) = split.ok_or_else(|| refused("a field is longer than the message"))?;
    *rest = behind;
    Ok(content)
}

/// Anything but a group, which the caller follows.
fn skip(number: u32, wire: WireType, rest: &mut &[u8]) -> Result<(), ParseError> {
    skip_field(wire, number, rest, DecodeContext::default()).map_err(|error| refused(&error.to_string()))
}

fn too_deep() -> ParseError {
    refused("messages are nested too deeply")
}
