//! What a descriptor set must be to be taken.

use super::set::{field, message, repeated};
use super::*;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet};
use prost_types::{MessageOptions, OneofDescriptorProto};
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Why a set is refused; its last two files are `old.proto`, of proto2, and `shop.proto`.
fn refusal(edit: impl Fn(&mut [FileDescriptorProto])) -> String {
    let mut set = set();
    edit(&mut set.file);
    Services::new(&set.encode_to_vec()).map(|_| "taken".to_owned()).unwrap_or_else(|why| why)
}

/// The same of one of the messages `Old` and `Book`.
fn refused(name: &str, edit: impl Fn(&mut DescriptorProto)) -> String {
    refusal(|files| {
        let mut messages = files.iter_mut().flat_map(|file| &mut file.message_type);
        edit(messages.find(|message| message.name() == name).unwrap());
    })
}

fn of(name: &str, field: FieldDescriptorProto) -> FieldDescriptorProto {
    FieldDescriptorProto { type_name: Some(name.to_owned()), ..field }
}

fn last(files: &mut [FileDescriptorProto]) -> &mut FileDescriptorProto {
    files.last_mut().unwrap()
}

/// A map with an entry of its own, beside what is there.
fn with_map(message: &mut DescriptorProto, fields: Vec<FieldDescriptorProto>) {
    let options = Some(MessageOptions { map_entry: Some(true), ..MessageOptions::default() });
    message.nested_type.push(DescriptorProto { options, ..super::set::message("MoreEntry", fields) });
    message.field.push(repeated(of("MoreEntry", field("more", 90, Type::Message))));
}

