//! Section 1.8: `parsed_body` of gRPC messages, by a descriptor set.

use sark_integration::Request;
use serde_json::{Value, json};

use crate::descriptor::descriptor_set;
use crate::row::Row;
use crate::setup::{Setup, echo, result};

static SERVICES: Setup = echo("gRPC", || with_services(true));
static COMPARED: Setup = result("gRPC, compared", || with_services(true));
static TEXT: Setup = echo("gRPC without pack_as_bytes", || with_services(false));
static NO_SERVICES: Setup = echo(
    "gRPC without descriptors",
    || json!({"with_request_body": {"max_request_bytes": 4096, "pack_as_bytes": true}}),
);
static PARTIAL: Setup = echo("gRPC, 8 bytes of it", || {
    let partial = json!({"max_request_bytes": 8, "allow_partial_message": true, "pack_as_bytes": true});
    json!({"with_request_body": partial, "proto_descriptor": descriptor_set()})
});

fn with_services(pack_as_bytes: bool) -> Value {
    json!({
        "with_request_body": {"max_request_bytes": 4096, "pack_as_bytes": pack_as_bytes},
        "proto_descriptor": descriptor_set(),
    })
}

/// A message in a frame.
fn frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).expect("a small message").to_be_bytes();
    [&[0_u8][..], &length, message].concat()
}

/// A book whose sequels have sequels, `depth` of them.
fn nested(depth: usize) -> Vec<u8> {
    (0..depth).fold(Vec::new(), |inner, _| {
        let mut message = vec![0x52];
        prost::encode_length_delimiter(inner.len(), &mut message).expect("room for a length");
        message.extend(inner);
        message
    })
}

