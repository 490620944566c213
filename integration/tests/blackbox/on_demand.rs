//! Only what a decision reads is asked of Envoy, and a body that cannot matter is not held.

use std::sync::Mutex;

use sark_integration::configuration::{and, of};
use sark_integration::wait::SOON;
use sark_integration::{Connection, Mode, Protocol, Received, Request, Sending, Shared, Stack, Turn, parts};
use serde_json::{Value, json};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];
const LIMIT: usize = 100;

static STACK: Shared = Shared::new(|| Mutex::new(Stack::sark(headers_only(false)).fake(Mode::decide(by_body)).start()));

/// Alice may, and a conflict is no decision.
const RULES: &str = r#"
import input.attributes.request.http as http

default result := false

result if { http.method == "POST"; input.parsed_path[0] == "left"; http.headers["x-user"] == "alice" }

result := 1 if http.headers["x-conflict"]

result := 2 if http.headers["x-conflict"]
"#;

/// What the remote OPA says: it has seen the body.
fn by_body(input: &Value) -> Value {
    json!(input["attributes"]["request"]["http"]["body"] == "0123456789")
}

fn headers_only(allow_partial_message: bool) -> Value {
    let body = json!({"max_request_bytes": LIMIT, "allow_partial_message": allow_partial_message});
    and(&of(RULES), json!({"with_request_body": body, "remote": {"cluster": "opa"}}))
}

fn post(path: &str, protocol: Protocol) -> Request {
    Request::post(path).protocol(protocol).header("x-user", "alice").header("content-type", "text/plain")
}

fn begin(stack: &Turn<'_>, protocol: Protocol, request: &Request) -> Sending {
    Sending::begin(stack.address(), protocol, request, false).unwrap()
}

#[track_caller]
fn upstream(stack: &Turn<'_>, path: &str, test: impl Fn(&Received) -> bool) {
    stack.echo().wait_for(SOON, |request| request.path == path && test(request)).unwrap();
}

#[test]
fn a_body_that_cannot_matter_reaches_the_upstream_before_the_request_ends() {
    for protocol in BOTH {
        let stack = STACK.with(&headers_only(false));
        stack.echo().clear();
        let mut sending = begin(&stack, protocol, &post("/left", protocol).header("content-length", "10"));
        upstream(&stack, "/left", |request| request.body.is_empty() && !request.complete);
        sending.data("01234", false).unwrap();
        upstream(&stack, "/left", |request| request.body == b"01234" && !request.complete);
        sending.data("56789", true).unwrap();
        upstream(&stack, "/left", |request| request.body == b"0123456789" && request.complete);
        assert_eq!(sending.status().unwrap(), 200);
    }
}

#[test]
fn a_body_of_any_length_is_not_held_where_it_may_be_cut() {
    let stack = STACK.with(&headers_only(true));
    stack.echo().clear();
    let mut sending = begin(&stack, Protocol::Http2, &post("/left/long", Protocol::Http2));
    let long = "x".repeat(LIMIT * 10);
    sending.data(&long, false).unwrap();
    upstream(&stack, "/left/long", |request| request.body == long.as_bytes() && !request.complete);
    sending.data("", true).unwrap();
    assert_eq!(sending.status().unwrap(), 200);
}

/// Sends all of a body but its end: nothing reaches the upstream, and then the answer comes.
#[track_caller]
fn assert_held(stack: &Turn<'_>, request: &Request, body: &str, status: u16) {
    stack.echo().clear();
    let mut sending = begin(stack, Protocol::Http2, request);
    sending.data(body, false).unwrap();
    // Another request, begun later, is through while this one is held.
    let other = stack.send(&post("/left/other", Protocol::Http2).body("x"));
    assert_eq!(other.status, 200, "{other:?}");
    assert!(stack.echo().received().iter().all(|request| request.path == "/left/other"));
    sending.data("", true).unwrap();
    assert_eq!(sending.status().unwrap(), status, "{request:?}");
}

