//! What came with the configuration → something that evaluates, or why it cannot.

use super::EvalError;
use crate::builtins::{Builtin, Context};
use crate::config::{Policy, Program};
use crate::plan::{Entry, Footprint, Passes, Plan, PlanError, Reads, Scratch};
use crate::policy::{self, DecisionPath};
use crate::request::Unprovided;
use crate::shelf::Shelf;
use regorus::Value;
use sha2::{Digest as _, Sha256};
use std::rc::Rc;

/// A policy that is ready to be evaluated.
pub struct Loaded {
    pub(super) runner: Planned,
    footprint: Rc<Footprint>,
    /// One line for the operator: which way it is evaluated, and why.
    pub summary: String,
}

impl Loaded {
    /// A decision that is ready; refuses one that reads what would look absent and is not.
    fn new(
        plan: Rc<Plan>,
        entry: Entry,
        data: Value,
        summary: String,
        unprovided: &[Unprovided],
    ) -> Result<Self, LoadError> {
        let footprint =
            plan.footprint(entry).cloned().ok_or_else(|| LoadError::Invalid("no such entry point".to_owned()))?;
        check_reads(&footprint.input, unprovided)?;
        Ok(Self { runner: Planned { plan, entry, data }, footprint, summary })
    }

    /// What the decision reads: `input`, `data`, builtins.
    #[must_use]
    pub fn footprint(&self) -> &Footprint {
        &self.footprint
    }

    /// The parts of `input` that the decision reads.
    #[must_use]
    pub fn reads(&self) -> &Reads {
        &self.footprint.input
    }

    /// The builtins that the decision may call, by name.
    #[must_use]
    pub fn builtins(&self) -> &[&'static Builtin] {
        &self.footprint.builtins
    }

    /// Whether the decision depends on `input` and `data` only: every builtin it may call is a function of its
    /// arguments.
    #[must_use]
    pub fn deterministic(&self) -> bool {
        self.footprint.is_deterministic()
    }
}

/// A plan, the decision in it and its data.
pub(super) struct Planned {
    plan: Rc<Plan>,
    entry: Entry,
    data: Value,
}

/// Why a policy cannot be evaluated here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadError {
    /// It may well be a policy; the inline engine does not have what it needs, or may answer otherwise than OPA.
    Unsupported(String),
    /// It is no policy that OPA would take.
    Invalid(String),
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unsupported(message) | Self::Invalid(message) => f.write_str(message),
        }
    }
}

/// Makes a policy ready: each of its decisions, in the order of [`Policy::paths`].
///
/// `unprovided` is what the input document will lack ([`crate::request::unprovided`]).
/// Pure but for the shelf, which changes the cost and never the outcome; bounded by counts.
///
/// The errors say why a decision cannot be evaluated here.
pub fn load(policy: &Policy, shelf: &Shelf, unprovided: &[Unprovided]) -> Vec<Result<Loaded, LoadError>> {
    let paths = policy.paths();
    match &policy.program {
        Program::Plan(bytes) => {
            let taken =
                shelf.plans.take(Sha256::digest(bytes).into(), || Plan::load(bytes, Passes::ALL)).map_err(refused);
            let of_path = |path| {
                let (plan, kept) = taken.clone()?;
                of_plan(plan, kept, policy.data.clone(), path, unprovided)
            };
            paths.map(of_path).collect()
        }
        Program::Source { modules, version } => {
            let of_path = |path| {
                let loaded = policy::load(modules, policy.data.clone(), path, *version)
                    .map_err(|error| LoadError::Unsupported(error.to_string()))?;
                let policy::Loaded { plan, entry, data } = loaded;
                let count = modules.len();
                let summary = format!("the policy is compiled from source ({count} modules), decision {path}");
                Loaded::new(Rc::new(plan), entry, data, summary, unprovided)
            };
            paths.map(of_path).collect()
        }
    }
}

/// A policy must not read what would look absent and is not. No remote OPA helps: it would get the same document.
fn check_reads(reads: &Reads, unprovided: &[Unprovided]) -> Result<(), LoadError> {
    let reads_it = |member: &Unprovided| match reads {
        Reads::Whole => member.counts_in_whole,
        Reads::Parts(parts) => parts.iter().any(|part| {
            let alike = part.iter().zip(member.path).all(|(key, name)| key == name);
            alike && (member.counts_in_whole || part.len() >= member.path.len())
        }),
    };
    match unprovided.iter().find(|member| reads_it(member)) {
        Some(member) => Err(LoadError::Invalid(format!(
            "the policy may read input.{}, which is not there: {}",
            member.path.join("."),
            member.why
        ))),
        None => Ok(()),
    }
}

/// A decision of a plan; `kept`: the plan was in use already.
fn of_plan(
    plan: Rc<Plan>,
    kept: bool,
    data: Value,
    path: &DecisionPath,
    unprovided: &[Unprovided],
) -> Result<Loaded, LoadError> {
    let Some(entry) = plan.entry(&path.to_string()) else {
        let known: Vec<&str> = plan.entry_points().collect();
        return Err(LoadError::Invalid(format!(
            "the plan has no entry point {path}, only {}; build it with opa build -t plan -e {path}",
            known.join(", ")
        )));
    };
    let kept = if kept { ", kept from the configuration before; its data is new" } else { "" };
    let summary = format!("the policy is evaluated as a plan, decision {path}{kept}");
    Loaded::new(plan, entry, data, summary, unprovided)
}

fn refused(error: PlanError) -> LoadError {
    match error {
        PlanError::NotInline(names) => LoadError::Unsupported(format!("not available inline: {}", names.join(", "))),
        PlanError::Invalid { .. } => LoadError::Invalid(error.to_string()),
    }
}

impl Planned {
    /// The decision; [`Value::Undefined`] if it is undefined.
    pub(super) fn evaluate(
        &self,
        input: &Value,
        context: &mut Context,
        scratch: &mut Scratch,
    ) -> Result<Value, EvalError> {
        let solutions = self.plan.evaluate(self.entry, input, &self.data, context, scratch)?;
        match solutions.as_slice() {
            [] => Ok(Value::Undefined),
            [bindings] => match bindings.as_object() {
                Ok(members) => Ok(members.get(&Value::from("result")).cloned().unwrap_or(Value::Undefined)),
                Err(_) => Err(EvalError::Other("the plan's result".to_owned())),
            },
            _ => Err(EvalError::Other("the plan gives several results".to_owned())),
        }
    }
}
