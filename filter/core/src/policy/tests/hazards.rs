//! Where regorus is known to answer otherwise than OPA, to crash or to hang: each refused, an error, or equal.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{DecisionPath, agree, agree_with, decide, load_modules, load_rules, refuse};

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

/// regorus keeps imports by package and name, not by module.
#[test]
fn imports_of_one_name_in_two_modules_of_a_package() {
    let a = "package t\nimport input.a as h\nx if h.r == 1";
    for (b, part) in [
        ("package t\nimport input.b as h\ny := h.r", "another import in another module"),
        ("package t\nimport data.b as h\ny := h.r", "another import in another module"),
        ("package t.h\nr := 1", "a package below this one"),
        ("package t.h.deep\nr := 1", "a package below this one"),
    ] {
        refuse_modules(&[("a.rego", a), ("b.rego", b)], part);
        refuse_modules(&[("a.rego", b), ("b.rego", a)], part);
    }
    let mut same =
        load_modules("{}", &[("a.rego", a), ("b.rego", "package t\nimport input.a as h\ny := h.s")], "t/x").unwrap();
    assert_eq!(decide(&mut same, r#"{"a":{"r":1}}"#), "true");
}

/// regorus looks for a function below the caller's package before it looks for a builtin.
#[test]
fn a_package_below_cannot_replace_a_builtin() {
    for package in ["t.regex", "t.strings", "object", "t.json.deep", "t.input", "t.data", "_"] {
        let module = format!("package {package}\nmatch(a, b) if a == b");
        refuse_modules(&[("a.rego", "package t\nx := 1"), ("b.rego", &module)], "a package must not have the piece");
    }
}

/// OPA turns operators into calls by name.
#[test]
fn nothing_is_named_like_an_operator() {
    for rules in [
        "equal(a, b) if startswith(a, b)",
        "lt := 1",
        "x := 1 if plus := 2",
        "f(minus) := minus",
        "x if some or in [1]",
    ] {
        assert!(load_rules(rules).is_err(), "{rules}");
    }
    refuse_modules(&[("a.rego", "package t\nimport input.neq\nx := neq")], "is taken");
}

#[test]
fn a_function_stands_in_one_module() {
    let a = "package t\nf(a) := 1 if a == 1\nx := f(2)";
    refuse_modules(&[("a.rego", a), ("b.rego", "package t\nf(a) := 2 if a == 2")], "also defined in another module");
    assert!(load_modules("{}", &[("a.rego", a), ("b.rego", "package t\ndefault f(_) := 3")], "t/x").is_ok());
}

/// For OPA's reader the text may end in `null` and anything.
#[test]
fn json_text_followed_by_null_is_an_error() {
    let mut loaded = load_rules("x := json.unmarshal(input.s)").unwrap();
    for text in ["1 null", "{} nullnull", "[] \\n null x"] {
        assert!(decide(&mut loaded, &format!("{{\"s\":\"{text}\"}}")).starts_with("error: "), "{text}");
    }
    assert_eq!(decide(&mut loaded, r#"{"s":"1 2"}"#), "undefined");
}

#[test]
fn a_decision_path_indexes_no_array() {
    for path in ["list/1", "list/+1", "list/-0"] {
        assert!(DecisionPath::parse(path).is_err(), "{path}");
    }
    assert!(DecisionPath::parse("list/-a").is_ok());
}

#[track_caller]
fn refuse_modules(modules: &[(&str, &str)], part: &str) {
    match load_modules("{}", modules, "t/x") {
        Ok(_) => panic!("was accepted: {modules:?}"),
        Err(error) => assert!(error.to_string().contains(part), "{modules:?}: {error}"),
    }
}

/// In a set of both, OPA orders objects before sets and regorus after them.
#[test]
fn a_member_of_a_set_holds_no_set_even_through_a_function() {
    refuse("f(a) := a\nx := [e | some e in {f({\"a\": 1}), f({1})}]", "known to hold no set");
    refuse("f(a) := a\ns contains f({1})\nx := s", "known to hold no set");
    agree("f(a) := concat(\"-\", [a, a])\nx := [e | some e in {f(\"b\"), f(\"a\")}]", &[("{}", r#"["a-a","b-b"]"#)]);
    agree(
        "s contains r if some r in input.roles\nx := [e | some e in s]",
        &[(r#"{"roles":["b","a"]}"#, r#"["a","b"]"#)],
    );
}
