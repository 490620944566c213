//! Constructs that are refused, one test a family.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{load_modules, refuse, refuse_with};

#[test]
fn recursion() {
    refuse("x := x", "recursive");
    refuse("x if y\ny if x", "data.t.x → data.t.y → data.t.x");
    refuse("x := f(1)\nf(a) := f(a)", "recursive");
    refuse("x.a := x.b\nx.b := x.a", "recursive");
    refuse("x if not y\ny if { every e in [1] { x } }", "recursive");
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
    refuse("x if count([1], 1)", "write x := f(…)");
    refuse("x := f(1)\nf(a, b) := a + b", "takes 2 arguments, not 1");
    refuse("x := f(1,2,3,4,5,6,7,8,9)\nf(a,b,c,d,e,g,h,i,j) := 1", "at most 8 arguments");
}

#[test]
fn builtins_that_differ() {
    for name in [
        "strings.count",
        "numbers.range",
        "net.cidr_contains",
        "sprintf",
        "strings.replace_n",
        "walk",
        "time.now_ns",
        "rand.intn",
        "uuid.rfc4122",
        "io.jwt.decode",
        "crypto.sha256",
        "http.send",
        "opa.runtime",
        "print",
        "trace",
        "json.patch",
        "graph.reachable",
        "units.parse",
        "yaml.unmarshal",
        "regex.replace",
        "json.marshal",
        "bits.and",
        "urlquery.decode",
    ] {
        refuse(&format!("x := {name}(1)"), &format!("`{name}` is not available inline: "));
    }
}

#[test]
fn shadowing() {
    refuse("x if { y := 1; y == 1 }\ny := 2", "has the name of a rule");
    refuse("import data.a\nx if { a := 1; a == 1 }", "has the name of an import");
    refuse("x if { input := 1; input == 1 }", "input");
    refuse("x := [y | some y in [1]]\ny := 2", "has the name of a rule");
    refuse("x if { y := 1; z := [y | some y in [1]]; z == y }", "another variable in sight");
    refuse("x if every y in [1] { y == 1 }\ny := 2", "has the name of a rule");
    refuse("f(y) := y\ny := 2\nx := 1", "has the name of a rule");
}

#[test]
fn heads() {
    refuse("x[a][b] := 1 if { some a in [1]; some b in [2] }", "rule head");
    refuse("x[a] contains b if { some a in [1]; some b in [2] }", "contains");
    refuse("x[a] if some a in [1]", "needs a value");
    refuse("x.y contains 1", "contains");
    refuse("x.a := 1\nx[k] := 2 if some k in [\"a\"]", "defined in two ways");
    refuse("x.a := 1\nx.a.b := 2", "lies above");
    refuse("x := 1\nx contains 2", "defined in two ways");
    refuse("default x.a := 1", "default");
    refuse("default x := 1\ndefault x := 2", "second");
    refuse("default x := input.a", "default");
    refuse("x() := 1", "without arguments");
    refuse("x contains y.a if some y in input.l", "may be undefined");
    refuse("x contains input.l[_]", "iterates");
    refuse("count := 1\nx := 1", "like a builtin");
    refuse("f([a]) := a\nx := 1", "a name or a constant");
}

#[test]
fn operators() {
    refuse("x := input.a / 2", "not available inline");
    refuse("x := input.a % 2", "not available inline");
    refuse("x := input.a + 1", "arithmetic is only available on integers");
    refuse("x := 1.5", "only integers");
    refuse("x := 9007199254740992", "only integers");
    refuse("x := - input.a", "directly before a number");
    refuse("x if 1, 2 in [2]", "key, value in");
    refuse("x if { y = 1; y == 1 }", "use `:=`");
    refuse("x if { [a, b] := input.l; a == b }", "single name");
    refuse("x := y if { y := [input.a in input.b] }", "may be undefined here");
    refuse("x if data.t.a < data.t.b\na := {1}\nb := {\"k\": 1}", "one side");
    refuse("x if 1 == 1 == true", "inside an operator");
}

#[test]
fn with_modifiers_and_imports() {
    refuse("x if data.t.y with input as {}\ny := 1", "`with` is not available");
    refuse("import future.keywords.not\nx := 1", "import");
    refuse("import rego.v2\nx := 1", "import");
}

