//! Plans OPA does not write: refused, without a panic, a stall or much memory.

use super::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Loads a plan and says why it is refused.
fn refused(plan: &Json) -> String {
    match load(plan, Passes::ALL) {
        Ok(_) => panic!("accepted: {plan}"),
        Err(error) => error.to_string(),
    }
}

fn refused_statement(statement: Json) -> String {
    refused(&asking(&["x"], &[], vec![statement], local(0)))
}

#[test]
fn bytes_that_are_no_plan() {
    for bytes in [&b""[..], b"{", b"null", b"7", b"\xff", b"{\"plans\":7}", b"{\"nobody\":1}", b"{} {}"] {
        assert!(matches!(Plan::load(bytes, Passes::ALL), Err(PlanError::Invalid { .. })), "{bytes:?}");
    }
    let empty = Plan::load(b"{}", Passes::ALL).unwrap();
    assert_eq!(empty.entry_points().count(), 0);
    assert_eq!(empty.entry("p/allow"), None);
}

#[test]
fn unknown_statements_and_fields() {
    assert!(refused_statement(stmt("Fly", json!({}))).contains("`FlyStmt`: an unknown type"));
    assert!(refused_statement(stmt("MakeWings", json!({"target": 4}))).contains("unknown type"));
    let extra = stmt("MakeNull", json!({"target": 4, "source": local(1)}));
    assert!(refused_statement(extra).contains("a field that this statement does not have"));
    assert!(refused_statement(stmt("MakeNull", json!({"target": 4, "colour": 1}))).contains("unknown field `colour`"));
    assert!(refused_statement(stmt("MakeNull", json!({}))).contains("a local is missing"));
    for target in [json!(-1), json!(1.5), json!("4"), json!(4_294_967_296_u64), json!([4])] {
        assert!(refused_statement(stmt("MakeNull", json!({"target": target}))).contains("local"), "{target}");
    }
    for operand in
        [json!({"type": "float", "value": 1}), json!({"type": "local"}), json!(7), json!({"type": "bool", "value": 1})]
    {
        assert!(refused_statement(assign(operand, 4)).contains("operand"));
    }
}

#[test]
fn indices_that_do_not_exist() {
    assert!(refused_statement(assign(text(99), 4)).contains("beyond the static strings"));
    assert!(refused_statement(stmt("MakeNumberRef", json!({"index": 99, "target": 4}))).contains("beyond"));
    let with = stmt("With", json!({"local": 0, "path": [99], "value": text(0), "block": block(&[])}));
    assert!(refused_statement(with).contains("p/allow at p.rego:7:3: a string index beyond"));
}

#[test]
fn paths_of_with_are_short() {
    let with = |length| {
        let path = vec![1; length];
        let body = block(&[dot(local(0), text(1), 4)]);
        stmt("With", json!({"local": 0, "path": path, "value": text(0), "block": body}))
    };
    assert_eq!(result(&asking(&["x"], &[], vec![with(64)], boolean(true)), "{}", "{}"), "true");
    assert!(refused_statement(with(65)).contains("too long"));
}

#[test]
fn numbers_that_cannot_be_held() {
    for number in ["1e400", "0.1000000000000000000000001", "x", "1 2", "", "[1]"] {
        let make = stmt("MakeNumberRef", json!({"index": 1, "target": 4}));
        let error = refused(&asking(&[number], &[], vec![make], local(4)));
        assert!(error.contains("cannot be held exactly"), "{number}: {error}");
    }
}

#[test]
fn breaks_that_leave_too_much() {
    assert!(refused_statement(break_out(1)).contains("more blocks than there are"));
    assert!(refused_statement(break_out(u32::MAX)).contains("more blocks"));
    let inside = |break_level| nested(&[block(&[scan(0, 4, 5, &[nested(&[block(&[break_out(break_level)])])])])]);
    assert!(load(&asking(&[], &[], vec![inside(1)], local(0)), Passes::ALL).is_ok());
    assert!(refused_statement(inside(2)).contains("a break out of a scan"));
    let not = stmt("Not", json!({"block": block(&[break_out(1)])}));
    assert!(refused_statement(not).contains("a break out of a scan"));
    let dynamic = stmt("CallDynamic", json!({"path": [text(0)], "args": [0, 1], "result": 4}));
    assert!(refused_statement(dynamic).contains("more blocks"));
}

#[test]
fn calls_that_could_recurse_or_do_not_fit() {
    assert!(refused_statement(call("f", &[local(0), local(1)], 4)).contains("neither a builtin nor a function"));
    let itself = function("f", &[0, 1], &[block(&[call("f", &[local(0), local(1)], 2)])]);
    assert!(refused(&asking(&[], &[itself], vec![], local(0))).contains("f at p.rego:7:3"));
    let f = function("f", &[0, 1], &[]);
    let three = call("f", &[local(0), local(1), local(1)], 4);
    assert!(refused(&asking(&[], std::slice::from_ref(&f), vec![three], local(0))).contains("3 arguments, it has 2"));
    assert!(refused_statement(call("count", &[], 4)).contains("0 arguments, it has 1"));
    assert!(refused(&asking(&[], &[f.clone(), f], vec![], local(0))).contains("a second function"));
}

