//! Constructs and what OPA answers for them, one test a family: the answers were asked of OPA 1.22.2.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{opa, opa_v0};

#[test]
fn unification() {
    opa("{}", "x := [a, b] if [a, 1] = [input.a, b]", &[("{}", "undefined"), (r#"{"a":5}"#, "[5,1]")]);
    opa(
        "{}",
        r#"x := a if {"k": a} = input.o"#,
        &[
            (r#"{"o":{"k":1}}"#, "1"),
            (r#"{"o":{"k":1,"l":2}}"#, "undefined"),
            (r#"{"o":[]}"#, "undefined"),
            ("{}", "undefined"),
        ],
    );
    opa(
        "{}",
        "x := a if [a, [b, b]] = input.l",
        &[(r#"{"l":[1,[2,2]]}"#, "1"), (r#"{"l":[1,[2,3]]}"#, "undefined"), (r#"{"l":[1]}"#, "undefined")],
    );
    opa(
        "{}",
        "x if input.a = input.b",
        &[(r#"{"a":1,"b":1}"#, "true"), (r#"{"a":1,"b":2}"#, "undefined"), ("{}", "undefined")],
    );
    opa(
        "{}",
        "x := z if { y = input.a; z = [y, y]; w = z; w = [1, _] }",
        &[(r#"{"a":1}"#, "[1,1]"), (r#"{"a":2}"#, "undefined")],
    );
    opa(
        "{}",
        "x := [i, v] if { v = input.l[i]; v == 2 }",
        &[(r#"{"l":[1,2]}"#, "[1,2]"), (r#"{"l":[]}"#, "undefined")],
    );
    opa("{}", "x := a if { b = 2; [a, c] = [c, b] }", &[("{}", "2")]);
}

#[test]
fn implicit_variables() {
    opa(
        "{}",
        "x contains [i, j] if input.m[i][j] == 1",
        &[(r#"{"m":{"a":[1,2],"b":[0,1]}}"#, r#"[["a",0],["b",1]]"#), ("{}", "[]")],
    );
    opa(
        "{}",
        "x if { input.l[i] == input.m[i] }",
        &[(r#"{"l":[1,2],"m":[0,2]}"#, "true"), (r#"{"l":[1],"m":[2]}"#, "undefined")],
    );
    opa("{}", "x := [y | y = input.l[_]; y > z] if z := 1", &[(r#"{"l":[1,2,3]}"#, "[2,3]")]);
    opa("{}", "x := {k: v | v = input.o[k]}", &[(r#"{"o":{"a":1}}"#, r#"{"a":1}"#), ("{}", "{}")]);
    opa("{}", "x := [a, b] if { a := [y | y = 1]; b := [y | y = 2] }", &[("{}", "[[1],[2]]")]);
}

#[test]
fn order_of_statements() {
    opa("{}", "x if { y > 1; y = input.a }", &[(r#"{"a":2}"#, "true"), (r#"{"a":1}"#, "undefined")]);
    opa(
        "{}",
        "x := c if { c = count(l); l = [e | e = input.l[_]; e > m]; m = input.m }",
        &[(r#"{"l":[1,2,3],"m":1}"#, "2"), ("{}", "undefined")],
    );
    opa(
        "{}",
        "x if { not y == 1; y = input.a }",
        &[(r#"{"a":1}"#, "undefined"), (r#"{"a":2}"#, "true"), ("{}", "undefined")],
    );
}

#[test]
fn iteration_over_rules() {
    opa(
        "{}",
        r"x := [n | some n; p[n]]
p contains 1
p contains input.a",
        &[("{}", "[1]"), (r#"{"a":2}"#, "[1,2]")],
    );
    opa(
        "{}",
        r#"x contains v if v := p[_].a
p[k] := {"a": i} if some i, k in input.l"#,
        &[(r#"{"l":["u","w"]}"#, "[0,1]")],
    );
    opa(
        "{}",
        r"x := {k | data.t.q[k]}
q.a := 1
q.b := false
q.c := 3 if input.c",
        &[("{}", r#"["a"]"#), (r#"{"c":1}"#, r#"["a","c"]"#)],
    );
    opa(r#"{"u":{"y":1}}"#, r#"x := v if { k := "y"; v := data.u[k] }"#, &[("{}", "1")]);
}

#[test]
fn data_is_read_as_text() {
    opa(
        r#"{"m":{"7":1,"true":2}}"#,
        "x := data.m[input.k]",
        &[(r#"{"k":7}"#, "1"), (r#"{"k":"7"}"#, "1"), (r#"{"k":true}"#, "undefined"), (r#"{"k":null}"#, "undefined")],
    );
    opa(
        r#"{"l":[5]}"#,
        "x := data.l[input.k]",
        &[(r#"{"k":0}"#, "5"), (r#"{"k":"0"}"#, "5"), (r#"{"k":"a"}"#, "undefined")],
    );
    opa(r#"{"m":{"7":1}}"#, "x := d[input.k] if d := data.m", &[(r#"{"k":7}"#, "undefined"), (r#"{"k":"7"}"#, "1")]);
    opa(r#"{"m":{"7":1}}"#, "x := data.m[7]", &[("{}", "1")]);
    opa(r#"{"m":[{"a":0},{"a":1}]}"#, "x := data.m[k].a if k := input.k", &[(r#"{"k":1}"#, "1")]);
}

#[test]
fn with_replaces_documents() {
    opa(
        "{}",
        r"x := z if { z := y with input.a as 1 }
y := input.a",
        &[("{}", "1"), (r#"{"a":2}"#, "1")],
    );
    opa(
        "{}",
        r#"x := [y, z] if { z := y with input as {"a": 7} }
y := input.a"#,
        &[(r#"{"a":2}"#, "[2,7]"), ("{}", "undefined")],
    );
    opa(
        "{}",
        r#"x if not y with input as {"b": 1}
y if input.b"#,
        &[("{}", "undefined"), (r#"{"b":1}"#, "undefined")],
    );
    opa(
        r#"{"k":1}"#,
        r"x := c if c := f(3) with data.k as 4
f(a) := a + data.k",
        &[("{}", "7")],
    );
    opa("{}", r#"x contains v if some v in input.l with input as {"l": [1, 2]}"#, &[("{}", "[1,2]")]);
    opa(
        "{}",
        r"x := z if { z := y with input.a.b.c as 1 with input.a.d as 2 }
y := input.a",
        &[
            (r#"{"a":{"e":3}}"#, r#"{"b":{"c":1},"d":2,"e":3}"#),
            (r#"{"a":5}"#, r#"{"b":{"c":1},"d":2}"#),
            ("{}", r#"{"b":{"c":1},"d":2}"#),
        ],
    );
    opa(
        r#"{"k":{"m":1}}"#,
        r"x := z if { z := y with data.k.l as input.v }
y := data.k",
        &[(r#"{"v":1}"#, r#"{"l":1,"m":1}"#), ("{}", "undefined")],
    );
    opa(
        "{}",
        r"x if every e in [1, 2] { y with input.a as e }
y if input.a > 0",
        &[("{}", "true")],
    );
}

#[test]
fn functions() {
    opa(
        "{}",
        r#"x := f(input.a, 9)
f([a, b], c) := [b, a, c]
f({"k": a}, _) := a"#,
        &[(r#"{"a":[1,2]}"#, "[2,1,9]"), (r#"{"a":{"k":5}}"#, "5"), (r#"{"a":1}"#, "undefined")],
    );
    opa(
        "{}",
        r#"x := f(input.a)
f(1) := "one"
f(a) := "other" if a != 1"#,
        &[(r#"{"a":1}"#, r#""one""#), (r#"{"a":2}"#, r#""other""#), ("{}", "undefined")],
    );
    opa(
        "{}",
        r"x := f(1,2,3,4,5,6,7,8,9)
f(a,b,c,d,e,g,h,i,j) := a + j",
        &[("{}", "10")],
    );
    opa(
        "{}",
        r"x := f(input.l[_])
f(a) := a",
        &[(r#"{"l":[1]}"#, "1"), (r#"{"l":[2,2]}"#, "2")],
    );
    opa(
        "{}",
        r"x if f(input.a)
f(a) := a",
        &[(r#"{"a":false}"#, "undefined"), (r#"{"a":null}"#, "true"), (r#"{"a":0}"#, "true")],
    );
    opa(
        "{}",
        r"x := f(input.a)
f(a) := 1 if a > 1
else := 2 if a > 0
else := 3",
        &[(r#"{"a":2}"#, "1"), (r#"{"a":1}"#, "2"), (r#"{"a":0}"#, "3"), ("{}", "undefined")],
    );
}

#[test]
fn else_without_values() {
    opa(
        "{}",
        r"x if input.a
else if input.b",
        &[("{}", "undefined"), (r#"{"a":1}"#, "true"), (r#"{"b":1}"#, "true")],
    );
    opa(
        "{}",
        r"x := 5 if input.a
else := 6 if input.b
else := true",
        &[("{}", "true"), (r#"{"a":1}"#, "5"), (r#"{"b":1}"#, "6")],
    );
}

#[test]
fn objects_and_sets() {
    opa("{}", r#"x := {input.k: 1, "b": 2}"#, &[(r#"{"k":"a"}"#, r#"{"a":1,"b":2}"#)]);
    opa(
        "{}",
        "x := count({input.a, input.b, 1})",
        &[(r#"{"a":1,"b":2}"#, "2"), (r#"{"a":1,"b":1}"#, "1"), ("{}", "undefined")],
    );
    opa("{}", r#"x := {{"a"}, {"b"}}[{"a"}]"#, &[("{}", r#"["a"]"#)]);
    opa("{}", "x := {1, 2} | {input.a}", &[(r#"{"a":3}"#, "[1,2,3]"), ("{}", "undefined")]);
    opa("{}", "x if {1, 2} == {2, 1}", &[("{}", "true")]);
    opa("{}", r#"x := [1, {"a": [2]}][1].a[0]"#, &[("{}", "2")]);
    opa("{}", "x := [y | some y in {3, 1, 2}]", &[("{}", "[1,2,3]")]);
    opa("{}", "x := {3, 1} - {1}", &[("{}", "[3]")]);
    opa("{}", "x := 7 - input.a", &[(r#"{"a":2}"#, "5"), (r#"{"a":"s"}"#, "undefined")]);
}

#[test]
fn order_of_sets_and_objects() {
    opa("{}", r#"x := count({e | some e in {{1}, {"a": 1}}})"#, &[("{}", "2")]);
    opa("{}", "x := count([e | some e in {[1], [2]}])", &[("{}", "2")]);
}

#[test]
fn imports() {
    opa(
        r#"{"k":{"l":2}}"#,
        r"import data.k as n
import input.a
x := [n.l, a]",
        &[(r#"{"a":1}"#, "[2,1]"), ("{}", "undefined")],
    );
    opa(
        r#"{"k":5}"#,
        r"import data.k
x := [k | some k in [1]]",
        &[("{}", "[1]")],
    );
}

#[test]
fn v0_modules() {
    opa_v0("{}", "x { input.a }", &[("{}", "undefined"), (r#"{"a":1}"#, "true")]);
    opa_v0("{}", "x[y] { y = input.l[_] }", &[(r#"{"l":[1,2]}"#, "[1,2]"), ("{}", "[]")]);
    opa_v0("{}", "x[k] = v { v = input.o[k] }", &[(r#"{"o":{"a":1}}"#, r#"{"a":1}"#)]);
    opa_v0("{}", "x { input.a } { input.b }", &[(r#"{"b":1}"#, "true"), ("{}", "undefined")]);
    opa_v0(
        "{}",
        "x = 1 { input.a } else = 2 { input.b } else = 3",
        &[("{}", "3"), (r#"{"a":1}"#, "1"), (r#"{"b":1}"#, "2")],
    );
    opa_v0(
        "{}",
        r#"default x = false
x = true { not y }
y { input.a == "k" }"#,
        &[("{}", "true"), (r#"{"a":"k"}"#, "false")],
    );
    opa_v0(
        "{}",
        r#"import future.keywords.in
x { not input.r in {"bad"} }"#,
        &[("{}", "undefined"), (r#"{"r":"bad"}"#, "undefined"), (r#"{"r":"ok"}"#, "true")],
    );
    opa_v0(
        "{}",
        r"import rego.v1
x if { some e in input.l; e == 1 }",
        &[(r#"{"l":[1]}"#, "true")],
    );
    opa_v0(
        "{}",
        r#"x = p
p.q { input.a }
p["r"] { true }"#,
        &[("{}", r#"["r"]"#), (r#"{"a":1}"#, r#"["q","r"]"#)],
    );
    opa_v0(
        "{}",
        r"x = f(input.a)
f(a) = b { b := a + 1 }",
        &[(r#"{"a":1}"#, "2"), (r#"{"a":"s"}"#, "undefined")],
    );
    opa_v0(
        "{}",
        r#"import future.keywords.if
import future.keywords.contains
x[k] if k := "a""#,
        &[("{}", r#"{"a":true}"#)],
    );
    opa_v0(
        "{}",
        "x.y.z[a] = 1 { a = input.a }",
        &[(r#"{"a":"k"}"#, r#"{"y":{"z":{"k":1}}}"#), ("{}", r#"{"y":{"z":{}}}"#)],
    );
}

#[test]
fn packages_of_several_modules() {
    opa(
        "{}",
        r#"x := [data.t.y, data["t"]["y"]]
y := 1 if input.a"#,
        &[(r#"{"a":1}"#, "[1,1]"), ("{}", "undefined")],
    );
}
