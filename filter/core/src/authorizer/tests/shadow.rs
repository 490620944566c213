//! Both sides decide: what is asked of whom, and when.

use super::*;
use crate::metrics::Feature;
use crate::rollout::testing::{Process, Vm};
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Alice may; her name decides what else is said.
const RULES: &str = r#"package envoy.authz
import input.attributes.request.http as http
default allow := {"allowed": false, "http_status": 401}
allow := {"allowed": true, "headers": {"x-a": "1"}} if http.headers["x-user"] == "alice"
allow := 1 if http.headers["x-conflict"]
"#;

const EVERYBODY: &str = r#", "remote": {"cluster": "opa"}, "shadow": {"percentage": 100}"#;
const SAME: &str = r#"{"result": {"allowed": true, "headers": {"x-a": "1"}}}"#;

fn shadowed(extra: &str) -> Rc<Authorizer> {
    authorizer_with(RULES, &format!("{EVERYBODY}{extra}"))
}

/// Everyone is decided by the remote OPA.
fn remotely(extra: &str) -> Rc<Authorizer> {
    shadowed(&format!(r#", "features": {{"rust_opa": {{"rollout_percentage": 0}}}}{extra}"#))
}

/// What of the comparison was counted, without `sark_shadow_`.
fn compared(host: &FakeHost) -> Vec<String> {
    let counted = host.counted.borrow();
    counted.iter().filter_map(|name| name.strip_prefix("sark_shadow_")).map(str::to_owned).collect()
}

fn ask(check: Check, host: &FakeHost) -> Option<(Callout, Asked)> {
    check.into_shadow(host)?.ask(host)
}

#[test]
fn what_is_served_inline_is_asked_of_the_remote_side_afterwards() {
    for (reply, class) in [
        (SAME, "same"),
        (r#"{"result": true}"#, "headers"),
        (r#"{"result": false}"#, "decision"),
        ("{}", "error_remote"),
        ("", "error_remote"),
    ] {
        let authorizer = shadowed("");
        let (check, step, host) = run(&authorizer, &ALICE);
        assert_eq!(status(&step), ALLOWED);
        assert!(host.asked.borrow().is_empty(), "nothing is read before the request goes on");
        let (callout, asked) = ask(check, &host).unwrap();
        assert_eq!(compared(&host), [""; 0]);
        let sent: serde_json::Value = serde_json::from_slice(&callout.body).unwrap();
        assert_eq!(sent["input"]["attributes"]["request"]["http"]["headers"]["x-user"], "alice");
        asked.reply(answer(reply), &host);
        assert_eq!(compared(&host), [format!("total.class.{class}")]);
        let report = authorizer.shadow_report().unwrap();
        assert_eq!(report.0.keys().collect::<Vec<_>>(), [&class]);
        assert!(
            !host.counted.borrow().iter().any(|name| name.starts_with("opa_evaluation_errors")),
            "no error of the request"
        );
    }
}

#[test]
fn what_is_served_remotely_is_asked_of_the_engine_afterwards() {
    for (reply, pairs, class) in [
        (SAME, &ALICE[..], "same"),
        (r#"{"result": false}"#, &ALICE, "decision"),
        (r#"{"result": {"allowed": false, "http_status": 403}}"#, &[], "status"),
        (SAME, &[("x-user", "alice"), ("x-conflict", "1")], "error_inline"),
    ] {
        let authorizer = remotely("");
        let (mut check, step, host) = run(&authorizer, pairs);
        assert_eq!(status(&step), CALLED);
        check.resume(answer(reply), &host);
        check.settle(&host);
        let before = host.counted.borrow().len();
        assert!(ask(check, &host).is_none());
        assert_eq!(host.counted.borrow()[before..], [format!("sark_shadow_total.class.{class}")]);
        let report = serde_json::to_value(authorizer.shadow_report().unwrap()).unwrap();
        assert_eq!(report[class]["count"], 1);
    }
}

#[test]
fn both_sides_get_the_same_document() {
    let asks_for_id =
        "package envoy.authz\nallow := {\"allowed\": true, \"headers\": {\"x-id\": input.attributes.request.http.id}}";
    let authorizer = authorizer_with(asks_for_id, EVERYBODY);
    let (check, step, mut host) = run(&authorizer, &[]);
    let Step::Allow(mutations) = step else { panic!("not let through") };
    // Whatever the proxy draws later on, the request keeps its number.
    host.random = 7;
    let (callout, asked) = ask(check, &host).unwrap();
    let sent: serde_json::Value = serde_json::from_slice(&callout.body).unwrap();
    assert_eq!(mutations.set_request_headers, [("x-id".to_owned(), "0".to_owned())]);
    assert_eq!(sent["input"]["attributes"]["request"]["http"]["id"], "0");
    asked.reply(answer(r#"{"result": {"allowed": true, "headers": {"x-id": "0"}}}"#), &host);
    assert_eq!(compared(&host), ["total.class.same"]);
}

/// Metadata may be another one when the request is gone.
#[test]
fn metadata_is_read_before_the_request_goes_on() {
    let (check, _, host) = run(&shadowed(r#", "metadata_context_namespaces": ["a"]"#), &ALICE);
    let pending = check.into_shadow(&host).unwrap();
    assert!(pending.is_read());
    assert!(host.asked.borrow().contains(&"metadata".to_owned()));
    let (check, _, host) = run(&shadowed(""), &ALICE);
    assert!(!check.into_shadow(&host).unwrap().is_read());
}

#[test]
fn a_side_that_fails_on_the_requests_own_path_is_a_class_and_nothing_more_is_asked() {
    let conflict = [("x-user", "alice"), ("x-conflict", "1")];
    let (mut check, step, host) = run(&shadowed(""), &conflict);
    assert_eq!(status(&step), CALLED, "the fallback");
    check.resume(answer(SAME), &host);
    assert!(check.into_shadow(&host).is_none());
    assert_eq!(compared(&host), ["total.class.error_inline"]);

    let authorizer = remotely("");
    let (mut check, _, host) = run(&authorizer, &ALICE);
    assert_eq!(status(&check.resume(RemoteReply::Failed, &host)), 403);
    assert!(check.into_shadow(&host).is_none());
    assert_eq!(compared(&host), ["total.class.error_remote"]);
    let report = serde_json::to_value(authorizer.shadow_report().unwrap()).unwrap();
    let first = &report["error_remote"]["first"][0];
    assert_eq!((&first["served_by"], &first["method"], &first["path"]), (&"none".into(), &"POST".into(), &"/a".into()));
    assert_eq!((&first["remote"]["error"], first["inline"].as_object().unwrap().len()), (&"dispatch_failed".into(), 0));
}

#[test]
fn what_no_side_decides_is_not_compared() {
    let authorizer = shadowed("");
    let host = FakeHost::default();
    let bad = Head::new([(&b":path"[..], &b"/%zz"[..])]);
    let (check, step) = authorizer.check(arrival(bad, true), &host);
    assert_eq!(status(&step), 400);
    assert!(check.into_shadow(&host).is_none());
    assert_eq!(compared(&host), [""; 0]);
}

#[test]
fn who_is_not_in_the_share_is_not_compared() {
    let share = |percentage: &str, user: &str| {
        let identity = r#""identity": [{"header": "x-user"}]"#;
        let extra =
            format!(r#", "remote": {{"cluster": "opa"}}, "shadow": {{"percentage": {percentage}}}, {identity}"#);
        let (check, _, host) = run(&authorizer_with(RULES, &extra), &[("x-user", user)]);
        check.into_shadow(&host).is_some()
    };
    // bob's bucket is 1844, alice's 7175 (docs/configuration.md).
    assert_eq!((share("18.44", "bob"), share("18.45", "bob")), (false, true));
    assert_eq!((share("71.75", "alice"), share("71.76", "alice")), (false, true));
    assert_eq!((share("99.99", ""), share("100", ""), share("0", "bob")), (false, true, false));
    let disabled = shadowed(r#", "features": {"rust_opa": {"enabled": false}}"#);
    let (mut check, _, host) = run(&disabled, &ALICE);
    check.resume(answer(SAME), &host);
    assert!(check.into_shadow(&host).is_none(), "the inline side is switched off");
    assert_eq!(authorizer("").shadow_report(), None);
}

#[test]
fn what_finds_no_room_is_dropped_and_counted() {
    let authorizer =
        authorizer_with(RULES, r#", "remote": {"cluster": "opa"}, "shadow": {"percentage": 100, "max_in_flight": 2}"#);
    let (first, _, host) = run(&authorizer, &ALICE);
    let first = first.into_shadow(&host).unwrap();
    let (second, _, _) = run(&authorizer, &ALICE);
    let asked = ask(second, &host).unwrap();
    let (third, step, host) = run(&authorizer, &ALICE);
    assert_eq!(status(&step), ALLOWED);
    assert!(third.into_shadow(&host).is_none());
    assert_eq!(compared(&host), ["dropped_total"]);
    drop((first, asked));
    let (fourth, _, host) = run(&authorizer, &ALICE);
    assert!(fourth.into_shadow(&host).is_some());
    assert_eq!(compared(&host), [""; 0]);
}

#[test]
fn bytes_are_bounded_too() {
    let extra = r#", "remote": {"cluster": "opa"}, "shadow": {"percentage": 100, "max_bytes": 65536}"#;
    let authorizer = authorizer_with(RULES, extra);
    let long = "a".repeat(60_000);
    let (check, _, host) = run(&authorizer, &[("x-long", &long)]);
    let held = check.into_shadow(&host).unwrap();
    let (second, _, host) = run(&authorizer, &[("x-long", &long)]);
    assert!(second.into_shadow(&host).is_none());
    assert_eq!(compared(&host), ["dropped_total"]);
    // The document has the header's text, and more.
    let long = "\u{1}".repeat(20_000);
    drop(held);
    for asks in [true, false] {
        let (third, _, host) = run(&authorizer, &[("x-long", &long)]);
        let pending = third.into_shadow(&host).unwrap();
        assert!(if asks { pending.ask(&host).is_none() } else { pending.read(&host).is_none() });
        assert_eq!(compared(&host), ["dropped_total"]);
    }
}

/// A request that ends before its turn is read at its end, and asked about then.
#[test]
fn what_is_read_before_its_turn_is_asked_all_the_same() {
    for (authorizer, is_remote) in [(shadowed(""), false), (remotely(""), true)] {
        let (mut check, _, mut host) = run(&authorizer, &ALICE);
        if is_remote {
            check.resume(answer(SAME), &host);
        }
        let read = check.into_shadow(&host).unwrap().read(&host).unwrap();
        assert!(read.is_read());
        // The proxy has forgotten the request.
        host.silent = Some("request.protocol");
        let asked = read.read(&host).unwrap().ask(&host);
        assert_eq!(asked.is_none(), is_remote);
        if let Some((_, asked)) = asked {
            asked.reply(answer(SAME), &host);
        }
        assert_eq!(compared(&host), ["total.class.same"]);
    }
}

/// A body that takes much as a value is decided at once, not kept so.
#[test]
fn a_value_that_does_not_wait_needs_no_room() {
    let extra =
        r#", "with_request_body": {"max_request_bytes": 100000}, "shadow": {"percentage": 100, "max_bytes": 300000}"#;
    let remote = r#", "remote": {"cluster": "opa"}, "features": {"rust_opa": {"rollout_percentage": 0}}"#;
    let authorizer = authorizer_with(RULES, &format!("{remote}{extra}"));
    let body = format!("[{}1]", "1,".repeat(40_000)).into_bytes();
    let host = FakeHost { body: Some(body.clone()), ..FakeHost::default() };
    let pending = || {
        let (mut check, _) = authorizer.check(arrival(head(&ALICE), false), &host);
        assert_eq!(status(&check.body(body.len(), true, &host)), CALLED);
        check.resume(answer(SAME), &host);
        check.into_shadow(&host).unwrap()
    };
    assert!(pending().ask(&host).is_none());
    assert_eq!(compared(&host), ["total.class.same"]);
    assert!(pending().read(&host).is_none());
    assert_eq!(compared(&host), ["total.class.same", "dropped_total"]);
}

#[test]
fn what_the_proxy_does_not_tell_is_dropped() {
    let (check, _, mut host) = run(&shadowed(""), &ALICE);
    host.silent = Some("request.protocol");
    assert!(ask(check, &host).is_none());
    assert_eq!(compared(&host), ["dropped_total"]);
}

const BODY: &str = r#", "with_request_body": {"max_request_bytes": 100, "allow_partial_message": true}"#;

fn plain_post(authorizer: &Rc<Authorizer>, host: &FakeHost) -> (Check, Step) {
    let head = Head::new([(&b":method"[..], &b"POST"[..]), (b":path", b"/a"), (b"x-user", b"alice")]);
    authorizer.check(arrival(head, false), host)
}

#[test]
fn the_body_is_waited_for_because_the_other_side_may_read_it() {
    let host = FakeHost { body: Some(b"hello".to_vec()), ..FakeHost::default() };
    let (_, step) = plain_post(&authorizer_with(RULES, &format!("{REMOTE}{BODY}")), &host);
    assert_eq!(status(&step), ALLOWED, "but for the comparison nobody waits");
    let (mut check, step) = plain_post(&shadowed(BODY), &host);
    assert!(matches!(step, Step::NeedBody) && check.body_is_optional());
    assert_eq!(status(&check.body(5, true, &host)), ALLOWED);
    let (callout, _) = ask(check, &host).unwrap();
    let sent: serde_json::Value = serde_json::from_slice(&callout.body).unwrap();
    assert_eq!(sent["input"]["attributes"]["request"]["http"]["body"], "hello");
}

#[test]
fn a_body_that_only_the_comparison_wants_denies_nobody() {
    let host = FakeHost::default();
    let (mut check, _) = plain_post(&shadowed(BODY), &host);
    assert_eq!(status(&check.without_body(&host)), ALLOWED);
    assert!(check.into_shadow(&host).is_none());
    assert_eq!(compared(&host), ["dropped_total"]);
    // One that decides does.
    let (mut check, _) = plain_post(&remotely(BODY), &host);
    assert!(!check.body_is_optional());
    assert_eq!((status(&check.without_body(&host)), check.error().as_deref()), (403, Some("none:body_unavailable")));
}

#[test]
fn a_kept_answer_is_compared_as_what_it_is_and_the_other_side_keeps_nothing() {
    let cache = r#", "features": {"rust_cache": {"remote_key": ["parsed_path"], "ttl_seconds_remote": 60}}"#;
    let authorizer = shadowed(cache);
    let (check, _, host) = run(&authorizer, &ALICE);
    let (_, asked) = ask(check, &host).unwrap();
    asked.reply(answer(r#"{"result": false}"#), &host);
    let operations = |host: &FakeHost| -> Vec<String> {
        host.counted
            .borrow()
            .iter()
            .filter_map(|name| name.rsplit_once("operation."))
            .map(|(_, name)| name.to_owned())
            .collect()
    };
    assert_eq!(operations(&host), ["miss", "put"], "the answer of the side that served, and no other");
    let (check, step, host) = run(&authorizer, &ALICE);
    assert_eq!((status(&step), operations(&host)), (ALLOWED, vec!["hit".to_owned()]));
    let (_, asked) = ask(check, &host).unwrap();
    asked.reply(answer(r#"{"result": false}"#), &host);
    assert_eq!(compared(&host), ["total.class.decision"]);
    let report = serde_json::to_value(authorizer.shadow_report().unwrap()).unwrap();
    let took = |index: usize| report["decision"]["first"][index]["inline"].get("microseconds").is_some();
    assert_eq!((took(0), took(1)), (true, false));
}

#[test]
fn a_request_that_ends_undecided_or_refused_by_the_host_leaves_its_place() {
    let authorizer = authorizer_with(
        RULES,
        r#", "remote": {"cluster": "opa"}, "shadow": {"percentage": 100, "max_in_flight": 1}, "features": {"rust_opa": {"rollout_percentage": 0}}"#,
    );
    // The client goes away while the remote side is asked.
    drop(run(&authorizer, &ALICE));
    let (mut check, _, host) = run(&authorizer, &ALICE);
    check.resume(answer(SAME), &host);
    assert!(ask(check, &host).is_none());
    assert_eq!(compared(&host), ["total.class.same"]);
}

#[test]
fn after_a_rollback_the_engine_does_not_run_to_compare_either() {
    let configuration = serde_json::json!({
        "policy": {"modules": {"p.rego": RULES}},
        "remote": {"cluster": "opa"},
        "identity": [{"header": "x-user"}],
        "features": {"rust_opa": {"rollout_percentage": 0.01}},
        "shadow": {"percentage": 100},
    });
    let authorizer = Vm::of(&Process::start()).authorizer(&configuration);
    let served = || {
        let (mut check, step, host) = run(&authorizer, &ALICE);
        assert_eq!(status(&step), CALLED);
        check.resume(answer(SAME), &host);
        (check.into_shadow(&host), host)
    };
    let (before, host) = served();
    authorizer.rollout().rollback(Feature::RustOpa, "ops").unwrap();
    assert!(before.unwrap().ask(&host).is_none());
    assert_eq!(compared(&host), ["dropped_total"]);
    let (after, host) = served();
    assert!(after.is_none());
    assert_eq!(compared(&host), [""; 0]);
}
