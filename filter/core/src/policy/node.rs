//! A rule's body with every name resolved, before it is put into an order.

use std::collections::BTreeSet;

use regorus::Value;
use regorus::unstable::Span;

use super::core::{Document, UnitId, Var};
use super::index::Path;

/// An expression.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Const(Value),
    Var(Var, Span),
    Ref { base: Base, path: Vec<Node>, span: Span },
    Array(Vec<Node>),
    Set(Vec<Node>),
    Object(Vec<(Node, Node)>),
    Call { target: Target, args: Vec<Node>, span: Span },
    Collect { what: Collected, block: Box<Block>, span: Span },
}

/// What a reference begins with.
#[derive(Debug, Clone)]
pub(super) enum Base {
    Input,
    Data,
    Node(Box<Node>),
}

/// What is called.
#[derive(Debug, Clone)]
pub(super) enum Target {
    Builtin(&'static str),
    Function(UnitId),
    /// `walk`, whose results are gone through one by one.
    Walk,
}

/// What a comprehension makes of its body.
#[derive(Debug, Clone)]
pub(super) enum Collected {
    Array(Box<Node>),
    Set(Box<Node>),
    Object(Box<Node>, Box<Node>),
}

/// A statement that is not in its place yet.
#[derive(Debug, Clone)]
pub(super) enum Goal {
    Unify(Node, Node, Span),
    /// The value is defined and not false.
    Holds(Node),
    /// `some key, value in of`
    Member {
        key: Option<Node>,
        value: Node,
        of: Node,
    },
    Every {
        key: Var,
        value: Var,
        of: Node,
        block: Block,
    },
    /// Statements with other documents.
    With {
        mods: Vec<With>,
        goals: Vec<Goal>,
        span: Span,
    },
    /// `before` is what OPA evaluates before the `not`.
    Not {
        before: Vec<Goal>,
        block: Block,
    },
}

/// `with <document>.<path> as value`
#[derive(Debug, Clone)]
pub(super) struct With {
    pub document: Document,
    pub path: Path,
    pub value: Node,
}

/// A body of its own: of a rule, a comprehension, an `every`, a `not`.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub goals: Vec<Goal>,
    /// Variables that belong to it and not to the body around.
    pub own: BTreeSet<Var>,
    pub span: Span,
}

/// The variables that come in from around.
pub(super) fn needs(block: &Block, terms: &[&Node]) -> BTreeSet<Var> {
    let mut all = BTreeSet::new();
    block.goals.iter().for_each(|goal| goal_variables(goal, &mut all));
    terms.iter().for_each(|term| variables(term, &mut all));
    all.retain(|var| !block.own.contains(var));
    all
}

/// Every variable in an expression but those that belong to bodies inside it.
pub(super) fn variables(node: &Node, all: &mut BTreeSet<Var>) {
    match node {
        Node::Const(_) => {}
        Node::Var(var, _) => {
            all.insert(*var);
        }
        Node::Ref { base, path, .. } => {
            if let Base::Node(base) = base {
                variables(base, all);
            }
            path.iter().for_each(|step| variables(step, all));
        }
        Node::Array(items) | Node::Set(items) | Node::Call { args: items, .. } => {
            items.iter().for_each(|item| variables(item, all));
        }
        Node::Object(fields) => fields.iter().for_each(|(key, value)| {
            variables(key, all);
            variables(value, all);
        }),
        Node::Collect { what, block, .. } => all.extend(needs(block, &what.terms())),
    }
}

pub(super) fn goal_variables(goal: &Goal, all: &mut BTreeSet<Var>) {
    match goal {
        Goal::Unify(a, b, _) => {
            variables(a, all);
            variables(b, all);
        }
        Goal::Holds(node) => variables(node, all),
        Goal::Member { key, value, of } => {
            key.iter().for_each(|key| variables(key, all));
            variables(value, all);
            variables(of, all);
        }
        Goal::Every { of, block, .. } => {
            variables(of, all);
            all.extend(needs(block, &[]));
        }
        Goal::With { mods, goals, .. } => {
            mods.iter().for_each(|with| variables(&with.value, all));
            goals.iter().for_each(|goal| goal_variables(goal, all));
        }
        Goal::Not { before, block } => {
            let mut inside = needs(block, &[]);
            before.iter().for_each(|goal| goal_variables(goal, &mut inside));
            all.extend(inside.difference(&block.own).copied());
        }
    }
}

/// A call stands inside another expression of the statement.
pub(super) fn has_inner_call(goal: &Goal) -> bool {
    match goal {
        Goal::Unify(a @ Node::Call { .. }, b @ Node::Call { .. }, _) => has_call(a) || has_call(b),
        Goal::Unify(a, b, _) => [a, b].into_iter().any(has_call_inside),
        Goal::Holds(node) => has_call_inside(node),
        Goal::Member { of, .. } => has_call_inside(of),
        Goal::With { goals, .. } => goals.iter().any(has_inner_call),
        Goal::Every { .. } | Goal::Not { .. } => false,
    }
}

fn has_call_inside(node: &Node) -> bool {
    match node {
        Node::Call { args, .. } => args.iter().any(has_call),
        other => has_call(other),
    }
}

fn has_call(node: &Node) -> bool {
    match node {
        Node::Call { .. } => true,
        Node::Const(_) | Node::Var(..) | Node::Collect { .. } => false,
        Node::Ref { base, path, .. } => matches!(base, Base::Node(base) if has_call(base)) || path.iter().any(has_call),
        Node::Array(items) | Node::Set(items) => items.iter().any(has_call),
        Node::Object(fields) => fields.iter().any(|(key, value)| has_call(key) || has_call(value)),
    }
}

impl Collected {
    pub(super) fn terms(&self) -> Vec<&Node> {
        match self {
            Self::Array(term) | Self::Set(term) => vec![term],
            Self::Object(key, value) => vec![key, value],
        }
    }
}

impl Goal {
    /// Where it stands, as far as it is known.
    pub(super) fn span(&self) -> Option<&Span> {
        match self {
            Self::Unify(_, _, span) | Self::With { span, .. } => Some(span),
            Self::Holds(node) => node.span(),
            Self::Member { of, value, .. } => of.span().or_else(|| value.span()),
            Self::Every { block, .. } | Self::Not { block, .. } => Some(&block.span),
        }
    }
}

impl Node {
    pub(super) fn span(&self) -> Option<&Span> {
        match self {
            Self::Var(_, span) | Self::Ref { span, .. } | Self::Call { span, .. } | Self::Collect { span, .. } => {
                Some(span)
            }
            Self::Const(_) => None,
            Self::Array(items) | Self::Set(items) => items.iter().find_map(Self::span),
            Self::Object(fields) => fields.iter().find_map(|(key, value)| key.span().or_else(|| value.span())),
        }
    }
}
