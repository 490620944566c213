//! Policies, plans and requests that mean harm, pushed to a real Envoy under load: refused, or answered with the
//! documented error, while everybody else is served and no worker dies.

use std::time::{Duration, Instant};

use sark_integration::configuration::{and, planned, source};
use sark_integration::{Load, Protocol, Request, Stack, bundle, wait};
use serde_json::{Value, json};

const PATH: &str = "envoy/authz/result";

/// Does harm when a request's path asks for it.
const POLICY: &str = r#"package envoy.authz

kind := input.parsed_path[0]

text := input.attributes.request.http.headers["x-text"]

default result := false

result if kind == "normal"

first(a) := second(a)

second(a) := lower(a)

result if first(kind) == "calls"

result if {
	kind == "loop"
	some a in data.numbers
	some b in data.numbers
	some c in data.numbers
	a + b == c - 100000
}

result if {
	kind == "expand"
	count(net.cidr_expand("::/0")) == 7
}

result if {
	kind == "range"
	count(numbers.range(1, to_number(text))) == 7
}

result if {
	kind == "double"
	count(doubled) == 7
}

doubled := e if {
	a := concat(text, data.numbers_as_text)
	b := concat(a, data.numbers_as_text)
	c := concat(b, data.numbers_as_text)
	d := concat(c, data.numbers_as_text)
	e := concat(d, data.numbers_as_text)
}

result if {
	kind == "backtrack"
	regex.match("^(([0-9]+)*)*$|(0{1,900}x){1,900}", sprintf("%s!", [concat("", [text | some _ in data.numbers])]))
	false
}
"#;

/// The requests of [`POLICY`] that mean harm, and the reasons that may be given.
const HARM: [(&str, &[&str]); 5] = [
    ("loop", &["step_limit"]),
    ("expand", &["step_limit", "evaluation"]),
    ("range", &["step_limit", "evaluation"]),
    ("double", &["step_limit", "evaluation"]),
    ("backtrack", &["none"]), // linear, and answered as OPA answers
];

fn data() -> Value {
    let texts: Vec<_> = (0..300).map(|number| number.to_string()).collect();
    json!({"numbers": (0..300).collect::<Vec<_>>(), "numbers_as_text": texts})
}

/// The clock is no bound here: a busy machine must not make an error of a normal request.
fn limited(policy: Value) -> Value {
    and(&policy, json!({"limits": {"evaluation_time": "10s"}}))
}

fn harm(kind: &str) -> Request {
    Request::get(format!("/{kind}")).header("x-text", "1000000000")
}

/// Normal traffic over eight connections; anything but these answers is a failure.
fn load(stack: &Stack, statuses: &'static [u16]) -> Load {
    let request = |number: u64| {
        let protocol = if number.is_multiple_of(2) { Protocol::Http1 } else { Protocol::Http2 };
        Request::get(format!("/normal/{number}")).protocol(protocol)
    };
    Load::start(stack.address(), 8, request, move |reply| {
        (!statuses.contains(&reply.status)).then(|| format!("{reply:?}"))
    })
}

/// Every worker serves, and no VM has been lost.
fn assert_whole(stack: &Stack) {
    assert!(stack.envoy().alive());
    let open = || {
        stack
            .stats("listener.")
            .iter()
            .any(|(name, count)| name.ends_with("downstream_cx_active") && !name.contains("admin") && *count > 0)
    };
    wait::until(Duration::from_secs(10), "the load's connections are closed", || (!open()).then_some(())).unwrap();
    for mut line in stack.line_to_each_worker() {
        assert_eq!(line.exchange(&Request::get("/normal").h2()).unwrap().status, 200);
    }
    assert_eq!(stack.stat("wasmcustom.sark_host_errors_total"), 0);
    for trace in ["Function: proxy_on", "Proxy-Wasm plugin in-VM backtrace", "panicked at"] {
        assert!(!stack.envoy().log_contains(trace), "{}", stack.envoy().log_tail());
    }
}

/// What `work` gives, and the longest that a normal request took meanwhile.
fn beside<T: Send>(stack: &Stack, work: impl FnOnce() -> T + Send) -> (T, Duration) {
    std::thread::scope(|scope| {
        let work = scope.spawn(work);
        let mut slowest = Duration::ZERO;
        while !work.is_finished() {
            let started = Instant::now();
            assert_eq!(stack.send(&Request::get("/normal/probe")).status, 200);
            slowest = slowest.max(started.elapsed());
        }
        (work.join().expect("no panic beside the probe"), slowest)
    })
}

/// The longest that one of ten such requests took.
fn slowest_harm(stack: &Stack, kind: &str, reasons: &[&str]) -> Duration {
    let mut slowest = Duration::ZERO;
    for _ in 0..10 {
        let started = Instant::now();
        assert_eq!(stack.send(&harm(kind)).status, 403, "{kind}");
        slowest = slowest.max(started.elapsed());
    }
    let line = stack.envoy().access_of(&format!("/{kind}")).unwrap();
    let error = line["error"].as_str().unwrap_or("rust:none").to_owned();
    assert!(reasons.iter().any(|reason| error == format!("rust:{reason}")), "{kind}: {line}");
    slowest
}

