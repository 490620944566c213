//! A key that is made without the document is the key that the document gives.

use super::super::key;
use super::keys::{paths, scope};
use super::*;
use crate::dice::Dice;
use crate::host::testing::FakeHost;
use crate::plan::Reads;
use crate::request::{self, Body, Direct, Head, HeaderFilter, Matcher, Selection, Shape, SourceAddress, Sources};
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ROUNDS: usize = 20_000;

/// What can be read from headers.
const PLAIN: [&str; 14] = [
    "parsed_path",
    "attributes/request/http/host",
    "attributes/request/http/method",
    "attributes/request/http/path",
    "attributes/request/http/scheme",
    "attributes/request/http/headers/x-a",
    "attributes/request/http/headers/x-b",
    "attributes/request/http/headers/X-A",
    "attributes/request/http/headers/y",
    "attributes/request/http/headers/y!",
    "attributes/request/http/headers/:path",
    "attributes/request/http/headers/content-type",
    "attributes/request/http/headers/absent",
    "attributes/request/http/headers/x-envoy-auth-partial-body",
];

/// What cannot.
const OTHERS: [&str; 9] = [
    "attributes/request/http/headers",
    "attributes/request/http/headers/x-a/x",
    "attributes/request/http/method/x",
    "attributes/request/http/size",
    "attributes/source/service",
    "attributes/source/address",
    "parsed_body",
    "parsed_path/0",
    "parsed_query",
];

struct Case {
    shape: Shape,
    head: Head,
    body: Option<Body>,
    paths: Vec<Vec<String>>,
    /// It is one of those that need no document, unless it is refused.
    is_plain: bool,
}

fn shape(dice: &mut Dice) -> Shape {
    let some = |dice: &mut Dice| {
        vec![[Matcher::Prefix("x-".to_owned()), Matcher::Exact("y".to_owned())][dice.roll(2)].clone()]
    };
    Shape {
        skip_body_parse: dice.roll(4) == 0,
        raw_headers: dice.roll(4) == 0,
        headers: HeaderFilter {
            allowed: (dice.roll(3) == 0).then(|| some(dice)),
            disallowed: if dice.roll(3) == 0 { some(dice) } else { Vec::new() },
        },
        source_address: match dice.roll(6) {
            0 => Some(SourceAddress::Header("x-a".to_owned())),
            1 => Some(SourceAddress::Request),
            _ => None,
        },
        ..Shape::default()
    }
}

fn text(dice: &mut Dice, pieces: &[&[u8]]) -> Vec<u8> {
    (0..dice.roll(5)).flat_map(|_| pieces[dice.roll(pieces.len())].to_vec()).collect()
}

fn head(dice: &mut Dice) -> Head {
    const URL: [&[u8]; 12] =
        [b"/", b"a", b"%2F", b"%41", b"%ff", b"\xff", b"?", b"&", b"=", b"/b", "é".as_bytes(), b"//"];
    const TEXT: [&[u8]; 7] = [b"a", b",", b"\xff", b"\0", "é".as_bytes(), b"\xe2\x82", b"10.0.0.1"];
    const NAMES: [&[u8]; 8] = [
        b"x-a",
        b"X-A",
        b"x-b",
        b"y",
        b"y\xff",
        b"x-envoy-auth-partial-body",
        b":path",
        b"x-envoy-downstream-service-cluster",
    ];
    let mut lines: Vec<(&[u8], Vec<u8>)> = Vec::new();
    for name in [&b":authority"[..], b":method", b":scheme"] {
        if dice.roll(4) > 0 {
            lines.push((name, text(dice, &TEXT)));
        }
    }
    let mut path = [b"/", &text(dice, &URL)[..]].concat();
    path.extend_from_slice([&b""[..], b"%zz", b"?%zz", b";"][dice.roll(16).saturating_sub(12)]);
    lines.push((b":path", path));
    for _ in 0..dice.roll(5) {
        lines.push((NAMES[dice.roll(NAMES.len())], text(dice, &TEXT)));
    }
    let content_type: &[u8] = [&b"application/json"[..], b"text/plain", b"multipart/form-data"][dice.roll(3)];
    if dice.roll(5) == 0 {
        lines.push((b"content-type", content_type.to_vec()));
    }
    if dice.roll(40) == 0 {
        lines.push((b"x-a", vec![b'a'; MAX_KEY_BYTES]));
    }
    Head::new(lines.iter().map(|(name, value)| (*name, value.as_slice())))
}

fn case(dice: &mut Dice) -> Case {
    let mut read: Vec<&str> = (0..dice.roll(5)).map(|_| PLAIN[dice.roll(PLAIN.len())]).collect();
    let reads_more = dice.roll(8) == 0;
    if reads_more {
        read.push(OTHERS[dice.roll(OTHERS.len())]);
    }
    let body = (dice.roll(6) == 0).then(|| Body { bytes: b"{}".to_vec(), received: 2 + dice.roll(2) });
    let (shape, head) = (shape(dice), head(dice));
    let content_type = head.get("content-type").unwrap_or_default();
    let is_read = ["application/json", "multipart/form-data"].iter().any(|read| content_type.contains(read));
    let is_address_of_header = matches!(shape.source_address, Some(SourceAddress::Header(_)));
    let is_plain = !reads_more && body.is_none() && !is_read && !is_address_of_header;
    Case { shape, paths: paths(&read), is_plain, head, body }
}

#[test]
fn a_key_is_the_same_with_and_without_the_document() {
    let mut dice = Dice(23);
    let host = FakeHost::default();
    let (mut direct_keys, mut without, mut refused, mut too_large) = (0, 0, 0, 0);
    for _ in 0..ROUNDS {
        let Case { shape, head, body, paths, is_plain } = case(&mut dice);
        let sources =
            Sources { shape: &shape, head: &head, body: body.as_ref(), context_extensions: None, id: 7, host: &host };
        let direct = Direct::new(&paths, &shape).and_then(|direct| key::directly(&scope(), &direct, &sources));
        let selection = Selection::new(&Reads::Parts(paths.clone()), &shape);
        let Ok(input) = request::input(&sources, &selection) else {
            assert_eq!(direct, None, "{head:?} {shape:?}");
            refused += 1;
            continue;
        };
        let key = key::of(&scope(), &Parts::new(&paths), &input);
        let whole = request::document(&sources).unwrap().value().unwrap();
        assert_eq!(key, key::of(&scope(), &Parts::new(&paths), &whole));
        too_large += usize::from(key.is_err());
        match direct {
            Some(direct) => {
                assert_eq!(Ok(direct), key, "{paths:?} {head:?} {shape:?}");
                direct_keys += 1;
            }
            None => {
                assert!(!is_plain || key.is_err(), "{paths:?} {head:?} {shape:?}");
                without += 1;
            }
        }
    }
    assert!(direct_keys > ROUNDS / 3, "{direct_keys} of {ROUNDS}");
    assert!(without > ROUNDS / 10 && refused > ROUNDS / 20 && too_large > 5, "{without}, {refused}, {too_large}");
}
