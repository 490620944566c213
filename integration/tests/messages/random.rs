//! Random bytes that are a message of a type, or nearly one.

use std::collections::BTreeMap;

use fastrand::Rng;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};

use crate::wire::{self, DELIMITED, EIGHT, FOUR, GROUP, VARINT};

/// Numbers at the edges of every width; as bits of a double also NaN, the infinities and the zero with a sign.
const NUMBERS: [u64; 18] = [
    0,
    0,
    1,
    2,
    5,
    127,
    128,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 32,
    1 << 53 | 1,
    1 << 63,
    u64::MAX,
    0x7ff8_0000_0000_0000,
    0x7ff0_0000_0000_0000,
    0x3ff8_0000_0000_0000,
    0x4415_af1d_78b5_8c40,
];

const TEXTS: [&[u8]; 6] = [b"", b"a", b"b", "é\u{1F600}".as_bytes(), b"\0\"\\<&>\x7f\xe2\x80\xa8", b"\xff"];

/// Messages in each other at most.
const DEPTH: usize = 3;

pub struct Types {
    /// By the last part of the name, which is unique in a file.
    messages: BTreeMap<String, DescriptorProto>,
}

impl Types {
    pub fn of(set: &FileDescriptorSet, package: &str) -> Self {
        let files = set.file.iter().filter(|file| file.package() == package);
        let outer = files.flat_map(|file| &file.message_type);
        let all = outer.flat_map(|message| std::iter::once(message).chain(&message.nested_type));
        Self { messages: all.map(|message| (message.name().to_owned(), message.clone())).collect() }
    }

    /// A message, mostly; of a few a piece is missing or changed.
    pub fn nearly(&self, rng: &mut Rng, of: &str) -> Vec<u8> {
        let mut bytes = self.message(rng, of, 0);
        if !bytes.is_empty() {
            let at = rng.usize(..bytes.len());
            match rng.u8(..10) {
                0 => bytes.truncate(at),
                1 => bytes[at] ^= 1 << rng.u8(..8),
                _ => {}
            }
        }
        bytes
    }

    fn message(&self, rng: &mut Rng, of: &str, depth: usize) -> Vec<u8> {
        let fields = &self.messages[of].field;
        let mut out = Vec::new();
        // Few of many: that one is there twice, and two of a oneof, should not be rare.
        let chosen: Vec<_> = (0..3).map(|_| &fields[rng.usize(..fields.len())]).collect();
        for _ in 0..rng.usize(..if depth == 0 { 8 } else { 4 }) {
            // The last are those of the oneof and what only one of the syntaxes has.
            let last = fields.len() - 1 - rng.usize(..fields.len().min(8));
            let field = if rng.u8(..4) == 0 { &fields[last] } else { chosen[rng.usize(..3)] };
            out.extend(self.field(rng, field, depth));
        }
        out
    }

    fn field(&self, rng: &mut Rng, field: &FieldDescriptorProto, depth: usize) -> Vec<u8> {
        let number = u32::try_from(field.number()).expect("a number of a field");
        match rng.u8(..24) {
            0 => return wire::field(rng.u32(97..103), DELIMITED, b"unknown"),
            1 => return wire::field(rng.u32(97..103), GROUP, &wire::field(1, VARINT, &[1])),
            // Mostly of another type than described; of a map's key not, for Go panics if that stands behind another.
            2 if field.name() != "key" => {
                let wire = [VARINT, EIGHT, DELIMITED, GROUP, FOUR][rng.usize(..5)];
                return wire::field(number, wire, &b"\x08\x01\x10\x01"[..rng.usize(..5)]);
            }
            _ => {}
        }
        let (wire, content) = self.content(rng, field, depth);
        let is_number = !matches!(wire, DELIMITED | GROUP);
        if field.label() == Label::Repeated && is_number && rng.bool() {
            let mut packed = content;
            for _ in 0..rng.usize(..3) {
                packed.extend(self.content(rng, field, depth).1);
            }
            packed = if rng.u8(..4) == 0 { Vec::new() } else { packed };
            return wire::field(number, DELIMITED, &packed);
        }
        wire::field(number, wire, &content)
    }

    fn content(&self, rng: &mut Rng, field: &FieldDescriptorProto, depth: usize) -> (u32, Vec<u8>) {
        let number = NUMBERS[rng.usize(..NUMBERS.len())];
        match field.r#type() {
            Type::Double | Type::Fixed64 | Type::Sfixed64 => (EIGHT, number.to_le_bytes().to_vec()),
            Type::Float => (FOUR, (f64::from_bits(number) as f32).to_le_bytes().to_vec()),
            Type::Fixed32 | Type::Sfixed32 => (FOUR, (number as u32).to_le_bytes().to_vec()),
            Type::String | Type::Bytes => {
                // The last is no text.
                let invalid = usize::from(rng.u8(..40) == 0 || field.r#type() == Type::Bytes);
                (DELIMITED, TEXTS[rng.usize(..TEXTS.len() - 1 + invalid)].to_vec())
            }
            kind @ (Type::Message | Type::Group) => {
                let of = field.type_name();
                let content = if depth < DEPTH { self.message(rng, of, depth + 1) } else { Vec::new() };
                (if kind == Type::Group { GROUP } else { DELIMITED }, content)
            }
            Type::Int64
            | Type::Uint64
            | Type::Int32
            | Type::Bool
            | Type::Uint32
            | Type::Enum
            | Type::Sint32
            | Type::Sint64 => {
                let mut content = Vec::new();
                wire::varint(number, &mut content);
                (VARINT, content)
            }
        }
    }
}
