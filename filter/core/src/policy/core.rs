//! The language between Rego and the plan's machine.
//!
//! Every rule of a policy is lowered, as OPA's own compiler does it, to bodies of the few statements below: each
//! variable is set once, every operand is a variable or a constant, and a body goes on where it ends.

use regorus::Value;
use regorus::unstable::Span;

/// A variable of one unit, set in one place.
pub(super) type Var = u32;

/// A rule, a function or an object of rules.
pub(super) type UnitId = usize;

/// An operand.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Term {
    Var(Var),
    Const(Value),
}

/// What gives a value, or none.
#[derive(Debug, Clone)]
pub(super) enum Op {
    Copy(Term),
    /// Constant keys below the input document.
    Input(Vec<String>),
    /// The data document, without any rule.
    Data,
    /// Key after key.
    Get(Term, Vec<Term>),
    Array(Vec<Term>),
    Set(Vec<Term>),
    Object(Vec<(Term, Term)>),
    /// One of our own functions.
    Helper(&'static str, Vec<Term>),
    /// One of OPA's builtins.
    Builtin(&'static str, Vec<Term>),
    /// A function of the policy.
    Function(UnitId, Vec<Term>),
    /// The value of a rule.
    Rule(UnitId),
    /// Two objects, merged; the first one's members win.
    Merge(Term, Term),
    /// What the ways give that hold.
    Collect(Kind, Vec<Way>),
}

/// What is made of what several ways give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Array,
    Set,
    /// Of a key and a value each; two values for one key are a conflict.
    Object,
    /// The one value, or none; two values are a conflict.
    Once,
}

/// A body and what it gives each time it holds.
#[derive(Debug, Clone)]
pub(super) struct Way {
    /// Documents that are others while it is evaluated.
    pub with: Vec<With>,
    pub body: Vec<Stmt>,
    /// One; key and value for an object.
    pub terms: Vec<Term>,
}

/// `with <document>.<path> as value`
#[derive(Debug, Clone)]
pub(super) struct With {
    pub document: Document,
    pub path: Vec<String>,
    pub value: Term,
}

/// What can be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Document {
    Input,
    Data,
}

/// A statement. Without a value, or where it does not hold, the body ends.
#[derive(Debug, Clone)]
pub(super) enum Stmt {
    /// What follows comes from here.
    At(Span),
    Let(Var, Op),
    /// The rest of the body, once for each member; what is no collection has none.
    Each {
        key: Var,
        value: Var,
        of: Term,
    },
    /// The value is not false.
    Holds(Term),
    Same(Term, Term),
    /// [`Kind::Once`] found something.
    Found(Var),
    /// [`Kind::Once`] found nothing.
    Missing(Var),
}

/// A rule or function of the language.
#[derive(Debug)]
pub(super) struct Unit {
    /// What it stands for, as messages show it.
    pub name: String,
    pub span: Span,
    pub params: Vec<Var>,
    pub body: Vec<Stmt>,
    pub value: Term,
}
