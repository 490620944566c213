//! A remote OPA that does not answer is not asked, and is asked again when it does. One breaker a worker.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sark_integration::client::Line;
use sark_integration::stack::Builder;
use sark_integration::wait::SOON;
use sark_integration::{Gate, Mode, Request, Stack, configuration, operator, parts, wait};
use serde_json::{Value, json};

const DEBUG: &str = "x-decided-by";
const TIMEOUT: Duration = Duration::from_secs(1);
/// What the breaker looks at.
const WINDOW: Duration = Duration::from_secs(3);
const OPEN: &str = "wasmcustom.sark_breakers_open";

/// Inline and remotely, only `/yes` is allowed. bob is an inline user, alice is not.
const POLICY: &str = "default result := false\n\nresult if input.parsed_path[0] == \"yes\"";

fn of(breaker: Value, extra: Value) -> Value {
    let remote = json!({
        "remote": {"cluster": "opa", "timeout": "1s", "breaker": breaker},
        "features": {"rust_opa": {"rollout_percentage": 50}},
        "identity": [{"header": "x-user"}],
        "debug_header": DEBUG,
        "admin": operator::section(),
    });
    configuration::and(&configuration::and(&configuration::of(POLICY), remote), extra)
}

fn quick() -> Value {
    json!({"window": "3s", "minimum_calls": 4})
}

fn real(configuration: Value) -> Stack {
    let module = format!("package envoy.authz\n\n{POLICY}");
    Stack::sark(configuration).remote(sark_integration::Remote::Policy(module, json!({}))).workers(2).balanced().start()
}

/// One answered request: when it was sent, how long it took, what came of it.
#[derive(Debug, Clone)]
struct Seen {
    sent: Instant,
    took: Duration,
    status: u16,
    side: String,
}

/// Eight connections, half of them HTTP/2, each always with one request under way.
struct Traffic {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Vec<Seen>>>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Traffic {
    fn of(stack: &Stack, user: &'static str, target: &'static str) -> Self {
        let (stop, seen, address) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<Seen>>>::default(), stack.address());
        let threads = (0..8).map(|number| {
            let (stop, seen) = (Arc::clone(&stop), Arc::clone(&seen));
            let request = Request::get(target).header("x-user", user);
            let request = if number % 2 == 0 { request.h2() } else { request };
            std::thread::spawn(move || {
                let mut line = Line::new(address);
                while !stop.load(Ordering::Relaxed) {
                    let sent = Instant::now();
                    let reply = line.exchange(&request).unwrap_or_else(|error| panic!("{error}"));
                    let side = reply.header(DEBUG).unwrap_or_default();
                    seen.lock().unwrap().push(Seen { sent, took: sent.elapsed(), status: reply.status, side });
                    std::thread::sleep(Duration::from_millis(5));
                }
            })
        });
        let threads = threads.collect();
        Self { stop, seen, threads }
    }

    /// What was sent since then and is answered.
    fn since(&self, when: Instant) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| seen.sent >= when).cloned().collect()
    }

    /// Waits until so many more requests have been sent and answered, and returns them.
    fn more(&self, count: usize) -> Vec<Seen> {
        let begin = Instant::now();
        let limit = Duration::from_secs(20);
        wait::until(limit, "more requests", || Some(self.since(begin)).filter(|seen| seen.len() >= count)).unwrap()
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().expect("every request is answered"));
    }
}

/// Waits until so many workers do not ask, for so long since then; how long that took.
fn wait_for_open(stack: &Stack, workers: u64, since: Instant, limit: Duration) -> Duration {
    let limit = limit.saturating_sub(since.elapsed());
    let outcome = wait::until(limit, "the breakers", || (stack.stat(OPEN) == workers).then_some(()));
    outcome.unwrap_or_else(|error| {
        panic!("{workers} open: {error}, {} are\n{}", stack.stat(OPEN), stack.envoy().log_tail())
    });
    since.elapsed()
}

