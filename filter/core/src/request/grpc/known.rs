//! The types of `google.protobuf` that have a JSON of their own, with Go's bounds of what they may hold.

use super::super::ParseError;
use super::json::{Writer, refused};
use super::names::is_identifier;
use super::value::{Message, Value};
use crate::builtins::time::calendar::date;

const SECONDS_PER_DAY: i64 = 86_400;

/// From the year 1 to the year 9999.
const SECONDS_OF_TIMES: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// 10,000 years.
const MAX_SECONDS_OF_DURATIONS: u64 = 315_576_000_000;

const NANOS: std::ops::Range<i64> = 0..1_000_000_000;

impl<'a> Writer<'a> {
    /// `false`: it is no such type.
    pub(super) fn well_known(&mut self, message: &Message<'a>) -> Result<bool, ParseError> {
        let Some(name) = message.of.name.strip_prefix("google.protobuf.") else { return Ok(false) };
        match name {
            "Any" => self.any(message)?,
            "Timestamp" => self.timestamp(message)?,
            "Duration" => self.duration(message)?,
            "FieldMask" => self.field_mask(message)?,
            "Value" => self.any_value(message)?,
            "Struct" | "ListValue" | "BoolValue" | "BytesValue" | "DoubleValue" | "FloatValue" | "Int32Value"
            | "Int64Value" | "StringValue" | "UInt32Value" | "UInt64Value" => self.only_field(message)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn only_field(&mut self, message: &Message<'a>) -> Result<(), ParseError> {
        if let Some(value) = message.get(1) {
            return self.value(value);
        }
        let field = message.of.fields.get(&1).ok_or_else(malformed)?;
        let blank = self.decoder.blank(field, message.levels)?;
        self.value(&blank)
    }

    /// The type that is named, in a `value` beside its name. Only those of this module but `FieldMask`: opa-envoy-plugin
    /// does not find the types of the descriptor set there, and refuses. One inside another is refused as well: each
    /// would be a copy.
    fn any(&mut self, message: &Message<'a>) -> Result<(), ParseError> {
        let url = match message.get(1) {
            Some(Value::Text(url)) => url,
            None => "",
            Some(_) => return Err(malformed()),
        };
        let content: &[u8] = match message.get(2) {
            Some(Value::Bytes(content)) => content,
            None => &[],
            Some(_) => return Err(malformed()),
        };
        if url.is_empty() && content.is_empty() {
            self.out.push_str("{}");
            return Ok(());
        }
        let name = url.rsplit('/').next().unwrap_or_default();
        let is_known = !matches!(name, "google.protobuf.Any" | "google.protobuf.FieldMask");
        let inner = self.decoder.schema.message_named(name).filter(|_| is_known);
        let inner = inner.ok_or_else(|| refused("google.protobuf.Any: unable to resolve its type"))?;
        let inner = self.decoder.message(Message::new(inner, message.levels), content)?;
        self.out.push('{');
        self.name("@type");
        self.text(url);
        if name != "google.protobuf.Empty" {
            self.out.push(',');
            self.name("value");
            if !self.well_known(&inner)? {
                return Err(refused("google.protobuf.Any: unable to resolve its type"));
            }
        }
        self.out.push('}');
        Ok(())
    }

    fn any_value(&mut self, message: &Message<'a>) -> Result<(), ParseError> {
        match message.fields().next() {
            None => Err(refused("google.protobuf.Value: none of its fields is set")),
            Some((_, Value::F64(number))) if !number.is_finite() => {
                Err(refused("google.protobuf.Value: no finite number"))
            }
            Some((_, value)) => self.value(value),
        }
    }

    fn timestamp(&mut self, message: &Message<'a>) -> Result<(), ParseError> {
        let (seconds, nanos) = (integer(message, 1)?, integer(message, 2)?);
        if !SECONDS_OF_TIMES.contains(&seconds) || !NANOS.contains(&nanos) {
            return Err(refused("google.protobuf.Timestamp: out of range"));
        }
        let (year, month, day) = date(seconds.div_euclid(SECONDS_PER_DAY));
        let clock = seconds.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute) = (clock.div_euclid(3_600), clock.div_euclid(60).rem_euclid(60));
        let second = clock.rem_euclid(60);
        let fraction = fraction(nanos);
        self.text(&format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z"));
        Ok(())
    }

    fn duration(&mut self, message: &Message<'a>) -> Result<(), ParseError> {
        let (seconds, nanos) = (integer(message, 1)?, integer(message, 2)?);
        let differ = (seconds > 0 && nanos < 0) || (seconds < 0 && nanos > 0);
        let nanos_are_fine = nanos.checked_abs().is_some_and(|nanos| NANOS.contains(&nanos));
        if seconds.unsigned_abs() > MAX_SECONDS_OF_DURATIONS || !nanos_are_fine || differ {
            return Err(refused("google.protobuf.Duration: out of range"));
        }
        let sign = if seconds < 0 || nanos < 0 { "-" } else { "" };
        self.text(&format!("{sign}{}{}s", seconds.unsigned_abs(), fraction(nanos)));
        Ok(())
    }

    /// The paths in lowerCamel, where that can be turned back.
    fn field_mask(&mut self, message: &Message<'a>) -> Result<(), ParseError> {
        let paths = match message.get(1) {
            Some(Value::List(paths)) => paths.as_slice(),
            None => &[],
            Some(_) => return Err(malformed()),
        };
        let mut camel = Vec::new();
        for path in paths {
            let Value::Text(path) = path else { return Err(malformed()) };
            let written = to_camel(path);
            if !path.split('.').all(is_identifier) || to_snake(&written) != *path {
                return Err(refused("google.protobuf.FieldMask: a path cannot be written"));
            }
            camel.push(written);
        }
        self.text(&camel.join(","));
        Ok(())
    }
}

fn malformed() -> ParseError {
    refused("a well-known type is described otherwise")
}

fn integer(message: &Message<'_>, number: u32) -> Result<i64, ParseError> {
    match message.get(number) {
        Some(Value::I64(value)) => Ok(*value),
        Some(Value::I32(value)) => Ok(i64::from(*value)),
        None => Ok(0),
        Some(_) => Err(malformed()),
    }
}

/// Nothing, or three, six or nine digits.
fn fraction(nanos: i64) -> String {
    let text = format!(".{:09}", nanos.unsigned_abs());
    let text = text.strip_suffix("000").unwrap_or(&text);
    let text = text.strip_suffix("000").unwrap_or(text);
    text.strip_suffix(".000").unwrap_or(text).to_owned()
}

/// An underscore is left out and makes the letter behind it a capital: also the JSON name of a field that has none.
pub(super) fn to_camel(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut is_behind_underscore = false;
    for character in path.chars() {
        if character != '_' {
            out.push(if is_behind_underscore { character.to_ascii_uppercase() } else { character });
        }
        is_behind_underscore = character == '_';
    }
    out
}

fn to_snake(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for character in path.chars() {
        if character.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(character.to_ascii_lowercase());
    }
    out
}
