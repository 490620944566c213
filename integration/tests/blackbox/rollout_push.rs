//! `scripts/rollout push`: a file is tried, renamed into place and watched until every worker has it; what is refused
//! changes nothing.

use std::path::PathBuf;

use sark_integration::configuration::{and, of};
use sark_integration::envoy::bootstrap;
use sark_integration::operator::{self, READER, WRITER, done, failed};
use sark_integration::{Mode, Request, Stack, parts};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const DEBUG: &str = "x-decided-by";

fn at(percentage: Value) -> Value {
    and(
        &of("result := true"),
        json!({
            "remote": {"cluster": "opa", "timeout": "10s"},
            "identity": [{"header": "x-user"}],
            "features": {"rust_opa": {"rollout_percentage": percentage}},
            "admin": operator::section(),
            "debug_header": DEBUG,
        }),
    )
}

fn start() -> Stack {
    Stack::sark(at(json!(0))).fake(Mode::Decision(json!(true))).workers(2).start()
}

fn watched(stack: &Stack) -> PathBuf {
    bootstrap::resource_path(stack.envoy().folder())
}

/// A file with this text, beside nothing of Envoy's.
fn file(stack: &Stack, text: &str) -> String {
    let path = stack.envoy().folder().join("new.json");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn resource(stack: &Stack, configuration: &Value) -> String {
    let filter = bootstrap::wasm_filter(&stack.envoy().options(), &configuration.to_string()).unwrap();
    bootstrap::resource(&filter, 0).to_string()
}

fn push(token: &str, stack: &Stack, file: &str, more: &[&str]) -> std::process::Output {
    let (onto, admin) = (watched(stack), format!("http://{}", stack.envoy().admin().0));
    let binary = parts::envoy().unwrap();
    let stacks: &[&Stack] = if token.is_empty() { &[] } else { &[stack] };
    let mut arguments = vec!["--admin", &admin];
    arguments.extend(["push", file, "--onto", onto.to_str().unwrap(), "--envoy-binary", binary.to_str().unwrap()]);
    arguments.extend(more);
    operator::rollout(token, stacks, &arguments)
}

fn side(stack: &Stack) -> String {
    stack.send(&Request::get("/").header("x-user", "alice")).header(DEBUG).unwrap_or_default()
}

fn digest(configuration: &Value) -> String {
    Sha256::digest(configuration.to_string()).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn an_accepted_file_reaches_every_worker_and_is_shown_by_its_digest() {
    let stack = start();
    assert_eq!(side(&stack), "remote");
    let new = at(json!(100));
    let text = done(&push(READER, &stack, &file(&stack, &resource(&stack, &new)), &[]));
    assert_eq!(side(&stack), "rust");
    assert!(text.contains("envoy --mode validate accepts it"), "{text}");
    let everywhere = format!("configuration {} on all 2 workers, was {}", digest(&new), digest(&at(json!(0))));
    assert!(text.contains(&everywhere), "{text}");
    let workers = text.lines().filter(|line| line.contains(": worker ") && line.contains(&digest(&new)));
    assert_eq!(workers.count(), 3, "two workers and the main thread: {text}");
    assert_eq!(std::fs::read_to_string(watched(&stack)).unwrap(), resource(&stack, &new));

    // The same again, to the byte and in other words; without a token nothing is asked of the filter.
    let text = done(&push("", &stack, &file(&stack, &resource(&stack, &new)), &[]));
    assert!(text.contains("holds exactly this already: nothing is pushed"), "{text}");
    let text = done(&push("", &stack, &file(&stack, &format!("{}\n", resource(&stack, &new))), &[]));
    assert!(text.contains(&format!("configuration {} on all 2 workers, as before", digest(&new))), "{text}");
    assert!(!text.contains(": worker "), "{text}");
}

#[test]
fn what_envoy_would_refuse_is_not_pushed_and_the_reason_is_told() {
    let stack = start();
    let (before, pushes) = (std::fs::read(watched(&stack)).unwrap(), "extension_config_discovery.http_filter.sark");
    let seen = stack.envoy().admin().stats_matching("extension_config_discovery").unwrap();
    assert!(!seen.is_empty(), "{pushes}");
    let mut misspelt: Value = serde_json::from_str(&resource(&stack, &at(json!(5)))).unwrap();
    misspelt["resources"][0]["typed_config"]["config"]["failure_polcy"] = json!("FAIL_OPEN");
    for (text, expected) in [
        (
            resource(&stack, &at(json!(101))),
            "configuration refused: features.rust_opa.rollout_percentage: must be between 0 and 100, not 101",
        ),
        (resource(&stack, &json!({"polcy": 1})), "configuration refused: polcy: unknown field `polcy`"),
        (misspelt.to_string(), "failure_polcy"),
        ("{}".to_owned(), "not JSON with one resource"),
        ("nothing: here".to_owned(), "not in the shape of envoy/sark.yaml"),
    ] {
        let why = failed(&push(READER, &stack, &file(&stack, &text), &[]));
        assert!(why.contains(expected), "{why}");
    }
    assert_eq!(std::fs::read(watched(&stack)).unwrap(), before);
    assert_eq!(stack.envoy().admin().stats_matching("extension_config_discovery").unwrap(), seen, "nothing was pushed");
    assert_eq!(side(&stack), "remote");
}

#[test]
fn what_is_refused_in_the_running_envoy_alone_is_taken_back() {
    // It asks for a variable that this Envoy does not have, and the one that validates does.
    let stack = start();
    let before = std::fs::read(watched(&stack)).unwrap();
    let token = json!({"remote": {"headers": {"authorization": {"from_env": "SARK_TEST_ONLY_HERE"}}}});
    let mut new: Value = serde_json::from_str(&resource(&stack, &and(&at(json!(100)), token))).unwrap();
    new["resources"][0]["typed_config"]["config"]["vm_config"]["environment_variables"]["host_env_keys"] =
        json!(["SARK_TEST_ONLY_HERE"]);
    let (onto, admin) = (watched(&stack), format!("http://{}", stack.envoy().admin().0));
    let (file, binary) = (file(&stack, &new.to_string()), parts::envoy().unwrap());
    let arguments = [
        "--admin",
        &admin,
        "push",
        &file,
        "--onto",
        onto.to_str().unwrap(),
        "--envoy-binary",
        binary.to_str().unwrap(),
    ];
    let mut command = operator::rollout_command(WRITER, &[&stack], &arguments);
    let why = failed(&command.env("SARK_TEST_ONLY_HERE", "Bearer x").output().unwrap());
    assert!(why.contains(&format!("{admin}: refused, and what was in force still is")), "{why}");
    assert!(why.contains("is what it was before"), "{why}");
    assert_eq!(std::fs::read(watched(&stack)).unwrap(), before, "a restart reads what was good");
    assert_eq!(side(&stack), "remote");
    stack.envoy().restart().unwrap();
    assert_eq!(side(&stack), "remote");
}
