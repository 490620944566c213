//! Texts that would exhaust the parser, the stack or the clock.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::super::{DecisionPath, Module, RegoVersion, load};
use super::{agree, json, load_rules, refuse};

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
    refuse(&format!("x := r0\n{}r5000 := 1", rules(5000)), "nested too deep");
    agree(&format!("x := r0\n{}r900 := 1", rules(900)), &[("{}", "1")]);
}

/// regorus' lexer writes a number out, one digit after the other.
#[test]
fn exponents() {
    for number in ["1e999999999", "-1e999999999", "1.5E+999999999", "0e999999999", "1e-999999999", "1e99999999999999"] {
        for text in ["x := NUMBER", "x := \"a\" NUMBER", "f(a) :NUMBER= a", "# e\nx := set( # e\nset(NUMBER"] {
            refuse(&text.replace("NUMBER", number), "exponent is beyond 400");
        }
    }
    agree(
        "x := [\"1e999999999\", `1e999999999`, 1] # 1e999999999\n# \"",
        &[("{}", r#"["1e999999999","1e999999999",1]"#)],
    );
    refuse("x :=\n  1e401", "p.rego:3:3: ");
}

#[test]
fn sizes() {
    refuse(&format!("x := [{}]", "1,".repeat(33_000)), "column width");
    refuse(&"\n".repeat(20_001), "line count");
    refuse(&" ".repeat(1_048_576), "at most 1048576");
    let modules = vec![Module { name: "a".into(), text: "package t".into() }; 257];
    let path = DecisionPath::parse("").unwrap();
    assert!(load(&modules, json("{}"), &path, RegoVersion::V1).err().unwrap().message.contains("at most 256"));
}

/// Neither loading nor evaluating needs more than half of the stack that the module has.
#[cfg(not(target_arch = "wasm32"))]
#[test]
fn the_worst_that_is_accepted_fits_half_a_mebibyte() {
    let nested: String = (0..9).map(|i| format!("every e{i} in [1] {{ e{i} == 1; ")).collect();
    let loops: String = (0..60).map(|i| format!("some e{i} in [1]; ")).collect();
    let functions: String = (0..900).map(|i| format!("f{i}(a) := f{}(a)\n", i + 1)).collect();
    let backwards: String = (1..250).map(|i| format!("v{} = v{i}; ", i - 1)).collect();
    let texts = [
        format!("x := {}1{}", "[".repeat(10), "]".repeat(10)),
        format!("x := {}1{}", "{1: 1 | ".repeat(9), "}".repeat(9)),
        format!("x := 1{}", " + 1".repeat(47)),
        format!("x := 1 if {{ {nested} true {} }}", "}".repeat(9)),
        format!("x := 1 if {{ {loops} true }}"),
        format!("x := f0(1)\n{functions}f900(a) := a"),
        format!("x := v0 if {{ {backwards} v249 = 1 }}"),
    ];
    for text in texts {
        let run = move || {
            let loaded = load_rules(&text).unwrap_or_else(|error| panic!("{}: {error}", &text[..60]));
            assert!(!super::decide(&loaded, "{}").starts_with("undefined"));
        };
        std::thread::Builder::new().stack_size(512 * 1024).spawn(run).unwrap().join().unwrap();
    }
}

fn statements(n: u32, first: &str, next: impl Fn(String) -> String) -> String {
    (1..=n).fold(format!("v0 := {first}\n"), |text, i| text + &format!("v{i} := {}\n", next(format!("v{}", i - 1))))
}

/// Deep values, and values that share parts, are stopped while they are made or compared.
#[test]
fn deep_and_shared_values() {
    let deep = statements(100, "1", |v| format!("[[[[{v}]]]]"));
    let loaded = load_rules(&format!("x := v100 if {{ {deep} }}")).unwrap();
    assert_eq!(super::decide(&loaded, "{}"), "error: DepthLimit");
    let shared = statements(60, "1", |v| format!("[{v}, {v}]"));
    let twice = format!("{shared}{}", shared.replace('v', "w"));
    let loaded = load_rules(&format!("x if {{ {twice} v60 == w60 }}")).unwrap();
    assert!(super::decide(&loaded, "{}").starts_with("error: "), "compares 2^60 parts");
}

#[test]
fn many_rules_are_read_often() {
    let leaves: String = (0..4000).map(|i| format!("t.a{i} := 1\n")).collect();
    let reads: String = (0..4000).map(|i| format!("r{i} := count(t)\n")).collect();
    load_rules(&format!("x := r0\n{reads}{leaves}")).unwrap();
    refuse("x := t.a\nt.a.b := t.a", "recursive");
}
