//! The services that gRPC messages are read by.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto,
};

/// ```proto
/// syntax = "proto3";
/// package shop;
/// enum Kind { UNKNOWN = 0; PAPER = 1; }
/// message Author { string full_name = 1; }
/// message Book {
///   string author = 1; int64 page_count = 2; bytes cover = 3; double price = 4; Kind kind = 5; Author written_by = 6;
///   repeated string tags = 7; bool sold = 8; int32 stock = 9; Book sequel = 10;
///   google.protobuf.Timestamp printed_at = 11;
/// }
/// service Books {
///   rpc Put(Book) returns (Book);
///   rpc Many(stream Book) returns (Book);
///   rpc Watch(Book) returns (stream Book);
/// }
/// ```
pub fn descriptor_set() -> String {
    let time = vec![field("seconds", 1, Type::Int64), field("nanos", 2, Type::Int32)];
    let time = FileDescriptorProto {
        message_type: vec![message("Timestamp", time)],
        ..file("google/protobuf/timestamp.proto", "google.protobuf")
    };
    let shop = FileDescriptorProto {
        dependency: vec!["google/protobuf/timestamp.proto".to_owned()],
        enum_type: vec![kinds()],
        message_type: vec![message("Author", vec![field("full_name", 1, Type::String)]), message("Book", book())],
        service: vec![ServiceDescriptorProto {
            name: Some("Books".to_owned()),
            method: vec![method("Put", false, false), method("Many", true, false), method("Watch", false, true)],
            ..ServiceDescriptorProto::default()
        }],
        ..file("shop.proto", "shop")
    };
    STANDARD.encode(FileDescriptorSet { file: vec![time, shop] }.encode_to_vec())
}

fn book() -> Vec<FieldDescriptorProto> {
    let tags = field("tags", 7, Type::String);
    vec![
        field("author", 1, Type::String),
        field("page_count", 2, Type::Int64),
        field("cover", 3, Type::Bytes),
        field("price", 4, Type::Double),
        of_type(field("kind", 5, Type::Enum), ".shop.Kind"),
        of_type(field("written_by", 6, Type::Message), ".shop.Author"),
        FieldDescriptorProto { label: Some(Label::Repeated.into()), ..tags },
        field("sold", 8, Type::Bool),
        field("stock", 9, Type::Int32),
        of_type(field("sequel", 10, Type::Message), ".shop.Book"),
        of_type(field("printed_at", 11, Type::Message), ".google.protobuf.Timestamp"),
    ]
}

fn kinds() -> EnumDescriptorProto {
    let kinds = [("UNKNOWN", 0), ("PAPER", 1)].map(|(name, number)| EnumValueDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        ..EnumValueDescriptorProto::default()
    });
    EnumDescriptorProto { name: Some("Kind".to_owned()), value: kinds.into(), ..EnumDescriptorProto::default() }
}

fn method(name: &str, from_client: bool, from_server: bool) -> MethodDescriptorProto {
    MethodDescriptorProto {
        name: Some(name.to_owned()),
        input_type: Some(".shop.Book".to_owned()),
        output_type: Some(".shop.Book".to_owned()),
        client_streaming: Some(from_client),
        server_streaming: Some(from_server),
        ..MethodDescriptorProto::default()
    }
}

fn file(name: &str, package: &str) -> FileDescriptorProto {
    FileDescriptorProto {
        name: Some(name.to_owned()),
        package: Some(package.to_owned()),
        syntax: Some("proto3".to_owned()),
        ..FileDescriptorProto::default()
    }
}

fn message(name: &str, field: Vec<FieldDescriptorProto>) -> DescriptorProto {
    DescriptorProto { name: Some(name.to_owned()), field, ..DescriptorProto::default() }
}

fn field(name: &str, number: i32, kind: Type) -> FieldDescriptorProto {
    FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        r#type: Some(kind.into()),
        label: Some(Label::Optional.into()),
        ..FieldDescriptorProto::default()
    }
}

fn of_type(field: FieldDescriptorProto, name: &str) -> FieldDescriptorProto {
    FieldDescriptorProto { type_name: Some(name.to_owned()), ..field }
}
