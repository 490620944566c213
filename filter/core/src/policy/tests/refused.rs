//! Constructs that are refused, one test a family.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{load_modules, load_rules, refuse, refuse_with};

#[test]
fn recursion() {
    refuse("x := x", "recursive");
    refuse("x if y\ny if x", "data.t.x → data.t.y → data.t.x");
    refuse("x := f(1)\nf(a) := f(a)", "recursive");
    refuse("x.a := x.b\nx.b := x", "recursive");
    refuse("x if not y\ny if { every e in [1] { e == 1; x } }", "recursive");
    refuse("x := data.t[k] if k := \"y\"\ny := 1", "recursive");
    refuse("x[a] := 1 if { some a in [1]; x[2] }", "recursive");
}

#[test]
fn recursion_over_modules() {
    let modules = [("a.rego", "package t\nx := data.u.y"), ("b.rego", "package u\nimport data.t.x\ny := x")];
    let error = load_modules("{}", &modules, "t/x").err().unwrap();
    assert!(error.to_string().contains("recursive"), "{error}");
}

#[test]
fn unknown_functions_and_wrong_arity() {
    refuse("x := foo(1)", "p.rego:2:6: function `foo` is not defined");
    refuse("x := data.u.f(1)", "is not a function");
    refuse("x := count(1, 2, 3)", "takes 1 arguments, not 3");
    refuse("x := count([1], 1)", "write x := f(…)");
    refuse("x := f(1)\nf(a, b) := a + b", "takes 2 arguments, not 1");
    refuse("x := f\nf(a) := a", "must be called");
    refuse("x := y(1)\ny := 1", "is not a function");
    refuse("x if { count := 1; count([1]) == 1 }", "is a variable here");
}

#[test]
fn variables_without_a_value() {
    refuse("x := y", "never gets a value");
    refuse("x if y > 1", "never gets a value");
    refuse("x if not input.l[_]", "never gets a value");
    refuse("x if { some i; not input.l[i] }", "never gets a value");
    refuse("x if not startswith(input.l[_], \"a\")", "never gets a value");
    refuse("x if { y = z; z = y }", "never gets a value");
    refuse("x if every e in input.l { e == y }", "never gets a value");
    refuse("x := [z | some y in [1]]", "never gets a value");
    refuse("x contains z if some y in [1]", "never gets a value");
}

#[test]
fn declarations() {
    refuse("x if { y := 1; y := 2 }", "declared twice");
    refuse("x if { some y in [1]; y := 2 }", "declared twice");
    refuse("x if { y > 0; y := 1 }", "before it is declared");
    refuse("x if { y := y }", "before it is declared");
    refuse("f(a) if { a := 1 }\nx := 1", "declared again");
    refuse("x if { some k; true }", "declared and not used");
    refuse("x if every k, v in input.l { v == 1 }", "declared and not used");
    refuse("x if { data := 1 }", "cannot be");
    refuse("x if { input.a := 1 }", "a pattern may have");
}

#[test]
fn heads() {
    refuse("x.a := 1\nx.a.b := 2", "lies above");
    refuse("x := 1\nx contains 2", "defined in two ways");
    refuse("x := {}\nx[k] := 2 if some k in [\"a\"]", "defined in two ways");
    refuse("f(a) := 1\nf(a, b) := 2\nx := 1", "defined with 2 arguments");
    refuse("default x[a] := 1\nx[a] := 2 if some a in [1]", "default");
    refuse("default x := 1\ndefault x := 2", "second");
    refuse("x() := 1", "without arguments");
    refuse("x contains 1 if { input.a } else := 2", "else");
    refuse("p[\"a\"]\nx := 1", "contains");
    let modules = [("a.rego", "package t\nx := 1"), ("b.rego", "package t.x\ny := 1")];
    assert!(load_modules("{}", &modules, "t/x").is_err());
}

#[test]
fn what_regorus_parses_otherwise() {
    refuse("x := {input.a | input.b | input.c}", "`|` directly inside brackets");
    refuse("x if { input.a | input.b; true }", "do not stand as a statement");
}

#[test]
fn numbers_that_a_double_cannot_hold() {
    refuse("x := 1e999", "exponent is beyond 400");
    refuse("x := - input.a", "directly before a number");
}

#[test]
fn with_modifiers_and_imports() {
    refuse("x if y with data.t.y as 1\ny := 1", "`with` may only replace");
    refuse("x if y with data.t as {}\ny := 1", "`with` may only replace");
    refuse("x if y with data as {}\ny := 1", "`with` may only replace");
    refuse("x if y with f as 1\ny := f(1)\nf(a) := a", "`with` may only replace");
    refuse("x if y with count as 1\ny := count([])", "`with` may only replace");
    refuse("import future.keywords.not\nx := 1", "import");
    refuse("import rego.v2\nx := 1", "import");
}

#[test]
fn deprecated_builtins() {
    for call in ["any([true])", "all([true])", "re_match(\"a\", \"a\")", "set_diff({1}, {2})", "cast_array([])"] {
        assert!(load_rules(&format!("x := {call}")).is_err(), "{call}");
    }
}

#[test]
fn data_at_the_path_of_a_rule() {
    refuse_with(r#"{"t":{"x":true}}"#, "x := 1", "policy.data has a value at the rule data.t.x");
    refuse_with(r#"{"t":5}"#, "x := 1", "policy.data has");
    refuse_with(r#"{"t":{"f":1}}"#, "f(a) := a\nx := 1", "policy.data has");
    refuse_with(r#"{"t":{"x":{"a":{}}}}"#, "x.a := 1", "policy.data has");
    refuse_with("[]", "x := 1", "must be an object");
    load_modules(r#"{"t":{"y":1}}"#, &[("a", "package t\nx := 1")], "t/x").unwrap();
}

#[test]
fn old_syntax() {
    refuse("x { true }", "p.rego:2:");
    refuse("x[1] { true }", "p.rego:2:");
}

#[test]
fn names_of_operators() {
    for rules in ["equal(a, b) if startswith(a, b)", "lt := 1", "x := 1 if plus := 2", "x if some or in [1]"] {
        assert!(load_rules(rules).is_err(), "{rules}");
    }
}
