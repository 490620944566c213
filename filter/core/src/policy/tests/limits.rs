//! Texts that would exhaust the parser, the stack or the clock.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::super::{DecisionPath, Module, load};
use super::{json, load_rules, refuse};
use crate::policy::RegoVersion;

#[test]
fn brackets() {
    refuse(&format!("x := {}1{}", "[".repeat(11), "]".repeat(11)), "nested deeper than 10");
    refuse(&"[".repeat(100_000), "nested deeper than 10");
    refuse(&format!("x := {}1", "set(".repeat(50_000)), "nests `set(` too deep");
    load_rules(&format!("x := {}1{}", "[".repeat(10), "]".repeat(10))).unwrap();
}

#[test]
fn chains() {
    refuse(&format!("x := 1{}", " + 1".repeat(1000)), "more than 48 operators");
    refuse(&format!("x := 1{}", "\n+ 1".repeat(1000)), "more than 48 operators");
    refuse(&format!("x := input.a{}", ".a".repeat(1000)), "more than 48 operators");
    refuse(&format!("x := input.a{}", "[0]".repeat(1000)), "more than 48 operators");
    refuse(&format!("x := {}1", "-".repeat(1000)), "directly before a number");
}

#[test]
fn chains_of_rules() {
    let rules = |n: u32| (0..n).map(|i| format!("r{i} := r{}\n", i + 1)).collect::<String>();
    refuse(&format!("x := r0\n{}r5000 := 1", rules(5000)), "inside each other");
    load_rules(&format!("x := r0\n{}r12 := 1", rules(12))).unwrap();
}

#[test]
fn sizes() {
    refuse(&format!("x := [{}]", "1,".repeat(33_000)), "column width");
    refuse(&"\n".repeat(20_001), "line count");
    refuse(&" ".repeat(1_048_576), "at most 1048576");
    let modules = vec![Module { name: "a".into(), text: "package t".into() }; 257];
    let path = DecisionPath::parse("").unwrap();
    assert!(load(&modules, json("{}"), &path, RegoVersion::V1).err().unwrap().message.contains("at most 256"));
    let statements: String = (0..1001).map(|i| format!("v{i} := {i}\n")).collect();
    refuse(&format!("x if {{ {statements} }}"), "at most 1000 statements");
}

