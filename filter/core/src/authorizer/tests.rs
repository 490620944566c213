mod breaker;
mod live;
mod on_demand;
mod shadow;

use super::*;
use crate::host::testing::{FakeClock, FakeHost};
use crate::metrics::Implementation;
use crate::remote::Reply as RemoteReply;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const POLICY: &str = r#"
package envoy.authz
default allow := false
allow if input.attributes.request.http.headers["x-user"] == "alice"
allow := 1 if input.attributes.request.http.headers["x-conflict"]
allow if { some x in input.parsed_body.items; x == 1 }
"#;

fn authorizer_with(policy: &str, extra: &str) -> Rc<Authorizer> {
    let modules = serde_json::json!({ "p.rego": policy });
    let text = format!(r#"{{"policy": {{"modules": {modules}}} {extra}}}"#);
    let clock = Rc::new(FakeClock::default());
    Rc::new(
        Authorizer::new(text.as_bytes(), &|_| None, clock, &Shelf::default()).unwrap_or_else(|error| panic!("{error}")),
    )
}

fn authorizer(extra: &str) -> Rc<Authorizer> {
    authorizer_with(POLICY, extra)
}

fn head(pairs: &[(&str, &str)]) -> Head {
    let all = [(":method", "POST"), (":path", "/a?x=1"), ("content-type", "application/json")];
    Head::new(all.iter().chain(pairs).map(|(name, value)| (name.as_bytes(), value.as_bytes())))
}

fn arrival(head: Head, end_of_stream: bool) -> Arrival {
    Arrival { head, stripped: Vec::new(), end_of_stream }
}

fn run(authorizer: &Rc<Authorizer>, pairs: &[(&str, &str)]) -> (Check, Step, FakeHost) {
    let host = FakeHost::default();
    let (check, step) = authorizer.check(arrival(head(pairs), true), &host);
    (check, step, host)
}

fn answer(body: &str) -> RemoteReply {
    RemoteReply::Answer { status: 200, body: Some(body.as_bytes().to_vec()) }
}

fn status(step: &Step) -> u16 {
    match step {
        Step::Allow(_) => 0,
        Step::Deny(reply) => reply.status,
        Step::NeedBody => 1,
        Step::Call(_) => 2,
    }
}

const ALICE: [(&str, &str); 1] = [("x-user", "alice")];
const ALLOWED: u16 = 0;
const CALLED: u16 = 2;
const REMOTE: &str = r#", "remote": {"cluster": "opa"}"#;

#[test]
fn the_inline_side_allows_and_denies() {
    let authorizer = authorizer("");
    let (check, step, host) = run(&authorizer, &[("x-user", "alice")]);
    assert_eq!(status(&step), ALLOWED);
    assert_eq!(check.implementation(), Implementation::Rust);
    check.settle(&host);
    assert_eq!(
        *host.counted.borrow(),
        [
            "feature_flag_assignments_total.feature.rust_opa.implementation.rust",
            "sark_decisions_total.implementation.rust.result.allow"
        ]
    );
    let (_, step, _) = run(&authorizer, &[("x-user", "mallory")]);
    assert_eq!(status(&step), 403);
}

#[test]
fn an_inline_error_without_remote_is_denied_or_follows_the_failure_mode() {
    let bad_result = [("x-conflict", "1")];
    let (check, step, _) = run(&authorizer(r#", "status_on_error": {"code": 503}"#), &bad_result);
    assert_eq!((status(&step), check.error().as_deref()), (503, Some("rust:bad_result")));
    let (check, step, host) = run(&authorizer(r#", "failure_mode_allow": true"#), &bad_result);
    assert_eq!((status(&step), check.implementation()), (ALLOWED, Implementation::None));
    check.settle(&host);
    assert!(host.counted.borrow().iter().any(|name| name.ends_with("none.result.failure_mode_allow")));
}

#[test]
fn an_error_the_request_caused_is_never_let_through() {
    let slow = "package envoy.authz\nallow if { some x in input.parsed_body; some y in input.parsed_body; x != y }";
    let extra = r#", "failure_mode_allow": true, "limits": {"evaluation_steps": 1000}, "with_request_body": {"max_request_bytes": 5000}"#;
    for extra in [extra.to_owned(), format!("{extra}{REMOTE}")] {
        let authorizer = authorizer_with(slow, &extra);
        let items = vec!["1"; 100].join(",");
        let body = format!("[{items}]").into_bytes();
        let host = FakeHost { body: Some(body.clone()), ..FakeHost::default() };
        let (mut check, step) = authorizer.check(arrival(head(&[]), false), &host);
        assert!(matches!(step, Step::NeedBody));
        let mut step = check.body(body.len(), true, &host);
        if matches!(step, Step::Call(_)) {
            step = check.resume(RemoteReply::Failed, &host);
        }
        assert_eq!(status(&step), 403, "{:?}", check.error());
        assert!(check.error().unwrap().starts_with("rust:step_limit"));
    }
}

#[test]
fn an_inline_error_asks_the_remote_side_and_only_its_answer_counts() {
    let authorizer = authorizer(REMOTE);
    let (mut check, step, host) = run(&authorizer, &[("x-user", "alice"), ("x-conflict", "1")]);
    assert_eq!(status(&step), CALLED);
    let step = check.resume(answer(r#"{"result": {"allowed": false, "http_status": 401}}"#), &host);
    assert_eq!((status(&step), check.implementation()), (401, Implementation::Remote));
    let no_fallback = authorizer_with(
        POLICY,
        r#", "remote": {"cluster": "opa"}, "features": {"rust_opa": {"fallback_on_error": false}}"#,
    );
    let (_, step, _) = run(&no_fallback, &[("x-user", "alice"), ("x-conflict", "1")]);
    assert_eq!(status(&step), 403);
}

#[test]
fn a_full_house_is_never_let_through() {
    let authorizer = authorizer(
        r#", "remote": {"cluster": "o"}, "failure_mode_allow": true, "features": {"rust_opa": {"enabled": false}}"#,
    );
    let (mut check, _, host) = run(&authorizer, &[]);
    assert_eq!(status(&check.resume(RemoteReply::Overloaded, &host)), 403);
    assert_eq!(check.error().as_deref(), Some("remote:overloaded"));
}

#[test]
fn what_fails_while_an_allow_is_carried_out_is_counted_once_and_denied() {
    let (mut check, step, host) = run(&authorizer(""), &[("x-user", "alice")]);
    assert_eq!(status(&step), ALLOWED);
    assert_eq!(status(&check.host_failed(&host)), 403);
    check.settle(&host);
    let counted = host.counted.borrow();
    let decisions: Vec<_> = counted.iter().filter(|name| name.starts_with("sark_decisions_total")).collect();
    assert_eq!(decisions, ["sark_decisions_total.implementation.none.result.failure_mode_deny"]);
}

#[test]
fn every_remote_failure_follows_the_failure_mode() {
    let failures = [
        (RemoteReply::Rejected, "remote:dispatch_rejected"),
        (RemoteReply::Failed, "remote:dispatch_failed"),
        (RemoteReply::Reset, "remote:reset"),
        (answer(""), "remote:bad_json"),
        (answer("{}"), "remote:undefined"),
        (answer(r#"{"result": null}"#), "remote:bad_result"),
        (answer(r#"{"result": {"allow": true}}"#), "remote:bad_result"),
    ];
    for (failure_mode_allow, expected) in [(false, 403), (true, ALLOWED)] {
        let authorizer = authorizer(&format!(
            r#"{REMOTE}, "failure_mode_allow": {failure_mode_allow}, "features": {{"rust_opa": {{"enabled": false}}}}"#
        ));
        for (reply, error) in &failures {
            let (mut check, step, host) = run(&authorizer, &[]);
            assert_eq!(status(&step), CALLED);
            let step = check.resume(reply.clone(), &host);
            assert_eq!((status(&step), check.error().as_deref()), (expected, Some(*error)));
        }
    }
}

/// A policy may put what a client sent into its answer: OPA has decided, we cannot read what.
#[test]
fn an_answer_that_is_beyond_our_bounds_is_never_let_through() {
    let authorizer = authorizer(&format!(
        r#"{REMOTE}, "failure_mode_allow": true, "features": {{"rust_opa": {{"enabled": false}}}}"#
    ));
    for sent in ["1".repeat(401), "1e401".to_owned(), ["[".repeat(1_001), "]".repeat(1_001)].concat()] {
        let (mut check, _, host) = run(&authorizer, &[]);
        let step = check.resume(answer(&format!(r#"{{"result": {{"allowed": false, "x": {sent}}}}}"#)), &host);
        assert_eq!((status(&step), check.error().as_deref()), (403, Some("remote:size_limit")));
    }
}

#[test]
fn a_request_that_cannot_be_read_is_answered_400_whatever_the_failure_mode() {
    let authorizer = authorizer(r#", "failure_mode_allow": true"#);
    let host = FakeHost::default();
    let bad = Head::new([(&b":path"[..], &b"/%zz"[..])]);
    let (_, step) = authorizer.check(arrival(bad, true), &host);
    let Step::Deny(reply) = step else { panic!("not denied") };
    assert_eq!((reply.status, reply.body.as_str()), (400, "request_parse_error: invalid URL escape \"%zz\""));
}

#[test]
fn a_body_is_awaited_cut_or_refused_at_its_limit() {
    let config =
        |partial| format!(r#", "with_request_body": {{"max_request_bytes": 4, "allow_partial_message": {partial}}}"#);
    let host = FakeHost { body: Some(b"[12345".to_vec()), ..FakeHost::default() };
    let whole = authorizer(&config(false));
    let (mut check, step) = whole.check(arrival(head(&[]), false), &host);
    assert!(matches!(step, Step::NeedBody));
    assert!(matches!(check.body(4, false, &host), Step::NeedBody), "at the limit more may come");
    assert_eq!(status(&check.body(5, false, &host)), 413);
    let partial = authorizer(&config(true));
    let (mut check, _) = partial.check(arrival(head(&[]), false), &host);
    assert!(matches!(check.body(4, false, &host), Step::NeedBody));
    assert_eq!(status(&check.body(5, false, &host)), 403, "a truncated body is null and the policy denies");
    let websocket = [("connection", "upgrade"), ("upgrade", "websocket"), ("content-length", "3")];
    let (_, step) = whole.check(arrival(head(&websocket[..2]), false), &host);
    assert_eq!(status(&step), 403, "a tunnel is decided at its headers");
    let (_, step) = whole.check(arrival(head(&websocket), false), &host);
    assert_eq!(status(&step), 400, "a body does not hide in a tunnel");
}

#[test]
fn a_body_the_host_does_not_hand_out_is_denied() {
    let authorizer = authorizer(r#", "failure_mode_allow": true, "with_request_body": {"max_request_bytes": 4}"#);
    let host = FakeHost::default();
    let (mut check, _) = authorizer.check(arrival(head(&[]), false), &host);
    assert_eq!(status(&check.body(2, true, &host)), 403);
    assert!(host.counted.borrow().contains(&"sark_host_errors_total".to_owned()));
}

#[test]
fn callbacks_out_of_turn_are_denied() {
    let authorizer = authorizer(r#", "failure_mode_allow": true"#);
    let (mut check, step, host) = run(&authorizer, &[("x-user", "alice")]);
    assert_eq!(status(&step), ALLOWED);
    assert_eq!(status(&check.resume(answer(r#"{"result": true}"#), &host)), 403);
    assert_eq!(status(&check.body(0, true, &host)), 403);
}

#[test]
fn the_side_follows_percentage_identity_and_switch() {
    let split = |percentage: &str, enabled: bool| {
        authorizer(&format!(
            r#"{REMOTE}, "identity": [{{"header": "X-Id"}}, {{"header": "x-user"}}],
               "features": {{"rust_opa": {{"enabled": {enabled}, "rollout_percentage": {percentage}}}}}"#
        ))
    };
    // Buckets of the published vectors: bob 1278, alice 8301.
    for (percentage, bob, alice) in
        [("0", 2, 2), ("12.78", 2, 2), ("12.79", 403, 2), ("83.02", 403, 0), ("100", 403, 0)]
    {
        let authorizer = split(percentage, true);
        assert_eq!(status(&run(&authorizer, &[("x-user", "bob")]).1), bob, "bob at {percentage}");
        assert_eq!(status(&run(&authorizer, &[("x-user", "alice")]).1), alice, "alice at {percentage}");
    }
    let (_, step, _) = run(&split("50", true), &[("x-user", "alice"), ("x-id", "bob")]);
    assert_eq!(status(&step), ALLOWED, "the first source wins");
    let (_, step, _) = run(&split("50", true), &[("x-id", ""), ("x-user", "alice")]);
    assert_eq!(status(&step), CALLED, "an empty value is none");
    let (_, step, host) = run(&split("99.99", true), &[]);
    assert_eq!(status(&step), CALLED);
    assert!(host.counted.borrow().contains(&"sark_identity_missing_total".to_owned()));
    assert_eq!(status(&run(&split("100", true), &[]).1), 403, "inline at 100 %");
    assert_eq!(status(&run(&split("100", false), &[("x-user", "alice")]).1), CALLED);
}

#[test]
fn a_pin_comes_before_the_percentage_and_behind_the_switch() {
    let pinned = |percentage: u32, enabled: bool| {
        authorizer(&format!(
            r#"{REMOTE}, "identity": [{{"header": "x-user"}}],
               "features": {{"rust_opa": {{"enabled": {enabled}, "rollout_percentage": {percentage},
                   "users": {{"alice": true, "bob": false}},
                   "headers": [{{"name": "X-Tester", "value": "1", "use": true}}]}}}}"#
        ))
    };
    for percentage in [0, 50, 100] {
        let authorizer = pinned(percentage, true);
        let at = |headers: &[(&str, &str)]| status(&run(&authorizer, headers).1);
        assert_eq!(at(&[("x-user", "alice")]), ALLOWED, "alice at {percentage} %");
        assert_eq!(at(&[("x-user", "bob"), ("x-tester", "1")]), CALLED, "bob at {percentage} %");
        assert_eq!(at(&[("x-user", "carol"), ("x-tester", "1")]), 403, "a tester at {percentage} %");
        let rest = if percentage == 100 { 403 } else { CALLED };
        assert_eq!(at(&[("x-tester", "2")]), rest, "nobody at {percentage} %");
    }
    let off = pinned(100, false);
    assert_eq!(status(&run(&off, &[("x-user", "alice"), ("x-tester", "1")]).1), CALLED);
}

#[test]
fn an_identity_that_the_proxy_does_not_tell_denies() {
    let authorizer = authorizer(&format!(
        r#"{REMOTE}, "failure_mode_allow": true, "source_address": "request", "identity": [{{"source_address": true}}]"#
    ));
    let host = FakeHost { silent: Some("source.address"), ..FakeHost::default() };
    let (_, step) = authorizer.check(arrival(head(&[("x-user", "alice")]), true), &host);
    assert_eq!((status(&step), host.counted.borrow().join(" ")), (403, "sark_host_errors_total".to_owned()));
}

#[test]
fn the_debug_header_tells_who_decided_only_where_configured() {
    let authorizer = authorizer(&format!(r#"{REMOTE}, "debug_header": "X-Sark""#));
    let header = |step: &Step| match step {
        Step::Allow(mutations) => mutations.add_response_headers.clone(),
        Step::Deny(reply) => reply.headers.clone(),
        _ => panic!("undecided"),
    };
    let expected = |value: &str| vec![("x-sark".to_owned(), value.to_owned())];
    assert_eq!(header(&run(&authorizer, &[("x-user", "alice")]).1), expected("rust"));
    assert_eq!(header(&run(&authorizer, &[]).1), expected("rust"));
    let (mut check, _, host) = run(&authorizer, &[("x-user", "alice"), ("x-conflict", "1")]);
    assert_eq!(header(&check.resume(RemoteReply::Reset, &host)), expected("none"));
}

#[test]
fn query_mutations_end_up_in_the_path() {
    let policy = r#"package envoy.authz
allow := {"allowed": true, "query_parameters_to_set": {"b": "2"}, "headers": {"x-a": "1"}}"#;
    let (_, step, _) = run(&authorizer_with(policy, ""), &[]);
    let Step::Allow(mutations) = step else { panic!("not allowed") };
    assert_eq!(
        mutations.set_request_headers,
        [("x-a".to_owned(), "1".to_owned()), (":path".to_owned(), "/a?b=2&x=1".to_owned())]
    );
}

#[test]
fn an_empty_policy_set_is_undefined_for_everybody() {
    let clock = Rc::new(FakeClock::default());
    let authorizer = Rc::new(Authorizer::new(b"{}", &|_| None, clock, &Shelf::default()).unwrap());
    let (check, step, _) = run(&authorizer, &[]);
    assert_eq!((status(&step), check.error().as_deref()), (403, Some("rust:undefined")));
}

#[test]
fn a_policy_that_is_not_inline_goes_remote_only_if_the_operator_says_so() {
    let text = |unsupported: &str| {
        let modules = serde_json::json!({"p.rego": "package envoy.authz\nallow if http.send({})"});
        format!(r#"{{"policy": {{"modules": {modules}, "unsupported": "{unsupported}"}}{REMOTE}}}"#)
    };
    let new =
        |text: String| Authorizer::new(text.as_bytes(), &|_| None, Rc::new(FakeClock::default()), &Shelf::default());
    let Err(refused) = new(text("reject")) else { panic!("accepted") };
    assert!(refused.to_string().starts_with("policy: p.rego:2:"), "{refused}");
    let authorizer = Rc::new(new(text("remote")).unwrap());
    assert!(authorizer.is_remote_only() && authorizer.summary().contains("http.send"), "{}", authorizer.summary());
    let (mut check, step, host) = run(&authorizer, &[("x-user", "alice")]);
    assert_eq!(status(&step), CALLED);
    assert_eq!(status(&check.resume(answer(r#"{"result": true}"#), &host)), ALLOWED);
    assert_eq!(check.implementation(), Implementation::Remote);
}

/// RFC 9562, section 5.4.
#[test]
fn the_id_of_a_decision_is_a_uuid_of_version_4() {
    let authorizer = authorizer_with("package envoy.authz\nallow := true", "");
    for (random, expected) in [
        (0, "00000000-0000-4000-8000-000000000000"),
        (u64::MAX, "ffffffff-ffff-4fff-bfff-ffffffffffff"),
        (0x0123_4567_89ab_cdef, "01234567-89ab-4def-8123-456789abcdef"),
    ] {
        let host = FakeHost { random, ..FakeHost::default() };
        let (check, _) =
            authorizer.check(Arrival { head: head(&[]), stripped: Vec::new(), end_of_stream: true }, &host);
        assert!(check.states().contains(&("sark.decision_id", expected.to_owned())), "{:?}", check.states());
    }
}

#[test]
fn a_dry_run_lets_a_denial_through_and_nothing_else() {
    let policy = r#"package envoy.authz
default allow := {"allowed": false, "http_status": 401, "headers": {"x-a": "1"}, "dynamic_metadata": {"why": "no"}}
allow := {"allowed": true, "headers": {"x-b": "2"}} if input.attributes.request.http.headers["x-user"] == "alice"
allow := 1 if input.attributes.request.http.headers["x-conflict"]"#;
    let dry = authorizer_with(policy, r#", "dry_run": true"#);
    let (check, step, host) = run(&dry, &[]);
    let Step::Allow(mutations) = step else { panic!("not let through") };
    assert_eq!(mutations, Mutations::default());
    let states = check.states();
    let names: Vec<_> = states.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["sark.implementation", "sark.decision_id", "sark.dynamic_metadata"]);
    assert!(
        states[2].1.starts_with(r#"{"decision_id":"00000000-0000-4000-8000-000000000000","why":"no"}"#),
        "{states:?}"
    );
    check.settle(&host);
    assert!(host.counted.borrow().iter().any(|name| name.ends_with("rust.result.dry_run")));
    let (_, step, _) = run(&dry, &[("x-user", "alice")]);
    assert!(matches!(step, Step::Allow(mutations) if mutations.set_request_headers.len() == 1), "an allow stays");
    let (check, step, _) = run(&dry, &[("x-user", "alice"), ("x-conflict", "1")]);
    assert_eq!((status(&step), check.states().len()), (403, 2), "an error stays, and has no id");
}

/// What no side decided passes in a dry run that says so; what was refused before or after a side does not.
#[test]
fn a_dry_run_with_errors_lets_every_undecided_request_through_and_no_other() {
    let dry = |extra: &str| authorizer(&format!(r#", "dry_run": {{"enabled": true, "errors": true}}{extra}"#));
    let result = |check: &Check, host: &FakeHost| {
        check.settle(host);
        host.counted.borrow().last().unwrap().rsplit_once('.').unwrap().1.to_owned()
    };
    let conflict = [("x-user", "alice"), ("x-conflict", "1")];
    let (check, step, host) = run(&dry(""), &conflict);
    assert!(matches!(&step, Step::Allow(mutations) if *mutations == Mutations::default()));
    assert_eq!((result(&check, &host), check.error().as_deref()), ("dry_run_error".to_owned(), Some("rust:conflict")));
    let (mut check, _, host) =
        run(&dry(&format!(r#"{REMOTE}, "features": {{"rust_opa": {{"enabled": false}}}}"#)), &[]);
    assert_eq!(status(&check.resume(RemoteReply::Overloaded, &host)), ALLOWED, "caused by requests");
    assert_eq!(result(&check, &host), "dry_run_error");
    // The failure mode lets through what it lets through without a dry run.
    let bad = "package envoy.authz\nallow := 1";
    let both = authorizer_with(bad, r#", "dry_run": {"enabled": true, "errors": true}, "failure_mode_allow": true"#);
    let (check, _, host) = run(&both, &[]);
    assert_eq!(result(&check, &host), "failure_mode_allow");
    for off in ["true", r#"{"enabled": true}"#, r#"{"enabled": true, "errors": false}"#] {
        let (_, step, _) = run(&authorizer(&format!(r#", "dry_run": {off}"#)), &conflict);
        assert_eq!(status(&step), 403, "{off}");
    }
    // 400, 413 and what was never to be decided stay.
    let host = FakeHost::default();
    let (_, step) = dry("").check(arrival(Head::new([(&b":path"[..], &b"/%zz"[..])]), true), &host);
    assert_eq!(status(&step), 400);
    let limited = dry(r#", "with_request_body": {"max_request_bytes": 4}"#);
    let (mut check, _) = limited.check(arrival(head(&[]), false), &host);
    assert_eq!(status(&check.body(5, true, &host)), 413);
    let (mut check, _) = limited.check(arrival(head(&[]), false), &host);
    assert_eq!(status(&check.body_unavailable(&host)), 403);
    let (mut check, _, host) = run(&dry(""), &ALICE);
    assert_eq!(status(&check.host_failed(&host)), 403);
}

#[test]
fn what_cannot_be_carried_out_is_an_error_or_answered_500_and_never_let_through() {
    let policy = r#"package envoy.authz
allow := {"allowed": true, "headers": {"x-a": input.parsed_query.x[0]}}"#;
    let bad = || Head::new([(&b":path"[..], &b"/?x=%0a"[..])]);
    let host = FakeHost::default();
    let plain = authorizer_with(policy, r#", "failure_mode_allow": true"#);
    let (check, step) = plain.check(arrival(bad(), true), &host);
    assert_eq!((status(&step), check.error().as_deref()), (403, Some("rust:bad_mutation")));
    let validating = authorizer_with(policy, r#", "failure_mode_allow": true, "validate_mutations": true"#);
    let (check, step) = validating.check(arrival(bad(), true), &host);
    let Step::Deny(reply) = step else { panic!("not answered") };
    assert_eq!((reply.status, reply.body.as_str(), reply.details, check.error()), (500, "", "sark_invalid", None));
    assert_eq!(status(&run(&validating, &[]).1), ALLOWED);
}

#[test]
fn what_passes_undecided_says_so_where_configured() {
    let extra = r#", "failure_mode_allow": true, "failure_mode_allow_header_add": true"#;
    let (_, step, _) = run(&authorizer(extra), &[("x-user", "alice"), ("x-conflict", "1")]);
    assert_eq!(status(&step), 403, "OPA may know no conflict where a plan has one: it does not evaluate whole rules");
    let (_, step, _) = run(&authorizer(extra), &[("x-conflict", "1")]);
    let Step::Allow(mutations) = step else { panic!("not let through") };
    let said = ("x-envoy-auth-failure-mode-allowed".to_owned(), "true".to_owned());
    assert_eq!(mutations.set_request_headers, [said]);
    let (_, step, _) = run(&authorizer(extra), &[("x-user", "alice")]);
    assert!(matches!(step, Step::Allow(mutations) if mutations.set_request_headers.is_empty()));
}

/// A route's metadata: `{"sark": {key: value}}`, the value as `google.protobuf.Value`.
fn metadata(key: &str, value: &[u8]) -> Vec<u8> {
    let field = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()], content].concat();
    let member = [field(0x0a, key.as_bytes()), field(0x12, value)].concat();
    field(0x0a, &[field(0x0a, b"sark"), field(0x12, &field(0x0a, &member))].concat())
}

const DISABLED: [u8; 2] = [0x20, 1];

fn routed(extra: &str, stripped: &[&str], metadata: Option<Vec<u8>>) -> (Check, Step, FakeHost) {
    let policy = r#"package envoy.authz
default allow := false
default other := false
other := {"allowed": true, "headers": {"x-a": "1"}}"#;
    let modules = serde_json::json!({ "p.rego": policy });
    let text = format!(
        r#"{{"policy": {{"modules": {modules}, "paths": ["envoy/authz/other"]}}, "route_overrides": true{extra}}}"#
    );
    let clock = Rc::new(FakeClock::default());
    let authorizer = Rc::new(Authorizer::new(text.as_bytes(), &|_| None, clock, &Shelf::default()).unwrap());
    let host = FakeHost { route_metadata: metadata, ..FakeHost::default() };
    let stripped = stripped.iter().map(|name| (*name).to_owned()).collect();
    let (check, step) = authorizer.check(Arrival { head: head(&[]), stripped, end_of_stream: true }, &host);
    (check, step, host)
}

#[test]
fn a_route_disables_the_check_or_chooses_the_decision() {
    let other = [&[0x1a, 17][..], b"envoy/authz/other"].concat();
    let unrouted = r#", "unrouted_headers": ["x-a"]"#;
    assert_eq!(status(&routed("", &[], Some(Vec::new())).1), 403, "a route that says nothing");
    let (check, step, host) = routed("", &[], Some(metadata("disabled", &DISABLED)));
    assert_eq!(status(&step), ALLOWED);
    check.settle(&host);
    assert_eq!(*host.counted.borrow(), ["sark_decisions_total.implementation.none.result.disabled"]);
    assert_eq!(status(&routed(unrouted, &[], Some(metadata("path", &other))).1), ALLOWED);
    let (check, step, _) = routed("", &[], Some(metadata("path", &other)));
    assert_eq!((status(&step), check.error().as_deref()), (403, Some("none:route_changed")), "it writes a header");
    assert_eq!(check.states().len(), 2, "no decision, no id");
}

#[test]
fn a_route_that_cannot_be_trusted_is_denied_whatever_the_failure_mode() {
    let open = r#", "failure_mode_allow": true"#;
    let error = |stripped: &[&str], metadata| {
        let (check, step, _) = routed(open, stripped, metadata);
        (status(&step), check.error())
    };
    let disabled = || Some(metadata("disabled", &DISABLED));
    assert_eq!(error(&["x-sark-a"], disabled()), (403, Some("none:route_changed".to_owned())));
    assert_eq!(error(&[], Some(metadata("disable", &DISABLED))), (403, Some("none:route_metadata".to_owned())));
    assert_eq!(error(&[], Some(vec![0xff])), (403, Some("none:route_metadata".to_owned())));
    assert_eq!(error(&[], None), (403, None), "the host does not tell");
    let unrouted = r#", "unrouted_headers": ["x-sark-a"]"#;
    assert_eq!(status(&routed(unrouted, &["x-sark-a"], disabled()).1), ALLOWED);
}

#[test]
fn without_route_overrides_a_route_says_nothing() {
    let authorizer = authorizer("");
    let host = FakeHost { route_metadata: Some(metadata("disabled", &DISABLED)), ..FakeHost::default() };
    let stripped = vec!["x-sark-a".to_owned()];
    let (_, step) = authorizer.check(Arrival { head: head(&[]), stripped, end_of_stream: true }, &host);
    assert_eq!(status(&step), 403);
}

#[test]
fn a_body_that_is_not_handed_over_is_denied() {
    let authorizer = authorizer(r#", "failure_mode_allow": true, "with_request_body": {"max_request_bytes": 4}"#);
    let host = FakeHost::default();
    let (mut check, step) = authorizer.check(arrival(head(&[]), false), &host);
    assert!(matches!(step, Step::NeedBody));
    assert_eq!(status(&check.body_unavailable(&host)), 403);
    assert_eq!(check.error().as_deref(), Some("none:body_unavailable"));
    assert_eq!(status(&check.body(3, true, &host)), 403, "and stays so");
}
