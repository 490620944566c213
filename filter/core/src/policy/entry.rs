//! [`load`]: all steps in their order, and the engine made ready.

use regorus::Value;
use regorus::unstable::{Module as Syntax, Parser, Ref, Source, Span};

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
    let Emitted { program, called } = emit::emit(&units, &order, &path.to_string())?;
    Plan::check_depth(&program).map_err(|error| PolicyError::general(error.to_string()))?;
    let plan = Plan::of(program, called);
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
    modules.iter().map(|module| parse_one(module, version)).collect()
}

fn parse_one(module: &Module, version: RegoVersion) -> Result<Ref<Syntax>, PolicyError> {
    let refuse = |error: &dyn std::fmt::Display| PolicyError::from_regorus(&error.to_string(), &[&module.name]);
    let (name, text) = (module.name.clone(), module.text.clone());
    let source = Source::from_contents_with_limits(name, text, text::MAX_BYTES, text::MAX_LINES)
        .map_err(|error| refuse(&error))?;
    let mut parser = Parser::new(&source).map_err(|error| refuse(&error))?;
    parser.set_max_col(text::MAX_COLUMNS);
    if version == RegoVersion::V1 {
        parser.enable_rego_v1().map_err(|error| refuse(&error))?;
    }
    parser.parse().map(Ref::new).map_err(|error| refuse(&error))
}

/// The place of what stands in no module.
fn nowhere() -> Result<Span, PolicyError> {
    let source = Source::from_contents("the configuration".to_owned(), String::new())
        .map_err(|error| PolicyError::general(error.to_string()))?;
    Ok(Span { source, line: 1, col: 1, start: 0, end: 0 })
}
