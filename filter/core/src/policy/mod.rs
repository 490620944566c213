//! Rego text → a program for the plan's machine, or a refusal that names the construct.
//!
//! One principle rules this room: **never wrong**. [`load`] lets through only what is answered exactly as OPA answers
//! it, and refuses the rest with file, line, column and a hint.
//!
//! regorus parses; its interpreter is not used, because it answers ordinary Rego otherwise than OPA, now and then in
//! the direction that lets a request pass. What OPA's compiler does with a module is done here instead, as far as the
//! language goes: names are resolved, bodies put into an order, references taken out of `not`, rules made functions.
//! The way of a policy through this room, each step a file:
//!
//! 1. [`text`]: sizes, nesting and token counts, before regorus' parser sees the text; [`error`] turns its messages
//!    into ours
//! 2. [`index`]: packages, imports and rule heads → an index of every rule
//! 3. [`resolve`] (with [`scope`] and [`negation`]): bodies in which every name is resolved, [`node`]
//! 4. [`lower`] and [`reference`]: the same in an order that can be run, in the language of [`core`]; [`units`] does
//!    it for every rule
//! 5. [`graph`]: recursion; [`document`]: the data document
//!    against the rules
//! 6. [`emit`]: the program, which calls OPA's builtins and, for what has a meaning of its own, [`helpers`]
//!
//! All of it is a pure function of its arguments and bounded by counts, never by a clock: what one
//! worker accepts, every worker accepts.

mod builtins;
pub mod bundle;
mod core;
mod document;
mod emit;
mod entry;
mod error;
mod exponent;
mod graph;
mod helpers;
mod index;
mod literal;
mod lower;
mod negation;
mod node;
mod path;
mod reference;
mod resolve;
mod scope;
#[cfg(test)]
mod tests;
mod text;
mod units;

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
