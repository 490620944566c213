//! A descriptor set, checked whole: every type that is named is there, and nothing contradicts itself.
//!
//! What cannot change how a message is read is not looked at: options, defaults, reserved names and numbers.

use super::described::{self, FileSet};
use super::known::to_camel;
use super::names::{Named, Names, Scoped};
use super::schema::{Field, Kind, MessageType, Presence, Scalar, Schema};
use prost::Message as _;
use std::collections::{BTreeMap, BTreeSet};

const OPTIONAL: i32 = 1;
const REQUIRED: i32 = 2;
const REPEATED: i32 = 3;

const TYPE_GROUP: i32 = 10;
const TYPE_MESSAGE: i32 = 11;
const TYPE_ENUM: i32 = 14;

const NUMBERS: std::ops::Range<u32> = 1..1 << 29;
const RESERVED_NUMBERS: std::ops::Range<u32> = 19_000..20_000;

impl Schema {
    /// # Errors
    /// The set is none, or not whole.
    pub(super) fn new(descriptor_set: &[u8]) -> Result<Self, String> {
        let set = FileSet::decode(descriptor_set).map_err(|error| error.to_string())?;
        let mut names = Names::of(&set.file)?;
        let mut schema = Self {
            messages: names.messages.iter().map(|message| message_type(&names, message)).collect::<Result<_, _>>()?,
            enums: Vec::new(),
            message_names: names.messages.iter().enumerate().map(|(at, message)| (message.name.clone(), at)).collect(),
            services: services(&names)?,
        };
        for extension in &names.extensions {
            message_named(&names, &extension.name, &extension.item.extendee)?;
            kind(&names, &extension.name, extension.item)?;
        }
        schema.enums = std::mem::take(&mut names.enums);
        schema.check_maps()?;
        Ok(schema)
    }

    fn check_maps(&self) -> Result<(), String> {
        for message in &self.messages {
            for field in message.fields.values().filter(|field| field.presence == Presence::Map) {
                if !self.is_entry(field.kind) {
                    return Err(format!("{}: {:?} is no map", message.name, field.json_name));
                }
            }
        }
        Ok(())
    }

    /// A key that can be one, and a value, both of which are read as zero where they are left out.
    fn is_entry(&self, kind: Kind) -> bool {
        let entry = if let Kind::Message(at) = kind { self.messages.get(at) } else { None };
        let mut fields = entry.into_iter().flat_map(|entry| entry.fields.values());
        let (Some(key), Some(value), None) = (fields.next(), fields.next(), fields.next()) else { return false };
        let is_plain =
            |field: &Field| field.oneof.is_none() && matches!(field.presence, Presence::Explicit | Presence::Implicit);
        let is_key = match key.kind {
            Kind::Scalar(Scalar::Float | Scalar::Double | Scalar::Bytes | Scalar::Enum(_)) => false,
            Kind::Scalar(_) => true,
            Kind::Message(_) | Kind::Group(_) => false,
        };
        let is_value = match value.kind {
            Kind::Scalar(Scalar::Enum(at)) => self.enums.get(at).is_some_and(|of| of.first == 0),
            Kind::Scalar(_) | Kind::Message(_) => true,
            Kind::Group(_) => false,
        };
        (key.number, value.number) == (1, 2) && is_plain(key) && is_plain(value) && is_key && is_value
    }
}

fn message_type(names: &Names, message: &Scoped<described::Message>) -> Result<MessageType, String> {
    let name = message.name.clone();
    if message.item.options.is_some_and(|options| options.message_set_wire_format) {
        return Err(format!("{name}: message_set_wire_format is not read"));
    }
    let (mut fields, mut json_names, mut required) = (BTreeMap::new(), BTreeSet::new(), 0_usize);
    let oneofs = oneofs(&message.item.field);
    for described in &message.item.field {
        let field =
            field(names, message, described, &oneofs).map_err(|why| format!("{name}.{}: {why}", described.name))?;
        if !json_names.insert(field.json_name.clone()) {
            return Err(format!("{name}: two fields have the JSON name {:?}", field.json_name));
        }
        required = required.saturating_add(usize::from(field.presence == Presence::Required));
        if let Some(field) = fields.insert(field.number, field) {
            return Err(format!("{name}: two fields have the number {}", field.number));
        }
    }
    Ok(MessageType { name, fields, required })
}

/// The lowest number of a field in each oneof.
fn oneofs(fields: &[described::Field]) -> BTreeMap<i32, u32> {
    let mut lowest = BTreeMap::new();
    for field in fields {
        if let (Some(at), Ok(number)) = (field.oneof_index, u32::try_from(field.number)) {
            lowest.entry(at).and_modify(|lowest: &mut u32| *lowest = number.min(*lowest)).or_insert(number);
        }
    }
    lowest
}

