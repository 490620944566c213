//! JSON text → engine value, with the meaning Go's `encoding/json` gives it and bounds of our own.
//!
//! Everything a client or the remote OPA sends as JSON goes through this reader. `serde_json` cannot serve: it
//! refuses lone surrogates that Go replaces, its number bridge into the engine turns the object
//! `{"$serde_json::private::Number": "1"}` into the number 1, and the engine expands `1e999999999` digit by digit.

mod shared;

use crate::text::push_replacing_invalid;
use regorus::Value;
use shared::Shared;

/// Deepest nesting of arrays and objects that is read, unless a caller says otherwise.
pub const MAX_DEPTH: usize = 128;

/// How much one text may hold.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Members and elements of all depths: what bounds memory, since `[]` is two bytes of text and twelve times that
    /// as a value.
    pub values: usize,
    /// Nesting of arrays and objects: what bounds the stack, since values are read, compared, written and dropped
    /// recursively.
    pub depth: usize,
    /// A name that stands twice in an object is beyond the bounds: for texts that OPA reads with more than one library.
    pub unique_names: bool,
    /// Equal values are held once: for what is kept, and worth the time.
    pub shared: bool,
}

impl Bounds {
    /// What the remote OPA or a policy's own texts hold.
    pub const REQUEST: Self = Self { values: 500_000, depth: MAX_DEPTH, unique_names: false, shared: false };
    /// What the operator sends: the `data` document.
    pub const DATA: Self = Self { values: 5_000_000, depth: MAX_DEPTH, unique_names: false, shared: true };
    /// A token: what a client sends, read more than once.
    pub const TOKEN: Self = Self { unique_names: true, ..Self::REQUEST };
}

/// What a text is that has been read.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The value; an error where the engine cannot hold it as OPA does, and the first place where that is so.
    pub value: Result<Value, JsonError>,
    /// A number is held, but not by its text (`1.0` is held as `1`): OPA keeps the text and shows it in a few places.
    pub respelled: bool,
    /// How many values it has, as [`Bounds::values`] counts them.
    pub values: usize,
}

/// Longest number, in characters, and the largest exponent that is held: both bound the work one number can cost.
const MAX_NUMBER_LENGTH: usize = 400;
const MAX_EXPONENT: i64 = 400;

/// Longest text of a whole number with a point that OPA takes for an index, as it takes an integer.
const MAX_INDEX_LENGTH: usize = 19;

/// What stands in [`JsonError::message`] when a whole value is followed by something.
pub const TRAILING: &str = "unexpected text after the value";

/// Why a text is not JSON, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonError {
    /// Byte offset, 0 is the first byte.
    pub offset: usize,
    /// What was wrong there.
    pub message: &'static str,
    /// The text may be JSON; it is beyond a bound of this reader.
    pub beyond_bounds: bool,
}

impl std::fmt::Display for JsonError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at byte {}", self.message, self.offset)
    }
}

impl std::error::Error for JsonError {}

/// Reads exactly one JSON value; white space may stand around it.
///
/// Duplicate keys: the last one wins. Lone surrogates and invalid UTF-8 inside strings become U+FFFD.
///
/// # Errors
/// Anything else that is not JSON, nesting beyond [`MAX_DEPTH`], what the engine cannot hold as OPA does.
pub fn parse(text: &[u8]) -> Result<Value, JsonError> {
    parse_within(text, Bounds::REQUEST)
}

/// Like [`parse`], with bounds of the caller's.
///
/// # Errors
/// As of [`parse`].
pub fn parse_within(text: &[u8], bounds: Bounds) -> Result<Value, JsonError> {
    read(text, bounds)?.value
}

/// Like [`parse`], but JSON that the engine cannot hold as OPA does is still JSON.
///
/// # Errors
/// What is not JSON, or nested too deeply.
pub fn read(text: &[u8], bounds: Bounds) -> Result<Reading, JsonError> {
    let mut reader = Reader::new(text, bounds);
    let value = reader.value(0)?;
    reader.white_space();
    if !reader.rest.is_empty() {
        return Err(reader.error(TRAILING));
    }
    let value = reader.unheld.map_or(Ok(value), Err);
    Ok(Reading { value, respelled: reader.respelled, values: reader.values })
}

/// Writes a text that was [`read`] without error again: white space is dropped, what [`parse`] replaces in strings is
/// replaced, everything else stays as it is, numbers above all.
///
/// # Errors
/// As of [`read`], as far as this still looks.
pub fn rewrite(text: &[u8]) -> Result<String, JsonError> {
    let mut reader = Reader::new(text, Bounds::REQUEST);
    let mut out = String::with_capacity(text.len());
    loop {
        reader.white_space();
        match reader.peek() {
            None => return Ok(out),
            Some(b'"') => {
                let string = reader.string()?;
                out.push_str(&quote(&string));
            }
            Some(byte) if byte.is_ascii() => {
                reader.next();
                out.push(char::from(byte));
            }
            Some(_) => return Err(reader.error("invalid character looking for a value")),
        }
    }
}

