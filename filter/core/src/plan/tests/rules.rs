//! Calls: results are kept, `with` keeps its own, dynamic calls, conflicts against early exit.

use super::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A complete rule as OPA plans it: each definition is the statements of its body and its value.
fn rule(name: &str, definitions: &[(Vec<Json>, Json)]) -> Json {
    let mut blocks = Vec::new();
    for (body, value) in definitions {
        let mut statements = vec![stmt("ResetLocal", json!({"target": 3}))];
        statements.extend(body.iter().cloned());
        statements.push(once(value.clone(), 3));
        blocks.push(block(&statements));
        blocks.push(block(&[stmt("IsDefined", json!({"source": 3})), once(local(3), 2)]));
    }
    function(name, &[0, 1], &blocks)
}

fn ask(name: &str, result: u32) -> Json {
    call(name, &[local(0), local(1)], result)
}

fn equal(a: Json, b: Json) -> Json {
    stmt("Equal", json!({"a": a, "b": b}))
}

/// Steps that an evaluation takes.
fn steps(plan: &Json, passes: Passes, input: &str) -> u64 {
    let plan = load(plan, passes).unwrap();
    let (input, mut scratch) = (parse(input), Scratch::default());
    let enough = |steps| {
        let mut context = context(steps);
        plan.evaluate(plan.entry("p/allow").unwrap(), &input, &parse("{}"), &mut context, &mut scratch).is_ok()
    };
    let all: Vec<u64> = (0..5_000).collect();
    let mut enough = enough;
    all.partition_point(|steps| !enough(*steps)) as u64
}

#[test]
fn a_rule_is_evaluated_once() {
    let scans: Vec<Json> = (0..50).map(|_| scan(0, 5, 6, &[])).collect();
    let slow = rule("slow", &[(scans, local(0))]);
    let plan = |times: usize| {
        let calls = (0..times).map(|_| ask("slow", 4)).collect();
        asking(&[], std::slice::from_ref(&slow), calls, local(4))
    };
    assert_eq!(result(&plan(3), "[1,2]", "{}"), "[1,2]");
    let (one, ten) = (steps(&plan(1), Passes::NONE, "[1,2]"), steps(&plan(10), Passes::NONE, "[1,2]"));
    assert_eq!(ten, one + 9, "each further call is one step");
}

#[test]
fn an_undefined_result_is_kept_as_well() {
    let scans: Vec<Json> = (0..50).map(|_| scan(0, 5, 6, &[])).chain([break_out(0)]).collect();
    let never = rule("never", &[(scans, boolean(true))]);
    let plan = |times: usize| {
        let calls = (0..times).map(|_| nested(&[block(&[ask("never", 4)])])).collect();
        asking(&[], std::slice::from_ref(&never), calls, boolean(true))
    };
    assert_eq!(result(&plan(3), "[1,2]", "{}"), "true");
    assert_eq!(steps(&plan(10), Passes::NONE, "[1,2]"), steps(&plan(1), Passes::NONE, "[1,2]") + 9);
}

#[test]
fn inside_with_results_are_others_and_behind_it_the_first_again() {
    let input = rule("input", &[(vec![], local(0))]);
    let outer = rule("outer", &[(vec![ask("input", 4)], local(4))]);
    let append = |value| stmt("ArrayAppend", json!({"array": 10, "value": value}));
    let with = |body: &[Json]| stmt("With", json!({"local": 0, "path": [], "value": local(1), "block": block(body)}));
    let statements = vec![
        make("Array", 10),
        ask("outer", 4),
        append(local(4)),
        with(&[ask("outer", 5), append(local(5)), ask("outer", 5), append(local(5))]),
        ask("outer", 6),
        append(local(6)),
        with(&[ask("input", 7), append(local(7))]),
    ];
    let plan = asking(&[], &[input, outer], statements, local(10));
    assert_eq!(result(&plan, "1", "2"), "[1,2,2,1,2]");
    assert_eq!(result(&plan, "", "2").as_str(), "undefined");
}

/// Leaving a rule from inside a `with` and a scan puts back what results are kept.
#[test]
fn early_exit_from_inside_with_and_scan() {
    let input = rule("input", &[(vec![], local(0))]);
    let allow = |value| {
        let inside = [ask("input", 6), equal(local(6), local(1)), once(value, 3)];
        let with = stmt("With", json!({"local": 0, "path": [], "value": local(1), "block": block(&inside)}));
        let body = vec![stmt("ResetLocal", json!({"target": 3})), scan(0, 4, 5, &[with])];
        let take = [stmt("IsDefined", json!({"source": 3})), once(local(3), 2)];
        function("allow", &[0, 1], &[block(&body), block(&take)])
    };
    let statements = vec![ask("allow", 4), ask("input", 5), equal(local(5), local(0))];
    let plan = asking(&[], &[input, allow(boolean(true))], statements, local(4));
    assert_eq!(result(&plan, "[1,2,3]", "9"), "true");
    assert!(steps(&plan, Passes::ALL, "[1,2,3,4,5]") < steps(&plan, Passes::NONE, "[1,2,3,4,5]") * 3 / 4);
}

