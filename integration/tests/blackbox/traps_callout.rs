//! Callouts to the remote OPA and everything that can go wrong with them: nothing passes without its answer.

use std::sync::Mutex;
use std::time::Duration;

use sark_integration::configuration::{and, of};
use sark_integration::shared::Shared;
use sark_integration::wait::SOON;
use sark_integration::{Connection, Gate, Http2, Mode, Remote, Request, Response, Stack};
use serde_json::{Value, json};

static STACK: Shared =
    Shared::new(|| Mutex::new(Stack::sark(remote("30s")).remote(Remote::Fake(Mode::Undefined)).start()));

/// Everybody is decided by the remote OPA.
fn remote(timeout: &str) -> Value {
    let remote = json!({
        "remote": {"cluster": "opa", "timeout": timeout},
        "features": {"rust_opa": {"enabled": false}},
        "status_on_error": {"code": 500},
    });
    and(&of("result := true\n"), remote)
}

fn in_flight(stack: &Stack) -> u64 {
    stack.stat("wasmcustom.sark_callouts_in_flight")
}

#[test]
fn a_callout_that_fails_in_any_way_lets_nothing_through() {
    let stack = STACK.with(&remote("0.3s"));
    let modes = [
        Mode::Garbage,
        Mode::Empty,
        Mode::Undefined,
        Mode::Reset,
        Mode::Close,
        Mode::Hang,
        Mode::Big(3_000_000),
        Mode::Reply(500, b"{\"result\": true}".to_vec()),
        Mode::Reply(201, b"{\"result\": true}".to_vec()),
        Mode::Reply(302, b"{\"result\": true}".to_vec()),
        Mode::Reply(200, b"{\"result\": true".to_vec()),
        Mode::Reply(200, b"{\"result\": true} {}".to_vec()),
        Mode::Reply(200, b"{\"result\": \"true\"}".to_vec()),
        Mode::Reply(200, b"{\"result\": 1}".to_vec()),
        Mode::Reply(200, b"{\"result\": {}}".to_vec()),
        Mode::Reply(200, b"{\"result\": {\"allowed\": \"true\"}}".to_vec()),
        Mode::Reply(200, b"{\"result\": {\"allow\": true}}".to_vec()),
        Mode::Reply(200, b"{\"result\": [true]}".to_vec()),
        Mode::Reply(200, b"{\"RESULT\": true}".to_vec()),
        Mode::after(Duration::from_millis(600), Mode::Decision(json!(true))),
    ];
    for (number, mode) in modes.into_iter().enumerate() {
        stack.fake().set(mode);
        for request in [Request::get("/failing"), Request::post("/failing").h2().frames(["one", "two"])] {
            assert_eq!(stack.send(&request).status, 500, "mode {number}");
        }
    }
    stack.fake().stop();
    assert_eq!(stack.send(&Request::get("/failing")).status, 500);
    stack.fake().set(Mode::Decision(json!(true)));
    stack.fake().listen().unwrap();
    assert_eq!(stack.echo().received_at("/failing"), []);
    assert_eq!(stack.send(&Request::get("/well-again")).status, 200);
    assert_eq!(in_flight(&stack), 0);
}

#[test]
fn a_cluster_that_is_missing_or_empty_lets_nothing_through() {
    for (remote_end, reason) in [(Remote::Missing, "dispatch_rejected"), (Remote::Empty, "dispatch_failed")] {
        let stack = Stack::sark(remote("1s")).remote(remote_end).start();
        for request in [Request::get("/nobody"), Request::post("/nobody").h2().frames(["one"]).trailer("x-last", "1")] {
            assert_eq!(stack.send(&request).status, 500);
        }
        assert_eq!(
            stack.stat(&format!("wasmcustom.opa_evaluation_errors_total.implementation.remote.reason.{reason}")),
            2
        );
        assert_eq!(stack.echo().count(), 0);
    }
}

