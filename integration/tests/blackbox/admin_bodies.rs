//! Where an admin request has its arguments: in a body that comes in pieces, with trailers, too large or not at all, or
//! in the query. Whatever comes, nothing of it reaches the upstream.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use sark_integration::configuration::and;
use sark_integration::envoy::bootstrap::wasm_filter;
use sark_integration::operator::{self, WRITER};
use sark_integration::shared::{Shared, Turn};
use sark_integration::{Connection, Http2, Mode, Protocol, Request, Response, Sending, Stack};
use serde_json::{Value, json};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

static STACK: Shared = Shared::new(|| {
    let stack = Stack::sark(allowing(0))
        .fake(Mode::Decision(json!(true)))
        .options(|options| options.http1_trailers = true)
        .start();
    Mutex::new(stack)
});

/// Everything is allowed: what does not reach the upstream was not kept away by a policy. `number`: one makes another
/// configuration of it, which knows nothing of bodies yet.
fn allowing(number: u32) -> Value {
    and(&operator::configuration("result := true"), json!({"limits": {"evaluation_steps": 100_000 + number}}))
}

fn turn(stop_iteration: bool, number: u32) -> Turn<'static> {
    let stack = STACK.with(&allowing(1000));
    let mut options = stack.envoy().options();
    options.stop_iteration = stop_iteration;
    let filter = wasm_filter(&options, &allowing(number).to_string()).unwrap();
    stack.envoy().push_filter(filter).unwrap().accepted();
    stack
}

