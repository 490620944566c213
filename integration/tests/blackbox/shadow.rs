//! Both sides decide, the client gets the answer of one and waits for no other, and every difference is counted.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use sark_integration::configuration::{and, of};
use sark_integration::operator::{self, READER, bearing};
use sark_integration::wait::SOON;
use sark_integration::{
    Connection, Gate, Http2, Mode, Protocol, Request, Response, Sending, Shared, Stack, Turn, bucket, wait,
};
use serde_json::{Value, json};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

static STACK: Shared =
    Shared::new(|| Mutex::new(Stack::sark(inline(json!({}))).fake(Mode::decide(remote_policy)).workers(2).start()));

/// The stack with this configuration, and an OPA that is well.
fn with(configuration: &Value) -> Turn<'static> {
    let stack = STACK.with(configuration);
    stack.fake().set(Mode::decide(remote_policy));
    stack.fake().listen().unwrap();
    stack
}

/// What is asked for, by the first segment of the path, and the class that it is.
const KINDS: [(&str, &str); 10] = [
    ("allow", "same"),
    ("deny", "same"),
    ("decision", "decision"),
    ("status", "status"),
    ("headers", "headers"),
    ("headers_of_denial", "headers"),
    ("body", "body"),
    ("error_inline", "error_inline"),
    ("slow_inline", "error_inline"),
    ("error_remote", "error_remote"),
];

const RULES: &str = r#"
kind := input.parsed_path[0]

default result := {"allowed": true, "headers": {"x-side": "one"}}

result := {"allowed": false, "http_status": 401, "body": "no"} if {
	kind in {"decision", "status", "deny", "headers_of_denial", "body"}
}

result := "nonsense" if kind == "error_inline"

result := false if {
	kind == "slow_inline"
	count([1 | some a in numbers.range(1, 1000); some b in numbers.range(1, 1000); a == b]) == 0
}
"#;

/// The same policy, different on purpose.
fn remote_policy(input: &Value) -> Value {
    let denies = |rest: Value| and(&json!({"allowed": false, "http_status": 401, "body": "no"}), rest);
    match input["parsed_path"][0].as_str().unwrap_or_default() {
        "decision" => json!({"allowed": true, "headers": {"x-side": "other"}}),
        "status" => denies(json!({"http_status": 404})),
        "headers" => json!({"allowed": true, "headers": {"x-side": "other"}}),
        "headers_of_denial" => denies(json!({"headers": {"x-a": "1"}})),
        "body" => denies(json!({"body": "never"})),
        "deny" => denies(json!({})),
        "error_remote" => json!("nonsense"),
        _ => json!({"allowed": true, "headers": {"x-side": "one"}}),
    }
}

/// Everybody is served inline, and everything is compared.
fn inline(changes: Value) -> Value {
    let base = json!({
        "remote": {"cluster": "opa", "timeout": "10s"},
        "shadow": {"percentage": 100, "max_in_flight": 2000, "latency_ratio": 1000},
        "limits": {"evaluation_steps": 20_000, "evaluation_time": "10s"},
        "identity": [{"header": "x-user"}],
        "debug_header": "x-decided-by",
    });
    and(&and(&of(RULES), base), changes)
}

/// Everybody is served by the remote OPA, and everything is compared.
fn remotely(changes: Value) -> Value {
    and(&inline(json!({"features": {"rust_opa": {"rollout_percentage": 0}}})), changes)
}

/// How many were compared, by class, and dropped.
fn compared(stack: &Stack) -> BTreeMap<String, u64> {
    let stats = stack.stats("wasmcustom.sark_shadow_");
    let short = |name: &str| match name.rsplit('.').next() {
        Some("sark_shadow_dropped_total") => "dropped".to_owned(),
        class => class.unwrap_or_default().to_owned(),
    };
    stats.into_iter().map(|(name, count)| (short(&name), count)).filter(|(_, count)| *count > 0).collect()
}

/// Asserts that `work` is compared like this, and nothing else is.
#[track_caller]
fn assert_compared(stack: &Stack, expected: &[(&str, u64)], work: impl FnOnce()) {
    let before = compared(stack);
    work();
    let grown = || {
        let now = compared(stack).into_iter();
        let grown = now.map(|(class, count)| (class.clone(), count - before.get(&class).copied().unwrap_or(0)));
        grown.filter(|(_, count)| *count > 0).collect::<BTreeMap<_, _>>()
    };
    let expected: BTreeMap<String, u64> = expected.iter().map(|(class, count)| ((*class).to_owned(), *count)).collect();
    let total: u64 = expected.values().sum();
    let all = wait::until(SOON, "all comparisons", || (grown().values().sum::<u64>() >= total).then_some(()));
    stack.settle();
    assert_eq!(grown(), expected, "{all:?}");
}

