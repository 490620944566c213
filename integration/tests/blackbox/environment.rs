//! Features from the environment of the VM: each variable does what it says, and a bad one is refused at start.

use sark_integration::configuration::{and, of};
use sark_integration::envoy::Push;
use sark_integration::envoy::bootstrap::wasm_filter;
use sark_integration::{Mode, Request, Stack};
use serde_json::{Value, json};

const DEBUG: &str = "x-decided-by";

/// Inline 5 %, with a cache; both sides allow. bob's bucket is 1278, alice's 8301.
fn configuration() -> Value {
    and(
        &without_cache(),
        json!({"features": {"rust_cache": {"max_size": 100, "ttl_seconds": 600}, "rust_opa": {"rollout_percentage": 5}}}),
    )
}

fn without_cache() -> Value {
    and(
        &of("result := true if input.attributes.request.http.headers[\"x-user\"]"),
        json!({"remote": {"cluster": "opa"}, "identity": [{"header": "x-user"}], "debug_header": DEBUG}),
    )
}

fn start() -> Stack {
    Stack::sark(configuration()).fake(Mode::Decision(json!(true))).start()
}

/// This configuration in VMs with this environment.
fn give(stack: &Stack, configuration: &Value, environment: &[(&str, &str)]) -> Push {
    let mut options = stack.envoy().options();
    options.environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let filter = wasm_filter(&options, &configuration.to_string()).unwrap();
    stack.envoy().push_filter(filter).unwrap()
}

fn decided_by(stack: &Stack, user: &str) -> String {
    let reply = stack.send(&Request::get("/").header("x-user", user));
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.header(DEBUG).unwrap_or_default()
}

fn assert_sides(stack: &Stack, bob: &str, alice: &str) {
    assert_eq!([decided_by(stack, "bob"), decided_by(stack, "alice")], [bob, alice]);
}

#[test]
fn the_percentage_and_the_switch_of_the_inline_side_come_from_the_environment() {
    let stack = start();
    for (environment, bob, alice) in [
        (&[][..], "remote", "remote"),
        (&[("SARK_RUST_OPA_ROLLOUT_PCT", "12.79")], "rust", "remote"),
        (&[("SARK_RUST_OPA_ROLLOUT_PCT", "100")], "rust", "rust"),
        (&[("SARK_RUST_OPA_ROLLOUT_PCT", "100"), ("SARK_RUST_OPA_ENABLED", "false")], "remote", "remote"),
    ] {
        give(&stack, &configuration(), environment).accepted();
        assert_sides(&stack, bob, alice);
    }
    // A push changes what the environment does not say, and nothing else.
    let environment = &[("SARK_RUST_OPA_ROLLOUT_PCT", "12.79")];
    let all = and(&configuration(), json!({"features": {"rust_opa": {"rollout_percentage": 100}}}));
    let off = and(&configuration(), json!({"features": {"rust_opa": {"enabled": false}}}));
    give(&stack, &all, environment).accepted();
    assert_sides(&stack, "rust", "remote");
    give(&stack, &off, environment).accepted();
    assert_sides(&stack, "remote", "remote");
    give(&stack, &off, &[("SARK_RUST_OPA_ENABLED", "true"), ("SARK_RUST_OPA_ROLLOUT_PCT", "100")]).accepted();
    assert_sides(&stack, "rust", "rust");
}

/// How many of these requests found a decision, and how many left one.
fn kept(stack: &Stack, users: &[&str]) -> (u64, u64) {
    let count =
        |kind: &str| stack.stat(&format!("wasmcustom.cache_operations_total.implementation.rust.operation.{kind}"));
    let before = (count("hit"), count("put"));
    for user in users {
        decided_by(stack, user);
    }
    (count("hit") - before.0, count("put") - before.1)
}

#[test]
fn the_cache_is_switched_sized_and_timed_by_the_environment() {
    const INLINE: (&str, &str) = ("SARK_RUST_OPA_ROLLOUT_PCT", "100");
    // bob's bucket of the cache is 3849, alice's 3408.
    let again = ["alice", "bob", "alice", "bob"];
    let stack = start();
    for (base, environment, expected) in [
        (configuration(), &[INLINE][..], (2, 2)),
        (configuration(), &[INLINE, ("SARK_RUST_CACHE_ENABLED", "false")], (0, 0)),
        (configuration(), &[INLINE, ("SARK_RUST_CACHE_ROLLOUT_PCT", "34.09")], (1, 1)),
        // Each has to go for the other.
        (configuration(), &[INLINE, ("SARK_RUST_CACHE_MAX_SIZE", "1")], (0, 4)),
        (without_cache(), &[INLINE], (0, 0)),
        (without_cache(), &[INLINE, ("SARK_RUST_CACHE_ENABLED", "true")], (2, 2)),
        (without_cache(), &[INLINE, ("SARK_RUST_CACHE_ROLLOUT_PCT", "100")], (0, 0)),
    ] {
        give(&stack, &base, environment).accepted();
        assert_eq!(kept(&stack, &again), expected, "{environment:?}");
    }
    give(&stack, &configuration(), &[INLINE, ("SARK_RUST_CACHE_TTL_SECONDS", "1")]).accepted();
    assert_eq!(kept(&stack, &["alice"]), (0, 1));
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(kept(&stack, &["alice"]), (0, 1));
}

#[test]
fn a_bad_variable_refuses_the_configuration_by_its_name() {
    let stack = start();
    for (variable, value, why) in [
        ("SARK_RUST_OPA_ENABLED", "yes", "must be `true` or `false`"),
        ("SARK_RUST_OPA_ROLLOUT_PCT", "5%", "must be a number from 0 to 100, at most two decimals"),
        ("SARK_RUST_OPA_ROLLOUT_PCT", "101", "must be between 0 and 100, not 101"),
        ("SARK_RUST_CACHE_ENABLED", "", "must be `true` or `false`"),
        ("SARK_RUST_CACHE_ROLLOUT_PCT", "33.333", "may have at most two decimals, not 33.333"),
        ("SARK_RUST_CACHE_MAX_SIZE", "many", "must be a whole number"),
        ("SARK_RUST_CACHE_TTL_SECONDS", "0", "must be between 1 and 86400, not 0"),
    ] {
        let log = give(&stack, &configuration(), &[(variable, value), ("OTHER", "s3cret")]).rejected();
        let line = format!("sark: configuration refused: {variable}: {why}");
        assert!(log.contains(&line) && !log.contains("s3cret"), "{log}");
        assert_sides(&stack, "remote", "remote");
    }
}

#[test]
fn a_bad_variable_keeps_envoy_from_starting() {
    let stack = Stack::inline(configuration()).fake(Mode::Decision(json!(true)));
    let error = stack.environment("SARK_RUST_OPA_ROLLOUT_PCT", "5%").try_start().err().expect("it starts").to_string();
    let why = "sark: configuration refused: SARK_RUST_OPA_ROLLOUT_PCT: must be a number from 0 to 100";
    assert!(error.contains(why), "{error}");
}
