//! Traps T2 to T4: bodies, trailers, and requests that are held while a callout is pending.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use sark_integration::configuration::{and, of};
use sark_integration::envoy::bootstrap::wasm_filter;
use sark_integration::shared::{Shared, Turn};
use sark_integration::wait::SOON;
use sark_integration::{Connection, Gate, Http2, Mode, Protocol, Remote, Request, Response, Stack};
use serde_json::{Value, json};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

static STACK: Shared = Shared::new(|| {
    let stack = Stack::sark(of("result := false\n"))
        .remote(Remote::Fake(Mode::Decision(json!(false))))
        .options(|options| options.http1_trailers = true)
        .edit(|tree| {
            // Over HTTP/2 the window of a stream, 16 MiB by default, takes the place of the listener's buffer limit.
            let manager =
                &mut tree["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
            manager["http2_protocol_options"]["initial_stream_window_size"] = json!(1 << 20);
        })
        .start();
    Mutex::new(stack)
});

/// Alice may, nobody else.
fn users() -> Value {
    of("default result := false\n\nresult if input.attributes.request.http.headers[\"x-user\"] == \"alice\"\n")
}

/// Everything is allowed but a body that says `evil`: missing the body is allowing.
fn bodies() -> Value {
    let rules = "default result := true\n\nresult := false if input.parsed_body.evil == true\n";
    and(&of(rules), json!({"with_request_body": {"max_request_bytes": 100_000}}))
}

/// Everybody is decided by the remote OPA, which has all the time it wants.
fn remote() -> Value {
    let remote = json!({"remote": {"cluster": "opa", "timeout": "30s"}, "features": {"rust_opa": {"enabled": false}}});
    and(&of("result := false\n"), remote)
}

/// The shared stack with this configuration, and the plugin's flag as wanted.
fn turn(configuration: &Value, stop_iteration: bool) -> Turn<'static> {
    let stack = STACK.with(&users());
    let mut options = stack.envoy().options();
    options.stop_iteration = stop_iteration;
    let filter = wasm_filter(&options, &configuration.to_string()).unwrap();
    stack.envoy().push_filter(filter).unwrap().accepted();
    stack
}

fn json_post(path: &str, protocol: Protocol) -> Request {
    Request::post(path).protocol(protocol).header("content-type", "application/json")
}

const GOOD: [&str; 3] = ["{\"evil\"", ": fal", "se}"];
const EVIL: [&str; 3] = ["{\"evil\"", ": tr", "ue}"];

#[test]
fn t02_a_trailer_does_not_free_a_denied_post() {
    let stack = turn(&bodies(), true);
    for protocol in BOTH {
        let post = |frames: [&str; 3]| json_post("/t02/body", protocol).frames(frames);
        assert_eq!(stack.send(&post(EVIL)).status, 403);
        assert_eq!(stack.send(&post(EVIL).trailer("x-last", "1")).status, 403);
        let reply = stack.send(&post(GOOD).trailer("x-last", "1"));
        assert_eq!(reply.upstream().body_text(), GOOD.concat());
        assert_eq!(reply.upstream().trailers, [("x-last".to_owned(), b"1".to_vec())]);
        // Trailers and no body at all.
        let none = json_post("/t02/none", protocol).trailer("x-last", "1");
        assert_eq!(stack.send(&none).upstream().trailers.len(), 1);
    }
    assert!(stack.echo().received_at("/t02").iter().all(|request| !request.body_text().contains("true")));
}

#[test]
fn t02_a_trailer_does_not_free_a_post_denied_by_its_headers() {
    for stop_iteration in [true, false] {
        let stack = turn(&users(), stop_iteration);
        for protocol in BOTH {
            let post = |user: &str| {
                let request = json_post("/t02/head", protocol).header("x-user", user);
                stack.send(&request.frames(["one", "two"]).trailer("x-last", "1"))
            };
            assert_eq!(post("mallory").status, 403);
            assert_eq!(post("alice").upstream().trailers.len(), 1);
        }
        assert_eq!(stack.echo().received_at("/t02/head").len(), 2);
    }
}