/// What the client gets of a side that serves it: status, body, and what the upstream sees.
fn served(kind: &str, is_inline: bool) -> (u16, &'static str, &'static str) {
    match (kind, is_inline) {
        ("decision", false) | ("headers", false) => (200, "", "other"),
        ("decision" | "status" | "deny" | "headers_of_denial" | "body", true) => (401, "no", ""),
        ("deny" | "headers_of_denial", false) => (401, "no", ""),
        ("status", false) => (404, "no", ""),
        ("body", false) => (401, "never", ""),
        ("error_remote", false) => (403, "", ""),
        _ => (200, "", "one"),
    }
}

#[track_caller]
fn assert_served(reply: &Response, kind: &str, is_inline: bool) {
    let (status, body, side) = served(kind, is_inline);
    assert_eq!(reply.status, status, "{kind}, inline {is_inline}: {reply:?}");
    match reply.try_upstream() {
        Some(upstream) => assert_eq!(upstream.header("x-side").as_deref(), Some(side), "{kind}, inline {is_inline}"),
        None => assert_eq!((reply.text().as_str(), side), (body, ""), "{kind}, inline {is_inline}"),
    }
}

#[test]
fn every_class_is_counted_exactly_and_the_client_gets_the_answer_of_its_own_side() {
    const REQUESTS: usize = 1_000;
    let half = json!({
        "features": {"rust_opa": {"rollout_percentage": 50}},
        "shadow": {"percentage": 70.5},
    });
    let stack = with(&inline(half));
    let user = |number: usize| format!("user-{number}");
    let kind = |number: usize| KINDS[number % KINDS.len()];
    let requests: Vec<Request> = (0..REQUESTS)
        .map(|number| {
            let request = Request::get(format!("/{}/{number}", kind(number).0)).header("x-user", user(number));
            request.protocol(BOTH[(number / KINDS.len()) % 2])
        })
        .collect();
    let mut expected = BTreeMap::new();
    for number in (0..REQUESTS).filter(|number| bucket::inline("shadow", user(*number), 70.5)) {
        *expected.entry(kind(number).1).or_default() += 1;
    }
    let total: u64 = expected.values().sum();
    println!("{REQUESTS} requests, {total} compared: {expected:?}");
    assert!((600..800).contains(&total), "{expected:?}");
    let expected: Vec<(&str, u64)> = expected.into_iter().collect();
    assert_compared(&stack, &expected, || {
        for (number, reply) in stack.send_all(8, &requests).iter().enumerate() {
            assert_served(reply, kind(number).0, bucket::inline("rust_opa", user(number), 50.0));
        }
    });
    let prometheus = stack.envoy().admin().prometheus().unwrap();
    assert!(prometheus.contains("sark_shadow_total{class=\"decision\"}"), "the shipped labels");
    let denied = |kind: &str, number| served(kind, bucket::inline("rust_opa", user(number), 50.0)).0 != 200;
    let passed = (0..REQUESTS).filter(|number| !denied(kind(*number).0, *number)).count();
    let received = stack.echo().received().into_iter().filter(|request| request.path != "/settle").count();
    assert_eq!(received, passed, "the upstream got what the serving side allowed, and no more");
    assert_eq!(stack.stat("wasmcustom.sark_host_errors_total"), 0);
}

#[test]
fn with_a_dead_opa_its_errors_are_counted_and_nothing_else_happens() {
    let stack = with(&inline(json!({})));
    stack.fake().stop();
    let before = compared_of(&stack, "error_remote");
    let counts = [
        ("sark_shadow_total.class.error_remote", 20),
        ("feature_flag_assignments_total.feature.rust_opa.implementation.rust", 20),
        ("sark_decisions_total.implementation.rust.result.allow", 20),
        ("sark_identity_missing_total", 20),
    ];
    stack.assert_counts(&counts, || {
        for number in 0..20 {
            let reply = stack.send(&Request::get("/allow").protocol(BOTH[number % 2]));
            assert_served(&reply, "allow", true);
        }
        let all = || (compared_of(&stack, "error_remote") == before + 20).then_some(());
        wait::until(SOON, "20 errors", all).unwrap();
        stack.settle();
    });
}