#[test]
fn members_of_input_that_are_not_provided() {
    for path in [
        "attributes.source.address",
        "attributes.destination",
        "attributes.contextExtensions.a",
        "attributes.tlsSession.sni",
        "attributes.request.http.rawBody",
        "attributes.request.http.headerMap",
        "source_principal",
    ] {
        refuse(&format!("x := input.{path}"), "not available inline yet");
        refuse(&format!("import input.{path} as p\nx := p"), "not available inline yet");
    }
    refuse("x := input", "as a whole");
    refuse("x := f(input)\nf(a) := a", "as a whole");
    refuse("x := [v | v := input[_]]", "as a whole");
    refuse("x := input[y] if y := \"source_principal\"", "as a whole");
    refuse("x := input.attributes", "as a whole");
    refuse("x := a.source if a := input.attributes", "as a whole");
    refuse("import input.attributes as a\nx := a[k] if k := \"source\"", "as a whole");
    refuse("import input.attributes as a\nx := a.source", "not available inline yet");
    refuse("x := h.rawBody if h := input.attributes.request.http", "not available inline yet");
    refuse("import input as i\nx := i.a", "import");
}

#[test]
fn data_at_the_path_of_a_rule() {
    refuse_with(r#"{"t":{"x":true}}"#, "x := 1", "policy.data has a value at the rule data.t.x");
    refuse_with(r#"{"t":5}"#, "x := 1", "policy.data has");
    refuse_with(r#"{"t":{"f":1}}"#, "f(a) := a\nx := 1", "policy.data has");
    refuse_with(r#"{"t":{"x":{}}}"#, "x.a := 1", "policy.data has");
    refuse_with("[]", "x := 1", "must be an object");
    refuse_with(r#"{"sark_internal":{}}"#, "x := 1", "must not have a key");
    load_modules(r#"{"t":{"y":1}}"#, &[("a", "package t\nx := 1")], "t/x").unwrap();
}

#[test]
fn whole_packages() {
    let modules = [("a.rego", "package t\nx := data.u"), ("b.rego", "package u\ny := 1")];
    assert!(load_modules("{}", &modules, "t/x").is_err());
    refuse("x := data.t", "as a whole");
    refuse("x := data[y] if y := \"t\"", "as a whole");
}

#[test]
fn old_syntax() {
    refuse("x { true }", "p.rego:2:");
    refuse("x[1] { true }", "p.rego:2:");
    refuse("p[\"a\"]\nx := 1", "contains");
}

#[test]
fn objects_that_may_be_empty() {
    refuse("x.a := 1 if input.b", "may have no member");
    refuse("x := y\ny.a := 1 if input.b", "may have no member");
}

#[test]
fn computed_keys_beside_others() {
    refuse("x := {input.k: 1, \"a\": 2}", "computed key");
}

#[test]
fn sets_in_sets() {
    refuse("x := {{1}, 2}", "a set in a set");
    refuse("x contains {1}", "a set in a set");
    refuse("x := {{y} | some y in input.l}", "a set in a set");
}

#[test]
fn indexes_that_opa_takes_for_text() {
    let data = r#"{"ids":{"7":1},"list":[1]}"#;
    refuse_with(data, "x := data.ids[input.k]", "bind the table first");
    refuse_with(data, "x := data.list[input.k]", "bind the table first");
    refuse("x := data.t.y[input.k]\ny := {\"7\": 1}", "bind the rule first");
}

#[test]
fn else_without_a_value() {
    refuse("x := 1 if input.a else if { true }", "both have a value");
    refuse("x contains 1 if { input.a } else := 2", "else");
    refuse("x if { input.a } { input.b }", "second");
}

#[test]
fn regular_expressions_that_mean_other_things() {
    for pattern in ["\\d", "\\bx", "(?i)a", "[a&&b]", "[[a]]", "a**", "a{1001}", "(a{100}){100}", "(a", ".{1,900}"] {
        refuse(&format!("x if regex.match(`{pattern}`, input.a)"), "the pattern of regex.match");
    }
    refuse("x if regex.match(input.p, input.a)", "constant string");
}
