//! The admin API in a real Envoy: what it does, what it refuses, and that nothing of it reaches the upstream.

use std::sync::Mutex;

use sark_integration::configuration::{and, of};
use sark_integration::operator::{self, READER, bearing};
use sark_integration::shared::Shared;
use sark_integration::{Mode, Protocol, Request, Stack};
use serde_json::{Value, json};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

static STACK: Shared = Shared::new(|| {
    let stack = Stack::sark(allowing())
        .fake(Mode::Decision(json!(true)))
        .workers(2)
        .options(|options| options.http1_trailers = true)
        .start();
    Mutex::new(stack)
});

/// Everything is allowed: what does not reach the upstream was not kept away by a policy.
fn allowing() -> Value {
    and(
        &of("result := true\n"),
        json!({
            "remote": {"cluster": "opa"},
            "identity": [{"header": "x-user"}],
            "features": {"rust_opa": {"rollout_percentage": 5}, "rust_cache": {}},
            "admin": operator::section(),
        }),
    )
}

#[test]
fn the_endpoints_of_the_seeds_work_over_both_protocols() {
    let stack = STACK.with(&allowing());
    for protocol in BOTH {
        let send = |request: Request| {
            let reply = stack.send(&request.protocol(protocol));
            assert_eq!(reply.status, 200, "{reply:?}");
            assert_eq!(reply.header("cache-control").as_deref(), Some("no-store"), "{reply:?}");
            reply.json()
        };
        let changed = send(operator::update("rust_opa", 12.5));
        assert_eq!(
            (&changed["after"]["rollout_percentage"], &changed["after"]["by"]),
            (&json!(12.5), &json!("writer"))
        );
        let features = send(bearing(READER, "GET", "/admin/features"));
        assert_eq!(features["rust_opa"], changed["after"], "{features}");
        assert_eq!(features["version"], changed["version"]);
        let rolled_back = send(operator::rollback("rust_opa"));
        assert_eq!(rolled_back["before"], changed["after"]);
        assert_eq!(rolled_back["after"]["status"], "rolled_back");
        let cleaned = send(operator::request("POST", "/admin/cache/cleanup"));
        assert!(cleaned["version"].as_u64() > rolled_back["version"].as_u64(), "{cleaned}");
    }
    assert!(stack.echo().received().is_empty());
    let line =
        "sark: admin: writer changes rust_opa: was 12.5 % (overridden, by writer), is 0 % (rolled_back, by writer)";
    assert!(stack.envoy().log_contains(line));
}