#[test]
fn a_stopped_opa_is_waited_for_by_nobody_and_asked_again_when_it_goes_on() {
    let stack = real(of(quick(), json!({})));
    let traffic = Traffic::of(&stack, "alice", "/yes");
    let before = traffic.more(200);
    assert!(before.iter().all(|seen| seen.status == 200 && seen.side == "remote"), "{before:?}");

    let stopped = Instant::now();
    stack.opa().pause().unwrap();
    let opened = wait_for_open(&stack, 2, stopped, WINDOW);
    let waited = |seen: &[Seen]| seen.iter().filter(|seen| seen.took * 2 >= TIMEOUT).count();
    let meanwhile = traffic.since(stopped);
    assert!(waited(&meanwhile) > 0, "while it was closed, they waited: {}", meanwhile.len());

    // For longer than a probe waits.
    let begin = Instant::now();
    while begin.elapsed() < 2 * TIMEOUT {
        traffic.more(100);
    }
    let open = traffic.since(begin);
    println!(
        "OPA stopped under load, 8 connections, 2 workers: both breakers open after {opened:?}; then {} of {} requests \
         waited half the timeout or longer, before {} of {}",
        waited(&open),
        open.len(),
        waited(&meanwhile),
        meanwhile.len()
    );
    assert_eq!(waited(&open), 0);
    assert!(open.iter().all(|seen| seen.status == 403 && seen.side == "none"), "{open:?}");

    let resumed = Instant::now();
    stack.opa().resume().unwrap();
    println!("OPA goes on: both breakers closed after {:?}", wait_for_open(&stack, 0, resumed, SOON));
    let after = traffic.more(200);
    assert!(after.iter().all(|seen| seen.status == 200 && seen.side == "remote"), "{after:?}");
    traffic.stop();

    let count = |name: &str| stack.stat(&format!("wasmcustom.sark_breaker_{name}"));
    assert_eq!(count("transitions_total.state.open"), 2);
    assert_eq!(count("transitions_total.state.half_open"), 2);
    assert_eq!(count("transitions_total.state.closed"), 2);
    assert_eq!(count("probes_total.result.answered"), 4);
    assert!(count("probes_total.result.unanswered") >= 2);
    let log = stack.envoy().log_since(0);
    assert_eq!(log.matches("the remote OPA does not answer and is not asked, by this worker").count(), 2);
    assert_eq!(log.matches("the remote OPA answers again and is asked, by this worker").count(), 2);
}

/// Opens the breakers of both workers.
fn stopped(configuration: Value) -> Stack {
    let stack = real(configuration);
    let traffic = Traffic::of(&stack, "alice", "/yes");
    traffic.more(50);
    stack.opa().pause().unwrap();
    wait_for_open(&stack, 2, Instant::now(), SOON);
    traffic.stop();
    stack
}

/// So that every line of the access log has a path of its own.
static ASKED: AtomicUsize = AtomicUsize::new(0);

/// Status, side and `wasm.sark.error` of requests that nobody waits for.
fn at_once(stack: &Stack, user: &str, target: &str) -> (u16, String, String) {
    let begin = Instant::now();
    let mut seen = Vec::new();
    for number in 0..8 {
        let path = format!("{target}?{}", ASKED.fetch_add(1, Ordering::Relaxed));
        let request = Request::get(&path).header("x-user", user);
        let reply = stack.send(&if number % 2 == 0 { request.h2() } else { request });
        let line = stack.envoy().access_of(&path).unwrap();
        let error = line["error"].as_str().unwrap_or_default().to_owned();
        seen.push((reply.status, reply.header(DEBUG).unwrap_or_default(), error));
    }
    assert!(begin.elapsed() < TIMEOUT * 4, "{:?}", begin.elapsed());
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
    seen.remove(0)
}

#[test]
fn while_it_is_open_the_failure_mode_counts_and_a_push_changes_it() {
    let stack = stopped(of(quick(), json!({"failure_mode_allow": true})));
    let text = |status: u16, side: &str, error: &str| (status, side.to_owned(), error.to_owned());
    assert_eq!(at_once(&stack, "alice", "/no"), text(200, "none", "remote:breaker_open"));
    assert_eq!(at_once(&stack, "bob", "/no"), text(403, "rust", ""));
    // Each worker says so for itself; the main thread makes no calls.
    let stands = |stack: &Stack| {
        let status = stack.send(&operator::request("GET", "/admin/status")).json();
        let workers = status["workers"].as_array().cloned().unwrap_or_default();
        let stands = workers.iter().map(|worker| worker["breaker"]["state"].as_str().unwrap_or_default().to_owned());
        let mut stands: Vec<_> = stands.collect();
        stands.sort();
        (stands == ["closed", "open", "open"]).then_some(()).ok_or(status)
    };
    let shown = wait::until(Duration::from_secs(5), "the status", || stands(&stack).ok());
    shown.unwrap_or_else(|error| panic!("{error}: {:?}", stands(&stack)));
    // The breaker outlives the push.
    stack.push(&of(quick(), json!({"failure_mode_allow": false}))).accepted();
    assert_eq!(at_once(&stack, "alice", "/yes"), text(403, "none", "remote:breaker_open"));
    assert_eq!(at_once(&stack, "bob", "/yes"), text(200, "rust", ""));

    // The inline side stands in, where it is in use.
    let inline = |feature: Value| {
        let breaker = configuration::and(&quick(), json!({"fallback_to_inline": true}));
        of(breaker, json!({"features": {"rust_opa": feature}}))
    };
    stack.push(&inline(json!({}))).accepted();
    assert_eq!(at_once(&stack, "alice", "/yes"), text(200, "rust", "remote:breaker_open"));
    assert_eq!(at_once(&stack, "alice", "/no"), text(403, "rust", "remote:breaker_open"));
    assert_eq!(stack.stat("wasmcustom.sark_fallbacks_total.implementation.rust"), 16);
    for off in [json!({"rollout_percentage": 0}), json!({"enabled": false}), json!({"users": {"alice": false}})] {
        stack.push(&inline(off.clone())).accepted();
        assert_eq!(at_once(&stack, "alice", "/yes"), text(403, "none", "remote:breaker_open"), "{off}");
    }
    assert_eq!(stack.stat("wasmcustom.sark_fallbacks_total.implementation.rust"), 16);

    // Switched off, it is not asked about; another cluster has a breaker of its own.
    stack.push(&of(json!({"enabled": false}), json!({"remote": {"cluster": "nowhere"}}))).accepted();
    assert_eq!(at_once(&stack, "alice", "/yes"), text(403, "none", "remote:dispatch_rejected"));
    wait_for_open(&stack, 0, Instant::now(), SOON);
}

