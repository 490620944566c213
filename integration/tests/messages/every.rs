//! Messages with every kind of field, in either syntax.

use prost_types::descriptor_proto::ExtensionRange;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    FileDescriptorSet, MessageOptions, MethodDescriptorProto, OneofDescriptorProto, ServiceDescriptorProto,
};

/// Each is a file with a message `Every` and `service Calls { rpc Call(Every) returns (Every); }`. `two` is of proto2.
pub const PACKAGES: [&str; 2] = ["two", "three"];

const SCALARS: [Type; 16] = [
    Type::Double,
    Type::Float,
    Type::Int64,
    Type::Uint64,
    Type::Int32,
    Type::Fixed64,
    Type::Fixed32,
    Type::Bool,
    Type::String,
    Type::Bytes,
    Type::Uint32,
    Type::Enum,
    Type::Sfixed32,
    Type::Sfixed64,
    Type::Sint32,
    Type::Sint64,
];

/// Those of them that are no keys of maps.
const NO_KEYS: [Type; 4] = [Type::Double, Type::Float, Type::Bytes, Type::Enum];

pub fn set() -> FileDescriptorSet {
    FileDescriptorSet { file: PACKAGES.map(file).to_vec() }
}

fn file(package: &str) -> FileDescriptorProto {
    let every = || Some("Every".to_owned());
    let call = MethodDescriptorProto {
        name: Some("Call".to_owned()),
        input_type: every(),
        output_type: every(),
        ..MethodDescriptorProto::default()
    };
    let file = FileDescriptorProto {
        name: Some(format!("{package}.proto")),
        package: Some(package.to_owned()),
        syntax: Some(if package == "two" { "proto2" } else { "proto3" }.to_owned()),
        message_type: vec![every_kind()],
        enum_type: vec![kinds("Kind", 0)],
        service: vec![ServiceDescriptorProto { name: Some("Calls".to_owned()), method: vec![call], options: None }],
        ..FileDescriptorProto::default()
    };
    if package == "two" { with_what_is_old(file) } else { with_what_is_new(file) }
}

/// Relative names, as some tools write them.
fn every_kind() -> DescriptorProto {
    let mut message = DescriptorProto { name: Some("Every".to_owned()), ..DescriptorProto::default() };
    for (at, kind) in (0..).zip(SCALARS) {
        message.field.push(field(&format!("one_{at}"), at + 1, kind, "Kind"));
        message.field.push(repeated(field(&format!("many_{at}"), at + 21, kind, "Kind")));
        let key = SCALARS[at as usize % SCALARS.len()];
        let key = if NO_KEYS.contains(&key) { Type::String } else { key };
        map(&mut message, &format!("map_{at}"), at + 41, key, field("value", 2, kind, "Kind"));
    }
    message.field.push(field("own", 61, Type::Message, "Every"));
    message.field.push(repeated(field("owns", 62, Type::Message, "Every")));
    map(&mut message, "own_map", 63, Type::Int32, field("value", 2, Type::Message, "Every"));
    message.oneof_decl.push(OneofDescriptorProto { name: Some("choice".to_owned()), options: None });
    for (at, kind) in (64..).zip([Type::String, Type::Int32, Type::Enum, Type::Message]) {
        let of = if kind == Type::Message { "Every" } else { "Kind" };
        let choice = field(&format!("choice_{at}"), at, kind, of);
        message.field.push(FieldDescriptorProto { oneof_index: Some(0), ..choice });
    }
    message
}

/// Groups, required fields, extensions, defaults, enums without a zero.
fn with_what_is_old(mut file: FileDescriptorProto) -> FileDescriptorProto {
    let message = &mut file.message_type[0];
    let inside = |name: &str| DescriptorProto {
        name: Some(name.to_owned()),
        field: vec![
            field("text", 1, Type::String, ""),
            repeated(field("numbers", 2, Type::Int32, "")),
            field("own", 3, Type::Message, "Every"),
        ],
        ..DescriptorProto::default()
    };
    message.nested_type.extend(["Choicegroup", "Line", "Lines"].map(inside));
    let choice = field("choicegroup", 68, Type::Group, "Choicegroup");
    message.field.push(FieldDescriptorProto { oneof_index: Some(0), ..choice });
    message.field.push(field("line", 69, Type::Group, "Line"));
    message.field.push(repeated(field("lines", 70, Type::Group, "Lines")));
    message.field.push(field("strict", 71, Type::Message, "Strict"));
    let far = field("far", 72, Type::Enum, "Far");
    message.field.push(FieldDescriptorProto { default_value: Some("FAR_B".to_owned()), ..far });
    message.extension_range.push(ExtensionRange { start: Some(100), end: Some(200), options: None });
    let must = FieldDescriptorProto { label: Some(Label::Required.into()), ..field("must", 1, Type::Int32, "") };
    let strict = DescriptorProto { name: Some("Strict".to_owned()), field: vec![must], ..DescriptorProto::default() };
    file.message_type.push(strict);
    file.enum_type.push(kinds("Far", 5));
    let extension = field("more", 100, Type::Int32, "");
    file.extension.push(FieldDescriptorProto { extendee: Some(".two.Every".to_owned()), ..extension });
    file
}

/// A field whose presence is seen although it is in no oneof that is written.
fn with_what_is_new(mut file: FileDescriptorProto) -> FileDescriptorProto {
    let message = &mut file.message_type[0];
    message.oneof_decl.push(OneofDescriptorProto { name: Some("_maybe".to_owned()), options: None });
    let maybe = field("maybe", 68, Type::Int32, "");
    message.field.push(FieldDescriptorProto { oneof_index: Some(1), proto3_optional: Some(true), ..maybe });
    file
}

fn field(name: &str, number: i32, kind: Type, of: &str) -> FieldDescriptorProto {
    let is_named = matches!(kind, Type::Enum | Type::Message | Type::Group);
    FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(Label::Optional.into()),
        r#type: Some(kind.into()),
        type_name: is_named.then(|| of.to_owned()),
        ..FieldDescriptorProto::default()
    }
}

fn repeated(field: FieldDescriptorProto) -> FieldDescriptorProto {
    FieldDescriptorProto { label: Some(Label::Repeated.into()), ..field }
}

fn map(message: &mut DescriptorProto, name: &str, number: i32, key: Type, value: FieldDescriptorProto) {
    let pieces = name.split('_').map(|piece| piece[..1].to_uppercase() + &piece[1..]);
    let entry = format!("{}Entry", pieces.collect::<String>());
    message.field.push(repeated(field(name, number, Type::Message, &entry)));
    message.nested_type.push(DescriptorProto {
        name: Some(entry),
        field: vec![field("key", 1, key, ""), value],
        options: Some(MessageOptions { map_entry: Some(true), ..MessageOptions::default() }),
        ..DescriptorProto::default()
    });
}

fn kinds(name: &str, first: i32) -> EnumDescriptorProto {
    let value = |letter: &str, number| EnumValueDescriptorProto {
        name: Some(format!("{}_{letter}", name.to_uppercase())),
        number: Some(number),
        options: None,
    };
    EnumDescriptorProto {
        name: Some(name.to_owned()),
        value: vec![value("A", first), value("B", 1), value("C", -1)],
        ..EnumDescriptorProto::default()
    }
}
