use super::*;
use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto,
    ServiceDescriptorProto,
};
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn field(name: &str, number: i32, kind: Type) -> FieldDescriptorProto {
    FieldDescriptorProto {
        name: Some(name.to_owned()),
        number: Some(number),
        label: Some(Label::Optional.into()),
        r#type: Some(kind.into()),
        ..FieldDescriptorProto::default()
    }
}

fn method(name: &str, streams: bool) -> MethodDescriptorProto {
    MethodDescriptorProto {
        name: Some(name.to_owned()),
        input_type: Some(".shop.Book".to_owned()),
        output_type: Some(".shop.Book".to_owned()),
        client_streaming: Some(streams),
        ..MethodDescriptorProto::default()
    }
}

/// `service Books { rpc Put(Book) returns (Book); rpc Many(stream Book) returns (Book); }`
fn services() -> Services {
    let book = DescriptorProto {
        name: Some("Book".to_owned()),
        field: vec![
            field("author", 1, Type::String),
            field("page_count", 2, Type::Int64),
            field("cover", 3, Type::Bytes),
            field("price", 4, Type::Double),
        ],
        ..DescriptorProto::default()
    };
    let service = ServiceDescriptorProto {
        name: Some("Books".to_owned()),
        method: vec![method("Put", false), method("Many", true)],
        ..ServiceDescriptorProto::default()
    };
    let file = FileDescriptorProto {
        name: Some("shop.proto".to_owned()),
        package: Some("shop".to_owned()),
        message_type: vec![book],
        service: vec![service],
        syntax: Some("proto3".to_owned()),
        ..FileDescriptorProto::default()
    };
    Services::new(&FileDescriptorSet { file: vec![file] }.encode_to_vec()).unwrap()
}

fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &length[..], message].concat()
}

fn read(path: &[&str], body: &[u8]) -> String {
    let path: Vec<Value> = path.iter().map(|segment| Value::from(*segment)).collect();
    match parse(&services(), &path, body) {
        Ok(Found::Message(parsed)) => parsed.value.map_or_else(|| parsed.text.unwrap(), |value| value.to_string()),
        Ok(other) => format!("{other:?}"),
        Err(error) => error.to_string(),
    }
}

const PUT: &[&str] = &["shop.Books", "Put"];

#[test]
fn the_first_message_is_protobufs_json() {
    let john = b"\x0a\x04John\x10\x07\x1a\x01\xff";
    let two = [frame(john), frame(b"\x0a\x04Jane")].concat();
    assert_eq!(read(PUT, &two), r#"{"author":"John","cover":"/w==","pageCount":"7"}"#);
    assert_eq!(read(PUT, &frame(b"")), "{}");
    let price = |number: f64| frame(&[&[0x21], &number.to_le_bytes()[..]].concat());
    assert_eq!(read(PUT, &price(2.0)), r#"{"price":2}"#);
    assert_eq!(read(PUT, &price(f64::NAN)), r#"{"price":"NaN"}"#);
    // Fields that are not described are left out.
    assert_eq!(read(PUT, &frame(b"\x48\x01")), "{}");
}

#[test]
fn what_is_not_described_or_not_plain_is_nothing() {
    let message = frame(b"\x0a\x04John");
    for path in [["shop.Books", "Get"], ["shop.Books", "Many"], ["shop.Other", "Put"], ["shop.Book", "Put"]] {
        assert_eq!(read(&path, &message), "Nothing", "{path:?}");
    }
    assert_eq!(read(PUT, &[&[1], &message[1..]].concat()), "Nothing");
    assert_eq!(read(PUT, &message[..8]), "Truncated");
}

#[test]
fn what_is_no_call_is_an_error() {
    assert_eq!(read(&["shop.Books"], &frame(b"")), "invalid parsed path");
    assert_eq!(read(&["shop.Books", "Put", ""], &frame(b"")), "invalid parsed path");
    assert_eq!(read(PUT, &[0, 0, 0, 0]), "less than 5 bytes");
    assert!(read(PUT, &frame(b"\x0a\xff")).starts_with("proto: "));
    assert!(read(PUT, &frame(b"\x0a\x01\xff")).starts_with("proto: "));
    assert!(Services::new(b"\x0a\xff").is_err());
}
