//! Only what a decision reads is asked of the proxy and waited for, and no request is answered otherwise for it.

use super::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Allows POST, and nothing that depends on anything but the headers.
const HEADERS_ONLY: &str = r#"
import input.attributes.request.http as http
allow if { http.method == "POST"; http.headers["x-user"] == "alice"; input.parsed_path == ["a"] }
allow := 1 if http.headers["x-conflict"]
"#;

fn policy(rules: &str, extra: &str) -> Rc<Authorizer> {
    authorizer_with(&format!("package envoy.authz\n{rules}"), extra)
}

/// What is asked of the proxy for a request that ends at its headers.
fn asked(rules: &str, extra: &str) -> Vec<String> {
    let (_, _, host) = run(&policy(rules, extra), &[("x-user", "alice")]);
    host.asked.take()
}

#[test]
fn the_proxy_is_asked_for_what_is_read_and_nothing_else() {
    assert_eq!(asked(HEADERS_ONLY, ""), [""; 0]);
    let everything = asked("allow if count(input) > 0", r#", "source_address": "request""#);
    assert_eq!(everything.len(), 10, "{everything:?}");
    for (rules, expected) in [
        ("allow if input.attributes.request.time.seconds > 5", &["request.time"][..]),
        ("allow if input.attributes.request.http.protocol == \"x\"", &["request.protocol"]),
        ("allow if input.attributes.request.http.id == \"x\"", &[]),
        ("allow if input.attributes.destination.address.pipe", &["destination.address"]),
        ("allow if input.attributes.metadataContext.filterMetadata.a.b", &["metadata"]),
        ("allow if input.attributes.routeMetadataContext.filterMetadata.a.b", &["route metadata"]),
        ("allow if input.attributes.tlsSession.sni == \"x\"", &["connection.tls_version"]),
        ("allow if input.attributes.source.certificate == \"x\"", &["connection.peer_certificate"]),
    ] {
        let all = r#", "metadata_context_namespaces": ["a"], "route_metadata_context_namespaces": ["a"],
            "include_tls_session": true, "include_peer_certificate": true"#;
        assert_eq!(asked(rules, all), expected, "{rules}");
    }
    let names = ["uri_san", "dns_san", "subject"].map(|kind| format!("connection.{kind}_peer_certificate"));
    assert_eq!(asked("allow if input.source_principal == \"x\"", ""), names);
    assert_eq!(asked("allow if input.attributes.source.principal == input.source_principal", ""), names, "once");
}

/// The step at the headers of a request whose body is still to come.
fn at_headers(authorizer: &Rc<Authorizer>, pairs: &[(&str, &str)]) -> (Check, Step) {
    let head = Head::new(pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    authorizer.check(arrival(head, false), &FakeHost::default())
}

const WAITS: u16 = 1;

#[test]
fn a_body_is_waited_for_where_it_could_change_the_answer() {
    let limited = r#", "with_request_body": {"max_request_bytes": 100}, "source_address": "request""#;
    let cut = r#", "with_request_body": {"max_request_bytes": 100, "allow_partial_message": true}"#;
    let unread = r#", "with_request_body": {"max_request_bytes": 100}, "skip_request_body_parse": true"#;
    let remote = format!("{limited}{REMOTE}, \"features\": {{\"rust_opa\": {{\"enabled\": false}}}}");
    let (text, json) = (("content-type", "text/plain"), ("content-type", "application/json"));
    let (short, long) = (("content-length", "100"), ("content-length", "101"));
    let chunked = ("transfer-encoding", "chunked");
    for (rules, extra, framing, expected) in [
        (HEADERS_ONLY, limited, &[text, short][..], ALLOWED),
        (HEADERS_ONLY, limited, &[short], ALLOWED),
        (HEADERS_ONLY, limited, &[text, long], WAITS),
        (HEADERS_ONLY, limited, &[text, chunked], WAITS),
        (HEADERS_ONLY, limited, &[text, short, chunked], WAITS),
        (HEADERS_ONLY, limited, &[text, short, short], WAITS),
        (HEADERS_ONLY, limited, &[text], WAITS),
        (HEADERS_ONLY, limited, &[json, short], WAITS),
        (HEADERS_ONLY, limited, &[("content-type", "multipart/form-data; x"), short], WAITS),
        (HEADERS_ONLY, limited, &[("content-type", "application/x-www-form-urlencoded"), short], WAITS),
        (HEADERS_ONLY, limited, &[("content-type", "application/grpc"), short], ALLOWED),
        (HEADERS_ONLY, cut, &[text, long], ALLOWED),
        (HEADERS_ONLY, cut, &[text, chunked], ALLOWED),
        (HEADERS_ONLY, cut, &[json, chunked], WAITS),
        (HEADERS_ONLY, unread, &[json, short], ALLOWED),
        (HEADERS_ONLY, unread, &[json, chunked], WAITS),
        (HEADERS_ONLY, &remote, &[text, short], WAITS),
        ("allow if input.parsed_body == null", limited, &[text, short], WAITS),
        ("allow if not input.truncated_body", limited, &[text, short], WAITS),
        ("allow if input.attributes.request.http.size", limited, &[text, short], WAITS),
        ("allow if input.attributes.request.http.body", limited, &[text, short], WAITS),
        ("allow if count(input.attributes.request.http.headers) > 0", limited, &[text, short], WAITS),
        ("allow if not input.attributes.request.http.headers[\"x-envoy-auth-partial-body\"]", limited, &[short], WAITS),
        ("allow if count(input) > 0", limited, &[text, short], WAITS),
    ] {
        let pairs = [&[(":method", "POST"), (":path", "/a"), ("x-user", "alice")], framing].concat();
        let (_, step) = at_headers(&policy(rules, extra), &pairs);
        assert_eq!(status(&step), expected, "{rules} {extra} {framing:?}");
    }
}

#[test]
fn a_body_that_was_left_is_there_for_the_remote_side_when_the_inline_side_fails() {
    let limited = r#", "with_request_body": {"max_request_bytes": 5}"#;
    let conflict =
        [(":method", "POST"), (":path", "/a"), ("x-user", "alice"), ("x-conflict", "1"), ("content-length", "5")];
    let (_, step) = at_headers(&policy(HEADERS_ONLY, limited), &conflict);
    assert_eq!(status(&step), 403, "nobody else is asked");
    let both = policy(HEADERS_ONLY, &format!("{limited}{REMOTE}"));
    let host = FakeHost { body: Some(b"hello".to_vec()), ..FakeHost::default() };
    let (mut check, step) = at_headers(&both, &conflict);
    assert_eq!(status(&step), WAITS);
    assert_eq!(status(&check.body(3, false, &host)), WAITS);
    let Step::Call(callout) = check.body(5, true, &host) else { panic!("no call") };
    let input: serde_json::Value = serde_json::from_slice(&callout.body).unwrap();
    assert_eq!(input["input"]["attributes"]["request"]["http"]["body"], "hello");
    assert_eq!(input["input"]["attributes"]["request"]["http"]["protocol"], "HTTP/1.1");
    assert_eq!(*host.counted.borrow(), ["sark_fallbacks_total.implementation.remote"]);
    assert_eq!(status(&check.resume(answer(r#"{"result": true}"#), &host)), ALLOWED);
    assert_eq!((check.implementation(), check.error().as_deref()), (Implementation::Remote, Some("rust:conflict")));
    // A request that turns out otherwise than it announced, and one whose body is not handed over.
    let (mut check, _) = at_headers(&both, &conflict);
    assert_eq!(status(&check.body(6, false, &host)), 413);
    let (mut check, _) = at_headers(&both, &conflict);
    assert_eq!(status(&check.body_unavailable(&host)), 403);
    let (mut check, _) = at_headers(&both, &conflict);
    assert_eq!(status(&check.body(5, true, &FakeHost::default())), 403);
}

#[test]
fn what_is_refused_does_not_depend_on_what_is_read() {
    let header = r#", "source_address": "header:x-real""#;
    for rules in ["allow := true", "allow if count(input) > 0"] {
        for path in ["/%zz", "/%", "/a?b=%4", "/a?%zz", "/a?b;c", &format!("/?{}", "&".repeat(10_000))] {
            let (_, step) = at_headers(&policy(rules, r#", "source_address": "request""#), &[(":path", path)]);
            assert_eq!(status(&step), 400, "{rules} {path:.20}");
        }
        for (address, expected) in [("1.2.3.4", ALLOWED), ("1.2.3.4,5.6.7.8", 403), ("", 403)] {
            let (_, step) = at_headers(&policy(rules, header), &[(":path", "/"), ("x-real", address)]);
            assert_eq!(status(&step), expected, "{rules} {address}");
        }
        let (_, step) = at_headers(&policy(rules, header), &[(":path", "/")]);
        assert_eq!(status(&step), 403, "{rules}");
        for (body, expected) in [("{\"a\":", 400), ("1e400", 403), ("{}", ALLOWED)] {
            let authorizer =
                policy(rules, r#", "with_request_body": {"max_request_bytes": 50}, "source_address": "request""#);
            let host = FakeHost { body: Some(body.as_bytes().to_vec()), ..FakeHost::default() };
            let (mut check, _) = at_headers(&authorizer, &[(":path", "/"), ("content-type", "application/json")]);
            assert_eq!(status(&check.body(body.len(), true, &host)), expected, "{rules} {body}");
        }
    }
}
