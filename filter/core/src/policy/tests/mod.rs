//! Tests of the room as a whole. What OPA answers was asked of OPA 1.22.2.

mod accepted;
mod bundle;
mod constructs;
mod limits;
mod loading;
mod names_and_keys;
mod refused;
mod regorus_facts;
mod scaling;
mod stalls;

use std::rc::Rc;
use std::time::Duration;

use regorus::Value;

use super::{DecisionPath, Loaded, Module, PolicyError, RegoVersion};
use crate::builtins::{Context, Moment};
use crate::config::Limits;
use crate::engine::EvalError;
use crate::host::testing::FakeClock;
use crate::plan::Scratch;

const LIMITS: Limits = Limits { time: Duration::from_millis(50), steps: 1_000_000 };

/// Loads one module `p.rego` of package `t`, with the decision `data.t.x`.
fn load_rules(rules: &str) -> Result<Loaded, PolicyError> {
    load_with("{}", rules)
}

fn load_with(data: &str, rules: &str) -> Result<Loaded, PolicyError> {
    load_any(data, rules, RegoVersion::V1)
}

/// Loads a module, which is of package `t` if it does not say another.
fn load_any(data: &str, rules: &str, version: RegoVersion) -> Result<Loaded, PolicyError> {
    let text = if rules.starts_with("package ") { rules.to_owned() } else { format!("package t\n{rules}") };
    load_for(data, &[("p.rego", &text)], "t/x", version)
}

fn load_modules(data: &str, modules: &[(&str, &str)], path: &str) -> Result<Loaded, PolicyError> {
    load_for(data, modules, path, RegoVersion::V1)
}

fn load_for(data: &str, modules: &[(&str, &str)], path: &str, version: RegoVersion) -> Result<Loaded, PolicyError> {
    let modules: Vec<Module> =
        modules.iter().map(|(name, text)| Module { name: (*name).to_owned(), text: (*text).to_owned() }).collect();
    super::load(&modules, json(data), &DecisionPath::parse(path).unwrap(), version)
}

fn json(text: &str) -> Value {
    crate::json::parse(text.as_bytes()).unwrap()
}

/// The decision for an input.
fn evaluate(loaded: &Loaded, input: &Value) -> Result<Value, EvalError> {
    evaluate_within(loaded, input, LIMITS)
}

fn evaluate_within(loaded: &Loaded, input: &Value, limits: Limits) -> Result<Value, EvalError> {
    let mut context = Context::new(Rc::new(FakeClock::default()));
    context.begin(limits, Moment::default());
    let results = loaded.plan.evaluate(loaded.entry, input, &loaded.data, &mut context, &mut Scratch::default())?;
    let bindings = results.into_iter().next().ok_or(EvalError::Undefined)?;
    Ok(bindings.as_object().unwrap().get(&Value::from("result")).unwrap().clone())
}

/// The decision for an input, as JSON; `undefined`, or `error: …`.
fn decide(loaded: &Loaded, input: &str) -> String {
    let Ok(input) = crate::json::parse(input.as_bytes()) else { return "error: not a document".to_owned() };
    match evaluate(loaded, &input) {
        Ok(value) => serde_json::to_string(&value).unwrap(),
        Err(EvalError::Undefined) => "undefined".to_owned(),
        Err(error) => format!("error: {error:?}"),
    }
}

/// Loads `rules` and checks the decision for each input.
#[track_caller]
fn agree(rules: &str, cases: &[(&str, &str)]) {
    agree_with("{}", rules, cases);
}

#[track_caller]
fn agree_with(data: &str, rules: &str, cases: &[(&str, &str)]) {
    check(load_with(data, rules), rules, cases);
}

#[track_caller]
fn check(loaded: Result<Loaded, PolicyError>, rules: &str, cases: &[(&str, &str)]) {
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(error) => panic!("{rules}: {error}"),
    };
    for (input, want) in cases {
        assert_eq!(decide(&loaded, input), *want, "{rules} for {input}");
    }
}

/// OPA's answers, for any input document.
#[track_caller]
fn opa(data: &str, rules: &str, cases: &[(&str, &str)]) {
    check(load_any(data, rules, RegoVersion::V1), rules, cases);
}

/// The same for a v0 module.
#[track_caller]
fn opa_v0(data: &str, rules: &str, cases: &[(&str, &str)]) {
    check(load_any(data, rules, RegoVersion::V0), rules, cases);
}

/// Loads `rules`, which must be refused with a message that contains `part`.
#[track_caller]
fn refuse(rules: &str, part: &str) {
    refuse_with("{}", rules, part);
}

#[track_caller]
fn refuse_with(data: &str, rules: &str, part: &str) {
    match load_with(data, rules) {
        Ok(_) => panic!("was accepted: {rules}"),
        Err(error) => assert!(error.to_string().contains(part), "{rules}: {error}"),
    }
}