/// A string as JSON.
#[must_use]
pub fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

struct Reader<'a> {
    text: &'a [u8],
    rest: &'a [u8],
    bounds: Bounds,
    values: usize,
    /// Where the first thing stands that the engine cannot hold.
    unheld: Option<JsonError>,
    respelled: bool,
    /// Values met before, where equal ones are held once.
    shared: Option<Shared>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a [u8], bounds: Bounds) -> Self {
        let shared = bounds.shared.then(|| Shared::new(text.len()));
        Self { text, rest: text, bounds, values: 0, unheld: None, respelled: false, shared }
    }

    /// A text or a container that is whole.
    fn kept(&mut self, value: Value) -> Value {
        match &mut self.shared {
            Some(shared) => shared.share(value),
            None => value,
        }
    }

    fn error(&self, message: &'static str) -> JsonError {
        JsonError { offset: self.text.len().saturating_sub(self.rest.len()), message, beyond_bounds: false }
    }

    fn bound(&self, message: &'static str) -> JsonError {
        JsonError { beyond_bounds: true, ..self.error(message) }
    }

    /// The text goes on being checked, its value is no longer built.
    fn not_held(&mut self, why: JsonError) {
        self.unheld.get_or_insert(why);
    }

    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    /// Takes the longest prefix whose bytes satisfy `accept`.
    fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self.rest.iter().take_while(|byte| accept(**byte)).count();
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.rest = rest;
        taken
    }

    fn white_space(&mut self) {
        self.take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
    }

    fn value(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.white_space();
        self.values = self.values.saturating_add(1);
        if self.values > self.bounds.values {
            self.not_held(self.bound("too many values"));
        }
        match self.peek() {
            None => Err(self.error("unexpected end of JSON input")),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.text(),
            Some(b't') => self.word(b"true", Value::Bool(true)),
            Some(b'f') => self.word(b"false", Value::Bool(false)),
            Some(b'n') => self.word(b"null", Value::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => Err(self.error("invalid character looking for a value")),
        }
    }

    fn word(&mut self, word: &'static [u8], value: Value) -> Result<Value, JsonError> {
        match self.rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest;
                Ok(value)
            }
            None => Err(self.error("invalid literal")),
        }
    }

    fn deeper(&self, depth: usize) -> Result<usize, JsonError> {
        if depth >= self.bounds.depth {
            return Err(self.bound("nested too deeply"));
        }
        Ok(depth.saturating_add(1))
    }

    fn array(&mut self, depth: usize) -> Result<Value, JsonError> {
        let depth = self.deeper(depth)?;
        self.next();
        let mut items = Vec::new();
        self.white_space();
        if self.peek() == Some(b']') {
            self.next();
            return Ok(Value::from(items));
        }
        loop {
            let item = self.value(depth)?;
            if self.unheld.is_none() {
                items.push(item);
            }
            self.white_space();
            match self.next() {
                Some(b',') => {}
                Some(b']') => {
                    // What is kept takes what it needs and no more.
                    if self.shared.is_some() {
                        items.shrink_to_fit();
                    }
                    return Ok(self.kept(Value::from(items)));
                }
                _ => return Err(self.error("expected `,` or `]` after an array element")),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, JsonError> {
        let depth = self.deeper(depth)?;
        self.next();
        let mut members = std::collections::BTreeMap::new();
        self.white_space();
        if self.peek() == Some(b'}') {
            self.next();
            return Ok(Value::from(members));
        }
        loop {
            self.white_space();
            if self.peek() != Some(b'"') {
                return Err(self.error("expected a string as object key"));
            }
            let key = self.text()?;
            self.white_space();
            if self.next() != Some(b':') {
                return Err(self.error("expected `:` after an object key"));
            }
            let value = self.value(depth)?;
            if self.unheld.is_none() && members.insert(key, value).is_some() && self.bounds.unique_names {
                return Err(self.bound("a name stands twice in an object"));
            }
            self.white_space();
            match self.next() {
                Some(b',') => {}
                Some(b'}') => return Ok(self.kept(Value::from(members))),
                _ => return Err(self.error("expected `,` or `}` after an object member")),
            }
        }
    }

    fn text(&mut self) -> Result<Value, JsonError> {
        let text = Value::from(self.string()?);
        Ok(self.kept(text))
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.next();
        let mut out = String::new();
        loop {
            let plain = self.take_while(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\');
            push_replacing_invalid(&mut out, plain, char::REPLACEMENT_CHARACTER);
            match self.next() {
                Some(b'"') => return Ok(out),
                Some(b'\\') => self.escape(&mut out)?,
                Some(_) => return Err(self.error("invalid control character in a string")),
                None => return Err(self.error("unexpected end of JSON input")),
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), JsonError> {
        let character = match self.next() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => self.unicode_escape()?,
            _ => return Err(self.error("invalid escape in a string")),
        };
        out.push(character);
        Ok(())
    }

    /// The character of `\uXXXX`, taking the second half of a surrogate pair along. A lone surrogate is U+FFFD.
    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        let first = self.four_hex()?;
        if !(0xD800..0xDC00).contains(&first) {
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let after_first = self.rest;
        if let Some(rest) = self.rest.strip_prefix(b"\\u") {
            self.rest = rest;
            let second = self.four_hex()?;
            if (0xDC00..0xE000).contains(&second) {
                let high = first.wrapping_sub(0xD800).wrapping_shl(10);
                let code = high.wrapping_add(second.wrapping_sub(0xDC00)).wrapping_add(0x10000);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
        }
        self.rest = after_first;
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn four_hex(&mut self) -> Result<u32, JsonError> {
        let mut code: u32 = 0;
        for _ in 0..4 {
            let digit = self
                .next()
                .and_then(|byte| char::from(byte).to_digit(16))
                .ok_or_else(|| self.error("invalid \\u escape in a string"))?;
            code = code.wrapping_shl(4) | digit;
        }
        Ok(code)
    }

    /// A number by JSON's grammar; the engine's own reader is more liberal and is only given what passed here.
    fn number(&mut self) -> Result<Value, JsonError> {
        let start = self.rest;
        if self.peek() == Some(b'-') {
            self.next();
        }
        let integer = self.take_while(|byte| byte.is_ascii_digit());
        if integer.is_empty() || (integer.len() > 1 && integer.first() == Some(&b'0')) {
            return Err(self.error("invalid number"));
        }
        if self.peek() == Some(b'.') {
            self.next();
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.next();
            if let Some(b'+' | b'-') = self.peek() {
                self.next();
            }
            self.digits()?;
        }
        let length = start.len().saturating_sub(self.rest.len());
        let text = start.get(..length).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default();
        match held(text) {
            Ok((value, by_its_text)) => {
                self.respelled |= !by_its_text;
                Ok(value)
            }
            Err(why) => {
                self.not_held(self.bound(why));
                Ok(Value::Null)
            }
        }
    }

    fn digits(&mut self) -> Result<&'a [u8], JsonError> {
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        if digits.is_empty() {
            return Err(self.error("invalid number"));
        }
        Ok(digits)
    }
}

/// The number as the engine holds it, and whether by its very text. OPA computes with the digits, the engine with
/// doubles: two numbers that differ for OPA must not become one for us.
fn held(text: &str) -> Result<(Value, bool), &'static str> {
    const INEXACT: &str = "number cannot be held exactly";
    if text.len() > MAX_NUMBER_LENGTH {
        return Err("number too long");
    }
    let exponent = text.split_once(['e', 'E']).map(|(_, exponent)| exponent.parse::<i64>().unwrap_or(i64::MAX));
    if exponent.is_some_and(|size| size > MAX_EXPONENT) {
        return Err("number out of range");
    }
    let value = Value::from_numeric_string(text).map_err(|_| INEXACT)?;
    let number = value.as_number().map_err(|_| INEXACT)?;
    // OPA does not take 1e0 for an index or a length, where it takes 1 and 1.0.
    if number.is_integer() && text.contains(['e', 'E']) {
        return Err(INEXACT);
    }
    // Nor 1.000 of more than 19 characters; and -0 is 0 for most of OPA, but not where it compares texts.
    let is_zero =
        text.split(['e', 'E']).next().unwrap_or_default().bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
    if (number.is_integer() && text.contains('.') && text.len() > MAX_INDEX_LENGTH)
        || (is_zero && text.starts_with('-'))
    {
        return Err(INEXACT);
    }
    let spelled = number.format_decimal();
    let same = spelled == text;
    if same || normal_form(text).is_some_and(|form| Some(form) == normal_form(&spelled)) {
        return Ok((value, same));
    }
    Err(INEXACT)
}

/// Sign, digits without zeros at either end, and the exponent of the last digit. Zero has no digits.
fn normal_form(text: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(mantissa) => (true, mantissa),
        None => (false, mantissa),
    };
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{integer}{fraction}");
    let digits = all.trim_end_matches('0');
    let stripped = i64::try_from(all.len().checked_sub(digits.len())?).ok()?;
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some((false, String::new(), 0));
    }
    let exponent = exponent.checked_sub(i64::try_from(fraction.len()).ok()?)?.checked_add(stripped)?;
    Some((negative, digits.to_owned(), exponent))
}

#[cfg(test)]
mod tests;
