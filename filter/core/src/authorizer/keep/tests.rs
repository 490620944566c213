use super::*;
use crate::authorizer::{Arrival, Authorizer};
use crate::engine::Shelf;
use crate::host::testing::{FakeClock, FakeHost};
use crate::metrics::Outcome;
use crate::remote::Reply as RemoteReply;
use crate::request::Head;
use serde_json::{Value as Json, json};
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// One VM: what outlives a configuration.
#[derive(Default)]
pub struct Vm {
    shelf: Shelf,
    pub clock: Rc<FakeClock>,
}

impl Vm {
    pub fn take(&self, configuration: &Json) -> Rc<Authorizer> {
        let clock = self.clock.clone();
        let taken = Authorizer::new(configuration.to_string().as_bytes(), &|_| None, clock, &self.shelf);
        Rc::new(taken.unwrap_or_else(|error| panic!("{error}")))
    }

    fn pass(&self, seconds: u64) {
        self.clock.now.set(self.clock.now.get() + seconds * 1_000_000_000);
    }
}

const POLICY: &str = r#"package envoy.authz
default allow := {"allowed": false, "body": "no"}
allow := {"allowed": true, "headers": {"x-role": data.role}, "dynamic_metadata": {"n": 1}} if {
    input.attributes.request.http.headers["x-user"] == "alice"
}
allow := 1 if input.attributes.request.http.headers["x-error"]
"#;

/// `allow`, with this cache and these other members.
fn configuration(policy: &str, cache: Json, more: Json) -> Json {
    let mut configuration = json!({
        "policy": {"modules": {"p.rego": policy}, "data": {"role": "reader"}},
        "features": {"rust_cache": cache},
    });
    for (key, value) in more.as_object().unwrap() {
        configuration[key] = value.clone();
    }
    configuration
}

fn head(headers: &[(&str, &str)]) -> Head {
    let usual = [(":method", "GET"), (":path", "/a?x=1")];
    // Pseudo-headers stand once.
    let usual = if headers.first().is_some_and(|(name, _)| name.starts_with(':')) { &[][..] } else { &usual };
    Head::new(usual.iter().chain(headers).map(|(name, value)| (name.as_bytes(), value.as_bytes())))
}

pub fn ask_with(authorizer: &Rc<Authorizer>, headers: &[(&str, &str)], host: &FakeHost) -> (Check, Step) {
    let arrival = Arrival { head: head(headers), stripped: Vec::new(), end_of_stream: true };
    authorizer.check(arrival, host)
}

fn ask(authorizer: &Rc<Authorizer>, headers: &[(&str, &str)]) -> (Check, Step, Vec<String>) {
    let host = FakeHost::default();
    let (check, step) = ask_with(authorizer, headers, &host);
    (check, step, cache_counts(&host))
}

/// What the cache counted: `hit`, `miss,put`, `error key_too_large`.
pub fn cache_counts(host: &FakeHost) -> Vec<String> {
    let counted = host.counted.take();
    let operations = counted.iter().filter_map(|name| name.strip_prefix("cache_operation"));
    operations.map(|name| name.rsplit('.').next().unwrap().to_owned()).collect()
}

fn counts(authorizer: &Rc<Authorizer>, headers: &[(&str, &str)]) -> String {
    ask(authorizer, headers).2.join(",")
}

const ALICE: &[(&str, &str)] = &[("x-user", "alice")];
const BOB: &[(&str, &str)] = &[("x-user", "bob")];