#[test]
fn a_client_that_goes_away_leaves_nothing_behind() {
    let stack = STACK.with(&remote("30s"));
    let gate = Gate::default();
    stack.fake().set(Mode::Held(gate.clone()));
    let request = |path: &str| Request::post(path).frames(["one", "two"]);

    let mut reset = Connection::open(stack.address()).unwrap();
    reset.write(request("/gone/rst").to_bytes()).unwrap();
    let mut half = Connection::open(stack.address()).unwrap();
    half.write(request("/gone/fin").to_bytes()).unwrap();
    let mut started = Connection::open(stack.address()).unwrap();
    started.write("POST /gone/half HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345").unwrap();
    let connection = Http2::open(stack.address()).unwrap();
    let stream = connection.start(&request("/gone/h2").h2(), false).unwrap();
    let paths = ["/gone/rst", "/gone/fin", "/gone/half", "/gone/h2"];
    for path in paths {
        stack.fake().wait_for_call(path, SOON).unwrap();
    }
    assert_eq!(in_flight(&stack), 4);
    reset.abort().unwrap();
    half.finish().unwrap();
    started.abort().unwrap();
    stream.reset();
    stack.envoy().wait_for_stat("wasmcustom.sark_callouts_in_flight", 0).unwrap();
    for path in paths {
        gate.decide(path, json!(true));
    }
    stack.settle();
    assert_eq!(stack.echo().received_at("/gone"), []);
    // Others on the same connection and worker are served on.
    gate.decide("/stays", json!(true));
    assert_eq!(connection.exchange(&Request::get("/stays").h2()).unwrap().status, 200);
    assert_eq!(stack.send(&Request::get("/stays")).status, 200);
    assert_eq!(stack.stat("wasmcustom.sark_host_errors_total"), 0);
}

