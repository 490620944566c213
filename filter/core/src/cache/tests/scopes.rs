//! What ends the life of all keys, what does not, and what is never kept.

use super::super::scope::Scope;
use super::*;
use crate::config::CacheTimes;
use crate::metrics::Implementation;
use crate::plan::Reads;
use crate::policy::DecisionPath;
use crate::request::Shape;
use std::time::Duration;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

pub fn times() -> CacheTimes {
    let seconds = Duration::from_secs;
    CacheTimes { allow: seconds(300), deny: seconds(60), impure: None, remote: None }
}

fn revision(configuration: &str) -> Revision {
    Revision::of(configuration.as_bytes(), &times())
}

#[test]
fn whatever_shapes_input_or_decision_makes_another_revision() {
    let base = revision(r#"{"policy": {"data": {"a": 1}}, "limits": {"evaluation_steps": 5000}}"#);
    for same in [
        r#"{"limits": {"evaluation_steps": 5000}, "policy": {"data": {"a": 1}}}"#,
        r#"{"policy": {"data": {"a": 1}}, "limits": {"evaluation_steps": 5000},
            "features": {"rust_opa": {"rollout_percentage": 5}}, "identity": [{"header": "x-user"}],
            "shadow": {"percentage": 1}, "dry_run": true, "failure_mode_allow": true, "failure_mode_allow_header_add": true,
            "status_on_error": {"code": 503}, "debug_header": "x-by"}"#,
    ] {
        assert_eq!(revision(same), base, "{same}");
    }
    for other in [
        r#"{"policy": {"data": {"a": 2}}, "limits": {"evaluation_steps": 5000}}"#,
        r#"{"policy": {"data": {"a": 1}}, "limits": {"evaluation_steps": 5001}}"#,
        r#"{"policy": {"data": {"a": 1}}}"#,
        r#"{"policy": {"data": {"a": 1}}, "limits": {"evaluation_steps": 5000}, "validate_mutations": true}"#,
        r#"{"policy": {"data": {"a": 1}}, "limits": {"evaluation_steps": 5000}, "yet to be invented": 1}"#,
        "",
    ] {
        assert_ne!(revision(other), base, "{other}");
    }
    let shorter = CacheTimes { allow: Duration::from_secs(299), ..times() };
    assert_ne!(Revision::of(b"{}", &shorter), revision("{}"));
}

#[test]
fn sides_decisions_and_paths_have_scopes_of_their_own() {
    let path = |text| DecisionPath::parse(text).unwrap();
    let parts = |names: &[&[&str]]| -> Vec<Vec<String>> {
        names.iter().map(|path| path.iter().map(|name| (*name).to_owned()).collect()).collect()
    };
    let (one, other) = (revision("{}"), revision(r#"{"policy": {}}"#));
    let (rust, remote) = (Implementation::Rust, Implementation::Remote);
    let scopes = [
        Scope::new(&one, rust, &path("a/b"), &parts(&[&["x", "y"]])),
        Scope::new(&other, rust, &path("a/b"), &parts(&[&["x", "y"]])),
        Scope::new(&one, remote, &path("a/b"), &parts(&[&["x", "y"]])),
        Scope::new(&one, rust, &path("ab"), &parts(&[&["x", "y"]])),
        Scope::new(&one, rust, &path("a/b"), &parts(&[&["x"], &["y"]])),
        Scope::new(&one, rust, &path("a/b"), &parts(&[&["xy"]])),
        Scope::new(&one, rust, &path("a/b"), &parts(&[])),
    ];
    for (at, scope) in scopes.iter().enumerate() {
        assert_eq!(scopes.iter().position(|other| other == scope), Some(at));
    }
}

fn why_not(reads: &Reads, impure: &[&str], times: &CacheTimes) -> Option<String> {
    Terms::inline(&revision("{}"), &DecisionPath::parse("").unwrap(), reads, impure, times, &Shape::default()).err()
}

#[test]
fn what_is_another_for_every_request_is_never_kept() {
    let reads = |path: &str| Reads::Parts(vec![path.split('.').map(str::to_owned).collect()]);
    for bad in [
        "attributes",
        "attributes.request",
        "attributes.request.time",
        "attributes.request.time.seconds",
        "attributes.request.http",
        "attributes.request.http.id",
    ] {
        let why = why_not(&reads(bad), &[], &times()).unwrap();
        assert!(why.contains("another for every request"), "{bad}: {why}");
    }
    assert!(why_not(&Reads::Whole, &[], &times()).is_some());
    for good in
        ["attributes.request.http.method", "attributes.source", "attributes.request.http.headers", "parsed_path"]
    {
        assert_eq!(why_not(&reads(good), &[], &times()), None, "{good}");
    }
    assert_eq!(why_not(&Reads::Parts(Vec::new()), &[], &times()), None, "a policy that reads nothing");
}

#[test]
fn what_asks_clock_or_chance_is_kept_only_for_a_time_that_is_named() {
    let nothing = Reads::Parts(Vec::new());
    let why = why_not(&nothing, &["time.now_ns", "uuid.rfc4122"], &times()).unwrap();
    assert_eq!(why, "the policy calls time.now_ns, uuid.rfc4122, and no ttl_seconds_impure says how old it may be");
    let named = CacheTimes { impure: Some(Duration::from_secs(2)), ..times() };
    let terms = |impure: &[&str]| {
        let path = DecisionPath::parse("").unwrap();
        Terms::inline(&revision("{}"), &path, &nothing, impure, &named, &Shape::default()).map(|terms| terms.times)
    };
    let (allow, deny) = (decision("true"), decision("false"));
    let impure = terms(&["time.now_ns"]).unwrap();
    assert_eq!((impure.of(&allow).as_secs(), impure.of(&deny).as_secs()), (2, 2));
    let pure = terms(&[]).unwrap();
    assert_eq!((pure.of(&allow).as_secs(), pure.of(&deny).as_secs()), (300, 60));
}

#[test]
fn a_policy_may_say_less() {
    let (path, nothing) = (DecisionPath::parse("").unwrap(), Reads::Parts(Vec::new()));
    let terms = Terms::inline(&revision("{}"), &path, &nothing, &[], &times(), &Shape::default());
    let times = terms.unwrap_or_else(|why| panic!("{why}")).times;
    for (ttl, seconds) in [("5", 5), ("0", 0), ("1000", 300), ("-1", 0), ("1.5", 0), ("null", 0), (r#""5""#, 0)] {
        let allow = decision(&format!(r#"{{"allowed": true, "cache_ttl_seconds": {ttl}}}"#));
        assert_eq!(times.of(&allow).as_secs(), seconds, "{ttl}");
    }
    assert_eq!(times.of(&decision(r#"{"allowed": false, "cache_ttl_seconds": 5}"#)).as_secs(), 5);
}
