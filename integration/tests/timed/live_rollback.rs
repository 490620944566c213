//! Going back: how fast, and how completely.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sark_integration::client::Line;
use sark_integration::configuration::{and, of, source};
use sark_integration::wait::SOON;
use sark_integration::{Mode, Protocol, Remote, Request, Response, Sending, Stack, operator, wait};
use serde_json::{Value, json};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];
const CONNECTIONS: u64 = 8;
const DEBUG: &str = "x-decided-by";

const POLICY: &str = "package envoy.authz\n\ndefault allow := false\n\n\
                      allow if input.attributes.request.http.headers[\"x-user\"]\n";

/// Everyone inline; the remote OPA has the same policy.
fn everyone(rust_cache: Value) -> Value {
    and(
        &source(POLICY, &json!({}), "envoy/authz/allow"),
        json!({
            "remote": {"cluster": "opa", "timeout": "5s"},
            "identity": [{"header": "x-user"}],
            "features": {"rust_opa": {"rollout_percentage": 100}, "rust_cache": rust_cache},
            "debug_header": DEBUG,
            "admin": operator::section(),
        }),
    )
}

/// One request of the load.
struct Seen {
    began: Instant,
    ended: Instant,
    side: Result<String, String>,
}

fn seen(line: &mut Line, request: &Request) -> Seen {
    let began = Instant::now();
    let side = match line.exchange(request) {
        Ok(reply) if reply.status == 200 => reply.header(DEBUG).ok_or_else(|| "undecided".to_owned()),
        Ok(reply) => Err(format!("{reply:?}")),
        Err(error) => Err(error.to_string()),
    };
    Seen { began, ended: Instant::now(), side }
}

/// Eight connections ask for all they are worth while `back` is done and for a second after; when it had been
/// acknowledged.
fn under_load(stack: &Stack, back: impl FnOnce()) -> (Instant, Instant, Vec<Seen>) {
    let (stop, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    let wait_for = |more: u64| {
        let goal = sent.load(Ordering::Relaxed) + more;
        wait::until(SOON, "the load goes on", || (sent.load(Ordering::Relaxed) >= goal).then_some(())).unwrap();
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|number| {
                let (stop, sent) = (&stop, &sent);
                scope.spawn(move || {
                    let protocol = BOTH[usize::try_from(number % 2).unwrap()];
                    let mut line = Line::new(stack.address());
                    let mut all = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        let user = sent.fetch_add(1, Ordering::Relaxed) % 500;
                        let request = Request::get("/load").protocol(protocol).header("x-user", format!("user-{user}"));
                        all.push(seen(&mut line, &request));
                    }
                    all
                })
            })
            .collect();
        wait_for(1500);
        let asked = Instant::now();
        back();
        let acknowledged = Instant::now();
        wait_for(500);
        wait::until(SOON, "a second", || (acknowledged.elapsed() > Duration::from_secs(1)).then_some(())).unwrap();
        stop.store(true, Ordering::Relaxed);
        (asked, acknowledged, threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect())
    })
}

/// What the issue demands, and more: nobody who asks after the acknowledgement is decided inline.
fn assert_gone(what: &str, stack: &Stack, (asked, acknowledged, all): (Instant, Instant, Vec<Seen>)) {
    let failed: Vec<_> = all.iter().filter_map(|seen| seen.side.as_ref().err()).collect();
    assert!(failed.is_empty(), "{} failed: {:?}", failed.len(), &failed[..failed.len().min(5)]);
    let inline: Vec<_> = all.iter().filter(|seen| seen.side.as_deref() == Ok("rust")).collect();
    let last = inline.iter().map(|seen| seen.ended).max().unwrap();
    println!(
        "{what}: {} requests, {} inline, 0 failed; the call took {:?}; the last inline answer arrived {:?} after its beginning, {:?} \
         after its end",
        all.len(),
        inline.len(),
        acknowledged - asked,
        last.saturating_duration_since(asked),
        last.saturating_duration_since(acknowledged),
    );
    assert!(last.saturating_duration_since(acknowledged) < Duration::from_secs(1));
    let late = inline.iter().filter(|seen| seen.began >= acknowledged).count();
    assert_eq!(late, 0, "decided inline and asked for after the acknowledgement");
    assert!(all.iter().filter(|seen| seen.ended < asked).all(|seen| seen.side.as_deref() == Ok("rust")));
    let remote = all.iter().filter(|seen| seen.began >= acknowledged).count();
    assert!(remote >= 100, "{remote} after it");
    let connections = stack.envoy().admin().stats_matching("worker_[01].downstream_cx_total").unwrap();
    assert!(connections.len() == 2 && connections.values().all(|count| *count >= CONNECTIONS / 2), "{connections:?}");
}

