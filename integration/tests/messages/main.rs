//! gRPC messages as JSON, against Go's own protobuf, which opa-envoy-plugin uses.

mod every;
mod random;
mod wire;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fastrand::Rng;
use prost::Message as _;
use sark_core::request::{self, Body, DocumentError, Head, Services, Shape, Sources};
use sark_integration::{Oracle, Proxy, descriptors};
use serde_json::{Value as Json, json};
use wire::{field, varint};

const ROUNDS: usize = 3_000;

/// Numbers on the wire: edges of every width, and NaN and the infinities by their bits.
const NUMBERS: [u64; 14] = [
    0,
    1,
    2,
    127,
    128,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 53 | 1,
    u64::MAX,
    0x7ff8_0000_0000_0000,
    0x7ff0_0000_0000_0000,
    0x3ff8_0000_0000_0000,
    0x4415_af1d_78b5_8c40,
];

fn number(rng: &mut Rng) -> Vec<u8> {
    let mut out = Vec::new();
    varint(NUMBERS[rng.usize(..NUMBERS.len())], &mut out);
    out
}

fn text(rng: &mut Rng) -> Vec<u8> {
    const TEXTS: [&[u8]; 9] = [
        b"",
        b"a",
        "é\u{1F600}".as_bytes(),
        b"\0\"\\<&>\x7f",
        b"\xff",
        b"a.b_c,d",
        b"aB",
        b"a__b",
        "\u{2028}".as_bytes(),
    ];
    TEXTS[rng.usize(..TEXTS.len())].to_vec()
}

fn double(rng: &mut Rng) -> Vec<u8> {
    NUMBERS[rng.usize(..NUMBERS.len())].to_le_bytes().to_vec()
}

/// `seconds` and `nanos`, within and beyond what is valid.
fn time(rng: &mut Rng) -> Vec<u8> {
    const SECONDS: [i64; 10] = [
        0,
        1,
        -1,
        1_700_000_000,
        -62_135_596_800,
        -62_135_596_801,
        253_402_300_799,
        253_402_300_800,
        315_576_000_000,
        -315_576_000_001,
    ];
    const NANOS: [i64; 9] = [0, 1, -1, 500_000_000, -500_000_000, 1_000, 999_999_999, 1_000_000_000, 120_000_000];
    let mut out = Vec::new();
    for (at, value) in [(1, SECONDS[rng.usize(..SECONDS.len())]), (2, NANOS[rng.usize(..NANOS.len())])] {
        if rng.u8(..4) > 0 {
            let mut content = Vec::new();
            varint(value as u64, &mut content);
            out.extend(field(at, 0, &content));
        }
    }
    out
}

/// A `google.protobuf.Value`.
fn value(rng: &mut Rng, depth: usize) -> Vec<u8> {
    match rng.u8(..if depth > 3 { 5 } else { 7 }) {
        0 => Vec::new(),
        1 => field(1, 0, &[0]),
        2 => field(2, 1, &double(rng)),
        3 => field(3, 2, &text(rng)),
        4 => field(4, 0, &[1]),
        5 => field(5, 2, &structure(rng, depth + 1)),
        _ => field(6, 2, &field(1, 2, &value(rng, depth + 1))),
    }
}

fn structure(rng: &mut Rng, depth: usize) -> Vec<u8> {
    let entry = [field(1, 2, &text(rng)), field(2, 2, &value(rng, depth + 1))].concat();
    field(1, 2, &entry)
}

fn any(rng: &mut Rng) -> Vec<u8> {
    const OF: [&str; 9] = [
        "google.protobuf.StringValue",
        "google.protobuf.Timestamp",
        "google.protobuf.Struct",
        "google.protobuf.Empty",
        "google.protobuf.Any",
        "google.protobuf.FieldMask",
        "shop.Book",
        "shop.Missing",
        "",
    ];
    let prefix = ["type.googleapis.com/", "", "/", "a/b/"][rng.usize(..4)];
    let url = format!("{prefix}{}", OF[rng.usize(..OF.len())]);
    let content = match rng.u8(..4) {
        0 => Vec::new(),
        1 => time(rng),
        _ => field(1, 2, &text(rng)),
    };
    let mut out = Vec::new();
    if rng.u8(..6) > 0 {
        out.extend(field(1, 2, url.as_bytes()));
    }
    out.extend(field(2, 2, &content));
    out
}

/// A `shop.Book`: one field, or a few.
fn book(rng: &mut Rng, depth: usize) -> Vec<u8> {
    let count = if depth == 0 && rng.bool() { 1 } else { rng.usize(..4) };
    (0..count).flat_map(|_| one_field(rng, depth)).collect()
}

