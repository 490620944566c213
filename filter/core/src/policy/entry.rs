//! [`load`]: all checks in their order, the wrapper rule, and the engine made ready.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Module as Syntax, Ref, Rule};
use regorus::{Engine, PolicyLengthConfig, Value};

use super::body::{self, Definition, Known};
use super::builtins;
use super::document;
use super::error::PolicyError;
use super::graph::{Graph, Uses};
use super::heads::{self, Index, ModuleInfo, Path, Shape};
use super::path::DecisionPath;
use super::scope::Kind;
use super::table::Checked;
use super::text;
use super::tree::{self, WholeRead};
use super::weight::Weight;
use super::{Module, RegoVersion};

/// Where the rule that is evaluated lives. No package or data key of the operator may begin so.
pub(super) const PRIVATE_PACKAGE: &str = "sark_internal";

/// A policy that is ready to be evaluated.
pub struct Loaded {
    /// The engine: modules parsed, data set, everything prepared. Set the input and evaluate
    /// [`entry`](Self::entry).
    ///
    /// Builtin errors make an expression undefined, as in OPA. What cannot be answered as OPA would
    /// (conflicting rules, a builtin outside the arguments it is proven for, a type error in an
    /// operator) is an `Err` of the evaluation, which must never become an allow.
    pub engine: Engine,
    /// Path of the rule whose value is the decision, for [`Engine::eval_rule`].
    /// [`Value::Undefined`] if the decision path is served by no rule.
    pub entry: String,
}

