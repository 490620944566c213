//! What OPA evaluates before a `not`.
//!
//! In `not input.role in {"guest"}` OPA takes the reference out first, so that a missing role makes the statement fail
//! and not hold. The rules are those of its compiler: calls inside the expression are taken out with the other
//! statements of the body; then references that are arguments, indexes or elements, directly before the `not`.

use std::collections::BTreeSet;

use regorus::unstable::Span;

use super::core::Var;
use super::node::{Base, Block, Goal, Node};
use super::resolve::Resolver;

/// Puts `not` before the statement `inner`; with `call` it is one call as a whole. What is taken out with other statements goes to `goals`.
pub(super) fn expand(resolver: &mut Resolver<'_>, inner: Vec<Goal>, call: bool, span: &Span, goals: &mut Vec<Goal>) {
    let mut calls = Calls { resolver, goals };
    let inner: Vec<Goal> = inner
        .into_iter()
        .map(|goal| match goal {
            Goal::Unify(a, b, span) if call => Goal::Unify(calls.take(a), calls.take_inside(b), span),
            Goal::Unify(a, b, span) => Goal::Unify(calls.take(a), calls.take(b), span),
            Goal::Holds(node) => Goal::Holds(calls.take_inside(node)),
            other => other,
        })
        .collect();
    let mut references = References { resolver, before: Vec::new(), own: BTreeSet::new() };
    let block: Vec<Goal> = inner
        .into_iter()
        .map(|goal| match goal {
            Goal::Unify(a, b, span) if call => Goal::Unify(references.take(a), references.take_inside(b), span),
            Goal::Unify(a, b, span) => Goal::Unify(references.take_inside(a), references.take_inside(b), span),
            Goal::Holds(Node::Call { target, args, span }) => {
                Goal::Holds(Node::Call { target, args: references.all(args), span })
            }
            Goal::Holds(node) => Goal::Holds(references.take_inside(node)),
            other => other,
        })
        .collect();
    let References { before, own, .. } = references;
    goals.push(Goal::Not { before, block: Block { goals: block, own, span: span.clone() } });
}

/// Takes calls out.
struct Calls<'r, 'a> {
    resolver: &'r mut Resolver<'a>,
    goals: &'r mut Vec<Goal>,
}

impl Calls<'_, '_> {
    /// Takes out every call in the expression, and the expression if it is one.
    fn take(&mut self, node: Node) -> Node {
        let node = self.take_inside(node);
        match node {
            Node::Call { ref span, .. } => {
                let span = span.clone();
                let var = self.resolver.scopes.fresh();
                self.goals.push(Goal::Unify(Node::Var(var, span.clone()), node, span.clone()));
                Node::Var(var, span)
            }
            other => other,
        }
    }

    fn take_inside(&mut self, node: Node) -> Node {
        inside(node, &mut |inner| self.take(inner))
    }
}

/// Takes references out.
struct References<'r, 'a> {
    resolver: &'r mut Resolver<'a>,
    before: Vec<Goal>,
    own: BTreeSet<Var>,
}

impl References<'_, '_> {
    fn all(&mut self, nodes: Vec<Node>) -> Vec<Node> {
        nodes.into_iter().map(|node| self.take(node)).collect()
    }

    fn take(&mut self, node: Node) -> Node {
        let node = self.take_inside(node);
        match node {
            Node::Ref { ref span, .. } => {
                let span = span.clone();
                let var = self.resolver.scopes.fresh();
                self.own.insert(var);
                self.before.push(Goal::Unify(Node::Var(var, span.clone()), node, span.clone()));
                Node::Var(var, span)
            }
            other => other,
        }
    }

    fn take_inside(&mut self, node: Node) -> Node {
        inside(node, &mut |inner| self.take(inner))
    }
}

/// Applies `take` to the parts of an expression. Comprehensions are bodies of their own and stay as they are.
fn inside(node: Node, take: &mut dyn FnMut(Node) -> Node) -> Node {
    let mut all = |nodes: Vec<Node>| nodes.into_iter().map(&mut *take).collect::<Vec<_>>();
    match node {
        Node::Ref { base, path, span } => {
            let path = all(path);
            let base = match base {
                Base::Node(base) => Base::Node(Box::new(take(*base))),
                other => other,
            };
            Node::Ref { base, path, span }
        }
        Node::Array(items) => Node::Array(all(items)),
        Node::Set(items) => Node::Set(all(items)),
        Node::Object(fields) => Node::Object(fields.into_iter().map(|(key, value)| (take(key), take(value))).collect()),
        Node::Call { target, args, span } => Node::Call { target, args: all(args), span },
        other @ (Node::Const(_) | Node::Var(..) | Node::Collect { .. }) => other,
    }
}