#[test]
fn a_reply_of_envoys_own_while_a_callout_is_pending_is_final() {
    let stack = Stack::sark(remote("30s"))
        .fake(Mode::Undefined)
        .edit(|tree| {
            let manager =
                &mut tree["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
            manager["request_timeout"] = json!("0.5s");
            manager["stream_idle_timeout"] = json!("1.5s");
        })
        .start();
    let gate = Gate::default();
    stack.fake().set(Mode::Held(gate.clone()));
    let connection = Http2::open(stack.address()).unwrap();
    let mut unfinished = connection.start(&Request::post("/own/unfinished").h2(), false).unwrap();
    let mut idle = connection.start(&Request::post("/own/idle").h2(), true).unwrap();
    for path in ["/own/unfinished", "/own/idle"] {
        stack.fake().wait_for_call(path, SOON).unwrap();
    }
    assert_eq!(unfinished.response().unwrap().status, 408);
    assert!([408, 504].contains(&idle.response().unwrap().status));
    for path in ["/own/unfinished", "/own/idle"] {
        gate.decide(path, json!(true));
    }
    stack.settle();
    assert_eq!(stack.echo().received_at("/own"), []);
    gate.decide("/after", json!(true));
    assert_eq!(connection.exchange(&Request::get("/after").h2()).unwrap().status, 200);
}

#[test]
fn answers_of_many_pending_callouts_are_not_mixed_up() {
    let stack = STACK.with(&remote("30s"));
    let gate = Gate::default();
    stack.fake().set(Mode::Held(gate.clone()));
    let connection = Http2::open(stack.address()).unwrap();
    let path = |number: usize| format!("/mixed/{number}");
    let mut streams: Vec<_> =
        (0..60).map(|number| connection.start(&Request::get(path(number)).h2(), true).unwrap()).collect();
    stack.fake().wait_for_calls(60, SOON).unwrap();
    assert_eq!(in_flight(&stack), 60);
    // Answered from the last to the first.
    for number in (0..60).rev() {
        let decision = json!({"allowed": number % 3 == 0, "headers": {"x-number": number.to_string()}});
        gate.decide(&path(number), decision);
    }
    for (number, stream) in streams.iter_mut().enumerate() {
        let reply: Response = stream.response().unwrap();
        assert_eq!(reply.status, if number % 3 == 0 { 200 } else { 403 });
        if number % 3 == 0 {
            let upstream = reply.upstream();
            assert_eq!(upstream.header("x-number"), Some(number.to_string()));
            assert_eq!(upstream.path, path(number));
        }
    }
    assert_eq!(stack.echo().received_at("/mixed").len(), 20);
    assert_eq!(in_flight(&stack), 0);
}

#[test]
fn pipelined_requests_wait_their_turn_while_the_first_is_pending() {
    let stack = STACK.with(&remote("30s"));
    let gate = Gate::default();
    stack.fake().set(Mode::Held(gate.clone()));
    let mut connection = Connection::open(stack.address()).unwrap();
    let three: Vec<u8> = ["/pipe/first", "/pipe/second", "/pipe/third"]
        .iter()
        .flat_map(|path| Request::post(*path).body("hello").to_bytes())
        .collect();
    connection.write(three).unwrap();
    stack.fake().wait_for_call("/pipe/first", SOON).unwrap();
    gate.decide("/pipe/second", json!(true));
    stack.settle();
    assert_eq!(stack.echo().received_at("/pipe"), []);
    gate.decide("/pipe/first", json!(false));
    assert_eq!(connection.response("POST").unwrap().status, 403);
    let second = connection.response("POST").unwrap().upstream();
    assert_eq!((second.path.as_str(), second.body_text().as_str()), ("/pipe/second", "hello"));
    gate.decide("/pipe/third", json!(false));
    assert_eq!(connection.response("POST").unwrap().status, 403);
    assert_eq!(stack.echo().received_at("/pipe").len(), 1);
}

#[test]
fn a_push_does_not_touch_a_request_whose_callout_is_pending() {
    for (old, new) in [(true, false), (false, true)] {
        let stack = STACK.with(&remote("30s"));
        let gate = Gate::default();
        stack.fake().set(Mode::Held(gate.clone()));
        let path = format!("/push/{old}");
        let connection = Http2::open(stack.address()).unwrap();
        let mut pending = connection.start(&Request::post(path.as_str()).h2(), false).unwrap();
        stack.fake().wait_for_call(&path, SOON).unwrap();

        stack.push(&of(&format!("result := {new}\n"))).accepted();
        let now = Request::get(format!("{path}/new")).h2();
        let expected = if new { 200 } else { 403 };
        assert_eq!(connection.exchange(&now).unwrap().status, expected, "the new one decides");
        pending.data("one", true).unwrap();
        stack.settle();
        let arrived = stack.echo().received_at(&path);
        assert!(arrived.iter().all(|request| request.path != path), "before the decision");

        gate.decide(&path, json!({"allowed": old, "http_status": 409}));
        let reply = pending.response().unwrap();
        if old {
            assert_eq!(reply.upstream().body_text(), "one");
        } else {
            assert_eq!(reply.status, 409);
        }
        assert_eq!(stack.fake().count(), 1);
        assert_eq!(connection.exchange(&now).unwrap().status, expected);
    }
}

#[test]
fn a_refused_push_does_not_touch_a_request_whose_callout_is_pending() {
    let stack = STACK.with(&remote("30s"));
    let gate = Gate::default();
    stack.fake().set(Mode::Held(gate.clone()));
    let connection = Http2::open(stack.address()).unwrap();
    let mut allowed = connection.start(&Request::get("/refused/a").h2(), true).unwrap();
    let mut denied = connection.start(&Request::get("/refused/b").h2(), true).unwrap();
    stack.fake().wait_for_calls(2, SOON).unwrap();
    assert!(stack.push(&json!({"remote": {}})).rejected().contains("missing field `cluster`"));
    gate.decide("/refused/a", json!(true));
    gate.decide("/refused/b", json!(false));
    assert_eq!((allowed.response().unwrap().status, denied.response().unwrap().status), (200, 403));
}

#[test]
fn too_many_open_callouts_let_nothing_through() {
    // A worker of its own: calls whose client went away count to their deadline.
    let gate = Gate::default();
    let configuration = and(&remote("30s"), json!({"remote": {"max_in_flight": 2}}));
    let stack = Stack::sark(configuration).fake(Mode::Held(gate.clone())).start();
    let connection = Http2::open(stack.address()).unwrap();
    let mut held: Vec<_> =
        ["/flight/a", "/flight/b"].map(|path| connection.start(&Request::get(path).h2(), true).unwrap()).into();
    stack.fake().wait_for_calls(2, SOON).unwrap();
    assert_eq!(stack.send(&Request::get("/flight/c")).status, 500);
    assert_eq!(stack.envoy().access_of("/flight/c").unwrap()["error"], "remote:overloaded");
    for path in ["/flight/a", "/flight/b", "/flight/d"] {
        gate.decide(path, json!(true));
    }
    assert!(held.iter_mut().all(|stream| stream.response().unwrap().status == 200));
    assert_eq!(stack.send(&Request::get("/flight/d")).status, 200);
    assert_eq!(stack.echo().received_at("/flight/c"), []);
}
