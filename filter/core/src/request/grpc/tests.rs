mod decoding;
mod descriptors;
mod set;

use super::*;
use prost::Message as _;
use set::set;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn services() -> Services {
    Services::new(&set().encode_to_vec()).unwrap()
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
    assert_eq!(read(PUT, &frame(b"\x98\x06\x01")), "{}");
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

/// A field that holds bytes: its number, and what is in it.
fn holds(number: u8, content: &[u8]) -> Vec<u8> {
    let length = varint(0, i64::try_from(content.len()).unwrap());
    [&[number << 3 | 2], &length[1..], content].concat()
}

/// `number` as field 1 or 2 of a message.
fn varint(field: u8, number: i64) -> Vec<u8> {
    let mut bytes = vec![field << 3];
    let mut rest = number as u64;
    while rest > 0x7f {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}

fn time(seconds: i64, nanos: i64) -> Vec<u8> {
    [varint(1, seconds), varint(2, nanos)].concat()
}

/// The JSON of a book, which the engine need not hold.
fn text_of(message: &[u8]) -> String {
    let Services(schema) = services();
    json::write(&schema, schema.input("shop.Books", "Put").unwrap(), message).unwrap()
}

/// The texts are those of Go's protobuf; `integration/tests/messages` asks it many more.
#[test]
fn numbers_have_gos_texts() {
    for (number, text) in [
        (-0.0, "-0"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (-1.5e300, "-1.5e+300"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (f64::INFINITY, "\"Infinity\""),
        (f64::NEG_INFINITY, "\"-Infinity\""),
    ] {
        let message = [&[0x21], &number.to_le_bytes()[..]].concat();
        assert_eq!(text_of(&message), format!("{{\"price\":{text}}}"));
    }
    let weight = |number: f32| read(PUT, &frame(&[&[0x2d], &number.to_le_bytes()[..]].concat()));
    assert_eq!(weight(0.1), r#"{"weight":0.1}"#);
    assert_eq!(weight(f32::NAN), r#"{"weight":"NaN"}"#);
    let kind = |number| read(PUT, &frame(&varint(6, number)));
    assert_eq!((kind(1), kind(9)), (r#"{"kind":"NOVEL"}"#.to_owned(), r#"{"kind":9}"#.to_owned()));
}

#[test]
fn well_known_types_have_a_json_of_their_own() {
    let nan = [&[0x09], &f64::NAN.to_le_bytes()[..]].concat();
    let nan_value = [&[0x11], &f64::NAN.to_le_bytes()[..]].concat();
    let entry = |value: &[u8]| holds(1, &[holds(1, b"k"), holds(2, value)].concat());
    let any = |url: &str, content: &[u8]| [holds(1, url.as_bytes()), holds(2, content)].concat();
    let url = "type.googleapis.com/google.protobuf.StringValue";
    for (number, content, shown) in [
        (7, time(0, 0), r#"{"written":"1970-01-01T00:00:00Z"}"#),
        (7, time(1_700_000_000, 120_000_000), r#"{"written":"2023-11-14T22:13:20.120Z"}"#),
        (7, time(-1, 1_000), r#"{"written":"1969-12-31T23:59:59.000001Z"}"#),
        (7, time(-62_135_596_800, 1), r#"{"written":"0001-01-01T00:00:00.000000001Z"}"#),
        (7, time(253_402_300_799, 0), r#"{"written":"9999-12-31T23:59:59Z"}"#),
        (8, time(0, -500_000_000), r#"{"lent":"-0.500s"}"#),
        (8, time(-315_576_000_000, -1), r#"{"lent":"-315576000000.000000001s"}"#),
        (8, vec![], r#"{"lent":"0s"}"#),
        (9, [holds(1, b"a.b_c"), holds(1, b"d")].concat(), r#"{"shown":"a.bC,d"}"#),
        (9, vec![], r#"{"shown":""}"#),
        (10, nan, r#"{"score":"NaN"}"#),
        (10, vec![], r#"{"score":0}"#),
        (11, vec![], r#"{"notes":{}}"#),
        (11, entry(&holds(6, &holds(1, &varint(1, 0)))), r#"{"notes":{"k":[null]}}"#),
        (12, holds(5, &entry(&holds(3, b"t"))), r#"{"free":{"k":"t"}}"#),
        (13, vec![], r#"{"more":{}}"#),
        (13, any(url, &holds(1, b"x")), &format!(r#"{{"more":{{"@type":"{url}","value":"x"}}}}"#)),
        (13, any("google.protobuf.Empty", b""), r#"{"more":{"@type":"google.protobuf.Empty"}}"#),
    ] {
        assert_eq!(read(PUT, &frame(&holds(number, &content))), shown);
    }
    for (number, content) in [
        (7, time(-62_135_596_801, 0)),
        (7, time(253_402_300_800, 0)),
        (7, time(0, -1)),
        (7, time(0, 1_000_000_000)),
        (8, time(1, -1)),
        (8, time(-1, 1)),
        (8, time(315_576_000_001, 0)),
        (8, time(0, i64::from(i32::MIN))),
        (9, holds(1, b"")),
        (9, holds(1, b"aB")),
        (9, holds(1, b"a..b")),
        (9, holds(1, b"1a")),
        (11, entry(&[])),
        (12, vec![]),
        (12, nan_value),
        (13, holds(2, b"x")),
        (13, any("shop.Book", b"")),
        (13, any("google.protobuf.FieldMask", b"")),
        (13, any("google.protobuf.Any", b"")),
        (13, any("google.protobuf.Missing", b"")),
    ] {
        let shown = read(PUT, &frame(&holds(number, &content)));
        assert!(shown.starts_with("proto: "), "{number} {content:?}: {shown}");
    }
}

/// What is said of a book that holds `content`, and of one with a second message behind that which is none: what is said
/// of that if the first is decoded at all.
fn refusals(content: &[u8]) -> [String; 2] {
    let broken = holds(7, b"\xff");
    [content.to_vec(), [content, &broken].concat()].map(|message| read(PUT, &frame(&message)))
}

#[test]
fn the_size_is_bounded_before_anything_is_decoded() {
    const TOO_MANY: &str = "proto: the message holds too many values";
    let any = |content: &[u8]| {
        let url = b"type.googleapis.com/google.protobuf.ListValue";
        holds(13, &[holds(1, url), holds(2, content)].concat())
    };
    let nulls = |count: usize| holds(1, &varint(1, 0)).repeat(count);
    // Each with a count that is fine and one that is not.
    for (name, message, few, many) in [
        (
            "packed numbers of any length",
            &(|n| holds(14, &b"\x01".repeat(n))) as &dyn Fn(usize) -> Vec<u8>,
            499_900,
            500_000,
        ),
        ("packed numbers of one length", &|n| holds(15, &b"\x01\0\0\0".repeat(n)), 499_900, 500_000),
        ("numbers", &|n| b"\x70\x01".repeat(n), 499_900, 500_000),
        // Each is a field, a message and what it holds.
        ("messages", &|n| holds(12, &holds(6, &nulls(n))), 83_320, 83_340),
        ("empty messages", &|n| [7 << 3 | 2, 0].repeat(n), 99_990, 100_000),
        ("messages in an Any", &|n| any(&nulls(n)), 83_320, 83_340),
        (
            "messages in many Any",
            &|n| holds(12, &holds(6, &nulls(n / 2))).into_iter().chain(any(&nulls(n / 2))).collect(),
            83_300,
            83_340,
        ),
    ] {
        let [alone, then_broken] = refusals(&message(few));
        assert!(!alone.contains("proto: "), "{name}: {alone}");
        assert!(then_broken.starts_with("proto: ") && then_broken != TOO_MANY, "{name}: {then_broken}");
        let [alone, then_broken] = refusals(&message(many));
        assert_eq!(alone, TOO_MANY, "{name}");
        assert!(name.contains("Any") || then_broken == TOO_MANY, "{name}: {then_broken}");
    }
}
