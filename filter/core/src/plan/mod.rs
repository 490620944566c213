//! OPA's plans (`opa build -t plan`): loaded, checked, optimised and run.
//!
//! The way of a plan: [`raw`] reads `plan.json` as it is written, [`lower`] checks everything and makes a tree whose
//! locals are slots, [`optimise`] rewrites the tree, [`emit`] makes flat code of it, [`run`] runs that. What a
//! statement means is what OPA's own wasm compiler makes of it (`internal/compiler/wasm/wasm.go`).

mod code;
mod emit;
mod error;
mod lower;
mod paths;
mod place;
pub(crate) mod program;
mod raw;
mod run;
#[cfg(test)]
mod tests;

pub(crate) use code::CalledBuiltin;
pub use error::PlanError;
pub use run::Scratch;

use crate::builtins::{Builtin, Context};
use crate::engine::EvalError;
use code::{Code, Routine};
use emit::Emitter;
use paths::Paths;
use regorus::Value;

/// A loaded plan: never changes, can be shared, knows neither input nor data.
pub struct Plan {
    code: Code,
    entry_names: Vec<String>,
    builtins: Vec<&'static Builtin>,
}

/// An entry point of the plan that handed it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry(usize);

/// Which optimiser passes run. The answers are the same with and without each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passes {}

impl Passes {
    /// Every pass.
    pub const ALL: Self = Self {};
    /// No pass: the plan as OPA planned it.
    pub const NONE: Self = Self {};
}

impl Plan {
    /// Loads `plan.json`. Costs what its size says, whatever it holds, and never panics.
    ///
    /// # Errors
    /// The builtins that are not available inline, or the first thing that is not as OPA's planner writes it.
    pub fn load(json: &[u8], _passes: Passes) -> Result<Self, PlanError> {
        let lower::Lowered { program, builtins } = lower::lower(raw::read(json)?)?;
        let called = builtins.iter().map(|called| (*called).into()).collect();
        Ok(Self::of(program, called, builtins.iter().map(|called| called.builtin).collect()))
    }

    /// A program that was checked, or written by ourselves. `called` are the functions behind the indexes of its
    /// builtins, `builtins` those of them that are OPA's.
    pub(crate) fn of(program: program::Program, called: Vec<CalledBuiltin>, builtins: Vec<&'static Builtin>) -> Self {
        let mut emitter = Emitter::default();
        let functions = program.functions.iter().map(|function| emitter.function(function)).collect();
        let entries = program.entries.iter().map(|entry| emitter.entry(entry)).collect();
        let (operations, places) = emitter.finish();
        let code = Code {
            operations,
            places,
            functions,
            entries,
            constants: program.constants,
            builtins: called,
            paths: Paths::new(&program.functions),
            files: program.files,
        };
        let entry_names = program.entries.into_iter().map(|entry| entry.name).collect();
        Self { code, entry_names, builtins }
    }

    /// Checks that what is alive at the same time is bounded.
    ///
    /// # Errors
    /// The function that could exceed a bound.
    pub(crate) fn check_depth(program: &program::Program) -> Result<(), PlanError> {
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

    /// The builtins it calls.
    pub fn builtins(&self) -> impl Iterator<Item = &'static Builtin> {
        self.builtins.iter().copied()
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