#[test]
fn a_whole_set_is_taken() {
    assert_eq!(refusal(|_| ()), "taken");
    assert_eq!(
        refused("Old", |old| with_map(old, vec![field("key", 1, Type::Bool), field("value", 2, Type::Bytes)])),
        "taken"
    );
    // In any order.
    assert_eq!(refusal(<[_]>::reverse), "taken");
    // What a type is need not be said beside its name.
    let untyped = FieldDescriptorProto { r#type: None, ..of(".shop.Kind", field("other", 90, Type::Enum)) };
    assert_eq!(refused("Book", |book| book.field.push(untyped.clone())), "taken");
    assert!(Services::new(b"").is_ok());
}

#[test]
fn bytes_that_are_no_set_are_refused() {
    for bytes in [&b"\x0a\xff"[..], b"\x0a\x02\x0a\x01", b"\x08\x01", b"x"] {
        assert!(Services::new(bytes).is_err(), "{bytes:?}");
    }
    // A message in a message in a message.
    let deep = (0..200)
        .fold(message("M", vec![]), |inner, _| DescriptorProto { nested_type: vec![inner], ..message("M", vec![]) });
    let file = FileDescriptorProto { message_type: vec![deep], ..FileDescriptorProto::default() };
    let why = Services::new(&FileDescriptorSet { file: vec![file] }.encode_to_vec()).unwrap_err();
    assert!(why.contains("recursion limit reached"), "{why}");
}

#[test]
fn what_is_missing_is_named() {
    assert_eq!(
        refusal(|files| files[0].name = Some("other.proto".to_owned())),
        r#"the file "google/protobuf/any.proto" is missing, which "shop.proto" imports"#
    );
    assert_eq!(
        refusal(|files| files[0].message_type.clear()),
        r#"shop.Book.more: the type ".google.protobuf.Any" is missing"#
    );
    let untyped = FieldDescriptorProto { r#type: None, ..field("more_of_it", 90, Type::Enum) };
    assert_eq!(refused("Book", |book| book.field.push(untyped.clone())), "shop.Book.more_of_it: its type is missing");
    for kind in [Type::Enum, Type::Message, Type::Group] {
        let why = refused("Old", |old| old.field.push(field("more", 90, kind)));
        assert_eq!(why, "old.Old.more: its type is missing");
    }
    for wrong in ["Missing", ".Kind", "Kind.NOVEL", "NOVEL", ".shop.Book.author", ".shop.Books"] {
        let why = refused("Book", |book| book.field.push(of(wrong, field("other", 90, Type::Enum))));
        assert!(why.starts_with("shop.Book.other: "), "{wrong}: {why}");
    }
    for (kind, name) in [(Type::Message, "Kind"), (Type::Enum, "Book"), (Type::Int32, "Book"), (Type::Int32, "Kind")] {
        let why = refused("Book", |book| book.field.push(of(name, field("other", 90, kind))));
        assert_eq!(why, format!("shop.Book.other: {name:?} and the type {} contradict each other", kind as i32));
    }
    let missing = r#"the message ".shop.Kind" is missing, which "shop.Books" names"#;
    assert_eq!(refusal(|files| last(files).service[0].method[0].input_type = Some(".shop.Kind".to_owned())), missing);
    assert_eq!(refusal(|files| last(files).service[0].method[0].output_type = Some(".shop.Kind".to_owned())), missing);
    let extension = |extendee: &str, kind| FieldDescriptorProto {
        extendee: Some(extendee.to_owned()),
        ..of(".old.Old", field("added", 100, kind))
    };
    assert_eq!(refusal(|files| last(files).extension.push(extension("Book", Type::Message))), "taken");
    for (extendee, kind) in [("Missing", Type::Message), ("Book", Type::Enum)] {
        assert!(refusal(|files| last(files).extension.push(extension(extendee, kind))) != "taken");
        assert!(refused("Book", |book| book.extension.push(extension(extendee, kind))) != "taken");
    }
}

#[test]
fn what_is_there_twice_is_refused() {
    assert_eq!(refusal(|files| files[1] = files[0].clone()), r#"the file "google/protobuf/any.proto" is there twice"#);
    for (name, why) in [
        ("Book", "shop.Book is declared twice"),
        ("Kind", "shop.Kind is declared twice"),
        ("NOVEL", "shop.NOVEL is declared twice"),
        ("Books", "shop.Books is declared twice"),
    ] {
        assert_eq!(refusal(|files| last(files).message_type.push(message(name, vec![]))), why);
    }
    assert_eq!(
        refusal(|files| {
            let twice = last(files).service[0].method[0].clone();
            last(files).service[0].method.push(twice);
        }),
        "shop.Books.Put is declared twice"
    );
    let book = |name: &str, number, json_name: Option<&str>| {
        let added =
            FieldDescriptorProto { json_name: json_name.map(str::to_owned), ..field(name, number, Type::Int32) };
        refused("Book", |book| book.field.push(added.clone()))
    };
    assert_eq!(book("author", 90, Some("x")), "shop.Book.author is declared twice");
    assert_eq!(book("other", 1, None), "shop.Book: two fields have the number 1");
    assert_eq!(book("pageCount", 90, None), r#"shop.Book: two fields have the JSON name "pageCount""#);
    assert_eq!(book("page__count", 90, None), r#"shop.Book: two fields have the JSON name "pageCount""#);
    assert_eq!(book("other", 90, Some("author")), r#"shop.Book: two fields have the JSON name "author""#);
    assert_eq!(refusal(|files| last(files).enum_type[0].options = None), "shop.Kind: two values have the number 1");
}

#[test]
fn what_contradicts_itself_is_refused() {
    for (syntax, why) in [("editions", true), ("proto4", true), ("proto2", false)] {
        let told = refusal(|files| files[0].syntax = Some(syntax.to_owned()));
        assert_eq!(told.contains("is not read"), why, "{syntax}: {told}");
    }
    for number in [i32::MIN, -1, 0, 19_000, 19_999, 1 << 29] {
        let why = refused("Book", |book| book.field.push(field("other", number, Type::Int32)));
        assert_eq!(why, format!("shop.Book.other: {number} is no number of a field"));
    }
    for number in [18_999, 20_000, (1 << 29) - 1] {
        assert_eq!(refused("Book", |book| book.field.push(field("other", number, Type::Int32))), "taken");
    }
    for name in ["", "1a", "a.b", "a b", "ä"] {
        for why in [
            refused("Book", |book| book.field.push(field(name, 90, Type::Int32))),
            refused("Book", |book| book.nested_type.push(message(name, vec![]))),
            refusal(|files| last(files).service[0].name = Some(name.to_owned())),
            refusal(|files| last(files).service[0].method[0].name = Some(name.to_owned())),
            refusal(|files| last(files).enum_type[0].value[0].name = Some(name.to_owned())),
        ] {
            assert!(why.ends_with("is no name"), "{name}: {why}");
        }
    }
    assert_eq!(refusal(|files| files[0].package = Some("a..b".to_owned())), r#""a..b" is no name of a package"#);
    let set = MessageOptions { message_set_wire_format: Some(true), ..MessageOptions::default() };
    let why = refused("Old", |old| old.options = Some(set.clone()));
    assert_eq!(why, "old.Old: message_set_wire_format is not read");
}

#[test]
fn a_label_must_suit_its_field() {
    let with = |message: &str, label: i32, in_oneof: Option<i32>, kind: Type| {
        let added = FieldDescriptorProto { label: Some(label), oneof_index: in_oneof, ..field("other", 90, kind) };
        let added = if kind == Type::Group { of("Other", added) } else { added };
        refused(message, |message| {
            message.nested_type.push(super::set::message("Other", vec![]));
            message.oneof_decl.push(OneofDescriptorProto { name: Some("choices".to_owned()), options: None });
            message.field.push(added.clone());
        })
    };
    let (optional, required, many) = (Label::Optional as i32, Label::Required as i32, Label::Repeated as i32);
    for (in_old, label, in_oneof, kind, why) in [
        (true, required, None, Type::Int32, "taken"),
        (true, optional, None, Type::Group, "taken"),
        (false, required, None, Type::Int32, "proto3 has no required fields and no groups"),
        (false, optional, None, Type::Group, "proto3 has no required fields and no groups"),
        (false, many, None, Type::Group, "proto3 has no required fields and no groups"),
        (true, required, Some(0), Type::Int32, "it is required inside a oneof"),
        (true, many, Some(0), Type::Int32, "it is repeated inside a oneof"),
        (true, optional, Some(0), Type::Int32, "taken"),
        (true, optional, Some(2), Type::Int32, "its oneof is missing"),
        (true, optional, Some(-1), Type::Int32, "its oneof is missing"),
        (true, 0, None, Type::Int32, "taken"),
        (true, 4, None, Type::Int32, "4 is no label"),
    ] {
        let told = with(if in_old { "Old" } else { "Book" }, label, in_oneof, kind);
        assert!(told.ends_with(why), "{label} {in_oneof:?} {kind:?}: {told}");
    }
}

#[test]
fn an_enum_begins_where_its_fields_do() {
    let first =
        |number: i32| move |files: &mut [FileDescriptorProto]| last(files).enum_type[0].value[0].number = Some(number);
    assert_eq!(refusal(first(5)), "shop.Kind: the first value is not 0");
    assert_eq!(refusal(|files| last(files).enum_type[0].value[0].number = None), "shop.Kind: UNKNOWN has no number");
    assert_eq!(refusal(|files| last(files).enum_type[0].value.clear()), "shop.Kind has no value");
    // One of proto2 may begin anywhere, but not where what is left out is read as zero.
    let far = |files: &mut [FileDescriptorProto]| {
        let mut far = EnumDescriptorProto { name: Some("Far".to_owned()), ..last(files).enum_type[0].clone() };
        far.value.drain(..2);
        files.iter_mut().find(|file| file.package() == "old").unwrap().enum_type.push(far);
    };
    assert_eq!(refusal(far), "taken");
    let kind = of(".old.Far", field("far", 90, Type::Enum));
    assert_eq!(
        refusal(|files| {
            far(files);
            last(files).message_type[0].field.push(kind.clone());
        }),
        "shop.Book.far: the first value of its enum is not 0"
    );
    assert_eq!(
        refusal(|files| {
            far(files);
            last(files).message_type[0].field.push(repeated(kind.clone()));
        }),
        "taken"
    );
}

#[test]
fn a_map_has_a_key_and_a_value() {
    let key = || field("key", 1, Type::String);
    let value = || field("value", 2, Type::Int32);
    let labelled = |label: Label, field| FieldDescriptorProto { label: Some(label.into()), ..field };
    for fields in [
        vec![],
        vec![key()],
        vec![value()],
        vec![key(), value(), field("more", 3, Type::Int32)],
        vec![field("key", 3, Type::String), value()],
        vec![field("key", 1, Type::Double), value()],
        vec![field("key", 1, Type::Float), value()],
        vec![field("key", 1, Type::Bytes), value()],
        vec![of("Old", field("key", 1, Type::Message)), value()],
        vec![repeated(key()), value()],
        vec![key(), repeated(value())],
        vec![labelled(Label::Required, key()), value()],
        vec![key(), labelled(Label::Required, value())],
    ] {
        let why = refused("Old", |old| with_map(old, fields.clone()));
        assert_eq!(why, r#"old.Old: "more" is no map"#, "{fields:?}");
    }
    let single = refused("Old", |old| {
        with_map(old, vec![key(), value()]);
        old.field.last_mut().unwrap().label = Some(Label::Optional.into());
    });
    assert_eq!(single, "old.Old.more: it is a map that is not repeated");
}
