//! What `load` gives back, and how refusals read.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::super::{DecisionPath, PolicyError};
use super::{decide, load_modules, load_rules};

#[test]
fn paths() {
    let pieces = |text: &str| DecisionPath::parse(text).unwrap().pieces().to_vec();
    assert_eq!(pieces(""), ["envoy", "authz", "allow"]);
    assert_eq!(pieces("//"), ["envoy", "authz", "allow"]);
    assert_eq!(pieces("/a//b/"), ["a", "b"]);
    assert_eq!(pieces("com.foo.bar"), ["com.foo.bar"]);
    assert_eq!(DecisionPath::parse("/a//b/").unwrap().to_string(), "a/b");
    assert!(DecisionPath::parse("a/0").unwrap_err().contains("array"));
    assert!(DecisionPath::parse(&"a/".repeat(17)).unwrap_err().contains("at most 16"));
}

#[test]
fn a_path_that_nothing_serves_is_undefined() {
    let loaded = load_modules("{}", &[], "envoy/authz/allow").unwrap();
    assert_eq!(decide(&loaded, "{}"), "undefined");
}

#[test]
fn keys_of_a_path_are_quoted() {
    let modules = [("a.rego", "package t\nx[\"a\\\"b\"] := 1\nx.c := 2")];
    let loaded = load_modules("{}", &modules, "t/x/a\"b").unwrap();
    assert_eq!(decide(&loaded, "{}"), "1");
}

#[test]
fn an_error_of_the_policy_does_not_refuse_it() {
    let loaded = load_rules("x := 1\nx := 2").unwrap();
    assert!(decide(&loaded, "{}").starts_with("error: "));
}

#[test]
fn unsafe_variables_are_refused() {
    let error = load_rules("x := y").err().unwrap();
    assert_eq!(error.to_string(), "p.rego:2:6: variable `y` never gets a value; bind it in a statement");
}

#[test]
fn syntax_errors_have_a_place() {
    let error = load_rules("x := [1").err().unwrap();
    assert_eq!((error.file.as_deref(), error.line), (Some("p.rego"), Some(2)));
    assert!(!error.message.contains('\n'), "{error}");
    assert!(!error.message.ends_with('.'), "{error}");
}

#[test]
fn columns_count_characters() {
    let error = load_rules("\tx if { \"é\"; z }").err().unwrap();
    assert_eq!((error.line, error.column), (Some(2), Some(14)), "{error}");
}

#[test]
fn errors_read_as_one_line() {
    let error = PolicyError { file: Some("a.rego".into()), line: Some(3), column: Some(7), message: "no".into() };
    assert_eq!(error.to_string(), "a.rego:3:7: no");
    let error = PolicyError { line: None, column: None, ..error };
    assert_eq!(error.to_string(), "a.rego: no");
    let error = PolicyError { file: None, ..error };
    assert_eq!(error.to_string(), "no");
}

#[test]
fn functions_of_other_modules() {
    let modules = [
        ("a.rego", "package t\nimport data.u\nx := [u.f(input.n), data.u.g]"),
        ("b.rego", "package u\nimport input.n as number\nf(a) := [a, number, g]\ng := 3"),
    ];
    let loaded = load_modules("{}", &modules, "t/x").unwrap();
    assert_eq!(decide(&loaded, r#"{"n":1}"#), "[[1,1,3],3]");
}

#[test]
fn names_of_modules() {
    assert!(load_modules("{}", &[("a\nb", "package t")], "t/x").is_err());
    assert!(load_modules("{}", &[("", "package t")], "t/x").is_err());
}

/// The private names of the loader are no names of the policy.
#[test]
fn no_name_is_reserved() {
    let modules = [("a.rego", "package sark\nr0 := 1\nx := data.sark.r0 + count(h.c)\nh := {\"c\": [1]}")];
    assert_eq!(decide(&load_modules("{}", &modules, "sark/x").unwrap(), "{}"), "2");
}

#[test]
fn the_same_policy_loads_the_same_way() {
    let rules = "x := foo(1)\ny := bar(2)";
    assert_eq!(load_rules(rules).err(), load_rules(rules).err());
}
