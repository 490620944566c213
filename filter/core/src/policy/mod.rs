//! Rego text → a prepared regorus engine, or a refusal that names the construct.
//!
//! One principle rules this room: **slow and narrow, but never wrong**. regorus' interpreter answers
//! some ordinary Rego otherwise than OPA, now and then in the direction that lets a request pass
//! (`docs/configuration.md`, design decision 1). So [`load`] lets through only what is known to be
//! answered exactly as OPA answers it, and refuses the rest with file, line, column and a hint.
//!
//! The way of a policy through this room, each step a file:
//!
//! 1. [`text`]: sizes, nesting and token counts, before regorus' parser sees the text
//! 2. regorus parses; [`error`] turns its messages into ours
//! 3. [`heads`]: packages, imports and rule heads → an index of every rule
//! 4. [`body`] and [`expression`] (with [`scope`], [`reference`], [`call`], [`negation`], [`input`], [`table`]): every statement
//! 5. [`graph`]: recursion and depth of evaluation
//!    and [`tree`]: objects that may be empty, and [`weight`]: how large values become
//! 6. [`document`]: the data document against the rules
//! 7. [`entry`]: the wrapper rule that is evaluated, and the engine made ready
//!
//! All of it is a pure function of its arguments and bounded by counts, never by a clock: what one
//! worker accepts, every worker accepts.

mod body;
mod builtins;
pub mod bundle;
mod call;
mod document;
mod entry;
mod error;
mod expression;
mod glob;
mod graph;
mod guards;
mod heads;
mod input;
mod json;
mod literal;
mod negation;
mod path;
mod pattern;
mod reference;
mod scope;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod tree;
mod weight;

pub use entry::{Loaded, load};
pub use error::PolicyError;
pub use path::DecisionPath;

/// The language of a module that does not say it by an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RegoVersion {
    /// Rego as before OPA 1.0: `rego_version: 0`, `--v0-compatible`.
    V0,
    /// Rego of OPA 1.0 and later.
    #[default]
    V1,
}

/// One Rego module as the operator wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// File name, as shown in error messages. Any text without control characters.
    pub name: String,
    /// Rego v1 source, at most 1 MiB and 20,000 lines of at most 65,535 columns.
    pub text: String,
}
