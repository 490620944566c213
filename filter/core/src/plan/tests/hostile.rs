//! Plans that no planner writes: refused when they are loaded, or stopped by a limit. What is mutated at random is in
//! `integration/tests/fuzz`.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::builtins::{Context, Moment};
use crate::config::Limits;
use crate::engine::EvalError;
use crate::host::testing::FakeClock;
use crate::plan::{Passes, Plan, PlanError, Scratch};
use regorus::Value;
use std::rc::Rc;
use std::time::Duration;

/// A plan of one entry point with these statements, and these functions before it.
fn plan(functions: &str, statements: &str) -> String {
    format!(
        r#"{{"static":{{"strings":[{{"value":"a"}}]}},"funcs":{{"funcs":[{functions}]}},
            "plans":{{"plans":[{{"name":"e","blocks":[{{"stmts":[{statements}]}}]}}]}}}}"#
    )
}

fn function(name: &str, calls: &str) -> String {
    let call = r#"{"type":"CallStmt","stmt":{"func":"NAME","args":[{"type":"local","value":0},{"type":"local","value":1}],"result":2}}"#;
    let call = if calls.is_empty() { String::new() } else { call.replace("NAME", calls) };
    format!(
        r#"{{"name":"{name}","params":[0,1],"return":2,"blocks":[{{"stmts":[{call}]}},
            {{"stmts":[{{"type":"ReturnLocalStmt","stmt":{{"source":2}}}}]}}]}}"#
    )
}

#[track_caller]
fn refuse(json: &str) {
    assert!(matches!(Plan::load(json.as_bytes(), Passes::ALL), Err(PlanError::Invalid { .. })), "{json:.300}");
}

fn run(json: &str) -> Result<usize, EvalError> {
    let plan = Plan::load(json.as_bytes(), Passes::ALL).unwrap_or_else(|error| panic!("{error}: {json:.300}"));
    let mut context = Context::new(Rc::new(FakeClock::default()));
    context.begin(Limits { time: Duration::from_secs(1), steps: 100_000 }, Moment::default());
    let data = Value::new_object();
    let results = plan.evaluate(plan.entry("e").unwrap(), &data, &data, &mut context, &mut Scratch::default())?;
    Ok(results.len())
}

#[test]
fn forged_indexes_and_locals() {
    for statement in [
        r#"{"type":"BreakStmt","stmt":{"index":1}}"#,
        r#"{"type":"BreakStmt","stmt":{"index":4294967295}}"#,
        r#"{"type":"MakeNumberRefStmt","stmt":{"Index":7,"index":7,"target":2}}"#,
        r#"{"type":"DotStmt","stmt":{"source":{"type":"local","value":0},"key":{"type":"string_index","value":1},"target":2}}"#,
        r#"{"type":"DotStmt","stmt":{"source":{"type":"local","value":-1},"key":{"type":"string_index","value":0},"target":2}}"#,
        r#"{"type":"IsDefinedStmt","stmt":{"source":99999999999999999999}}"#,
        r#"{"type":"CallStmt","stmt":{"func":"g","args":[],"result":2}}"#,
        r#"{"type":"ReturnLocalStmt","stmt":{"source":2}}"#,
        r#"{"type":"OwnStmt","stmt":{}}"#,
    ] {
        refuse(&plan("", statement));
    }
    // A huge number is a local like another; what nobody set is undefined.
    assert_eq!(run(&plan("", r#"{"type":"IsDefinedStmt","stmt":{"source":4294967295}}"#)), Ok(0));
    assert!(run(&plan("", r#"{"type":"ResultSetAddStmt","stmt":{"value":4294967295}}"#)).is_err());
}

#[test]
fn recursion_and_names_that_stand_twice() {
    refuse(&plan(&function("f", "f"), ""));
    refuse(&plan(&format!("{},{}", function("f", "g"), function("g", "f")), ""));
    refuse(&plan(&format!("{0},{0}", function("f", "")), ""));
    let twice = r#"{"plans":{"plans":[{"name":"e","blocks":[]},{"name":"e","blocks":[]}]}}"#;
    refuse(twice);
}

#[test]
fn depth_and_counts() {
    let nested = |open: &str, close: &str, n: usize| format!("{}{}", open.repeat(n), close.repeat(n));
    refuse(&nested("[", "]", 100_000));
    let block = nested(r#"{"type":"BlockStmt","stmt":{"blocks":[{"stmts":["#, "]}]}}", 1_000);
    refuse(&plan("", &block));
    let chain: Vec<String> = (0..2_000)
        .map(|i| function(&format!("f{i}"), &if i == 0 { String::new() } else { format!("f{}", i - 1) }))
        .collect();
    refuse(&plan(&chain.join(","), ""));
    let locals: Vec<String> =
        (0..70_000).map(|i| format!(r#"{{"type":"MakeNullStmt","stmt":{{"target":{i}}}}}"#)).collect();
    refuse(&plan("", &locals.join(",")));
}

/// Scans inside each other over a collection that grows: the steps end it.
#[test]
fn loops_end_at_a_limit() {
    let grow = r#"{"type":"ArrayAppendStmt","stmt":{"array":2,"value":{"type":"bool","value":true}}}"#;
    let scan = |inner: &str, n: usize| {
        format!(
            r#"{{"type":"ScanStmt","stmt":{{"source":2,"key":{},"value":{},"block":{{"stmts":[{inner}]}}}}}}"#,
            3 + 2 * n,
            4 + 2 * n
        )
    };
    let nested = (0..8).fold(grow.to_owned(), |inner, n| scan(&inner, n));
    let grows = format!(
        r#"{{"type":"MakeArrayStmt","stmt":{{"capacity":2147483647,"target":2}}}},{}{nested}"#,
        format!("{grow},").repeat(8)
    );
    assert_eq!(run(&plan("", &grows)), Err(EvalError::StepLimit));
    let itself = r#"{"type":"ArrayAppendStmt","stmt":{"array":2,"value":{"type":"local","value":2}}}"#;
    let deep =
        format!(r#"{{"type":"MakeArrayStmt","stmt":{{"capacity":0,"target":2}}}},{}"#, vec![itself; 400].join(","));
    assert!(matches!(run(&plan("", &deep)), Err(EvalError::DepthLimit | EvalError::StepLimit)));
}
