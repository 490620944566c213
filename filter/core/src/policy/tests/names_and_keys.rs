//! What a review found to be answered otherwise than OPA answers it. OPA 1.22.2 was asked for each answer.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{RegoVersion, check, decide, load_any, load_for, opa, refuse};

#[test]
fn an_import_wins_over_a_rule_of_the_same_name() {
    let rule = ("rule.rego", "package t\ndefault f := false\nf if input.q");
    let decide = |data: &str, text: &str, cases: &[(&str, &str)]| {
        let modules = [rule, ("p.rego", text)];
        check(load_for(data, &modules, "t/x", RegoVersion::V1), text, cases);
    };
    decide("{}", "package t\nx if f", &[("{}", "undefined"), (r#"{"q":1}"#, "true")]);
    decide(
        "{}",
        "package t\nimport input.f\nx if f",
        &[("{}", "undefined"), (r#"{"q":1}"#, "undefined"), (r#"{"f":true}"#, "true")],
    );
    decide(
        "{}",
        "package t\nimport input.u as f\nx if not f",
        &[("{}", "true"), (r#"{"q":1}"#, "true"), (r#"{"u":true}"#, "undefined")],
    );
    decide(r#"{"u":7}"#, "package t\nimport data.u as f\nx := f", &[("{}", "7")]);
}

#[test]
fn equality_by_name_is_not_taken_apart_under_not() {
    for name in ["eq", "equal"] {
        let rules = format!("x if not {name}(input.a, 1)");
        opa("{}", &rules, &[("{}", "true"), (r#"{"a":1}"#, "undefined"), (r#"{"a":2}"#, "true")]);
    }
    opa("{}", "x if not neq(input.a, 1)", &[("{}", "undefined"), (r#"{"a":1}"#, "true"), (r#"{"a":2}"#, "undefined")]);
}

#[test]
fn a_number_that_is_held_as_a_double_is_no_position_and_no_other_spelling() {
    let data = r#"{"n": {"1": "i", "1.0": "f"}, "a": ["z", "o"]}"#;
    opa(data, "x := data.n[input.i]", &[(r#"{"i":1}"#, r#""i""#), (r#"{"i":2}"#, "undefined")]);
    // OPA answers "f" and true; which digits 1.0 had, we do not know.
    for rules in ["x := data.n[input.i]", "x if not data.a[input.i]"] {
        let decision = decide(&load_any(data, rules, RegoVersion::V1).unwrap(), r#"{"i":1.0}"#);
        assert!(decision.starts_with("error: Inexact"), "{rules}: {decision}");
    }
    opa(data, r#"x := [data.a["00"], data.a["+1"], data.a["-0"]]"#, &[("{}", r#"["z","o","z"]"#)]);
}

#[test]
fn a_with_may_replace_data_behind_any_white_space() {
    for space in ["\t", "  ", "\n ", " #\n "] {
        let rules = format!("x if not data.d[input.k] with{space}data.d as {{2: \"a\"}}");
        opa("{}", &rules, &[(r#"{"k":"2"}"#, "true")]);
        // OPA finds it, so that it is undefined there.
        let decision = decide(&load_any("{}", &rules, RegoVersion::V1).unwrap(), r#"{"k":2}"#);
        assert!(decision.starts_with("error: Inexact"), "{rules}: {decision}");
    }
}

#[test]
fn statements_that_wait_are_taken_up_as_opa_takes_them() {
    opa(
        "{}",
        "x := [[a, c] | some a in numbers.range(1, z); y = 1; z = 2; some c in [10, 20]; y == 1]",
        &[("{}", "[[1,10],[2,10],[1,20],[2,20]]")],
    );
    opa("{}", "x := [v | some v in {{1}, {\"a\": 1}, [1]}]", &[("{}", r#"[[1],{"a":1},[1]]"#)]);
}

#[test]
fn an_order_that_would_show_is_refused() {
    refuse(r#"x := [o | o := {"b": input.parsed_path[_], "a": input.parsed_body[_]}]"#, "several iterations");
    refuse("x := [o | o := {input.parsed_path[_], input.parsed_body[_]}]", "several iterations");
    for comprehension in ["[v | v := data.u[_]]", "[v | some v in data.u]"] {
        let modules = [("u.rego", "package u\na := 1"), ("p.rego", &format!("package t\nx := {comprehension}"))];
        let loaded = load_for("{}", &modules, "t/x", RegoVersion::V1);
        assert!(loaded.err().is_some_and(|error| error.message.contains("rules and data")), "{comprehension}");
    }
}

#[test]
fn a_default_is_a_constant() {
    for value in ["input.parsed_path", "data.y", "count([1])", "y", "[y]", r#"{"a": input.parsed_path}"#] {
        refuse(&format!("default x := {value}\ny := 1"), "a default must be a constant");
    }
    opa("{}", r#"default x := {"a": [-1, {"b"}, [y | y := 1]]}"#, &[("{}", r#"{"a":[-1,["b"],[1]]}"#)]);
}
