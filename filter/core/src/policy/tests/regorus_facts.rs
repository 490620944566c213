//! Every line of `facts/regorus.md` that names a wrong answer, a crash or a hang of regorus' interpreter, asked of both
//! ways: on the plan way the right answer, on the source way the right answer or a refusal.
//!
//! The policies stand in `testdata/regorus_facts.jsonl`, with OPA's plan and answers, which `scripts/vectors` renews
//! (`integration/oracle/facts.go` says what a line has). A name begins with the section it is of. What only concerns
//! regorus' bytecode VM (section 1.3, the `RVM only` lines of section 10, 255 registers, 8 arguments) is here as far as
//! it is a policy: neither of regorus' evaluators runs here.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use regorus::Value;
use serde_json::Value as Json;

use crate::builtins::tests::untag;
use crate::builtins::{Context, Moment};
use crate::config::Limits;
use crate::engine::EvalError;
use crate::host::testing::FakeClock;
use crate::plan::{Passes, Plan, Scratch};
use crate::policy::{DecisionPath, Loaded, Module, RegoVersion};

const FACTS: &str = include_str!("../../../testdata/regorus_facts.jsonl");

const LIMITS: Limits = Limits { time: Duration::from_millis(50), steps: 1_000_000 };

/// A named test on each way, for the lines of that name.
macro_rules! facts {
    ($($name:ident),* $(,)?) => {
        $(mod $name {
            #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
            use wasm_bindgen_test::wasm_bindgen_test as test;

            #[test]
            fn plan() {
                super::each(stringify!($name), super::check_plan);
            }

            #[test]
            fn source() {
                super::each(stringify!($name), super::check_source);
            }
        })*

        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

facts!(
    s2_no_builtin_runs_to_exhaustion,
    s2_recursion_of_functions_and_rules,
    s2_nested_literals,
    s2_long_lines,
    s2_strings_count_of_nothing,
    s2_numbers_range_step_of_zero,
    s2_regex_size,
    s2_regex_classes,
    s2_strict_errors_are_not_the_default,
    s3_replace_n,
    s3_json_schema,
    s3_numbers,
    s3_units,
    s3_sprintf,
    s3_calls_that_write_their_result,
    s3_one_value_a_request,
    s3_print_and_trace,
    s4_unknown_functions,
    s6_1_negation_01,
    s6_1_negation_02,
    s6_1_negation_03,
    s6_1_negation_04,
    s6_1_negation_05,
    s6_1_negation_06,
    s6_1_negation_07,
    s6_1_negation_08,
    s6_1_negation_09,
    s6_1_negation_10,
    s6_1_negation_11,
    s6_1_same_in_both,
    s6_1_allow_without_a_role,
    s6_1_nested_and_inside_bodies,
    s6_2_some_in_a_scalar,
    s6_2_data_at_the_path_of_a_rule,
    s6_2_a_rule_named_like_a_variable,
    s6_2_conflicts_end_the_evaluation,
    s6_2_float_modulo_and_overflow,
    s6_2_yaml_and_uuid,
    s6_2_walk,
    s10_glob_with_an_empty_alternative,
    s10_yaml_unreachable_content,
    s10_unmarshal_large_exponents,
    s10_not_with_a_body,
    s10_range_step_with_big_integers,
    s10_replace_n,
    s10_sprintf_exponent,
    s10_member_of_a_set_with_a_key,
    s10_ref_heads,
    s10_walk_paths,
    s10_default_values,
    s10_whole_packages,
);

/// Every line has a test.
#[cfg_attr(all(target_arch = "wasm32", target_os = "unknown"), wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(all(target_arch = "wasm32", target_os = "unknown")), test)]
fn every_line_is_asked() {
    let lines: BTreeSet<String> = FACTS.lines().map(|line| text(&read(line), "name").to_owned()).collect();
    assert_eq!(lines, NAMES.iter().map(|name| (*name).to_owned()).collect());
}

fn read(line: &str) -> Json {
    serde_json::from_str(line).expect("a line of JSON")
}

fn text<'r>(row: &'r Json, field: &str) -> &'r str {
    row[field].as_str().expect("a text")
}

