//! From the plan as written to the checked tree. Everything that could go wrong later is refused here.
//!
//! Stricter than the IR, exactly as strict as what OPA's planner writes (shown on all conformance cases): a function
//! returns in its last block and nowhere else, what it calls stands before it (so nothing recurses), and no break
//! leaves a scan, a `with` or a `not`.

mod block;
mod depth;
mod slots;
mod tables;

use super::error::PlanError;
use super::program::{EntryPoint, Function, Program};
use super::raw::{self, Policy};
use block::Lowering;
use slots::Slots;
use std::collections::HashSet;
use tables::Tables;

pub use tables::Called;

/// A checked plan, and the builtins it calls by index.
pub struct Lowered {
    /// The tree.
    pub program: Program,
    /// Builtins of the plan.
    pub builtins: Vec<Called>,
}

/// Checks a plan.
pub fn lower(policy: Policy) -> Result<Lowered, PlanError> {
    let statics = policy.statics.unwrap_or_default();
    let mut tables = Tables::new(statics)?;
    let mut functions = Vec::new();
    for func in policy.funcs.and_then(|funcs| funcs.funcs).unwrap_or_default() {
        let name = func.name.clone();
        let function = function(func, &mut tables).map_err(|error| within(&name, error))?;
        tables.declare(&function).map_err(|message| PlanError::invalid(&name, message))?;
        functions.push(function);
    }
    let (mut entries, mut names) = (Vec::new(), HashSet::new());
    for plan in policy.plans.and_then(|plans| plans.plans).unwrap_or_default() {
        let name = plan.name.clone();
        if !names.insert(name.clone()) {
            return Err(PlanError::invalid(name, "a second entry point of this name"));
        }
        entries.push(entry(plan, &mut tables).map_err(|error| within(&name, error))?);
    }
    depth::check(&functions, &entries)?;
    let Tables { constants, files, builtins, .. } = tables;
    Ok(Lowered { program: Program { constants, functions, entries, files }, builtins })
}

/// Puts the function's name before the place.
fn within(name: &str, error: PlanError) -> PlanError {
    match error {
        PlanError::Invalid { place, message } if place.is_empty() => PlanError::invalid(name, message),
        PlanError::Invalid { place, message } => PlanError::invalid(format!("{name} at {place}"), message),
        other => other,
    }
}

fn function(func: raw::Func, tables: &mut Tables) -> Result<Function, PlanError> {
    let mut slots = Slots::with_parameters(&func.params).map_err(|message| PlanError::invalid("", message))?;
    let parameters = slots.len();
    if parameters < 2 {
        return Err(PlanError::invalid("", "a function without input and data"));
    }
    let mut blocks = func.blocks.unwrap_or_default();
    let last = blocks.pop().and_then(|block| block.stmts).unwrap_or_default();
    let [raw::Statement { action: raw::Action::ReturnLocal { source }, .. }] = last.as_slice() else {
        return Err(PlanError::invalid("", "its last block is not just a return"));
    };
    if *source != func.result {
        return Err(PlanError::invalid("", "it returns another local than it says"));
    }
    let result = slots.slot(func.result).map_err(|message| PlanError::invalid("", message))?;
    let blocks = Lowering::function(tables, &mut slots).blocks(blocks)?;
    Ok(Function {
        name: func.name,
        path: func.path.unwrap_or_default(),
        parameters,
        slots: slots.len(),
        memoised: parameters == 2,
        result,
        blocks,
    })
}

fn entry(plan: raw::Plan, tables: &mut Tables) -> Result<EntryPoint, PlanError> {
    let mut slots = Slots::with_parameters(&[0, 1]).map_err(|message| PlanError::invalid("", message))?;
    let blocks = Lowering::entry(tables, &mut slots).blocks(plan.blocks.unwrap_or_default())?;
    Ok(EntryPoint { name: plan.name, slots: slots.len(), blocks })
}

/// Checks that what is alive at the same time is bounded.
pub fn check_depth(program: &Program) -> Result<(), PlanError> {
    depth::check(&program.functions, &program.entries)
}