#[test]
fn no_client_waits_for_the_other_side() {
    let stack = with(&inline(json!({})));
    let slow = Duration::from_secs(2);
    stack.fake().set(Mode::after(slow, Mode::decide(remote_policy)));
    assert_compared(&stack, &[("same", 40)], || {
        let times = (0..40).map(|number| {
            let started = Instant::now();
            assert_served(&stack.send(&Request::get("/allow").protocol(BOTH[number % 2])), "allow", true);
            started.elapsed()
        });
        let longest = times.max().unwrap();
        println!("of 40 requests the longest took {longest:?} while OPA answered after {slow:?}");
        assert!(longest < slow, "{longest:?}");
    });
}

fn compared_of(stack: &Stack, class: &str) -> u64 {
    compared(stack).get(class).copied().unwrap_or(0)
}

#[test]
fn what_has_no_room_is_dropped() {
    let stack = with(&inline(json!({"shadow": {"max_in_flight": 5}})));
    let gate = Gate::default();
    stack.fake().set(Mode::Held(gate.clone()));
    // One connection is one worker.
    let connection = Http2::open(stack.address()).unwrap();
    let request = |path: &str| Request::get(path).h2();
    let send = |path: &str| assert_eq!(connection.exchange(&request(path)).unwrap().status, 200);
    assert_compared(&stack, &[("dropped", 15)], || (0..20).for_each(|_| send("/full")));
    assert_compared(&stack, &[("same", 5)], || gate.decide("/full", remote_policy(&json!({}))));
    // There is room again, and one that OPA answers late gives its room back.
    gate.decide("/again", remote_policy(&json!({})));
    assert_compared(&stack, &[("same", 1)], || send("/again"));
    stack.fake().set(Mode::decide(remote_policy));

    // The bytes of what waits are bounded as well: the header fits, its JSON does not.
    stack.push(&inline(json!({"shadow": {"max_bytes": 65_536}}))).accepted();
    let large = Request::get("/large").h2().header("x-large", "\"".repeat(40_000));
    assert_compared(&stack, &[("dropped", 1)], || {
        assert_eq!(connection.exchange(&large).unwrap().status, 200);
    });
    assert_compared(&stack, &[("same", 1)], || send("/small"));
}

#[test]
fn a_client_that_goes_away_changes_nothing() {
    let stack = with(&inline(json!({"shadow": {"max_in_flight": 1}})));
    let gate = Gate::default();
    stack.fake().set(Mode::Held(gate.clone()));
    // Served, and gone before the other side has answered.
    assert_compared(&stack, &[("same", 1)], || {
        let mut connection = Connection::open(stack.address()).unwrap();
        assert_eq!(connection.exchange(&Request::get("/gone")).unwrap().status, 200);
        connection.abort().unwrap();
        stack.fake().wait_for_call("/gone", SOON).unwrap();
        gate.decide("/gone", remote_policy(&json!({})));
    });
    // Gone before it was served: nothing is compared, and its room is free again.
    stack.push(&remotely(json!({"shadow": {"max_in_flight": 1}}))).accepted();
    let connection = Http2::open(stack.address()).unwrap();
    assert_compared(&stack, &[("same", 1)], || {
        let stream = connection.start(&Request::get("/left").h2(), true).unwrap();
        stack.fake().wait_for_call("/left", SOON).unwrap();
        stream.reset();
        stack.envoy().wait_for_stat("wasmcustom.sark_callouts_in_flight", 0).unwrap();
        gate.decide("/left", remote_policy(&json!({})));
        gate.decide("/stays", remote_policy(&json!({})));
        assert_eq!(connection.exchange(&Request::get("/stays").h2()).unwrap().status, 200);
    });
}

#[test]
fn a_push_drops_what_is_under_way_and_serves_on() {
    let stack = with(&inline(json!({})));
    let gate = Gate::default();
    stack.fake().set(Mode::Held(gate.clone()));
    let send = |path: &str| {
        for protocol in BOTH {
            assert_eq!(stack.send(&Request::get(path).protocol(protocol)).status, 200);
        }
    };
    assert_compared(&stack, &[("dropped", 2)], || {
        send("/before");
        stack.fake().wait_for_call("/before", SOON).unwrap();
        stack.push(&inline(json!({"status_on_error": {"code": 500}}))).accepted();
    });
    gate.decide("/before", json!(true));
    gate.decide("/after", remote_policy(&json!({})));
    assert_compared(&stack, &[("same", 2)], || send("/after"));
}

