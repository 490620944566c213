//! Pushes that are refused: Envoy's log says where and why, and the last good configuration goes on serving.

use sark_integration::configuration::{and, of};
use sark_integration::envoy::{Filter, Options, validate};
use sark_integration::{Protocol, Request, Stack, wait};
use serde_json::{Value, json};

/// Alice may, and the answer says which policy decided.
fn good(mark: &str) -> Value {
    let rules = "default result := false\n\n\
        result := {\"allowed\": true, \"response_headers_to_add\": {\"x-mark\": data.mark}} if \
        input.attributes.request.http.headers[\"x-user\"] == \"alice\"\n";
    and(&of(rules), json!({"policy": {"data": {"mark": mark}}}))
}

/// A configuration, where it is wrong, and a part of what is said about it.
fn refusals() -> Vec<(String, &'static str, &'static str)> {
    let texts = [
        ("", ".", "EOF"),
        ("{x", ".", "key must be a string"),
        ("[]", ".", "expected an object"),
        ("{} x", ".", "trailing"),
        ("{\"failure_mode_allow\": true, \"failure_mode_allow\": false}", ".", "duplicate field"),
    ];
    let remote = |changes: Value| json!({"remote": and(&json!({"cluster": "opa"}), changes)});
    let rust = |changes: Value| json!({"remote": {"cluster": "opa"}, "features": {"rust_opa": changes}});
    let modules = |text: &str| json!({"policy": {"modules": {"a.rego": text}}});
    let trees = [
        (json!({"polcy": {}}), "polcy", "unknown field `polcy`, expected one of `policy`"),
        (json!({"policy": []}), "policy", "expected an object"),
        (json!({"policy": {"modules": {"a.rego": 1}}}), "policy.modules.a.rego", "expected a string"),
        (json!({"policy": {"data": [1]}}), "policy.data", "must be an object"),
        (modules("package a\n\nx := {"), "policy: a.rego:3:", ""),
        (modules("package a\n\nx if nonsense(1)"), "policy: a.rego:3:", "nonsense"),
        (modules("package a\n\nx if x"), "policy: a.rego:3:", "recurs"),
        (modules("x := 1"), "policy: a.rego:1:", "package"),
        (json!({"limits": []}), "limits", "expected an object"),
        (json!({"limits": {"evaluation_time": "11s"}}), "limits.evaluation_time", "between 0.001s and 10s"),
        (json!({"limits": {"evaluation_steps": 1}}), "limits.evaluation_steps", "between 1000 and"),
        (json!({"identity": [["x"]]}), "identity[0]", "expected an object"),
        (json!({"identity": [{"header": "a b"}]}), "identity[0].header", "not a header name"),
        (
            json!({"identity": [{"cookie": "sub"}]}),
            "identity[0].cookie",
            "unknown field `cookie`, expected one of `header`",
        ),
        (json!({"features": {"rust_opa": {"enabled": false}}}), "features.rust_opa.enabled", "without `remote`"),
        (rust(json!({"enabled": 1})), "features.rust_opa.enabled", "expected a boolean"),
        (rust(json!({"rollout_percentage": 101})), "features.rust_opa.rollout_percentage", "between 0 and 100"),
        (rust(json!({"rollout_percentage": 0.001})), "features.rust_opa.rollout_percentage", "two decimals"),
        (rust(json!({"rollout_percentage": 50})), "identity", "where the user is taken from"),
        (json!({"remote": {}}), "remote", "missing field `cluster`"),
        (remote(json!({"cluster": ""})), "remote.cluster", "must name"),
        (remote(json!({"path": "v1"})), "remote.path", "must start with `/`"),
        (remote(json!({"timeout": "200ms"})), "remote.timeout", "such as \"0.2s\""),
        (remote(json!({"timeout": "0s"})), "remote.timeout", "between 0.001s and 60s"),
        (remote(json!({"max_reply_bytes": 0})), "remote.max_reply_bytes", "between 1 and 16777216"),
        (remote(json!({"max_in_flight": 0})), "remote.max_in_flight", "between 1 and 65536"),
        (remote(json!({"headers": {"authorization": "x"}})), "remote.headers.authorization", "from_env"),
        (remote(json!({"headers": {"x": {"from_env": "NONE"}}})), "remote.headers.x.from_env", "`NONE` is not set"),
        (remote(json!({"headers": {"x": "a\nb"}})), "remote.headers.x", "control character"),
        (remote(json!({"headers": {"host": "x"}})), "remote.headers.host", "set by the filter"),
        (json!({"with_request_body": {}}), "with_request_body", "missing field `max_request_bytes`"),
        (
            json!({"with_request_body": {"max_request_bytes": 0}}),
            "with_request_body.max_request_bytes",
            "between 1 and",
        ),
        (json!({"status_on_error": {"code": 200}}), "status_on_error.code", "400 to 511"),
        (json!({"failure_mode_allow": "yes"}), "failure_mode_allow", "expected a boolean"),
        (json!({"debug_header": "\u{e9}"}), "debug_header", "not a header name"),
    ];
    let texts = texts.map(|(text, place, hint)| (text.to_owned(), place, hint));
    texts.into_iter().chain(trees.map(|(tree, place, hint)| (tree.to_string(), place, hint))).collect()
}

