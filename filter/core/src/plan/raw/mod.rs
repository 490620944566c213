//! `plan.json` as OPA writes it (`v1/ir/ir.go`): types only, nothing is looked up yet.
//!
//! Read by a streaming deserialiser, never through a tree of JSON values. Unknown fields and unknown statement types
//! are refused: they are a planner that is newer than this evaluator. Nesting is bounded by `serde_json` (128 levels of
//! JSON, which are more than 25 of blocks; the deepest plan of OPA's conformance cases has 58 and 13).

mod fields;
mod statement;

pub use statement::{Action, Operand, Place, Statement};

use super::error::PlanError;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// A local variable of a function or an entry point.
pub type Local = u32;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Strings, names of builtins and of files.
    #[serde(rename = "static", default)]
    pub statics: Option<Static>,
    /// What can be asked.
    #[serde(default)]
    pub plans: Option<Plans>,
    /// Rules and functions.
    #[serde(default)]
    pub funcs: Option<Funcs>,
    /// Only for coverage reports.
    #[serde(default, rename = "unplanned_rules")]
    _unplanned_rules: Option<IgnoredAny>,
}

/// Static data.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Static {
    /// String constants, by index.
    #[serde(default)]
    pub strings: Option<Vec<Text>>,
    /// Every builtin that is called.
    #[serde(default)]
    pub builtin_funcs: Option<Vec<BuiltinFunc>>,
    /// File names, by index.
    #[serde(default)]
    pub files: Option<Vec<Text>>,
}

/// A string constant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// The string.
    pub value: String,
}

/// A builtin.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuiltinFunc {
    /// OPA's name.
    pub name: String,
    /// Its type.
    pub decl: Declaration,
}

/// The type of a builtin; only whether it has a result matters, so other fields are not looked at.
#[derive(Deserialize)]
pub struct Declaration {
    #[serde(default)]
    result: Option<IgnoredAny>,
}

impl Declaration {
    /// `print` and the like have none.
    pub const fn has_result(&self) -> bool {
        self.result.is_some()
    }
}

/// The list of entry points.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plans {
    /// In order.
    pub plans: Option<Vec<Plan>>,
}

/// An entry point.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// `envoy/authz/allow`.
    pub name: String,
    /// Run one after the other.
    pub blocks: Option<Vec<Block>>,
}

/// The list of functions.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Funcs {
    /// Called ones stand before their callers.
    pub funcs: Option<Vec<Func>>,
}

/// A rule or a function.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Func {
    /// `g0.data.envoy.authz.allow`.
    pub name: String,
    /// `input`, `data`, then the arguments.
    pub params: Vec<Local>,
    /// Where the result is collected.
    #[serde(rename = "return")]
    pub result: Local,
    /// Run one after the other.
    pub blocks: Option<Vec<Block>>,
    /// Where dynamic calls find it.
    #[serde(default)]
    pub path: Option<Vec<String>>,
}

/// Statements that run until one is undefined.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// In order.
    pub stmts: Option<Vec<Statement>>,
}

/// Reads a plan.
pub fn read(json: &[u8]) -> Result<Policy, PlanError> {
    serde_json::from_slice(json).map_err(|error| {
        let place = format!("plan.json:{}:{}", error.line(), error.column());
        let text = error.to_string();
        // serde_json repeats the place at the end.
        let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
        PlanError::invalid(place, message)
    })
}
