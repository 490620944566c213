//! Features from the environment of the VM: each variable does what it says, and a bad one is refused at start.

use sark_integration::configuration::{and, of};
use sark_integration::stack::Builder;
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

fn with(configuration: Value, environment: &[(&str, &str)]) -> Builder {
    let stack = Stack::sark(configuration).fake(Mode::Decision(json!(true)));
    environment.iter().fold(stack, |stack, (name, value)| stack.environment(name, value))
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
    for (environment, bob, alice) in [
        (&[][..], "remote", "remote"),
        (&[("SARK_RUST_OPA_ROLLOUT_PCT", "12.79")], "rust", "remote"),
        (&[("SARK_RUST_OPA_ROLLOUT_PCT", "100")], "rust", "rust"),
        (&[("SARK_RUST_OPA_ROLLOUT_PCT", "100"), ("SARK_RUST_OPA_ENABLED", "false")], "remote", "remote"),
    ] {
        assert_sides(&with(configuration(), environment).start(), bob, alice);
    }
    // A push changes what the environment does not say, and nothing else.
    let stack = with(configuration(), &[("SARK_RUST_OPA_ROLLOUT_PCT", "12.79")]).start();
    stack.push(&and(&configuration(), json!({"features": {"rust_opa": {"rollout_percentage": 100}}}))).accepted();
    assert_sides(&stack, "rust", "remote");
    stack.push(&and(&configuration(), json!({"features": {"rust_opa": {"enabled": false}}}))).accepted();
    assert_sides(&stack, "remote", "remote");
    let stack =
        with(configuration(), &[("SARK_RUST_OPA_ENABLED", "true"), ("SARK_RUST_OPA_ROLLOUT_PCT", "100")]).start();
    stack.push(&and(&configuration(), json!({"features": {"rust_opa": {"enabled": false}}}))).accepted();
    assert_sides(&stack, "rust", "rust");
}

/// How many of these requests found a decision, and how many entries there are then.
fn kept(stack: &Stack, users: &[&str]) -> (u64, u64) {
    const HITS: &str = "wasmcustom.cache_operations_total.implementation.rust.operation.hit";
    let before = stack.stat(HITS);
    for user in users {
        decided_by(stack, user);
    }
    (stack.stat(HITS) - before, stack.stat("wasmcustom.cache_operations_total.implementation.rust.operation.put"))
}

#[test]
fn the_cache_is_switched_sized_and_timed_by_the_environment() {
    const INLINE: (&str, &str) = ("SARK_RUST_OPA_ROLLOUT_PCT", "100");
    // bob's bucket of the cache is 3849, alice's 3408.
    let again = ["alice", "bob", "alice", "bob"];
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
        assert_eq!(kept(&with(base, environment).start(), &again), expected, "{environment:?}");
    }
    let stack = with(configuration(), &[INLINE, ("SARK_RUST_CACHE_TTL_SECONDS", "1")]).start();
    assert_eq!(kept(&stack, &["alice"]), (0, 1));
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(kept(&stack, &["alice"]), (0, 2));
}

#[test]
fn a_bad_variable_keeps_envoy_from_starting_and_the_log_names_it() {
    for (variable, value, why) in [
        ("SARK_RUST_OPA_ENABLED", "yes", "must be `true` or `false`"),
        ("SARK_RUST_OPA_ROLLOUT_PCT", "5%", "must be a number from 0 to 100, at most two decimals"),
        ("SARK_RUST_OPA_ROLLOUT_PCT", "101", "must be between 0 and 100, not 101"),
        ("SARK_RUST_CACHE_ENABLED", "", "must be `true` or `false`"),
        ("SARK_RUST_CACHE_ROLLOUT_PCT", "33.333", "may have at most two decimals, not 33.333"),
        ("SARK_RUST_CACHE_MAX_SIZE", "many", "must be a whole number"),
        ("SARK_RUST_CACHE_TTL_SECONDS", "0", "must be between 1 and 86400, not 0"),
    ] {
        let stack = Stack::inline(configuration()).fake(Mode::Decision(json!(true)));
        let error = stack.environment(variable, value).environment("OTHER", "s3cret").try_start().err();
        let error = error.unwrap_or_else(|| panic!("{variable}={value} starts")).to_string();
        let line = format!("sark: configuration refused: {variable}: {why}");
        assert!(error.contains(&line) && !error.contains("s3cret"), "{error}");
    }
}