/// Loads a policy for the interpreter, or says why it cannot be decided inline.
///
/// `data` is the `data` document, an object. A `path` that no rule serves is no error: its decision
/// is undefined.
///
/// # Errors
///
/// The first construct, in order of modules and lines, that OPA refuses or that regorus is not known
/// to answer exactly as OPA does.
pub fn load(modules: &[Module], data: Value, path: &DecisionPath, version: RegoVersion) -> Result<Loaded, PolicyError> {
    check_texts(modules)?;
    let mut engine = Engine::new();
    // Lest regorus drop the error of one definition of a function when another has a value. What
    // OPA turns into undefined, the builtins' errors, our extensions turn into undefined.
    engine.set_strict_builtin_errors(true);
    engine.set_gather_prints(false);
    engine.set_rego_v0(version == RegoVersion::V0);
    engine.set_policy_length_config(PolicyLengthConfig {
        max_col: text::MAX_COLUMNS,
        max_file_bytes: text::MAX_BYTES,
        max_lines: text::MAX_LINES,
    });
    for module in modules {
        engine
            .add_policy(module.name.clone(), module.text.clone())
            .map_err(|error| PolicyError::from_regorus(&error.to_string(), &[&module.name]))?;
    }
    let syntaxes: Vec<Ref<Syntax>> = engine.get_modules().clone();
    check_syntax(&syntaxes, &data, path)?;
    drop(syntaxes);
    builtins::install(&mut engine)?;
    prepare(engine, modules, data, path)
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

fn check_syntax(syntaxes: &[Ref<Syntax>], data: &Value, path: &DecisionPath) -> Result<(), PolicyError> {
    let index = Index::build(syntaxes)?;
    let kinds = kinds_of(&index, data)?;
    let checked = Checked::default();
    let known = Known { data, kinds: &kinds, finally: true, checked: &checked, weights: None };
    let mut graph = Graph::default();
    let mut defined = BTreeSet::new();
    let mut reads = vec![WholeRead { span: None, path: path.pieces().to_vec() }];
    for definition in definitions(&index, known) {
        let definition = definition?;
        if definition.always {
            defined.insert(definition.path.clone());
        }
        for (path, span) in definition.reads {
            graph.add_tree(&index, &span, &path)?;
            reads.push(WholeRead { span: Some(span), path });
        }
        graph.add(definition.path, definition.uses);
    }
    add_entry(&mut graph, &index, path)?;
    let order = graph.check(&index)?;
    check_weights(&index, known, &order, path)?;
    tree::check(&index, &defined, &reads)?;
    document::check(&index, data)
}

/// Walks through every definition, in order of modules and lines.
fn definitions<'a>(index: &'a Index, known: Known<'a>) -> impl Iterator<Item = Result<Definition, PolicyError>> + 'a {
    index.modules.iter().flat_map(move |module| {
        let rules = module.syntax.policy.iter();
        rules.map(move |rule| body::check(index, module, known, rule))
    })
}

/// What the rules' values are. Each walk knows a little more than the one before; what is not known
/// after the last is [`Kind::Any`], which is always right.
fn kinds_of(index: &Index, data: &Value) -> Result<BTreeMap<Path, Kind>, PolicyError> {
    const WALKS: u32 = 8;
    let mut kinds = BTreeMap::new();
    let checked = Checked::default();
    for _ in 0..WALKS {
        let mut next: BTreeMap<Path, Kind> = BTreeMap::new();
        let known = Known { data, kinds: &kinds, finally: false, checked: &checked, weights: None };
        for definition in definitions(index, known) {
            let Definition { path, kind, .. } = definition?;
            let joined = next.get(&path).map_or(kind, |other| other.join(kind));
            next.insert(path, joined);
        }
        if next == kinds {
            break;
        }
        kinds = next;
    }
    Ok(kinds)
}

/// Bounds the values of all rules, given in an order in which each comes after what it uses.
fn check_weights(index: &Index, known: Known<'_>, order: &[&Path], decision: &DecisionPath) -> Result<(), PolicyError> {
    let mut rules: BTreeMap<Path, Vec<(&ModuleInfo, &Rule)>> = BTreeMap::new();
    for module in &index.modules {
        for rule in &module.syntax.policy {
            rules.entry(heads::head_of(&module.package, rule)?.path).or_default().push((module, rule));
        }
    }
    let mut weights: BTreeMap<Path, Weight> = BTreeMap::new();
    for &path in order {
        let mut whole = Weight::SCALAR;
        let Some(info) = index.rules.get(path) else {
            weights.insert(path.clone(), weight_below(index, &weights, path));
            continue;
        };
        let partial = matches!(info.shape, Shape::Set | Shape::Object);
        for (module, rule) in rules.get(path).into_iter().flatten() {
            let weight = body::check(index, module, Known { weights: Some(&weights), ..known }, rule)?.weight;
            whole = if partial { whole.and(weight) } else { whole.or(weight) };
        }
        whole.check(&info.span)?;
        let kind = known.kinds.get(path).copied().unwrap_or(Kind::Any);
        weights.insert(path.clone(), if kind.is_scalar() { Weight::SCALAR } else { whole });
    }
    match index.below(decision.pieces()).next() {
        Some((_, first)) => weight_below(index, &weights, decision.pieces()).check(&first.span),
        None => Ok(()),
    }
}

/// The weight of an object of rules.
fn weight_below(index: &Index, weights: &BTreeMap<Path, Weight>, path: &[String]) -> Weight {
    let values = index.below(path).filter(|(_, info)| !matches!(info.shape, Shape::Function(_)));
    values.fold(Weight::SCALAR, |whole, (rule, _)| {
        let levels = u32::try_from(rule.len().saturating_sub(path.len())).unwrap_or(u32::MAX);
        whole.and(weights.get(rule).copied().unwrap_or(Weight::SCALAR).below(levels))
    })
}

/// Adds the wrapper rule to the graph: it uses the rules at, above or below the decision path.
fn add_entry(graph: &mut Graph, index: &Index, path: &DecisionPath) -> Result<(), PolicyError> {
    let pieces = path.pieces();
    if pieces.first().is_some_and(|first| first.starts_with(PRIVATE_PACKAGE)) {
        return Err(PolicyError::general(format!("the decision path {path} is reserved")));
    }
    // regorus takes a package for evaluated once the first of its modules is.
    let packages = index.modules.iter().filter(|module| module.package.starts_with(pieces)).count();
    if packages > 1 {
        return Err(PolicyError::general(format!(
            "the decision path {path} is a package of several modules; name a rule"
        )));
    }
    let mut uses = Uses::default();
    for (rule, info) in &index.rules {
        if pieces.starts_with(rule) && matches!(info.shape, Shape::Function(_)) {
            return Err(PolicyError::at(&info.span, format!("the decision path {path} is a function; name a rule")));
        }
        if rule.starts_with(pieces) || pieces.starts_with(rule) {
            uses.add(rule.clone(), 1);
        }
    }
    graph.add(vec![PRIVATE_PACKAGE.to_owned()], uses);
    Ok(())
}

/// The private module. `ready` touches no rule of the policy; evaluating it makes regorus schedule
/// and prepare all of them.
fn wrapper(path: &DecisionPath) -> Result<String, PolicyError> {
    let mut keys = String::new();
    for piece in path.pieces() {
        let piece = serde_json::to_string(piece)
            .map_err(|error| PolicyError::general(format!("the decision path is no text: {error}")))?;
        keys.push('[');
        keys.push_str(&piece);
        keys.push(']');
    }
    Ok(format!("package {PRIVATE_PACKAGE}\n\ndecision := data{keys}\n\nready := true\n"))
}

fn prepare(mut engine: Engine, modules: &[Module], data: Value, path: &DecisionPath) -> Result<Loaded, PolicyError> {
    let files: Vec<&str> = modules.iter().map(|module| module.name.as_str()).collect();
    let refuse = |text: String| PolicyError::from_regorus(&text, &files);
    engine.add_policy(PRIVATE_PACKAGE.to_owned(), wrapper(path)?).map_err(|error| refuse(error.to_string()))?;
    engine.add_data(data).map_err(|error| refuse(error.to_string()))?;
    engine.set_input(Value::new_object());
    engine.eval_rule(format!("data.{PRIVATE_PACKAGE}.ready")).map_err(|error| refuse(error.to_string()))?;
    Ok(Loaded { engine, entry: format!("data.{PRIVATE_PACKAGE}.decision") })
}
