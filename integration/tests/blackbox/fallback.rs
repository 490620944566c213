//! From inline to remote: what the inline side cannot decide, the remote one does, and the client sees only that.

use std::sync::Mutex;

use sark_integration::{Mode, Protocol, Request, Shared, Stack, Turn, configuration};
use serde_json::{Value, json};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

static STACK: Shared = Shared::new(|| Mutex::new(Stack::sark(configuration(json!({}))).fake(Mode::Undefined).start()));

/// Every way in which the inline side fails, by the first segment of the path, and whether the request may be the cause.
const FAILURES: [(&str, bool); 7] = [
    ("conflict", true),
    ("undefined", false),
    ("bad_result", false),
    ("step_limit", true),
    ("time_limit", true),
    ("size_limit", true),
    ("evaluation", true),
];

/// Nothing here allows: what passes was let through by somebody else.
fn configuration(changes: Value) -> Value {
    let policy = configuration::of(
        r#"
kind := input.parsed_path[0]

result := {"allowed": false, "headers": {"x-inline": "1"}} if kind in {"deny", "conflict"}

result := {"allowed": false, "headers": {"x-inline": "2"}} if kind == "conflict"

result := "nonsense" if kind == "bad_result"

result := false if {
	kind in {"step_limit", "time_limit"}
	count([1 | some a in data.numbers; some b in data.numbers; a == b]) == 0
}

result := {"allowed": false, "dynamic_metadata": {"numbers": numbers.range(1, 120000)}} if kind == "size_limit"

result := false if {
	kind == "evaluation"
	regex.match(input.attributes.request.http.headers["x-text"], "a")
}
"#,
    );
    let base = json!({
        "policy": {"data": {"numbers": (0..500).collect::<Vec<_>>()}},
        "remote": {"cluster": "opa", "timeout": "5s"},
        "debug_header": "x-decided-by",
    });
    configuration::and(&configuration::and(&policy, base), changes)
}

/// The limits under which the request to `/reason` fails for this reason and no other.
fn limits(reason: &str) -> Value {
    match reason {
        "step_limit" => json!({"limits": {"evaluation_steps": 10_000, "evaluation_time": "10s"}}),
        "time_limit" => json!({"limits": {"evaluation_steps": 1_000_000_000, "evaluation_time": "0.001s"}}),
        _ => json!({}),
    }
}

fn request(reason: &str, protocol: Protocol) -> Request {
    Request::post(format!("/{reason}")).protocol(protocol).header("x-text", "\\p{Greek}").body("hello")
}

#[test]
fn every_inline_error_asks_the_remote_side_and_the_client_sees_only_its_answer() {
    for (reason, _) in FAILURES {
        let stack = STACK.with(&configuration(limits(reason)));
        let error = format!("opa_evaluation_errors_total.implementation.rust.reason.{reason}");
        for (protocol, allowed) in BOTH.into_iter().zip([true, false]) {
            stack.fake().set(Mode::Decision(json!({
                "allowed": allowed,
                "headers": {"x-remote": "1"},
                "response_headers_to_add": {"x-added": "1"},
                "http_status": 401,
                "body": "remote says no",
            })));
            let result = if allowed { "allow" } else { "deny" };
            let counts = [
                (error.as_str(), 1),
                ("feature_flag_assignments_total.feature.rust_opa.implementation.rust", 1),
                ("sark_fallbacks_total.implementation.remote", 1),
                (&*format!("sark_decisions_total.implementation.remote.result.{result}"), 1),
            ];
            stack.forget();
            stack.assert_counts(&counts, || {
                let reply = stack.send(&request(reason, protocol));
                assert_eq!(reply.header("x-decided-by").as_deref(), Some("remote"), "{reason}");
                assert_eq!(reply.header("x-inline"), None, "{reason}");
                if allowed {
                    let upstream = reply.upstream();
                    assert_eq!(
                        (upstream.header("x-remote").as_deref(), upstream.body_text().as_str()),
                        (Some("1"), "hello")
                    );
                    assert_eq!(reply.header_values("x-added"), ["1"], "{reason}");
                } else {
                    assert_eq!((reply.status, reply.text().as_str()), (401, "remote says no"), "{reason}");
                    assert!(stack.echo().received().is_empty(), "{reason}");
                }
            });
            assert_eq!(stack.fake().count(), 1, "{reason}");
            assert_eq!(stack.fake().calls()[0].body["input"]["parsed_path"], json!([reason]));
        }
        let logged = |line: &Value| line["error"] == format!("rust:{reason}") && line["implementation"] == "remote";
        stack.envoy().wait_for_access(logged).unwrap();
    }
}