#[test]
fn functions_of_another_shape() {
    let with_blocks = |blocks: Json| json!({"name": "f", "params": [0, 1], "return": 2, "blocks": blocks});
    for blocks in
        [json!([]), json!(null), json!([block(&[])]), json!([block(&[stmt("ReturnLocal", json!({"source": 3}))])])]
    {
        assert!(refused(&plan(&[], &[with_blocks(blocks)], &[])).contains("f: "));
    }
    let twice = function("f", &[0, 0], &[]);
    assert!(refused(&plan(&[], &[twice], &[])).contains("the same local"));
    assert!(refused(&plan(&[], &[function("f", &[0], &[])], &[])).contains("without input and data"));
    let early = function("f", &[0, 1], &[block(&[stmt("ReturnLocal", json!({"source": 2}))])]);
    assert!(refused(&plan(&[], &[early], &[])).contains("not a function's last block"));
    let result = function("f", &[0, 1], &[block(&[stmt("ResultSetAdd", json!({"value": 2}))])]);
    assert!(refused(&plan(&[], &[result], &[])).contains("a result in a function"));
    assert!(refused_statement(stmt("ReturnLocal", json!({"source": 0}))).contains("not a function's last block"));
}

#[test]
fn builtins_that_are_missing_matter_only_where_they_are_reached() {
    let missing = call("no.such", &[local(0)], 2);
    let error = load(&asking(&[], &[], vec![missing.clone()], local(2)), Passes::ALL).err();
    assert_eq!(error, Some(PlanError::NotInline(vec!["no.such".to_owned()])));
    let unreached = function("test", &[0, 1], &[block(&[missing])]);
    let plan = load(&asking(&[], &[unreached], vec![call("count", &[local(0)], 4)], local(4)), Passes::ALL).unwrap();
    let footprint = plan.footprint(plan.entry("p/allow").unwrap()).unwrap();
    assert_eq!(footprint.builtins.iter().map(|builtin| builtin.name).collect::<Vec<_>>(), ["count"]);
}

#[test]
fn nesting_and_chains_of_calls_are_bounded() {
    let deep = (0..200).fold(break_out(0), |inner, _| nested(&[block(&[inner])]));
    let text = asking(&[], &[], vec![], local(0)).to_string().replace(r#""stmts":["#, &format!(r#""stmts":[{deep},"#));
    let error = Plan::load(text.as_bytes(), Passes::ALL).err().unwrap().to_string();
    assert!(error.contains("recursion limit"), "{error}");
    let chain = |length: usize| {
        let callee = |n: usize| call(&format!("f{}", n - 1), &[local(0), local(1)], 2);
        let functions: Vec<Json> = (0..length)
            .map(|n| {
                function(
                    &format!("f{n}"),
                    &[0, 1],
                    &[block(&if n == 0 { vec![once(local(0), 2)] } else { vec![callee(n)] })],
                )
            })
            .collect();
        asking(&[], &functions, vec![callee(length)], local(2))
    };
    assert_eq!(result(&chain(1_000), "7", "{}"), "7");
    assert!(refused(&chain(1_100)).contains("nested too deep"));
}

#[test]
fn frames_are_as_large_as_what_is_mentioned() {
    let far = asking(&[], &[], vec![integer(1, u32::MAX)], local(u32::MAX));
    assert_eq!(result(&far, "7", "{}"), "1");
    let wide: Vec<Json> = (3..70_000).map(|slot| make("Null", slot)).collect();
    assert!(refused(&asking(&[], &[], wide, local(0))).contains("more than 65,535 locals"));
}

/// Every prefix of a plan and every plan with one byte changed: refused or run, never a panic.
#[test]
fn damaged_plans() {
    let body = [dot(local(5), text(1), 6), stmt("ArrayAppend", json!({"array": 8, "value": local(6)}))];
    let f = function(
        "f",
        &[0, 1],
        &[block(&[once(boolean(true), 3)]), block(&[stmt("IsDefined", json!({"source": 3})), once(local(3), 2)])],
    );
    let whole = asking(
        &["a"],
        &[f],
        vec![make("Array", 8), call("f", &[local(0), local(1)], 4), scan(0, 4, 5, &body)],
        local(8),
    );
    let bytes = whole.to_string().into_bytes();
    let (input, data) = (parse(r#"[{"a":1},{}]"#), parse("{}"));
    let mut scratch = Scratch::default();
    let mut run = |bytes: &[u8]| {
        if let Ok(plan) = Plan::load(bytes, Passes::ALL) {
            for name in plan.entry_points() {
                let _ = plan.evaluate(plan.entry(name).unwrap(), &input, &data, &mut context(1_000), &mut scratch);
            }
        }
    };
    for at in (0..bytes.len()).step_by(3) {
        run(&bytes[..at]);
        for other in [b'9', b'"'] {
            let mut changed = bytes.clone();
            changed[at] = other;
            run(&changed);
        }
    }
}