/// A POST whose body and trailers arrive while its callout is pending, over HTTP/2.
fn pending_http2(stack: &Stack, gate: &Gate, path: &str, decision: &Value) -> Response {
    let connection = Http2::open(stack.address()).unwrap();
    let mut stream = connection.start(&json_post(path, Protocol::Http2), false).unwrap();
    stack.fake().wait_for_call(path, SOON).unwrap();
    stream.data("one", false).unwrap();
    stack.settle();
    stream.data("two", false).unwrap();
    stream.trailers(&vec![("x-last".to_owned(), b"1".to_vec())]).unwrap();
    stack.settle();
    assert_eq!(stack.echo().received_at(path), [], "before the decision");
    gate.decide(path, decision.clone());
    stream.response().unwrap()
}

/// The same over HTTP/1.1.
fn pending_http1(stack: &Stack, gate: &Gate, path: &str, decision: &Value) -> Response {
    let mut connection = Connection::open(stack.address()).unwrap();
    let bytes = json_post(path, Protocol::Http1).frames(["one", "two"]).trailer("x-last", "1").to_bytes();
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    connection.write(&bytes[..head]).unwrap();
    stack.fake().wait_for_call(path, SOON).unwrap();
    connection.write(&bytes[head..head + 5]).unwrap();
    stack.settle();
    connection.write(&bytes[head + 5..]).unwrap();
    stack.settle();
    assert_eq!(stack.echo().received_at(path), [], "before the decision");
    gate.decide(path, decision.clone());
    connection.response("POST").unwrap()
}

#[test]
fn t03_nothing_of_a_post_passes_while_its_callout_is_pending() {
    for stop_iteration in [true, false] {
        let stack = turn(&remote(), stop_iteration);
        let gate = Gate::default();
        stack.fake().set(Mode::Held(gate.clone()));
        for (protocol, exchange) in [("h1", pending_http1 as fn(&_, &_, &_, &_) -> _), ("h2", pending_http2)] {
            let path = format!("/t03/{stop_iteration}/{protocol}");
            let reply = exchange(&stack, &gate, &format!("{path}/allow"), &json!(true));
            let upstream = reply.upstream();
            assert_eq!((upstream.body_text().as_str(), upstream.trailers.len()), ("onetwo", 1), "{path}");
            let reply = exchange(&stack, &gate, &format!("{path}/deny"), &json!(false));
            assert_eq!(reply.status, 403, "{path}");
        }
        stack.settle();
        let arrived = stack.echo().received_at("/t03");
        assert!(arrived.iter().all(|request| request.path.ends_with("/allow")), "{arrived:#?}");
    }
}

#[test]
fn t03_a_body_that_was_read_stays_held_while_its_callout_is_pending() {
    let configuration =
        and(&remote(), json!({"with_request_body": {"max_request_bytes": 10, "allow_partial_message": true}}));
    let stack = turn(&configuration, true);
    let gate = Gate::default();
    stack.fake().set(Mode::Held(gate.clone()));
    for (path, decision) in [("/t03/partial/allow", json!(true)), ("/t03/partial/deny", json!(false))] {
        let connection = Http2::open(stack.address()).unwrap();
        let mut stream = connection.start(&json_post(path, Protocol::Http2), false).unwrap();
        stream.data("0123456789", false).unwrap();
        stack.settle();
        assert_eq!(stack.fake().calls().iter().filter(|call| call.asked_path() == path).count(), 0, "not at the limit");
        stream.data("abc", false).unwrap();
        let call = stack.fake().wait_for_call(path, SOON).unwrap();
        assert_eq!(call.body["input"]["attributes"]["request"]["http"]["body"], "0123456789");
        // The rest arrives while the decision is pending.
        stream.data("def", false).unwrap();
        stream.trailers(&vec![("x-last".to_owned(), b"1".to_vec())]).unwrap();
        stack.settle();
        assert_eq!(stack.echo().received_at(path), [], "before the decision");
        gate.decide(path, decision.clone());
        let reply = stream.response().unwrap();
        if decision == true {
            let upstream = reply.upstream();
            assert_eq!((upstream.body_text().as_str(), upstream.trailers.len()), ("0123456789abcdef", 1));
        } else {
            assert_eq!(reply.status, 403);
        }
    }
    stack.settle();
    assert_eq!(stack.echo().received_at("/t03/partial/deny"), []);
}

