//! The decoders against models that work another way, over texts made by a seeded generator: any bytes in, no panic,
//! and what both can say is the same.

use super::body::{Body, Readable};
use super::*;
use crate::host::testing::Random;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ROUNDS: usize = 3_000;

/// Texts that are the same on every machine.
struct Texts(Random);

impl Texts {
    fn next(&mut self, bound: usize) -> usize {
        self.0.next(bound)
    }

    /// Up to `length` of these pieces, one after the other.
    fn of(&mut self, pieces: &[&[u8]], length: usize) -> Vec<u8> {
        let count = self.next(length);
        (0..count).flat_map(|_| pieces[self.next(pieces.len())].to_vec()).collect()
    }
}

const URL: &[&[u8]] = &[
    b"a",
    b"b",
    b"/",
    b"=",
    b"&",
    b"%41",
    b"%2F",
    b"%e2%82%ac",
    b"%ff",
    b"+",
    b"%",
    b"%4",
    b";",
    b"?",
    "é".as_bytes(),
    b"\xff",
];

/// Percent-decoding the other way: split at `%` and look at each piece.
fn decode(text: &[u8], plus_is_space: bool) -> Option<String> {
    let mut pieces = text.split(|byte| *byte == b'%');
    let plain = |piece: &[u8]| -> Vec<u8> {
        piece.iter().map(|byte| if *byte == b'+' && plus_is_space { b' ' } else { *byte }).collect()
    };
    let mut out = plain(pieces.next()?);
    for piece in pieces {
        let digits = piece.get(..2).and_then(|digits| std::str::from_utf8(digits).ok())?;
        if digits.starts_with('+') {
            return None;
        }
        out.push(u8::from_str_radix(digits, 16).ok()?);
        out.extend(plain(&piece[2..]));
    }
    let mut text = String::new();
    for chunk in out.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '\u{FFFD}'));
    }
    Some(text)
}

fn query_model(query: &[u8]) -> Option<Value> {
    let mut model: BTreeMap<Value, Value> = BTreeMap::new();
    for piece in query.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()) {
        if piece.contains(&b';') {
            return None;
        }
        let at = piece.iter().position(|byte| *byte == b'=');
        let (key, value) = at.map_or((piece, &[][..]), |at| (&piece[..at], &piece[at + 1..]));
        let (key, value) = (decode(key, true)?, decode(value, true)?);
        let values = model.entry(Value::from(key)).or_insert_with(|| Value::from(Vec::new()));
        values.as_array_mut().unwrap().push(Value::from(value));
    }
    Some(Value::from(model))
}

#[test]
fn queries_and_paths_are_what_the_models_say() {
    let mut texts = Texts(Random::new(7));
    let mut read = 0;
    for _ in 0..ROUNDS {
        let text = texts.of(URL, 10);
        let parsed = url::parse_query(&text).ok();
        read += usize::from(parsed.is_some());
        assert_eq!(parsed, query_model(&text), "{}", text.escape_ascii());
        let path = String::from_utf8_lossy(&text);
        let model = decode(path.as_bytes(), false).map(|path| {
            let start = path.find(|character| character != '/').unwrap_or(path.len());
            path[start..].split('/').map(Value::from).collect::<Vec<_>>()
        });
        assert_eq!(url::parse_path(&path).ok(), model, "{path}");
    }
    assert!(read > ROUNDS / 10 && read < ROUNDS, "{read} of {ROUNDS}");
}

const JSON: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"1",
    b"-0.5",
    b"1e400",
    b"\"a\"",
    b"\"b\\n\\u00e9\"",
    b"true",
    b"null",
    b" ",
    b"\"",
    b"0",
    b"\\",
];

/// JSON that is good more often than not.
fn json_text(texts: &mut Texts, depth: usize) -> Vec<u8> {
    let scalars: &[&[u8]] = &[b"1", b"1.50", b"-2e-3", b"1e400", b"\"x\\ud83d\\ude00\"", b" null ", b"true"];
    match texts.next(if depth > 4 { 1 } else { 3 }) {
        0 => scalars[texts.next(scalars.len())].to_vec(),
        1 => {
            let items: Vec<_> = (0..texts.next(4)).map(|_| json_text(texts, depth + 1)).collect();
            [b"[", items.join(&b","[..]).as_slice(), b"]"].concat()
        }
        _ => {
            let members: Vec<_> = (0..texts.next(4))
                .map(|at| [format!("\"k{}\" :", at % 2).as_bytes(), &json_text(texts, depth + 1)].concat())
                .collect();
            [b"{", members.join(&b","[..]).as_slice(), b"}"].concat()
        }
    }
}

