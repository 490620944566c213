//! OPA's cases and OPA's answers, as the oracle writes them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sark_integration::oracle::tagged;
use serde::Deserialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;

#[derive(Deserialize)]
pub struct Case {
    pub name: String,
    pub version: String,
    pub folder: String,
    pub question: Question,
    pub answer: Answer,
    /// The answer in the default mode, if the case asks in strict mode.
    pub lenient: Option<Answer>,
    /// How OPA answers other than the file of the case wants.
    pub unexpected: Option<String>,
}

#[derive(Deserialize)]
pub struct Question {
    #[serde(default)]
    pub v0: bool,
    pub modules: BTreeMap<String, String>,
    pub data: Option<Json>,
    pub input: Option<Json>,
    pub query: String,
    #[serde(default)]
    pub strict: bool,
}

#[derive(Deserialize)]
pub struct Answer {
    pub result: Option<Vec<Json>>,
    pub error: Option<OpaError>,
    pub plan: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
pub struct OpaError {
    pub code: String,
    pub message: String,
}

/// The solutions of a query, each the canonical text of its bindings.
pub type Solutions = BTreeSet<String>;

pub enum Expected {
    Solutions(Solutions),
    /// The evaluation ends because rules gave two values.
    Conflict,
    /// The evaluation ends in another error, or OPA refuses the policy; says why.
    Error(String),
}

impl Answer {
    pub fn expected(&self) -> Expected {
        match (&self.result, &self.error) {
            (Some(result), None) => Expected::Solutions(result.iter().map(tagged::canonical).collect()),
            (_, Some(error)) if error.code == "eval_conflict_error" => Expected::Conflict,
            (_, Some(error)) => Expected::Error(error.message.clone()),
            (None, None) => panic!("the oracle gave neither a result nor an error"),
        }
    }
}

impl Case {
    /// OPA's answer in the mode in which requests are decided.
    pub fn default_answer(&self) -> &Answer {
        self.lenient.as_ref().unwrap_or(&self.answer)
    }
}

impl Question {
    /// The data document; an error if it holds a number that production refuses.
    pub fn data(&self) -> Result<regorus::Value, String> {
        self.data.as_ref().map_or_else(|| Ok(regorus::Value::new_object()), tagged::read)
    }

    /// The input document, undefined if there is none.
    pub fn input(&self) -> Result<regorus::Value, String> {
        self.input.as_ref().map_or(Ok(regorus::Value::Undefined), tagged::read)
    }
}

/// As a person reads it.
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}{}", self.query, if self.strict { ", strict" } else { "" })?;
        for (name, text) in &self.modules {
            writeln!(f, "--- {name}\n{}", text.trim_end())?;
        }
        for (name, value) in [("data", &self.data), ("input", &self.input)] {
            if let Some(value) = value {
                writeln!(f, "--- {name}\n{value}")?;
            }
        }
        Ok(())
    }
}
