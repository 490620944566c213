//! Policies that read the body: it is held, judged, and passed on as it was.

use std::sync::Mutex;

use sark_integration::{Protocol, Request, Response, Shared, Stack, Turn, configuration};
use serde_json::{Value, json};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];
const LIMIT: usize = 64;
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

static STACK: Shared = Shared::new(|| Mutex::new(Stack::sark(configuration(false)).workers(2).start()));

/// Allows the tool `search`, tells what it saw, and denies the rest.
fn configuration(allow_partial_message: bool) -> Value {
    let policy = configuration::of(
        r#"
import input.attributes.request.http as http

default result := {"allowed": false, "http_status": 401}

result := {"allowed": true, "headers": {"x-seen": "json"}} if input.parsed_body.tool == "search"

result := {"allowed": true, "headers": {"x-seen": "form"}} if input.parsed_body.tool == ["search", "again"]

result := {"allowed": true, "headers": {"x-seen": "raw"}} if http.body == "tool search"

result := {"allowed": true, "headers": {"x-seen": "size"}} if {
	http.size == 64
	http.headers["content-type"] == "text/plain"
}

result := {"allowed": true, "headers": {"x-seen": "none"}} if {
	input.parsed_path[0] == "none"
	input.parsed_body == null
	input.truncated_body == false
	object.get(http, "body", "none") == "none"
	object.get(http, "size", "none") == "none"
	object.get(http.headers, "x-envoy-auth-partial-body", "none") == "none"
}

result := {"allowed": true, "headers": {"x-seen": concat(" ", ["truncated", http.body])}} if {
	input.parsed_path[0] == "partial"
	input.truncated_body == true
	input.parsed_body == null
	http.headers["x-envoy-auth-partial-body"] == "true"
}
"#,
    );
    let body =
        json!({"with_request_body": {"max_request_bytes": LIMIT, "allow_partial_message": allow_partial_message}});
    configuration::and(&policy, body)
}

fn post(protocol: Protocol, content_type: &str) -> Request {
    Request::post("/tools").protocol(protocol).header("content-type", content_type)
}

/// The same body in every way in which one can be sent.
fn framings(request: &Request, body: &str) -> Vec<Request> {
    let bytes = || body.as_bytes().chunks(1);
    vec![
        request.clone().body(body),
        request.clone().frames([body]),
        request.clone().frames(bytes()),
        request.clone().frames(bytes()).trailer("x-last", "1"),
        request.clone().body(body).trailer("x-last", "1"),
    ]
}

#[track_caller]
fn assert_allowed(reply: &Response, seen: &str, body: &str) {
    assert_eq!(reply.status, 200, "{reply:?}");
    let upstream = reply.upstream();
    assert_eq!((upstream.header("x-seen").as_deref(), upstream.body_text().as_str()), (Some(seen), body));
    assert!(upstream.complete, "{upstream:?}");
}

#[track_caller]
fn assert_refused(stack: &Turn<'_>, request: &Request, status: u16) -> Response {
    stack.echo().clear();
    let reply = stack.send(request);
    assert_eq!(reply.status, status, "{reply:?}");
    assert!(stack.echo().received().is_empty(), "something reached the upstream: {:?}", stack.echo().received());
    reply
}