fn loaded(rust_cache: Value) -> Stack {
    let opa = Remote::Policy(POLICY.to_owned(), json!({}));
    Stack::sark(everyone(rust_cache)).remote(opa).workers(2).balanced().start()
}

#[test]
fn under_load_a_rollback_is_everywhere_with_its_acknowledgement_and_fails_no_request() {
    for rust_cache in [json!({}), json!({"enabled": false})] {
        let stack = loaded(rust_cache.clone());
        let all = under_load(&stack, || {
            let reply = stack.send(&operator::rollback("rust_opa"));
            assert_eq!(reply.status, 200, "{reply:?}");
        });
        assert_gone(&format!("admin call, rust_cache {rust_cache}"), &stack, all);
    }
}

#[test]
fn under_load_a_push_of_0_percent_does_the_same() {
    let stack = loaded(json!({}));
    let nobody = and(&everyone(json!({})), json!({"features": {"rust_opa": {"rollout_percentage": 0}}}));
    let all = under_load(&stack, || stack.push(&nobody).accepted());
    assert_gone("file push", &stack, all);
}

/// Inline it is allowed, by its body; the remote OPA denies.
fn by_body() -> Value {
    and(
        &of("default result := false\n\nresult if input.attributes.request.http.body == \"0123456789\"\n"),
        json!({
            "remote": {"cluster": "opa"},
            "identity": [{"header": "x-user"}],
            "with_request_body": {"max_request_bytes": 100},
            "features": {"rust_cache": {}},
            "debug_header": DEBUG,
            "admin": operator::section(),
        }),
    )
}

fn post(protocol: Protocol) -> Request {
    Request::post("/slow").protocol(protocol).header("x-user", "bob").header("content-type", "text/plain")
}

/// Waits until the headers of so many requests have come.
#[track_caller]
fn wait_for_active(stack: &Stack, requests: u64) {
    let active = || stack.stat("http.ingress.downstream_rq_active");
    wait::until(SOON, "requests under way", || (active() == requests).then_some(())).unwrap();
}

#[track_caller]
fn done(stack: &Stack, request: &Request) -> Response {
    let reply = stack.send(request);
    assert_eq!(reply.status, 200, "{reply:?}");
    reply
}

#[test]
fn a_request_whose_body_is_still_coming_is_not_decided_inline_after_a_rollback_cached_or_not() {
    let stack = Stack::sark(by_body()).fake(Mode::Decision(json!(false))).workers(2).start();
    // Each worker that gets one of these has the decision in its cache.
    for protocol in [BOTH, BOTH, BOTH].concat() {
        done(&stack, &post(protocol).body("0123456789"));
    }
    assert!(stack.stat("wasmcustom.cache_operations_total.implementation.rust.operation.hit") >= 4);
    let begin = |protocol| {
        let mut sending =
            Sending::begin(stack.address(), protocol, &post(protocol).header("content-length", "10"), false).unwrap();
        sending.data("01234", false).unwrap();
        sending
    };
    let waiting: Vec<Sending> = [BOTH, BOTH, BOTH].concat().into_iter().map(begin).collect();
    wait_for_active(&stack, 6);
    done(&stack, &operator::rollback("rust_opa"));
    for mut sending in waiting {
        sending.data("56789", true).unwrap();
        assert_eq!(sending.status().unwrap(), 403, "by the remote OPA");
    }
    assert_eq!(stack.fake().count(), 6);
    for protocol in BOTH {
        assert_eq!(stack.send(&post(protocol).body("0123456789")).status, 403);
    }
    assert_eq!(stack.stat("wasmcustom.sark_decisions_total.implementation.rust.result.allow"), 6);
}

