//! Texts that would exhaust the parser, the stack or the clock.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::super::{DecisionPath, Module, load};
use super::{json, load_rules, refuse};

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
    assert!(load(&modules, json("{}"), &path).err().unwrap().message.contains("at most 256"));
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
    let texts = [
        format!("x := {}1{}", "[".repeat(10), "]".repeat(10)),
        format!("x := {}1{}", "{1: 1 | ".repeat(10), "}".repeat(10)),
        format!("x := 1{}", " + 1".repeat(47)),
        format!("x := {{1}}{}", " | {1}".repeat(46)),
        format!("x if {{ {nested} true {} }}", "}".repeat(9)),
        format!("x if {{ {loops} true }}"),
        format!("x := f0(1)\n{functions}f14(a) := a"),
    ];
    for text in texts {
        let run = move || {
            let mut loaded = load_rules(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert!(!super::decide(&mut loaded, "{}").starts_with("error"));
        };
        std::thread::Builder::new().stack_size(512 * 1024).spawn(run).unwrap().join().unwrap();
    }
}
