//! OPA's plans (`opa build -t plan`): loaded, checked, optimised and run.
//!
//! The way of a plan: [`raw`] reads `plan.json` as it is written, [`lower`] checks everything and makes a tree whose
//! locals are slots, [`optimise`] rewrites the tree, [`emit`] makes flat code of it, [`run`] runs that. What a
//! statement means is what OPA's own wasm compiler makes of it (`internal/compiler/wasm/wasm.go`).

mod access;
mod choice;
mod code;
mod emit;
mod error;
mod lower;
mod optimise;
mod paths;
mod place;
pub(crate) mod program;
mod raw;
mod reach;
mod reads;
mod run;
#[cfg(test)]
mod tests;

pub(crate) use code::CalledBuiltin;
pub use error::PlanError;
pub use optimise::Passes;
pub use reads::{Document, Footprint, Read, Reads, Reason, Why};
pub use run::Scratch;

use crate::builtins::Context;
use crate::engine::EvalError;
use code::{Code, Routine};
use emit::Emitter;
use lower::{Called, Lowered};
use paths::Paths;
use program::Program;
use reach::Reach;
use regorus::Value;
use std::collections::BTreeSet;
use std::rc::Rc;

/// A loaded plan: never changes, can be shared, knows neither input nor data.
pub struct Plan {
    code: Code,
    entry_names: Vec<String>,
    /// By entry point.
    footprints: Vec<Rc<Footprint>>,
}

/// The plan's builtins made ready, by index; refuses if one is missing that is called.
fn link(reach: &Reach, builtins: Vec<Called>) -> Result<Vec<Option<CalledBuiltin>>, PlanError> {
    let (mut ready, mut missing) = (Vec::new(), BTreeSet::new());
    for (index, Called { name, found, .. }) in (0..).zip(builtins) {
        if found.is_none() && reach.builtins.contains(&index) {
            missing.insert(name);
        }
        ready.push(found.map(CalledBuiltin::of));
    }
    if missing.is_empty() { Ok(ready) } else { Err(PlanError::NotInline(missing.into_iter().collect())) }
}

/// An entry point of the plan that handed it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry(usize);

impl Plan {
    /// Loads `plan.json`. Costs what its size says, whatever it holds, and never panics.
    ///
    /// # Errors
    /// The builtins that are not available inline, or the first thing that is not as OPA's planner writes it.
    pub fn load(json: &[u8], passes: Passes) -> Result<Self, PlanError> {
        let Lowered { program, builtins } = lower::lower(raw::read(json)?)?;
        let reach = Reach::of(&program, &program.entries);
        let ready = link(&reach, builtins)?;
        let mut plan = Self::assemble(program, &reach, ready, passes);
        plan.code.looks_into_data = true;
        Ok(plan)
    }

    /// A program that was written by ourselves. `called` are the functions behind the indexes of its builtins.
    pub(crate) fn of(program: Program, called: Vec<CalledBuiltin>) -> Self {
        let reach = Reach::of(&program, &program.entries);
        Self::assemble(program, &reach, called.into_iter().map(Some).collect(), Passes::ALL)
    }

    fn assemble(mut program: Program, reach: &Reach, builtins: Vec<Option<CalledBuiltin>>, passes: Passes) -> Self {
        // Before any pass, so that it does not depend on them.
        let footprints = reads::footprints(&mut program, reach, &builtins);
        optimise::run(&mut program, passes);
        let chosen_from = passes.index.then_some(&program.constants);
        let mut emitter = Emitter::new(chosen_from);
        let functions = program.functions.iter().zip(&reach.functions);
        let functions = functions.map(|(function, reached)| emitter.function(function, *reached)).collect();
        let entries = program.entries.iter().map(|entry| emitter.entry(entry)).collect();
        let (operations, places) = emitter.finish();
        let Program { constants, functions: trees, entries: names, files } = program;
        let paths = Paths::new(&trees);
        let code =
            Code { operations, places, functions, entries, constants, builtins, paths, files, looks_into_data: false };
        let entry_names = names.into_iter().map(|entry| entry.name).collect();
        Self { code, entry_names, footprints }
    }

    /// Checks that what is alive at the same time is bounded.
    ///
    /// # Errors
    /// The function that could exceed a bound.
    pub(crate) fn check_depth(program: &Program) -> Result<(), PlanError> {
        lower::check_depth(program)
    }

    /// The names of what can be asked, as the plan has them: `envoy/authz/allow`.
    pub fn entry_points(&self) -> impl Iterator<Item = &str> {
        self.entry_names.iter().map(String::as_str)
    }

    /// The entry point of a name.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<Entry> {
        self.entry_names.iter().position(|entry| entry == name).map(Entry)
    }

    /// What an entry point reads; `None` for one of another plan.
    #[must_use]
    pub fn footprint(&self, entry: Entry) -> Option<&Rc<Footprint>> {
        self.footprints.get(entry.0)
    }

    /// Evaluates an entry point: its result set, one object of bindings a solution, such as `{"result": true}`. Empty:
    /// undefined. `context` has the budget, `scratch` the memory, which is empty again afterwards.
    ///
    /// # Errors
    /// No answer, by cause.
    pub fn evaluate(
        &self,
        entry: Entry,
        input: &Value,
        data: &Value,
        context: &mut Context,
        scratch: &mut Scratch,
    ) -> Result<Vec<Value>, EvalError> {
        let routine = self.code.entries.get(entry.0).copied();
        let routine: Routine = routine.ok_or_else(|| EvalError::Other("an entry point of another plan".to_owned()))?;
        run::evaluate(&self.code, routine, input, data, context, scratch)
    }
}