#[test]
fn a_rollback_holds_for_what_an_earlier_file_left_waiting() {
    let stack = Stack::sark(by_body()).fake(Mode::Decision(json!(false))).workers(2).start();
    let mut waiting: Vec<Sending> = BOTH
        .into_iter()
        .map(|protocol| {
            let request = post(protocol).header("content-length", "10");
            Sending::begin(stack.address(), protocol, &request, false).unwrap()
        })
        .collect();
    waiting.iter_mut().for_each(|sending| sending.data("01234", false).unwrap());
    let half = and(&by_body(), json!({"features": {"rust_opa": {"rollout_percentage": 50}}}));
    wait_for_active(&stack, 2);
    stack.push(&half).accepted();
    done(&stack, &operator::rollback("rust_opa"));
    for mut sending in waiting {
        sending.data("56789", true).unwrap();
        assert_eq!(sending.status().unwrap(), 403, "by the remote OPA");
    }
}

/// A change of `rust_opa` whose body is still to come.
struct Unfinished(Sending, String);

impl Unfinished {
    fn begin(stack: &Stack, protocol: Protocol, change: &str) -> Self {
        let body = json!({"feature": "rust_opa", "percentage": 25});
        let body = if change == "rollback" { json!({"feature": "rust_opa"}) } else { body }.to_string();
        let request = operator::request("POST", &format!("/admin/rollout/{change}")).protocol(protocol);
        let request = request.header("content-length", body.len().to_string());
        Self(Sending::begin(stack.address(), protocol, &request, false).unwrap(), body)
    }

    fn finish(mut self) -> u16 {
        self.0.data(&self.1, true).unwrap();
        self.0.status().unwrap()
    }
}

fn unfinished(stack: &Stack) -> Vec<Unfinished> {
    let begin = |protocol| ["rollback", "update"].map(|change| Unfinished::begin(stack, protocol, change));
    let all = BOTH.into_iter().flat_map(begin).collect();
    wait_for_active(stack, 4);
    all
}

/// Rollbacks and updates.
fn apart(waiting: Vec<Unfinished>) -> [Vec<Unfinished>; 2] {
    let (rollbacks, updates) = waiting.into_iter().partition(|Unfinished(_, body)| !body.contains("percentage"));
    [rollbacks, updates]
}

/// An update would not hold under the new file, though it had been answered 200. A rollback does.
#[test]
fn of_changes_that_an_earlier_file_left_waiting_updates_are_refused_and_rollbacks_hold() {
    let stack = Stack::sark(by_body()).fake(Mode::Decision(json!(false))).workers(2).start();
    let features = || stack.send(&operator::request("GET", "/admin/features")).json();
    let waiting = unfinished(&stack);
    stack.push(&and(&by_body(), json!({"features": {"rust_opa": {"rollout_percentage": 50}}}))).accepted();
    let [rollbacks, updates] = apart(waiting);
    updates.into_iter().for_each(|change| assert_eq!(change.finish(), 409));
    let now = features();
    assert_eq!((&now["version"], &now["rust_opa"]["status"]), (&json!(0), &json!("active")), "{now}");
    assert_eq!(stack.stat("wasmcustom.sark_admin_requests_total.endpoint.update.result.replaced"), 2);
    rollbacks.into_iter().for_each(|change| assert_eq!(change.finish(), 200));
    let now = features();
    assert_eq!((&now["version"], &now["rust_opa"]["status"]), (&json!(2), &json!("rolled_back")), "{now}");

    // Over a push of anything else it is the same change.
    let waiting = unfinished(&stack);
    let other = json!({"features": {"rust_opa": {"rollout_percentage": 50}}, "limits": {"evaluation_steps": 5000}});
    stack.push(&and(&by_body(), other)).accepted();
    waiting.into_iter().for_each(|change| assert_eq!(change.finish(), 200));
    let now = features();
    assert_eq!((&now["version"], &now["rust_opa"]["status"]), (&json!(6), &json!("overridden")), "{now}");
}