#[test]
fn json_is_what_another_reader_says_and_rewriting_changes_nothing() {
    let mut texts = Texts(Random::new(11));
    let mut good = 0;
    for round in 0..ROUNDS {
        let text = if round % 2 == 0 { texts.of(JSON, 8) } else { json_text(&mut texts, 0) };
        let model = serde_json::from_slice::<serde_json::Value>(&text).ok();
        let shown = text.escape_ascii().to_string();
        let reading = crate::json::read(&text, crate::json::Bounds::REQUEST).ok();
        assert_eq!(reading.is_some(), model.is_some(), "{shown}");
        let (Some(reading), Some(model)) = (reading, model) else {
            continue;
        };
        good += 1;
        let rewritten = crate::json::rewrite(&text).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&rewritten).unwrap(), model, "{shown}");
        if let Ok(value) = reading.value
            && !reading.respelled
        {
            assert_eq!(serde_json::from_str::<serde_json::Value>(&value.to_string()).unwrap(), model, "{shown}");
        }
    }
    assert!(good > ROUNDS / 4, "{good} of {ROUNDS}");
}

/// The parts of a form as a client writes them: names quoted, contents of any bytes.
#[test]
fn what_is_written_as_a_form_is_read_again() {
    let contents: &[&[u8]] = &[b"a", b"\r\n", b"\n", b"--b", b"-", b"\r\n--b", b"\xff", b" ", b"\0"];
    let mut texts = Texts(Random::new(13));
    for _ in 0..ROUNDS {
        let mut body = Vec::new();
        let mut model = Vec::new();
        for _ in 0..texts.next(4) {
            let name = String::from_utf8(texts.of(&[b"n", b"\\\"", b" ", b";"], 4)).unwrap() + "x";
            let content = texts.of(contents, 6);
            // One that holds a whole delimiter line is two parts, or none.
            if content.windows(5).any(|window| window == b"\r\n--b") || content.starts_with(b"--b") {
                continue;
            }
            body.extend_from_slice(
                format!("--bound\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n").as_bytes(),
            );
            body.extend_from_slice(&content);
            body.extend_from_slice(b"\r\n");
            model.push((name.replace("\\\"", "\""), content));
        }
        body.extend_from_slice(b"--bound--\r\n");
        let parts = multipart::parse(&body, "bound").unwrap_or_else(|error| panic!("{error}: {}", body.escape_ascii()));
        let read: Vec<_> = parts.into_iter().map(|part| (part.name, part.content)).collect();
        assert_eq!(read, model, "{}", body.escape_ascii());
    }
}

#[test]
fn any_bytes_of_any_type_are_an_answer_and_no_panic() {
    let pieces: &[&[u8]] = &[
        b"--b",
        b"\r\n",
        b"\n",
        b"--",
        b"Content-Disposition: form-data; name=a",
        b"Content-Transfer-Encoding: quoted-printable",
        b"=4",
        b"=",
        b":",
        b" ",
        b"\t",
        b"\xff",
        b"\0",
        b"%",
        b"&",
        b"{",
        b"\"",
        b"\\u",
        b"d800",
        b"\x00\x00\x00\x00\x01",
        b"1e",
    ];
    let types: &[&[u8]] = &[
        b"application/json",
        b"application/grpc",
        b"application/x-www-form-urlencoded",
        b"multipart/form-data; boundary=b",
        b"multipart/form-data; boundary=\"",
        b"multipart/form-data; boundary*0*=utf-8''%62",
        b"text/plain",
        b"",
    ];
    let mut texts = Texts(Random::new(17));
    let shape = Shape::default();
    for _ in 0..ROUNDS {
        let bytes = texts.of(pieces, 14);
        let content_type = types[texts.next(types.len())];
        let head = Head::new([(&b"content-type"[..], content_type)]);
        let body = Body { received: bytes.len(), bytes };
        let request = Readable { shape: &shape, head: &head, body: Some(&body), payload: &body.bytes, path: &[] };
        if let Ok((parsed, _)) = body::parse(&request) {
            assert!(parsed.value.is_some() || parsed.text.is_some(), "{}", body.bytes.escape_ascii());
        }
    }
}

