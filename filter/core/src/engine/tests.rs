use super::*;
use crate::host::testing::FakeClock;
use crate::policy::{DecisionPath, Module, load};
use std::time::Duration;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn engine(rego: &str, limits: Limits, clock: &Rc<FakeClock>) -> Engine {
    let modules = [Module { name: "p.rego".to_owned(), text: format!("package envoy.authz\n{rego}") }];
    let loaded = load(&modules, Value::new_object(), &DecisionPath::parse("").unwrap()).unwrap();
    let clock: Rc<dyn Clock> = clock.clone();
    Engine::new(loaded, limits, clock)
}

const ROOMY: Limits = Limits { time: Duration::from_millis(50), steps: 1_000_000 };

fn input(json: &str) -> Value {
    crate::json::parse(json.as_bytes()).unwrap()
}

/// Ten thousand pairs for an input of a hundred items.
const SLOW: &str = "allow if { count([1 | some x in input.items; some y in input.items; x == y]) > 0 }";

fn hundred_items() -> Value {
    let items: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    input(&format!("{{\"items\":[{}]}}", items.join(",")))
}

#[test]
fn a_value_undefined_and_a_conflict_are_told_apart() {
    let clock = Rc::new(FakeClock::default());
    let engine = engine("allow := 1 if input.a\nallow := 2 if input.b", ROOMY, &clock);
    assert_eq!(engine.evaluate(input(r#"{"a":true}"#)), Ok(Value::from(1)));
    assert_eq!(engine.evaluate(input("{}")), Err(EvalError::Undefined));
    assert_eq!(engine.evaluate(input(r#"{"a":true,"b":true}"#)), Err(EvalError::Conflict));
    assert_eq!(engine.evaluate(input(r#"{"b":true}"#)), Ok(Value::from(2)));
}

#[test]
fn other_errors_name_the_place_and_no_value() {
    let clock = Rc::new(FakeClock::default());
    let engine = engine("allow if { some x in input.items; x == \"multiple outputs\" }", ROOMY, &clock);
    for value in
        ["secret", "multiple outputs", "\\nerror: rule conflicts with rule", "rules must not produce multiple outputs"]
    {
        let Err(EvalError::Other(detail)) = engine.evaluate(input(&format!(r#"{{"items":"{value}"}}"#))) else {
            panic!("{value}: not an error, or one a client can choose");
        };
        assert!(detail.starts_with("p.rego:2:"), "{detail}");
        assert!(!detail.contains(value), "{detail}");
    }
}

#[test]
fn conflicts_of_functions_and_of_objects_are_conflicts() {
    let clock = Rc::new(FakeClock::default());
    for rego in [
        "allow := f(1)\nf(x) := 1 if input.a\nf(x) := 2 if input.a",
        "allow := o\no[k] := 1 if { some k in [\"k\"]; input.a }\no[k] := 2 if { some k in [\"k\"]; input.a }",
    ] {
        assert_eq!(engine(rego, ROOMY, &clock).evaluate(input(r#"{"a":true}"#)), Err(EvalError::Conflict), "{rego}");
    }
}

/// A worker can be so late that the time is up before the first step.
#[test]
fn a_budget_that_is_used_up_before_the_first_step_still_stops_the_evaluation() {
    let clock = Rc::new(FakeClock::default());
    let engine = engine(SLOW, Limits { steps: 100_000_000, ..ROOMY }, &clock);
    clock.step.set(Duration::from_millis(60).as_nanos() as u64);
    let before = clock.now.get();
    assert_eq!(engine.evaluate(hundred_items()), Err(EvalError::TimeLimit));
    let looks = (clock.now.get() - before) / clock.step.get();
    assert!(looks < 10, "the evaluation went on for {looks} looks");
}

#[test]
fn the_step_limit_stops_an_evaluation_on_every_target() {
    let clock = Rc::new(FakeClock::default());
    let small = Limits { steps: 5_000, ..ROOMY };
    let engine_small = engine(SLOW, small, &clock);
    assert_eq!(engine_small.evaluate(hundred_items()), Err(EvalError::StepLimit));
    assert_eq!(engine_small.evaluate(input(r#"{"items":[1]}"#)), Ok(Value::Bool(true)), "usable after an error");
    assert_eq!(engine(SLOW, ROOMY, &clock).evaluate(hundred_items()), Ok(Value::Bool(true)));
}

#[test]
fn the_time_limit_stops_an_evaluation() {
    let clock = Rc::new(FakeClock::default());
    let engine = engine(SLOW, ROOMY, &clock);
    clock.step.set(Duration::from_millis(10).as_nanos() as u64);
    assert_eq!(engine.evaluate(hundred_items()), Err(EvalError::TimeLimit));
    clock.step.set(0);
    assert_eq!(engine.evaluate(hundred_items()), Ok(Value::Bool(true)), "usable after an error");
}
