mod reduced;

use super::load as load_all;
use super::*;
use crate::config::{Policy, Program};
use crate::host::testing::FakeClock;
use crate::plan::Reads;
use crate::policy::{DecisionPath, Module, RegoVersion};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::time::Duration;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The first decision of a policy.
fn load(policy: Policy, shelf: &Shelf, unprovided: &[crate::request::Unprovided]) -> Result<Loaded, LoadError> {
    load_all(&policy, shelf, unprovided).remove(0)
}

fn source(rego: &str) -> Policy {
    let modules = [Module { name: "p.rego".to_owned(), text: format!("package envoy.authz\n{rego}") }];
    Policy {
        program: Program::Source { modules: modules.to_vec(), version: RegoVersion::V1 },
        data: Value::new_object(),
        path: DecisionPath::parse("").unwrap(),
        more_paths: Vec::new(),
        unsupported_goes_remote: false,
    }
}

fn engine(rego: &str, limits: Limits, clock: &Rc<FakeClock>) -> Engine {
    let loaded = load(source(rego), &Shelf::default(), &[]).map_err(|error| error.to_string()).unwrap();
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
fn a_lookup_costs_the_same_in_much_data() {
    let few_steps = Limits { steps: 60, ..ROOMY };
    let users: Vec<String> = (0..10_000).map(|n| format!(r#""user{n}":{{"roles":["a"]}}"#)).collect();
    let data = input(&format!(r#"{{"users":{{{}}}}}"#, users.join(",")));
    for rego in [
        "allow if data.users[input.user].roles",
        "allow if object.get(data.users, input.user, {}).roles",
        "allow if { some role in data.users[input.user].roles; role == \"a\" }",
        "allow if data.users[input.user].roles with input.x as 1",
    ] {
        let policy = Policy { data: data.clone(), ..source(rego) };
        let loaded = load(policy, &Shelf::default(), &[]).map_err(|error| error.to_string()).unwrap();
        let engine = Engine::new(loaded, few_steps, Rc::new(FakeClock::default()));
        let allow = engine.evaluate(input(r#"{"user":"user7"}"#), Moment::default());
        assert_eq!(allow, Ok(Value::from(true)), "{rego}");
    }
}

#[test]
fn a_value_undefined_and_a_conflict_are_told_apart() {
    let clock = Rc::new(FakeClock::default());
    let engine = engine("allow := 1 if input.a\nallow := 2 if input.b", ROOMY, &clock);
    assert_eq!(engine.evaluate(input(r#"{"a":true}"#), Moment::default()), Ok(Value::from(1)));
    assert_eq!(engine.evaluate(input("{}"), Moment::default()), Err(EvalError::Undefined));
    assert_eq!(engine.evaluate(input(r#"{"a":true,"b":true}"#), Moment::default()), Err(EvalError::Conflict));
    assert_eq!(engine.evaluate(input(r#"{"b":true}"#), Moment::default()), Ok(Value::from(2)));
}

#[test]
fn other_errors_name_the_place_and_no_value() {
    let clock = Rc::new(FakeClock::default());
    let engine = engine("allow if input.amount / 3 == 1", ROOMY, &clock);
    let Err(EvalError::Inexact(detail)) = engine.evaluate(input(r#"{"amount":12346}"#), Moment::default()) else {
        panic!("a quotient without end is not an error");
    };
    assert!(detail.starts_with("p.rego:2:"), "{detail}");
    assert!(!detail.contains("12346"), "{detail}");
}

#[test]
fn conflicts_of_functions_and_of_objects_are_conflicts() {
    let clock = Rc::new(FakeClock::default());
    for rego in [
        "allow := f(1)\nf(x) := 1 if input.a\nf(x) := 2 if input.a",
        "allow := o\no[k] := 1 if { some k in [\"k\"]; input.a }\no[k] := 2 if { some k in [\"k\"]; input.a }",
    ] {
        assert_eq!(
            engine(rego, ROOMY, &clock).evaluate(input(r#"{"a":true}"#), Moment::default()),
            Err(EvalError::Conflict),
            "{rego}"
        );
    }
}

/// A worker can be so late that the time is up before the first step.
#[test]
fn a_budget_that_is_used_up_before_the_first_step_still_stops_the_evaluation() {
    let clock = Rc::new(FakeClock::default());
    let engine = engine(SLOW, Limits { steps: 100_000_000, ..ROOMY }, &clock);
    clock.step.set(Duration::from_millis(60).as_nanos() as u64);
    let before = clock.now.get();
    assert_eq!(engine.evaluate(hundred_items(), Moment::default()), Err(EvalError::TimeLimit));
    let looks = (clock.now.get() - before) / clock.step.get();
    assert!(looks < 10, "the evaluation went on for {looks} looks");
}

#[test]
fn the_step_limit_stops_an_evaluation_on_every_target() {
    let clock = Rc::new(FakeClock::default());
    let small = Limits { steps: 5_000, ..ROOMY };
    let engine_small = engine(SLOW, small, &clock);
    assert_eq!(engine_small.evaluate(hundred_items(), Moment::default()), Err(EvalError::StepLimit));
    assert_eq!(
        engine_small.evaluate(input(r#"{"items":[1]}"#), Moment::default()),
        Ok(Value::Bool(true)),
        "usable after an error"
    );
    assert_eq!(engine(SLOW, ROOMY, &clock).evaluate(hundred_items(), Moment::default()), Ok(Value::Bool(true)));
}

#[test]
fn the_time_limit_stops_an_evaluation() {
    let clock = Rc::new(FakeClock::default());
    let engine = engine(SLOW, ROOMY, &clock);
    clock.step.set(Duration::from_millis(10).as_nanos() as u64);
    assert_eq!(engine.evaluate(hundred_items(), Moment::default()), Err(EvalError::TimeLimit));
    clock.step.set(0);
    assert_eq!(engine.evaluate(hundred_items(), Moment::default()), Ok(Value::Bool(true)), "usable after an error");
}

/// The bundle that OPA made of `testdata/bundles/example`, with other data.
fn planned(data: &str, path: &str) -> Policy {
    let packed = include_bytes!("../../testdata/bundles/example.tar.gz");
    let bundle = crate::policy::bundle::read(&STANDARD.encode(packed)).unwrap();
    Policy {
        program: Program::Plan(bundle.plan.unwrap()),
        data: input(data),
        path: DecisionPath::parse(path).unwrap(),
        more_paths: Vec::new(),
        unsupported_goes_remote: false,
    }
}

#[test]
fn a_plan_decides() {
    let loaded =
        load(planned(r#"{"open": {"public": true}}"#, ""), &Shelf::default(), &[]).map_err(|e| e.to_string()).unwrap();
    assert_eq!(loaded.summary, "the policy is evaluated as a plan, decision envoy/authz/allow");
    let engine = Engine::new(loaded, ROOMY, Rc::new(FakeClock::default()));
    let ask = |path: &str| engine.evaluate(input(&format!(r#"{{"parsed_path": ["{path}"]}}"#)), Moment::default());
    assert_eq!(ask("public"), Ok(Value::Bool(true)));
    assert_eq!(ask("private"), Ok(Value::Bool(false)));
}

#[test]
fn other_data_keeps_the_plan_and_changes_the_answer() {
    let shelf = Shelf::default();
    let load = |data: &str| load(planned(data, ""), &shelf, &[]).map_err(|error| error.to_string()).unwrap();
    let ask = |engine: &Engine| engine.evaluate(input(r#"{"parsed_path": ["x"]}"#), Moment::default());
    let engine = |loaded| Engine::new(loaded, ROOMY, Rc::new(FakeClock::default()));
    let (first, second) = (load("{}"), load(r#"{"open": {"x": true}}"#));
    assert!(!first.summary.contains("kept") && second.summary.contains("kept from the configuration before"));
    let (first, second) = (engine(first), engine(second));
    assert_eq!((ask(&first), ask(&second)), (Ok(Value::Bool(false)), Ok(Value::Bool(true))));
    drop((first, second));
    assert!(!load("{}").summary.contains("kept"), "nobody used it any more");
}

#[test]
fn a_plan_is_not_kept_from_before_because_it_has_several_decisions() {
    let more_paths = vec![DecisionPath::parse("").unwrap()];
    let loaded = load_all(&Policy { more_paths, ..planned("{}", "") }, &Shelf::default(), &[]);
    let summaries = loaded.into_iter().map(|loaded| loaded.map_err(|error| error.to_string()).unwrap().summary);
    assert_eq!(summaries.collect::<Vec<_>>(), ["the policy is evaluated as a plan, decision envoy/authz/allow"; 2]);
}

#[test]
fn a_decision_that_is_no_entry_point_is_refused_with_those_there_are() {
    let Err(error) = load(planned("{}", "envoy/authz/deny"), &Shelf::default(), &[]) else { panic!("loaded") };
    let expected = "the plan has no entry point envoy/authz/deny, only envoy/authz/allow; \
                    build it with opa build -t plan -e envoy/authz/deny";
    assert_eq!(error, LoadError::Invalid(expected.to_owned()));
}

#[test]
fn a_decision_is_bounded() {
    let nested = |depth: usize| (0..depth).fold(Value::from(1), |inner, _| Value::from(vec![inner]));
    assert_eq!(size::check(&nested(128)), Ok(()));
    assert_eq!(size::check(&nested(129)), Err(EvalError::SizeLimit));
    let shared = Value::from(vec![Value::from(vec![Value::from(1); 400]); 300]);
    assert_eq!(size::check(&shared), Err(EvalError::SizeLimit));
    assert_eq!(size::check(&Value::from(vec![Value::from(1); 99_999])), Ok(()));
    assert_eq!(size::check(&Value::from(vec![Value::from(1); 100_001])), Err(EvalError::SizeLimit));
}

/// Definitions that differ are a conflict, however little of them is read behind.
#[test]
fn a_conflict_does_not_go_away_with_what_is_not_read() {
    let loaded = load(source("allow if r.x == 1\nr := input.a\nr := input.b"), &Shelf::default(), &[]);
    let loaded = loaded.map_err(|error| error.to_string()).unwrap();
    let reads = loaded.reads().clone();
    let engine = Engine::new(loaded, ROOMY, Rc::new(FakeClock::default()));
    let whole = input(r#"{"a": {"x": 1, "y": 1}, "b": {"x": 1, "y": 2}, "c": 1}"#);
    assert_eq!(engine.evaluate(reads.of(&whole), Moment::default()), Err(EvalError::Conflict));
}

/// What the first decision of these rules reads of the input, as `a.b c`; `*` for all of it.
fn reads(loaded: &Loaded) -> String {
    match loaded.reads() {
        Reads::Whole => "*".to_owned(),
        Reads::Parts(parts) => parts.iter().map(|part| part.join(".")).collect::<Vec<_>>().join(" "),
    }
}

#[test]
fn what_a_policy_of_rego_text_reads() {
    for (rules, expected) in [
        ("import input.a.b as x\nallow if x.c == 1", "a.b.c"),
        ("allow if { x := input.a; y := x.b; y.c == 1 }", "a.b.c"),
        ("allow if f(input.a)\nf(x) if x.b == 1", "a.b"),
        ("allow if f(input)\nf(x) if x.b == 1", "b"),
        ("allow if f(input.a, \"b\")\nf(x, k) if x[k] == 1", "a"),
        ("a := input.a\nallow if a.b == 1", "a.b"),
        ("allow if { some x in input.a.b; x.c == 1 }", "a.b"),
        ("allow if count([x | x := input.a[_].b]) > 0", "a"),
        ("allow if input.a.b with input.a as {\"b\": input.c.d}", "a.b c.d"),
        ("allow if r.b with input as input.c\nr := input.a", "a.b c"),
        ("allow if { walk(input.a, [p, v]); v == 1 }", "a"),
        ("allow if { walk(input, [p, v]); v == 1 }", "*"),
        ("allow if object.get(input, \"a\", 1) == 1", "a"),
        ("allow if object.get(input.a, [\"b\", \"c\"], {}).d == 1", "a.b.c.d"),
        ("allow if { k := data.k; object.get(input.a, k, 1) == 1 }", "a"),
        ("allow if object.get(input.a, \"b\", input.c).d", "a.b.d c.d"),
        ("allow if { k := data.k; input[k] == 1 }", "*"),
        ("allow if input.a.b[input.c] == 1", "a.b c"),
        ("allow if input.a[0].b == 1", "a"),
        ("allow if input == {\"a\": 1}", "*"),
        ("allow if input", "*"),
        ("allow if not input.a.b", "a.b"),
        ("allow if every x in input.a { x > input.b }", "a b"),
        ("allow if data.x[input.a].y == input.b", "a b"),
        ("deny contains input.a.x if input.b\nallow if count(deny) == 0", "a.x b"),
        ("allow if r.x\nr := input.a", "a.x"),
        ("allow if r.x\nr := input.a if input.c\nr := input.b", "a b c"),
        ("allow if f(1).x\nf(1) := input.a\nf(_) := input.b", "a b"),
        ("allow if r.x\nr := input.a if input.c else := input.b", "a b c"),
        ("default allow := false\nunused if input.x == 1", ""),
    ] {
        let loaded = load(source(rules), &Shelf::default(), &[]).map_err(|error| error.to_string()).unwrap();
        assert_eq!(reads(&loaded), expected, "{rules}");
    }
}

#[test]
fn what_is_read_of_data_and_called() {
    for (rules, data, builtins, deterministic) in [
        ("allow if data.x.y[input.a] == 1", "x.y", "", true),
        ("allow if { some r in data.roles.admin; r == input.a }", "roles.admin", "", true),
        ("allow if count(data.x[_].y) == input.a", "x", "count", true),
        ("allow if input.a == time.now_ns()", "", "time.now_ns", false),
        ("allow if io.jwt.decode_verify(input.a, {\"secret\": data.k})[0]", "k", "io.jwt.decode_verify", false),
        ("allow if startswith(input.a, data.x)\nunused if rand.intn(\"a\", 3) == 1", "x", "startswith", true),
    ] {
        let loaded = load(source(rules), &Shelf::default(), &[]).map_err(|error| error.to_string()).unwrap();
        let shown = match &loaded.footprint().data {
            Reads::Whole => "*".to_owned(),
            Reads::Parts(parts) => parts.iter().map(|part| part.join(".")).collect::<Vec<_>>().join(" "),
        };
        let called: Vec<&str> = loaded.builtins().iter().map(|builtin| builtin.name).collect();
        assert_eq!((&*shown, &*called.join(" "), loaded.deterministic()), (data, builtins, deterministic), "{rules}");
    }
}

#[test]
fn what_the_document_lacks_must_not_be_read() {
    let lacks = crate::request::unprovided(&crate::request::Shape::default());
    let load = |rules: &str, unprovided: &[_]| {
        let text = format!("package envoy.authz\n{rules}");
        let modules = vec![Module { name: "p.rego".to_owned(), text }];
        let program = Program::Source { modules, version: RegoVersion::V1 };
        load(Policy { program, ..planned("{}", "") }, &Shelf::default(), unprovided).map(|_| ())
    };
    for (rules, member) in [
        ("allow if input.attributes.source.address.socketAddress.address == \"::1\"", "attributes.source.address"),
        ("import input.attributes.source as s\nallow if s.address", "attributes.source.address"),
        ("allow if { some x in input.attributes.source; x }", "attributes.source.address"),
        ("allow if { k := \"source\"; input.attributes[k] }", "attributes.source.address"),
        ("allow if f(input)\nf(x) if x.attributes", "attributes.source.address"),
        ("allow if { a := input.attributes; a.source.address }", "attributes.source.address"),
        ("allow if { some k in [\"attributes\"]; input[k].source.address }", "attributes.source.address"),
        ("allow if input.attributes.contextExtensions.team == \"a\"", "attributes.contextExtensions"),
    ] {
        let Err(LoadError::Invalid(message)) = load(rules, &lacks) else { panic!("loaded: {rules}") };
        assert!(message.contains(&format!("may read input.{member},")), "{rules}: {message}");
        assert_eq!(load(rules, &[]), Ok(()), "{rules}");
    }
    for rules in ["allow if input.attributes.source.principal == \"a\"", "allow if input.attributes.request.http.host"]
    {
        assert_eq!(load(rules, &lacks), Ok(()), "{rules}");
    }
}
