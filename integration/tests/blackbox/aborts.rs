//! Calls that nobody waits for any more, and calls that are too many.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use sark_integration::{Connection, Mode, Protocol, Request, Sending, Shared, Stack, Turn, configuration, wait};
use serde_json::{Value, json};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];
const PATIENCE: Duration = Duration::from_secs(10);
const IN_FLIGHT: &str = "wasmcustom.sark_callouts_in_flight";
const OVERLOADED: &str = "wasmcustom.opa_evaluation_errors_total.implementation.remote.reason.overloaded";

// One worker: the limit is each worker's own.
static STACK: Shared = Shared::new(|| Mutex::new(Stack::sark(configuration(1024, "5s")).fake(Mode::Hang).start()));
/// For small limits: what the others abandon counts until its deadline, over pushes too.
static LIMITED: Shared = Shared::new(|| Mutex::new(Stack::sark(configuration(1, "5s")).fake(Mode::Hang).start()));

fn configuration(max_in_flight: u32, timeout: &str) -> Value {
    json!({
        "remote": {"cluster": "opa", "timeout": timeout, "max_in_flight": max_in_flight},
        "features": {"rust_opa": {"enabled": false}},
        "with_request_body": {"max_request_bytes": 1000},
    })
}

/// Sends a request and waits until OPA has been asked: its client waits for the decision.
fn held(stack: &Turn<'_>, protocol: Protocol, request: &Request) -> Sending {
    let asked = stack.fake().count();
    let held = Sending::begin(stack.address(), protocol, request, true).unwrap();
    stack.fake().wait_for_calls(asked + 1, PATIENCE).unwrap();
    held
}

#[track_caller]
fn assert_nothing_is_left(stack: &Turn<'_>) {
    stack.envoy().wait_for_stat(IN_FLIGHT, 0).unwrap();
    stack.envoy().wait_for_stat("http.ingress.downstream_rq_active", 0).unwrap();
    assert!(stack.echo().received_at("/aborted").is_empty(), "{:?}", stack.echo().received());
}

#[test]
fn a_client_that_aborts_leaves_nothing_behind() {
    for protocol in BOTH {
        let stack = STACK.with(&configuration(1024, "5s"));
        // The answer comes, and allows, when the client is gone.
        stack.fake().set(Mode::after(Duration::from_millis(1500), Mode::Decision(json!(true))));
        let answered = stack.stat("cluster.opa.upstream_rq_200");
        let held = held(&stack, protocol, &Request::get("/aborted"));
        stack.envoy().wait_for_stat(IN_FLIGHT, 1).unwrap();
        assert_eq!(stack.stat("http.ingress.downstream_rq_active"), 1);
        held.abort().unwrap();
        assert_nothing_is_left(&stack);

        stack.envoy().wait_for_stat("cluster.opa.upstream_rq_200", answered + 1).unwrap();
        stack.fake().set(Mode::Decision(json!(true)));
        assert_eq!(stack.send(&Request::get("/next")).status, 200, "the worker serves on");
        assert_nothing_is_left(&stack);
        assert_eq!(stack.echo().count(), 1);
        assert_eq!(stack.stat("wasmcustom.sark_host_errors_total"), 0);
    }
}

#[test]
fn a_client_that_aborts_in_its_body_asks_nobody() {
    let stack = STACK.with(&configuration(1024, "5s"));
    let mut connection = Connection::open(stack.address()).unwrap();
    connection.write("POST /aborted HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345").unwrap();
    stack.envoy().wait_for_stat("http.ingress.downstream_rq_active", 1).unwrap();
    connection.abort().unwrap();
    assert_nothing_is_left(&stack);
    assert_eq!(stack.fake().count(), 0);
}

