//! A message from its bytes, as Go's protobuf reads it: of a field that is there twice the last counts, but lists grow and
//! messages merge; a field that is not described, or is written as another type than described, is passed over.

use super::super::ParseError;
use super::json::refused;
use super::schema::{Field, Kind, MessageType, Presence, Scalar, Schema};
use super::value::{Message, Value};
use super::wire::{delimited, fixed, key, skip, varint};
use crate::json::Bounds;
use prost::encoding::WireType;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What a message weighs beside its fields, for which it has a list of its own: as many values. With that, the worst
/// message takes no more memory than the worst JSON of as many values does.
const WEIGHT_OF_MESSAGE: usize = 4;

/// Messages inside each other below the outermost: what bounds the stack.
const MAX_LEVELS: usize = 100;

/// Any type, all defaults: no number, no truth, no text, no bytes.
const ZEROS: &[u8] = &[0; 8];

pub(super) struct Decoder<'a> {
    pub(super) schema: &'a Schema,
    /// How many values a message, and those that are packed into it, may still hold: what bounds memory, since a number
    /// of a packed field is one byte of the message and many more here.
    left: usize,
}

impl<'a> Decoder<'a> {
    pub(super) const fn new(schema: &'a Schema) -> Self {
        Self { schema, left: Bounds::REQUEST.values }
    }