#[test]
fn a_hit_gives_the_same_step_under_an_id_of_its_own() {
    let vm = Vm::default();
    let authorizer = vm.take(&configuration(POLICY, json!({}), json!({})));
    assert!(authorizer.summary().contains("what it allows is kept for 300 s"), "{}", authorizer.summary());
    for headers in [ALICE, BOB, &[]] {
        let asked = |random| {
            let host = FakeHost { random, ..FakeHost::default() };
            let (check, step) = ask_with(&authorizer, headers, &host);
            check.settle(&host);
            let outcome = host.counted.borrow().last().cloned();
            (format!("{step:?}"), check.states(), outcome, cache_counts(&host).join(","))
        };
        let (first, second) = (asked(1), asked(2));
        assert_eq!((first.0, first.2), (second.0, second.2));
        assert_eq!((first.3.as_str(), second.3.as_str()), ("miss,put", "hit"));
        let id = |states: &[(&str, String)]| {
            states.iter().find(|(name, _)| *name == "sark.decision_id").map(|(_, id)| id.clone())
        };
        assert_ne!(id(&first.1), id(&second.1));
        assert_eq!(first.1.len(), second.1.len(), "metadata are kept");
        if headers == ALICE {
            let text = &second.1[2].1;
            assert!(text.contains(r#""n":1"#) && text.contains("4002-8000-000000000002"), "{text}");
        }
    }
}

/// Chance would show it.
#[test]
fn a_hit_evaluates_nothing() {
    let policy = r#"package envoy.authz
allow := {"allowed": true, "response_headers_to_add": {"x-id": uuid.rfc4122("")}}"#;
    let vm = Vm::default();
    let with = |cache| vm.take(&configuration(policy, cache, json!({})));
    let id = |authorizer: &Rc<Authorizer>, random| {
        let host = FakeHost { random, ..FakeHost::default() };
        let (_, Step::Allow(mutations)) = ask_with(authorizer, &[], &host) else { panic!("not allowed") };
        (mutations.add_response_headers[0].1.clone(), cache_counts(&host).join(","))
    };
    let kept = with(json!({"ttl_seconds_impure": 2}));
    let (first, second) = (id(&kept, 1), id(&kept, 2));
    assert_eq!((first.0.clone(), second.1.as_str()), (second.0, "hit"));
    vm.pass(2);
    assert_ne!(id(&kept, 2).0, first.0, "it is two seconds old");
    let never = with(json!({}));
    assert!(never.summary().contains("is never kept: the policy calls uuid.rfc4122"), "{}", never.summary());
    assert_eq!((id(&never, 1).1.as_str(), id(&never, 2).1.as_str()), ("bypass", "bypass"));
    assert_ne!(id(&never, 1).0, id(&never, 2).0);
}

#[test]
fn allowed_and_denied_have_times_of_their_own() {
    let vm = Vm::default();
    let authorizer =
        vm.take(&configuration(POLICY, json!({"ttl_seconds_allow": 10, "ttl_seconds_deny": 5}), json!({})));
    for (headers, seconds) in [(ALICE, 10), (BOB, 5)] {
        assert_eq!(counts(&authorizer, headers), "miss,put");
        vm.pass(seconds - 1);
        assert_eq!(counts(&authorizer, headers), "hit");
        vm.pass(1);
        assert_eq!(counts(&authorizer, headers), "miss,put", "a hit makes it no younger");
    }
}

#[test]
fn errors_are_not_kept_and_a_policy_may_forbid_it() {
    let vm = Vm::default();
    let authorizer = vm.take(&configuration(POLICY, json!({}), json!({"failure_mode_allow": true})));
    let error = &[("x-error", "1"), ("x-user", "alice")][..];
    for _ in 0..2 {
        let (check, _, counted) = ask(&authorizer, error);
        assert_eq!((check.error().as_deref(), counted.join(",").as_str()), (Some("rust:conflict"), "miss"));
    }
    let policy = r#"package envoy.authz
allow := {"allowed": true, "cache_ttl_seconds": 0}"#;
    let authorizer = vm.take(&configuration(policy, json!({}), json!({})));
    assert_eq!((counts(&authorizer, &[]), counts(&authorizer, &[])), ("miss".to_owned(), "miss".to_owned()));
}

#[test]
fn a_push_that_moves_percentages_keeps_what_is_kept_and_any_other_ends_it() {
    let vm = Vm::default();
    let base = configuration(POLICY, json!({}), json!({"remote": {"cluster": "opa"}}));
    let first = vm.take(&base);
    assert_eq!(counts(&first, ALICE), "miss,put");
    let changed = |path: &str, value: Json| {
        let mut configuration = base.clone();
        *configuration.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = value;
        configuration
    };
    for same in [
        changed(
            "/features",
            json!({"rust_opa": {"fallback_on_error": false}, "rust_cache": {"fallback_on_error": false}}),
        ),
        changed(
            "/features",
            json!({"rust_opa": {"rollout_percentage": 100}, "rust_cache": {"rollout_percentage": 100}}),
        ),
    ] {
        assert_eq!(counts(&vm.take(&same), ALICE), "hit", "{same}");
    }
    for other in [
        changed("/policy/data/role", json!("writer")),
        changed("/policy/modules/p.rego", json!(format!("{POLICY}# another text\n"))),
        changed("/features/rust_cache", json!({"ttl_seconds": 299})),
    ] {
        let authorizer = vm.take(&other);
        let (_, step, counted) = ask(&authorizer, ALICE);
        assert_eq!(counted.join(","), "miss,put", "{other}");
        let Step::Allow(mutations) = step else { panic!("not allowed") };
        assert_eq!(Some(mutations.set_request_headers[0].1.as_str()), other["policy"]["data"]["role"].as_str());
    }
    // And back: nothing else was ever decided there.
    assert_eq!(counts(&vm.take(&base), ALICE), "hit");
    assert_eq!(counts(&vm.take(&changed("/features/rust_cache", json!({"max_size": 9}))), ALICE), "miss,put");
    drop(first);
    assert_eq!(counts(&vm.take(&base), ALICE), "miss,put", "what nobody uses is gone");
}

fn answer(result: &str) -> RemoteReply {
    RemoteReply::Answer { status: 200, body: Some(format!(r#"{{"result": {result}}}"#).into_bytes()) }
}

/// Asks; where the remote OPA is asked, it gives this answer.
fn ask_remote(authorizer: &Rc<Authorizer>, headers: &[(&str, &str)], result: &str) -> (bool, Implementation, String) {
    let host = FakeHost::default();
    let (mut check, step) = ask_with(authorizer, headers, &host);
    let step = match step {
        Step::Call(_) => check.resume(answer(result), &host),
        step => step,
    };
    (matches!(step, Step::Allow(_)), check.implementation(), cache_counts(&host).join(","))
}

/// The very parts that the inline policy reads, so that nothing but the side tells the keys apart.
const REMOTE_KEY: [&str; 2] = ["attributes/request/http/headers/x-error", "attributes/request/http/headers/x-user"];

#[test]
fn the_answers_of_one_side_are_never_those_of_the_other() {
    let vm = Vm::default();
    let sides = |enabled: bool| {
        let cache = json!({"remote_key": REMOTE_KEY, "ttl_seconds_remote": 7});
        let mut configuration = configuration(POLICY, cache, json!({"remote": {"cluster": "opa"}}));
        configuration["features"]["rust_opa"] = json!({"enabled": enabled});
        vm.take(&configuration)
    };
    let (inline, remote) = (sides(true), sides(false));
    let (rust, opa) = (Implementation::Rust, Implementation::Remote);
    assert_eq!(ask_remote(&inline, ALICE, "false"), (true, rust, "miss,put".to_owned()));
    assert_eq!(ask_remote(&remote, ALICE, "false"), (false, opa, "miss,put".to_owned()), "rolled back");
    assert_eq!(ask_remote(&remote, ALICE, "true"), (false, opa, "hit".to_owned()));
    assert_eq!(ask_remote(&inline, ALICE, "false"), (true, rust, "hit".to_owned()), "rolled out again");
    assert_eq!(ask_remote(&remote, BOB, "true"), (true, opa, "miss,put".to_owned()));
    vm.pass(7);
    assert_eq!(ask_remote(&remote, ALICE, "true"), (true, opa, "miss,put".to_owned()));
    // An inline error may be answered by what the remote OPA said before.
    let error = &[("x-error", "1"), ("x-user", "alice")][..];
    assert_eq!(ask_remote(&inline, error, "true"), (true, opa, "miss,miss,put".to_owned()));
    assert_eq!(ask_remote(&inline, error, "false"), (true, opa, "miss,hit".to_owned()));
}

#[test]
fn what_was_asked_before_the_cache_was_cleared_is_not_kept() {
    let vm = Vm::default();
    let cache = json!({"remote_key": REMOTE_KEY, "ttl_seconds_remote": 7});
    let mut configuration = configuration(POLICY, cache, json!({"remote": {"cluster": "opa"}}));
    configuration["features"]["rust_opa"] = json!({"enabled": false});
    let authorizer = vm.take(&configuration);
    let host = FakeHost::default();
    let (mut check, _) = ask_with(&authorizer, ALICE, &host);
    vm.shelf.caches.all().iter().for_each(|cache| cache.borrow_mut().renew(1));
    assert!(matches!(check.resume(answer("true"), &host), Step::Allow(_)));
    assert_eq!(cache_counts(&host), ["miss"]);
    assert_eq!(ask_remote(&authorizer, ALICE, "false").2, "miss,put");
}

#[test]
fn answers_of_the_remote_opa_are_kept_only_by_a_key_that_is_named() {
    let vm = Vm::default();
    let mut plain = configuration(POLICY, json!({}), json!({"remote": {"cluster": "opa"}}));
    plain["features"]["rust_opa"] = json!({"enabled": false});
    let authorizer = vm.take(&plain);
    for result in ["true", "false"] {
        let expected = (result == "true", Implementation::Remote, String::new());
        assert_eq!(ask_remote(&authorizer, ALICE, result), expected);
    }
}

#[test]
fn numbers_that_are_not_held_by_their_text_are_always_asked_anew() {
    let vm = Vm::default();
    let cache = json!({"remote_key": ["parsed_body"], "ttl_seconds_remote": 7});
    let more = json!({"remote": {"cluster": "opa"}, "with_request_body": {"max_request_bytes": 100}});
    let mut configuration = configuration(POLICY, cache, more);
    configuration["features"]["rust_opa"] = json!({"enabled": false});
    let authorizer = vm.take(&configuration);
    let asked = |body: &str| {
        let host = FakeHost { body: Some(body.as_bytes().to_vec()), ..FakeHost::default() };
        let head = head(&[("content-type", "application/json")]);
        let (mut check, _) = authorizer.check(Arrival { head, stripped: Vec::new(), end_of_stream: false }, &host);
        if let Step::Call(_) = check.body(body.len(), true, &host) {
            check.resume(answer("true"), &host);
        }
        cache_counts(&host).join(",")
    };
    assert_eq!((asked("[1]"), asked("[1]")), ("miss,put".to_owned(), "hit".to_owned()));
    assert_eq!((asked("[1.0]"), asked("[1.0]"), asked("[1e9]")), Default::default());
}

#[test]
fn a_body_that_is_cut_is_not_kept() {
    let vm = Vm::default();
    let policy = "package envoy.authz\ndefault allow := false\nallow if input.attributes.request.http.body == \"1234\"";
    let limit = json!({"with_request_body": {"max_request_bytes": 4, "allow_partial_message": true}});
    let authorizer = vm.take(&configuration(policy, json!({}), limit));
    let asked = |body: &str| {
        let host = FakeHost { body: Some(body.as_bytes().to_vec()), ..FakeHost::default() };
        let (mut check, _) =
            authorizer.check(Arrival { head: head(&[]), stripped: Vec::new(), end_of_stream: false }, &host);
        let step = check.body(body.len(), true, &host);
        (matches!(step, Step::Allow(_)), cache_counts(&host).join(","))
    };
    for _ in 0..2 {
        assert_eq!(asked("12345"), (true, "bypass".to_owned()));
    }
    assert_eq!(asked("1234"), (true, "miss,put".to_owned()));
    assert_eq!(asked("1234"), (true, "hit".to_owned()));
}

#[test]
fn the_cache_has_percentages_of_its_own() {
    let vm = Vm::default();
    // Buckets of the published vectors: alice 3408, bob 3849.
    for (percentage, alice, bob) in [(34.08, "", ""), (34.09, "hit", ""), (38.5, "hit", "hit"), (100.0, "hit", "hit")] {
        let authorizer = vm.take(&configuration(
            POLICY,
            json!({"rollout_percentage": percentage}),
            json!({"identity": [{"header": "x-user"}]}),
        ));
        for (headers, expected) in [(ALICE, alice), (BOB, bob)] {
            counts(&authorizer, headers);
            assert_eq!(counts(&authorizer, headers), expected, "{headers:?} at {percentage}");
        }
    }
    let off = vm.take(&configuration(POLICY, json!({"enabled": false}), json!({})));
    let host = FakeHost::default();
    let (check, _) = ask_with(&off, ALICE, &host);
    check.settle(&host);
    assert_eq!(
        *host.counted.borrow(),
        [
            "feature_flag_assignments_total.feature.rust_opa.implementation.rust",
            "feature_flag_assignments_total.feature.rust_cache.implementation.none",
            "sark_decisions_total.implementation.rust.result.allow"
        ]
    );
}

#[test]
fn an_error_of_the_cache_is_decided_without_it_or_denied() {
    let vm = Vm::default();
    let long = "x".repeat(crate::cache::MAX_KEY_BYTES);
    let large = "x".repeat(crate::cache::MAX_ENTRY_BYTES);
    let policy = r#"package envoy.authz
default allow := {"allowed": true}
allow := {"allowed": false, "body": data.large} if input.attributes.request.http.headers["x-user"] == "large""#;
    for (headers, error) in [([("x-user", long.as_str())], "key_too_large"), ([("x-user", "large")], "entry_too_large")]
    {
        let with = |fallback: bool| {
            let more = json!({
                "failure_mode_allow": true,
                "policy": {"modules": {"p.rego": policy}, "data": {"large": large}},
            });
            let authorizer = vm.take(&configuration("", json!({"fallback_on_error": fallback}), more));
            let (check, step, counted) = ask(&authorizer, &headers);
            (step, check.error(), counted.last().cloned(), check.outcome)
        };
        let (step, failed, counted, _) = with(true);
        assert_eq!((failed, counted.as_deref()), (None, Some(error)));
        assert_eq!(matches!(step, Step::Allow(_)), error == "key_too_large", "as the policy says");
        let (step, failed, counted, outcome) = with(false);
        assert_eq!((failed.as_deref(), counted.as_deref()), (Some("none:cache"), Some(error)));
        assert!(matches!(step, Step::Deny(_)) && outcome == Outcome::FailureModeDeny);
    }
}

#[test]
fn a_dry_run_keeps_the_decision_and_not_what_became_of_it() {
    let vm = Vm::default();
    let with = |dry: bool| vm.take(&configuration(POLICY, json!({}), json!({"dry_run": dry})));
    let (dry, wet) = (with(true), with(false));
    let (check, step, counted) = ask(&dry, BOB);
    assert!(matches!(step, Step::Allow(_)) && check.outcome == Outcome::DryRun && counted == ["miss", "put"]);
    let (check, step, counted) = ask(&wet, BOB);
    assert!(matches!(step, Step::Deny(_)) && check.outcome == Outcome::Deny && counted == ["hit"]);
    let (check, step, counted) = ask(&dry, BOB);
    assert!(matches!(step, Step::Allow(_)) && check.outcome == Outcome::DryRun && counted == ["hit"]);
}

#[test]
fn the_shelf_sweeps_and_says_how_its_caches_stand() {
    let vm = Vm::default();
    let authorizer = vm.take(&configuration(POLICY, json!({}), json!({})));
    assert_eq!(vm.shelf.sweep(0), Default::default());
    counts(&authorizer, ALICE);
    counts(&authorizer, BOB);
    let now = vm.shelf.sweep(1);
    assert!(now.entries == 2 && now.expired == 0 && now.bytes > 100_000, "{now:?}");
    vm.pass(300);
    let later = vm.shelf.sweep(300_000_000_000);
    assert!(later.entries == 0 && later.expired == 2 && later.bytes < now.bytes, "{later:?}");
    drop(authorizer);
    assert_eq!(vm.shelf.sweep(0), Default::default());
}

/// Nothing of the URL is in this key, and the decision is found without a document: still the URL is read.
#[test]
fn a_url_that_cannot_be_read_is_refused_though_a_decision_is_kept_for_its_key() {
    let vm = Vm::default();
    let authorizer = vm.take(&configuration(POLICY, json!({}), json!({"failure_mode_allow": true})));
    let asked = |path| {
        let host = FakeHost::default();
        let (check, step) = ask_with(&authorizer, &[(":path", path), ("x-user", "alice")], &host);
        check.settle(&host);
        (matches!(step, Step::Allow(_)), check.outcome, host.counted.take())
    };
    let assigned = |feature: &str| format!("feature_flag_assignments_total.feature.{feature}.implementation.rust");
    let (rust_opa, rust_cache) = (assigned("rust_opa"), assigned("rust_cache"));
    let allowed = "sark_decisions_total.implementation.rust.result.allow".to_owned();
    for (path, operations) in [("/a", &["miss", "put"][..]), ("/b?x=1", &["hit"]), ("/%41?%41=%41", &["hit"])] {
        let operations = operations
            .iter()
            .map(|operation| format!("cache_operations_total.implementation.rust.operation.{operation}"));
        let mut expected = vec![rust_opa.clone(), rust_cache.clone()];
        expected.extend(operations.chain([allowed.clone()]));
        assert_eq!(asked(path), (true, Outcome::Allow, expected), "{path}");
    }
    let refused = "sark_decisions_total.implementation.none.result.bad_request".to_owned();
    for path in ["/%zz", "/a%", "/a?%zz", "/a?b;c", "/a?x=%f"] {
        assert_eq!(asked(path), (false, Outcome::BadRequest, vec![refused.clone()]), "{path}");
    }
}

/// A body may be unreadable, so that a request with one is read whole before anything that is kept counts.
#[test]
fn a_decision_is_found_with_and_without_the_document_wherever_it_was_made() {
    let asked = |authorizer: &Rc<Authorizer>, body: Option<&str>| {
        let host = FakeHost { body: body.map(|body| body.as_bytes().to_vec()), ..FakeHost::default() };
        let length = body.map_or(0, str::len);
        let json = [("content-type", "application/json"), ("x-user", "alice")];
        let head = head(if body.is_some() { &json } else { ALICE });
        let arrival = Arrival { head, stripped: Vec::new(), end_of_stream: body.is_none() };
        let (mut check, step) = authorizer.check(arrival, &host);
        let step = if let Step::NeedBody = step { check.body(length, true, &host) } else { step };
        (matches!(step, Step::Allow(_)), cache_counts(&host).join(","))
    };
    let more = json!({"with_request_body": {"max_request_bytes": 9}});
    for order in [[None, Some("{}")], [Some("{}"), None]] {
        let vm = Vm::default();
        let authorizer = vm.take(&configuration(POLICY, json!({}), more.clone()));
        assert_eq!(asked(&authorizer, order[0]), (true, "miss,put".to_owned()));
        assert_eq!(asked(&authorizer, order[1]), (true, "hit".to_owned()));
        assert_eq!(asked(&authorizer, Some("{")), (false, String::new()), "refused");
    }
}
