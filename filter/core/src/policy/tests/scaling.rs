//! Texts that would make loading quadratic or worse: each costs about what a normal policy of the same length costs, or is
//! refused.

#![cfg_attr(target_arch = "wasm32", allow(dead_code, reason = "what takes the time runs natively only"))]

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{LIMITS, Limits, Loaded, Value, evaluate, evaluate_within, json, load_modules, load_rules, refuse};

/// Lines of each policy.
const LINES: usize = 2_000;

fn lines(line: impl Fn(usize) -> String) -> String {
    (0..LINES).map(line).collect()
}

/// As many ordinary rules.
fn normal() -> String {
    lines(|i| format!("r{i} if input.a == {i}\n"))
}

/// Texts behind `package t`, and one behind `package u`.
fn policies() -> Vec<(&'static str, String, String)> {
    let alone = |name, text| (name, text, String::new());
    vec![
        alone("branches", format!("x := 0 if input.a\n{}", lines(|i| format!("else := {i} if input.a == {i}\n")))),
        alone("definitions", lines(|i| format!("x if input.a == {i}\n"))),
        alone("parts of an array", format!("x := [{}]", lines(|_| "input.a,\n".to_owned()))),
        alone("parts of an object", format!("x := {{{}}}", lines(|i| format!("{i}: input.a,\n")))),
        alone("statements", format!("x if {{\n{}}}", lines(|i| format!("v{} := v{i}\n", i + 1)))),
        alone("statements backwards", format!("x if {{\n{}}}", lines(|i| format!("v{i} = v{}\n", i + 1)))),
        alone("comprehensions", format!("x if {{\n{}}}", lines(|_| "[y | some y in input.a]\n".to_owned()))),
        alone("modifiers", format!("x if y\n{}\ny := 1", lines(|i| format!("with input.a{i} as 1\n")))),
        alone("arguments", format!("x := 1\nf({}b) := b", lines(|i| format!("a{i},\n")))),
        alone("imports", format!("{}x := 1", lines(|i| format!("import data.a{i}\n")))),
        alone("rules below an object", lines(|i| format!("p.a{i}[b] := 1 if b := input.b\n")) + "x := p"),
        (
            "objects of rules",
            lines(|i| format!("s{i} := data.u[input.a].c{i}\n")) + "x := 1",
            lines(|i| format!("r{i}.b := 1\n")),
        ),
        (
            "objects below objects",
            lines(|i| format!("s{i} := data.u.r{i}[input.a]\n")) + "x := 1",
            lines(|i| format!("r{i}.b := 1\n")),
        ),
    ]
}

/// Natively, because nothing tells the time in the module under test.
#[cfg(not(target_arch = "wasm32"))]
#[test]
fn no_shape_of_policy_costs_more_than_its_length() {
    let load = |text: &str, other: &str| {
        let began = std::time::Instant::now();
        let (text, other) = (format!("package t\n{text}"), format!("package u\n{other}"));
        let loaded = load_modules("{}", &[("t.rego", &text), ("u.rego", &other)], "t/x");
        (began.elapsed(), loaded.err().map(|error| error.to_string()))
    };
    let (usual, refused) = load(&normal(), "");
    assert_eq!(refused, None);
    for (name, text, other) in policies() {
        let (took, refused) = load(&text, &other);
        // The worst, two thousand rules in one object that is read whole, costs thirty times as much: each is put in by
        // a statement of its own. More than that is refused (`MAX_DOCUMENTS`).
        assert!(took < usual * 80, "{name}: {took:?}, a normal policy {usual:?}, {refused:?}");
    }
}

#[test]
fn long_chains_are_refused() {
    let branches = |n| format!("x := 0 if input.a\n{}", "else := 1 if input.b\n".repeat(n));
    refuse(&branches(256), "more than 256 branches");
    load_modules("{}", &[("p.rego", &format!("package t\n{}", branches(255)))], "t/x").unwrap();
}

#[test]
fn long_bodies_are_refused() {
    let statements = |n| "input.a == 1\n".repeat(n);
    refuse(&format!("x if {{\n{}}}", statements(257)), "more than 256 statements");
    load_modules("{}", &[("p.rego", &format!("package t\nx if {{\n{}}}", statements(256)))], "t/x").unwrap();
    let modifiers = |n| "with input.a as 1\n".repeat(n);
    refuse(&format!("y := 1\nx if y {}", modifiers(33)), "more than 32 `with`");
}

/// Steps of a decision: with one less there is none.
fn steps(loaded: &Loaded, input: &Value) -> u64 {
    let (mut low, mut high) = (0, LIMITS.steps);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if evaluate_within(loaded, input, Limits { steps: middle, ..LIMITS }).is_ok() {
            high = middle
        } else {
            low = middle
        }
    }
    high
}

#[test]
fn a_thousand_rules_cost_what_ten_cost() {
    let kinds: [fn(usize) -> String; 3] = [
        |n| format!("x if {{ input.method == \"GET\"; input.path == \"/area{n}\" }}\n"),
        |n| format!("x if {{ input.method in {{\"GET\", \"PUT\"}}; input.parts == [\"api\", \"area{n}\"] }}\n"),
        |n| format!("x if {{ \"/area{n}\" == input.path; count(input.parts) > 1 }}\n"),
    ];
    let input = r#"{"method": "GET", "path": "/area7", "parts": ["api", "area7"]}"#;
    for rule in kinds {
        let policy = |count| load_rules(&format!("default x := false\n{}", (0..count).map(rule).collect::<String>()));
        let [few, many] = [10, 1_000].map(|count| policy(count).unwrap_or_else(|error| panic!("{error}")));
        for input in [input, &input.replace('7', "x"), "{}"] {
            assert_eq!(evaluate(&few, &json(input)), evaluate(&many, &json(input)), "{}: {input}", rule(0));
            let (few, many) = (steps(&few, &json(input)), steps(&many, &json(input)));
            // A key that is an array is paid for by the comparisons it takes to find it.
            assert!(many <= few + 10, "{}: {input}: {few} and {many} steps", rule(0));
        }
    }
}
