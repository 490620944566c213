//! The types of `google.protobuf` that have a JSON of their own, with Go's bounds of what they may hold.

use super::super::ParseError;
use super::json::{Writer, refused};
use crate::builtins::time::calendar::date;
use prost_reflect::{DynamicMessage, ReflectMessage as _, Value};

const SECONDS_PER_DAY: i64 = 86_400;

/// From the year 1 to the year 9999.
const SECONDS_OF_TIMES: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// 10,000 years.
const MAX_SECONDS_OF_DURATIONS: u64 = 315_576_000_000;

const NANOS: std::ops::Range<i64> = 0..1_000_000_000;

impl Writer {
    /// `false`: it is no such type.
    pub(super) fn well_known(&mut self, message: &DynamicMessage, levels: usize) -> Result<bool, ParseError> {
        let descriptor = message.descriptor();
        let Some(name) = descriptor.full_name().strip_prefix("google.protobuf.") else {
            return Ok(false);
        };
        match name {
            "Any" => self.any(message, levels)?,
            "Timestamp" => self.timestamp(message)?,
            "Duration" => self.duration(message)?,
            "FieldMask" => self.field_mask(message)?,
            "Value" => self.any_value(message, levels)?,
            "Struct" | "ListValue" | "BoolValue" | "BytesValue" | "DoubleValue" | "FloatValue" | "Int32Value"
            | "Int64Value" | "StringValue" | "UInt32Value" | "UInt64Value" => self.only_field(message, levels)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn only_field(&mut self, message: &DynamicMessage, levels: usize) -> Result<(), ParseError> {
        let field = message.descriptor().get_field(1).ok_or_else(malformed)?;
        self.value(&field.kind(), &message.get_field(&field), levels)
    }

    /// The type that is named, in a `value` beside its name. Only those of this module but `FieldMask`: opa-envoy-plugin
    /// does not find the types of the descriptor set there, and refuses. One inside another is refused as well: each
    /// would be a copy.
    fn any(&mut self, message: &DynamicMessage, levels: usize) -> Result<(), ParseError> {
        let (url, content) = (message.get_field_by_number(1), message.get_field_by_number(2));
        let url = url.as_deref().and_then(Value::as_str).ok_or_else(malformed)?;
        let content = content.as_deref().and_then(Value::as_bytes).ok_or_else(malformed)?;
        if url.is_empty() && content.is_empty() {
            self.out.push_str("{}");
            return Ok(());
        }
        let name = url.rsplit('/').next().unwrap_or_default();
        let descriptor = message.descriptor();
        let inner = descriptor
            .parent_pool()
            .get_message_by_name(name)
            .filter(|_| !matches!(name, "google.protobuf.Any" | "google.protobuf.FieldMask"));
        let inner = inner.ok_or_else(|| refused("google.protobuf.Any: unable to resolve its type"))?;
        let inner = self.decode(inner, content)?;
        self.out.push('{');
        self.name("@type");
        self.text(url);
        if name != "google.protobuf.Empty" {
            self.out.push(',');
            self.name("value");
            if !self.well_known(&inner, levels)? {
                return Err(refused("google.protobuf.Any: unable to resolve its type"));
            }
        }
        self.out.push('}');
        Ok(())
    }

    fn any_value(&mut self, message: &DynamicMessage, levels: usize) -> Result<(), ParseError> {
        let (field, value) =
            message.fields().next().ok_or_else(|| refused("google.protobuf.Value: none of its fields is set"))?;
        match value {
            Value::F64(number) if !number.is_finite() => Err(refused("google.protobuf.Value: no finite number")),
            value => self.value(&field.kind(), value, levels),
        }
    }

    fn timestamp(&mut self, message: &DynamicMessage) -> Result<(), ParseError> {
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

    fn duration(&mut self, message: &DynamicMessage) -> Result<(), ParseError> {
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
    fn field_mask(&mut self, message: &DynamicMessage) -> Result<(), ParseError> {
        let paths = message.get_field_by_number(1);
        let paths = paths.as_deref().and_then(Value::as_list).ok_or_else(malformed)?;
        let mut camel = Vec::new();
        for path in paths {
            let path = path.as_str().ok_or_else(malformed)?;
            let written = to_camel(path);
            if !is_full_name(path) || to_snake(&written) != path {
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

fn integer(message: &DynamicMessage, number: u32) -> Result<i64, ParseError> {
    match message.get_field_by_number(number).as_deref() {
        Some(Value::I64(value)) => Ok(*value),
        Some(Value::I32(value)) => Ok(i64::from(*value)),
        _ => Err(malformed()),
    }
}

/// Nothing, or three, six or nine digits.
fn fraction(nanos: i64) -> String {
    let text = format!(".{:09}", nanos.unsigned_abs());
    let text = text.strip_suffix("000").unwrap_or(&text);
    let text = text.strip_suffix("000").unwrap_or(text);
    text.strip_suffix(".000").unwrap_or(text).to_owned()
}

fn to_camel(path: &str) -> String {
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

/// Identifiers with dots between them.
fn is_full_name(path: &str) -> bool {
    path.split('.').all(|part| {
        let is_letter = |character: char| character == '_' || character.is_ascii_alphabetic();
        part.starts_with(is_letter) && part.chars().all(|character| is_letter(character) || character.is_ascii_digit())
    })
}