/// Any bytes, written by the rules of quoted-printable in one of the many ways there are.
#[test]
fn what_is_written_as_quoted_printable_is_read_again() {
    let mut texts = Texts(Random::new(19));
    for _ in 0..ROUNDS {
        let content = texts.of(&[b"a", b"=", b" ", b"\t", b"\xff", b"\0", b"Z", b"~", b"\r", b"\n"], 12);
        let mut written = Vec::new();
        for byte in &content {
            if byte.is_ascii_alphanumeric() && texts.next(2) == 0 {
                written.push(*byte);
            } else if texts.next(2) == 0 {
                written.extend_from_slice(format!("={byte:02X}").as_bytes());
            } else {
                written.extend_from_slice(format!("={byte:02x}").as_bytes());
            }
            if texts.next(6) == 0 {
                // A line that goes on, with blanks that do not count.
                written.extend_from_slice([&b"=\r\n"[..], b"=\n", b"= \t\r\n"][texts.next(3)]);
            }
        }
        let head =
            "--b\r\nContent-Disposition: form-data; name=x\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
        let body = [head.as_bytes(), &written, b"\r\n--b--"].concat();
        let parts = multipart::parse(&body, "b").unwrap_or_else(|error| panic!("{error}: {}", body.escape_ascii()));
        assert_eq!(parts[0].content, content, "{}", body.escape_ascii());
    }
}

/// Values and bytes of text that a value holds.
fn weight(value: &Value) -> usize {
    let inside: usize = match value {
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| weight(name) + weight(value)).sum(),
        Value::String(text) => text.len(),
        _ => 0,
    };
    inside + 1
}

/// What is held of a body grows with its length and no faster, whatever is in it: at most four times its bytes as values
/// and texts (a byte that is not UTF-8 becomes three), and six times as JSON (a control character is written as six).
#[test]
fn what_is_held_is_bounded_by_the_length_of_a_body() {
    type Bytes = &'static [u8];
    // A type, and bodies of it: how they begin, what they are full of, how they end.
    let bodies: [(Bytes, Bytes, &[Bytes], Bytes); 3] = [
        (
            b"application/json",
            b"[",
            &[b"[],", b"[[", b"{\"a\":{},", b"1,", b"1.0,", b"\"\xff\xff\",", b"\"\\u0000\",", b"\"\","],
            b"0]",
        ),
        (b"application/x-www-form-urlencoded", b"", &[b"&", b"a&", b"a=b&", b"=&", b"%ff=%00&", b"\xff&"], b""),
        (
            b"multipart/form-data; boundary=b",
            b"",
            &[
                b"--b\nContent-Disposition:form-data;name=a\n\n\xff\0\n",
                b"--b\nContent-Disposition:form-data;name=a\nContent-Type:application/json\n\n1.0\n",
            ],
            b"--b--",
        ),
    ];
    let mut read = 0;
    for (content_type, start, pieces, end) in bodies {
        for (first, second) in pieces.iter().flat_map(|first| pieces.iter().map(move |second| (first, second))) {
            let bytes = [start, &[*first, *second].concat().repeat(2_000), end].concat();
            let head = Head::new([(&b"content-type"[..], content_type)]);
            let body = Body { received: bytes.len(), bytes };
            let shape = Shape { json_depth: 200, ..Shape::default() };
            let request = Readable { shape: &shape, head: &head, body: Some(&body), payload: &body.bytes, path: &[] };
            let Ok((parsed, _)) = body::parse(&request) else {
                continue;
            };
            read += 1;
            let length = body.bytes.len();
            assert!(parsed.value.as_ref().map_or(0, weight) <= 4 * length, "{}", first.escape_ascii());
            assert!(parsed.text.map_or(0, |text| text.len()) <= 6 * length, "{}", first.escape_ascii());
        }
    }
    assert!(read > 50, "{read} were read");
}