#[test]
fn t04_without_the_flag_a_header_policy_decides_posts_of_every_shape() {
    let stack = turn(&users(), false);
    let large = "x".repeat(300_000);
    for protocol in BOTH {
        let post = || json_post("/t04", protocol);
        let shapes = [post(), post().body(""), post().body("one"), post().frames(["one", "two"]), post().body(&large)];
        for shape in shapes {
            assert_eq!(stack.send(&shape.clone().header("x-user", "mallory")).status, 403);
            assert_eq!(stack.send(&shape.header("x-user", "alice")).status, 200);
        }
    }
    assert_eq!(stack.echo().received_at("/t04").len(), 10);
    assert!(stack.echo().received_at("/t04").iter().any(|request| request.body.len() == large.len()));
}

const UNAVAILABLE: &str = "opa_evaluation_errors_total.implementation.none.reason.body_unavailable";

#[test]
fn t04_without_the_flag_a_request_with_a_body_is_denied_and_nothing_of_it_leaks() {
    let configuration = and(&bodies(), json!({"failure_mode_allow": true, "status_on_error": {"code": 503}}));
    for protocol in BOTH {
        let stack = turn(&configuration, false);
        let post = || json_post("/t04/a", protocol);
        let shapes = [
            post().body(GOOD.concat()),
            post().body("x".repeat(300_000)),
            post().frames(GOOD).trailer("x-last", "1"),
            post().header("expect", "100-continue").body(GOOD.concat()),
            Request::post("/t04/a")
                .protocol(protocol)
                .header("content-type", "application/grpc")
                .frames(["\0\0\0\0\0"]),
        ];
        // The first finds out how the flag stands; the others are answered at once.
        for (number, shape) in shapes.iter().enumerate() {
            let begun = Instant::now();
            let reply = stack.send(shape);
            let (grpc, seconds) = (number == 4, begun.elapsed().as_secs());
            assert_eq!(
                (reply.status, reply.text().as_str()),
                (if grpc { 200 } else { 503 }, ""),
                "{number}: {reply:?}"
            );
            assert!(if number == 0 { seconds < 5 } else { seconds < 1 }, "{number} took {seconds} s");
        }
        assert!(stack.stat(&format!("wasmcustom.{UNAVAILABLE}")) >= 5);
        assert_eq!(
            stack.send(&Request::get("/t04-head").protocol(protocol)).status,
            200,
            "without a body it is decided"
        );
        stack.settle();
        assert_eq!(stack.echo().received_at("/t04/"), []);
        let line = stack.envoy().wait_for_access(|line| line["error"] == "none:body_unavailable").unwrap();
        assert_eq!((&line["details"], &line["allowed"]), (&json!("sark_error"), &Value::Null));
        assert!(stack.envoy().log_contains("with_request_body needs allow_on_headers_stop_iteration: true"));
    }
}

#[test]
fn t04_without_the_flag_a_body_that_never_comes_is_no_reason_to_deny_the_next_one() {
    let stack = turn(&bodies(), false);
    let earlier = before(&stack);
    // Waits for a body of which nothing comes: that says nothing about the flag.
    let mut idle = Connection::open(stack.address()).unwrap();
    idle.write("POST /t04/idle HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(3_500));
    assert_eq!(before(&stack), earlier, "nobody was denied");
    // Now a part of it comes and is kept back.
    idle.write("1234").unwrap();
    assert_eq!(idle.response("POST").unwrap().status, 403);
    assert_eq!(before(&stack), earlier + 1);
    stack.settle();
    assert_eq!(stack.echo().received_at("/t04/"), []);
}

fn before(stack: &Stack) -> u64 {
    stack.stat(&format!("wasmcustom.{UNAVAILABLE}"))
}

#[test]
fn t04_with_the_flag_a_slow_body_is_waited_for() {
    let stack = turn(&bodies(), true);
    let earlier = before(&stack);
    for path in ["/t04/slow/1", "/t04/slow/2"] {
        let mut slow = Connection::open(stack.address()).unwrap();
        let text = GOOD.concat();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            text.len()
        );
        slow.write(head).unwrap();
        std::thread::sleep(Duration::from_millis(2_500));
        slow.write(&text[..5]).unwrap();
        std::thread::sleep(Duration::from_millis(2_500));
        slow.write(&text[5..]).unwrap();
        assert_eq!(slow.response("POST").unwrap().status, 200);
    }
    assert_eq!(before(&stack), earlier);
}