/// The messages that are understood, and `parsed_body`.
const MESSAGES: &[(&str, &[u8], &str)] = &[
    ("4.1#28 a text", b"\x0a\x04John", r#"{"author":"John"}"#),
    ("4.1#31 an empty message", b"", "{}"),
    ("4.1#27 a message in a message", b"\x32\x06\x0a\x04John", r#"{"writtenBy":{"fullName":"John"}}"#),
    ("names in lowerCamelCase, 64-bit integers as texts", b"\x10\xac\x02", r#"{"pageCount":"300"}"#),
    ("a negative 64-bit integer", b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", r#"{"pageCount":"-1"}"#),
    ("a 32-bit integer is a number", b"\x48\x07", r#"{"stock":7}"#),
    ("bytes in base64", b"\x1a\x02\xff\xfe", r#"{"cover":"//4="}"#),
    ("an enum by name", b"\x28\x01", r#"{"kind":"PAPER"}"#),
    ("an enum without a name", b"\x28\x07", r#"{"kind":7}"#),
    ("defaults are left out", b"\x0a\x00\x10\x00\x28\x00\x40\x00", "{}"),
    ("a list", b"\x3a\x01a\x3a\x01b", r#"{"tags":["a","b"]}"#),
    ("a boolean", b"\x40\x01", r#"{"sold":true}"#),
    ("a double without a fraction", b"\x21\0\0\0\0\0\0\xf0\x3f", r#"{"price":1}"#),
    ("a double that is not a number", b"\x21\0\0\0\0\0\0\xf8\x7f", r#"{"price":"NaN"}"#),
    ("a time", b"\x5a\x02\x08\x01", r#"{"printedAt":"1970-01-01T00:00:01Z"}"#),
    ("an unknown field is left out", b"\xf8\x07\x01\x0a\x01x", r#"{"author":"x"}"#),
    ("of a field twice the last", b"\x0a\x01x\x0a\x01y", r#"{"author":"y"}"#),
    ("a message twice is one", b"\x52\x03\x0a\x01x\x52\x02\x48\x07", r#"{"sequel":{"author":"x","stock":7}}"#),
    ("a field of another type is left out", b"\x08\x05\x4a\x01x\x50\x01\x40\x01", r#"{"sold":true}"#),
];

fn call(path: &str, content_type: &str, body: &[u8]) -> Request {
    Request::post(path).header("content-type", content_type).header("te", "trailers").body(body)
}

fn put(body: &[u8]) -> Request {
    call("/shop.Books/Put", "application/grpc", body)
}

pub fn rows() -> Vec<Row> {
    let john = frame(b"\x0a\x04John");
    let mut rows: Vec<Row> =
        MESSAGES.iter().map(|(name, message, parsed)| grpc(name, put(&frame(message)), parsed, false)).collect();
    rows.extend(["application/grpc+proto", "application/grpc+json", "application/grpc-web", "x/application/grpc"].map(
        |content_type| {
            grpc(
                &format!("the type {content_type}"),
                call("/shop.Books/Put", content_type, &john),
                r#"{"author":"John"}"#,
                false,
            )
        },
    ));
    rows.extend([
        grpc("4.1#29 an unknown service", call("/shop.Cars/Put", "application/grpc", &john), "null", false),
        grpc("4.1#30 an unknown method", call("/shop.Books/Take", "application/grpc", &john), "null", false),
        grpc("a method that takes a stream", call("/shop.Books/Many", "application/grpc", &john), "null", false),
        grpc(
            "a method that answers with a stream",
            call("/shop.Books/Watch", "application/grpc", &john),
            r#"{"author":"John"}"#,
            false,
        ),
        grpc("4.1#32 a compressed message", put(b"\x01\0\0\0\x02\x0a\x00"), "null", false),
        grpc("4.1#33 a message that is longer than its frame", put(b"\0\0\0\0\x11\x0a\x04John"), "null", true),
        grpc(
            "the first frame alone is read",
            put(&[john.clone(), frame(b"\x0a\x01x")].concat()),
            r#"{"author":"John"}"#,
            false,
        ),
        grpc("no body at all", put(b""), "null", false),
        grpc("4.1#26 without pack_as_bytes", put(&john), "null", false).setup(&TEXT),
        grpc("without descriptors", put(&john), "null", false).setup(&NO_SERVICES),
        grpc("a body that is cut", put(&john), "null", true).setup(&PARTIAL),
        grpc("grpc-web in text is no other type", call("/shop.Books/Put", "Application/GRPC", &john), "null", false),
        Row::decides("1.8 gRPC: a double", r#"input.parsed_body == {"price": 0.5}"#)
            .setup(&COMPARED)
            .ask(put(&frame(b"\x21\0\0\0\0\0\0\xe0\x3f")))
            .allow(),
        bad("messages 101 deep", put(&frame(&nested(101)))).differs("gRPC messages nested deeper than 100"),
        bad("4.1#25 a path of three pieces", call("/shop/Books/Put", "application/grpc", &john)),
        bad("a path of one piece", call("/Put", "application/grpc", &john)),
        bad("less than 5 bytes", put(b"\0\0\0\0")),
        bad("what is no message", put(&frame(b"\x0a\x7fx"))),
        bad("a text that is not UTF-8", put(&frame(b"\x0a\x01\xff"))),
        Row::echo("1.8 gRPC: without descriptors what is no message is no error", put(b"\xff"))
            .setup(&NO_SERVICES)
            .is("/parsed_body", "null"),
    ]);
    rows
}

fn grpc(name: &str, request: Request, parsed: &str, truncated: bool) -> Row {
    let row = Row::echo(format!("1.8 gRPC: {name}"), request).setup(&SERVICES);
    row.is("/parsed_body", parsed).is("/truncated_body", truncated.to_string())
}

/// 400, as a gRPC client is told it.
fn bad(name: &str, request: Request) -> Row {
    Row::echo(format!("1.8 gRPC: {name} is 400"), request)
        .setup(&SERVICES)
        .bad_request()
        .status(200)
        .client("grpc-status", &["13"])
}
