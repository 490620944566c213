use super::*;
use crate::host::testing::FakeHost;
use crate::request::{Body, HeaderFilter, Matcher};
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

type Lines<'a> = &'a [(&'a str, &'a [u8])];

const HTTP: &str = "attributes/request/http";
const FULL: Lines<'static> =
    &[(":authority", b"a.test"), (":method", b"GET"), (":path", b"/a/b?q"), (":scheme", b"https"), ("x-a", b"1")];

fn path(text: &str) -> Vec<String> {
    text.split('/').map(str::to_owned).collect()
}

/// What is at these paths, as text.
fn shown(paths: &[&str], shape: &Shape, head: &Head, body: Option<&Body>) -> Option<Vec<String>> {
    let paths: Vec<_> = paths.iter().map(|text| path(text)).collect();
    let host = FakeHost::default();
    let sources = Sources { shape, head, body, context_extensions: None, id: 0, host: &host };
    let mut found = Vec::new();
    Direct::new(&paths, shape)?.visit(&sources, |shown| {
        found.push(match shown {
            Shown::Nothing { depth } => format!("nothing after {depth}"),
            Shown::Text(text) => format!("{text:?}"),
            Shown::Texts(texts) => format!("{:?}", texts.collect::<Vec<_>>()),
        });
        Some(())
    })?;
    Some(found)
}

/// What is at one path, of a usual request with these lines.
fn one(place: &str, shape: &Shape, lines: Lines) -> String {
    let head = Head::new(lines.iter().map(|(name, value)| (name.as_bytes(), *value)));
    shown(&[place], shape, &head, None).map_or_else(|| "unknown".to_owned(), |found| found.concat())
}

fn full() -> Head {
    Head::new(FULL.iter().map(|(name, value)| (name.as_bytes(), *value)))
}

