//! What the messages of these tests are read by.

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumOptions, EnumValueDescriptorProto, FieldDescriptorProto,
    FileDescriptorProto, FileDescriptorSet, MessageOptions, MethodDescriptorProto, OneofDescriptorProto,
    ServiceDescriptorProto,
};

pub(super) fn field(name: &str, number: i32, kind: Type) -> FieldDescriptorProto {
    FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(Label::Optional.into()),
        r#type: Some(kind.into()),
        ..FieldDescriptorProto::default()
    }
}

/// A field of a type of `google.protobuf`.
pub(super) fn known(name: &str, number: i32, of: &str) -> FieldDescriptorProto {
    let type_name = Some(format!(".google.protobuf.{of}"));
    FieldDescriptorProto { type_name, ..field(name, number, Type::Message) }
}

pub(super) fn repeated(field: FieldDescriptorProto) -> FieldDescriptorProto {
    FieldDescriptorProto { label: Some(Label::Repeated.into()), ..field }
}

/// An enum with two names for 1.
fn kind() -> EnumDescriptorProto {
    let value = |name: &str, number| EnumValueDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        options: None,
    };
    EnumDescriptorProto {
        name: Some("Kind".to_owned()),
        value: vec![value("UNKNOWN", 0), value("NOVEL", 1), value("STORY", 1)],
        options: Some(EnumOptions { allow_alias: Some(true), ..EnumOptions::default() }),
        ..EnumDescriptorProto::default()
    }
}

fn method(name: &str, input: &str, streams: bool) -> MethodDescriptorProto {
    MethodDescriptorProto {
        name: Some(name.to_owned()),
        input_type: Some(input.to_owned()),
        output_type: Some(".shop.Book".to_owned()),
        client_streaming: Some(streams),
        ..MethodDescriptorProto::default()
    }
}

/// `service Books { rpc Put(Book) returns (Book); rpc Many(stream Book) returns (Book); rpc Keep(old.Old) returns (Book); }`
pub(super) fn set() -> FileDescriptorSet {
    let book = message(
        "Book",
        vec![
            field("author", 1, Type::String),
            field("page_count", 2, Type::Int64),
            field("cover", 3, Type::Bytes),
            field("price", 4, Type::Double),
            field("weight", 5, Type::Float),
            FieldDescriptorProto { type_name: Some(".shop.Kind".to_owned()), ..field("kind", 6, Type::Enum) },
            known("written", 7, "Timestamp"),
            known("lent", 8, "Duration"),
            known("shown", 9, "FieldMask"),
            known("score", 10, "DoubleValue"),
            known("notes", 11, "Struct"),
            known("free", 12, "Value"),
            known("more", 13, "Any"),
            repeated(field("ratings", 14, Type::Int64)),
            repeated(field("sizes", 15, Type::Fixed32)),
        ],
    );
    let service = ServiceDescriptorProto {
        name: Some("Books".to_owned()),
        method: vec![
            method("Put", ".shop.Book", false),
            method("Many", "Book", true),
            method("Keep", "old.Old", false),
        ],
        ..ServiceDescriptorProto::default()
    };
    let file = FileDescriptorProto {
        name: Some("shop.proto".to_owned()),
        package: Some("shop".to_owned()),
        dependency: ["any", "duration", "field_mask", "struct", "timestamp", "wrappers"]
            .map(|file| format!("google/protobuf/{file}.proto"))
            .into_iter()
            .chain(["old.proto".to_owned()])
            .collect(),
        message_type: vec![book],
        enum_type: vec![kind()],
        service: vec![service],
        syntax: Some("proto3".to_owned()),
        ..FileDescriptorProto::default()
    };
    // With the files of `google.protobuf`, which are part of a whole descriptor set.
    let mut all = well_known();
    all.extend([old(), file]);
    FileDescriptorSet { file: all }
}