#[test]
fn a_json_body_is_judged_however_it_is_sent() {
    let stack = STACK.with(&configuration(false));
    for protocol in BOTH {
        let good = r#"{"tool": "search", "n": 1.5e-7}"#;
        for request in framings(&post(protocol, JSON), good) {
            assert_allowed(&stack.send(&request), "json", good);
        }
        for request in framings(&post(protocol, JSON), r#"{"tool": "shell"}"#) {
            assert_refused(&stack, &request, 401);
        }
        let split = [r#"{"tool":"#, r#" "search"}"#];
        assert_allowed(&stack.send(&post(protocol, JSON).frames(split)), "json", &split.concat());
    }
}

#[test]
fn a_form_is_judged_however_it_is_sent() {
    let stack = STACK.with(&configuration(false));
    for protocol in BOTH {
        let good = "tool=search&x=%20&tool=a%67ain";
        for request in framings(&post(protocol, FORM), good) {
            assert_allowed(&stack.send(&request), "form", good);
        }
        for request in framings(&post(protocol, FORM), "tool=again&tool=search") {
            assert_refused(&stack, &request, 401);
        }
    }
}

#[test]
fn a_body_of_no_known_type_is_text() {
    let stack = STACK.with(&configuration(false));
    for protocol in BOTH {
        for request in [post(protocol, "text/plain"), Request::post("/").protocol(protocol)] {
            assert_allowed(&stack.send(&request.body("tool search")), "raw", "tool search");
        }
    }
}

#[test]
fn a_body_that_cannot_be_read_is_answered_400_whatever_the_failure_mode() {
    let stack = STACK.with(&configuration::and(&configuration(false), json!({"failure_mode_allow": true})));
    for protocol in BOTH {
        for (content_type, body) in [
            (JSON, "{"),
            (JSON, r#"{"tool":"search"}{}"#),
            (JSON, "  "),
            (JSON, "\u{feff}{}"),
            (JSON, "NaN"),
            (JSON, r#"["foo" : 42}"#),
            (FORM, "tool=%zz"),
            (FORM, "a=1;b=2"),
        ] {
            for request in framings(&post(protocol, content_type), body) {
                stack.assert_counts(&[("sark_decisions_total.implementation.none.result.bad_request", 1)], || {
                    let reply = assert_refused(&stack, &request, 400);
                    assert!(reply.text().starts_with("request_parse_error: "), "{reply:?}");
                });
            }
        }
    }
}

#[test]
fn a_body_of_exactly_the_limit_passes_and_one_byte_more_is_413() {
    let stack = STACK.with(&configuration::and(&configuration(false), json!({"failure_mode_allow": true})));
    for protocol in BOTH {
        let exact = "x".repeat(LIMIT);
        for request in framings(&post(protocol, "text/plain"), &exact) {
            assert_allowed(&stack.send(&request), "size", &exact);
        }
        for request in framings(&post(protocol, "text/plain"), &"x".repeat(LIMIT + 1)) {
            stack.assert_counts(&[("sark_decisions_total.implementation.none.result.body_too_large", 1)], || {
                assert_refused(&stack, &request, 413);
            });
        }
    }
    let line = stack.envoy().wait_for_access(|line| line["status"] == 413).unwrap();
    assert_eq!(line["details"], "sark_body_too_large");
}

#[test]
fn with_allow_partial_message_the_policy_sees_the_beginning_and_the_upstream_everything() {
    let stack = STACK.with(&configuration(true));
    let long = format!(r#"{{"tool": "search", "pad": "{}"}}"#, "x".repeat(5000));
    let seen = format!("truncated {}", &long[..LIMIT]);
    for protocol in BOTH {
        let request = Request::post("/partial").protocol(protocol).header("content-type", JSON);
        for request in framings(&request, &long) {
            assert_allowed(&stack.send(&request), &seen, &long);
            let elsewhere = post(protocol, JSON).body(&long);
            assert_refused(&stack, &elsewhere, 401);
        }
        // A body that fits is no partial one, up to the last byte.
        let exact = format!(r#"{{"tool": "search", "pad": "{}"}}"#, "x".repeat(LIMIT - 29));
        assert_eq!(exact.len(), LIMIT);
        for request in framings(&request, &exact) {
            assert_allowed(&stack.send(&request), "json", &exact);
        }
        let one_more = request.clone().header("x-envoy-auth-partial-body", "false").body(format!("{exact} "));
        assert_allowed(&stack.send(&one_more), &format!("truncated {exact}"), &format!("{exact} "));
    }
}

#[test]
fn a_request_without_a_body_has_none() {
    let stack = STACK.with(&configuration(false));
    for protocol in BOTH {
        for method in ["GET", "HEAD", "POST", "DELETE", "OPTIONS"] {
            let request = Request::new(method, "/none").protocol(protocol).header("content-type", JSON);
            for request in [request.clone(), request.clone().body(""), request.frames([""; 0])] {
                let reply = stack.send(&request);
                assert_eq!(reply.status, 200, "{reply:?}");
            }
        }
        // Only trailers come.
        let request = Request::post("/none").protocol(protocol).header("content-type", JSON).trailer("x-last", "1");
        assert_eq!(stack.send(&request).status, 200);
    }
}

#[test]
fn without_with_request_body_no_body_reaches_the_policy() {
    let mut configuration = configuration(false);
    configuration.as_object_mut().unwrap().remove("with_request_body");
    let stack = STACK.with(&configuration);
    for protocol in BOTH {
        let body = r#"{"tool": "search"}"#;
        for request in framings(&Request::post("/none").protocol(protocol).header("content-type", JSON), body) {
            assert_allowed(&stack.send(&request), "none", body);
        }
        assert_refused(&stack, &post(protocol, JSON).body(body), 401);
        let unreadable = Request::post("/none").protocol(protocol).header("content-type", JSON).body("{");
        assert_allowed(&stack.send(&unreadable), "none", "{");
    }
}
