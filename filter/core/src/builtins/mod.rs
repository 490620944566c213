//! OPA's builtins, as both ways of evaluation call them: one folder, one file a family, one table.
//!
//! A builtin answers exactly as OPA does, or it says that it cannot ([`Failure::Inexact`]); it never answers
//! otherwise. What OPA's builtin refuses with an error is [`Failure::Error`], which the evaluation turns into
//! *undefined*, as OPA does by default.

mod aggregates;
mod args;
mod arrays;
mod bits;
mod bounded;
mod context;
mod crypto;
mod encoding;
mod globs;
mod graphs;
mod json;
#[cfg(feature = "jwt")]
mod jwt;
mod memory;
mod net;
mod numbers;
mod objects;
mod operands;
mod operators;
pub(crate) mod order;
mod percent;
#[cfg(feature = "jwt")]
#[cfg_attr(not(feature = "x509"), allow(dead_code, unused_imports, reason = "crypto.x509 reads the rest"))]
mod pki;
mod regexes;
mod rego_text;
mod schema;
mod semver;
mod sets;
mod sprintf;
mod strings;
pub(crate) mod time;
mod types;
mod unicode;
mod units;
mod uri;
mod uuid;
#[cfg(feature = "x509")]
mod x509;

#[cfg(test)]
pub(crate) mod tests;

pub use context::{Context, Moment};
pub use memory::Memory;
pub(crate) use order::{FREE_BYTES, equal_paid};
pub(crate) use rego_text::is_double;

use crate::engine::EvalError;
use regorus::Value;
use std::borrow::Cow;

/// Why a call gave no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// OPA's builtin gives an error for these arguments as well: the call is undefined, in strict mode the evaluation
    /// ends. The text is for operators and never holds values of the request.
    Error(Cow<'static, str>),
    /// What OPA answers cannot be computed here (a number beyond a double, a pattern that is too large, …). The
    /// evaluation ends: undefined would be an answer, and `not` would make it true.
    Inexact(&'static str),
    /// A budget is used up. The evaluation ends.
    Stop(EvalError),
}

impl Failure {
    /// A call with another number of arguments than the table says, which the callers rule out.
    const ARITY: Self = Self::Inexact("a builtin was called with a wrong number of arguments");
}

/// One of our own functions. It is given exactly [`Builtin::arity`] arguments, none of them [`Value::Undefined`].
pub type Function = fn(&mut Context, &[Value]) -> Result<Value, Failure>;

/// What a builtin's answer depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purity {
    /// On its arguments only.
    Pure,
    /// Also on the moment of the request ([`Moment::now_ns`]).
    Clock,
    /// Also on chance ([`Moment::seed`]); one value per request and arguments.
    Random,
}

/// One row of the table.
#[derive(Debug)]
pub struct Builtin {
    /// OPA's name.
    pub name: &'static str,
    /// Number of arguments, without the result.
    pub arity: usize,
    /// What the answer depends on.
    pub purity: Purity,
    /// Who computes the value.
    pub run: Function,
}

/// A pure builtin of ours.
const fn own(name: &'static str, arity: usize, function: Function) -> Builtin {
    Builtin { name, arity, purity: Purity::Pure, run: function }
}

/// A builtin of ours that depends on the moment of the request.
const fn clock(name: &'static str, arity: usize, function: Function) -> Builtin {
    Builtin { name, arity, purity: Purity::Clock, run: function }
}

/// A builtin of ours that depends on chance.
const fn random(name: &'static str, arity: usize, function: Function) -> Builtin {
    Builtin { name, arity, purity: Purity::Random, run: function }
}

/// Every family's part of the table.
const FAMILIES: &[&[Builtin]] = &[
    aggregates::TABLE,
    arrays::TABLE,
    bits::TABLE,
    crypto::TABLE,
    encoding::TABLE,
    globs::TABLE,
    graphs::TABLE,
    json::TABLE,
    #[cfg(feature = "jwt")]
    jwt::TABLE,
    net::TABLE,
    numbers::TABLE,
    objects::TABLE,
    operators::TABLE,
    regexes::TABLE,
    schema::TABLE,
    semver::TABLE,
    sets::TABLE,
    sprintf::TABLE,
    strings::TABLE,
    time::TABLE,
    types::TABLE,
    units::TABLE,
    uri::TABLE,
    uuid::TABLE,
    #[cfg(feature = "x509")]
    x509::TABLE,
];

/// The whole table.
pub fn all() -> impl Iterator<Item = &'static Builtin> {
    FAMILIES.iter().copied().flatten()
}

/// The builtin of that name, if it is available inline.
#[must_use]
pub fn find(name: &str) -> Option<&'static Builtin> {
    all().find(|builtin| builtin.name == name)
}
