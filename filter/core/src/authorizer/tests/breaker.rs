//! What becomes of requests while the remote OPA answers nobody.

use super::*;
use crate::metrics::{Counter, ProbeResult};
use crate::remote::breaker::{State as Stands, View};
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Everybody is a remote user but bob, whose bucket is 1278.
const SPLIT: &str = r#""identity": [{"header": "x-user"}], "features": {"rust_opa": {"rollout_percentage": 12.79}}"#;

/// On this shelf, by this clock.
fn by(clock: &Rc<FakeClock>, shelf: &Shelf, extra: &str) -> Rc<Authorizer> {
    let modules = serde_json::json!({ "p.rego": POLICY });
    let text = format!(r#"{{"policy": {{"modules": {modules}}}, {extra}}}"#);
    let authorizer = Authorizer::new(text.as_bytes(), &|_| None, Rc::clone(clock) as Rc<dyn Clock>, shelf);
    Rc::new(authorizer.unwrap_or_else(|error| panic!("{error}")))
}

thread_local! {
    static CLOCK: Rc<FakeClock> = Rc::default();
}

fn on(shelf: &Shelf, extra: &str) -> Rc<Authorizer> {
    by(&CLOCK.with(Rc::clone), shelf, extra)
}

/// A remote OPA with this breaker, beside these keys.
fn with(breaker: &str, extra: &str) -> Rc<Authorizer> {
    on(&Shelf::default(), &format!(r#""remote": {{"cluster": "opa", "breaker": {{{breaker}}}}}, {extra}"#))
}

/// So many calls of remote users that end like this.
fn calls(authorizer: &Rc<Authorizer>, count: usize, reply: &RemoteReply) {
    for _ in 0..count {
        let (mut check, step, host) = run(authorizer, &[("x-user", "alice")]);
        assert_eq!(status(&step), CALLED);
        check.resume(reply.clone(), &host);
    }
}

fn open(authorizer: &Rc<Authorizer>) {
    open_by(&CLOCK.with(Rc::clone), authorizer);
}

fn open_by(clock: &FakeClock, authorizer: &Rc<Authorizer>) {
    calls(authorizer, 20, &RemoteReply::Reset);
    let (probe, callout) = authorizer.probe().expect("a probe");
    assert_eq!(String::from_utf8(callout.body).unwrap(), r#"{"input":{}}"#);
    assert_eq!(callout.headers[0], (":path".to_owned(), "/v1/data/envoy/authz/allow".to_owned()));
    clock.now.set(clock.now.get() + 1_000_000_000);
    let probed = authorizer.probed(probe, RemoteReply::Failed).expect("a change");
    assert_eq!(probed, Probed { result: ProbeResult::Unanswered, begins: Some(Stands::Open) });
}

/// How a request of this user is answered at once, why, and what was counted.
fn at_once(authorizer: &Rc<Authorizer>, headers: &[(&str, &str)]) -> (u16, String, String) {
    let (check, step, host) = run(authorizer, headers);
    check.settle(&host);
    let counted = host.counted.borrow().join(" ");
    (status(&step), check.error().unwrap_or_default(), counted)
}

#[test]
fn while_it_is_open_remote_users_get_the_failure_mode_at_once() {
    for (failure_mode_allow, expected, result) in
        [(false, 403, "failure_mode_deny"), (true, ALLOWED, "failure_mode_allow")]
    {
        let authorizer = with("", &format!(r#"{SPLIT}, "failure_mode_allow": {failure_mode_allow}"#));
        open(&authorizer);
        let counted = [
            "feature_flag_assignments_total.feature.rust_opa.implementation.remote".to_owned(),
            "opa_evaluation_errors_total.implementation.remote.reason.breaker_open".to_owned(),
            format!("sark_decisions_total.implementation.none.result.{result}"),
        ];
        let answer = at_once(&authorizer, &[("x-user", "alice")]);
        assert_eq!(answer, (expected, "remote:breaker_open".to_owned(), counted.join(" ")));
        // Inline users are not concerned, unless the inline side fails.
        assert_eq!(at_once(&authorizer, &[("x-user", "bob")]).0, 403);
        let (code, error, _) = at_once(&authorizer, &[("x-user", "bob"), ("x-conflict", "1")]);
        assert_eq!((code, error.as_str()), (expected, "rust:bad_result,remote:breaker_open"));
    }
}

#[test]
fn the_call_that_raises_the_suspicion_asks_for_the_probe() {
    let authorizer = with("", SPLIT);
    calls(&authorizer, 1_000, &answer(r#"{"result": true}"#));
    for ended in 1..=21 {
        let (mut check, _, host) = run(&authorizer, &[("x-user", "alice")]);
        check.resume(RemoteReply::Answer { status: 504, body: None }, &host);
        assert_eq!(check.wants_probe(), ended == 20, "{ended}");
        if ended == 20 {
            assert!(authorizer.probe().is_some());
        }
    }
    let off = with(r#""enabled": false"#, SPLIT);
    let (mut check, _, host) = run(&off, &[("x-user", "alice")]);
    check.resume(RemoteReply::Reset, &host);
    assert!(!check.wants_probe());
}

#[test]
fn it_closes_by_itself_when_probes_are_answered() {
    let clock = Rc::<FakeClock>::default();
    let extra = format!(r#""remote": {{"cluster": "opa", "breaker": {{"probes": 1}}}}, {SPLIT}"#);
    let authorizer = by(&clock, &Shelf::default(), &extra);
    open_by(&clock, &authorizer);
    assert!(authorizer.probe().is_none(), "the interval is not over");
    clock.now.set(2_000_000_000);
    let (probe, _) = authorizer.probe().expect("a probe");
    assert_eq!(at_once(&authorizer, &[("x-user", "alice")]).1, "remote:breaker_open");
    // What OPA says does not count, only that it says something.
    let probed = authorizer.probed(probe, RemoteReply::Answer { status: 500, body: None }).unwrap();
    assert_eq!(probed, Probed { result: ProbeResult::Answered, begins: Some(Stands::Closed) });
    assert_eq!(authorizer.probed(probe, RemoteReply::Reset), None, "once");
    calls(&authorizer, 1, &answer(r#"{"result": true}"#));
    let names: Vec<String> = probed.counters().map(Counter::name).collect();
    assert_eq!(names, ["sark_breaker_probes_total.result.answered", "sark_breaker_transitions_total.state.closed"]);
}

#[test]
fn no_request_can_open_it() {
    let clock = Rc::<FakeClock>::default();
    let breaker = r#"{"minimum_calls": 1, "failure_percentage": 1}"#;
    let extra = format!(r#""remote": {{"cluster": "opa", "breaker": {breaker}}}, {SPLIT}"#);
    let authorizer = by(&clock, &Shelf::default(), &extra);
    for reply in [
        RemoteReply::Overloaded,
        answer("<html>"),
        answer("{}"),
        answer(r#"{"result": 1}"#),
        answer(r#"{"result": {"allowed": true, "headers": {"a b": "c"}}}"#),
        answer(&format!(r#"{{"result": {}1}}"#, "1".repeat(500))),
        RemoteReply::Answer { status: 200, body: None },
        RemoteReply::Answer { status: 500, body: Some(Vec::new()) },
        RemoteReply::Answer { status: 400, body: Some(Vec::new()) },
    ] {
        calls(&authorizer, 50, &reply);
        assert!(authorizer.probe().is_none(), "{reply:?}");
    }
    let answered = authorizer.breaker().unwrap();
    assert_eq!((answered.calls, answered.unanswered), (400, 0), "a call that was not sent is none");
    // Questions that take too long raise the suspicion, and the probe, which is not the client's, ends it.
    for (second, status) in [(1, 503), (2, 504)] {
        clock.now.set(second * 1_000_000_000);
        calls(&authorizer, 50, &RemoteReply::Answer { status, body: None });
        let (probe, _) = authorizer.probe().expect("a probe");
        let probed = authorizer.probed(probe, answer("{}")).unwrap();
        assert_eq!(probed, Probed { result: ProbeResult::Answered, begins: None });
        calls(&authorizer, 1, &answer(r#"{"result": true}"#));
    }
}

#[test]
fn the_inline_side_stands_in_only_where_the_operator_wants_it() {
    const FALLBACK: &str = r#""fallback_to_inline": true"#;
    let feature =
        |feature: &str| format!(r#""identity": [{{"header": "x-user"}}], "features": {{"rust_opa": {{{feature}}}}}"#);
    let denied = (403, "remote:breaker_open".to_owned());
    for (breaker, keys, expected) in [
        (FALLBACK, SPLIT.to_owned(), (ALLOWED, "remote:breaker_open".to_owned())),
        ("", SPLIT.to_owned(), denied.clone()),
        (FALLBACK, feature(r#""rollout_percentage": 0"#), denied.clone()),
        (FALLBACK, feature(r#""enabled": false"#), denied.clone()),
        (FALLBACK, feature(r#""enabled": false, "rollout_percentage": 50"#), denied.clone()),
        (FALLBACK, feature(r#""rollout_percentage": 50, "users": {"alice": false}"#), denied.clone()),
        (FALLBACK, feature(r#""users": {"alice": false}"#), denied),
    ] {
        let authorizer = with(breaker, &keys);
        open(&authorizer);
        let (code, error, counted) = at_once(&authorizer, &[("x-user", "alice")]);
        assert_eq!((code, error), expected, "{breaker} {keys}");
        assert_eq!(counted.matches("feature_flag_assignments_total").count(), 1, "{counted}");
        assert!(counted.contains("rust_opa.implementation.remote"), "{counted}");
        let stood_in = counted.contains("sark_fallbacks_total.implementation.rust");
        assert_eq!(stood_in, expected.0 == ALLOWED, "{counted}");
    }
}

#[test]
fn an_inline_side_that_fails_too_asks_nobody_and_chooses_no_failure_mode() {
    let keys = format!(r#"{SPLIT}, "failure_mode_allow": true"#);
    let authorizer = with(r#""fallback_to_inline": true"#, &keys);
    open(&authorizer);
    let (code, error, _) = at_once(&authorizer, &[("x-user", "carol"), ("x-conflict", "1")]);
    assert_eq!((code, error.as_str()), (ALLOWED, "remote:breaker_open,rust:bad_result"));
    let budget = with(
        r#""fallback_to_inline": true"#,
        &format!(
            r#"{keys}, "limits": {{"evaluation_steps": 1000}}, "with_request_body": {{"max_request_bytes": 100000}}"#
        ),
    );
    open(&budget);
    let body = format!(r#"{{"items": [{}0]}}"#, "0,".repeat(5_000)).into_bytes();
    let host = FakeHost { body: Some(body.clone()), ..FakeHost::default() };
    let (mut check, step) = budget.check(arrival(head(&[("x-user", "carol")]), false), &host);
    assert!(matches!(step, Step::NeedBody));
    let step = check.body(body.len(), true, &host);
    assert_eq!((status(&step), check.error().as_deref()), (403, Some("remote:breaker_open,rust:step_limit")));
}

#[test]
fn another_window_or_timeout_has_a_breaker_of_its_own() {
    let shelf = Shelf::default();
    let of = |remote: &str| on(&shelf, &format!(r#""remote": {{"cluster": "opa", {remote}}}, {SPLIT}"#));
    let first = of(r#""timeout": "0.5s", "breaker": {"window": "10s"}"#);
    let wider = of(r#""timeout": "0.5s", "breaker": {"window": "20s"}"#);
    let patient = of(r#""timeout": "2s", "breaker": {"window": "10s"}"#);
    let same = of(r#""timeout": "0.5s", "breaker": {"window": "10s", "minimum_calls": 5, "probes": 1}"#);
    calls(&wider, 3, &RemoteReply::Reset);
    open(&first);
    assert_eq!(shelf.open_breakers(), 1);
    for (other, state, seen) in [(&wider, Stands::Closed, 3), (&patient, Stands::Closed, 0), (&same, Stands::Open, 0)] {
        let View { state: stands, calls, .. } = other.breaker().unwrap();
        assert_eq!((stands, calls), (state, seen));
        assert_eq!(status(&run(other, &[("x-user", "alice")]).1) == CALLED, state == Stands::Closed);
    }
}

#[test]
fn it_belongs_to_worker_and_cluster_and_outlives_a_push() {
    let shelf = Shelf::default();
    let of = |cluster: &str, breaker: &str| {
        on(&shelf, &format!(r#""remote": {{"cluster": "{cluster}", "breaker": {{{breaker}}}}}, {SPLIT}"#))
    };
    let first = of("opa", "");
    open(&first);
    assert_eq!(shelf.open_breakers(), 1);
    let pushed = of("opa", r#""minimum_calls": 5"#);
    drop(first);
    assert_eq!(at_once(&pushed, &[("x-user", "alice")]).0, 403);
    assert_eq!(pushed.breaker().unwrap().state, Stands::Open);
    let off = of("opa", r#""enabled": false"#);
    assert_eq!((status(&run(&off, &[("x-user", "alice")]).1), off.breaker()), (CALLED, None));
    let elsewhere = of("other", "");
    assert_eq!(status(&run(&elsewhere, &[("x-user", "alice")]).1), CALLED);
    drop(pushed);
    assert_eq!(shelf.open_breakers(), 0, "nobody uses it any more");
    let again = of("opa", "");
    assert_eq!(status(&run(&again, &[("x-user", "alice")]).1), CALLED);
}
