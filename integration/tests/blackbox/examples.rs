//! The configurations of `docs/configuration.md`, which have every option between them: a real Envoy takes each, and it
//! decides.

use sark_integration::{Mode, Request, Stack, bundle};
use serde_json::{Value, json};

const PAGE: &str = include_str!("../../../docs/configuration.md");

/// The page shortens the bundle; one with the same decision stands here.
fn examples() -> Vec<Value> {
    let policy = "package envoy.authz\n\ndefault allow := false\n\nallow if input.parsed_path[0] == \"public\"\n";
    let bundle = bundle::build(&[("policy.rego", policy)], "envoy/authz/allow").expect("a bundle");
    let blocks = PAGE.split("```json").skip(1).map(|block| block.split("```").next().unwrap_or_default());
    blocks.map(|block| serde_json::from_str(&block.replace("H4sI…", &bundle)).expect("JSON")).collect()
}

#[test]
fn every_example_of_the_page_runs() {
    let stack =
        Stack::sark(json!({"policy": {}})).fake(Mode::Decision(json!(true))).environment("OPA_TOKEN", "Bearer x");
    let stack = stack.environment("SARK_ADMIN_SHA256", &"0f".repeat(32));
    let stack = stack.start();
    let examples = examples();
    assert_eq!(examples.len(), 4);
    for example in examples {
        stack.push(&example).accepted();
        // The header that the proxy sets, and a user of the first two per cent.
        let ask =
            |path: &str| stack.send(&Request::get(path).header("x-envoy-peer", "10.0.0.1").header("x-user", "user-27"));
        let by_certificate = example.to_string().contains("spiffe");
        let (public, private) = (ask("/public").status, ask("/private").status);
        assert_eq!((public, private), (if by_certificate { 403 } else { 200 }, 403), "{example}");
    }
}