/// What a client wrote takes too long; the probe has nothing in it that a client wrote, no path either.
fn slow(builder: impl FnOnce(Builder) -> Builder) -> Stack {
    let gate = Gate::default();
    gate.decide("", json!({}));
    gate.decide("/other", json!(true));
    builder(Stack::sark(impatient("0.2s")).fake(Mode::Held(gate)).workers(2).balanced()).start()
}

fn impatient(timeout: &str) -> Value {
    let breaker = json!({"window": "3s", "minimum_calls": 4, "failure_percentage": 1});
    configuration::and(&of(breaker, json!({})), json!({"remote": {"timeout": timeout}}))
}

#[test]
fn a_suspicion_does_not_wait_for_the_next_second() {
    let stack = slow(|builder| builder);
    let answered = || stack.stat("wasmcustom.sark_breaker_probes_total.result.answered");
    let probed = ["0.21s", "0.22s", "0.23s"].map(|timeout| {
        // New breakers, whose workers tick now and in a second.
        stack.push(&impatient(timeout)).accepted();
        let (begin, before) = (Instant::now(), answered());
        let traffic = Traffic::of(&stack, "alice", "/slow");
        wait::until(SOON, "a probe of each worker", || (answered() >= before + 2).then_some(())).unwrap();
        let took = begin.elapsed();
        traffic.stop();
        took
    });
    println!("first calls without an answer 0.2 s after a push: both workers had probed after {probed:?}");
    // The machine may be busy once.
    assert!(probed.into_iter().min() < Some(Duration::from_millis(600)));
}

#[test]
fn a_suspicion_calls_for_one_tick_and_one_probe_a_second_and_worker_at_most() {
    const TICKS: &str = "wasmcustom.sark_faults_ticks";
    let module = parts::wasm_faults().unwrap_or_else(|error| panic!("{error}"));
    let stack = slow(|builder| builder.options(|options| options.wasm = Some(module)));
    let probes = || stack.stats("wasmcustom.sark_breaker_probes_total").values().sum::<u64>();
    let traffic = Traffic::of(&stack, "alice", "/slow");
    wait::until(SOON, "a probe of each worker", || (probes() >= 2).then_some(())).unwrap();
    let (begin, ticks_before, probes_before) = (Instant::now(), stack.stat(TICKS), probes());
    traffic.more(150);
    let (ticks, probes) = (stack.stat(TICKS) - ticks_before, probes() - probes_before);
    let took = begin.elapsed();
    traffic.stop();
    println!("8 connections, 2 workers, every question too slow: {probes} probes and {ticks} ticks in {took:?}");
    let seconds = took.as_secs() + 1;
    assert!((2..=2 * (seconds + 1)).contains(&probes), "{probes}");
    // Two more VMs are the main thread's. A probe adds the tick that sends it.
    assert!(ticks <= 4 * (seconds + 1) + probes, "{ticks}");
}

#[test]
fn clients_cannot_open_it_with_questions_that_take_long() {
    let stack = slow(|builder| builder);
    let traffic = Traffic::of(&stack, "alice", "/slow");
    let answered = "wasmcustom.sark_breaker_probes_total.result.answered";
    let seen = wait::until(Duration::from_secs(15), "probes", || {
        assert_eq!(stack.stat(OPEN), 0);
        (stack.stat(answered) >= 6).then(|| traffic.since(Instant::now() - Duration::from_secs(60)))
    });
    let seen =
        seen.unwrap_or_else(|error| panic!("{error}: {} probes\n{}", stack.stat(answered), stack.envoy().log_tail()));
    assert!(seen.len() > 50 && seen.iter().all(|seen| seen.status == 403), "{seen:?}");
    traffic.stop();
    let reply = stack.send(&Request::get("/other").header("x-user", "alice"));
    assert_eq!((reply.status, reply.header(DEBUG).as_deref()), (200, Some("remote")));
    let transitions = stack.stats("wasmcustom.sark_breaker_transitions_total");
    assert!(transitions.values().all(|count| *count == 0), "{transitions:?}");
}
