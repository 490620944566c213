//! Policies that would compute for ever: each evaluation ends at a limit, and no call of a builtin slips past it.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{decide, load_rules, load_with};

const LIMITED: &[&str] = &["error: StepLimit", "error: DepthLimit", "error: SizeLimit"];

fn stops(rules: &str) {
    let loaded = load_rules(rules).unwrap_or_else(|error| panic!("{rules}: {error}"));
    let decision = decide(&loaded, "{}");
    let inexact = decision.starts_with("error: Inexact");
    assert!(LIMITED.contains(&decision.as_str()) || inexact, "{rules}: {decision:.200}");
}

/// `v0` to `v{n}`, each made of the one before.
fn chain(n: usize, first: &str, next: &str) -> String {
    let steps: String = (1..=n).map(|i| format!("v{i} := {}\n", next.replace('V', &format!("v{}", i - 1)))).collect();
    format!("x := v{n} if {{ v0 := {first}\n{steps}}}")
}

#[test]
fn loops_inside_each_other() {
    let some = |n: usize| (0..n).map(|i| format!("some e{i} in numbers.range(1, 100); e{i} > 0\n")).collect::<String>();
    stops(&format!("x if {{ {} 1 == 2 }}", some(6)));
    stops(&format!("x := [1 | {}]", some(6)));
    stops(&format!("x := {{[e0, e5] | {}}}", some(6)));
    stops("x if every a in numbers.range(1, 9999) { every b in numbers.range(1, 9999) { a != b + 99999 } }");
    stops("x := count([p | walk(numbers.range(1, 999999), [p, _])])");
}

#[test]
fn what_doubles() {
    stops(&chain(60, r#""aaaaaaaa""#, r#"concat("", [V, V])"#));
    stops(&chain(60, "[1, 2, 3]", "array.concat(V, V)"));
    stops(&chain(60, r#""aaaaaaaa""#, r#"replace(V, "a", "aaaa")"#));
    stops(&chain(60, r#""aaaaaaaa""#, r#"sprintf("%s%s", [V, V])"#));
    stops(&chain(200, "3", "V * V"));
    stops(&chain(200, "[1]", "[[V]]"));
}

#[test]
fn huge_results_of_one_call() {
    stops(r#"x := count(net.cidr_expand("::/0"))"#);
    stops(r#"x := count(net.cidr_expand("10.0.0.0/1"))"#);
    stops("x := count(numbers.range(0, 10000000000000))");
    stops("x := count(numbers.range_step(0, 10000000000000, 1))");
    stops("x := bits.lsh(1, 9999999999)");
}

/// Patterns that others need exponential time for are matched in linear time, or refused.
#[test]
fn patterns() {
    let data = format!(r#"{{"s": "{}!"}}"#, "a".repeat(5_000));
    for rules in [
        r"x := regex.match(`^(a+)+$`, data.s)",
        r"x := regex.match(`^(a|aa)+$`, data.s)",
        r"x := regex.match(`(.*)(.*)(.*)(.*)(.*)[^!]$`, data.s)",
        r"x := regex.match(`((a{0,100}){0,100}){0,100}$`, data.s)",
        r#"x := glob.match("*a*a*a*a*a*a*a*a*b", [], data.s)"#,
        r#"x := glob.match("{a,aa}{a,aa}{a,aa}{a,aa}{a,aa}{a,aa}{a,aa}*b", [], data.s)"#,
        r"x := regex.globs_match(`a+a+a+a+b`, `a*a*a*a*c`)",
    ] {
        let decision = decide(&load_with(&data, rules).unwrap(), "{}");
        let ended = decision == "false" || decision.starts_with("error: ") || decision == "undefined";
        assert!(ended, "{rules}: {decision}");
    }
}
