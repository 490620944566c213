//! What the inline engine does not have: every builtin of OPA that is missing, every construct that the source way
//! refuses. Refused by name and place, or left to a real OPA, which answers; and nothing else changes.

mod cases;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::rc::Rc;

use sark_core::authorizer::Authorizer;
use sark_core::engine::Shelf;
use sark_core::host::Clock;
use sark_integration::configuration::and;
use sark_integration::{Remote, Request, Stack, parts, scratch};
use serde_json::{Value, json};

use crate::cases::{CALLS, COMING, COMPILED, CONSTRUCTS, NEVER_CALLED, cases, module, plan, text};

/// Policy and remote side as `policy.unsupported` wants them.
fn unsupported(configuration: &Value, what: &str) -> Value {
    and(
        configuration,
        json!({
            "policy": {"unsupported": what},
            "remote": {"cluster": "opa", "timeout": "10s"},
            "identity": [{"header": "x-user"}],
            "with_request_body": {"max_request_bytes": 100},
            "debug_header": "x-decided-by",
        }),
    )
}

struct NoTime;

impl Clock for NoTime {
    fn now(&self) -> u64 {
        0
    }
}

/// What the module makes of a configuration.
fn configure(configuration: &Value) -> Result<Authorizer, String> {
    let bytes = configuration.to_string();
    Authorizer::new(bytes.as_bytes(), &|_| None, Rc::new(NoTime), &Shelf::default()).map_err(|error| error.to_string())
}

#[test]
fn the_tables_name_every_builtin_that_is_missing() {
    let output = Command::new(parts::opa().unwrap()).args(["capabilities", "--current"]).output().unwrap();
    let capabilities: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names = capabilities["builtins"].as_array().unwrap().iter().map(|builtin| builtin["name"].as_str().unwrap());
    let ours: BTreeSet<&str> = sark_core::builtins::all().map(|builtin| builtin.name).collect();
    let missing: BTreeSet<&str> = names.filter(|name| !ours.contains(name)).collect();
    let named = CALLS.iter().chain(&COMPILED).map(|(name, ..)| *name).chain(NEVER_CALLED).collect();
    let expected: BTreeSet<&str> = missing.into_iter().filter(|name| !COMING.contains(name)).collect();
    assert_eq!(expected, named, "missing builtins are left, the tables are right");
}

#[test]
fn each_is_refused_by_name_and_place_or_left_to_the_remote_side() {
    for (rules, case) in cases() {
        let refused = configure(&unsupported(&case.configuration, "reject")).err().unwrap_or_default();
        assert!(
            refused.starts_with("policy: ") && refused.contains(&case.says),
            "{rules}: {refused:?}, not {}",
            case.says
        );
        let left =
            configure(&unsupported(&case.configuration, "remote")).unwrap_or_else(|error| panic!("{rules}: {error}"));
        assert!(left.is_remote_only() && left.summary().contains(&case.says), "{rules}: {}", left.summary());
    }
}

#[test]
fn what_the_source_way_refuses_runs_as_a_plan() {
    for (rules, ..) in CONSTRUCTS.iter().filter(|(rules, ..)| !rules.contains("1e999")) {
        assert!(!configure(&unsupported(&plan(rules), "reject")).unwrap().is_remote_only(), "{rules}");
    }
    for (_, call, _) in COMPILED {
        assert!(
            !configure(&unsupported(&plan(&format!("answer := {call}")), "reject")).unwrap().is_remote_only(),
            "{call}"
        );
    }
}

/// A real OPA with every case's module, each in a package of its own.
fn everything() -> (Stack, tempfile::TempDir) {
    let folder = scratch::folder("unsupported-").unwrap();
    for (rules, package) in packages() {
        let text = module(&rules).replace("package unsupported", &format!("package {package}"));
        std::fs::write(
            folder.path().join(format!("{package}.rego")),
            text.replace("data.unsupported.", &format!("data.{package}.")),
        )
        .unwrap();
    }
    let stack = Stack::sark(supported(100)).remote(Remote::Files(vec![folder.path().to_owned()])).start();
    (stack, folder)
}

