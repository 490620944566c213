//! The source way: the modules of a case through the loader and the interpreter, as production does it.

use std::rc::Rc;

use sark_core::config::{Policy, Program};
use sark_core::engine::{self, Engine, EvalError, Shelf};
use sark_core::policy::{DecisionPath, Module, RegoVersion};
use sark_integration::oracle::tagged;
use serde_json::json;

use crate::case::{Case, Expected, Question, Solutions};
use crate::outcome::{Outcome, Way};
use crate::production;

pub fn run(case: &Case) -> Outcome {
    let question = &case.question;
    let Some((path, variable)) = decision(&question.query) else {
        return Outcome::Refused("the query is no decision: `data.a.b = x`".to_owned());
    };
    let expected = case.default_answer().expected();
    let (data, input) = match (question.data(), question.input()) {
        (Ok(data), Ok(input)) => (data, input),
        (Err(why), _) | (_, Err(why)) => return Outcome::Inexact(why),
    };
    match load(question, data, &path) {
        Ok(engine) => {
            Outcome::judge(Way::Source, &expected, &solutions(engine.evaluate(input, production::moment()), variable))
        }
        // OPA refuses it as well.
        Err(_) if matches!(&expected, Expected::Error(error) if error.contains("rego_compile_error")) => Outcome::Same,
        Err(why) => Outcome::Refused(why),
    }
}

/// Through the door that a configuration comes in by.
fn load(question: &Question, data: regorus::Value, path: &str) -> Result<Engine, String> {
    let modules = question.modules.iter().map(|(name, text)| Module { name: name.clone(), text: text.clone() });
    let version = if question.v0 { RegoVersion::V0 } else { RegoVersion::V1 };
    let policy = Policy {
        program: Program::Source { modules: modules.collect(), version },
        data,
        path: DecisionPath::parse(path)?,
        more_paths: Vec::new(),
        unsupported_goes_remote: false,
    };
    let loaded = engine::load(&policy, &Shelf::default(), &[]).remove(0);
    let loaded = loaded.map_err(|error| without_place(&error.to_string()))?;
    Ok(Engine::new(loaded, production::LIMITS, Rc::new(production::WallClock)))
}

/// `file:line:column: message` without what comes before the message.
fn without_place(error: &str) -> String {
    let is_place = |text: &str| text.contains(".rego") && !text.contains(' ');
    match error.split_once(": ") {
        Some((place, message)) if is_place(place) => message.to_owned(),
        _ => error.to_owned(),
    }
}

/// `data.a.b = x` asks for the decision `a/b`.
fn decision(query: &str) -> Option<(String, &str)> {
    let (reference, variable) = query.trim().split_once(" = ")?;
    let names: Vec<&str> = reference.strip_prefix("data.")?.split('.').collect();
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let names_all = names.iter().chain([&variable]).all(|name| is_name(name));
    (names_all && variable != "input" && variable != "data").then(|| (names.join("/"), variable))
}

fn solutions(value: Result<regorus::Value, EvalError>, variable: &str) -> Result<Solutions, EvalError> {
    match value {
        Ok(value) => Ok([tagged::canonical(&json!({variable: tagged::write(&value)}))].into()),
        Err(EvalError::Undefined) => Ok(Solutions::new()),
        Err(error) => Err(error),
    }
}
