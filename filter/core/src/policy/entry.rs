//! [`load`]: all steps in their order, and the engine made ready.

use regorus::unstable::{Module as Syntax, Ref, Source, Span};
use regorus::{Engine, PolicyLengthConfig, Value};

use super::emit::{self, Emitted};
use super::error::PolicyError;
use super::graph;
use super::index::Index;
use super::path::DecisionPath;
use super::text;
use super::units;
use super::{Module, RegoVersion};
use crate::plan::{Entry, Plan};

/// A policy that is ready to be evaluated.
pub struct Loaded {
    /// The program.
    pub plan: Plan,
    /// What is asked of it.
    pub entry: Entry,
    /// The data document.
    pub data: Value,
}

/// Loads a policy, or says why it cannot be decided inline.
///
/// `data` is the `data` document, an object. A `path` that no rule serves is no error: its decision
/// is undefined.
///
/// # Errors
///
/// The first construct, in order of modules and lines, that OPA refuses or that is not known to be answered exactly
/// as OPA does.
pub fn load(modules: &[Module], data: Value, path: &DecisionPath, version: RegoVersion) -> Result<Loaded, PolicyError> {
    check_texts(modules)?;
    let syntaxes = parse(modules, version)?;
    let index = Index::build(&syntaxes)?;
    let units = units::build(&index, path, &nowhere()?)?;
    let entry = units.len().saturating_sub(1);
    let order = graph::check(&units, entry)?;
    super::document::check(&index, &data)?;
    let Emitted { program, called, builtins } = emit::emit(&units, &order, &path.to_string())?;
    Plan::check_depth(&program).map_err(|error| PolicyError::general(error.to_string()))?;
    let plan = Plan::of(program, called, builtins);
    let entry = plan.entry(&path.to_string()).ok_or_else(|| PolicyError::general("the decision is missing"))?;
    Ok(Loaded { plan, entry, data })
}

fn check_texts(modules: &[Module]) -> Result<(), PolicyError> {
    if modules.len() > text::MAX_MODULES {
        return Err(PolicyError::general(format!(
            "has {} modules, at most {} are allowed",
            modules.len(),
            text::MAX_MODULES
        )));
    }
    let mut budget = text::Budget::new();
    for module in modules {
        if module.name.is_empty() || module.name.chars().any(char::is_control) {
            return Err(PolicyError::general("a module's name must be a line of text"));
        }
        text::check(&module.name, &module.text, &mut budget)?;
    }
    Ok(())
}

/// Nothing but regorus' parser: what it makes of the modules is never evaluated.
fn parse(modules: &[Module], version: RegoVersion) -> Result<Vec<Ref<Syntax>>, PolicyError> {
    let mut parser = Engine::new();
    parser.set_rego_v0(version == RegoVersion::V0);
    parser.set_policy_length_config(PolicyLengthConfig {
        max_col: text::MAX_COLUMNS,
        max_file_bytes: text::MAX_BYTES,
        max_lines: text::MAX_LINES,
    });
    for module in modules {
        parser
            .add_policy(module.name.clone(), module.text.clone())
            .map_err(|error| PolicyError::from_regorus(&error.to_string(), &[&module.name]))?;
    }
    Ok(parser.get_modules().clone())
}

/// The place of what stands in no module.
fn nowhere() -> Result<Span, PolicyError> {
    let source = Source::from_contents("the configuration".to_owned(), String::new())
        .map_err(|error| PolicyError::general(error.to_string()))?;
    Ok(Span { source, line: 1, col: 1, start: 0, end: 0 })
}
