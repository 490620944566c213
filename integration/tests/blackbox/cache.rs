//! Decisions that are kept, in a real Envoy: what a hit does not do, how long it lasts, what a push makes of it.

use std::thread::sleep;
use std::time::Duration;

use sark_integration::client::Line;
use sark_integration::configuration::{and, of};
use sark_integration::{Mode, Request, Stack};
use serde_json::{Value, json};

/// Every evaluation gives an id of its own, so a reply with the id of another was not evaluated.
const RULES: &str = r#"
default result := {"allowed": false}

result := {"allowed": true, "response_headers_to_add": {"x-evaluation": uuid.rfc4122(""), "x-data": data.revision}} if {
	input.attributes.request.http.headers["x-user"]
}
"#;

fn cached(cache: Value) -> Value {
    let cache = and(&json!({"ttl_seconds_impure": 60}), cache);
    and(&of(RULES), json!({"policy": {"data": {"revision": "1"}}, "features": {"rust_cache": cache}}))
}

fn ask(user: &str) -> Request {
    // What differs and is not read makes no other question.
    Request::get(format!("/{}", fastrand::u32(..))).h2().header("x-user", user)
}

fn evaluation(line: &mut Line, user: &str) -> String {
    let reply = line.exchange(&ask(user)).unwrap();
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.header("x-evaluation").unwrap()
}

fn count(stack: &Stack, expected: &[(&str, u64)], work: impl FnOnce()) {
    let counted = stack.envoy().count("wasmcustom.cache_operation", expected, work);
    counted.unwrap_or_else(|error| panic!("{error}"));
}

const HIT: &str = "s_total.implementation.rust.operation.hit";
const MISS: &str = "s_total.implementation.rust.operation.miss";
const PUT: &str = "s_total.implementation.rust.operation.put";
const EXPIRE: &str = "s_total.implementation.rust.operation.expire";

#[test]
fn a_hit_evaluates_nothing_until_its_time_is_over() {
    let stack = Stack::sark(cached(json!({"ttl_seconds_impure": 2}))).start();
    let mut line = Line::new(stack.address());
    let mut first = String::new();
    count(&stack, &[(MISS, 1), (PUT, 1)], || first = evaluation(&mut line, "alice"));
    count(&stack, &[(HIT, 20)], || {
        for _ in 0..20 {
            assert_eq!(evaluation(&mut line, "alice"), first);
        }
    });
    count(&stack, &[(MISS, 1), (PUT, 1)], || assert_ne!(evaluation(&mut line, "bob"), first));
    stack.envoy().wait_for_stat("wasmcustom.rust_cache_size_entries", 2).unwrap();
    let full = stack.stat("wasmcustom.rust_cache_size_bytes");
    assert!(full > 100_000, "{full}");
    // Expired entries go without a question.
    count(&stack, &[(EXPIRE, 2)], || sleep(Duration::from_secs(3)));
    stack.envoy().wait_for_stat("wasmcustom.rust_cache_size_entries", 0).unwrap();
    assert!(stack.stat("wasmcustom.rust_cache_size_bytes") < full);
    count(&stack, &[(MISS, 1), (PUT, 1)], || assert_ne!(evaluation(&mut line, "alice"), first));
    let prometheus = stack.envoy().admin().prometheus().unwrap();
    let hits = prometheus.lines().find(|line| line.contains("operation=\"hit\"")).unwrap();
    assert!(hits.starts_with("cache_operations_total{") && hits.contains("implementation=\"rust\""), "{hits}");
    assert!(hits.ends_with(" 20"), "{hits}");
    assert!(prometheus.contains("# TYPE rust_cache_size_entries gauge"));
    // Every request is a decision all the same.
    assert_eq!(stack.stat("wasmcustom.sark_decisions_total.implementation.rust.result.allow"), 23);
}

#[test]
fn an_id_is_never_that_of_another_request() {
    let stack = Stack::sark(cached(json!({}))).start();
    let ids: std::collections::BTreeSet<String> = (0..5)
        .map(|number| {
            let path = format!("/id/{number}");
            assert_eq!(stack.send(&Request::get(&path).header("x-user", "alice")).status, 200);
            let access = stack.envoy().access_of(&path).unwrap();
            access["decision_id"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(ids.len(), 5, "{ids:?}");
}

#[test]
fn a_push_of_percentages_keeps_what_is_kept_and_one_of_data_ends_it() {
    let base = and(&cached(json!({})), json!({"remote": {"cluster": "opa"}}));
    let stack = Stack::sark(base.clone()).fake(Mode::Decision(json!(false))).workers(2).balanced().start();
    let lines = &mut stack.line_to_each_worker();
    let first: Vec<String> = lines.iter_mut().map(|line| evaluation(line, "alice")).collect();
    assert_ne!(first[0], first[1], "every worker has a cache of its own");
    let again = |lines: &mut Vec<Line>, pushed: &Value| -> Vec<String> {
        stack.push(pushed).accepted();
        lines.iter_mut().map(|line| evaluation(line, "alice")).collect()
    };
    let identity = json!([{"header": "x-user"}]);
    // Bucket 3408 is alice's for the cache.
    for percentages in [
        json!({"rust_cache": {"rollout_percentage": 34.09}}),
        json!({"rust_cache": {"rollout_percentage": 100, "fallback_on_error": false}}),
    ] {
        assert_eq!(again(lines, &and(&base, json!({"features": percentages, "identity": identity.clone()}))), first);
    }
    let out = again(
        lines,
        &and(&base, json!({"features": {"rust_cache": {"rollout_percentage": 34.08}}, "identity": identity})),
    );
    assert!(!first.contains(&out[0]) && !first.contains(&out[1]), "not for this user");
    let other = again(lines, &and(&base, json!({"policy": {"data": {"revision": "2"}}})));
    assert!(other.iter().all(|id| !first.contains(id)));
    assert_eq!(again(lines, &base), first, "back again");
    let off = and(&base, json!({"features": {"rust_cache": {"enabled": false}}}));
    assert!(again(lines, &off).iter().all(|id| !first.contains(id)));
    // Rolled back, the inline decisions do not answer for the other side.
    stack.push(&and(&base, json!({"features": {"rust_opa": {"enabled": false}}}))).accepted();
    for line in lines.iter_mut() {
        assert_eq!(line.exchange(&ask("alice")).unwrap().status, 403);
    }
    assert_eq!(again(lines, &base), first);
}

#[test]
fn answers_of_the_remote_opa_are_kept_where_a_key_is_named() {
    let cache = json!({"remote_key": ["attributes/request/http/headers/x-user"], "ttl_seconds_remote": 60});
    let remote =
        and(&cached(cache), json!({"remote": {"cluster": "opa"}, "features": {"rust_opa": {"enabled": false}}}));
    let stack = Stack::sark(remote).fake(Mode::Decision(json!(true))).start();
    let mut line = Line::new(stack.address());
    for (user, called) in [("alice", 1), ("alice", 1), ("bob", 2), ("alice", 2), ("bob", 2)] {
        assert_eq!(line.exchange(&ask(user)).unwrap().status, 200);
        assert_eq!(stack.fake().count(), called, "{user}");
    }
}