/// The largest that is accepted must fit a stack half as large as the module's.
#[cfg(not(target_arch = "wasm32"))]
#[test]
fn the_worst_that_is_accepted_fits_half_a_mebibyte() {
    let nested: String = (0..9).map(|i| format!("every e{i} in [1] {{ ")).collect();
    let loops: String = (0..80).map(|i| format!("some e{i} in [1]; ")).collect();
    let functions: String = (0..14).map(|i| format!("f{i}(a) := f{}(a)\n", i + 1)).collect();
    let deep = statements(99, "1", |v| format!("[[[{{\"a\": {v}}}]]]"));
    let texts = [
        format!("x := {}1{}", "[".repeat(10), "]".repeat(10)),
        format!("x := {}1{}", "{1: 1 | ".repeat(10), "}".repeat(10)),
        format!("x := 1{}", " + 1".repeat(47)),
        format!("x := {{1}}{}", " | {1}".repeat(46)),
        format!("x if {{ {nested} true {} }}", "}".repeat(9)),
        format!("x if {{ {loops} true }}"),
        format!("x := f0(1)\n{functions}f14(a) := a"),
        format!("x := [v99, w99, v99 == w99] if {{ {deep} {} }}", deep.replace('v', "w")),
        format!("x := [{{v99, w99}} - {{v99}}, count({{v99: 1}})] if {{ {deep} {} }}", deep.replace('v', "w")),
    ];
    for text in texts {
        let run = move || {
            let mut loaded = load_rules(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert!(!super::decide(&mut loaded, "{}").starts_with("error"));
        };
        std::thread::Builder::new().stack_size(512 * 1024).spawn(run).unwrap().join().unwrap();
    }
}

fn statements(n: u32, first: &str, next: impl Fn(String) -> String) -> String {
    (1..=n).fold(format!("v0 := {first}\n"), |text, i| text + &format!("v{i} := {}\n", next(format!("v{}", i - 1))))
}

#[test]
fn deep_values() {
    let deep = "nested deeper than 400";
    let chain = |n| statements(n, "1", |v| format!("[[[[{v}]]]]"));
    refuse(&format!("x := v900 if {{ {} }}", chain(900)), deep);
    load_rules(&format!("x := v60 if {{ {} }}", chain(60))).unwrap();
    refuse(&format!("x := v50 if {{ {} }}", statements(50, "1", |v| format!("[y | y := [[[[[[[[{v}]]]]]]]]]"))), deep);
    refuse(&format!("f(a) := [[[[a]]]]\nx := v200 if {{ {} }}", statements(200, "1", |v| format!("f({v})"))), deep);
    // Over rules, sets, trees and builtins.
    let over = |rule: &str| {
        let body = statements(60, "input.a", |v| format!("[[{v}]]"));
        let one = |i: u32| format!("r{i} := v60 if {{ {} }}\n", body.replace("input.a", &format!("r{}", i + 1)));
        format!("x := r0\n{}{rule}", (0..3).map(one).collect::<String>())
    };
    refuse(&over("r3 := input.a"), deep);
    load_rules(&over("r3 := 1")).unwrap();
    refuse(&over("r3 contains input.a"), deep);
    refuse(&over("r3.a.b := input.a\nr3.a.c := 1"), deep);
    refuse(&over("r3 := json.unmarshal(input.a)"), deep);
    // A function's arguments count where they are in its value.
    let calls = statements(100, "input.a", |v| format!("f({v})"));
    load_rules(&format!("f(a) := input.b if a == 1\nx := v100 if {{ {calls} }}")).unwrap();
}

#[test]
fn values_that_share_parts() {
    let large = "more than 1000000 parts";
    for (first, next) in [
        ("input.a", "[v, v]"),
        ("1", "{\"a\": v, \"b\": v}"),
        ("1", "array.concat([v], [v])"),
        ("1", "[v | some y in input.a]"),
        ("1", "{y: v | some y in input.a}"),
        ("1", "f(v)"),
        ("1", "f(v[0])"),
    ] {
        let body = statements(40, first, |v| next.replace('v', &v));
        refuse(&format!("f(a) := [a, a]\nx if {{ {body} v40 == input.b }}"), large);
    }
    let rule = |i: u32| format!("r{i} := [[r{0}, r{0}], [r{0}, r{0}], [r{0}, r{0}]]\n", i + 1);
    let rules: String = (0..10).map(rule).collect();
    refuse(&format!("x := r0\n{rules}r10 := 1"), large);
    let body = statements(16, "1", |v| format!("[{v}, {v}]"));
    let large_rules: String = (0..20).map(|i| format!("r{i} := v16 if {{ {body} }}\n")).collect();
    load_rules(&format!("x := r0\n{large_rules}")).unwrap();
    let package = super::load_modules("{}", &[("p.rego", &format!("package t\n{large_rules}"))], "t");
    assert!(package.err().unwrap().to_string().contains(large));
    let filters = statements(40, "input.a", |v| format!("[y{v} | some y{v} in {v}; y{v} != 1]"));
    load_rules(&format!("x := v40 if {{ {filters} }}")).unwrap();
    let scalars = statements(900, "1", |v| format!("{v} + {v}"));
    load_rules(&format!("x if {{ {scalars} [v1, v900] == input.a }}")).unwrap();
}

#[test]
fn builtins_count_shared_parts() {
    let texts = [("max", "is given more than it may cost"), ("sort", "is not exact for these arguments")];
    for ((name, problem), (copies, length)) in texts.into_iter().zip([(1000, 20_000), (400, 3000)]) {
        let body = format!("v := [{}]; y := {name}(v); y != 1", "input.a,\n".repeat(copies));
        let mut loaded = load_rules(&format!("x if {{ {body} }}")).unwrap();
        let input = format!("{{\"a\": [1{}]}}", ",1".repeat(length));
        let decision = super::decide(&mut loaded, &input);
        assert!(decision.contains(problem), "{decision}");
        assert_eq!(super::decide(&mut loaded, r#"{"a": [1]}"#), "true");
    }
}

/// Seconds, not minutes.
#[test]
fn trees_that_are_read_often() {
    let leaves: String = (0..8000).map(|i| format!("t.a{i} := 1\n")).collect();
    load_rules(&format!("x := [{}]\n{leaves}", "t,\n".repeat(50))).unwrap();
    refuse(&format!("x := [{}]\n{leaves}", "t,\n".repeat(8000)), "more than 1000000 parts");
    let reads: String = (0..8000).map(|i| format!("r{i} := [t]\n")).collect();
    load_rules(&format!("x := r0\n{reads}{leaves}")).unwrap();
    let deep: String = (0..4000).map(|i| format!("u.b{i}.c.d.e.f.g.h.i.j := 1\n")).collect();
    load_rules(&format!("x := [u, u.b0.c.d.e, u.b0.c, u.b0, u.b1.c.d.e.f.g]\n{deep}")).unwrap();
    let chain: String = (0..4000).map(|i| format!("u.b.c.d.e.f.g.h.i.j{i} := 1\n")).collect();
    let prefixes = ",u.b.c.d.e.f.g.h.i,u.b.c.d.e.f.g.h,u.b.c.d.e.f.g,u.b.c.d.e.f,u.b.c.d.e,u.b.c.d,u.b.c,u.b,u";
    load_rules(&format!("x := [1{prefixes}]\n{chain}")).unwrap();
    let more: String = ["k", "l", "m"].map(|key| chain.replace(".j", &format!(".{key}"))).concat();
    refuse(&format!("x := [1{prefixes}]\n{chain}{more}"), "too many and too large trees");
    refuse("x := t.a\nt.a.b := t.a", "recursive");
}

#[test]
fn tables_that_are_indexed_often() {
    let table: Vec<String> = (0..100_000).map(|i| format!("\"k{i}\": {{\"a\": {i}}}")).collect();
    let data = format!("{{\"u\": {{{}}}}}", table.join(","));
    let same = "data.u[input.k],\n".repeat(900);
    super::load_with(&data, &format!("x := [{same}]")).unwrap();
    let keys: String = (0..900).map(|i| format!("data.u[input.k].a{i},\n")).collect();
    super::refuse_with(&data, &format!("x := [{keys}]"), "in too many ways");
}

#[test]
fn positions_that_go_reads() {
    for key in ["+1", "-1", "1", "01"] {
        super::refuse_with(r#"{"list": [1, 2]}"#, &format!("x := data.list[\"{key}\"]"), "takes numbers");
    }
    super::load_with(r#"{"phone": {"+1": 2}}"#, "x := data.phone[input.k]").unwrap();
}