/// ```proto
/// package old;
/// message Old {
///   required int32 id = 1;
///   optional group Line = 2 { optional Old inner = 1; }
///   optional string text = 3;
///   oneof choice { Old own = 4; bool none = 5; }
/// }
/// ```
fn old() -> FileDescriptorProto {
    let id = FieldDescriptorProto { label: Some(Label::Required.into()), ..field("id", 1, Type::Int32) };
    let of = |name: &str, field| FieldDescriptorProto { type_name: Some(name.to_owned()), ..field };
    let choice = |field| FieldDescriptorProto { oneof_index: Some(0), ..field };
    let fields = vec![
        id,
        of("Line", field("line", 2, Type::Group)),
        field("text", 3, Type::String),
        choice(of("Old", field("own", 4, Type::Message))),
        choice(field("none", 5, Type::Bool)),
    ];
    let old = DescriptorProto {
        nested_type: vec![message("Line", vec![of("Old", field("inner", 1, Type::Message))])],
        oneof_decl: vec![OneofDescriptorProto { name: Some("choice".to_owned()), options: None }],
        ..message("Old", fields)
    };
    FileDescriptorProto {
        name: Some("old.proto".to_owned()),
        package: Some("old".to_owned()),
        message_type: vec![old],
        ..FileDescriptorProto::default()
    }
}

/// As much of the files of `google.protobuf` as messages are read by.
fn well_known() -> Vec<FileDescriptorProto> {
    let map = |name: &str, number, entry: &str| repeated(known(name, number, entry));
    let one =
        |name: &str, number, kind: Type| FieldDescriptorProto { oneof_index: Some(0), ..field(name, number, kind) };
    let inside = |field: FieldDescriptorProto| FieldDescriptorProto { oneof_index: Some(0), ..field };
    let null = FieldDescriptorProto {
        type_name: Some(".google.protobuf.NullValue".to_owned()),
        ..one("null_value", 1, Type::Enum)
    };
    let entry = DescriptorProto {
        options: Some(MessageOptions { map_entry: Some(true), ..MessageOptions::default() }),
        ..message("FieldsEntry", vec![field("key", 1, Type::String), known("value", 2, "Value")])
    };
    let value = DescriptorProto {
        oneof_decl: vec![OneofDescriptorProto { name: Some("kind".to_owned()), options: None }],
        ..message(
            "Value",
            vec![
                null,
                one("number_value", 2, Type::Double),
                one("string_value", 3, Type::String),
                one("bool_value", 4, Type::Bool),
                inside(known("struct_value", 5, "Struct")),
                inside(known("list_value", 6, "ListValue")),
            ],
        )
    };
    let fields = map("fields", 1, "Struct.FieldsEntry");
    let structs = vec![
        DescriptorProto { nested_type: vec![entry], ..message("Struct", vec![fields]) },
        value,
        message("ListValue", vec![repeated(known("values", 1, "Value"))]),
    ];
    let time = |name| message(name, vec![field("seconds", 1, Type::Int64), field("nanos", 2, Type::Int32)]);
    let wrapper = |name, kind| message(name, vec![field("value", 1, kind)]);
    let any = message("Any", vec![field("type_url", 1, Type::String), field("value", 2, Type::Bytes)]);
    let mask = message("FieldMask", vec![repeated(field("paths", 1, Type::String))]);
    let wrappers = vec![wrapper("DoubleValue", Type::Double), wrapper("StringValue", Type::String)];
    let mut files: Vec<FileDescriptorProto> = [
        ("any", vec![any]),
        ("duration", vec![time("Duration")]),
        ("empty", vec![message("Empty", vec![])]),
        ("field_mask", vec![mask]),
        ("struct", structs),
        ("timestamp", vec![time("Timestamp")]),
        ("wrappers", wrappers),
    ]
    .map(|(name, message_type)| FileDescriptorProto {
        name: Some(format!("google/protobuf/{name}.proto")),
        package: Some("google.protobuf".to_owned()),
        message_type,
        syntax: Some("proto3".to_owned()),
        ..FileDescriptorProto::default()
    })
    .into();
    files[4].enum_type.push(EnumDescriptorProto {
        name: Some("NullValue".to_owned()),
        value: vec![EnumValueDescriptorProto { name: Some("NULL_VALUE".to_owned()), number: Some(0), options: None }],
        ..EnumDescriptorProto::default()
    });
    files
}

pub(super) fn message(name: &str, field: Vec<FieldDescriptorProto>) -> DescriptorProto {
    DescriptorProto { name: Some(name.to_owned()), field, ..DescriptorProto::default() }
}