#[test]
fn requests_that_exhaust_a_policy_are_errors_and_the_others_do_not_feel_it() {
    for way in [planned, source] {
        let stack = Stack::sark(limited(way(POLICY, &data(), PATH))).workers(2).balanced().start();
        let load = load(&stack, &[200]);
        load.wait_for_more(100).unwrap();
        let ((), quiet) = beside(&stack, || std::thread::sleep(Duration::from_secs(1)));
        for (kind, reasons) in HARM {
            let (harm, normal) = beside(&stack, || slowest_harm(&stack, kind, reasons));
            println!("{kind} took at most {harm:?}, a normal request beside it {normal:?}, {quiet:?} when quiet");
            // It waits for one evaluation on its worker, and for the machine.
            assert!(normal < harm * 2 + quiet * 4 + Duration::from_secs(1), "{kind}: {normal:?}, {harm:?}, {quiet:?}");
            assert!(harm < Duration::from_secs(5), "{kind}: {harm:?}");
        }
        load.stop().assert_clean();
        assert_whole(&stack);
    }
}

const CALLS_SECOND: &str = "\"func\":\"g0.data.envoy.authz.second\"";
/// A plan that OPA made of [`POLICY`], with every `from` replaced by `to`.
fn forged(from: &str, to: &str) -> String {
    let good = planned(POLICY, &data(), PATH);
    let plan = bundle::file(good["policy"]["bundle"].as_str().unwrap(), "plan.json").unwrap();
    assert!(plan.contains(from), "the plan has no {from}");
    bundle::forge(&[("plan.json", &plan.replace(from, to)), ("data.json", &data().to_string())]).unwrap()
}

fn bundled(bundle: &str) -> Value {
    limited(json!({"policy": {"bundle": bundle, "path": PATH}}))
}

/// What is refused, and what is said about it.
fn refusals() -> Vec<(Value, &'static str)> {
    let text = |rules: &str| source(&format!("package envoy.authz\n\n{rules}\n"), &json!({}), PATH);
    let alone = |plan: &str| bundled(&bundle::forge(&[("plan.json", plan)]).unwrap());
    let nested = format!("result := {}1{}", "[".repeat(40), "]".repeat(40));
    vec![
        (text("result if other\n\nother if result"), "recursive"),
        (text(&nested), "nested deeper than 10"),
        (text(&format!("result := 1{}", " + 1".repeat(5000))), "operators"),
        // OPA's compiler refuses recursion, so this is what only a forger writes.
        (bundled(&forged(CALLS_SECOND, "\"func\":\"g0.data.envoy.authz.first\"")), "stands before its caller"),
        (bundled(&forged(CALLS_SECOND, "\"func\":\"g0.data.envoy.authz.none\"")), "policy: "),
        (bundled(&forged("{\"type\":\"local\",\"value\":", "{\"type\":\"local\",\"value\":-")), "policy: "),
        (bundled(&forged("\"target\":", "\"target\":4000000000")), "policy: "),
        (
            bundled(&forged("\"type\":\"string_index\",\"value\":", "\"type\":\"string_index\",\"value\":7777")),
            "policy: ",
        ),
        (bundled(&forged("\"index\":", "\"index\":7777")), "policy: "),
        (bundled(&forged("\"CallStmt\"", "\"EvilStmt\"")), "policy: "),
        (bundled(&forged("\"func\":\"net.cidr_expand\"", "\"func\":\"net.cidr_contains\"")), "policy: "),
        (alone("{}"), "policy: "),
        (alone(&"[".repeat(1_000_000)), "policy: "),
        (alone(&" ".repeat(65 << 20)), "bytes unpacked"),
        (bundled("AAAA"), "policy.bundle"),
    ]
}

#[test]
fn policies_and_plans_that_mean_harm_are_refused_under_load_and_nobody_notices() {
    let stack = Stack::sark(limited(planned(POLICY, &data(), PATH))).workers(2).balanced().start();
    let load = load(&stack, &[200]);
    load.wait_for_more(100).unwrap();
    let started = Instant::now();
    stack.push(&limited(planned(POLICY, &json!({"numbers": [1, 2]}), PATH))).accepted();
    let normal = started.elapsed();
    for (number, (configuration, says)) in refusals().iter().enumerate() {
        let started = Instant::now();
        let why = stack.push(configuration).rejected();
        let took = started.elapsed();
        println!("refusal {number}: {took:?}, a good push {normal:?}: {}", why.chars().take(200).collect::<String>());
        assert!(why.contains("configuration refused: policy") && why.contains(says), "{number}: {why}");
        assert!(took < normal * 5 + Duration::from_secs(2), "{number}: {took:?}, a good push takes {normal:?}");
        load.wait_for_more(20).unwrap();
    }
    load.stop().assert_clean();
    assert_whole(&stack);
}

#[test]
fn forged_plans_that_load_give_an_answer_to_every_request() {
    let good = limited(planned(POLICY, &data(), PATH));
    let stack = Stack::sark(good.clone()).workers(2).balanced().start();
    let load = load(&stack, &[200, 403]);
    for (from, to) in [
        ("{\"type\":\"local\",\"value\":", "{\"type\":\"local\",\"value\":99999"),
        ("\"IsDefinedStmt\"", "\"IsUndefinedStmt\""),
        ("\"EqualStmt\"", "\"NotEqualStmt\""),
        ("\"string_index\",\"value\":1}", "\"string_index\",\"value\":3}"),
    ] {
        stack.push(&bundled(&forged(from, to))).accepted();
        for kind in HARM.map(|(kind, _)| kind).into_iter().chain(["normal", "calls"]) {
            let reply = stack.send(&harm(kind));
            assert!([200, 403].contains(&reply.status), "{from} → {to}, {kind}: {reply:?}");
        }
        load.wait_for_more(20).unwrap();
    }
    stack.push(&good).accepted();
    load.stop().assert_clean();
    assert_whole(&stack);
}
