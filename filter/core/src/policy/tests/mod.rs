//! Tests of the room as a whole. What OPA answers was asked of OPA 1.22.2.

mod accepted;
mod builtins;
mod bundle;
mod hazards;
mod limits;
mod loading;
mod refused;

use regorus::Value;

use super::{DecisionPath, Loaded, Module, PolicyError, RegoVersion, load};

/// Loads one module `p.rego` of package `t`, with the decision `data.t.x`.
fn load_rules(rules: &str) -> Result<Loaded, PolicyError> {
    load_with("{}", rules)
}

fn load_with(data: &str, rules: &str) -> Result<Loaded, PolicyError> {
    load_modules(data, &[("p.rego", &format!("package t\n{rules}"))], "t/x")
}

fn load_modules(data: &str, modules: &[(&str, &str)], path: &str) -> Result<Loaded, PolicyError> {
    let modules: Vec<Module> =
        modules.iter().map(|(name, text)| Module { name: (*name).to_owned(), text: (*text).to_owned() }).collect();
    load(&modules, json(data), &DecisionPath::parse(path).unwrap(), RegoVersion::V1)
}

fn json(text: &str) -> Value {
    Value::from_json_str(text).unwrap()
}

/// The decision for an input, as JSON; `undefined`, or `error: …`.
fn decide(loaded: &mut Loaded, input: &str) -> String {
    loaded.engine.set_input(json(input));
    match loaded.engine.eval_rule(loaded.entry.clone()) {
        Ok(Value::Undefined) => "undefined".to_owned(),
        Ok(value) => serde_json::to_string(&value).unwrap(),
        Err(error) => format!("error: {error}"),
    }
}

/// Loads `rules` and checks the decision for each input.
#[track_caller]
fn agree(rules: &str, cases: &[(&str, &str)]) {
    agree_with("{}", rules, cases);
}

#[track_caller]
fn agree_with(data: &str, rules: &str, cases: &[(&str, &str)]) {
    let mut loaded = match load_with(data, rules) {
        Ok(loaded) => loaded,
        Err(error) => panic!("{rules}: {error}"),
    };
    for (input, want) in cases {
        assert_eq!(decide(&mut loaded, input), *want, "{rules} for {input}");
    }
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