/// Ports, ids and times differ from one request to the next.
fn without_chance(mut call: Value) -> Value {
    let attributes = &mut call["input"]["attributes"];
    attributes["request"]["http"]["id"] = json!("");
    attributes["request"]["http"]["headers"]["x-request-id"] = json!("");
    for seconds in ["seconds", "nanos"] {
        assert!(attributes["request"]["time"][seconds].is_number());
    }
    attributes["request"]["time"] = json!(0);
    attributes["source"]["address"]["socketAddress"]["portValue"] = json!(0);
    call
}

/// Whether the stream still lives when its turn comes, or has ended before: an answer of our own ends it at once.
#[test]
fn the_other_side_gets_the_document_that_the_serving_side_saw() {
    let body = json!({"with_request_body": {"max_request_bytes": 1000}, "source_address": "request"});
    for (kind, protocol) in
        [("allow", Protocol::Http1), ("allow", Protocol::Http2), ("deny", Protocol::Http1), ("deny", Protocol::Http2)]
    {
        let path = format!("/{kind}/same%20document?a=1&b=%22");
        let request = Request::post(&path).protocol(protocol).header("content-type", "application/json");
        let request = request.header("x-multi", "1").header("x-multi", "2").body(r#"{"a": [1.0, 1e2, "\ud800"]}"#);
        let document = |configuration: &Value| {
            let stack = with(configuration);
            assert_served(&stack.send(&request), kind, true);
            let call = stack.fake().wait_for_call(&path, SOON).unwrap();
            without_chance(call.body)
        };
        let serving = document(&remotely(and(&body, json!({"shadow": {"percentage": 0}}))));
        let comparing = document(&inline(body.clone()));
        assert_eq!(serving, comparing, "{kind}");
    }
}

#[test]
fn a_request_is_compared_while_its_stream_lives_on() {
    for protocol in BOTH {
        let stack = with(&inline(json!({})));
        let mut sending = None;
        assert_compared(&stack, &[("same", 1)], || {
            let request = Request::post("/allow").protocol(protocol).header("content-length", "10");
            sending = Some(Sending::begin(stack.address(), protocol, &request, false).unwrap());
        });
        let mut sending = sending.unwrap();
        sending.data("0123456789", true).unwrap();
        assert_eq!(sending.status().unwrap(), 200, "it was not touched");
    }
}

#[test]
fn a_request_that_is_compared_waits_for_its_body_because_the_other_side_may_read_it() {
    let body = json!({"with_request_body": {"max_request_bytes": 100, "allow_partial_message": true}});
    for protocol in BOTH {
        let stack = with(&inline(body.clone()));
        stack.fake().set(Mode::decide(|input| json!({"allowed": input["attributes"]["request"]["http"]["body"] == "0123456789", "headers": {"x-side": "one"}})));
        assert_compared(&stack, &[("same", 1)], || {
            let request = Request::post("/allow").protocol(protocol).header("content-length", "10");
            let mut sending = Sending::begin(stack.address(), protocol, &request, false).unwrap();
            sending.data("01234", false).unwrap();
            stack.settle();
            assert_eq!(stack.echo().received_at("/allow"), [], "held");
            sending.data("56789", true).unwrap();
            assert_eq!(sending.status().unwrap(), 200);
        });
    }
}

#[test]
fn a_body_that_envoy_keeps_back_and_only_the_comparison_wants_denies_nobody() {
    let body = json!({"with_request_body": {"max_request_bytes": 100, "allow_partial_message": true}});
    let stack = Stack::sark(inline(body))
        .fake(Mode::decide(remote_policy))
        .workers(1)
        .options(|options| options.stop_iteration = false)
        .start();
    let post = || Request::post("/allow").body("0123456789");
    // The first one finds out, and is denied as it would be without the comparison if its body mattered.
    assert_eq!(stack.send(&post()).status, 403);
    assert_compared(&stack, &[("dropped", 10)], || {
        for number in 0..10 {
            assert_served(&stack.send(&post().protocol(BOTH[number % 2])), "allow", true);
        }
    });
    assert_compared(&stack, &[("same", 1)], || assert_served(&stack.send(&Request::get("/allow")), "allow", true));
}

#[test]
fn what_is_compared_is_never_kept_and_what_was_kept_is_compared() {
    let cache = json!({"features": {"rust_cache": {"remote_key": ["parsed_path"], "ttl_seconds_remote": 60}}});
    let stack = with(&remotely(cache));
    let operations = || stack.stats("wasmcustom.cache_operations_total");
    let before = operations();
    // One connection is one worker.
    let connection = Http2::open(stack.address()).unwrap();
    for _ in 0..3 {
        assert_compared(&stack, &[("decision", 1)], || {
            assert_served(&connection.exchange(&Request::get("/decision").h2()).unwrap(), "decision", false);
        });
    }
    assert_eq!(stack.fake().count(), 1);
    let grown: Vec<(String, u64)> = operations()
        .into_iter()
        .map(|(name, count)| (name.rsplit('.').next().unwrap_or_default().to_owned(), count - before[&name]))
        .filter(|(_, count)| *count > 0)
        .collect();
    assert_eq!(grown, [("hit".to_owned(), 2), ("miss".to_owned(), 1), ("put".to_owned(), 1)]);
}

#[test]
fn while_the_feature_is_disabled_the_engine_does_not_run_at_all() {
    let stack = with(&inline(json!({"features": {"rust_opa": {"enabled": false}}})));
    assert_compared(&stack, &[], || {
        for protocol in BOTH {
            assert_served(&stack.send(&Request::get("/decision").protocol(protocol)), "decision", false);
        }
    });
    assert_eq!(stack.fake().count(), 2);
}

/// Every worker answers for all of them, about the configuration of now, and tells no secret.
#[test]
fn the_admin_api_shows_what_all_workers_have_compared() {
    let admin = json!({"admin": operator::section()});
    let stack = Stack::sark(inline(admin.clone())).fake(Mode::decide(remote_policy)).workers(2).balanced().start();
    let mut lines = stack.line_to_each_worker();
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln";
    for line in &mut lines {
        for kind in ["allow", "decision", "headers"] {
            let request = Request::get(format!("/{kind}/{token}?password=hunter2")).h2();
            line.exchange(&request.header("authorization", format!("Bearer {token}"))).unwrap();
        }
    }
    for line in &mut lines {
        let shown = || {
            let reply = line.exchange(&bearing(READER, "GET", "/admin/shadow").h2()).unwrap();
            assert_eq!(reply.status, 200, "{reply:?}");
            let all = json!({"decision": 2, "headers": 2, "same": 2});
            (reply.json()["counts"] == all).then_some(reply)
        };
        let reply = wait::until(SOON, "both workers to show what they compared", shown).unwrap();
        let body = reply.json();
        assert_eq!((&body["percentage"], body["workers"].as_array().unwrap().len()), (&json!(100), 2), "{body}");
        for worker in body["workers"].as_array().unwrap() {
            let first = &worker["classes"]["decision"]["first"];
            assert_eq!(first.as_array().unwrap().len(), 1, "{worker}");
            let first = &first[0];
            assert_eq!(first["path"], "/decision/***", "{first}");
            assert_eq!((&first["method"], &first["served_by"]), (&json!("GET"), &json!("rust")), "{first}");
            assert_eq!((&first["inline"]["allowed"], &first["inline"]["status"]), (&json!(false), &json!(401)));
            assert_eq!(first["remote"]["allowed"], true, "{first}");
            let id = first["decision_id"].as_str().unwrap().to_owned();
            stack.envoy().wait_for_access(|line| line["decision_id"] == id.as_str()).unwrap();
            assert_eq!(worker["classes"]["headers"]["first"][0]["differs"], json!(["request x-side"]));
            assert_eq!(worker["classes"]["same"], json!({"count": 1}));
        }
        let text = reply.text();
        assert!(!text.contains(token) && !text.contains("hunter2") && !text.contains("Bearer"), "{text}");
    }
    // Another configuration begins anew.
    stack.push(&inline(and(&admin, json!({"shadow": {"percentage": 0}})))).accepted();
    let gone = || {
        let body = lines[0].exchange(&bearing(READER, "GET", "/admin/shadow").h2()).unwrap().json();
        (body["percentage"] == 0 && body["workers"] == json!([])).then_some(())
    };
    wait::until(SOON, "what was compared before is not shown", gone).unwrap();
    assert_eq!(stack.send(&Request::get("/admin/shadow")).status, 401);
}