fn update(percentage: &str) -> String {
    format!(r#"{{"feature": "rust_opa", "percentage": {percentage}}}"#)
}

fn post() -> Request {
    operator::request("POST", "/admin/rollout/update")
}

#[track_caller]
fn assert_refused(reply: &Response, status: u16, code: &str) {
    assert_eq!((reply.status, &reply.json()["error"]["code"]), (status, &json!(code)), "{reply:?}");
}

#[test]
fn a_body_may_come_in_pieces_and_end_with_trailers() {
    let stack = turn(true, 0);
    for protocol in BOTH {
        let body = update("7.25");
        let (begin, end) = body.split_at(20);
        let shapes = [
            post().body(&body),
            post().frames([&body]),
            post().frames([begin, end]),
            post().frames([begin, end, ""]),
            post().frames([begin, end]).trailer("x-last", "1"),
            post().frames(body.split_inclusive(|_| true)),
            post().header("content-type", "application/json").body(&body),
            post().header("expect", "100-continue").body(&body),
            post().body(body.replace(' ', "\r\n\t ")),
        ];
        for (number, shape) in shapes.into_iter().enumerate() {
            assert_eq!(stack.send(&operator::rollback("rust_opa")).status, 200);
            let reply = stack.send(&shape.protocol(protocol));
            assert_eq!(reply.status, 200, "{number} {protocol:?}: {reply:?}");
            assert_eq!(operator::in_force(&stack), json!(7.25), "{number} {protocol:?}");
        }
    }
    stack.settle();
    assert!(stack.echo().received_at("/admin").is_empty());
}

#[test]
fn a_change_is_made_when_the_body_is_whole_and_not_before() {
    let stack = turn(true, 0);
    for protocol in BOTH {
        assert_eq!(stack.send(&operator::rollback("rust_opa")).status, 200);
        let body = update("9");
        let (begin, end) = body.split_at(body.len() - 1);
        let head = match protocol {
            Protocol::Http1 => post().header("content-length", body.len().to_string()),
            Protocol::Http2 => post(),
        };
        let mut sending = Sending::begin(stack.address(), protocol, &head, false).unwrap();
        sending.data(begin, false).unwrap();
        stack.settle();
        assert_eq!(operator::in_force(&stack), json!(0), "{protocol:?}");
        sending.data(end, true).unwrap();
        assert_eq!(sending.status().unwrap(), 200);
        assert_eq!(operator::in_force(&stack), json!(9), "{protocol:?}");
    }
}

#[test]
fn a_client_that_goes_away_changes_nothing() {
    let stack = turn(true, 0);
    assert_eq!(stack.send(&operator::update("rust_opa", 3.0)).status, 200);
    for protocol in BOTH {
        let head = match protocol {
            Protocol::Http1 => post().header("content-length", "100"),
            Protocol::Http2 => post(),
        };
        let mut sending = Sending::begin(stack.address(), protocol, &head, false).unwrap();
        sending.data(&update("99"), false).unwrap();
        stack.settle();
        sending.abort().unwrap();
        stack.settle();
        assert_eq!(operator::in_force(&stack), json!(3), "{protocol:?}");
    }
    assert_eq!(stack.stat("wasmcustom.sark_host_errors_total"), 0);
}

#[test]
fn a_body_of_more_than_4096_bytes_is_answered_413_at_once() {
    let stack = turn(true, 0);
    for protocol in BOTH {
        let largest = format!("{}{}", update("6"), " ".repeat(4096 - update("6").len()));
        assert_eq!(stack.send(&post().protocol(protocol).body(&largest)).status, 200);
        let larger = format!("{largest} ");
        assert_refused(&stack.send(&post().protocol(protocol).body(&larger)), 413, "too_large");
        assert_refused(&stack.send(&post().protocol(protocol).frames([&larger])), 413, "too_large");
        assert_refused(&stack.send(&post().protocol(protocol).body("x".repeat(3_000_000))), 413, "too_large");
        // Announced, and never sent.
        if protocol == Protocol::Http1 {
            let mut connection = Connection::open(stack.address()).unwrap();
            let head = format!(
                "POST /admin/rollout/update HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {WRITER}\r\ncontent-length: 4097\r\n\r\n"
            );
            connection.write(head).unwrap();
            assert_refused(&connection.response("POST").unwrap(), 413, "too_large");
        }
        // Without a token it is not even looked at.
        let anonymous = Request::post("/admin/rollout/update").protocol(protocol).body(&larger);
        assert_refused(&stack.send(&anonymous), 401, "unauthorized");
    }
    stack.settle();
    assert!(stack.echo().received_at("/admin").is_empty());
}

#[test]
fn without_bodies_the_arguments_stand_in_the_query() {
    // The flag makes no difference.
    for (number, stop_iteration) in [(1, true), (2, false)] {
        let stack = turn(stop_iteration, number);
        for protocol in BOTH {
            let ask = |query: &str| {
                let target = format!("/admin/rollout/update?{query}");
                stack.send(&operator::request("POST", &target).protocol(protocol))
            };
            let begun = Instant::now();
            assert_eq!(ask("feature=rust_opa&percentage=12.5").status, 200);
            assert_eq!(operator::in_force(&stack), json!(12.5));
            assert_eq!(ask("percentage=50&feature=rust%5fopa&ttl=60").status, 200);
            for query in [
                "feature=rust_opa",
                "feature=rust_opa&percentage=5&percentage=6",
                "x=1",
                "feature=rust_opa;percentage=5",
            ] {
                assert_refused(&ask(query), 400, "bad_request");
            }
            // A body beside it.
            let both = operator::request("POST", "/admin/rollout/rollback?feature=rust_opa").protocol(protocol);
            assert_refused(&stack.send(&both.body("{}")), 400, "bad_request");
            let rollback = operator::request("POST", "/admin/rollout/rollback?feature=rust_opa").protocol(protocol);
            assert_eq!(stack.send(&rollback).status, 200);
            assert_eq!(stack.send(&operator::request("POST", "/admin/cache/cleanup").protocol(protocol)).status, 200);
            assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        }
    }
}

#[test]
fn where_envoy_hands_no_body_over_a_body_is_answered_411() {
    let stack = turn(false, 3);
    let rollback = "/admin/rollout/rollback?feature=rust_opa";
    assert_eq!(stack.send(&operator::request("POST", rollback)).status, 200);
    for protocol in BOTH {
        for number in 0..3 {
            let begun = Instant::now();
            let reply = stack.send(&post().protocol(protocol).body(update("5")));
            assert_refused(&reply, 411, "length_required");
            assert!(reply.text().contains("query parameters"), "{reply:?}");
            // Nothing tells a filter how the flag stands: the first one finds out.
            let first = protocol == BOTH[0] && number == 0;
            let bound = Duration::from_millis(if first { 4_000 } else { 500 });
            println!("411 after {:?}", begun.elapsed());
            assert!(begun.elapsed() < bound, "{protocol:?} {number}: {:?}", begun.elapsed());
        }
    }
    assert_eq!(operator::in_force(&stack), json!(0));
    assert_eq!(stack.send(&operator::request("POST", rollback)).status, 200, "the query still works");
    stack.settle();
    assert!(stack.echo().received_at("/admin").is_empty());
    let line = stack.envoy().wait_for_access(|line| line["admin"] == "update:length_required").unwrap();
    assert_eq!((&line["details"], &line["admin_by"]), (&json!("sark_admin"), &json!("writer")));
}

#[test]
fn an_empty_body_that_is_kept_back_does_not_hang() {
    let stack = turn(false, 4);
    let begun = Instant::now();
    let chunked = post().frames::<&str>([]).limit(Duration::from_secs(20));
    assert_refused(&stack.send(&chunked), 411, "length_required");
    println!("411 after {:?}", begun.elapsed());
    // That says nothing about bodies that have something in them.
    let connection = Http2::open(stack.address()).unwrap();
    let mut stream = connection.start(&post().h2(), false).unwrap();
    stream.data(update("5"), true).unwrap();
    assert_eq!(stream.response().unwrap().status, 411);
}