fn packages() -> BTreeMap<String, String> {
    let rules: BTreeSet<String> = cases().into_iter().map(|(rules, _)| rules).collect();
    rules.into_iter().enumerate().map(|(number, rules)| (rules, format!("case{number}"))).collect()
}

/// A policy that is inline, for this share of users.
fn supported(percentage: u32) -> Value {
    let rollout = json!({"features": {"rust_opa": {"rollout_percentage": percentage}}});
    and(&unsupported(&text("answer := 1"), "reject"), rollout)
}

fn decided_by(stack: &Stack, request: &Request) -> String {
    stack.send(request).header("x-decided-by").unwrap_or_default()
}

#[test]
fn a_real_opa_answers_what_is_left_to_it_and_the_log_warns() {
    let (stack, _folder) = everything();
    let packages = packages();
    let url = format!("http://{}/fetched", stack.echo().address());
    for (rules, case) in cases() {
        let remote = json!({"remote": {"path": format!("/v1/data/{}/result", packages[&rules])}});
        let mark = stack.envoy().log_length();
        stack.push(&and(&unsupported(&case.configuration, "remote"), remote)).accepted();
        let log = stack.envoy().log_since(mark);
        let warning = log.lines().find(|line| line.contains("the remote OPA decides for everyone")).unwrap_or_default();
        assert!(warning.contains("[warning]") && warning.contains(&case.says), "{rules}: {log}");
        let counts = [
            ("feature_flag_assignments_total.feature.rust_opa.implementation.remote", 1),
            ("sark_decisions_total.implementation.remote.result.allow", 1),
        ];
        stack.assert_counts(&counts, || {
            let reply = stack.send(&Request::get("/unsupported").header("x-url", &url));
            assert_eq!(reply.header("x-decided-by").as_deref(), Some("remote"), "{rules}: {reply:?}");
            assert_eq!(reply.upstream().header("x-answer").as_deref(), Some(case.answer), "{rules}");
        });
    }
}

#[test]
fn nothing_else_changes_where_a_policy_is_left_to_the_remote_side_or_refused() {
    let (stack, _folder) = everything();
    let (rules, case) = cases().into_iter().next().unwrap();
    let bob = Request::get("/x").header("x-user", "bob");
    let alice = Request::get("/x").header("x-user", "alice");
    let remote = json!({"remote": {"path": format!("/v1/data/{}/result", packages()[&rules])}});
    // bob is inline at 50 %, alice is not (docs/configuration.md).
    let rollout_as_before = || {
        stack.push(&and(&supported(50), remote.clone())).accepted();
        assert_eq!([&bob, &alice].map(|user| decided_by(&stack, user)), ["rust", "remote"]);
    };
    rollout_as_before();
    for (rules, case) in cases().into_iter().step_by(5) {
        let why = stack.push(&unsupported(&case.configuration, "reject")).rejected();
        assert!(why.contains("configuration refused: policy: ") && why.contains(&case.says), "{rules}: {why}");
        assert_eq!([&bob, &alice].map(|user| decided_by(&stack, user)), ["rust", "remote"], "the last good one serves");
    }
    stack.push(&and(&unsupported(&case.configuration, "remote"), remote.clone())).accepted();
    assert_eq!([&bob, &alice].map(|user| decided_by(&stack, user)), ["remote", "remote"]);
    assert_eq!(stack.send(&Request::get("/%zz")).status, 400);
    assert_eq!(stack.send(&Request::post("/x").body(vec![b'x'; 101])).status, 413);
    assert_eq!(stack.send(&Request::post("/x").body("hello")).upstream().body_text(), "hello");
    stack.opa().kill();
    assert_eq!(stack.send(&bob).status, 403, "nobody decides");
    let open = json!({"failure_mode_allow": true});
    stack.push(&and(&and(&unsupported(&case.configuration, "remote"), remote.clone()), open)).accepted();
    assert_eq!(stack.send(&bob).status, 200, "as the operator wrote");
    stack.opa().restart().unwrap();
    rollout_as_before();
}
