use super::*;
use crate::authorizer::Answer;
use crate::decision;
use crate::json;
use crate::metrics::{Implementation, Reason};
use std::rc::Rc;
use std::time::Duration;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const INVALID: &str = "invalid";

fn answer(result: &str) -> Answer {
    if result == INVALID {
        return Answer::Invalid;
    }
    Answer::Decision(decision::read(&json::parse(result.as_bytes()).unwrap()).unwrap())
}

fn side(result: &str, milliseconds: u64) -> Side {
    Side::of(Ok(answer(result)), Duration::from_millis(milliseconds))
}

fn error(reason: Reason) -> Side {
    Side::of(Err(reason), Duration::ZERO)
}

fn class(inline: Side, remote: Side) -> (Class, String) {
    let (class, names) = compare(&Pair { inline, remote }, 1.0);
    (class, names.iter().map(|(kind, name)| format!("{kind} {name}")).collect::<Vec<_>>().join(","))
}

#[track_caller]
fn assert_class(inline: &str, remote: &str, expected: Class, names: &str) {
    let both = [(inline, remote), (remote, inline)];
    for (inline, remote) in both {
        assert_eq!(class(side(inline, 1), side(remote, 2)), (expected, names.to_owned()), "{inline} {remote}");
    }
}

#[test]
fn answers_are_compared_field_by_field_and_the_first_field_counts() {
    let deny = |rest: &str| format!(r#"{{"allowed": false{rest}}}"#);
    let allow = |rest: &str| format!(r#"{{"allowed": true{rest}}}"#);
    for (one, other, class, names) in [
        ("true".to_owned(), allow(""), Class::Same, ""),
        ("false".to_owned(), deny(r#", "http_status": 403"#), Class::Same, ""),
        ("true".to_owned(), "false".to_owned(), Class::Decision, ""),
        (allow(r#", "headers": {"x-a": "1"}"#), deny(r#", "http_status": 401, "body": "b""#), Class::Decision, ""),
        (
            deny(r#", "http_status": 401, "body": "a", "headers": {"x-a": "1"}"#),
            deny(r#", "body": "b""#),
            Class::Status,
            "response x-a",
        ),
        (
            deny(r#", "body": "a", "headers": {"x-a": "1"}"#),
            deny(r#", "body": "b", "headers": {"x-a": "2"}"#),
            Class::Headers,
            "response x-a",
        ),
        (deny(r#", "body": "a""#), deny(r#", "body": "b""#), Class::Body, ""),
        (allow(r#", "body": "a""#), allow(r#", "http_status": 401"#), Class::Same, ""),
        (
            allow(r#", "headers": {"x-a": "1", "x-b": "2"}"#),
            allow(r#", "headers": {"X-B": "2", "x-a": "3"}"#),
            Class::Headers,
            "request x-a",
        ),
        (allow(r#", "request_headers_to_remove": ["x-a"]"#), allow(""), Class::Headers, "request removed x-a"),
        (
            allow(r#", "request_headers_to_remove": ["x-a"]"#),
            allow(r#", "request_headers_to_remove": ["X-A", "x-a"]"#),
            Class::Same,
            "",
        ),
        (
            allow(r#", "response_headers_to_add": {"x-a": ["1", "2"]}"#),
            allow(r#", "response_headers_to_add": {"x-a": ["2", "1"]}"#),
            Class::Headers,
            "response x-a",
        ),
        (
            allow(r#", "query_parameters_to_set": {"a": "1"}"#),
            allow(r#", "query_parameters_to_set": {"a": "2"}"#),
            Class::Headers,
            "query a",
        ),
        (allow(r#", "query_parameters_to_remove": ["a"]"#), allow(""), Class::Headers, "query removed a"),
        (
            allow(r#", "dynamic_metadata": {"a": {"b": 1}}"#),
            allow(r#", "dynamic_metadata": {"a": {"b": 2}}"#),
            Class::Headers,
            "metadata a",
        ),
        (deny(r#", "dynamic_metadata": {"a": 1}"#), deny(""), Class::Headers, "metadata a"),
        (allow(r#", "cache_ttl_seconds": 1"#), allow(""), Class::Same, ""),
        (INVALID.to_owned(), INVALID.to_owned(), Class::Same, ""),
        (INVALID.to_owned(), "true".to_owned(), Class::Decision, ""),
        (INVALID.to_owned(), "false".to_owned(), Class::Status, ""),
    ] {
        assert_class(&one, &other, class, names);
    }
}

#[test]
fn a_side_that_cannot_decide_comes_first_and_inline_before_remote() {
    let inline = || error(Reason::StepLimit);
    let remote = || error(Reason::Timeout);
    assert_eq!(class(inline(), side("true", 1)).0, Class::ErrorInline);
    assert_eq!(class(side("true", 1), remote()).0, Class::ErrorRemote);
    assert_eq!(class(inline(), remote()).0, Class::ErrorInline);
    let unasked = || Side { said: Said::Nothing, took: None };
    assert_eq!(class(inline(), unasked()).0, Class::ErrorInline);
    assert_eq!(class(unasked(), remote()).0, Class::ErrorRemote);
}

#[test]
fn only_a_slower_inline_side_is_of_the_class_latency_and_only_if_nothing_differs() {
    let ratio = |inline, remote, ratio| compare(&Pair { inline, remote }, ratio).0;
    assert_eq!(ratio(side("true", 10), side("true", 10), 1.0), Class::Same);
    assert_eq!(ratio(side("true", 11), side("true", 10), 1.0), Class::Latency);
    assert_eq!(ratio(side("true", 10), side("true", 1_000), 1.0), Class::Same);
    assert_eq!(ratio(side("true", 19), side("true", 10), 2.0), Class::Same);
    assert_eq!(ratio(side("true", 6), side("true", 10), 0.5), Class::Latency);
    assert_eq!(ratio(side("true", 11), side("false", 10), 1.0), Class::Decision);
    let kept = Side { took: None, ..side("true", 0) };
    assert_eq!(ratio(side("true", 11), kept.clone(), 1.0), Class::Same, "a kept answer has no time");
    assert_eq!(ratio(kept, side("true", 0), 1.0), Class::Same);
}

fn about(path: &str) -> About<'_> {
    About { method: "GET", path, decision_id: Some("id-1"), served_by: Implementation::Rust }
}

#[test]
fn the_first_differences_of_each_class_are_kept_and_all_are_counted() {
    let mut differences = Differences::new(2);
    let pair = |inline, remote| Pair { inline: side(inline, 1), remote: side(remote, 2) };
    for number in 0..5 {
        differences.note(Class::Decision, &[], &pair("true", "false"), &about(&format!("/{number}")));
    }
    differences.note(Class::Status, &[], &pair(r#"{"allowed": false, "http_status": 401}"#, "false"), &about("/s"));
    differences.note(Class::Same, &[], &pair("true", "true"), &about("/same"));
    let report = serde_json::to_value(differences.report()).unwrap();
    let expected = serde_json::json!({
        "decision": {"count": 5, "first": [
            {"decision_id": "id-1", "method": "GET", "path": "/0", "served_by": "rust",
             "inline": {"allowed": true, "microseconds": 1000}, "remote": {"allowed": false, "status": 403, "microseconds": 2000}},
            {"decision_id": "id-1", "method": "GET", "path": "/1", "served_by": "rust",
             "inline": {"allowed": true, "microseconds": 1000}, "remote": {"allowed": false, "status": 403, "microseconds": 2000}},
        ]},
        "status": {"count": 1, "first": [
            {"decision_id": "id-1", "method": "GET", "path": "/s", "served_by": "rust",
             "inline": {"allowed": false, "status": 401, "microseconds": 1000}, "remote": {"allowed": false, "status": 403, "microseconds": 2000}},
        ]},
        "same": {"count": 1},
    });
    assert_eq!(report, expected);
}

#[test]
fn what_is_kept_shows_no_value_no_query_and_nothing_that_looks_like_a_token() {
    const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln";
    const KEY: &str = "sk-live-0123456789abcdef";
    let inline = format!(r#"{{"allowed": true, "headers": {{"authorization": "Bearer {TOKEN}", "{KEY}": "1"}}}}"#);
    let pair = Pair {
        inline: side(&inline, 1),
        remote: side(r#"{"allowed": true, "headers": {"cookie": "c00kie-value"}}"#, 1),
    };
    let (class, names) = compare(&pair, 1.0);
    let mut differences = Differences::new(10);
    let path = format!("/reset/{TOKEN}/x?password=hunter2#frag");
    differences.note(class, &names, &pair, &about(&path));
    let long = format!("/{}", "a/".repeat(2_000));
    differences.note(class, &names, &pair, &About { method: KEY, ..about(&long) });
    let text = serde_json::to_string(differences.report()).unwrap();
    for secret in [TOKEN, KEY, "Bearer", "c00kie", "hunter2", "password", "frag"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let first = &differences.report().0["headers"].first;
    assert_eq!(first[0].path, "/reset/***/x");
    assert_eq!(first[0].differs, ["request authorization", "request cookie", "request ***"]);
    assert_eq!((first[1].path.len(), first[1].method.as_str()), (256, "***"));
    for plain in ["/orders/2026-11-22", "/api/v1/products", "/internationalisierung", "/12345678901234567890123"] {
        assert_eq!(redact::path(plain), plain);
    }
}

#[test]
fn the_room_is_bounded_in_requests_and_bytes_and_given_back() {
    let room = Rc::new(Room::new(2, 100));
    let first = Place::take(&room, 60).unwrap();
    assert!(Place::take(&room, 41).is_none());
    let second = Place::take(&room, 40).unwrap();
    assert!(Place::take(&room, 0).is_none(), "two requests");
    drop(first);
    let grown = second.resized(100).unwrap();
    assert!(Place::take(&room, 1).is_none(), "a hundred bytes");
    let shrunk = grown.resized(99).unwrap();
    let one = Place::take(&room, 1).unwrap();
    assert!(one.resized(2).is_none());
    drop(shrunk);
    assert!(Place::take(&room, 100).is_some(), "all is given back, by what did not fit as well");
}

#[test]
fn labels_are_the_documented_ones() {
    let labels = Class::ALL.map(Class::label);
    assert_eq!(labels, ["error_inline", "error_remote", "decision", "status", "headers", "body", "latency", "same"]);
}
