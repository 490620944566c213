//! An operator of the admin API: tokens, the section of a configuration that knows them, requests, `scripts/rollout`.

use std::process::{Command, Output};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::client::Request;
use crate::configuration;
use crate::parts;
use crate::stack::Stack;

/// May change.
pub const WRITER: &str = "w-3f9c1e7a5b2d4860c1e7a5b2d4860f9c";

/// May look.
pub const READER: &str = "r-81c2f4d6e8a0b2c4d6e8a0b2c4d6e8f0";

/// What a configuration knows of a token.
#[must_use]
pub fn digest(token: &str) -> String {
    Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The section `admin`, for both tokens.
#[must_use]
pub fn section() -> Value {
    json!({"tokens": [
        {"name": "writer", "role": "write", "sha256": digest(WRITER)},
        {"name": "reader", "role": "read", "sha256": digest(READER)},
    ]})
}

/// A configuration of these rules that an operator of both tokens changes: 5 % of the users are inline.
#[must_use]
pub fn configuration(rules: &str) -> Value {
    configuration::and(
        &configuration::of(rules),
        json!({
            "remote": {"cluster": "opa"},
            "identity": [{"header": "x-user"}],
            "features": {"rust_opa": {"rollout_percentage": 5}},
            "admin": section(),
        }),
    )
}

/// The percentage of `rust_opa` that is in force.
#[must_use]
pub fn in_force(stack: &Stack) -> Value {
    stack.send(&request("GET", "/admin/features")).json()["rust_opa"]["rollout_percentage"].clone()
}

/// A request with the writer's token.
#[must_use]
pub fn request(method: &str, target: &str) -> Request {
    bearing(WRITER, method, target)
}

/// A request with a token.
#[must_use]
pub fn bearing(token: &str, method: &str, target: &str) -> Request {
    Request::new(method, target).header("authorization", format!("Bearer {token}"))
}

/// A POST of a JSON body with the writer's token, as `curl -d` sends it.
#[must_use]
pub fn post(target: &str, body: &Value) -> Request {
    request("POST", target).header("content-type", "application/x-www-form-urlencoded").body(body.to_string())
}

/// Another percentage for a feature.
#[must_use]
pub fn update(feature: &str, percentage: f64) -> Request {
    post("/admin/rollout/update", &json!({"feature": feature, "percentage": percentage}))
}

/// A feature for nobody.
#[must_use]
pub fn rollback(feature: &str) -> Request {
    post("/admin/rollout/rollback", &json!({"feature": feature}))
}

/// Runs `scripts/rollout` for these Envoys, to its end.
///
/// # Panics
/// Without python3.
#[must_use]
pub fn rollout(token: &str, stacks: &[&Stack], arguments: &[&str]) -> Output {
    rollout_command(token, stacks, arguments).output().expect("python3")
}

/// The same, not yet started.
#[must_use]
pub fn rollout_command(token: &str, stacks: &[&Stack], arguments: &[&str]) -> Command {
    let mut command = Command::new("python3");
    command.arg(parts::workspace().join("scripts/rollout")).env_remove("SARK_ADMIN_TOKEN");
    if !token.is_empty() {
        command.env("SARK_ADMIN_TOKEN", token);
    }
    // A proxy of the environment must not get the token.
    command.env("http_proxy", "http://127.0.0.1:1").env("HTTP_PROXY", "http://127.0.0.1:1");
    for stack in stacks {
        command.arg("--envoy").arg(url(stack));
    }
    command.args(arguments);
    command
}

/// Where clients, and the operator, find a stack.
#[must_use]
pub fn url(stack: &Stack) -> String {
    format!("http://{}", stack.address())
}

/// What a run that went well printed.
///
/// # Panics
/// If it did not.
#[track_caller]
#[must_use]
pub fn done(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    text(&output.stdout)
}

/// Why a run failed, by its own word.
///
/// # Panics
/// If it did not.
#[track_caller]
#[must_use]
pub fn failed(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}