/// Both files are still held by requests: which one is in force shows by the connections.
#[test]
fn under_a_file_that_is_taken_up_again_the_operator_gets_through_over_a_new_connection() {
    let second = and(&by_body(), json!({"features": {"rust_opa": {"rollout_percentage": 50}}}));
    let stack = Stack::sark(by_body()).fake(Mode::Decision(json!(false))).start();
    let mut line = Line::new(stack.address());
    let mut ask = |request: Request| line.exchange(&request.h2()).unwrap();
    let features = || operator::request("GET", "/admin/features");
    let percentage = |reply: Response| reply.json()["rust_opa"]["rollout_percentage"].clone();
    let hold = || {
        let request = post(Protocol::Http1).header("content-length", "10");
        Sending::begin(stack.address(), Protocol::Http1, &request, false).unwrap()
    };
    let mut held = vec![hold()];
    wait_for_active(&stack, 1);
    stack.push(&second).accepted();
    // The first connection of the second file is one from before.
    assert_eq!(percentage(ask(features())), json!(50));
    held.push(hold());
    wait_for_active(&stack, 2);
    stack.push(&by_body()).accepted();
    assert_eq!(percentage(ask(features())), json!(100));
    // This one could just as well be that of a listener that is drained.
    assert_eq!(ask(operator::update("rust_opa", 7.0)).status, 409);
    done(&stack, &operator::update("rust_opa", 7.0));
    assert_eq!(percentage(ask(features())), json!(7));
    assert_eq!(ask(operator::update("rust_opa", 8.0)).status, 200);
    assert_eq!(ask(operator::rollback("rust_opa")).status, 200);
    for mut sending in held {
        sending.data("0123456789", true).unwrap();
        assert_eq!(sending.status().unwrap(), 403, "by the remote OPA");
    }
    assert_eq!(percentage(ask(features())), json!(0));
}

#[test]
fn after_a_rollback_of_the_cache_no_kept_decision_is_served() {
    let stack = Stack::sark(everyone(json!({})))
        .remote(Remote::Policy(POLICY.to_owned(), json!({})))
        .workers(2)
        .balanced()
        .start();
    let lines = &mut stack.line_to_each_worker();
    let count =
        |kind: &str| stack.stat(&format!("wasmcustom.cache_operations_total.implementation.rust.operation.{kind}"));
    let ask = |line: &mut Line| {
        let reply = line.exchange(&Request::get("/").h2().header("x-user", "bob")).unwrap();
        assert_eq!((reply.status, reply.header(DEBUG).as_deref()), (200, Some("rust")));
    };
    lines.iter_mut().for_each(|line| (0..3).for_each(|_| ask(line)));
    assert_eq!((count("miss"), count("hit")), (2, 4));
    let reply = lines[0].exchange(&operator::rollback("rust_cache").h2()).unwrap();
    assert_eq!(reply.status, 200, "{reply:?}");
    lines.iter_mut().rev().for_each(|line| (0..3).for_each(|_| ask(line)));
    assert_eq!((count("miss"), count("hit"), count("put")), (2, 4, 2));
    assert_eq!(stack.stat("wasmcustom.feature_flag_assignments_total.feature.rust_cache.implementation.none"), 6);
}
