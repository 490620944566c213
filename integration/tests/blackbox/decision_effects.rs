//! How decisions are counted and told apart where their effect alone does not say it; the effects are in `contract/`.

use std::collections::BTreeSet;
use std::sync::Mutex;

use sark_integration::configuration::{and, of};
use sark_integration::{Protocol, Request, Response, Shared, Stack, Turn};
use serde_json::{Value, json};

static STACK: Shared = Shared::new(|| Mutex::new(Stack::sark(decisions(&json!({}))).start()));

/// Decides `/NAME/…` by the member NAME.
fn decisions(members: &Value) -> Value {
    and(&of("result := data.decisions[input.parsed_path[0]]\n"), json!({"policy": {"data": {"decisions": members}}}))
}

#[track_caller]
fn assert_unseen(stack: &Turn<'_>, reply: &Response, status: u16) {
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!(stack.echo().received(), [], "something reached the upstream");
}

const RUST: &str = "feature_flag_assignments_total.feature.rust_opa.implementation.rust";

#[test]
fn what_cannot_be_sent_is_counted_as_an_error_or_as_invalid() {
    let unsendable = json!({
        "request": {"allowed": true, "headers": {"x-a": "a\r\nb: c"}},
        "removed": {"allowed": true, "request_headers_to_remove": ["upgrade"]},
        "response": {"allowed": true, "response_headers_to_add": {"content-length": "1"}},
        "query": {"allowed": true, "query_parameters_to_set": {"k": "a b"}},
        "denied": {"allowed": false, "headers": {"a b": "c"}},
        "status": {"allowed": false, "http_status": 100},
    });
    let open = and(&decisions(&unsendable), json!({"failure_mode_allow": true}));
    let validated = and(&open, json!({"validate_mutations": true}));
    let error = [
        ("sark_decisions_total.implementation.none.result.failure_mode_deny", 1),
        (RUST, 1),
        ("opa_evaluation_errors_total.implementation.rust.reason.bad_mutation", 1),
    ];
    let invalid = [("sark_decisions_total.implementation.rust.result.invalid", 1), (RUST, 1)];
    for (configuration, counts, status) in [(&open, &error[..], 403), (&validated, &invalid[..], 500)] {
        let stack = STACK.with(configuration);
        for name in unsendable.as_object().unwrap().keys() {
            stack.assert_counts(counts, || {
                assert_unseen(&stack, &stack.send(&Request::post(format!("/{name}")).body("hello")), status);
            });
        }
    }
}

#[test]
fn a_denial_in_a_dry_run_is_counted_as_such() {
    let stack = STACK.with(&and(&decisions(&json!({"false": false, "true": true})), json!({"dry_run": true})));
    for (path, result) in [("/false", "dry_run"), ("/true", "allow")] {
        let counter = format!("sark_decisions_total.implementation.rust.result.{result}");
        stack.assert_counts(&[(&counter, 1), (RUST, 1)], || assert_eq!(stack.send(&Request::get(path)).status, 200));
    }
}

/// What causes an error does not matter where a denial passes as well; what was never a question to a policy stays.
#[test]
fn a_dry_run_with_errors_refuses_only_what_no_policy_was_asked_about() {
    let members =
        json!({"false": false, "nonsense": 1, "unsendable": {"allowed": true, "headers": {"x-a": "a\r\nb: c"}}});
    let dry = |changes: Value| {
        let base = json!({
            "dry_run": {"enabled": true, "errors": true},
            "status_on_error": {"code": 500},
            "with_request_body": {"max_request_bytes": 10},
        });
        and(&and(&decisions(&members), base), changes)
    };
    let stack = STACK.with(&dry(json!({})));
    let error = |reason: &str| format!("opa_evaluation_errors_total.implementation.rust.reason.{reason}");
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for (path, reason) in
            [("/nonsense", "bad_result"), ("/undefined", "undefined"), ("/unsendable", "bad_mutation")]
        {
            stack.forget();
            let error = error(reason);
            let passed = ("sark_decisions_total.implementation.none.result.dry_run_error", 1);
            stack.assert_counts(&[passed, (&error, 1), (RUST, 1)], || {
                let reply = stack.send(&Request::post(path).protocol(protocol).body("hello"));
                let upstream = reply.upstream();
                assert_eq!((upstream.body_text().as_str(), upstream.header("x-a")), ("hello", None), "unchanged");
            });
            let line = stack.envoy().access_of(path).unwrap();
            assert_eq!(line["error"], format!("rust:{reason}"));
        }
        let denied = "sark_decisions_total.implementation.rust.result.dry_run";
        stack.assert_counts(&[(denied, 1), (RUST, 1)], || {
            assert_eq!(stack.send(&Request::get("/false").protocol(protocol)).status, 200);
        });
        stack.forget();
        for (request, status) in
            [(Request::get("/nonsense?%zz"), 400), (Request::post("/nonsense").body("eleven bytes"), 413)]
        {
            assert_unseen(&stack, &stack.send(&request.protocol(protocol)), status);
        }
    }
    // Without the switch an error stays an error, and `validate_mutations` has its own answer.
    for (changes, path, status) in [
        (json!({"dry_run": {"errors": false}}), "/nonsense", 500),
        (json!({"dry_run": {"enabled": true, "errors": true}, "validate_mutations": true}), "/unsendable", 500),
    ] {
        stack.push(&dry(changes)).accepted();
        stack.forget();
        assert_unseen(&stack, &stack.send(&Request::get(path)), status);
    }
}

#[test]
fn each_decision_has_an_id_of_its_own() {
    let stack = STACK.with(&decisions(&json!({"true": true})));
    let mut seen = BTreeSet::new();
    for path in ["/true/1", "/true/2", "/true/3"] {
        stack.send(&Request::get(path));
        let line = stack.envoy().access_of(path).unwrap();
        assert!(seen.insert(line["decision_id"].as_str().unwrap().to_owned()), "twice: {line}");
    }
}
