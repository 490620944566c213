//! A message as protobuf's JSON, as Go's `protojson` writes it: what opa-envoy-plugin shows a policy. Where Go refuses,
//! this refuses.
//!
//! Names are lowerCamel, 64-bit integers are texts, enums are named, bytes are base64, defaults are left out.

use super::super::ParseError;
use super::size::Size;
use crate::json::quote;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost_reflect::{
    Cardinality, DynamicMessage, EnumDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage as _, Value,
};

/// Messages inside each other: what bounds the stack. The decoder reads no more of them, but for what is packed into a
/// `google.protobuf.Any`.
const MAX_LEVELS: usize = 100;

/// Writes a message.
///
/// # Errors
/// It is none, or larger than is read of any body. Or it has no such JSON: a required field is missing, a well-known type
/// holds what it may not.
pub(super) fn write(descriptor: MessageDescriptor, message: &[u8]) -> Result<String, ParseError> {
    let mut writer = Writer { out: String::new(), size: Size::new() };
    let message = writer.decode(descriptor, message)?;
    writer.message(&message, MAX_LEVELS)?;
    Ok(writer.out)
}

pub(super) fn refused(why: &str) -> ParseError {
    ParseError::new(format!("proto: {why}"))
}

pub(super) struct Writer {
    pub(super) out: String,
    size: Size,
}

impl Writer {
    /// Only what fits into what is left for all of a body.
    pub(super) fn decode(
        &mut self,
        descriptor: MessageDescriptor,
        content: &[u8],
    ) -> Result<DynamicMessage, ParseError> {
        self.size.take(&descriptor, content)?;
        DynamicMessage::decode(descriptor, content).map_err(|error| refused(&error.to_string()))
    }

    pub(super) fn message(&mut self, message: &DynamicMessage, levels: usize) -> Result<(), ParseError> {
        let levels = levels.checked_sub(1).ok_or_else(|| refused("messages are nested too deeply"))?;
        if self.well_known(message, levels)? { Ok(()) } else { self.members(message, levels) }
    }

    fn members(&mut self, message: &DynamicMessage, levels: usize) -> Result<(), ParseError> {
        let descriptor = message.descriptor();
        let is_missing = |field| !message.has_field(&field);
        if descriptor.fields().filter(|field| field.cardinality() == Cardinality::Required).any(is_missing) {
            return Err(refused("a required field is not set"));
        }
        self.list('{', '}', message.fields(), |writer, (field, value)| {
            writer.name(field.json_name());
            writer.value(&field.kind(), value, levels)
        })
    }

    /// A value of a field; `kind` is that of the field, of which a list has many.
    pub(super) fn value(&mut self, kind: &Kind, value: &Value, levels: usize) -> Result<(), ParseError> {
        match value {
            Value::Bool(value) => self.plain(value),
            Value::I32(value) => self.plain(value),
            Value::U32(value) => self.plain(value),
            Value::I64(value) => self.text(&value.to_string()),
            Value::U64(value) => self.text(&value.to_string()),
            Value::F32(value) => {
                let is_plain = *value == 0.0 || (1e-6_f32..1e21_f32).contains(&value.abs());
                self.float(f64::from(*value), is_plain, &value.to_string(), &format!("{value:e}"));
            }
            Value::F64(value) => {
                let is_plain = *value == 0.0 || (1e-6_f64..1e21_f64).contains(&value.abs());
                self.float(*value, is_plain, &value.to_string(), &format!("{value:e}"));
            }
            Value::String(value) => self.text(value),
            Value::Bytes(value) => self.text(&STANDARD.encode(value)),
            Value::EnumNumber(number) => self.enumerated(kind, *number),
            Value::Message(message) => self.message(message, levels)?,
            Value::List(items) => {
                self.list('[', ']', items.iter(), |writer, item| writer.value(kind, item, levels))?;
            }
            Value::Map(members) => {
                let kind = kind.as_message().map(|entry| entry.map_entry_value_field().kind());
                let kind = kind.ok_or_else(|| refused("a map without entries"))?;
                self.list('{', '}', members.iter(), |writer, (key, value)| {
                    writer.name(&text_of(key));
                    writer.value(&kind, value, levels)
                })?;
            }
        }
        Ok(())
    }
}

impl Writer {
    /// Go's texts: an exponent where the number is very small or large, with a sign.
    fn float(&mut self, value: f64, is_plain: bool, plain: &str, exponential: &str) {
        if value.is_nan() {
            self.text("NaN");
        } else if value.is_infinite() {
            self.text(if value > 0.0 { "Infinity" } else { "-Infinity" });
        } else if is_plain {
            self.out.push_str(plain);
        } else {
            self.out.push_str(&exponential.replace('e', "e+").replace("e+-", "e-"));
        }
    }

    fn enumerated(&mut self, kind: &Kind, number: i32) {
        match kind.as_enum().map(|kind| (kind.full_name(), name_of(kind, number))) {
            Some(("google.protobuf.NullValue", _)) => self.out.push_str("null"),
            Some((_, Some(name))) => self.text(name),
            _ => self.plain(&number),
        }
    }

    /// Between two brackets, with commas.
    fn list<T>(
        &mut self,
        open: char,
        close: char,
        items: impl Iterator<Item = T>,
        write: impl Fn(&mut Self, T) -> Result<(), ParseError>,
    ) -> Result<(), ParseError> {
        self.out.push(open);
        for (number, item) in items.enumerate() {
            if number > 0 {
                self.out.push(',');
            }
            write(self, item)?;
        }
        self.out.push(close);
        Ok(())
    }

    pub(super) fn name(&mut self, name: &str) {
        self.text(name);
        self.out.push(':');
    }

    pub(super) fn text(&mut self, text: &str) {
        self.out.push_str(&quote(text));
    }

    fn plain(&mut self, value: &dyn std::fmt::Display) {
        self.out.push_str(&value.to_string());
    }
}

/// The first of several that have the same number, in the order in which they are described.
fn name_of(kind: &EnumDescriptor, number: i32) -> Option<&str> {
    kind.enum_descriptor_proto().value.iter().find(|value| value.number() == number).map(|value| value.name())
}

fn text_of(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => key.clone(),
    }
}
