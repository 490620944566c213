//! A plan that OPA wrote, and what OPA answered: `testdata/plans`. Made by
//! `opa build -t plan -e envoy/authz/{allow,limit,headers,would_allow_admin} -e envoy/authz authz.rego` and
//! `opa eval -d authz.rego -d authz.data.json`, OPA 1.22.2.

use super::*;
use crate::plan::Reads;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const PLAN: &[u8] = include_bytes!("../../../testdata/plans/authz.json");
const DATA: &str = include_str!("../../../testdata/plans/authz.data.json");
const ANSWERS: &str = include_str!("../../../testdata/plans/authz.answers.jsonl");

fn only(passes: impl Fn(&mut Passes)) -> Passes {
    let mut chosen = Passes::NONE;
    passes(&mut chosen);
    chosen
}

fn ask(plan: &Plan, entry: &str, input: &Value, data: &Value, scratch: &mut Scratch) -> Option<Value> {
    let entry = plan.entry(entry).unwrap();
    let set = plan.evaluate(entry, input, data, &mut context(STEPS), scratch).unwrap();
    assert!(set.len() < 2);
    set.first().map(|bindings| bindings[&Value::from("result")].clone())
}

#[test]
fn every_entry_point_answers_as_opa_does_with_every_set_of_passes() {
    let data = parse(DATA);
    let mut scratch = Scratch::default();
    let some = [
        Passes::NONE,
        Passes::ALL,
        only(|passes| passes.constants = true),
        only(|passes| passes.early_exit = true),
        only(|passes| passes.paths = true),
        only(|passes| passes.copies = true),
        only(|passes| passes.dead = true),
        only(|passes| passes.index = true),
    ];
    for passes in some {
        let plan = Plan::load(PLAN, passes).unwrap();
        let mut asked = 0;
        for line in ANSWERS.lines() {
            let case: Json = serde_json::from_str(line).unwrap();
            let json = |key: &str| case.get(key).map(|value| parse(&value.to_string()));
            let input = json("input").unwrap_or(Value::Undefined);
            let answer = ask(&plan, case["entry"].as_str().unwrap(), &input, &data, &mut scratch);
            // Sets have no JSON form: OPA writes them as arrays.
            let answer = answer.map(|answer| parse(&answer.to_json_str().unwrap()));
            assert_eq!(answer, json("result"), "{passes:?} {line}");
            asked += 1;
        }
        assert_eq!(asked, 45);
    }
}

#[test]
fn names_and_reads() {
    let plan = Plan::load(PLAN, Passes::ALL).unwrap();
    let names: Vec<&str> = plan.entry_points().collect();
    // OPA adds the last two by itself.
    let rules = ["allow", "limit", "headers", "would_allow_admin", "", "roles", "user"];
    let expected = rules.map(|rule| format!("envoy/authz/{rule}").trim_end_matches('/').to_owned());
    assert_eq!(names, expected);
    assert_eq!(plan.entry("envoy/authz/nothing"), None);
    let footprint = plan.footprint(plan.entry("envoy/authz/allow").unwrap()).unwrap();
    let Reads::Parts(parts) = &footprint.input else { panic!("the whole document") };
    let parts: Vec<String> = parts.iter().map(|part| part.join(".")).collect();
    let http = ["headers.x-user", "method", "path"].map(|part| format!("attributes.request.http.{part}"));
    assert_eq!(parts, [&http[..], &["parsed_path".to_owned()]].concat());
    assert!(footprint.builtins.iter().any(|builtin| builtin.name == "count"));
}

/// Data is an argument: another one needs no other plan, and leaves nothing of the first behind.
#[test]
fn data_can_change_under_a_plan() {
    let plan = Plan::load(PLAN, Passes::ALL).unwrap();
    let mut scratch = Scratch::default();
    let bob = parse(ANSWERS.lines().nth(5).unwrap())[&Value::from("input")].clone();
    let mut allow = |data: &str| ask(&plan, "envoy/authz/allow", &bob, &parse(data), &mut scratch);
    for _ in 0..2 {
        assert_eq!(allow(DATA), Some(Value::Bool(true)));
        assert_eq!(allow(&DATA.replace("\"GET\"", "\"HEAD\"")), Some(Value::Bool(false)));
        assert_eq!(allow("{}"), Some(Value::Bool(false)));
    }
}

/// Nothing of a request stays in the memory that is used again, after an error neither.
#[test]
fn scratch_is_empty_between_evaluations() {
    let plan = Plan::load(PLAN, Passes::ALL).unwrap();
    let entry = plan.entry("envoy/authz/allow").unwrap();
    let mut scratch = Scratch::default();
    let input = parse(ANSWERS.lines().nth(5).unwrap())[&Value::from("input")].clone();
    let Value::Object(document) = &input else { panic!() };
    for steps in (0..400).chain([STEPS]) {
        let _ = plan.evaluate(entry, &input, &parse(DATA), &mut context(steps), &mut scratch);
        assert_eq!(regorus::Rc::strong_count(document), 1, "after {steps} steps");
    }
}
