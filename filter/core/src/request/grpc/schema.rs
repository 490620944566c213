//! The types of a descriptor set, resolved: what a message is read by.

use prost::encoding::WireType;
use std::collections::BTreeMap;

/// Types refer to each other by their places in these lists.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) messages: Vec<MessageType>,
    pub(super) enums: Vec<EnumType>,
    /// Places of messages by their full names.
    pub(super) message_names: BTreeMap<String, usize>,
    /// By service and method, what a method takes if that is one message.
    pub(super) services: BTreeMap<String, BTreeMap<String, usize>>,
}

#[derive(Debug)]
pub(super) struct MessageType {
    /// Full, as all names of types.
    pub(super) name: String,
    /// By their numbers.
    pub(super) fields: BTreeMap<u32, Field>,
    /// How many of them are required.
    pub(super) required: usize,
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) number: u32,
    pub(super) json_name: String,
    /// Of a list, of one of its items; of a map, of one of its entries, which are messages.
    pub(super) kind: Kind,
    pub(super) presence: Presence,
    /// The group of fields that it is in, of which a message holds one: the lowest of their numbers.
    pub(super) oneof: Option<u32>,
}

impl Field {
    /// Where a message holds it. Those of a oneof share a place.
    pub(super) fn place(&self) -> u32 {
        self.oneof.unwrap_or(self.number)
    }
}

/// When a field is part of a message, thus of its JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// Always.
    Required,
    /// When it is sent.
    Explicit,
    /// When it is something else than the default.
    Implicit,
    /// When it has an item.
    List,
    /// When it has an entry.
    Map,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Scalar(Scalar),
    Message(usize),
    /// A message between two tags instead of behind a length.
    Group(usize),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Scalar {
    Bool,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
    Float,
    Double,
    Text,
    Bytes,
    Enum(usize),
}

#[derive(Debug)]
pub(super) struct EnumType {
    /// Its values show as `null`.
    pub(super) is_null: bool,
    /// Of several names of a number the first.
    pub(super) names: BTreeMap<i32, String>,
    /// The number of the value that is described first.
    pub(super) first: i32,
}

impl Schema {
    pub(super) fn message_named(&self, name: &str) -> Option<&MessageType> {
        self.messages.get(*self.message_names.get(name)?)
    }

    /// What a method takes.
    pub(super) fn input(&self, service: &str, method: &str) -> Option<&MessageType> {
        self.messages.get(*self.services.get(service)?.get(method)?)
    }
}

impl Kind {
    /// How it is written.
    pub(super) const fn wire(self) -> WireType {
        match self {
            Self::Scalar(scalar) => scalar.wire(),
            Self::Message(_) => WireType::LengthDelimited,
            Self::Group(_) => WireType::StartGroup,
        }
    }
}

impl Scalar {
    pub(super) const fn wire(self) -> WireType {
        match self {
            Self::Bool
            | Self::Int32
            | Self::Int64
            | Self::Uint32
            | Self::Uint64
            | Self::Sint32
            | Self::Sint64
            | Self::Enum(_) => WireType::Varint,
            Self::Fixed32 | Self::Sfixed32 | Self::Float => WireType::ThirtyTwoBit,
            Self::Fixed64 | Self::Sfixed64 | Self::Double => WireType::SixtyFourBit,
            Self::Text | Self::Bytes => WireType::LengthDelimited,
        }
    }
}
