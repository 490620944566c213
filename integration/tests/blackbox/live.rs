//! What an operator says while the proxy runs: how long it holds, and for whom.

use sark_integration::client::Line;
use sark_integration::configuration::and;
use sark_integration::envoy::bootstrap::wasm_filter;
use sark_integration::stack::Builder;
use sark_integration::wait::SOON;
use sark_integration::{Gate, Mode, Protocol, Request, Response, Sending, Stack, operator, parts, wait};
use serde_json::{Value, json};

const DEBUG: &str = "x-decided-by";

/// Inline 5 %, with a cache; both sides allow. bob's bucket is 1278, alice's 8301.
fn configuration() -> Value {
    let rules = "result := true if input.attributes.request.http.headers[\"x-user\"]";
    and(&operator::configuration(rules), json!({"features": {"rust_cache": {}}, "debug_header": DEBUG}))
}

fn changed(changes: Value) -> Value {
    and(&configuration(), changes)
}

fn stack() -> Builder {
    Stack::sark(configuration()).fake(Mode::Decision(json!(true))).workers(2).balanced()
}

#[track_caller]
fn exchange(line: &mut Line, request: Request) -> Response {
    line.exchange(&request.h2()).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn done(line: &mut Line, request: Request) -> Value {
    let reply = exchange(line, request);
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

fn features(line: &mut Line) -> Value {
    done(line, operator::request("GET", "/admin/features"))
}

/// `5 active configuration`, as this worker has it.
fn view(line: &mut Line, feature: &str) -> String {
    let view = &features(line)[feature];
    format!("{} {} {}", view["rollout_percentage"], view["status"].as_str().unwrap(), view["source"].as_str().unwrap())
}

/// Every worker sees `rust_opa` like this, and decides for bob on this side and for alice remotely.
#[track_caller]
fn assert_all(lines: &mut [Line], expected: &str, bob: &str) {
    for line in lines {
        assert_eq!(view(line, "rust_opa"), expected);
        for (user, side) in [("bob", bob), ("alice", "remote")] {
            let reply = exchange(line, Request::get("/").header("x-user", user));
            assert_eq!((reply.status, reply.header(DEBUG).as_deref()), (200, Some(side)), "{user}");
        }
    }
}

const CONFIGURED: &str = "5 active configuration";
const OVERRIDDEN: &str = "12.79 overridden override";
const ROLLED_BACK: &str = "0 rolled_back override";

/// A change on one worker.
type Change = fn(&mut Line) -> Value;

fn update(line: &mut Line) -> Value {
    done(line, operator::update("rust_opa", 12.79))
}

fn back(line: &mut Line) -> Value {
    done(line, operator::rollback("rust_opa"))
}

#[test]
fn what_one_worker_is_told_holds_on_every_worker_with_the_next_request() {
    let stack = stack().start();
    let lines = &mut stack.line_to_each_worker();
    assert_all(lines, CONFIGURED, "remote");
    for round in 0..20 {
        let change = update(&mut lines[round % 2]);
        assert_eq!(change["version"], json!(2 * round + 1));
        assert_all(lines, OVERRIDDEN, "rust");
        back(&mut lines[(round + 1) % 2]);
        assert_all(lines, ROLLED_BACK, "remote");
    }
}

#[test]
fn an_override_survives_every_push_but_one_of_its_feature_and_one_that_is_refused() {
    let stack = stack().start();
    let lines = &mut stack.line_to_each_worker();
    let keeping = [
        json!({"policy": {"data": {"more": 1}}}),
        json!({"features": {"rust_cache": {"ttl_seconds": 7, "max_size": 77}}}),
        json!({"features": {"rust_opa": {"fallback_on_error": false, "enabled": true}}, "limits": {"evaluation_steps": 5000}}),
    ];
    let changes: [(Change, _, _); 2] = [(update, OVERRIDDEN, "rust"), (back, ROLLED_BACK, "remote")];
    for (round, (change, expected, bob)) in changes.into_iter().enumerate() {
        stack.push(&configuration()).accepted();
        change(&mut lines[0]);
        for pushed in &keeping {
            stack.push(&changed(pushed.clone())).accepted();
            assert_all(lines, expected, bob);
        }
        // Envoy does not ask twice about the same file.
        let beyond = 101 + round;
        let refused = json!({"features": {"rust_opa": {"rollout_percentage": beyond}}});
        let why = stack.push(&changed(refused)).rejected();
        assert!(why.contains(&format!("must be between 0 and 100, not {beyond}")), "{why}");
        assert_all(lines, expected, bob);
        // One that would be taken by itself, and is refused for something else.
        let refused =
            json!({"features": {"rust_opa": {"rollout_percentage": 6}}, "limits": {"evaluation_steps": round}});
        let _ = stack.push(&changed(refused)).rejected();
        assert_all(lines, expected, bob);
        stack.push(&changed(json!({"features": {"rust_opa": {"rollout_percentage": 6}}}))).accepted();
        assert_all(lines, "6 active configuration", "remote");
    }
    // The other feature's override is another matter.
    done(&mut lines[0], operator::update("rust_cache", 1.0));
    stack.push(&changed(json!({"features": {"rust_opa": {"rollout_percentage": 100}}}))).accepted();
    assert_eq!(view(&mut lines[1], "rust_cache"), "1 overridden override");
    stack.push(&changed(json!({"features": {"rust_cache": {"rollout_percentage": 50}}}))).accepted();
    assert_eq!(view(&mut lines[1], "rust_cache"), "50 active configuration");
}

#[test]
fn going_back_to_an_earlier_file_revives_nothing_however_fast() {
    let stack = stack().start();
    let lines = &mut stack.line_to_each_worker();
    let other = changed(json!({"features": {"rust_opa": {"rollout_percentage": 6}}}));
    let ended = "sark: the override of rust_opa";
    for (round, change) in [update, back, update, back].into_iter().enumerate() {
        change(&mut lines[round % 2]);
        stack.push(&other).accepted();
        stack.push(&configuration()).accepted();
        assert_all(lines, CONFIGURED, "remote");
        let log = std::fs::read_to_string(stack.envoy().folder().join("envoy.log")).unwrap();
        assert_eq!(log.matches(ended).count(), round + 1, "each is ended by one VM");
    }
    let log = std::fs::read_to_string(stack.envoy().folder().join("envoy.log")).unwrap();
    assert!(log.contains("(12.79 %, by writer) has ended: another configuration of the feature has come"), "{log}");
}

/// Envoy takes up the root context of an earlier file again if a request still holds it, without asking it anew.
#[test]
fn a_file_that_is_taken_up_again_revives_nothing_and_keeps_nothing_of_the_one_between() {
    let gate = Gate::default();
    gate.decide("/", json!(true));
    let first = changed(json!({"remote": {"timeout": "60s"}}));
    let stack = Stack::sark(first.clone()).fake(Mode::Held(gate.clone())).workers(2).balanced().start();
    let lines = &mut stack.line_to_each_worker();
    let request = Request::get("/held").h2().header("x-user", "alice");
    let held: Vec<_> =
        (0..2).map(|_| Sending::begin(stack.address(), Protocol::Http2, &request, true).unwrap()).collect();
    wait::until(SOON, "a call of each worker", || (stack.fake().count() == 2).then_some(())).unwrap();
    let second = and(&first, json!({"features": {"rust_opa": {"rollout_percentage": 6}}}));
    let wait_for = |lines: &mut [Line], expected: &str| {
        let all = |lines: &mut [Line]| lines.iter_mut().all(|line| view(line, "rust_opa") == expected);
        wait::until(SOON, expected, || all(lines).then_some(())).unwrap();
    };
    for change in [update, back] {
        change(&mut lines[0]);
        stack.push(&second).accepted();
        stack.push(&first).accepted();
        assert_all(lines, CONFIGURED, "remote");
        stack.push(&second).accepted();
        change(&mut lines[1]);
        stack.push(&first).accepted();
        // A rollback holds for what came before it, as this root context did, until the tick of another has ended it.
        wait_for(lines, CONFIGURED);
        assert_all(lines, CONFIGURED, "remote");
    }
    gate.decide("/held", json!(true));
    held.into_iter().for_each(|held| assert_eq!(held.status().unwrap(), 200));
}

#[test]
fn of_two_updates_with_one_version_exactly_one_wins() {
    let stack = stack().start();
    let lines = stack.line_to_each_worker();
    let gate = std::sync::Barrier::new(2);
    let rounds = 50;
    let outcomes: Vec<Vec<(u16, Value)>> = std::thread::scope(|scope| {
        let threads: Vec<_> = lines
            .into_iter()
            .enumerate()
            .map(|(number, mut line)| {
                let gate = &gate;
                scope.spawn(move || {
                    let attempts = (0..rounds).map(|round| {
                        let body = json!({"feature": "rust_opa", "percentage": number, "if_version": round});
                        gate.wait();
                        let reply = exchange(&mut line, operator::post("/admin/rollout/update", &body));
                        gate.wait();
                        (reply.status, reply.json())
                    });
                    attempts.collect()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut wins = [0, 0];
    for (round, (one, other)) in outcomes[0].iter().zip(&outcomes[1]).enumerate() {
        let winner = usize::from(other.0 == 200);
        wins[winner] += 1;
        let (won, lost) = if winner == 1 { (other, one) } else { (one, other) };
        assert_eq!((won.0, lost.0), (200, 409), "round {round}: {one:?} {other:?}");
        assert_eq!(won.1["version"], json!(round + 1));
        assert_eq!(lost.1["error"]["code"], "version_conflict");
    }
    println!("{rounds} rounds: the workers won {wins:?}");
}

#[test]
fn an_update_with_a_time_ends_by_itself() {
    let stack = stack().start();
    let lines = &mut stack.line_to_each_worker();
    let body = json!({"feature": "rust_opa", "percentage": 12.79, "ttl": 2});
    let change = done(&mut lines[0], operator::post("/admin/rollout/update", &body));
    assert!(change["after"]["until"].is_string(), "{change}");
    assert_all(lines, OVERRIDDEN, "rust");
    wait::until(SOON, "the end of it", || (view(&mut lines[1], "rust_opa") == CONFIGURED).then_some(())).unwrap();
    assert_all(lines, CONFIGURED, "remote");
    stack.envoy().wait_for_log("(12.79 %, by writer) has ended: its time is over").unwrap();
    // It has ended in the document, too.
    assert_eq!(features(&mut lines[0])["version"], json!(2));
}

#[test]
fn another_vm_id_starts_clean_and_the_first_one_is_gone() {
    let stack = stack().start();
    let lines = &mut stack.line_to_each_worker();
    back(&mut lines[0]);
    let push = |vm_id: &str| {
        let mut options = stack.envoy().options();
        options.vm_id = Some(vm_id.to_owned());
        let filter = wasm_filter(&options, &configuration().to_string()).unwrap();
        stack.envoy().push_filter(filter).unwrap().accepted();
    };
    push("sark-v2");
    assert_all(lines, CONFIGURED, "remote");
    assert_eq!(features(&mut lines[1])["version"], json!(0));
    update(&mut lines[1]);
    assert_all(lines, OVERRIDDEN, "rust");
    stack.envoy().restart().unwrap();
    let lines = &mut stack.line_to_each_worker();
    assert_all(lines, CONFIGURED, "remote");
}

/// Istio leaves `vm_id` empty for all plugins: then they have one name space (trap T10).
#[test]
fn another_plugin_in_the_same_name_space_has_a_live_state_of_its_own() {
    let stack = stack().options(|options| options.vm_id = Some(String::new())).start();
    let lines = &mut stack.line_to_each_worker();
    back(&mut lines[0]);
    let push = |name: &str| {
        let mut filter = wasm_filter(&stack.envoy().options(), &configuration().to_string()).unwrap();
        filter["config"]["name"] = json!(name);
        stack.envoy().push_filter(filter).unwrap().accepted();
    };
    push("other");
    assert_all(lines, CONFIGURED, "remote");
    update(&mut lines[1]);
    assert_all(lines, OVERRIDDEN, "rust");
    push("sark");
    assert_all(lines, ROLLED_BACK, "remote");
}

#[test]
fn a_vm_that_is_made_anew_after_a_trap_has_the_rollback() {
    let module = parts::wasm_faults().unwrap_or_else(|error| panic!("{error}"));
    let stack = stack().options(|options| options.wasm = Some(module)).start();
    let lines = &mut stack.line_to_each_worker();
    done(&mut lines[0], operator::update("rust_opa", 100.0));
    back(&mut lines[0]);
    let trap = Request::get("/").h2().header("x-user", "bob").header("x-sark-fault", "trap");
    let trapped = lines[0].exchange(&trap);
    assert!(trapped.as_ref().is_ok_and(|reply| reply.status == 503) || trapped.is_err(), "{trapped:?}");
    wait::until(SOON, "the VM is reloaded", || {
        let reply = lines[0].exchange(&Request::get("/").h2().header("x-user", "bob")).ok()?;
        assert_ne!(reply.header(DEBUG).as_deref(), Some("rust"), "{reply:?}");
        (reply.status == 200).then_some(())
    })
    .unwrap();
    assert_all(lines, ROLLED_BACK, "remote");
    assert_eq!(stack.stat("wasm.sark.vm_reload_success"), 1);
}

#[test]
fn an_override_is_above_the_environment_and_ends_when_that_changes() {
    let stack = stack().environment("SARK_RUST_OPA_ROLLOUT_PCT", "0").start();
    let lines = &mut stack.line_to_each_worker();
    assert_all(lines, "0 idle environment", "remote");
    update(&mut lines[1]);
    assert_all(lines, OVERRIDDEN, "rust");
    // The file does not count, so pushing another percentage changes nothing.
    stack.push(&changed(json!({"features": {"rust_opa": {"rollout_percentage": 100}}}))).accepted();
    assert_all(lines, OVERRIDDEN, "rust");
    let mut options = stack.envoy().options();
    options.environment.insert("SARK_RUST_OPA_ROLLOUT_PCT".to_owned(), "1".to_owned());
    let filter = wasm_filter(&options, &configuration().to_string()).unwrap();
    stack.envoy().push_filter(filter).unwrap().accepted();
    assert_all(lines, "1 active environment", "remote");
}

#[test]
fn a_clean_up_empties_the_caches_of_both_workers() {
    const ENTRIES: &str = "wasmcustom.rust_cache_size_entries";
    let stack = stack().start();
    let lines = &mut stack.line_to_each_worker();
    done(&mut lines[0], operator::update("rust_opa", 100.0));
    let ask = |line: &mut Line| {
        let reply = exchange(line, Request::get("/").header("x-user", "alice"));
        assert_eq!((reply.status, reply.header(DEBUG).as_deref()), (200, Some("rust")));
    };
    let count =
        |kind: &str| stack.stat(&format!("wasmcustom.cache_operations_total.implementation.rust.operation.{kind}"));
    lines.iter_mut().for_each(|line| (0..3).for_each(|_| ask(line)));
    assert_eq!((count("miss"), count("hit")), (2, 4));
    stack.envoy().wait_for_stat(ENTRIES, 2).unwrap();
    let cleaned = done(&mut lines[0], operator::request("POST", "/admin/cache/cleanup"));
    assert_eq!(cleaned, json!({"version": 2, "cache_generation": 1}));
    // The worker that was not asked is the one that is looked at first.
    ask(&mut lines[1]);
    ask(&mut lines[0]);
    assert_eq!((count("miss"), count("hit")), (4, 4));
    done(&mut lines[1], operator::request("POST", "/admin/cache/cleanup"));
    stack.envoy().wait_for_stat(ENTRIES, 0).unwrap();
}

#[test]
fn a_configuration_without_the_api_has_no_way_to_be_changed_and_keeps_what_was() {
    let stack = stack().start();
    let lines = &mut stack.line_to_each_worker();
    back(&mut lines[0]);
    let mut closed = configuration();
    closed.as_object_mut().unwrap().remove("admin");
    stack.push(&closed).accepted();
    for line in lines.iter_mut() {
        let reply = exchange(line, operator::update("rust_opa", 100.0).header("x-user", "bob"));
        assert_eq!((reply.status, reply.header(DEBUG).as_deref()), (200, Some("remote")), "an ordinary path");
        assert!(reply.try_upstream().is_some());
    }
    stack.push(&configuration()).accepted();
    assert_all(lines, ROLLED_BACK, "remote");
}