#[test]
fn an_inline_decision_asks_nobody() {
    let stack = STACK.with(&configuration(json!({})));
    stack.fake().set(Mode::Decision(json!(true)));
    let reply = stack.send(&Request::get("/deny"));
    assert_eq!((reply.status, reply.header("x-inline").as_deref()), (403, Some("1")));
    assert_eq!(stack.fake().count(), 0, "an inline denial is no error");
}

/// Asserts that a failure of both sides is let through exactly if the request cannot have caused it.
#[track_caller]
fn assert_failure_mode(stack: &Turn<'_>, reason: &str, request_caused: bool, remote: Option<&str>) {
    for (protocol, allow) in [(Protocol::Http1, false), (Protocol::Http1, true), (Protocol::Http2, true)] {
        let mut changes = configuration::and(&limits(reason), json!({"failure_mode_allow": allow}));
        if remote.is_none() {
            changes["features"] = json!({"rust_opa": {"fallback_on_error": false}});
        }
        stack.push(&configuration(changes)).accepted();
        stack.forget();
        let passes = allow && !request_caused;
        let result = if passes { "failure_mode_allow" } else { "failure_mode_deny" };
        let (inline, decision, second);
        inline = format!("opa_evaluation_errors_total.implementation.rust.reason.{reason}");
        decision = format!("sark_decisions_total.implementation.none.result.{result}");
        let assigned = "feature_flag_assignments_total.feature.rust_opa.implementation.rust";
        let mut counts = vec![(inline.as_str(), 1), (decision.as_str(), 1), (assigned, 1)];
        if let Some(remote) = remote {
            second = format!("opa_evaluation_errors_total.implementation.remote.reason.{remote}");
            counts.extend([(second.as_str(), 1), ("sark_fallbacks_total.implementation.remote", 1)]);
        }
        stack.assert_counts(&counts, || {
            let reply = stack.send(&request(reason, protocol));
            assert_eq!(reply.header("x-decided-by").as_deref(), Some("none"));
            assert_eq!(reply.status, if passes { 200 } else { 403 }, "{reason}, failure_mode_allow {allow}");
            assert_eq!(stack.echo().count(), usize::from(passes), "{reason}");
            assert!(passes || reply.body.is_empty(), "{reason}: {reply:?}");
        });
    }
    let error = remote.map_or(format!("rust:{reason}"), |remote| format!("rust:{reason},remote:{remote}"));
    stack.envoy().wait_for_access(|line| line["error"] == error.as_str()).unwrap();
}

#[test]
fn when_both_sides_fail_the_failure_mode_decides_but_never_lets_through_what_the_request_caused() {
    for (reason, request_caused) in FAILURES {
        let stack = STACK.with(&configuration(json!({})));
        stack.fake().set(Mode::Undefined);
        assert_failure_mode(&stack, reason, request_caused, Some("undefined"));
    }
}

#[test]
fn with_a_dead_opa_an_inline_error_ends_in_the_failure_mode() {
    let stack = STACK.with(&configuration(json!({})));
    stack.fake().stop();
    assert_failure_mode(&stack, "bad_result", false, Some("status_503"));
    assert_failure_mode(&stack, "step_limit", true, Some("status_503"));
    stack.fake().listen().unwrap();
}

#[test]
fn without_fallback_on_error_nobody_else_is_asked() {
    for (reason, request_caused) in FAILURES {
        let stack = STACK.with(&configuration(json!({})));
        stack.fake().set(Mode::Decision(json!(true)));
        assert_failure_mode(&stack, reason, request_caused, None);
        assert_eq!(stack.fake().count(), 0, "{reason}");
    }
}

#[test]
fn without_a_remote_side_an_inline_error_ends_in_the_failure_mode() {
    for (reason, request_caused) in FAILURES {
        for allow in [false, true] {
            let changes = configuration::and(&limits(reason), json!({"failure_mode_allow": allow}));
            let mut alone = configuration(changes);
            alone.as_object_mut().unwrap().remove("remote");
            let stack = STACK.with(&alone);
            let expected = if allow && !request_caused { 200 } else { 403 };
            assert_eq!(stack.send(&request(reason, Protocol::Http1)).status, expected, "{reason}, {allow}");
        }
    }
}

#[test]
fn the_engine_serves_on_after_its_budget_was_used_up() {
    for reason in ["step_limit", "time_limit"] {
        let stack = STACK.with(&configuration(limits(reason)));
        stack.fake().set(Mode::Undefined);
        for _ in 0..20 {
            assert_eq!(stack.send(&request(reason, Protocol::Http1)).status, 403);
            let reply = stack.send(&Request::get("/deny"));
            assert_eq!(reply.header("x-inline").as_deref(), Some("1"), "after {reason}");
        }
    }
}
