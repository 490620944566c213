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
    let [none, all] = [&none, &all].map(|plan| &plan.footprint(plan.entry("p/allow").unwrap()).unwrap().input);
    assert_eq!(none, all, "passes change what is read");
    match all {
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
    assert_eq!(reads_of(vec![stmt("IsArray", json!({"source": local(0)}))]), "whole");
    assert_eq!(reads_of(vec![stmt("IsDefined", json!({"source": 0}))]), "", "there always is one");
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
fn arguments_are_looked_into_as_far_as_the_function_looks() {
    let given = |body: Vec<Json>, then: Vec<Json>| {
        let inner = function("inner", &[0, 1, 3], &[block(&body)]);
        let pass = vec![call("inner", &[local(0), local(1), local(3)], 5), once(local(5), 2)];
        let outer = function("outer", &[0, 1, 3], &[block(&pass)]);
        let ask = vec![dot(local(0), text(1), 4), call("outer", &[local(0), local(1), local(4)], 5)];
        reads(&asking(&STRINGS, &[inner, outer], [ask, then].concat(), boolean(true)))
    };
    assert_eq!(given(vec![dot(local(3), text(2), 6), used(6)], vec![]), "a.b");
    assert_eq!(given(vec![used(3)], vec![]), "a");
    assert_eq!(given(vec![dot(local(3), local(1), 6)], vec![]), "a", "by a key that is computed");
    let result = vec![dot(local(3), text(2), 6), once(local(6), 2)];
    assert_eq!(given(result, vec![dot(local(5), text(3), 6), used(6)]), "a.b.c");
    assert_eq!(given(vec![dot(local(0), text(4), 6), used(6)], vec![]), "a d", "that it is there is read as well");
}

/// A block may end behind any of its statements: what a slot held until then may be read behind the block.
#[test]
fn what_a_slot_held_when_a_block_ended_counts() {
    let may_end = nested(&[
        block(&[dot(local(0), text(1), 7), used(1), dot(local(0), text(2), 7), dot(local(7), text(3), 8), used(8)]),
        block(&[dot(local(0), text(1), 9), dot(local(9), text(4), 9), used(9)]),
    ]);
    assert_eq!(reads_of(vec![may_end, dot(local(7), text(3), 8), used(8)]), "a.c a.d b.c");
}

#[test]
fn each_entry_point_reads_its_own() {
    let f = |name: &str, key| function(name, &[0, 1], &[block(&[dot(local(0), text(key), 4), used(4)])]);
    let ask = |name: &str| json!([block(&[call(name, &[local(0), local(1)], 4)])]);
    let mut two = plan(&STRINGS, &[f("f", 1), f("g", 2)], &[]);
    let counts = json!([block(&[call("g", &[local(0), local(1)], 4), call("count", &[local(1)], 5)])]);
    two["plans"]["plans"] = json!([{"name": "p/f", "blocks": ask("f")}, {"name": "p/g", "blocks": counts}]);
    let plan = load(&two, Passes::ALL).unwrap();
    let footprint = |name: &str| plan.footprint(plan.entry(name).unwrap()).unwrap().clone();
    let (f, g) = (footprint("p/f"), footprint("p/g"));
    assert_eq!((&f.input, &f.data), (&Reads::Parts(vec![vec!["a".to_owned()]]), &Reads::Parts(Vec::new())));
    assert_eq!((&g.input, &g.data), (&Reads::Parts(vec![vec!["b".to_owned()]]), &Reads::Whole));
    assert!(f.builtins.is_empty());
    assert_eq!(g.builtins.iter().map(|builtin| builtin.name).collect::<Vec<_>>(), ["count"]);
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
    assert_eq!(reads_of(with(json!([]), local(9), dot(local(0), text(2), 5))), "d.b");
    let behind = [with(json!([]), local(9), dot(local(0), text(2), 5)), vec![dot(local(0), text(3), 5)]].concat();
    assert_eq!(reads_of(behind), "c d.b");
    let f = function("f", &[0, 1], &[block(&[dot(local(0), text(2), 4)])]);
    let call = call("f", &[local(0), local(1)], 5);
    assert_eq!(reads(&asking(&STRINGS, &[f], with(json!([]), local(9), call), boolean(true))), "b d");
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
