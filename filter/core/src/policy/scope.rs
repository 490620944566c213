//! Local variables of one rule.

use std::collections::BTreeMap;

use regorus::unstable::Span;

use super::error::PolicyError;
use super::heads::{Index, ModuleInfo, Path};
use super::weight::Weight;

/// What is known of a value before any request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An integer.
    Integer,
    /// A string, boolean, null or number.
    Scalar,
    /// A value without sets in it: all of `input` and `data`.
    Json,
    /// A set.
    Set,
    /// Anything.
    Any,
}

impl Kind {
    /// What a part of such a value is.
    pub(super) const fn part(self) -> Self {
        match self {
            Self::Integer | Self::Scalar | Self::Json => Self::Json,
            Self::Set | Self::Any => Self::Any,
        }
    }

    /// The kind of a value that is of one of two kinds.
    pub(super) fn join(self, other: Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a,
            (a, b) if a.is_scalar() && b.is_scalar() => Self::Scalar,
            (a, b) if a.is_json() && b.is_json() => Self::Json,
            _ => Self::Any,
        }
    }

    /// No set can be in it.
    pub(super) const fn is_json(self) -> bool {
        matches!(self, Self::Integer | Self::Scalar | Self::Json)
    }

    /// It is no collection.
    pub(super) const fn is_scalar(self) -> bool {
        matches!(self, Self::Integer | Self::Scalar)
    }
}

/// A local variable.
#[derive(Debug, Clone)]
pub(super) struct Local {
    pub kind: Kind,
    pub weight: Weight,
    /// `some x` was seen, but no reference that gives it a value.
    pub open: bool,
    /// It is exactly this path below `input`.
    pub input: Option<Path>,
    /// It belongs to an `every`, whose variables regorus takes for unbound where they are an index.
    pub every: bool,
}

impl Local {
    /// A variable that has a value.
    pub(super) const fn bound(kind: Kind, weight: Weight) -> Self {
        Self { kind, weight, open: false, input: None, every: false }
    }
}

/// The local variables in sight, innermost scope last.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    scopes: Vec<BTreeMap<String, Local>>,
}

impl Scopes {
    pub(super) fn push(&mut self) {
        self.scopes.push(BTreeMap::new());
    }

    pub(super) fn pop(&mut self) {
        self.scopes.pop();
    }

    pub(super) fn get(&self, name: &str) -> Option<&Local> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name))
    }

    /// The variable is declared in the innermost scope.
    pub(super) fn is_innermost(&self, name: &str) -> bool {
        self.scopes.last().is_some_and(|scope| scope.contains_key(name))
    }

    /// Gives the open variables among `names` a value.
    pub(super) fn bind(&mut self, names: &BTreeMap<String, (Kind, Weight)>) {
        for (name, (kind, weight)) in names {
            if let Some(local) = self.scopes.iter_mut().rev().find_map(|scope| scope.get_mut(name)) {
                local.open = false;
                local.kind = *kind;
                local.weight = *weight;
            }
        }
    }

    /// Declares a variable. A name that already means something is refused: regorus and OPA do not
    /// agree on which of the two it is in every place.
    pub(super) fn declare(
        &mut self,
        index: &Index,
        module: &ModuleInfo,
        span: &Span,
        local: Local,
    ) -> Result<(), PolicyError> {
        let name = span.text();
        let mut rule = module.package.clone();
        rule.push(name.to_owned());
        let taken = if self.get(name).is_some() {
            "another variable in sight"
        } else if index.names.contains_key(&rule) {
            "a rule of the package"
        } else if module.aliases.contains_key(name) {
            "an import"
        } else if matches!(name, "input" | "data") {
            "a document"
        } else if super::builtins::is_operator(name) {
            "an operator"
        } else {
            if let Some(scope) = self.scopes.last_mut() {
                scope.insert(name.to_owned(), local);
            }
            return Ok(());
        };
        Err(PolicyError::at(span, format!("variable `{name}` has the name of {taken}; rename it")))
    }
}
