//! What Prometheus sees: names and labels, out of the shipped `stats_tags`.

use std::collections::BTreeSet;

use sark_integration::{Mode, Request, Stack, configuration};
use serde_json::json;

/// The samples of the filter's metrics: name, labels in order, value.
fn samples(prometheus: &str) -> BTreeSet<(String, Vec<String>, String)> {
    let sample = |line: &str| {
        let (series, value) = line.rsplit_once(' ')?;
        let (name, labels) = series.split_once('{')?;
        let mut labels: Vec<_> =
            labels.trim_end_matches('}').split(',').filter(|label| !label.is_empty()).map(str::to_owned).collect();
        labels.sort();
        Some((name.to_owned(), labels, value.to_owned()))
    };
    let ours = ["sark_", "feature_flag_", "opa_"];
    prometheus
        .lines()
        .filter(|line| ours.iter().any(|prefix| line.starts_with(prefix)))
        .map(|line| sample(line).unwrap_or_else(|| panic!("not a sample: {line}")))
        .collect()
}

#[test]
fn prometheus_sees_labels() {
    let policy = configuration::of(
        "result := true if input.parsed_path[0] == \"yes\"\n\nresult := false if input.parsed_path[0] == \"no\"",
    );
    let changes = json!({
        "remote": {"cluster": "opa", "timeout": "5s"},
        "features": {"rust_opa": {"rollout_percentage": 50}},
        "identity": [{"header": "x-user"}],
    });
    let stack = Stack::sark(configuration::and(&policy, changes)).fake(Mode::Garbage).start();
    // bob is inline, alice is not.
    for (user, target, status) in [
        ("bob", "/yes", 200),
        ("bob", "/no", 403),
        ("bob", "/neither", 403),
        ("alice", "/yes", 403),
        ("", "/%zz", 400),
        ("", "/", 403),
    ] {
        assert_eq!(stack.send(&Request::get(target).header("x-user", user)).status, status, "{user} {target}");
    }
    let expected = [
        ("feature_flag_assignments_total", &["feature=\"rust_opa\"", "implementation=\"remote\""][..], "2"),
        ("feature_flag_assignments_total", &["feature=\"rust_opa\"", "implementation=\"rust\""], "3"),
        ("opa_evaluation_errors_total", &["implementation=\"remote\"", "reason=\"bad_json\""], "3"),
        ("opa_evaluation_errors_total", &["implementation=\"rust\"", "reason=\"undefined\""], "1"),
        ("sark_callouts_in_flight", &[], "0"),
        ("sark_decisions_total", &["implementation=\"none\"", "result=\"bad_request\""], "1"),
        ("sark_decisions_total", &["implementation=\"none\"", "result=\"failure_mode_deny\""], "3"),
        ("sark_decisions_total", &["implementation=\"rust\"", "result=\"allow\""], "1"),
        ("sark_decisions_total", &["implementation=\"rust\"", "result=\"deny\""], "1"),
        ("sark_fallbacks_total", &["implementation=\"remote\""], "1"),
        ("sark_identity_missing_total", &[], "1"),
    ];
    let expected: BTreeSet<_> = expected
        .into_iter()
        .map(|(name, labels, value)| {
            (name.to_owned(), labels.iter().map(|label| (*label).to_owned()).collect::<Vec<_>>(), value.to_owned())
        })
        .collect();
    stack
        .envoy()
        .wait_for_stat("wasmcustom.sark_decisions_total.implementation.none.result.failure_mode_deny", 3)
        .unwrap();
    let prometheus = stack.envoy().admin().prometheus().unwrap();
    let mut moved = samples(&prometheus);
    moved.retain(|(name, _, value)| value != "0" || name == "sark_callouts_in_flight");
    assert_eq!(moved, expected);
    for name in ["sark_decisions_total", "opa_evaluation_errors_total", "feature_flag_assignments_total"] {
        assert!(prometheus.contains(&format!("# TYPE {name} counter")), "{name}");
    }
    assert!(prometheus.contains("# TYPE sark_callouts_in_flight gauge"));
}