#[test]
fn a_body_of_3_mb_is_answered_413() {
    let large = "x".repeat(3_000_000);
    let stack = turn(&bodies(), true);
    for protocol in BOTH {
        // By the filter, which says so as soon as it is too large.
        for request in [json_post("/413/a", protocol).body(&large), json_post("/413/a", protocol).frames([&large])] {
            assert_eq!(stack.send(&request).status, 413);
        }
    }
    assert_eq!(stack.envoy().access_of("/413/a").unwrap()["details"], "sark_body_too_large");
    // By Envoy, whose buffer is smaller than the filter's limit; then the filter is called no more (envoy#36989).
    stack.push(&and(&bodies(), json!({"with_request_body": {"max_request_bytes": 4_000_000}}))).accepted();
    for protocol in BOTH {
        let reply = stack.send(&json_post("/413/b", protocol).frames([&large]));
        assert_eq!(reply.status, 413, "{protocol:?}: {reply:?}");
    }
    assert_eq!(stack.envoy().access_of("/413/b").unwrap()["details"], "request_payload_too_large");
    assert_eq!(stack.echo().received_at("/413"), []);
    assert!(stack.envoy().alive());
}

#[test]
fn a_body_too_large_for_envoy_while_a_callout_is_pending_is_answered_once() {
    let stack = turn(&remote(), true);
    let gate = Gate::default();
    stack.fake().set(Mode::Held(gate.clone()));
    let connection = Http2::open(stack.address()).unwrap();
    let mut stream = connection.start(&json_post("/413/pending", Protocol::Http2), false).unwrap();
    stack.fake().wait_for_call("/413/pending", SOON).unwrap();
    let _cut_off_by_the_reply = stream.data("x".repeat(3_000_000), true);
    assert_eq!(stream.head().unwrap().status, 413);
    // The decision comes after the reply: local reply and continue (envoy#13857).
    gate.decide("/413/pending", json!(true));
    stack.settle();
    assert_eq!(stack.echo().received_at("/413/pending"), []);
    gate.decide("/413/alive", json!(true));
    assert_eq!(stack.send(&Request::get("/413/alive")).status, 200);
}

#[test]
fn a_body_in_single_bytes_is_decided_when_it_is_whole() {
    let stack = turn(&bodies(), true);
    for (path, text, expected) in [("/bytes/good", GOOD.concat(), 200), ("/bytes/evil", EVIL.concat(), 403)] {
        let bytes: Vec<_> = text.bytes().map(|byte| [byte]).collect();
        for protocol in BOTH {
            assert_eq!(stack.send(&json_post(path, protocol).frames(&bytes)).status, expected);
        }
        let connection = Http2::open(stack.address()).unwrap();
        let mut stream = connection.start(&json_post(path, Protocol::Http2), false).unwrap();
        for (number, byte) in bytes.iter().enumerate() {
            stream.data(byte, false).unwrap();
            if number % 8 == 0 {
                stack.settle();
                assert!(stack.echo().received_at(path).iter().all(|request| request.complete));
            }
        }
        stream.data("", true).unwrap();
        assert_eq!(stream.response().unwrap().status, expected);
    }
    assert_eq!(stack.echo().received_at("/bytes/evil"), []);
}

#[test]
fn empty_bodies_of_every_shape_are_decided() {
    let rules = "default result := false\n\nresult if input.attributes.request.http.headers[\"x-user\"] == \"alice\"\n";
    let stack = turn(&and(&of(rules), json!({"with_request_body": {"max_request_bytes": 10}})), true);
    for protocol in BOTH {
        for method in ["POST", "GET", "HEAD", "DELETE", "OPTIONS"] {
            let request = || Request::new(method, "/empty").protocol(protocol);
            let none: [&str; 0] = [];
            for shape in [request(), request().body(""), request().frames(none), request().frames([""])] {
                assert_eq!(stack.send(&shape.clone().header("x-user", "mallory")).status, 403, "{method}");
                assert_eq!(stack.send(&shape.header("x-user", "alice")).status, 200, "{method}");
            }
        }
    }
}