fn field(
    names: &Names,
    message: &Scoped<described::Message>,
    field: &described::Field,
    oneofs: &BTreeMap<i32, u32>,
) -> Result<Field, String> {
    let number = u32::try_from(field.number).unwrap_or_default();
    if !NUMBERS.contains(&number) || RESERVED_NUMBERS.contains(&number) {
        return Err(format!("{} is no number of a field", field.number));
    }
    let described = message.item.oneof_decl.len();
    if field.oneof_index.is_some_and(|at| usize::try_from(at).map_or(true, |at| at >= described)) {
        return Err("its oneof is missing".to_owned());
    }
    let kind = kind(names, &message.name, field)?;
    let presence = presence(names, message.is_proto3, field, kind)?;
    let json_name = if field.json_name.is_empty() { to_camel(&field.name) } else { field.json_name.clone() };
    let oneof = field.oneof_index.and_then(|at| oneofs.get(&at).copied());
    Ok(Field { number, json_name, kind, presence, oneof })
}

fn presence(names: &Names, is_proto3: bool, field: &described::Field, kind: Kind) -> Result<Presence, String> {
    if is_proto3 && (field.label == REQUIRED || matches!(kind, Kind::Group(_))) {
        return Err("proto3 has no required fields and no groups".to_owned());
    }
    let is_entry = matches!(kind, Kind::Message(at) if names.messages.get(at).is_some_and(is_map_entry));
    if field.label == REPEATED {
        if field.oneof_index.is_some() {
            return Err("it is repeated inside a oneof".to_owned());
        }
        return Ok(if is_entry { Presence::Map } else { Presence::List });
    }
    if is_entry {
        return Err("it is a map that is not repeated".to_owned());
    }
    match (field.label, kind) {
        (REQUIRED, _) if field.oneof_index.is_some() => Err("it is required inside a oneof".to_owned()),
        (REQUIRED, _) => Ok(Presence::Required),
        (0 | OPTIONAL, Kind::Scalar(scalar)) if is_proto3 && field.oneof_index.is_none() && !field.proto3_optional => {
            if matches!(scalar, Scalar::Enum(at) if names.enums.get(at).is_none_or(|of| of.first != 0)) {
                return Err("the first value of its enum is not 0".to_owned());
            }
            Ok(Presence::Implicit)
        }
        (0 | OPTIONAL, _) => Ok(Presence::Explicit),
        (label, _) => Err(format!("{label} is no label")),
    }
}

fn is_map_entry(message: &Scoped<described::Message>) -> bool {
    message.item.options.is_some_and(|options| options.map_entry)
}

fn kind(names: &Names, scope: &str, field: &described::Field) -> Result<Kind, String> {
    if field.type_name.is_empty() {
        return scalar(field.r#type).map(Kind::Scalar).ok_or_else(|| "its type is missing".to_owned());
    }
    match (field.r#type, names.find(scope, &field.type_name)) {
        (0 | TYPE_MESSAGE, Some(Named::Message(at))) => Ok(Kind::Message(at)),
        (TYPE_GROUP, Some(Named::Message(at))) => Ok(Kind::Group(at)),
        (0 | TYPE_ENUM, Some(Named::Enum(at))) => Ok(Kind::Scalar(Scalar::Enum(at))),
        (_, None) => Err(format!("the type {:?} is missing", field.type_name)),
        (kind, Some(_)) => Err(format!("{:?} and the type {kind} contradict each other", field.type_name)),
    }
}

/// Those of the types of `descriptor.proto` that have no name of their own.
const fn scalar(kind: i32) -> Option<Scalar> {
    Some(match kind {
        1 => Scalar::Double,
        2 => Scalar::Float,
        3 => Scalar::Int64,
        4 => Scalar::Uint64,
        5 => Scalar::Int32,
        6 => Scalar::Fixed64,
        7 => Scalar::Fixed32,
        8 => Scalar::Bool,
        9 => Scalar::Text,
        12 => Scalar::Bytes,
        13 => Scalar::Uint32,
        15 => Scalar::Sfixed32,
        16 => Scalar::Sfixed64,
        17 => Scalar::Sint32,
        18 => Scalar::Sint64,
        _ => return None,
    })
}

fn services(names: &Names) -> Result<BTreeMap<String, BTreeMap<String, usize>>, String> {
    let mut services = BTreeMap::new();
    for service in &names.services {
        let mut methods = BTreeMap::new();
        for method in &service.item.method {
            let input = message_named(names, &service.name, &method.input_type)?;
            message_named(names, &service.name, &method.output_type)?;
            // Streams of messages are not read.
            if !method.client_streaming {
                methods.insert(method.name.clone(), input);
            }
        }
        services.insert(service.name.clone(), methods);
    }
    Ok(services)
}

fn message_named(names: &Names, scope: &str, name: &str) -> Result<usize, String> {
    match names.find(scope, name) {
        Some(Named::Message(at)) => Ok(at),
        _ => Err(format!("the message {name:?} is missing, which {scope:?} names")),
    }
}