#[test]
fn definitions_that_differ_are_all_evaluated() {
    let a = (vec![equal(local(0), boolean(true))], text(0));
    let b = (vec![], text(1));
    let plan =
        |definitions: &[(Vec<Json>, Json)]| asking(&["b"], &[rule("r", definitions)], vec![ask("r", 4)], local(4));
    assert_eq!(result(&plan(&[a.clone(), b.clone()]), "false", "{}"), r#""b""#);
    assert_eq!(evaluate(&plan(&[a.clone(), b.clone()]), "true", "{}"), Err(EvalError::Conflict));
    assert_eq!(evaluate(&plan(&[b, a]), "true", "{}"), Err(EvalError::Conflict));
}

/// As OPA's own evaluator: once a definition holds, those that follow are not looked at.
#[test]
fn errors_of_definitions_behind_the_first_that_holds_are_left_out() {
    let broken = rule("broken", &[(vec![], text(0)), (vec![], text(1))]);
    let holds = (vec![], boolean(true));
    let breaks = (vec![ask("broken", 4)], boolean(true));
    let answer = |definitions: &[(Vec<Json>, Json)], passes| {
        let plan = asking(&["b"], &[broken.clone(), rule("r", definitions)], vec![ask("r", 4)], local(4));
        let plan = load(&plan, passes).unwrap();
        let entry = plan.entry("p/allow").unwrap();
        plan.evaluate(entry, &parse("1"), &parse("{}"), &mut context(STEPS), &mut Scratch::default())
            .map(|set| set.len())
    };
    assert_eq!(answer(&[holds.clone(), breaks.clone()], Passes::ALL), Ok(1));
    assert_eq!(answer(&[holds.clone(), breaks.clone()], Passes::NONE), Err(EvalError::Conflict));
    assert_eq!(answer(&[breaks, holds], Passes::ALL), Err(EvalError::Conflict));
}

#[test]
fn defaults_and_else() {
    let undefined = stmt("IsUndefined", json!({"source": 3}));
    let with_else = |first: Json, second: Json| {
        let bodies = [
            block(&[stmt("ResetLocal", json!({"target": 3})), equal(local(0), boolean(true)), once(first, 3)]),
            block(&[undefined.clone(), equal(local(1), boolean(true)), once(second, 3)]),
            block(&[stmt("IsDefined", json!({"source": 3})), once(local(3), 2)]),
        ];
        let default = block(&[stmt("IsUndefined", json!({"source": 2})), once(boolean(false), 2)]);
        asking(&[], &[function("r", &[0, 1], &[block(&[nested(&bodies)]), default])], vec![ask("r", 4)], local(4))
    };
    for (second, otherwise) in [(text(0), r#""result""#), (boolean(true), "true")] {
        let plan = with_else(boolean(true), second);
        assert_eq!(result(&plan, "true", "true"), "true");
        assert_eq!(result(&plan, "1", "true"), otherwise);
        assert_eq!(result(&plan, "1", "1"), "false");
    }
}

#[test]
fn functions_take_arguments_and_are_not_kept() {
    let add = function("add", &[0, 1, 5, 6], &[block(&[call("plus", &[local(5), local(6)], 7), once(local(7), 2)])]);
    let args = |a, b| [local(0), local(1), a, b];
    let statements =
        vec![integer(2, 8), call("add", &args(local(0), local(8)), 9), call("add", &args(local(9), local(8)), 9)];
    let plan = asking(&[], &[add], statements, local(9));
    assert_eq!(result(&plan, "1", "{}"), "5");
    // A builtin's error is undefined, in strict mode an error that names the place.
    assert_eq!(result(&plan, "\"secret\"", "{}"), "undefined");
    let loaded = load(&plan, Passes::ALL).unwrap();
    let mut context = context(STEPS);
    context.strict = true;
    let entry = loaded.entry("p/allow").unwrap();
    let answer = loaded.evaluate(entry, &parse("\"secret\""), &parse("{}"), &mut context, &mut Scratch::default());
    let Err(EvalError::Other(text)) = answer else { panic!("{answer:?}") };
    assert!(text.starts_with("p.rego:7:3: plus: ") && !text.contains("secret"), "{text}");
}

/// Found: its result. Found but undefined: behind the third block. Not found: behind the innermost one, so that data is
/// looked at.
#[test]
fn dynamic_calls() {
    let yes = rule("g0.p.yes", &[(vec![], boolean(true))]);
    let no = rule("g0.p.no", &[(vec![break_out(0)], boolean(true))]);
    let other = function("g0.p.f", &[0, 1, 4], &[]);
    let dynamic = stmt("CallDynamic", json!({"path": [text(1), text(2), local(0)], "args": [0, 1], "result": 4}));
    let c1 = block(&[dynamic, break_out(1)]);
    let c2 = block(&[dot(local(1), local(0), 5), assign(local(5), 4), break_out(1)]);
    let b = block(&[nested(&[c1, c2]), break_out(2)]);
    let a = block(&[nested(&[b]), assign(local(4), 6)]);
    let mut statements = vec![nested(&[a])];
    statements.push(stmt("IsDefined", json!({"source": 6})));
    let plan = asking(&["g0", "p"], &[yes, no, other], statements, local(6));
    let data = r#"{"yes":1,"no":2,"f":3,"d":4}"#;
    for (name, answer) in [("yes", "true"), ("no", "undefined"), ("d", "4"), ("f", "3"), ("none", "undefined")] {
        assert_eq!(result(&plan, &format!("\"{name}\""), data), answer, "{name}");
    }
    assert_eq!(result(&plan, "7", data), "undefined");
}
