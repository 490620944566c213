//! A service to read gRPC bodies by: a message with every kind of field, and the types that have a JSON form of their own.

use prost::Message as _;
use prost_reflect::DescriptorPool;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    FileDescriptorSet, MessageOptions, MethodDescriptorProto, ServiceDescriptorProto,
};

/// The path of its one method.
pub const METHOD: &str = "/shop.Books/Put";

/// `service Books { rpc Put(Book) returns (Book); }`, and all of protobuf's own files.
#[must_use]
pub fn set() -> Vec<u8> {
    let mut file: Vec<FileDescriptorProto> = DescriptorPool::global().file_descriptor_protos().cloned().collect();
    file.push(FileDescriptorProto {
        name: Some("shop.proto".to_owned()),
        package: Some("shop".to_owned()),
        dependency: file.iter().filter_map(|file| file.name.clone()).collect(),
        message_type: vec![book()],
        enum_type: vec![kind()],
        service: vec![service()],
        syntax: Some("proto3".to_owned()),
        ..FileDescriptorProto::default()
    });
    FileDescriptorSet { file }.encode_to_vec()
}

fn book() -> DescriptorProto {
    use Label::{Optional, Repeated};
    let field = |name: &str, number, label: Label, kind: Type, named: Option<&str>| FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(label.into()),
        r#type: Some(kind.into()),
        type_name: named.map(str::to_owned),
        ..FieldDescriptorProto::default()
    };
    let own = |name: &str, number, label| field(name, number, label, Type::Message, Some(".shop.Book"));
    let known = |name: &str, number, of: &str| {
        field(name, number, Optional, Type::Message, Some(&format!(".google.protobuf.{of}")))
    };
    let entry = DescriptorProto {
        name: Some("CountsEntry".to_owned()),
        field: vec![field("key", 1, Optional, Type::String, None), field("value", 2, Optional, Type::Int32, None)],
        options: Some(MessageOptions { map_entry: Some(true), ..MessageOptions::default() }),
        ..DescriptorProto::default()
    };
    DescriptorProto {
        name: Some("Book".to_owned()),
        field: vec![
            field("author", 1, Optional, Type::String, None),
            field("page_count", 2, Optional, Type::Int64, None),
            field("price", 3, Optional, Type::Double, None),
            field("cover", 4, Optional, Type::Bytes, None),
            own("sequel", 5, Optional),
            own("chapters", 6, Repeated),
            field("counts", 7, Repeated, Type::Message, Some(".shop.Book.CountsEntry")),
            field("numbers", 8, Repeated, Type::Sint32, None),
            field("kind", 9, Optional, Type::Enum, Some(".shop.Kind")),
            known("written", 10, "Timestamp"),
            known("lent", 11, "Duration"),
            known("shown", 12, "FieldMask"),
            known("score", 13, "DoubleValue"),
            known("notes", 14, "Struct"),
            known("more", 15, "Any"),
            known("free", 16, "Value"),
        ],
        nested_type: vec![entry],
        ..DescriptorProto::default()
    }
}

fn kind() -> EnumDescriptorProto {
    let value = |name: &str, number| EnumValueDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        options: None,
    };
    EnumDescriptorProto {
        name: Some("Kind".to_owned()),
        value: vec![value("UNKNOWN", 0), value("NOVEL", 1)],
        ..EnumDescriptorProto::default()
    }
}

fn service() -> ServiceDescriptorProto {
    let method = MethodDescriptorProto {
        name: Some("Put".to_owned()),
        input_type: Some(".shop.Book".to_owned()),
        output_type: Some(".shop.Book".to_owned()),
        ..MethodDescriptorProto::default()
    };
    ServiceDescriptorProto { name: Some("Books".to_owned()), method: vec![method], options: None }
}
