//! Pushes that change only the data: the loaded plan is kept, on every worker, and that shows in the log and in the cost.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use sark_integration::{Request, Stack, bundle, configuration, cpu};
use serde_json::{Value, json};

const KEPT: &str = "kept from the configuration before";
const PATH: &str = "envoy/authz/allow";
const WORKERS: u32 = 2;

/// Whoever the data names may; the text stays.
fn allowing(users: &[&str]) -> Value {
    let rego = "package envoy.authz\n\ndefault allow := false\n\n\
        allow if input.attributes.request.http.headers[\"x-user\"] in data.users\n";
    configuration::planned(rego, &json!({"users": users}), PATH)
}

/// The threads that wrote a line with `text`: `[time][thread][level]…`.
fn threads(log: &str, text: &str) -> BTreeSet<String> {
    let lines = log.lines().filter(|line| line.contains(text));
    lines.filter_map(|line| line.split("][").nth(1)).map(str::to_owned).collect()
}

#[test]
fn a_data_push_keeps_the_plan_on_every_worker_and_decides_by_the_new_data() {
    let stack = Stack::sark(allowing(&["alice"])).workers(WORKERS).balanced().start();
    assert!(!stack.envoy().log_contains(KEPT), "nothing was there before");
    let mut lines = stack.line_to_each_worker();
    for users in [["bob", "carol"], ["alice", "carol"], ["nobody", "none"], ["bob", "alice"]] {
        let mark = stack.envoy().log_length();
        stack.push(&allowing(&users)).accepted();
        let log = stack.envoy().log_since(mark);
        // The main thread and each worker have a VM of their own.
        assert_eq!(threads(&log, KEPT).len(), 1 + WORKERS as usize, "{log}");
        for line in &mut lines {
            for user in ["alice", "bob", "carol", "mallory"] {
                let reply = line.exchange(&Request::get("/").h2().header("x-user", user)).unwrap();
                assert_eq!(reply.status, if users.contains(&user) { 200 } else { 403 }, "{user} of {users:?}");
            }
        }
    }
}

/// A policy of many rules as OPA's compiler makes it, to be told apart by a mark in its texts and to be given any data.
struct Rules {
    plan: String,
    rego: String,
}

impl Rules {
    const MARK: &str = "mark-of-these-rules";

    fn new(count: u32) -> Self {
        let mut rego = String::from("package envoy.authz\n\ndefault allow := false\n\nallow if data.revision > 0\n");
        for rule in 0..count {
            // Writing to a string cannot fail.
            let _ = write!(
                rego,
                "\nallow if {{\n\tinput.attributes.request.http.headers[\"x-{rule}\"] == \"{}\"\n\t\
                 some role in data.roles\n\tstartswith(role, \"reader-{rule}\")\n}}\n",
                Self::MARK
            );
        }
        let bundle = bundle::build(&[("policy.rego", &rego)], PATH).unwrap();
        Self { plan: bundle::file(&bundle, "plan.json").unwrap(), rego }
    }

    /// `mark` makes it another plan; `revision` is only in the data, and who sees one above 0 lets everybody pass.
    fn marked(&self, mark: &str, revision: u32) -> Value {
        let data = json!({"revision": revision, "roles": ["reader", "writer"]}).to_string();
        let [plan, rego] = [&self.plan, &self.rego].map(|text| text.replace(Self::MARK, mark));
        let files = [("plan.json", plan.as_str()), ("policy.rego", &rego), ("data.json", &data)];
        json!({"policy": {"bundle": bundle::forge(&files).unwrap(), "path": PATH}})
    }
}

#[test]
fn another_plan_is_not_taken_for_the_one_before() {
    let rules = Rules::new(20);
    let stack = Stack::sark(rules.marked("one", 1)).start();
    let mark = stack.envoy().log_length();
    stack.push(&rules.marked("two", 1)).accepted();
    stack.push(&configuration::of("result := true\n")).accepted();
    // Nobody has it any more: it is loaded again.
    stack.push(&rules.marked("two", 2)).accepted();
    let log = stack.envoy().log_since(mark);
    assert!(!log.contains(KEPT), "{log}");
    stack.push(&rules.marked("two", 3)).accepted();
    assert!(stack.envoy().log_since(mark).contains(KEPT));
}

/// What these pushes cost Envoy, all threads together.
fn cost(stack: &Stack, pushes: impl Iterator<Item = Value>) -> Duration {
    let pushes: Vec<_> = pushes.collect();
    let before = cpu::of(stack.envoy().pid()).unwrap();
    for push in &pushes {
        stack.push(push).accepted();
    }
    cpu::of(stack.envoy().pid()).unwrap() - before
}

#[test]
fn a_data_push_of_a_thousand_rules_costs_clearly_less_than_a_push_of_other_rules() {
    const PUSHES: u32 = 10;
    let (one, thousand) = (Rules::new(1), Rules::new(1000));
    let stack = Stack::sark(thousand.marked("same", 0)).workers(WORKERS).start();
    let mark = stack.envoy().log_length();
    let kept = cost(&stack, (1..=PUSHES).map(|revision| thousand.marked("same", revision)));
    assert_eq!(stack.send(&Request::get("/")).status, 200, "the new data decides");
    let lines = stack.envoy().log_since(mark).matches(KEPT).count();
    assert_eq!(lines, (PUSHES * (1 + WORKERS)) as usize);
    let loaded = cost(&stack, (1..=PUSHES).map(|number| thousand.marked(&format!("other {number}"), 0)));
    assert_eq!(stack.send(&Request::get("/")).status, 403);
    // What a push costs whatever it says, and what it costs to watch for its end.
    let bare = cost(&stack, (1..=PUSHES).map(|number| one.marked(&format!("other {number}"), 0)));
    println!(
        "{PUSHES} pushes of 1,000 rules ({} bytes of plan): other data {kept:?}, other rules {loaded:?}; of one rule {bare:?}",
        thousand.plan.len()
    );
    assert!((kept - bare) * 4 < (loaded - bare) * 3, "other data {kept:?}, other rules {loaded:?}, bare {bare:?}");
}
