//! A message as protobuf's JSON, as Go's `protojson` writes it: what opa-envoy-plugin shows a policy. Where Go refuses,
//! this refuses.
//!
//! Names are lowerCamel, 64-bit integers are texts, enums are named, bytes are base64, defaults are left out.

use super::super::ParseError;
use super::decode::Decoder;
use super::schema::{EnumType, MessageType, Schema};
use super::value::{Message, Value};
use crate::json::quote;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Writes a message.
///
/// # Errors
/// It is none, or larger than is read of any body. Or it has no such JSON: a required field is missing, a well-known type
/// holds what it may not.
pub(super) fn write(schema: &Schema, of: &MessageType, message: &[u8]) -> Result<String, ParseError> {
    let mut writer = Writer { out: String::new(), decoder: Decoder::new(schema) };
    let message = writer.decoder.outermost(of, message)?;
    writer.message(&message)?;
    Ok(writer.out)
}

pub(super) fn refused(why: &str) -> ParseError {
    ParseError::new(format!("proto: {why}"))
}

/// As deep as messages are inside each other, which the decoder bounds.
pub(super) struct Writer<'a> {
    pub(super) out: String,
    /// Reads what is packed into a `google.protobuf.Any`.
    pub(super) decoder: Decoder<'a>,
}

impl<'a> Writer<'a> {
    fn message(&mut self, message: &Message<'a>) -> Result<(), ParseError> {
        if self.well_known(message)? { Ok(()) } else { self.members(message) }
    }

    fn members(&mut self, message: &Message<'a>) -> Result<(), ParseError> {
        if message.lacks_required() {
            return Err(refused("a required field is not set"));
        }
        self.list('{', '}', message.fields(), |writer, (field, value)| {
            writer.name(&field.json_name);
            writer.value(value)
        })
    }

    pub(super) fn value(&mut self, value: &Value<'a>) -> Result<(), ParseError> {
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
            Value::Text(value) => self.text(value),
            Value::Bytes(value) => self.text(&STANDARD.encode(value)),
            Value::Enum(of, number) => self.enumerated(of, *number),
            Value::Message(message) => self.message(message)?,
            Value::List(items) => self.list('[', ']', items.iter(), Self::value)?,
            Value::Map(entries) => self.list('{', '}', entries.iter(), |writer, (key, value)| {
                writer.name(key);
                writer.value(value)
            })?,
        }
        Ok(())
    }
}

impl Writer<'_> {
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

    fn enumerated(&mut self, of: &EnumType, number: i32) {
        match of.names.get(&number) {
            _ if of.is_null => self.out.push_str("null"),
            Some(name) => self.text(name),
            None => self.plain(&number),
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