fn one_field(rng: &mut Rng, depth: usize) -> Vec<u8> {
    match rng.u8(1..19) {
        1 => field(1, 2, &text(rng)),
        2 => field(2, 0, &number(rng)),
        3 => field(3, 1, &double(rng)),
        4 => field(4, 2, &text(rng)),
        5 if depth < 4 => field(5, 2, &book(rng, depth + 1)),
        6 if depth < 4 => field(6, 2, &book(rng, depth + 1)),
        7 => field(7, 2, &[field(1, 2, &text(rng)), field(2, 0, &number(rng))].concat()),
        8 if rng.bool() => field(8, 0, &number(rng)),
        8 => field(8, 2, &[number(rng), number(rng)].concat()),
        9 => field(9, 0, &number(rng)),
        10 => field(10, 2, &time(rng)),
        11 => field(11, 2, &time(rng)),
        12 => field(12, 2, &field(1, 2, &text(rng))),
        13 => field(13, 2, &field(1, 1, &double(rng))),
        14 => field(14, 2, &structure(rng, 0)),
        15 => field(15, 2, &any(rng)),
        16 => field(16, 2, &value(rng, 0)),
        // Not described.
        17 => field(99, 2, &text(rng)),
        // Of another type than the one described.
        _ => field(rng.u32(1..17), rng.u32(..6), &text(rng)),
    }
}

/// `parsed_body`, or that there is none.
fn ours(shape: &Shape, method: &str, message: &[u8]) -> Option<Json> {
    let head = Head::new([(&b":path"[..], method.as_bytes()), (b"content-type", b"application/grpc")]);
    let length = u32::try_from(message.len()).expect("a short message").to_be_bytes();
    let bytes = [&[0], &length[..], message].concat();
    let body = Body { received: bytes.len(), bytes };
    match request::document(&Sources {
        shape,
        head: &head,
        body: Some(&body),
        context_extensions: None,
        id: 0,
        host: &Proxy,
    }) {
        Ok(document) => {
            let mut text = Vec::new();
            document.write(&mut text).expect("JSON");
            let mut document: Json = serde_json::from_slice(&text).expect("JSON");
            Some(document["parsed_body"].take())
        }
        Err(DocumentError::Parse(_)) => None,
        Err(error @ (DocumentError::Host(_) | DocumentError::Inexact)) => panic!("{error:?}"),
    }
}

fn shape(set: &[u8]) -> Shape {
    let services = Services::new(set).expect("a descriptor set");
    Shape { pack_as_bytes: true, services: Some(services), ..Shape::default() }
}

/// How many messages were what.
#[derive(Debug, Default)]
struct Counts {
    shown: usize,
    refused: usize,
    only_here: usize,
}

/// Asks both sides for messages of a type, as many as [`ROUNDS`].
fn compare(set: &[u8], of: &str, method: &str, mut next: impl FnMut() -> Vec<u8>) -> Counts {
    let shape = shape(set);
    let set = STANDARD.encode(set);
    let mut oracle = Oracle::message().expect("the oracle");
    let mut counts = Counts::default();
    for _ in 0..ROUNDS {
        let message = next();
        let question = json!({"descriptors": set, "type": of, "message": STANDARD.encode(&message)});
        let theirs = oracle.ask(&question).expect("an answer");
        match (ours(&shape, method, &message), theirs.get("json")) {
            (Some(ours), theirs) => {
                assert_eq!(Some(&ours), theirs, "{}", message.escape_ascii());
                counts.shown += 1;
            }
            (None, None) => counts.refused += 1,
            (None, Some(_)) => {
                println!("refused only here: {}", message.escape_ascii());
                counts.only_here += 1;
            }
        }
    }
    println!("{of}: {counts:?}");
    counts
}

#[test]
fn messages_are_shown_as_go_shows_them() {
    let mut rng = Rng::with_seed(20_261_122);
    let counts = compare(&descriptors::set(), "shop.Book", descriptors::METHOD, || book(&mut rng, 0));
    // Here refusing is allowed, but for what the tests of the module name it should be rare.
    assert!(counts.shown > ROUNDS / 3 && counts.refused > ROUNDS / 20 && counts.only_here < ROUNDS / 100, "{counts:?}");
}

#[test]
fn every_kind_of_field_is_shown_as_go_shows_it() {
    let set = every::set();
    for package in every::PACKAGES {
        let types = random::Types::of(&set, package);
        let mut rng = Rng::with_seed(20_261_123);
        let (of, method) = (format!("{package}.Every"), format!("/{package}.Calls/Call"));
        let counts = compare(&set.encode_to_vec(), &of, &method, || types.nearly(&mut rng, "Every"));
        // A text of proto2 that is not UTF-8 is refused only here if another replaces it.
        let is_rare = counts.only_here <= if package == "two" { ROUNDS / 100 } else { 0 };
        assert!(counts.shown > ROUNDS / 2 && counts.refused > ROUNDS / 20 && is_rare, "{counts:?}");
    }
}

/// What reaches the remote OPA: the engine does not tell this zero from the other.
#[test]
fn minus_zero_is_shown() {
    let set = descriptors::set();
    let message = field(3, 1, &(-0.0_f64).to_le_bytes());
    let shown = ours(&shape(&set), descriptors::METHOD, &message).expect("a message");
    let question = json!({
        "descriptors": STANDARD.encode(set), "type": "shop.Book", "message": STANDARD.encode(&message),
    });
    let theirs = Oracle::message().and_then(|mut oracle| oracle.ask(&question)).expect("an answer");
    assert_eq!(
        (theirs["json"].to_string(), shown.to_string()),
        (r#"{"price":-0}"#.to_owned(), r#"{"price":-0}"#.to_owned())
    );
}
