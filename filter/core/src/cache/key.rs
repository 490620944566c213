//! What a decision is kept under: the scope, then the value at each path that is read, so written that two inputs have
//! the same key only if the policy cannot tell them apart.
//!
//! Every value begins with its type, every text and every container with its length, members stand in order. A whole
//! number that is held as a double (`1.0`) is not the integer `1`: some builtins tell them apart.

use super::CacheError;
use super::scope::Scope;
use crate::builtins::is_double;
use crate::request::{Direct, Shown, Sources};
use regorus::Value;

/// Longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 16 * 1024;

/// Bytes that most keys need.
const USUAL_BYTES: usize = 256;

/// Paths into the input document.
#[derive(Debug, Clone)]
pub struct Parts(Vec<Vec<Value>>);

impl Parts {
    /// From the names on the way to each part.
    pub fn new<'a, P: IntoIterator<Item = &'a String>>(paths: impl IntoIterator<Item = P>) -> Self {
        let names = |path: P| path.into_iter().map(|name| Value::from(name.as_str())).collect();
        Self(paths.into_iter().map(names).collect())
    }
}

/// The key of an input.
///
/// # Errors
/// It would be longer than [`MAX_KEY_BYTES`].
pub(super) fn of(scope: &Scope, parts: &Parts, input: &Value) -> Result<Key, CacheError> {
    let mut key = Key::new(scope)?;
    parts.0.iter().try_for_each(|path| key.part(path, input))?;
    Ok(key)
}

/// The key that the input document of this request has, without the document; `None`: it takes one.
pub(super) fn directly(scope: &Scope, direct: &Direct, sources: &Sources) -> Option<Key> {
    let mut key = Key::new(scope).ok()?;
    direct.visit(sources, |shown| key.shown(shown).ok())?;
    Some(key)
}

/// Types of what is written. They never change their meaning for another.
mod tag {
    pub const ABSENT: u8 = 0;
    pub const BLOCKED: u8 = 1;
    pub const UNDEFINED: u8 = 2;
    pub const NULL: u8 = 3;
    pub const FALSE: u8 = 4;
    pub const TRUE: u8 = 5;
    pub const INTEGER: u8 = 6;
    pub const LARGE_INTEGER: u8 = 7;
    pub const DOUBLE: u8 = 8;
    pub const STRING: u8 = 9;
    pub const ARRAY: u8 = 10;
    pub const SET: u8 = 11;
    pub const OBJECT: u8 = 12;
}

/// A key, while it is written and when it is whole.
#[derive(Debug, PartialEq, Eq)]
pub struct Key(Vec<u8>);

impl Key {
    fn new(scope: &Scope) -> Result<Self, CacheError> {
        let mut key = Self(Vec::with_capacity(USUAL_BYTES));
        key.bytes(scope.bytes())?;
        Ok(key)
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), CacheError> {
        if self.0.len().saturating_add(bytes.len()) > MAX_KEY_BYTES {
            return Err(CacheError::KeyTooLarge);
        }
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    /// A type and a number of things that follow.
    fn head(&mut self, tag: u8, count: usize) -> Result<(), CacheError> {
        let count = u32::try_from(count).map_err(|_| CacheError::KeyTooLarge)?;
        let [a, b, c, d] = count.to_le_bytes();
        self.bytes(&[tag, a, b, c, d])
    }

    fn text(&mut self, tag: u8, text: &str) -> Result<(), CacheError> {
        self.head(tag, text.len())?;
        self.bytes(text.as_bytes())
    }

    /// What is at a path. Where nothing is, how far one gets: that there is a container can be seen too. What stands in
    /// the way and is no object is written whole, since looking into it may have a meaning of its own (`x["0"]`).
    fn part(&mut self, path: &[Value], input: &Value) -> Result<(), CacheError> {
        let mut value = input;
        for (depth, name) in path.iter().enumerate() {
            let Value::Object(members) = value else {
                self.head(tag::BLOCKED, depth)?;
                return self.value(value);
            };
            match members.get(name) {
                Some(member) => value = member,
                None => return self.absent(depth),
            }
        }
        self.value(value)
    }

    /// What [`Key::part`] writes where the document shows this.
    fn shown(&mut self, shown: Shown) -> Result<(), CacheError> {
        match shown {
            Shown::Nothing { depth } => self.absent(depth),
            Shown::Text(text) => self.text(tag::STRING, &text),
            Shown::Texts(mut texts) => {
                self.head(tag::ARRAY, texts.clone().count())?;
                texts.try_for_each(|text| self.text(tag::STRING, text))
            }
        }
    }

    fn absent(&mut self, depth: usize) -> Result<(), CacheError> {
        self.head(tag::ABSENT, depth)
    }

    /// Values of a request are bounded in depth (`limits.json_depth`).
    fn value(&mut self, value: &Value) -> Result<(), CacheError> {
        match value {
            Value::Undefined => self.bytes(&[tag::UNDEFINED]),
            Value::Null => self.bytes(&[tag::NULL]),
            Value::Bool(false) => self.bytes(&[tag::FALSE]),
            Value::Bool(true) => self.bytes(&[tag::TRUE]),
            Value::Number(_) => self.number(value),
            Value::String(text) => self.text(tag::STRING, text),
            Value::Array(items) => {
                self.head(tag::ARRAY, items.len())?;
                items.iter().try_for_each(|item| self.value(item))
            }
            Value::Set(items) => {
                self.head(tag::SET, items.len())?;
                items.iter_sorted().try_for_each(|item| self.value(item))
            }
            Value::Object(members) => {
                self.head(tag::OBJECT, members.len())?;
                members.iter_sorted().try_for_each(|(name, member)| {
                    self.value(name)?;
                    self.value(member)
                })
            }
        }
    }

    fn number(&mut self, value: &Value) -> Result<(), CacheError> {
        let Value::Number(number) = value else { return Ok(()) };
        if is_double(value)
            && let Some(double) = number.as_f64()
        {
            self.bytes(&[tag::DOUBLE])?;
            return self.bytes(&double.to_bits().to_le_bytes());
        }
        match number.as_i64() {
            Some(integer) => {
                self.bytes(&[tag::INTEGER])?;
                self.bytes(&integer.to_le_bytes())
            }
            None => self.text(tag::LARGE_INTEGER, &number.format_decimal()),
        }
    }
}