#[test]
fn a_body_that_could_be_refused_is_held_by_a_policy_that_does_not_read_it() {
    let stack = STACK.with(&headers_only(false));
    let json = Request::post("/left/json").h2().header("x-user", "alice").header("content-type", "application/json");
    assert_held(&stack, &json, "{}", 200);
    assert_held(&stack, &json, "{", 400);
    assert_held(&stack, &post("/left/unknown", Protocol::Http2), "01234", 200);
    let long = post("/left/long", Protocol::Http2).frames(["x".repeat(LIMIT + 1)]);
    for request in
        [long.clone(), long.protocol(Protocol::Http1), post("/left/long", Protocol::Http1).body("x".repeat(LIMIT + 1))]
    {
        stack.echo().clear();
        assert_eq!(stack.send(&request).status, 413);
        assert!(stack.echo().received().is_empty(), "{:?}", stack.echo().received());
    }
}

/// The limit is held against the announced length, so Envoy must hold the client to it.
#[test]
fn a_body_is_never_longer_than_announced() {
    let stack = STACK.with(&headers_only(false));
    stack.echo().clear();
    let mut sending =
        begin(&stack, Protocol::Http2, &post("/left/liar", Protocol::Http2).header("content-length", "10"));
    upstream(&stack, "/left/liar", |request| !request.complete);
    let Sending::Http2(_connection, stream) = &mut sending else { panic!("HTTP/2") };
    stream.data("x".repeat(LIMIT + 1), true).unwrap();
    assert!(stream.response().is_err(), "the stream is not reset");
    // Over HTTP/1.1 what is more is the next request.
    let liar =
        [post("/left/liar", Protocol::Http1).header("content-length", "10").to_bytes(), vec![b'x'; LIMIT]].concat();
    let mut connection = Connection::open(stack.address()).unwrap();
    connection.write(liar).unwrap();
    assert_eq!(connection.response("POST").unwrap().status, 200);
    assert!(stack.echo().received().iter().all(|request| request.body.len() <= 10), "{:?}", stack.echo().received());
}

#[test]
fn the_remote_side_gets_a_body_that_was_left_at_first() {
    for protocol in BOTH {
        let stack = STACK.with(&headers_only(false));
        for (body, status) in [("0123456789", 200), ("9876543210", 403)] {
            stack.echo().clear();
            stack.fake().clear();
            let request = post("/left/conflict", protocol).header("x-conflict", "1").header("content-length", "10");
            let mut sending = begin(&stack, protocol, &request);
            sending.data(&body[..5], false).unwrap();
            sending.data(&body[5..], true).unwrap();
            assert_eq!(sending.status().unwrap(), status);
            let calls = stack.fake().calls();
            assert_eq!(calls.len(), 1, "{calls:?}");
            assert_eq!(calls[0].body["input"]["attributes"]["request"]["http"]["body"], body);
            let received = stack.echo().received();
            assert!(received.iter().all(|request| status == 200 && request.body == body.as_bytes()), "{received:?}");
        }
    }
}

#[test]
fn a_policy_of_method_path_and_a_header_asks_envoy_for_the_headers_alone() {
    const BYTE_CALLS: &str = "wasmcustom.sark_faults_byte_calls";
    let module = parts::wasm_faults().unwrap_or_else(|error| panic!("{error}"));
    let header = of("result if input.attributes.request.http.headers[\"x-user\"] == \"alice\"\n");
    let time = of("result if input.attributes.request.time.seconds > 0\n");
    let everything = and(&of("result if count(input) > 0\n"), json!({"source_address": "request"}));
    let stack = Stack::sark(header.clone()).options(|options| options.wasm = Some(module)).start();
    // Two without any property: the headers, and the header by which the module for tests is asked to fail.
    for (configuration, calls) in [(header, 2), (time, 3), (everything, 12)] {
        stack.push(&configuration).accepted();
        let before = stack.stat(BYTE_CALLS);
        for _ in 0..10 {
            assert_eq!(stack.send(&Request::get("/calls").header("x-user", "alice")).status, 200);
        }
        assert_eq!(stack.stat(BYTE_CALLS) - before, 10 * calls, "{configuration}");
    }
}
