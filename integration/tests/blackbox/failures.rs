//! A remote OPA that is broken in every way: the failure mode, within the deadline, under the right reason.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use sark_integration::{Mode, Protocol, Request, Shared, Stack, Turn, configuration, ports};
use serde_json::{Value, json};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];
/// A busy machine may be this late.
const MARGIN: Duration = Duration::from_secs(2);

static STACK: Shared = Shared::new(|| Mutex::new(start()));

/// Beside `opa`, the fake, the clusters `dead` (nothing listens) and `empty` (no endpoint).
fn start() -> Stack {
    let dead = ports::free().unwrap();
    Stack::sark(configuration("opa", "10s"))
        .fake(Mode::Decision(json!(true)))
        .edit(move |tree| {
            let clusters = tree.pointer_mut("/static_resources/clusters").and_then(Value::as_array_mut).unwrap();
            let opa = clusters.iter().find(|cluster| cluster["name"] == "opa").unwrap().clone();
            let address = json!({"socket_address": {"address": "127.0.0.1", "port_value": dead}});
            for (name, endpoints) in [("dead", json!([{"endpoint": {"address": address}}])), ("empty", json!([]))] {
                let load = json!({"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]});
                clusters.push(configuration::and(&opa, json!({"name": name, "load_assignment": load})));
            }
        })
        .start()
}

fn configuration(cluster: &str, timeout: &str) -> Value {
    json!({
        "remote": {"cluster": cluster, "timeout": timeout},
        "features": {"rust_opa": {"enabled": false}},
        "debug_header": "x-decided-by",
    })
}

/// No failure mode lets such a request through: what makes the reply large may be the client's.
const OPA_HAS_DECIDED: &str = "too_large";

/// Asserts that one request ends as documented for this reason, in both failure modes, and how long it takes.
#[track_caller]
fn assert_fails(configuration: &Value, mode: &Mode, reason: &str, between: [Duration; 2]) {
    for (protocol, allow) in BOTH.into_iter().zip([false, true]) {
        let stack = STACK.with(&configuration::and(configuration, json!({"failure_mode_allow": allow})));
        stack.fake().set(mode.clone());
        assert_one_failure(&stack, protocol, reason, allow && reason != OPA_HAS_DECIDED, between);
        stack.fake().set(Mode::Decision(json!(true)));
    }
}

#[track_caller]
fn assert_one_failure(stack: &Turn<'_>, protocol: Protocol, reason: &str, allow: bool, between: [Duration; 2]) {
    let path = format!("/failing/{reason}/{allow}/{}", stack.envoy().access_log().len());
    let result = if allow { "failure_mode_allow" } else { "failure_mode_deny" };
    let counts = [
        (&*format!("sark_decisions_total.implementation.none.result.{result}"), 1),
        ("feature_flag_assignments_total.feature.rust_opa.implementation.remote", 1),
        (&format!("opa_evaluation_errors_total.implementation.remote.reason.{reason}"), 1),
    ];
    stack.assert_counts(&counts, || {
        let started = Instant::now();
        let reply = stack.send(&Request::get(format!("{path}?q")).protocol(protocol).header("x-keep", "1"));
        let took = started.elapsed();
        assert!(between[0] <= took && took <= between[1], "{reason} took {took:?}, not {between:?}");
        assert_eq!(reply.header("x-decided-by").as_deref(), Some("none"), "{reason}: {reply:?}");
        if allow {
            assert_eq!(reply.status, 200, "{reason}");
            let upstream = reply.upstream();
            assert_eq!(
                (upstream.path, upstream.headers.len()),
                (format!("{path}?q"), UPSTREAM_HEADERS),
                "{reason}: unchanged"
            );
        } else {
            assert_eq!((reply.status, reply.text().as_str()), (403, ""), "{reason}: the client is not told");
            let told = format!("{reply:?}").contains(reason);
            assert!(!told, "{reply:?}");
            assert!(stack.echo().received().is_empty(), "{reason}");
        }
    });
    let line = stack.envoy().access_of(&format!("{path}?q")).unwrap();
    assert_eq!(line["error"], format!("remote:{reason}"));
    assert_eq!(line["details"], if allow { "via_upstream" } else { "sark_error" }, "{reason}");
    assert_eq!(line["allowed"], if allow { json!("1") } else { Value::Null }, "{reason}");
    assert_eq!(stack.stat("wasmcustom.sark_callouts_in_flight"), 0, "{reason}");
}

/// `host`, `x-keep` and Envoy's five.
const UPSTREAM_HEADERS: usize = 7;

/// Long before the deadline of 10 seconds.
const AT_ONCE: [Duration; 2] = [Duration::ZERO, Duration::from_secs(5)];

#[track_caller]
fn assert_answer_fails(mode: &Mode, reason: &str) {
    assert_fails(&configuration("opa", "10s"), mode, reason, AT_ONCE);
}

#[test]
fn a_missing_cluster_is_dispatch_rejected() {
    assert_fails(&configuration("nowhere", "10s"), &Mode::Hang, "dispatch_rejected", AT_ONCE);
}

#[test]
fn a_cluster_without_endpoints_is_dispatch_failed() {
    assert_fails(&configuration("empty", "10s"), &Mode::Hang, "dispatch_failed", AT_ONCE);
}

#[test]
fn a_dead_opa_is_status_503() {
    assert_fails(&configuration("dead", "10s"), &Mode::Hang, "status_503", AT_ONCE);
}

#[test]
fn statuses_other_than_200_do_not_decide() {
    let allowing = || br#"{"result":true}"#.to_vec();
    for (status, reason) in
        [(500, "status_other"), (201, "status_other"), (403, "status_other"), (503, "status_503"), (504, "status_504")]
    {
        assert_answer_fails(&Mode::Reply(status, allowing()), reason);
    }
}

#[test]
fn what_is_not_opas_json_is_bad_json() {
    assert_answer_fails(&Mode::Garbage, "bad_json");
    assert_answer_fails(&Mode::Empty, "bad_json");
    for body in
        ["true", "[]", r#"[{"result":true}]"#, r#"{"result":true"#, r#"{"result":true}x"#, "\u{feff}{\"result\":true}"]
    {
        assert_answer_fails(&Mode::Reply(200, body.as_bytes().to_vec()), "bad_json");
    }
}

#[test]
fn an_answer_without_a_result_is_undefined() {
    assert_answer_fails(&Mode::Undefined, "undefined");
    assert_answer_fails(&Mode::Reply(200, br#"{"decision_id":"1","Result":true}"#.to_vec()), "undefined");
}

#[test]
fn a_result_that_is_no_decision_is_bad_result() {
    for result in [json!(null), json!("true"), json!(1), json!({}), json!({"allow": true}), json!({"allowed": "true"})]
    {
        assert_answer_fails(&Mode::Decision(result), "bad_result");
    }
}

#[test]
fn three_megabytes_are_too_large() {
    assert_answer_fails(&Mode::Big(3_000_000), "too_large");
}

#[test]
fn max_reply_bytes_is_the_last_length_that_is_read() {
    let limit = configuration::and(&configuration("opa", "10s"), json!({"remote": {"max_reply_bytes": 1000}}));
    assert_fails(&limit, &Mode::Big(1001), "too_large", AT_ONCE);
    let stack = STACK.with(&limit);
    stack.fake().set(Mode::Big(1000));
    assert_eq!(stack.send(&Request::get("/")).status, 200);
}

#[test]
fn a_reply_that_breaks_off_is_reset() {
    assert_answer_fails(&Mode::Half, "reset");
}

#[test]
fn a_reply_larger_than_envoy_buffers_is_reset() {
    let limit = configuration::and(&configuration("opa", "60s"), json!({"remote": {"max_reply_bytes": 16_777_216}}));
    assert_fails(&limit, &Mode::Big(40_000_000), "reset", [Duration::ZERO, Duration::from_secs(20)]);
}

#[test]
fn a_connection_that_closes_without_an_answer_is_status_503() {
    // Envoy answers such a call itself; only a reply that has begun can break off.
    for mode in [Mode::Reset, Mode::Close] {
        assert_answer_fails(&mode, "status_503");
    }
}

#[test]
fn no_answer_is_a_timeout_at_the_configured_deadline() {
    for milliseconds in [100, 400] {
        let deadline = Duration::from_millis(milliseconds);
        // Envoy's timers may fire a little early.
        let between = [deadline.mul_f64(0.9), deadline + MARGIN];
        let configuration = configuration("opa", &format!("{}s", deadline.as_secs_f64()));
        assert_fails(&configuration, &Mode::Hang, "timeout", between);
        let late = Mode::after(deadline * 3, Mode::Decision(json!(true)));
        assert_fails(&configuration, &late, "timeout", between);
    }
}

#[test]
fn an_opa_that_comes_back_decides_again() {
    let stack = STACK.with(&configuration("opa", "10s"));
    let status = || stack.send(&Request::get("/")).status;
    assert_eq!(status(), 200);
    stack.fake().stop();
    assert_eq!(status(), 403);
    stack.fake().listen().unwrap();
    assert_eq!(status(), 200);
    stack.fake().set(Mode::Decision(json!(false)));
    assert_eq!(status(), 403);
    stack.fake().set(Mode::Decision(json!(true)));
}

#[test]
fn status_on_error_is_the_status_of_the_failure_mode_and_of_nothing_else() {
    let error = json!({"status_on_error": {"code": 503}});
    let stack = STACK.with(&configuration::and(&configuration("opa", "10s"), error));
    for (mode, status, details) in [
        (Mode::Garbage, 503, "sark_error"),
        (Mode::Decision(json!(false)), 403, "sark_denied"),
        (Mode::Decision(json!(true)), 200, "via_upstream"),
    ] {
        stack.fake().set(mode);
        assert_eq!(stack.send(&Request::get(format!("/status/{details}"))).status, status);
        assert_eq!(stack.envoy().access_of(&format!("/status/{details}")).unwrap()["details"], details);
    }
}
