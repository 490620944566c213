//! One test a line of `facts/regorus.md`, sections 2, 3, 6 and 10, that concerns the interpreter.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{agree, agree_with, decide, load_rules, refuse};

#[test]
fn the_ten_negations_of_section_6_1() {
    let bodies = [
        "startswith(input.h, \"x\")",
        "input.role in {\"bad\"}",
        "\"bad\" in input.roles",
        "count(input.r) > 3",
        "data.t.h[input.k]",
        "input.a < 5",
        "lower(input.s) == \"x\"",
        "f(input.x)",
        "object.get(input.s, \"k\", 0) == 1",
        "data.perms[input.u].ok",
        "[input.z] == [1]",
    ];
    for body in bodies {
        refuse(&format!("x if not {body}\nf(a) := a\nh := {{}}"), "bind it first");
    }
}

#[test]
fn not_takes_nothing_unbound() {
    refuse("x if not input.l[_]", "bind it first");
    refuse("x if { some i; not input.l[i] }", "bind it first");
    refuse("x if not [y | some y in input.l]", "bind it first");
    refuse("x if { some i; not f(i) }\nf(a) := a", "bind it first");
}

#[test]
fn some_in_a_scalar_is_an_error() {
    let mut loaded = load_rules("x if some e in input.l").unwrap();
    assert!(decide(&mut loaded, r#"{"l":"str"}"#).starts_with("error: "));
    assert_eq!(decide(&mut loaded, r#"{"l":["a"]}"#), "true");
    assert_eq!(decide(&mut loaded, "{}"), "undefined");
}

/// Without strict errors regorus forgets that one definition failed and answers with the other.
#[test]
fn an_error_inside_a_function_is_not_forgotten() {
    let rules = "x := f(input.n)\nf(a) := c if a == 1\nf(a) := 3 if a == 1\nc := 1\nc := input.n + 0 if false\nc := 2 if input.n == 1";
    let rules = rules.replace("c := input.n + 0 if false\n", "");
    let mut loaded = load_rules(&rules).unwrap();
    assert!(decide(&mut loaded, r#"{"n":1}"#).starts_with("error: "));
}

#[test]
fn a_failing_builtin_is_undefined() {
    agree("x := to_number(input.s)", &[(r#"{"s":"abc"}"#, "undefined"), (r#"{"s":"12"}"#, "12")]);
    agree("x if { s := input.s; not lower(s) }", &[(r#"{"s":5}"#, "true")]);
}

#[test]
fn conflicting_rules_are_an_error() {
    let mut loaded = load_rules("x := 1\nx := 2 if input.a").unwrap();
    assert_eq!(decide(&mut loaded, "{}"), "1");
    assert!(decide(&mut loaded, r#"{"a":1}"#).starts_with("error: "));
    let mut loaded = load_rules("x if not y\ny := 1\ny := 2 if input.a").unwrap();
    assert!(decide(&mut loaded, r#"{"a":1}"#).starts_with("error: "));
}

#[test]
fn a_rule_named_like_a_variable_of_a_comprehension() {
    refuse("x := {k: v | some k, v in input.o}\nk := 1", "has the name of a rule");
}

#[test]
fn entry_points_of_every_shape() {
    agree("x[\"allowed\"] := true", &[("{}", r#"{"allowed":true}"#)]);
    agree("x contains 1", &[("{}", "[1]")]);
    let modules = [("p.rego", "package t.x\nallowed := true\nf(a) := a\nnone if input.a")];
    let mut loaded = super::load_modules("{}", &modules, "t/x").unwrap();
    assert_eq!(decide(&mut loaded, "{}"), r#"{"allowed":true}"#);
}

#[test]
fn a_whole_package_of_two_modules_is_refused() {
    let modules = [("a.rego", "package t.x\na := 1"), ("b.rego", "package t.x\nb := 1")];
    assert!(super::load_modules("{}", &modules, "t/x").is_err());
}

#[test]
fn default_functions_and_values() {
    agree("default f(_) := 7\nf(a) := 1 if a == 1\nx := f(input.a)", &[(r#"{"a":2}"#, "7"), ("{}", "undefined")]);
    refuse("default f(_) := 7\nx := f(1)", "besides its default");
    refuse("default x := [y | some y in [1]]", "constant");
}

#[test]
fn numbers_index_data_as_text_in_opa() {
    agree_with(
        r#"{"ids":{"7":1}}"#,
        "x := t[input.k] if t := data.ids",
        &[(r#"{"k":7}"#, "undefined"), (r#"{"k":"7"}"#, "1")],
    );
}

#[test]
fn an_empty_alternative_of_a_glob_is_an_error() {
    let mut loaded = load_rules("x := glob.match(\"a{,b}\", [], input.s)").unwrap();
    assert!(decide(&mut loaded, r#"{"s":"a"}"#).starts_with("error: "));
}

#[test]
fn big_numbers_in_json_text_are_an_error() {
    let mut loaded = load_rules("x := json.unmarshal(input.s)").unwrap();
    assert!(decide(&mut loaded, r#"{"s":"1e401"}"#).starts_with("error: "));
    assert_eq!(decide(&mut loaded, r#"{"s":"[1,"}"#), "undefined");
    assert_eq!(decide(&mut loaded, r#"{"s":"{\"a\":1}"}"#), r#"{"a":1}"#);
}

#[test]
fn a_nul_would_end_the_text() {
    refuse("x := 1\n# \0\nx := 2", "NUL");
}

#[test]
fn an_undefined_head_would_forget_the_values_before() {
    refuse("x contains e.a if some e in input.l", "may be undefined");
    agree("x contains a if { some e in input.l; a := e.a }", &[(r#"{"l":[{"a":1},{},{"a":2}]}"#, "[1,2]")]);
}

/// regorus gives up on the statement, `not` and all, where the index finds nothing.
#[test]
fn a_variable_of_every_as_an_index_inside_not() {
    refuse("x if { every e in input.l { not input.o[e] } }", "bind it first");
    let bound = "x if { every e in input.l { k := e; not input.o[k] } }";
    agree(bound, &[(r#"{"l":["a"],"o":{}}"#, "true"), (r#"{"l":["a"],"o":{"a":1}}"#, "undefined")]);
}
