//! A message as it was read. Texts and bytes stay where they are in the body.

use super::schema::{EnumType, Field, MessageType, Presence};
use std::borrow::Cow;
use std::collections::BTreeMap;

pub(super) struct Message<'a> {
    pub(super) of: &'a MessageType,
    /// How many messages may still be inside each other below this one.
    pub(super) levels: usize,
    /// Those that were sent, in the order of their places.
    fields: Vec<(&'a Field, Value<'a>)>,
}

pub(super) enum Value<'a> {
    Bool(bool),
    I32(i32),
    U32(u32),
    I64(i64),
    U64(u64),
    F32(f32),
    F64(f64),
    Enum(&'a EnumType, i32),
    Text(&'a str),
    Bytes(&'a [u8]),
    Message(Message<'a>),
    List(Vec<Value<'a>>),
    /// By the texts of the keys, which are their names in JSON.
    Map(BTreeMap<Cow<'a, str>, Value<'a>>),
}

impl<'a> Message<'a> {
    pub(super) const fn new(of: &'a MessageType, levels: usize) -> Self {
        Self { of, levels, fields: Vec::new() }
    }

    /// What is part of the message.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&'a Field, &Value<'a>)> {
        self.fields.iter().filter(|(field, value)| value.is_part(field.presence)).map(|(field, value)| (*field, value))
    }

    /// Whether a field that is required was not sent.
    pub(super) fn lacks_required(&self) -> bool {
        let sent = || self.fields.iter().filter(|(field, _)| field.presence == Presence::Required).count();
        self.of.required > 0 && sent() < self.of.required
    }

    pub(super) fn get(&self, number: u32) -> Option<&Value<'a>> {
        let at = self.position(number)?;
        self.fields.get(at).map(|(_, value)| value)
    }

    pub(super) fn take(&mut self, number: u32) -> Option<Value<'a>> {
        let at = self.position(number)?;
        Some(self.fields.remove(at).1)
    }

    /// What is held of a field, for more to come: `blank` if that is the first. The other of its oneof is gone.
    pub(super) fn slot(&mut self, field: &'a Field, blank: Value<'a>) -> Option<&mut Value<'a>> {
        let held = match self.place(field) {
            Ok(at) => {
                let held = self.fields.get_mut(at)?;
                if held.0.number != field.number {
                    *held = (field, blank);
                }
                Some(held)
            }
            Err(at) => {
                self.fields.insert(at, (field, blank));
                self.fields.get_mut(at)
            }
        };
        held.map(|(_, value)| value)
    }

    fn position(&self, number: u32) -> Option<usize> {
        let at = self.place(self.of.fields.get(&number)?).ok()?;
        self.fields.get(at).filter(|(held, _)| held.number == number).map(|_| at)
    }

    /// Where a field is held, or another of its oneof; else where it would be.
    fn place(&self, field: &Field) -> Result<usize, usize> {
        self.fields.binary_search_by_key(&field.place(), |(held, _)| held.place())
    }
}

impl Value<'_> {
    fn is_part(&self, presence: Presence) -> bool {
        match presence {
            Presence::Required | Presence::Explicit => true,
            Presence::Implicit | Presence::List | Presence::Map => !self.is_empty(),
        }
    }

    /// Whether it is the default of its type. Of the zeros only the one without a sign is.
    fn is_empty(&self) -> bool {
        match self {
            Self::Bool(value) => !value,
            Self::I32(value) | Self::Enum(_, value) => *value == 0,
            Self::U32(value) => *value == 0,
            Self::I64(value) => *value == 0,
            Self::U64(value) => *value == 0,
            Self::F32(value) => value.to_bits() == 0,
            Self::F64(value) => value.to_bits() == 0,
            Self::Text(value) => value.is_empty(),
            Self::Bytes(value) => value.is_empty(),
            Self::Message(_) => false,
            Self::List(items) => items.is_empty(),
            Self::Map(entries) => entries.is_empty(),
        }
    }
}
