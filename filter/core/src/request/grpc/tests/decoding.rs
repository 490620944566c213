//! What protobuf says of fields that are there twice, or not as they are described. `integration/tests/messages` asks Go
//! of many more.

use super::*;
use serde_json::{Value as Json, json};
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const KEEP: &[&str] = &["shop.Books", "Keep"];

fn book(message: &[u8]) -> String {
    read(PUT, &frame(message))
}

fn old(message: &[u8]) -> String {
    read(KEEP, &frame(message))
}

#[test]
fn of_a_field_twice_the_last_counts_and_messages_merge() {
    assert_eq!(book(b"\x0a\x01x\x10\x05\x0a\x01y"), r#"{"author":"y","pageCount":"5"}"#);
    // A default that is sent is as good as none.
    assert_eq!(book(b"\x0a\x01x\x0a\x00"), "{}");
    let merged = [holds(7, &varint(1, 5)), holds(7, &varint(2, 500_000_000))].concat();
    assert_eq!(book(&merged), r#"{"written":"1970-01-01T00:00:05.500Z"}"#);
    let lists = [holds(9, &holds(1, b"a")), holds(9, &holds(1, b"b"))].concat();
    assert_eq!(book(&lists), r#"{"shown":"a,b"}"#);
}

#[test]
fn of_a_oneof_the_last_is_left() {
    let (own, none) = (holds(4, b"\x08\x01"), b"\x28\0");
    assert_eq!(old(&[b"\x08\x07", &own[..], none].concat()), r#"{"id":7,"none":false}"#);
    assert_eq!(old(&[b"\x08\x07", none, &own[..]].concat()), r#"{"id":7,"own":{"id":1}}"#);
    // What was there before the other one does not come back.
    let text = holds(4, &[b"\x08\x01".as_slice(), &holds(3, b"x")].concat());
    assert_eq!(old(&[b"\x08\x07", &text[..], none, &own[..]].concat()), r#"{"id":7,"own":{"id":1}}"#);
    assert_eq!(old(&[b"\x08\x07", &text[..], &own[..]].concat()), r#"{"id":7,"own":{"id":1,"text":"x"}}"#);
}

/// Services in which these fields of a type are a oneof.
fn with_oneof(of: &str, numbers: &[i32]) -> Services {
    let mut set = set();
    let message =
        set.file.iter_mut().flat_map(|file| &mut file.message_type).find(|message| message.name() == of).unwrap();
    message.oneof_decl.push(prost_types::OneofDescriptorProto { name: Some("either".to_owned()), options: None });
    message
        .field
        .iter_mut()
        .filter(|field| numbers.contains(&field.number()))
        .for_each(|field| field.oneof_index = Some(0));
    Services::new(&set.encode_to_vec()).unwrap()
}

/// What `message` shows as, field by field.
fn shown(services: &Services, message: &[u8]) -> Json {
    let path = PUT.iter().map(|segment| Value::from(*segment)).collect::<Vec<_>>();
    let Ok(Found::Message(parsed)) = parse(services, &path, &frame(message)) else { panic!("no message") };
    serde_json::from_str(&parsed.value.map_or_else(|| parsed.text.unwrap(), |value| value.to_string())).unwrap()
}

#[test]
fn a_oneof_may_stand_on_both_sides_of_other_fields() {
    let services = with_oneof("Book", &[1, 3, 5]);
    let (author, pages, cover) = (holds(1, b"a"), varint(2, 7), holds(3, b""));
    let (price, weight) = (b"\x21\0\0\0\0\0\0\xf0\x3f".to_vec(), b"\x2d\0\0\0\x40".to_vec());
    for (sent, expected) in [
        (vec![&weight, &price, &pages, &author], json!({"author": "a", "pageCount": "7", "price": 1})),
        (vec![&author, &pages, &price, &weight], json!({"weight": 2, "pageCount": "7", "price": 1})),
        (vec![&price, &weight, &author, &cover, &pages], json!({"cover": "", "pageCount": "7", "price": 1})),
        (vec![&author, &cover, &weight, &author], json!({"author": "a"})),
    ] {
        assert_eq!(shown(&services, &sent.into_iter().cloned().collect::<Vec<_>>().concat()), expected);
    }
}

#[test]
fn a_field_in_the_place_of_another_is_not_taken_for_it() {
    let services = with_oneof("Timestamp", &[1, 2]);
    let (seconds, nanos) = (varint(1, 5), varint(2, 500_000_000));
    for (sent, expected) in
        [([&seconds, &nanos], "1970-01-01T00:00:00.500Z"), ([&nanos, &seconds], "1970-01-01T00:00:05Z")]
    {
        assert_eq!(shown(&services, &holds(7, &sent.map(Clone::clone).concat())), json!({"written": expected}));
    }
}

#[test]
fn of_a_key_twice_the_last_entry_is_left() {
    let entry = |parts: &[Vec<u8>]| holds(11, &holds(1, &parts.concat()));
    let (key, number, truth) = (holds(1, b"k"), holds(2, b"\x11\0\0\0\0\0\0\xf0\x3f"), holds(2, b"\x20\x01"));
    let entries = [entry(&[key.clone(), number.clone()]), entry(&[key.clone(), truth.clone()])].concat();
    assert_eq!(book(&entries), r#"{"notes":{"k":true}}"#);
    // In any order, with what is not described, without a key; of two values that are messages the one is made.
    assert_eq!(book(&entry(&[truth.clone(), b"\x18\x01".to_vec(), key.clone()])), r#"{"notes":{"k":true}}"#);
    assert_eq!(book(&entry(std::slice::from_ref(&truth))), r#"{"notes":{"":true}}"#);
    assert_eq!(book(&entry(&[key.clone(), number.clone(), truth.clone()])), r#"{"notes":{"k":true}}"#);
    // A key as a number is none.
    assert_eq!(book(&entry(&[key, b"\x08\x05".to_vec(), truth])), r#"{"notes":{"k":true}}"#);
}

#[test]
fn numbers_of_a_list_are_read_packed_and_one_by_one() {
    let ratings = [b"\x70\x01".to_vec(), holds(14, b"\x02\x03"), holds(14, b""), b"\x70\x04".to_vec()].concat();
    assert_eq!(book(&ratings), r#"{"ratings":["1","2","3","4"]}"#);
    assert_eq!(book(&holds(14, b"")), "{}");
    for broken in [holds(14, b"\x80"), holds(15, b"\0\0\0"), b"\x7d\0\0\0".to_vec()] {
        assert!(book(&broken).starts_with("proto: "), "{broken:?}");
    }
}

#[test]
fn what_is_not_described_or_written_otherwise_is_passed_over() {
    // A text as a number, a number as a text, a message and a map as numbers, a packed list as a group.
    let other = [&b"\x08\x05"[..], b"\x12\x01a", b"\x38\x01", b"\x58\x05", b"\x73\x08\x01\x74"].concat();
    assert_eq!(book(&[&other, &b"\x0a\x01x"[..]].concat()), r#"{"author":"x"}"#);
    // However much that is: nothing is made of it.
    assert_eq!(book(&b"\x98\x06\x01".repeat(600_000)), "{}");
    assert_eq!(book(&[b"\xa3\x06".to_vec(), b"\x08\x01".repeat(600_000), b"\xa4\x06".to_vec()].concat()), "{}");
    for broken in [
        &b"\xa3\x06\x08\x01"[..],
        b"\xa3\x06\xac\x06",
        b"\xa4\x06",
        b"\x0c",
        b"\x72\x02\x01",
        b"\x72\x01\x80",
        b"\x0f",
        b"\x00",
        b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
    ] {
        assert!(book(broken).starts_with("proto: "), "{broken:?}");
    }
}

#[test]
fn a_message_that_is_cut_is_none() {
    let whole =
        [&b"\x0a\x04John"[..], b"\x21\0\0\0\0\0\0\xf0\x3f", b"\x2d\0\0\x80\x3f", &holds(7, b"\x08\x01")].concat();
    assert!(!book(&whole).starts_with("proto: "));
    for end in (1..whole.len()).filter(|end| ![6, 15, 20].contains(end)) {
        assert!(book(&whole[..end]).starts_with("proto: "), "{end}");
    }
}

#[test]
fn a_required_field_must_be_there_at_every_level() {
    assert_eq!(old(b"\x08\0"), r#"{"id":0}"#);
    for message in [&b""[..], b"\x08\x01\x22\0", b"\x08\x01\x13\x0a\0\x14"] {
        assert_eq!(old(message), "proto: a required field is not set");
    }
    // One that another of its oneof has replaced is not missed.
    assert_eq!(old(b"\x08\x01\x22\0\x28\x01"), r#"{"id":1,"none":true}"#);
}

#[test]
fn groups_are_messages() {
    assert_eq!(old(b"\x08\x01\x13\x0a\x02\x08\x05\x14"), r#"{"id":1,"line":{"inner":{"id":5}}}"#);
    assert_eq!(old(b"\x08\x01\x13\x14\x13\x0a\x02\x08\x05\x14"), r#"{"id":1,"line":{"inner":{"id":5}}}"#);
    for broken in [&b"\x08\x01\x13"[..], b"\x08\x01\x13\x1c", b"\x08\x01\x14", b"\x08\x01\x13\x0a\x02\x08\x14"] {
        assert!(old(broken).starts_with("proto: "), "{broken:?}");
    }
}

#[test]
fn no_more_than_100_messages_are_inside_each_other() {
    const TOO_DEEP: &str = "proto: messages are nested too deeply";
    let nested = |levels: usize| {
        (0..levels).fold(b"\x08\x01".to_vec(), |inner, _| {
            let length = u8::try_from(inner.len() % 128).unwrap() | 0x80;
            [b"\x08\x01\x22", &[length, (inner.len() >> 7) as u8][..], &inner].concat()
        })
    };
    assert!(old(&nested(100)).starts_with(r#"{"id":1,"own":{"id":1,"own":"#));
    assert_eq!(old(&nested(101)), TOO_DEEP);
    let groups = |levels: usize| [b"\xa3\x06".repeat(levels), b"\xa4\x06".repeat(levels)].concat();
    assert_eq!(book(&groups(100)), "{}");
    assert!(book(&groups(101)).starts_with("proto: "));
    // What is in an `Any` counts as inside it: that is one, the outermost list another, and each below it is two.
    let lists = |levels: usize| (0..levels).fold(Vec::new(), |inner: Vec<u8>, _| long(1, &long(6, &inner)));
    let any = |levels: usize| {
        let url = b"type.googleapis.com/google.protobuf.ListValue";
        long(13, &[long(1, url), long(2, &lists(levels))].concat())
    };
    assert!(book(&any(49)).starts_with(r#"{"more":{"#), "{}", book(&any(49)));
    assert_eq!(book(&any(50)), TOO_DEEP);
}

/// A field whose length takes two bytes.
fn long(number: u8, content: &[u8]) -> Vec<u8> {
    let length = [content.len() as u8 | 0x80, (content.len() >> 7) as u8];
    [&[number << 3 | 2], &length[..], content].concat()
}