    /// # Errors
    /// It is no message, holds too much, or is nested too deeply.
    pub(super) fn outermost(&mut self, of: &'a MessageType, content: &'a [u8]) -> Result<Message<'a>, ParseError> {
        self.message(Message::new(of, MAX_LEVELS), content)
    }

    /// # Errors
    /// It is no message, holds too much, or is nested too deeply.
    pub(super) fn message(
        &mut self,
        mut message: Message<'a>,
        mut content: &'a [u8],
    ) -> Result<Message<'a>, ParseError> {
        self.fields(&mut message, &mut content, None)?;
        Ok(message)
    }

    /// The default of a field that holds no more than `levels` messages inside each other.
    ///
    /// # Errors
    /// It is a message, and that is one too many.
    pub(super) fn blank(&self, field: &Field, levels: usize) -> Result<Value<'a>, ParseError> {
        match field.presence {
            Presence::List => Ok(Value::List(Vec::new())),
            Presence::Map => Ok(Value::Map(BTreeMap::new())),
            Presence::Required | Presence::Explicit | Presence::Implicit => self.default(field.kind, levels),
        }
    }

    /// The fields up to the end of `rest` or of a group.
    fn fields(&mut self, message: &mut Message<'a>, rest: &mut &'a [u8], group: Option<u32>) -> Result<(), ParseError> {
        self.spend(WEIGHT_OF_MESSAGE)?;
        while group.is_some() || !rest.is_empty() {
            let (number, wire) = key(rest)?;
            if wire == WireType::EndGroup && group == Some(number) {
                return Ok(());
            }
            match message.of.fields.get(&number) {
                Some(field) if is_packed(field, wire) => self.packed(message, field, delimited(rest)?)?,
                Some(field) if field.kind.wire() == wire => self.field(message, field, rest)?,
                _ => skip(number, wire, rest)?,
            }
        }
        Ok(())
    }

    fn field(&mut self, message: &mut Message<'a>, field: &'a Field, rest: &mut &'a [u8]) -> Result<(), ParseError> {
        self.spend(1)?;
        let levels = message.levels;
        match message.slot(field, self.blank(field, levels)?) {
            Some(Value::List(items)) => {
                let mut item = self.default(field.kind, levels)?;
                self.value(&mut item, field, rest)?;
                items.push(item);
            }
            Some(Value::Map(entries)) => {
                let (key, value) = self.entry(field.kind, delimited(rest)?, levels)?;
                entries.insert(key, value);
            }
            Some(value) => self.value(value, field, rest)?,
            None => return Err(unlike()),
        }
        Ok(())
    }

    /// A value in the place of one that is there, which a message is added to.
    fn value(&mut self, value: &mut Value<'a>, field: &Field, rest: &mut &'a [u8]) -> Result<(), ParseError> {
        match (value, field.kind) {
            (Value::Message(inner), Kind::Group(_)) => self.fields(inner, rest, Some(field.number)),
            (Value::Message(inner), _) => self.fields(inner, &mut delimited(rest)?, None),
            (value, Kind::Scalar(scalar)) => {
                *value = self.scalar(scalar, rest)?;
                Ok(())
            }
            (_, Kind::Message(_) | Kind::Group(_)) => Err(unlike()),
        }
    }

    /// Numbers without anything between them.
    fn packed(&mut self, message: &mut Message<'a>, field: &'a Field, mut content: &'a [u8]) -> Result<(), ParseError> {
        self.spend(1)?;
        let slot = message.slot(field, Value::List(Vec::new()));
        let (Some(Value::List(items)), Kind::Scalar(scalar)) = (slot, field.kind) else { return Err(unlike()) };
        while !content.is_empty() {
            self.spend(1)?;
            items.push(self.scalar(scalar, &mut content)?);
        }
        Ok(())
    }

    /// An entry of a map is a message with two fields. It is no level of its own: what is inside the map is.
    fn entry(&mut self, kind: Kind, content: &'a [u8], levels: usize) -> Result<(Cow<'a, str>, Value<'a>), ParseError> {
        let of = self.message_type(kind)?;
        let mut entry = self.message(Message::new(of, levels), content)?;
        let mut member = |number| match (entry.take(number), of.fields.get(&number)) {
            (Some(value), _) => Ok(value),
            (None, Some(field)) => self.blank(field, levels),
            (None, None) => Err(unlike()),
        };
        Ok((text_of(member(1)?)?, member(2)?))
    }

    fn default(&self, kind: Kind, levels: usize) -> Result<Value<'a>, ParseError> {
        if let Kind::Scalar(scalar) = kind {
            return self.scalar(scalar, &mut &*ZEROS);
        }
        let below = levels.checked_sub(1).ok_or_else(|| refused("messages are nested too deeply"))?;
        Ok(Value::Message(Message::new(self.message_type(kind)?, below)))
    }

    fn message_type(&self, kind: Kind) -> Result<&'a MessageType, ParseError> {
        let at = if let Kind::Message(at) | Kind::Group(at) = kind { self.schema.messages.get(at) } else { None };
        at.ok_or_else(unlike)
    }

    fn scalar(&self, scalar: Scalar, rest: &mut &'a [u8]) -> Result<Value<'a>, ParseError> {
        Ok(match scalar {
            Scalar::Bool => Value::Bool(varint(rest)? != 0),
            // Of a number that is longer than its type the rest is dropped.
            Scalar::Int32 => Value::I32(varint(rest)? as i32),
            Scalar::Uint32 => Value::U32(varint(rest)? as u32),
            Scalar::Sint32 => Value::I32(zigzag(varint(rest)? & u64::from(u32::MAX)) as i32),
            Scalar::Int64 => Value::I64(varint(rest)? as i64),
            Scalar::Uint64 => Value::U64(varint(rest)?),
            Scalar::Sint64 => Value::I64(zigzag(varint(rest)?)),
            Scalar::Fixed32 => Value::U32(u32::from_le_bytes(fixed(rest)?)),
            Scalar::Fixed64 => Value::U64(u64::from_le_bytes(fixed(rest)?)),
            Scalar::Sfixed32 => Value::I32(i32::from_le_bytes(fixed(rest)?)),
            Scalar::Sfixed64 => Value::I64(i64::from_le_bytes(fixed(rest)?)),
            Scalar::Float => Value::F32(f32::from_le_bytes(fixed(rest)?)),
            Scalar::Double => Value::F64(f64::from_le_bytes(fixed(rest)?)),
            Scalar::Text => {
                let text = std::str::from_utf8(delimited(rest)?);
                Value::Text(text.map_err(|_| refused("a text is not UTF-8"))?)
            }
            Scalar::Bytes => Value::Bytes(delimited(rest)?),
            Scalar::Enum(at) => {
                let of = self.schema.enums.get(at).ok_or_else(unlike)?;
                Value::Enum(of, varint(rest)? as i32)
            }
        })
    }

    fn spend(&mut self, values: usize) -> Result<(), ParseError> {
        self.left = self.left.checked_sub(values).ok_or_else(|| refused("the message holds too many values"))?;
        Ok(())
    }
}

/// Whether several numbers of a list stand behind one length. Either way of writing them is read.
fn is_packed(field: &Field, wire: WireType) -> bool {
    let is_number = matches!(field.kind, Kind::Scalar(scalar) if scalar.wire() != WireType::LengthDelimited);
    wire == WireType::LengthDelimited && field.presence == Presence::List && is_number
}

/// 0, -1, 1, -2, 2, …
const fn zigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ ((number & 1) as i64).wrapping_neg()
}

fn text_of(key: Value<'_>) -> Result<Cow<'_, str>, ParseError> {
    Ok(match key {
        Value::Bool(key) => key.to_string().into(),
        Value::I32(key) => key.to_string().into(),
        Value::U32(key) => key.to_string().into(),
        Value::I64(key) => key.to_string().into(),
        Value::U64(key) => key.to_string().into(),
        Value::Text(key) => key.into(),
        _ => return Err(unlike()),
    })
}

/// What cannot be: the types were checked when they were resolved.
fn unlike() -> ParseError {
    refused("a field is not as its type")
}
