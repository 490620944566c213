//! Constructs that are available inline, with OPA's answers.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{agree, agree_with};

#[test]
fn negated_references() {
    agree("x if not input.role", &[("{}", "true"), (r#"{"role":false}"#, "true"), (r#"{"role":1}"#, "undefined")]);
    agree("x if not input.a.b.c", &[("{}", "true"), (r#"{"a":5}"#, "true"), (r#"{"a":{"b":{"c":0}}}"#, "undefined")]);
    agree("x if not y\ny if input.a", &[("{}", "true"), (r#"{"a":1}"#, "undefined")]);
    agree("x if { k := input.k; not input.o[k] }", &[("{}", "undefined"), (r#"{"k":"a"}"#, "true")]);
    agree("import input.role\nx if not role", &[("{}", "true"), (r#"{"role":1}"#, "undefined")]);
}

#[test]
fn negated_equality() {
    agree("x if not input.a == 1", &[("{}", "true"), (r#"{"a":1}"#, "undefined"), (r#"{"a":2}"#, "true")]);
    agree("x if not input.a == input.b", &[("{}", "true"), (r#"{"a":1,"b":1}"#, "undefined")]);
    agree(
        "x if { a := input.a; not a == {\"k\": [1]} }",
        &[("{}", "undefined"), (r#"{"a":{"k":[1]}}"#, "undefined"), (r#"{"a":1}"#, "true")],
    );
}

#[test]
fn negated_calls_of_local_variables() {
    agree(
        "x if { r := input.role; not r in {\"bad\"} }",
        &[("{}", "undefined"), (r#"{"role":"bad"}"#, "undefined"), (r#"{"role":"ok"}"#, "true")],
    );
    agree(
        "x if { h := input.h; not startswith(h, \"a\") }",
        &[("{}", "undefined"), (r#"{"h":"b"}"#, "true"), (r#"{"h":5}"#, "true")],
    );
    agree(
        "x if { n := input.n; not n < 3 }",
        &[("{}", "undefined"), (r#"{"n":2}"#, "undefined"), (r#"{"n":3}"#, "true")],
    );
    agree(
        "x if { a := input.a; not f(a) }\nf(a) if a == 1",
        &[("{}", "undefined"), (r#"{"a":1}"#, "undefined"), (r#"{"a":2}"#, "true")],
    );
}

#[test]
fn iteration() {
    agree("x if input.l[_] == 2", &[("{}", "undefined"), (r#"{"l":[1,2]}"#, "true"), (r#"{"l":"2"}"#, "undefined")]);
    agree("x contains i if { some i; input.l[i] == 2 }", &[(r#"{"l":[2,1,2]}"#, "[0,2]"), ("{}", "[]")]);
    agree("x := [[k, v] | some k, v in input.o]", &[(r#"{"o":{"b":1,"a":2}}"#, r#"[["a",2],["b",1]]"#), ("{}", "[]")]);
    agree(
        "x if { some i; input.l[i] == 1; input.m[i] == 2 }",
        &[(r#"{"l":[1,1],"m":[3,2]}"#, "true"), (r#"{"l":[1],"m":[3]}"#, "undefined")],
    );
    agree(
        "x if startswith(input.s, input.l[_])",
        &[(r#"{"s":"ab","l":["b","a"]}"#, "true"), (r#"{"s":"ab"}"#, "undefined")],
    );
}

#[test]
fn comprehensions() {
    agree("x := {e | some e in input.l; e > 1}", &[(r#"{"l":[3,1,2,3]}"#, "[2,3]"), ("{}", "[]")]);
    agree("x := {k: v | some k, v in input.o}", &[(r#"{"o":{"a":1}}"#, r#"{"a":1}"#), ("{}", "{}")]);
    agree(
        "x := [c | some a in input.l; c := [b | some b in input.m; b > a]]",
        &[(r#"{"l":[1,2],"m":[1,2,3]}"#, "[[2,3],[3]]")],
    );
}

#[test]
fn every() {
    let rules = "x if { every e in input.l { e > 1 } }";
    agree(
        rules,
        &[
            ("{}", "undefined"),
            (r#"{"l":[]}"#, "true"),
            (r#"{"l":[2,3]}"#, "true"),
            (r#"{"l":[1]}"#, "undefined"),
            (r#"{"l":"s"}"#, "undefined"),
        ],
    );
}

#[test]
fn functions_else_and_defaults() {
    let rules = "x := f(input.n)\ndefault f(_) := \"none\"\nf(n) := \"many\" if n > 1 else := \"one\" if n == 1";
    agree(
        rules,
        &[(r#"{"n":5}"#, r#""many""#), (r#"{"n":1}"#, r#""one""#), (r#"{"n":0}"#, r#""none""#), ("{}", "undefined")],
    );
    agree("default x := false\nx if input.a", &[("{}", "false"), (r#"{"a":1}"#, "true")]);
    agree(
        "x := f(input.a)\nf(\"a\") := 1\nf(null) := 2",
        &[(r#"{"a":"a"}"#, "1"), (r#"{"a":null}"#, "2"), (r#"{"a":3}"#, "undefined")],
    );
}

#[test]
fn partial_rules_and_trees() {
    agree("x[k] := v if some k, v in input.o", &[("{}", "{}"), (r#"{"o":{"a":1}}"#, r#"{"a":1}"#)]);
    let rules = "default allow := false\nallow if input.a\nx[\"allowed\"] := allow\nx.status := 401 if not allow";
    agree(rules, &[("{}", r#"{"allowed":false,"status":401}"#), (r#"{"a":1}"#, r#"{"allowed":true}"#)]);
}

#[test]
fn arithmetic_on_integers_and_sets() {
    agree("x := count(input.l) * 2 - 1", &[(r#"{"l":[1,2]}"#, "3")]);
    agree("x := {1, 2, 3} - {e | some e in input.l}", &[(r#"{"l":[1,2]}"#, "[3]")]);
    agree("x := ({1} | {2}) & {2, 3}", &[("{}", "[2]")]);
}

#[test]
fn tables_in_data() {
    let data = r#"{"users":{"alice":{"roles":["admin"]}}}"#;
    agree_with(
        data,
        "x if \"admin\" in data.users[input.u].roles",
        &[(r#"{"u":"alice"}"#, "true"), (r#"{"u":0}"#, "undefined"), ("{}", "undefined")],
    );
}

#[test]
fn comparisons_of_rules() {
    let rules = "now := input.now\ntoken := {\"exp\": e} if e := input.exp\nx if token.exp > now";
    agree(rules, &[(r#"{"now":1,"exp":2}"#, "true"), (r#"{"now":2,"exp":1}"#, "undefined"), ("{}", "undefined")]);
    agree("n := count(input.l)\nx := n + 1", &[(r#"{"l":[1]}"#, "2")]);
}
