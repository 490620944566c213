use super::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn readable<'a>(shape: &'a Shape, head: &'a Head, body: &'a Body) -> Readable<'a> {
    Readable { shape, head, body: Some(body), payload: &body.bytes, path: &[] }
}

fn read_by(shape: &Shape, content_type: &str, bytes: &[u8]) -> Result<(String, bool), String> {
    let length = bytes.len().to_string();
    let head = Head::new([(&b"content-type"[..], content_type.as_bytes()), (b"content-length", length.as_bytes())]);
    let body = Body { bytes: bytes.to_vec(), received: bytes.len() };
    let (parsed, truncated) = parse(&readable(shape, &head, &body)).map_err(|error| error.to_string())?;
    Ok((parsed.json(), truncated))
}

fn read(content_type: &str, bytes: &[u8]) -> Result<(String, bool), String> {
    read_by(&Shape::default(), content_type, bytes)
}

fn found(text: &str) -> Result<(String, bool), String> {
    Ok((text.to_owned(), false))
}

#[test]
fn the_content_type_is_a_case_sensitive_substring() {
    for (content_type, expected) in [
        ("application/json", "1"),
        ("application/json-patch+json", "1"),
        ("text/plain,application/json", "1"),
        ("Application/JSON", "null"),
        ("application/vnd.api+json", "null"),
        ("text/html", "null"),
        ("application/grpc", "null"),
    ] {
        assert_eq!(read(content_type, b"1"), found(expected), "{content_type}");
    }
}

#[test]
fn forms_are_read_by_the_querys_rules() {
    let form = "application/x-www-form-urlencoded";
    assert_eq!(read(form, b"a=1&a=2"), found(r#"{"a":["1","2"]}"#));
    assert!(read(form, b"a=1;b=2").is_err());
}

/// A form of JSON would hold as many times the values of a body as it has parts.
#[test]
fn the_parts_of_a_form_share_one_bound() {
    let is_held = |parts: usize| {
        let values = vec!["0"; 200_000].join(",");
        let part = format!(
            "--b\r\nContent-Disposition: form-data; name=a\r\nContent-Type: application/json\r\n\r\n[{values}]\r\n"
        );
        let bytes = format!("{}--b--\r\n", part.repeat(parts)).into_bytes();
        let (shape, head) =
            (Shape::default(), Head::new([(&b"content-type"[..], &b"multipart/form-data; boundary=b"[..])]));
        let body = Body { received: bytes.len(), bytes };
        parse(&readable(&shape, &head, &body)).unwrap().0.value.is_some()
    };
    assert!(is_held(2));
    assert!(!is_held(3));
}

#[test]
fn the_parts_of_a_form_are_text_or_json() {
    let part = |headers: &str, content: &str| {
        format!("--foo\r\nContent-Disposition: form-data; {headers}\r\n\r\n{content}\r\n")
    };
    let json = "\r\nContent-Type: application/json;";
    let body = [
        part("name=a", "1.0"),
        part("filename=x", "unnamed"),
        part(&format!("name=b{json}"), r#"{"x": 1.0}"#),
        part(&format!("name=b{json}"), "1e3"),
        part("name=\"c\\\"\"; filename=f", "a\nb"),
        "--foo--\r\n".to_owned(),
    ]
    .concat();
    let multipart = "multipart/form-data; boundary=foo";
    let expected = r#"{"a":["1.0"],"b":[{"x":1.0},1e3],"c\"":["a\nb"]}"#;
    assert_eq!(read(multipart, body.as_bytes()), found(expected));
    assert_eq!(read("multipart/form-data", body.as_bytes()), found("null"));
    assert_eq!(read("multipart/form-data; boundary=bar", b"--bar--"), found("{}"));
    assert!(read("multipart/form-data; boundary", body.as_bytes()).is_err());
    let bad = part(&format!("name=b{json}"), "{") + "--foo--";
    assert!(read(multipart, bad.as_bytes()).is_err());
}

#[test]
fn unreadable_bodies_are_errors_and_empty_ones_null() {
    for bad in [&b"[\"foo\" : 42}"[..], b"  ", b"1 2", b"\xef\xbb\xbf1", b"NaN"] {
        assert!(read("application/json", bad).is_err(), "{bad:?}");
    }
    for content_type in ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"] {
        assert_eq!(read(content_type, b""), found("null"));
    }
}

#[test]
fn nesting_ends_at_the_operators_limit() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let shape = Shape { json_depth: 300, ..Shape::default() };
    let read = |depth| read_by(&shape, "application/json", nested(depth).as_bytes());
    assert_eq!(read(300), found(&nested(300)));
    assert!(read(301).is_err());
}

#[test]
fn truncation_is_seen_by_size_and_by_content_length() {
    let shape = Shape::default();
    let read = |content_type: &'static str, length: &'static [u8], received: usize| {
        let head = Head::new([(&b"content-type"[..], content_type.as_bytes()), (b"content-length", length)]);
        let body = Body { bytes: b"true".to_vec(), received };
        parse(&readable(&shape, &head, &body)).map(|(parsed, truncated)| (parsed.json(), truncated)).ok()
    };
    let truncated = Some(("null".to_owned(), true));
    // What Envoy says of the body counts for every type, and wins.
    assert_eq!(read("application/json", b"x", 5), truncated);
    assert_eq!(read("text/plain", b"5", 5), truncated);
    // The client's word only for those that are read.
    assert_eq!(read("application/json", b"9", 4), truncated);
    assert_eq!(read("text/plain", b"9", 4), Some(("null".to_owned(), false)));
    assert_eq!(read("application/json", b"3", 4), Some(("true".to_owned(), false)));
    assert_eq!(read("application/json", b"x", 4), None);
}
