use super::*;
use crate::host::testing::FakeHost;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn head(pairs: &[(&str, &str)]) -> Head {
    Head::new(pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
}

fn build(shape: &Shape, head: &Head, body: Option<&Body>) -> Result<Document, DocumentError> {
    build_with(shape, head, body, &FakeHost::default())
}

fn build_with(shape: &Shape, head: &Head, body: Option<&Body>, host: &FakeHost) -> Result<Document, DocumentError> {
    document(&Sources { shape, head, body, context_extensions: None, id: 7, host })
}

/// (as the engine gets it, as the remote OPA gets it).
fn both(document: &Document) -> (Option<String>, String) {
    let mut json = Vec::new();
    document.write(&mut json).unwrap();
    (document.value().ok().map(|value| value.to_string()), String::from_utf8(json).unwrap())
}

fn post(shape: &Shape, content_type: &str, body: &str) -> Document {
    let head = head(&[(":method", "POST"), (":path", "/p"), ("content-type", content_type)]);
    let body = Body { bytes: body.as_bytes().to_vec(), received: body.len() };
    build(shape, &head, Some(&body)).unwrap()
}

#[test]
fn the_captured_example_of_the_contract() {
    let head = head(&[
        (":authority", "127.0.0.1:18000"),
        (":method", "POST"),
        (":path", "/p?x=1"),
        (":scheme", "http"),
        ("content-length", "9"),
        ("content-type", "application/json"),
    ]);
    let body = Body { bytes: br#"{"a":1.0}"#.to_vec(), received: 9 };
    let host = FakeHost { request_time: 1_795_322_427_739_995_000, ..FakeHost::default() };
    let document = build_with(&Shape::default(), &head, Some(&body), &host).unwrap();
    let rest = |parsed_body: &str| {
        [
            r#"{"attributes":{"destination":{"address":{"socketAddress":{"address":"127.0.0.1","portValue":10000}}},"#,
            r#""metadataContext":{},"request":{"http":{"body":"{\"a\":1.0}","headers":{":authority":"127.0.0.1:18000","#,
            r#"":method":"POST",":path":"/p?x=1",":scheme":"http","content-length":"9","content-type":"application/json","#,
            r#""x-envoy-auth-partial-body":"false"},"host":"127.0.0.1:18000","id":"7","method":"POST","path":"/p?x=1","#,
            r#""protocol":"HTTP/1.1","scheme":"http","size":9},"time":{"nanos":739995000,"seconds":1795322427}},"#,
            r#""routeMetadataContext":{},"source":{}},"parsed_body":"#,
            parsed_body,
            r#","parsed_path":["p"],"parsed_query":{"x":["1"]},"#,
            r#""truncated_body":false,"version":{"encoding":"protojson","ext_authz":"v3"}}"#,
        ]
        .concat()
    };
    assert!(document.respells_numbers());
    assert_eq!(both(&document), (Some(rest(r#"{"a":1}"#)), rest(r#"{"a":1.0}"#)));
}

#[test]
fn what_the_engine_cannot_hold_reaches_the_remote_side_as_it_was_sent() {
    for text in [r#"{"a":1e400}"#, r#"[12345678901234567890.5,{"a":1,"a":2}]"#, "1e3"] {
        let (value, json) = both(&post(&Shape::default(), "application/json", text));
        assert_eq!(value, None, "{text}");
        assert!(json.contains(&format!(r#""parsed_body":{text},"parsed_path""#)), "{json}");
        serde_json::from_str::<serde_json::Value>(&json).unwrap();
    }
    let exact = post(&Shape::default(), "application/json", r#"{"a":12345678901234567890123}"#);
    let (value, json) = both(&exact);
    assert_eq!((value, exact.respells_numbers()), (Some(json), false));
}

#[test]
fn bytes_are_packed_and_headers_raw_if_the_operator_says_so() {
    let shape = Shape { pack_as_bytes: true, raw_headers: true, ..Shape::default() };
    let head =
        Head::new([(&b"X-A"[..], &b"1"[..]), (b"x-a", b"\xff"), (b"x-b", b""), (b"content-type", b"application/json")]);
    let body = Body { bytes: b"\xff{".to_vec(), received: 9 };
    let document = build(&shape, &head, Some(&body)).unwrap().value().unwrap();
    let http = &document["attributes"]["request"]["http"];
    assert_eq!((&http["headers"], &http["body"]), (&Value::Undefined, &Value::Undefined));
    assert_eq!((&http["rawBody"], &http["size"]), (&Value::from("/3s="), &Value::from(9u64)));
    assert_eq!(
        http["headerMap"].to_string(),
        concat!(
            r#"{"headers":[{"key":"x-a","rawValue":"MQ=="},{"key":"x-a","rawValue":"/w=="},{"key":"x-b"},"#,
            r#"{"key":"content-type","rawValue":"YXBwbGljYXRpb24vanNvbg=="},"#,
            r#"{"key":"x-envoy-auth-partial-body","rawValue":"dHJ1ZQ=="}]}"#
        )
    );
    // The plugin reads the body by the plain headers only, and there are none.
    assert_eq!((&document["parsed_body"], &document["truncated_body"]), (&Value::Null, &Value::Bool(false)));
}

#[test]
fn filtered_headers_are_not_shown_nor_read() {
    let headers = HeaderFilter { allowed: None, disallowed: vec![Matcher::Exact("content-type".to_owned())] };
    let shape = Shape { headers, ..Shape::default() };
    let document = post(&shape, "application/json", "{").value().unwrap();
    let headers = &document["attributes"]["request"]["http"]["headers"];
    assert_eq!(headers["content-type"], Value::Undefined);
    assert_eq!(headers["x-envoy-auth-partial-body"], Value::from("false"));
    assert_eq!(document["parsed_body"], Value::Null);
}

#[test]
fn a_body_that_is_not_to_be_parsed_has_no_members() {
    let shape = Shape { skip_body_parse: true, ..Shape::default() };
    let document = post(&shape, "application/json", "{").value().unwrap();
    assert_eq!((&document["parsed_body"], &document["truncated_body"]), (&Value::Undefined, &Value::Undefined));
    assert!(build(&shape, &head(&[(":path", "/%zz")]), None).is_err());
}

#[test]
fn principal_extensions_session_and_contexts_have_their_places() {
    let properties = [("connection.uri_san_peer_certificate", "spiffe://a"), ("connection.tls_version", "TLSv1.3")];
    let properties = properties.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()));
    let host = FakeHost { properties: BTreeMap::from(properties), ..FakeHost::default() };
    let shape = Shape { tls_session: true, ..Shape::default() };
    let extensions = Some(object([("Key", Value::from("v"))]));
    let head = head(&[(":path", "/")]);
    let context_extensions = extensions.as_ref();
    let sources = Sources { shape: &shape, head: &head, body: None, context_extensions, id: 0, host: &host };
    let document = document(&sources).unwrap().value().unwrap();
    assert_eq!(document["source_principal"], Value::from("spiffe://a"));
    assert_eq!(document["attributes"]["source"]["principal"], Value::from("spiffe://a"));
    assert_eq!(document["attributes"]["contextExtensions"]["Key"], Value::from("v"));
    assert_eq!(document["attributes"]["tlsSession"], Value::new_object());
}

#[test]
fn a_proxy_that_does_not_tell_is_an_error() {
    for missing in ["request.protocol", "request.time", "destination.address"] {
        let host = FakeHost { silent: Some(missing), ..FakeHost::default() };
        let error = build_with(&Shape::default(), &head(&[(":path", "/")]), None, &host).unwrap_err();
        assert_eq!(error, DocumentError::Host(HostError), "{missing}");
    }
}

#[test]
fn a_connect_without_path_has_no_path_member() {
    let head = head(&[(":method", "CONNECT"), (":authority", "a:1")]);
    let document = build(&Shape::default(), &head, None).unwrap().value().unwrap();
    assert_eq!(document["attributes"]["request"]["http"]["path"], Value::Undefined);
    assert_eq!(document["parsed_path"].to_string(), r#"[""]"#);
}

#[test]
fn the_paths_error_wins_over_the_querys() {
    let error = build(&Shape::default(), &head(&[(":path", "/%zz?a=%yy")]), None).unwrap_err();
    assert_eq!(error, DocumentError::Parse(ParseError::new("invalid URL escape \"%zz\"")));
}