fn says(log: &str, place: &str, hint: &str) -> bool {
    log.contains(&format!("configuration refused: {place}")) && log.to_lowercase().contains(&hint.to_lowercase())
}

/// Which policy serves, on connections enough to meet both workers.
#[track_caller]
fn assert_serves(stack: &Stack, mark: &str) {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let ask = |user: &str| stack.send(&Request::get("/serves").protocol(protocol).header("x-user", user));
        let reply = ask("alice");
        assert_eq!((reply.status, reply.header("x-mark").as_deref()), (200, Some(mark)));
        assert_eq!(ask("mallory").status, 403);
    }
}

#[test]
fn a_bad_configuration_is_refused_with_its_reason_and_the_last_good_one_serves_on() {
    let stack = Stack::sark(good("0")).workers(2).start();
    let refusals = refusals();
    assert!(refusals.len() >= 25);
    let mut mark = "0".to_owned();
    for (number, (text, place, hint)) in refusals.iter().enumerate() {
        let log = stack.push_text(text).rejected();
        assert!(says(&log, place, hint), "{text}: expected {place}: {hint}, got\n{log}");
        assert_serves(&stack, &mark);
        if number % 5 == 0 {
            // A refusal spoils nothing for the good ones after it (envoy#43751).
            mark = (number + 1).to_string();
            stack.push(&good(&mark)).accepted();
            assert_serves(&stack, &mark);
        }
    }
    // The same bad one again, whose verdict Envoy remembers.
    let (text, ..) = &refusals[7];
    let _said_before = stack.push_text(text).rejected();
    assert_serves(&stack, &mark);
    let rejected = stack.stats("extension_config_discovery");
    let rejected: u64 =
        rejected.iter().filter(|(name, _)| name.ends_with("update_rejected")).map(|(_, count)| *count).sum();
    assert_eq!(usize::try_from(rejected).unwrap(), refusals.len() + 1);
}

#[test]
fn a_file_that_is_no_configuration_changes_nothing() {
    let stack = Stack::sark(good("0")).workers(2).start();
    let files = [
        "",
        "{",
        "resources: [",
        "{\"version_info\": \"9\", \"resources\": []}",
        "{\"version_info\": \"9\", \"resources\": [{\"@type\": \"type.googleapis.com/google.protobuf.Empty\"}]}",
    ];
    for file in files {
        if let Ok(push) = stack.envoy().push_file(file) {
            let _why = push.rejected();
        }
        assert_serves(&stack, "0");
    }
    stack.push(&good("1")).accepted();
    assert_serves(&stack, "1");
}

#[test]
fn a_first_configuration_that_is_refused_lets_nothing_through_until_a_good_one_comes() {
    let stack = Stack::sark(json!({"x": 1})).options(|options| options.may_be_refused = true).start();
    for request in [Request::get("/first"), Request::post("/first").h2().frames(["one"])] {
        assert_eq!(stack.send(&request.header("x-user", "alice")).status, 500);
    }
    let _why = stack.push(&json!({"x": 2})).rejected();
    assert_eq!(stack.send(&Request::get("/first").header("x-user", "alice")).status, 500);
    assert_eq!(stack.echo().count(), 0);
    stack.push(&good("1")).accepted();
    assert_serves(&stack, "1");
}

#[test]
fn an_empty_configuration_denies_everything() {
    let stack = Stack::sark(json!({})).start();
    for request in [Request::get("/empty"), Request::post("/empty").h2().frames(["one"]).trailer("x-last", "1")] {
        assert_eq!(stack.send(&request.header("x-user", "alice")).status, 403);
    }
    assert_eq!(stack.envoy().access_of("/empty").unwrap()["error"], "rust:undefined");
    assert_eq!(stack.echo().count(), 0);
}

#[test]
fn envoy_does_not_start_and_does_not_validate_with_a_bad_configuration() {
    let options =
        |configuration: &Value| Options { filter: Filter::Inline(configuration.to_string()), ..Options::default() };
    validate(&options(&good("1"))).unwrap();
    let bad = and(&good("1"), json!({"limits": {"evaluation_time": "1h"}}));
    let error = validate(&options(&bad)).unwrap_err().to_string();
    assert!(says(&error, "limits.evaluation_time", "between 0.001s and 10s"), "{error}");
    let error = Stack::inline(bad).try_start().err().unwrap().to_string();
    assert!(says(&error, "limits.evaluation_time", "between 0.001s and 10s"), "{error}");
    let policy = of("result := {\n");
    let error = validate(&options(&policy)).unwrap_err().to_string();
    assert!(says(&error, "policy: policy.rego:", ""), "{error}");
}

#[test]
fn envoy_goes_on_serving_what_it_has_when_it_starts_again() {
    let stack = Stack::sark(good("0")).start();
    stack.push(&good("1")).accepted();
    stack.envoy().restart().unwrap();
    assert_serves(&stack, "1");
    let _why = stack.push(&json!({"x": 1})).rejected();
    wait::until(std::time::Duration::from_secs(1), "Envoy lives", || stack.envoy().alive().then_some(())).unwrap();
    assert_serves(&stack, "1");
}
