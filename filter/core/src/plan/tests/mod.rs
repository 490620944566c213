//! Plans written by hand, statement by statement, and a few that OPA wrote (`testdata/plans`). Each runs with every
//! pass and with none, and must answer the same.

mod forged;
mod hostile;
mod index;
mod limits;
mod optimise;
mod planned;
mod reads;
mod rules;
mod statements;

use super::{Passes, Plan, PlanError, Scratch};
use crate::builtins::{Context, Moment};
use crate::config::Limits;
use crate::engine::EvalError;
use crate::host::testing::FakeClock;
use regorus::Value;
use serde_json::{Value as Json, json};
use std::rc::Rc;
use std::time::Duration;

const STEPS: u64 = 100_000;

/// A local as an operand.
fn local(number: u32) -> Json {
    json!({"type": "local", "value": number})
}

/// A static string as an operand.
fn text(index: u32) -> Json {
    json!({"type": "string_index", "value": index})
}

/// A boolean as an operand.
fn boolean(value: bool) -> Json {
    json!({"type": "bool", "value": value})
}

/// A statement at row 7 of the first file.
fn stmt(kind: &str, mut fields: Json) -> Json {
    fields["file"] = json!(0);
    fields["row"] = json!(7);
    fields["col"] = json!(3);
    json!({"type": format!("{kind}Stmt"), "stmt": fields})
}

fn block(statements: &[Json]) -> Json {
    json!({"stmts": statements})
}

fn nested(blocks: &[Json]) -> Json {
    stmt("Block", json!({"blocks": blocks}))
}

fn dot(source: Json, key: Json, target: u32) -> Json {
    stmt("Dot", json!({"source": source, "key": key, "target": target}))
}

fn assign(source: Json, target: u32) -> Json {
    stmt("AssignVar", json!({"source": source, "target": target}))
}

fn once(source: Json, target: u32) -> Json {
    stmt("AssignVarOnce", json!({"source": source, "target": target}))
}

fn make(kind: &str, target: u32) -> Json {
    let mut fields = json!({"target": target});
    if kind == "Array" {
        fields["capacity"] = json!(0);
    }
    stmt(&format!("Make{kind}"), fields)
}

fn integer(value: i64, target: u32) -> Json {
    stmt("MakeNumberInt", json!({"value": value, "target": target}))
}

fn call(func: &str, args: &[Json], result: u32) -> Json {
    stmt("Call", json!({"func": func, "args": args, "result": result}))
}

fn break_out(index: u32) -> Json {
    stmt("Break", json!({"index": index}))
}

fn scan(source: u32, key: u32, value: u32, statements: &[Json]) -> Json {
    stmt("Scan", json!({"source": source, "key": key, "value": value, "block": block(statements)}))
}

/// The statements that make `{"result": value}` a solution. The string "result" is the first of every plan.
fn solution(value: Json) -> Vec<Json> {
    vec![
        make("Object", 900),
        stmt("ObjectInsert", json!({"object": 900, "key": text(0), "value": value})),
        stmt("ResultSetAdd", json!({"value": 900})),
    ]
}

/// A function whose result is local 2.
fn function(name: &str, params: &[u32], blocks: &[Json]) -> Json {
    let mut blocks = blocks.to_vec();
    blocks.push(block(&[stmt("ReturnLocal", json!({"source": 2}))]));
    let path: Vec<&str> = name.split('.').collect();
    json!({"name": name, "params": params, "return": 2, "blocks": blocks, "path": path})
}

/// A plan with one entry point. Strings: "result", then those given.
fn plan(strings: &[&str], functions: &[Json], blocks: &[Json]) -> Json {
    let strings: Vec<Json> = ["result"].iter().chain(strings).map(|text| json!({"value": text})).collect();
    let builtin =
        |name: &str| json!({"name": name, "decl": {"type": "function", "args": [], "result": {"type": "any"}}});
    json!({
        "static": {
            "strings": strings,
            "builtin_funcs": [builtin("count"), builtin("plus"), builtin("array.concat"), builtin("no.such")],
            "files": [{"value": "p.rego"}],
        },
        "plans": {"plans": [{"name": "p/allow", "blocks": blocks}]},
        "funcs": {"funcs": functions},
    })
}

/// A plan that does `statements` and then answers `value`.
fn asking(strings: &[&str], functions: &[Json], mut statements: Vec<Json>, value: Json) -> Json {
    statements.extend(solution(value));
    plan(strings, functions, &[block(&statements)])
}

fn parse(text: &str) -> Value {
    if text.is_empty() { Value::Undefined } else { crate::json::parse(text.as_bytes()).unwrap() }
}

fn context(steps: u64) -> Context {
    let mut context = Context::new(Rc::new(FakeClock::default()));
    context.begin(Limits { time: Duration::from_secs(1), steps }, Moment::default());
    context
}

fn load(plan: &Json, passes: Passes) -> Result<Plan, PlanError> {
    Plan::load(plan.to_string().as_bytes(), passes)
}

/// The result set, with every pass and with none.
fn evaluate(plan: &Json, input: &str, data: &str) -> Result<Vec<Value>, EvalError> {
    let (input, data) = (parse(input), parse(data));
    let mut scratch = Scratch::default();
    let mut answers = [Passes::ALL, Passes::NONE].map(|passes| {
        let plan = load(plan, passes).unwrap();
        plan.evaluate(plan.entry("p/allow").unwrap(), &input, &data, &mut context(STEPS), &mut scratch)
    });
    assert_eq!(answers[0], answers[1], "passes change the answer");
    std::mem::replace(&mut answers[0], Ok(Vec::new()))
}

/// The one result as JSON, or `undefined`.
fn result(plan: &Json, input: &str, data: &str) -> String {
    match evaluate(plan, input, data).unwrap().as_slice() {
        [] => "undefined".to_owned(),
        [bindings] => bindings[&Value::from("result")].to_string(),
        more => panic!("{more:?}"),
    }
}
