//! What a plan reads of `input`.

use super::*;
use crate::plan::Reads;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const STRINGS: [&str; 4] = ["a", "b", "c", "d"];

/// What a plan reads, as `a.b c`, sorted.
fn reads(plan: &Json) -> String {
    let none = load(plan, Passes::NONE).unwrap();
    let all = load(plan, Passes::ALL).unwrap();
    assert_eq!(none.reads(), all.reads(), "passes change what is read");
    match all.reads() {
        Reads::Whole => "whole".to_owned(),
        Reads::Parts(parts) => parts.iter().map(|part| part.join(".")).collect::<Vec<_>>().join(" "),
    }
}

fn reads_of(statements: Vec<Json>) -> String {
    reads(&asking(&STRINGS, &[], statements, boolean(true)))
}

fn used(number: u32) -> Json {
    stmt("NotEqual", json!({"a": local(number), "b": boolean(false)}))
}

#[test]
fn chains_of_lookups() {
    assert_eq!(reads_of(vec![]), "");
    assert_eq!(reads_of(vec![dot(local(1), text(1), 4), used(4)]), "", "data is not input");
    assert_eq!(reads_of(vec![dot(local(0), text(1), 4), dot(local(4), text(2), 5), used(5)]), "a.b");
    assert_eq!(reads_of(vec![dot(local(0), text(1), 4)]), "a", "that it is there is read as well");
    let two = vec![dot(local(0), text(1), 4), dot(local(4), text(2), 5), used(5), dot(local(4), text(3), 5), used(5)];
    assert_eq!(reads_of(two.clone()), "a.b a.c");
    assert_eq!(reads_of([two, vec![used(4)]].concat()), "a", "a prefix covers what is inside it");
}

#[test]
fn whole_parts_and_the_whole_document() {
    assert_eq!(reads_of(vec![used(0)]), "whole");
    assert_eq!(reads_of(vec![stmt("IsDefined", json!({"source": 0}))]), "whole");
    assert_eq!(reads_of(vec![dot(local(0), local(1), 4)]), "whole", "by a key that is computed");
    assert_eq!(reads_of(vec![dot(local(0), text(1), 4), integer(0, 5), dot(local(4), local(5), 6)]), "a");
    assert_eq!(reads_of(vec![dot(local(0), text(1), 4), scan(4, 5, 6, &[])]), "a");
    assert_eq!(reads_of(vec![dot(local(0), text(1), 4), call("count", &[local(4)], 5)]), "a");
    assert_eq!(reads_of(vec![dot(local(1), local(0), 4)]), "whole", "as a key");
}

#[test]
fn copies_are_followed() {
    let copy =
        vec![assign(local(0), 7), dot(local(7), text(1), 4), assign(local(4), 8), dot(local(8), text(2), 5), used(5)];
    assert_eq!(reads_of(copy), "a.b");
    // A slot that is used again for something else is not what it was.
    let reused = |between: Json| {
        let f = function(
            "f",
            &[0, 1],
            &[
                block(&[dot(local(0), text(1), 4), dot(local(4), text(2), 5), used(5), between]),
                block(&[dot(local(0), text(3), 4), used(4)]),
            ],
        );
        reads(&asking(&STRINGS, &[f], vec![call("f", &[local(0), local(1)], 4)], boolean(true)))
    };
    assert_eq!(reused(make("Null", 6)), "a.b c");
    // From one round of a scan to the next.
    let round = vec![scan(1, 5, 6, &[dot(local(7), text(2), 8), used(8), dot(local(0), text(1), 7)])];
    assert_eq!(reads_of(round), "a.b");
}

#[test]
fn results_of_rules_and_arguments() {
    let http = function("http", &[0, 1], &[block(&[dot(local(0), text(1), 4), once(local(4), 2)])]);
    let ask = call("http", &[local(0), local(1)], 5);
    let inside = vec![ask.clone(), dot(local(5), text(2), 6), used(6)];
    assert_eq!(reads(&asking(&STRINGS, std::slice::from_ref(&http), inside, boolean(true))), "a.b");
    assert_eq!(reads(&asking(&STRINGS, std::slice::from_ref(&http), vec![ask, used(5)], boolean(true))), "a");
    assert_eq!(
        reads(&asking(&STRINGS, std::slice::from_ref(&http), vec![], boolean(true))),
        "",
        "a rule nobody asks for"
    );
    let f = function("f", &[0, 1, 3], &[]);
    let pass = vec![dot(local(0), text(4), 4), call("f", &[local(0), local(1), local(4)], 5)];
    assert_eq!(reads(&asking(&STRINGS, &[f], pass, boolean(true))), "d");
    let other = vec![dot(local(0), text(4), 4), call("http", &[local(4), local(1)], 5)];
    assert_eq!(reads(&asking(&STRINGS, &[http], other, boolean(true))), "a d");
}

#[test]
fn with_widens() {
    let with = |path: Json, value: Json, body: Json| {
        vec![
            dot(local(0), text(4), 9),
            stmt("With", json!({"local": 0, "path": path, "value": value, "block": block(&[body])})),
        ]
    };
    assert_eq!(reads_of(with(json!([1]), local(9), dot(local(0), text(2), 5))), "b d");
    assert_eq!(reads_of(with(json!([]), local(9), dot(local(0), text(2), 5))), "b d.b");
    let f = function("f", &[0, 1], &[block(&[dot(local(0), text(2), 4)])]);
    let call = call("f", &[local(0), local(1)], 5);
    assert_eq!(reads(&asking(&STRINGS, &[f], with(json!([]), local(9), call), boolean(true))), "whole");
}

#[test]
fn what_dynamic_calls_reach_is_read() {
    let role = |name: &str, key| {
        function(&format!("g0.{name}"), &[0, 1], &[block(&[dot(local(0), text(key), 4), once(local(4), 2)])])
    };
    let dynamic = stmt("CallDynamic", json!({"path": [text(5), local(1)], "args": [0, 1], "result": 5}));
    let inner = nested(&[block(&[nested(&[block(&[nested(&[block(&[dynamic])])])])])]);
    let strings = [&STRINGS[..], &["g0"]].concat();
    let functions = [role("x", 1), role("y", 2), function("g1.z", &[0, 1], &[block(&[dot(local(0), text(3), 4)])])];
    assert_eq!(reads(&asking(&strings, &functions, vec![inner], boolean(true))), "a b");
}