#[test]
fn a_field_is_what_its_header_says_and_absent_if_that_is_empty() {
    for (field, header, text) in [
        ("host", ":authority", r#""a.test""#),
        ("method", ":method", r#""GET""#),
        ("path", ":path", r#""/a/b?q""#),
        ("scheme", ":scheme", r#""https""#),
    ] {
        let place = format!("{HTTP}/{field}");
        let shape = Shape::default();
        assert_eq!(one(&place, &shape, FULL), text);
        assert_eq!(one(&place, &shape, &[(header, b"")]), "nothing after 3");
        assert_eq!(one(&place, &shape, &[]), "nothing after 3");
        let value: &[u8] = if field == "path" { b"/caf\xe9" } else { b"caf\xe9" };
        assert!(one(&place, &shape, &[(header, value)]).contains("caf!"), "{field}");
        // The fields of a request are shown whatever becomes of its headers.
        let hidden = Shape {
            raw_headers: true,
            headers: HeaderFilter { allowed: Some(Vec::new()), disallowed: Vec::new() },
            ..Shape::default()
        };
        assert_eq!(one(&place, &hidden, FULL), text);
    }
}

#[test]
fn a_path_is_decoded_and_split() {
    for (path, segments) in [
        (&b"/a/b?q"[..], r#"["a", "b"]"#),
        (b"/", r#"[""]"#),
        (b"//a/", r#"["a", ""]"#),
        (b"/%2F%61%2fb%ff", "[\"a\", \"b\u{FFFD}\"]"),
        (b"/\xe9", r#"["!"]"#),
    ] {
        assert_eq!(one("parsed_path", &Shape::default(), &[(":path", path)]), segments);
    }
    assert_eq!(one("parsed_path", &Shape::default(), &[]), r#"[""]"#);
}

#[test]
fn a_header_is_joined_and_may_be_empty() {
    let header = |name: &str, lines: Lines| one(&format!("{HTTP}/headers/{name}"), &Shape::default(), lines);
    assert_eq!(header("x-a", FULL), r#""1""#);
    assert_eq!(header(":method", FULL), r#""GET""#);
    assert_eq!(header("x-b", FULL), "nothing after 4");
    assert_eq!(header("x-a", &[("x-a", b"")]), r#""""#);
    assert_eq!(header("x-a", &[("X-A", b"1"), ("x-b", b"2"), ("x-a", b"\xff")]), r#""1,!""#);
    assert_eq!(header("X-A", &[("X-A", b"1")]), "nothing after 4", "names are shown in lower case");
    // Without a body Envoy says nothing of it, and a client must not.
    assert_eq!(header("x-envoy-auth-partial-body", &[("x-envoy-auth-partial-body", b"true")]), "nothing after 4");
}

#[test]
fn a_header_that_is_not_shown_is_absent() {
    let place = format!("{HTTP}/headers/x-a");
    let exactly = |name: &str| vec![Matcher::Exact(name.to_owned())];
    let filtered = |headers| Shape { headers, ..Shape::default() };
    let (disallowed, others) = (
        filtered(HeaderFilter { allowed: None, disallowed: exactly("x-a") }),
        filtered(HeaderFilter { allowed: Some(exactly("x-b")), disallowed: Vec::new() }),
    );
    assert_eq!(one(&place, &disallowed, FULL), "nothing after 4");
    assert_eq!(one(&place, &others, FULL), "nothing after 4");
    let allowed = filtered(HeaderFilter { allowed: Some(exactly("x-a")), disallowed: Vec::new() });
    assert_eq!(one(&place, &allowed, FULL), r#""1""#);
    let raw = Shape { raw_headers: true, ..Shape::default() };
    assert_eq!(one(&place, &raw, FULL), "nothing after 3", "there is no `headers`");
}

#[test]
fn everything_is_handed_over_in_order_or_until_it_is_enough() {
    let places = ["parsed_path", "attributes/request/http/headers/x-a", "attributes/request/http/method"];
    let (shape, head) = (Shape::default(), full());
    assert_eq!(shown(&places, &shape, &head, None).unwrap().join(" "), r#"["a", "b"] "1" "GET""#,);
    assert_eq!(shown(&[], &shape, &head, None), Some(Vec::new()), "a policy that reads nothing");
    let direct = Direct::new(&places.map(path), &shape).unwrap();
    let host = FakeHost::default();
    let sources = Sources { shape: &shape, head: &head, body: None, context_extensions: None, id: 0, host: &host };
    let mut asked = 0;
    let visited = direct.visit(&sources, |_| {
        asked += 1;
        (asked < 2).then_some(())
    });
    assert_eq!((visited, asked), (None, 2));
}

#[test]
fn it_takes_a_document_to_know_anything_else() {
    for other in [
        "",
        "attributes",
        "attributes/request/http",
        "attributes/request/http/body",
        "attributes/request/http/headers",
        "attributes/request/http/headers/x-a/x",
        "attributes/request/http/headerMap",
        "attributes/request/http/id",
        "attributes/request/http/method/x",
        "attributes/request/http/protocol",
        "attributes/request/http/size",
        "attributes/request/time",
        "attributes/contextExtensions/x",
        "attributes/source/service",
        "attributes/x",
        "headers/x-a",
        "parsed_body",
        "parsed_path/0",
        "parsed_query",
        "source_principal",
        "truncated_body",
        "version",
    ] {
        assert_eq!(shown(&["parsed_path", other], &Shape::default(), &full(), None), None, "{other}");
    }
    assert!(Direct::new(&[Vec::new()], &Shape::default()).is_none(), "the whole document");
    let in_header = Shape { source_address: Some(SourceAddress::Header("x-a".to_owned())), ..Shape::default() };
    assert_eq!(one("parsed_path", &in_header, FULL), "unknown");
    let of_request = Shape { source_address: Some(SourceAddress::Request), ..Shape::default() };
    assert_eq!(one("parsed_path", &of_request, FULL), r#"["a", "b"]"#);
}

#[test]
fn a_request_that_might_be_refused_is_not_known() {
    let method = format!("{HTTP}/method");
    let of = |lines: Lines| one(&method, &Shape::default(), lines);
    for path in [&b"/%zz"[..], b"/%", b"/?%zz", b"/?a;b", b"/?a=%f"] {
        assert_eq!(of(&[(":method", b"GET"), (":path", path)]), "unknown", "{}", path.escape_ascii());
    }
    for content_type in ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"] {
        assert_eq!(of(&[(":method", b"GET"), ("content-type", content_type.as_bytes())]), "unknown", "{content_type}");
    }
    assert_eq!(of(&[(":method", b"GET"), ("content-type", b"text/plain")]), r#""GET""#);
    let body = Body { bytes: Vec::new(), received: 0 };
    assert_eq!(shown(&[&method], &Shape::default(), &full(), Some(&body)), None);
    let unread = Shape { skip_body_parse: true, ..Shape::default() };
    assert_eq!(one(&method, &unread, &[(":method", b"GET"), ("content-type", b"application/json")]), r#""GET""#);
}