#[test]
fn many_aborts_leave_as_little_as_one() {
    let stack = STACK.with(&configuration(1024, "1s"));
    stack.fake().set(Mode::Hang);
    for protocol in BOTH {
        let held: Vec<_> =
            (0..50).map(|_| held(&stack, protocol, &Request::get("/aborted").protocol(protocol))).collect();
        stack.envoy().wait_for_stat(IN_FLIGHT, 50).unwrap();
        held.into_iter().for_each(|held| held.abort().unwrap());
        assert_nothing_is_left(&stack);
    }
    stack.fake().set(Mode::Decision(json!(true)));
    assert_eq!(stack.send(&Request::get("/next")).status, 200);
    assert_nothing_is_left(&stack);
}

#[test]
fn an_abandoned_call_counts_against_the_limit_until_its_deadline() {
    for protocol in BOTH {
        let deadline = Duration::from_millis(2500);
        let stack = LIMITED.with(&configuration(1, "2.5s"));
        stack.fake().set(Mode::Hang);
        let rejected = stack.stat(OVERLOADED);
        let started = Instant::now();
        held(&stack, protocol, &Request::get("/aborted")).abort().unwrap();
        assert_nothing_is_left(&stack);

        stack.fake().set(Mode::Decision(json!(true)));
        assert_eq!(stack.send(&Request::get("/refused")).status, 403, "the place is taken until the deadline");
        assert!(started.elapsed() < deadline, "this machine is too slow for this test");
        stack.envoy().wait_for_stat(OVERLOADED, rejected + 1).unwrap();
        assert_eq!(stack.fake().count(), 1, "OPA was not asked a second time");

        wait::until(PATIENCE, "there is a place again", || {
            (stack.send(&Request::get("/again")).status == 200).then_some(())
        })
        .unwrap();
        let took = started.elapsed();
        assert!(took >= deadline.mul_f64(0.9), "the place was free after {took:?}");
        assert_nothing_is_left(&stack);
    }
}

#[test]
fn max_in_flight_calls_are_open_at_once_and_one_more_is_overloaded() {
    let stack = LIMITED.with(&configuration(2, "6s"));
    stack.fake().set(Mode::after(Duration::from_millis(2500), Mode::Decision(json!(true))));
    let held: Vec<_> = BOTH.map(|protocol| held(&stack, protocol, &Request::get("/held").protocol(protocol))).into();
    let counts = [
        ("sark_decisions_total.implementation.none.result.failure_mode_deny", 1),
        ("feature_flag_assignments_total.feature.rust_opa.implementation.remote", 1),
        ("opa_evaluation_errors_total.implementation.remote.reason.overloaded", 1),
    ];
    stack.assert_counts(&counts, || assert_eq!(stack.send(&Request::get("/third")).status, 403));
    assert!(stack.echo().received().is_empty());
    for held in held {
        assert_eq!(held.status().unwrap(), 200, "those that had a place are decided");
    }
    assert_eq!(stack.fake().count(), 2);
    // Answered calls give their places back at once.
    stack.fake().set(Mode::Decision(json!(true)));
    for _ in 0..5 {
        assert_eq!(stack.send(&Request::get("/later")).status, 200);
    }
    stack.envoy().wait_for_stat(IN_FLIGHT, 0).unwrap();
}

#[test]
fn failed_calls_give_their_places_back() {
    let stack = LIMITED.with(&configuration(1, "0.1s"));
    for mode in [Mode::Hang, Mode::Garbage, Mode::Reset, Mode::Half, Mode::Undefined] {
        stack.fake().set(mode);
        assert_eq!(stack.send(&Request::get("/failing")).status, 403);
        stack.fake().set(Mode::Decision(json!(true)));
        assert_eq!(stack.send(&Request::get("/next")).status, 200);
    }
    let nowhere = configuration::and(&configuration(1, "0.1s"), json!({"remote": {"cluster": "nowhere"}}));
    stack.push(&nowhere).accepted();
    assert_eq!(stack.send(&Request::get("/failing")).status, 403);
    stack.push(&configuration(1, "0.1s")).accepted();
    assert_eq!(stack.send(&Request::get("/next")).status, 200);
}
