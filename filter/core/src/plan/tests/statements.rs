//! Every type of statement, and where the IR's documentation is wrong.

use super::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn lookups_in_objects_arrays_and_sets() {
    let plan =
        asking(&["a"], &[], vec![dot(local(0), text(1), 4), integer(1, 5), dot(local(4), local(5), 6)], local(6));
    assert_eq!(result(&plan, r#"{"a":[7,8]}"#, "{}"), "8");
    for missing in ["{}", r#"{"a":[7]}"#, r#"{"a":{"2":7}}"#, r#"{"a":"xy"}"#, r#"{"a":null}"#, "7", ""] {
        assert_eq!(result(&plan, missing, "{}"), "undefined", "{missing}");
    }
    let add = |value| stmt("SetAdd", json!({"set": 4, "value": value}));
    let member =
        |key| asking(&["a"], &[], vec![make("Set", 4), add(text(1)), add(local(0)), dot(local(4), key, 5)], local(5));
    assert_eq!(result(&member(text(1)), "[1]", "{}"), r#""a""#);
    assert_eq!(result(&member(local(0)), "[1]", "{}"), "[1]");
    assert_eq!(result(&member(boolean(true)), "[1]", "{}"), "undefined");
    assert_eq!(result(&asking(&[], &[], vec![dot(text(0), text(0), 4)], local(4)), "{}", "{}"), "undefined");
}

/// In data, OPA finds these: it reads the keys of a reference there as texts. A plan does not tell where a value is from.
#[test]
fn a_key_that_could_be_a_text_of_data_ends_the_evaluation() {
    let plan = asking(&["k"], &[], vec![dot(local(0), text(1), 4), dot(local(1), local(4), 5)], local(5));
    let inexact = |plan: &Json, input: &str, data: &str| {
        let ended = evaluate(plan, input, data);
        assert!(matches!(ended, Err(EvalError::Inexact(_))), "{input} {data}: {ended:?}");
    };
    for (input, data) in [
        (r#"{"k":2}"#, r#"{"2":1}"#),
        (r#"{"k":2.0}"#, r#"{"2.0":1}"#),
        (r#"{"k":2.5}"#, r#"{"2.50":1}"#),
        (r#"{"k":"0"}"#, "[1]"),
        (r#"{"k":"00"}"#, "[1]"),
        (r#"{"k":0.0}"#, "[1]"),
    ] {
        inexact(&plan, input, data);
    }
    for (input, data) in [(r#"{"k":2}"#, r#"{"3":1}"#), (r#"{"k":"1"}"#, "[1]"), (r#"{"k":"a"}"#, "[1]")] {
        assert_eq!(result(&plan, input, data), "undefined", "{input} {data}");
    }
    assert_eq!(result(&plan, r#"{"k":"2"}"#, r#"{"2":1}"#), "1");
    assert_eq!(result(&plan, r#"{"k":0}"#, "[1]"), "1");
    // Under `not` it must not become true.
    let not = stmt("Not", json!({"block": block(&[dot(local(1), local(4), 5)])}));
    let plan = asking(&["k"], &[], vec![dot(local(0), text(1), 4), not, assign(boolean(true), 6)], local(6));
    inexact(&plan, r#"{"k":2}"#, r#"{"2":1}"#);
    assert_eq!(result(&plan, r#"{"k":3}"#, r#"{"2":1}"#), "true");
}

#[test]
fn an_undefined_lookup_clears_its_target() {
    let statements = vec![
        assign(boolean(true), 4),
        nested(&[block(&[dot(local(0), text(1), 4)])]),
        assign(local(4), 5),
        make("Null", 6),
    ];
    let defined = stmt("IsDefined", json!({"source": 5}));
    let plan = asking(&["a"], &[], [statements, vec![defined]].concat(), local(6));
    assert_eq!(result(&plan, "{}", "{}"), "undefined");
    assert_eq!(result(&plan, r#"{"a":1}"#, "{}"), "null");
}

#[test]
fn assignments_copy_undefined() {
    let statements = vec![integer(1, 5), assign(local(0), 5), stmt("IsUndefined", json!({"source": 5}))];
    let plan = asking(&[], &[], statements, boolean(true));
    assert_eq!(result(&plan, "", "{}"), "true");
    assert_eq!(result(&plan, "1", "{}"), "undefined");
}

#[test]
fn resets_and_integers_overwrite() {
    let reset = stmt("ResetLocal", json!({"target": 4}));
    let set = stmt("AssignInt", json!({"target": 4, "value": -9}));
    assert_eq!(result(&asking(&[], &[], vec![integer(1, 4), set], local(4)), "1", "{}"), "-9");
    let undefined = stmt("IsUndefined", json!({"source": 4}));
    assert_eq!(result(&asking(&[], &[], vec![integer(1, 4), reset, undefined], local(0)), "1", "{}"), "1");
}

#[test]
fn a_second_value_is_a_conflict_unless_it_is_equal() {
    let plan = asking(&[], &[], vec![once(local(0), 4), once(local(1), 4)], local(4));
    assert_eq!(result(&plan, "[1,{}]", "[1,{}]"), "[1,{}]");
    assert_eq!(evaluate(&plan, "1", "2"), Err(EvalError::Conflict));
}

#[test]
fn numbers_from_text_and_from_integers() {
    for (number, value) in
        [("1", "1"), ("1.0", "1.0"), ("-0.5", "-0.5"), ("12345678901234567890123", "12345678901234567890123")]
    {
        for index in ["index", "Index"] {
            let make = stmt("MakeNumberRef", json!({index: 1, "target": 4}));
            let got = evaluate(&asking(&[number], &[], vec![make], local(4)), "1", "{}").unwrap();
            assert_eq!(got[0][&Value::from("result")], parse(value), "{number}");
        }
    }
}

#[test]
fn lengths() {
    let plan = asking(&[], &[], vec![stmt("Len", json!({"source": local(0), "target": 4}))], local(4));
    for (value, length) in
        [("[1,2]", "2"), (r#"{"a":1}"#, "1"), ("\"\u{e4}b\"", "3"), ("7", "0"), ("null", "0"), ("", "0")]
    {
        assert_eq!(result(&plan, value, "{}"), length, "{value}");
    }
}

#[test]
fn comparisons_and_tests_of_kind() {
    let holds =
        |kind, fields| result(&asking(&[], &[], vec![stmt(kind, fields)], boolean(true)), "[1]", "{}") == "true";
    assert!(holds("Equal", json!({"a": local(0), "b": local(0)})));
    assert!(!holds("Equal", json!({"a": local(0), "b": local(1)})));
    assert!(holds("NotEqual", json!({"a": local(0), "b": boolean(false)})));
    assert!(!holds("NotEqual", json!({"a": text(0), "b": text(0)})));
    // What is undefined is not false, and equals itself.
    assert!(holds("NotEqual", json!({"a": local(5), "b": boolean(false)})));
    assert!(holds("Equal", json!({"a": local(5), "b": local(6)})));
    assert!(holds("IsArray", json!({"source": local(0)})) && !holds("IsArray", json!({"source": local(1)})));
    assert!(holds("IsObject", json!({"source": local(1)})) && !holds("IsObject", json!({"source": text(0)})));
    assert!(!holds("IsSet", json!({"source": local(0)})) && !holds("IsSet", json!({"source": boolean(true)})));
}

#[test]
fn collections_grow() {
    let put = |kind, fields| stmt(kind, fields);
    let statements = vec![
        make("Array", 4),
        put("ArrayAppend", json!({"array": 4, "value": local(0)})),
        put("ArrayAppend", json!({"array": 4, "value": text(1)})),
        make("Set", 5),
        put("SetAdd", json!({"set": 5, "value": local(4)})),
        put("SetAdd", json!({"set": 5, "value": local(4)})),
        make("Object", 6),
        put("ObjectInsert", json!({"object": 6, "key": local(0), "value": local(5)})),
        put("ObjectInsert", json!({"object": 6, "key": text(1), "value": boolean(false)})),
        put("ObjectInsert", json!({"object": 6, "key": text(1), "value": boolean(true)})),
        put("IsSet", json!({"source": local(5)})),
    ];
    let got = evaluate(&asking(&["a"], &[], statements, local(6)), "1", "{}").unwrap();
    let set = Value::from(std::collections::BTreeSet::from([parse(r#"[1,"a"]"#)]));
    let members = [(parse("1"), set), (Value::from("a"), Value::Bool(true))];
    assert_eq!(got[0][&Value::from("result")], Value::from(std::collections::BTreeMap::from(members)));
}

/// A collection that went into another one, or into another local, does not grow with the first.
#[test]
fn collections_are_values() {
    let append = |array, value| stmt("ArrayAppend", json!({"array": array, "value": value}));
    let statements =
        vec![make("Array", 4), append(4, local(0)), assign(local(4), 5), append(4, local(0)), append(5, local(4))];
    assert_eq!(result(&asking(&[], &[], statements, local(5)), "1", "{}"), "[1,[1,1]]");
}

#[test]
fn inserting_once_conflicts_on_another_value() {
    let insert = |value| stmt("ObjectInsertOnce", json!({"object": 4, "key": text(0), "value": value}));
    let plan = asking(&[], &[], vec![make("Object", 4), insert(local(0)), insert(local(1))], local(4));
    assert_eq!(result(&plan, "[1]", "[1]"), r#"{"result":[1]}"#);
    assert_eq!(evaluate(&plan, "1", "[1]"), Err(EvalError::Conflict));
}

#[test]
fn merges_keep_the_first_value() {
    let plan = asking(&[], &[], vec![stmt("ObjectMerge", json!({"a": 0, "b": 1, "target": 4}))], local(4));
    let merged = result(&plan, r#"{"a":{"x":1,"y":2},"b":3}"#, r#"{"a":{"y":9,"z":[]},"b":{},"c":4}"#);
    assert_eq!(merged, r#"{"a":{"x":1,"y":2,"z":[]},"b":3,"c":4}"#);
    assert_eq!(result(&plan, "", r#"{"c":4}"#), r#"{"c":4}"#);
    assert_eq!(result(&plan, "1", r#"{"c":4}"#), "1");
}

/// Keys and values in OPA's order; over what has no members it goes on behind the scan.
#[test]
fn scans_visit_every_member() {
    let pair = [
        make("Array", 7),
        stmt("ArrayAppend", json!({"array": 7, "value": local(5)})),
        stmt("ArrayAppend", json!({"array": 7, "value": local(6)})),
        stmt("ArrayAppend", json!({"array": 4, "value": local(7)})),
    ];
    let plan = asking(&[], &[], vec![make("Array", 4), scan(0, 5, 6, &pair)], local(4));
    assert_eq!(result(&plan, r#"["a","b"]"#, "{}"), r#"[[0,"a"],[1,"b"]]"#);
    assert_eq!(result(&plan, r#"{"y":1,"x":2}"#, "{}"), r#"[["x",2],["y",1]]"#);
    for none in ["[]", "{}", "7", "\"ab\"", ""] {
        assert_eq!(result(&plan, none, "{}"), "[]", "{none}");
    }
}

#[test]
fn an_undefined_statement_in_a_scan_goes_on_with_the_next_member() {
    let body = [
        stmt("NotEqual", json!({"a": local(6), "b": text(1)})),
        nested(&[block(&[stmt("Equal", json!({"a": local(6), "b": text(2)})), break_out(1)])]),
        stmt("ArrayAppend", json!({"array": 4, "value": local(6)})),
    ];
    let plan = asking(&["a", "b"], &[], vec![make("Array", 4), scan(0, 5, 6, &body)], local(4));
    assert_eq!(result(&plan, r#"["a","x","b","y"]"#, "{}"), r#"["x","y"]"#);
}

#[test]
fn negation_and_breaks() {
    let equal = stmt("Equal", json!({"a": local(0), "b": boolean(true)}));
    let not = stmt("Not", json!({"block": block(std::slice::from_ref(&equal))}));
    let plan = asking(&[], &[], vec![not], boolean(true));
    assert_eq!(result(&plan, "true", "{}"), "undefined");
    assert_eq!(result(&plan, "1", "{}"), "true");
    // Break 0 ends a block; inside a `not` it is as undefined as anything else.
    let not = stmt("Not", json!({"block": block(&[break_out(0)])}));
    assert_eq!(result(&asking(&[], &[], vec![not], boolean(true)), "1", "{}"), "true");
    // Break 1 leaves two blocks.
    let inner = nested(&[block(&[equal, break_out(1)])]);
    let outer = nested(&[block(&[assign(text(0), 4), inner, assign(text(1), 4)])]);
    let plan = asking(&["no"], &[], vec![outer], local(4));
    assert_eq!(result(&plan, "true", "{}"), r#""result""#);
    assert_eq!(result(&plan, "1", "{}"), r#""no""#);
}

#[test]
fn with_replaces_a_document_or_a_part_and_puts_it_back() {
    let with = |path: Json, value, body: &[Json]| {
        stmt("With", json!({"local": 0, "path": path, "value": value, "block": block(body)}))
    };
    let both = |inside: Json, path: Json| {
        let statements = vec![make("Array", 4), with(path, local(1), &[assign(inside, 5)])];
        let append = |value| stmt("ArrayAppend", json!({"array": 4, "value": value}));
        asking(&["a", "b"], &[], [statements, vec![append(local(5)), append(local(0))]].concat(), local(4))
    };
    assert_eq!(result(&both(local(0), json!(null)), "1", "2"), "[2,1]");
    assert_eq!(
        result(&both(local(0), json!([1, 2])), r#"{"a":{"c":3},"d":4}"#, "2"),
        r#"[{"a":{"b":2,"c":3},"d":4},{"a":{"c":3},"d":4}]"#
    );
    assert_eq!(result(&both(local(0), json!([1, 2])), r#"{"a":7}"#, "2"), r#"[{"a":{"b":2}},{"a":7}]"#);
    assert_eq!(result(&both(local(0), json!([1])), "[]", "2"), r#"[{"a":2},[]]"#);
    // Undefined as a whole is a value too; undefined inside makes the statement undefined, and puts back as well.
    let undefined = with(json!([]), local(8), &[stmt("IsUndefined", json!({"source": 0}))]);
    assert_eq!(result(&asking(&[], &[], vec![undefined], local(0)), "1", "{}"), "1");
    let fails = nested(&[block(&[with(json!([]), local(1), &[break_out(0)]), make("Null", 9)])]);
    let unset = stmt("IsUndefined", json!({"source": 9}));
    assert_eq!(result(&asking(&[], &[], vec![fails, unset], local(0)), "1", "{}"), "1");
}

#[test]
fn results_are_a_set() {
    let body = [
        make("Object", 6),
        stmt("ObjectInsert", json!({"object": 6, "key": text(0), "value": local(5)})),
        stmt("ResultSetAdd", json!({"value": 6})),
    ];
    let got = evaluate(&plan(&[], &[], &[block(&[scan(0, 4, 5, &body)])]), "[2,1,2]", "{}").unwrap();
    assert_eq!(got, [parse(r#"{"result":1}"#), parse(r#"{"result":2}"#)]);
}

#[test]
fn nothing_is_put_into_what_is_no_collection() {
    let append = stmt("ArrayAppend", json!({"array": 0, "value": local(1)}));
    let Err(EvalError::Other(place)) = evaluate(&asking(&[], &[], vec![append], local(0)), "1", "{}") else { panic!() };
    assert!(place.starts_with("p.rego:7:3: "), "{place}");
    let nothing = stmt("SetAdd", json!({"set": 4, "value": local(5)}));
    assert!(evaluate(&asking(&[], &[], vec![make("Set", 4), nothing], local(4)), "1", "{}").is_err());
    assert_eq!(result(&asking(&[], &[], vec![stmt("Nop", json!({}))], local(0)), "1", "{}"), "1");
}