/// A value of the file; the reader of requests reads it, so numbers are what they are in production. `None`: it cannot be
/// held, and a request that has it is not evaluated.
fn value(json: &Json) -> Option<Value> {
    crate::json::parse(json.to_string().as_bytes()).ok().map(|value| untag(&value))
}

fn each(name: &str, check: fn(&Json)) {
    let beginning = format!("{{\"name\":\"{name}\",");
    let rows: Vec<&str> = FACTS.lines().filter(|line| line.starts_with(&beginning)).collect();
    assert!(!rows.is_empty(), "no line is called {name}");
    rows.into_iter().for_each(|row| check(&read(row)));
}

fn data(row: &Json) -> Value {
    row.get("data").map_or_else(Value::new_object, |data| value(data).expect("a document"))
}

/// The right answers, or the refusal that is expected: a builtin or a number that is not available inline.
fn check_plan(row: &Json) {
    if row.get("plan").is_none() {
        // OPA's compiler does not make a plan of it.
        assert!(row["error"].is_string(), "{row}");
        return;
    }
    let loaded = Plan::load(row["plan"].to_string().as_bytes(), Passes::ALL).map(|plan| {
        let entry = plan.entry("eval").expect("the entry point");
        Loaded { plan, entry, data: data(row) }
    });
    check(row, loaded.map_err(|error| error.to_string()), &row["plan_refused"]);
}

/// The right answers, or the refusal that is expected.
fn check_source(row: &Json) {
    check(row, load(row), &row["source_refused"]);
}

fn check(row: &Json, loaded: Result<Loaded, String>, refused: &Json) {
    match (loaded, refused.as_str()) {
        (Ok(loaded), None) => check_answers(row, &loaded),
        (Err(error), Some(part)) => assert!(error.contains(part), "{error}: {}", row["modules"]),
        (Ok(_), Some(part)) => panic!("is not refused ({part}): {}", row["modules"]),
        (Err(error), None) => panic!("{error}: {}", row["modules"]),
    }
}

fn load(row: &Json) -> Result<Loaded, String> {
    let modules = row["modules"].as_object().expect("modules").iter();
    let modules: Vec<Module> = modules
        .map(|(name, text)| Module { name: name.clone(), text: text.as_str().expect("a text").into() })
        .collect();
    let version = if row["v0"] == true { RegoVersion::V0 } else { RegoVersion::V1 };
    let path = DecisionPath::parse(text(row, "decision"))?;
    crate::policy::load(&modules, data(row), &path, version).map_err(|error| error.to_string())
}

fn check_answers(row: &Json, loaded: &Loaded) {
    for case in row["cases"].as_array().expect("cases") {
        let answer = value(&case["input"]).map(|input| answer(loaded, &input));
        assert!(is_right(case, &answer), "{} for {case}: {answer:?}", row["modules"]);
    }
}

/// The decision; [`Value::Undefined`] if it is.
fn answer(loaded: &Loaded, input: &Value) -> Result<Value, EvalError> {
    let mut context = Context::new(Rc::new(FakeClock::default()));
    context.begin(LIMITS, Moment::default());
    let solutions = loaded.plan.evaluate(loaded.entry, input, &loaded.data, &mut context, &mut Scratch::default())?;
    let decision = solutions.first().map(|bindings| bindings["result"].clone());
    Ok(decision.unwrap_or(Value::Undefined))
}

fn is_right(case: &Json, answer: &Option<Result<Value, EvalError>>) -> bool {
    let conflict = case["error"] == "eval_conflict_error";
    match answer {
        None | Some(Err(EvalError::StepLimit | EvalError::Inexact(_))) => case["stopped"] == true,
        Some(Err(error)) => conflict && *error == EvalError::Conflict,
        Some(Ok(answer)) => !conflict && case["stopped"] != true && *answer == expected(case),
    }
}

fn expected(case: &Json) -> Value {
    match case.get("value") {
        Some(answer) => value(answer).expect("an answer that can be held"),
        None if case["null"] == true => Value::Null,
        None => Value::Undefined,
    }
}
