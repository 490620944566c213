//! Bodies with resolved names → statements in an order in which every variable has a value before it is used.
//!
//! The order is found as OPA finds it: through all statements again and again, each taken as soon as its variables are
//! known or found by it. Which of several safe orders is taken shows only where arrays are made; there what OPA puts
//! into an order of its own is refused.

use std::collections::BTreeSet;

use regorus::Value;
use regorus::unstable::Span;

use super::core::{Kind, Op, Stmt, Term, UnitId, Var, Way, With};
use super::error::PolicyError;
use super::helpers;
use super::index::Index;
use super::node::{self, Base, Block, Collected, Goal, Node, Target, goal_variables, needs};
use super::units::Documents;

/// Bodies inside bodies.
const MAX_NESTING: u32 = 12;

/// Iterations inside each other in one body; each is a scan inside the others.
const MAX_LOOPS: usize = 64;

/// Lowers the bodies of one unit.
pub(super) struct Lowerer<'a> {
    pub index: &'a Index,
    pub documents: &'a mut Documents,
    pub next: Var,
    /// Variables that have a value.
    pub bound: BTreeSet<Var>,
    nesting: u32,
    /// The order shows in which members come.
    pub ordered: bool,
}

impl<'a> Lowerer<'a> {
    pub(super) fn new(index: &'a Index, documents: &'a mut Documents, next: Var) -> Self {
        Self { index, documents, next, bound: BTreeSet::new(), nesting: 0, ordered: false }
    }

    /// A new variable with a value.
    pub(super) fn set(&mut self, op: Op, out: &mut Vec<Stmt>) -> Term {
        let var = self.fresh();
        out.push(Stmt::Let(var, op));
        Term::Var(var)
    }

    pub(super) fn helper<const N: usize>(&mut self, name: &'static str, args: [Term; N], out: &mut Vec<Stmt>) -> Term {
        self.set(Op::Helper(name, args.into()), out)
    }

    fn fresh(&mut self) -> Var {
        let var = self.next;
        self.next = self.next.saturating_add(1);
        self.bound.insert(var);
        var
    }

    /// Goes through a collection; gives key and value.
    pub(super) fn each(&mut self, of: Term, out: &mut Vec<Stmt>) -> (Term, Term) {
        let (key, value) = (self.fresh(), self.fresh());
        out.push(Stmt::Each { key, value, of });
        (Term::Var(key), Term::Var(value))
    }

    /// What a single way gives, or nothing.
    pub(super) fn once(&mut self, way: Way, out: &mut Vec<Stmt>) -> Var {
        let var = self.fresh();
        out.push(Stmt::Let(var, Op::Collect(Kind::Once, vec![way])));
        var
    }

    /// A body of its own, and what it gives each time it holds.
    pub(super) fn way(
        &mut self,
        block: Block,
        terms: impl FnOnce(&mut Self, &mut Vec<Stmt>) -> Result<Vec<Term>, PolicyError>,
    ) -> Result<Way, PolicyError> {
        let bound = self.bound.clone();
        self.nesting = self.nesting.saturating_add(1);
        if self.nesting > MAX_NESTING {
            return Err(PolicyError::at(
                &block.span,
                format!("bodies are nested deeper than {MAX_NESTING}; put the inner part into a rule of its own"),
            ));
        }
        let mut body = Vec::new();
        let span = block.span;
        self.block(block.goals, &mut body)?;
        let terms = terms(self, &mut body)?;
        if loops(&body) > MAX_LOOPS {
            return Err(PolicyError::at(
                &span,
                format!("iterates more than {MAX_LOOPS} times inside itself; put a part into a rule of its own"),
            ));
        }
        self.nesting = self.nesting.saturating_sub(1);
        self.bound = bound;
        Ok(Way { with: Vec::new(), body, terms })
    }

    /// The same where the order of members does not show, or where it does.
    fn way_in_order(
        &mut self,
        ordered: bool,
        block: Block,
        terms: impl FnOnce(&mut Self, &mut Vec<Stmt>) -> Result<Vec<Term>, PolicyError>,
    ) -> Result<Way, PolicyError> {
        let before = std::mem::replace(&mut self.ordered, ordered);
        let way = self.way(block, terms);
        self.ordered = before;
        way
    }

    /// The statements of a body.
    pub(super) fn block(&mut self, goals: Vec<Goal>, out: &mut Vec<Stmt>) -> Result<(), PolicyError> {
        let mut waiting = Vec::new();
        goals.into_iter().for_each(|goal| split(goal, &mut waiting));
        while !waiting.is_empty() {
            let before = waiting.len();
            let mut later = Vec::new();
            for goal in waiting {
                if self.is_ready(&goal) {
                    self.goal(goal, out)?;
                } else if self.ordered && node::has_inner_call(&goal) {
                    // OPA takes inner calls out and puts each into the order by itself.
                    return Err(order_error(goal.span(), "a call inside a statement that must wait for another one"));
                } else {
                    later.push(goal);
                }
            }
            if later.len() == before {
                return Err(unsafe_error(later.first()));
            }
            waiting = later;
        }
        Ok(())
    }

    fn is_ready(&mut self, goal: &Goal) -> bool {
        let bound = &self.bound;
        let known = |vars: &BTreeSet<Var>| vars.iter().all(|var| bound.contains(var));
        match goal {
            Goal::Unify(a, b, _) => self.finds(a, b) || self.finds(b, a),
            Goal::Holds(node) => self.can(node, &mut Vec::new()),
            Goal::Member { key, value, of } => {
                let mut found = Vec::new();
                self.can(of, &mut found)
                    && key.iter().all(|key| self.fits(key, &mut found))
                    && self.fits(value, &mut found)
            }
            Goal::Every { key, value, of, block } => {
                let mut vars = needs(block, &[]);
                vars.remove(key);
                vars.remove(value);
                self.can(of, &mut Vec::new()) && known(&vars)
            }
            Goal::With { mods, goals, .. } => {
                mods.iter().all(|with| self.is_known(&with.value)) && self.have_an_order(goals)
            }
            Goal::Not { .. } => {
                let mut vars = BTreeSet::new();
                goal_variables(goal, &mut vars);
                known(&vars)
            }
        }
    }

    /// The statements can be put into an order now.
    fn have_an_order(&mut self, goals: &[Goal]) -> bool {
        let bound = self.bound.clone();
        let mut waiting: Vec<&Goal> = goals.iter().collect();
        while let Some(ready) = waiting.iter().position(|goal| self.is_ready(goal)) {
            goal_variables(waiting.remove(ready), &mut self.bound);
        }
        self.bound = bound;
        waiting.is_empty()
    }

    /// `value` can be evaluated, and then `pattern` be held against it.
    fn finds(&self, value: &Node, pattern: &Node) -> bool {
        let mut found = Vec::new();
        self.can(value, &mut found) && self.fits(pattern, &mut found)
    }

    /// The expression can be evaluated; variables that are found by it are added to `found`.
    fn can(&self, node: &Node, found: &mut Vec<Var>) -> bool {
        match node {
            Node::Const(_) => true,
            Node::Var(var, _) => self.bound.contains(var) || found.contains(var),
            Node::Array(items) | Node::Set(items) | Node::Call { args: items, .. } => {
                items.iter().all(|item| self.can(item, found))
            }
            Node::Object(fields) => fields.iter().all(|(key, value)| self.can(key, found) && self.can(value, found)),
            Node::Collect { what, block, .. } => {
                needs(block, &what.terms()).iter().all(|var| self.bound.contains(var) || found.contains(var))
            }
            Node::Ref { base, path, .. } => {
                let base = match base {
                    Base::Input | Base::Data => true,
                    Base::Node(base) => self.can(base, found),
                };
                base && path.iter().all(|step| self.fits(step, found))
            }
        }
    }

    /// A value can be held against the pattern.
    fn fits(&self, pattern: &Node, found: &mut Vec<Var>) -> bool {
        match pattern {
            Node::Var(var, _) => {
                if !self.bound.contains(var) {
                    found.push(*var);
                }
                true
            }
            Node::Array(items) => items.iter().all(|item| self.fits(item, found)),
            Node::Object(fields) => fields.iter().all(|(key, value)| self.can(key, found) && self.fits(value, found)),
            other => self.can(other, found),
        }
    }

    /// The expression can be evaluated now.
    pub(super) fn is_known(&self, node: &Node) -> bool {
        self.can(node, &mut Vec::new())
    }

    fn goal(&mut self, goal: Goal, out: &mut Vec<Stmt>) -> Result<(), PolicyError> {
        if let Some(span) = goal.span() {
            out.push(Stmt::At(span.clone()));
        }
        match goal {
            Goal::Unify(a, b, _) => {
                let (value, pattern) = if self.finds(&a, &b) { (a, b) } else { (b, a) };
                let value = self.eval(&value, out)?;
                self.unify(&pattern, value, out)
            }
            Goal::Holds(node) => self.holds(&node, out),
            Goal::Member { key, value, of } => {
                self.check_document_order(&of)?;
                let of = self.eval(&of, out)?;
                let (found_key, found) = self.each(of, out);
                if let Some(key) = key {
                    self.unify(&key, found_key, out)?;
                }
                self.unify(&value, found, out)
            }
            Goal::Every { key, value, of, block } => self.every(key, value, &of, block, out),
            Goal::With { mods, goals, span } => self.with(&mods, goals, span, out),
            Goal::Not { before, block } => {
                self.block(before, out)?;
                let way = self.way_in_order(false, block, |_, _| Ok(vec![TRUE]))?;
                let found = self.once(way, out);
                out.push(Stmt::Missing(found));
                Ok(())
            }
        }
    }

    /// The value is not false. A comparison is written as OPA's compiler writes it, without a value: blocks that begin so
    /// can be chosen by one lookup (`plan::choice`).
    fn holds(&mut self, node: &Node, out: &mut Vec<Stmt>) -> Result<(), PolicyError> {
        if let Node::Call { target: Target::Builtin("equal"), args, .. } = node
            && let [a, b] = args.as_slice()
        {
            let (a, b) = (self.eval(a, out)?, self.eval(b, out)?);
            out.push(Stmt::Same(a, b));
        } else {
            let value = self.eval(node, out)?;
            out.push(Stmt::Holds(value));
        }
        Ok(())
    }

    /// Statements with other documents: a body of its own that gives the variables it finds.
    fn with(
        &mut self,
        mods: &[node::With],
        goals: Vec<Goal>,
        span: Span,
        out: &mut Vec<Stmt>,
    ) -> Result<(), PolicyError> {
        let mut with = Vec::new();
        for node::With { document, path, value } in mods {
            with.push(With { document: *document, path: path.clone(), value: self.eval(value, out)? });
        }
        let mut vars = BTreeSet::new();
        goals.iter().for_each(|goal| goal_variables(goal, &mut vars));
        let found: Vec<Var> = vars.difference(&self.bound).copied().collect();
        let row: Vec<Term> = found.iter().map(|var| Term::Var(*var)).collect();
        let block = Block { goals, own: BTreeSet::new(), span };
        let way = self.way(block, |lowerer, out| Ok(vec![lowerer.array(row, out)]))?;
        let rows = self.set(Op::Collect(Kind::Array, vec![Way { with, ..way }]), out);
        let (key, value) = (self.fresh(), self.fresh());
        out.push(Stmt::Each { key, value, of: rows });
        for (position, var) in found.into_iter().enumerate() {
            self.bound.insert(var);
            out.push(Stmt::Let(var, Op::Get(Term::Var(value), vec![number(position)])));
        }
        Ok(())
    }

    /// No member for which the body does not hold.
    fn every(&mut self, key: Var, value: Var, of: &Node, block: Block, out: &mut Vec<Stmt>) -> Result<(), PolicyError> {
        let of = self.eval(of, out)?;
        let of = self.helper(helpers::COLLECTION, [of], out);
        self.bound.extend([key, value]);
        let holds = self.way_in_order(false, block, |_, _| Ok(vec![TRUE]))?;
        let mut body = vec![Stmt::Each { key, value, of }];
        let holds = self.once(holds, &mut body);
        body.push(Stmt::Missing(holds));
        let bad = self.once(Way { with: Vec::new(), body, terms: vec![TRUE] }, out);
        out.push(Stmt::Missing(bad));
        Ok(())
    }

    /// Holds `value` against a pattern and gives the pattern's variables their values.
    pub(super) fn unify(&mut self, pattern: &Node, value: Term, out: &mut Vec<Stmt>) -> Result<(), PolicyError> {
        match pattern {
            Node::Var(var, _) if !self.bound.contains(var) => {
                self.bound.insert(*var);
                out.push(Stmt::Let(*var, Op::Copy(value)));
                Ok(())
            }
            Node::Array(items) if !self.is_known(pattern) => {
                let value = self.helper(helpers::ARRAY_OF, [value, number(items.len())], out);
                for (position, item) in items.iter().enumerate() {
                    let part = self.set(Op::Get(value.clone(), vec![number(position)]), out);
                    self.unify(item, part, out)?;
                }
                Ok(())
            }
            Node::Object(fields) if !self.is_known(pattern) => {
                let value = self.helper(helpers::OBJECT_OF, [value, number(fields.len())], out);
                self.in_any_order(pattern, out, |lowerer, out| {
                    for (key, field) in fields {
                        let key = lowerer.eval(key, out)?;
                        let part = lowerer.set(Op::Get(value.clone(), vec![key]), out);
                        lowerer.unify(field, part, out)?;
                    }
                    Ok(())
                })
            }
            _ => {
                let other = self.eval(pattern, out)?;
                out.push(Stmt::Same(other, value));
                Ok(())
            }
        }
    }

    /// The value of an expression.
    pub(super) fn eval(&mut self, node: &Node, out: &mut Vec<Stmt>) -> Result<Term, PolicyError> {
        match node {
            Node::Const(value) => Ok(Term::Const(value.clone())),
            Node::Var(var, span) if !self.bound.contains(var) => Err(unsafe_variable(span)),
            Node::Var(var, _) => Ok(Term::Var(*var)),
            Node::Ref { base, path, span } => self.reference(base, path, span, out),
            Node::Array(items) => {
                let terms = self.terms(items, out)?;
                Ok(self.array(terms, out))
            }
            Node::Set(items) => {
                let mut terms = Vec::new();
                self.in_any_order(node, out, |lowerer, out| {
                    terms = lowerer.terms(items, out)?;
                    Ok(())
                })?;
                Ok(self.set(Op::Set(terms), out))
            }
            Node::Object(fields) => {
                let mut terms = Vec::new();
                self.in_any_order(node, out, |lowerer, out| {
                    for (key, value) in fields {
                        terms.push((lowerer.eval(key, out)?, lowerer.eval(value, out)?));
                    }
                    Ok(())
                })?;
                Ok(self.set(Op::Object(terms), out))
            }
            Node::Call { target, args, .. } => {
                let args = self.terms(args, out)?;
                self.call(target, args, out)
            }
            Node::Collect { what, block, .. } => self.comprehension(what, block, out),
        }
    }

    /// Writes the parts of a set or an object, whose iterations OPA sorts by the parts.
    fn in_any_order(
        &mut self,
        node: &Node,
        out: &mut Vec<Stmt>,
        write: impl FnOnce(&mut Self, &mut Vec<Stmt>) -> Result<(), PolicyError>,
    ) -> Result<(), PolicyError> {
        if !self.ordered {
            return write(self, out);
        }
        let before = loops(out);
        write(self, out)?;
        if loops(out) > before.saturating_add(1) {
            return Err(order_error(node.span(), "several iterations inside a set or an object"));
        }
        Ok(())
    }

    fn terms(&mut self, nodes: &[Node], out: &mut Vec<Stmt>) -> Result<Vec<Term>, PolicyError> {
        nodes.iter().map(|node| self.eval(node, out)).collect()
    }

    /// An array; a constant one if all its items are.
    pub(super) fn array(&mut self, terms: Vec<Term>, out: &mut Vec<Stmt>) -> Term {
        let constants: Option<Vec<Value>> = terms
            .iter()
            .map(|term| match term {
                Term::Const(value) => Some(value.clone()),
                Term::Var(_) => None,
            })
            .collect();
        match constants {
            Some(values) => Term::Const(Value::from(values)),
            None => self.set(Op::Array(terms), out),
        }
    }

    fn call(&mut self, target: &Target, args: Vec<Term>, out: &mut Vec<Stmt>) -> Result<Term, PolicyError> {
        Ok(match target {
            Target::Builtin(name) => self.set(Op::Builtin(name, args), out),
            Target::Function(id) => self.set(Op::Function(*id, args), out),
            Target::Walk => {
                let pairs = self.set(Op::Helper(helpers::WALK, args), out);
                self.each(pairs, out).1
            }
        })
    }

    fn comprehension(&mut self, what: &Collected, block: &Block, out: &mut Vec<Stmt>) -> Result<Term, PolicyError> {
        let block = block.clone();
        let (kind, way) = match what {
            Collected::Array(term) => {
                let term = |lowerer: &mut Self, out: &mut Vec<Stmt>| Ok(vec![lowerer.eval(term, out)?]);
                (Kind::Array, self.way_in_order(true, block, term)?)
            }
            Collected::Set(term) => {
                let term = |lowerer: &mut Self, out: &mut Vec<Stmt>| Ok(vec![lowerer.eval(term, out)?]);
                (Kind::Set, self.way_in_order(false, block, term)?)
            }
            Collected::Object(key, value) => {
                let pair = |lowerer: &mut Self, out: &mut Vec<Stmt>| {
                    Ok(vec![lowerer.eval(key, out)?, lowerer.eval(value, out)?])
                };
                (Kind::Object, self.way_in_order(false, block, pair)?)
            }
        };
        Ok(self.set(Op::Collect(kind, vec![way]), out))
    }

    /// The value of a rule.
    pub(super) fn rule(&mut self, id: UnitId, out: &mut Vec<Stmt>) -> Term {
        self.set(Op::Rule(id), out)
    }
}

pub(super) const TRUE: Term = Term::Const(Value::Bool(true));

fn number(n: usize) -> Term {
    Term::Const(Value::from(n))
}

/// Takes `[x, 1] = [2, y]` apart, which has no side that could be evaluated first.
fn split(goal: Goal, goals: &mut Vec<Goal>) {
    match goal {
        Goal::Unify(Node::Array(a), Node::Array(b), span) => {
            if a.len() != b.len() {
                goals.push(Goal::Holds(Node::Const(Value::Bool(false))));
            }
            for (a, b) in a.into_iter().zip(b) {
                split(Goal::Unify(a, b, span.clone()), goals);
            }
        }
        Goal::Unify(Node::Object(mut a), Node::Object(b), span) if same_keys(&a, &b) => {
            // As OPA goes through objects.
            a.sort_by(|(a, _), (b, _)| constant(a).cmp(&constant(b)));
            for (key, value) in a {
                let other = b.iter().find(|(other, _)| constant(other) == constant(&key)).map(|(_, other)| other);
                if let Some(other) = other {
                    split(Goal::Unify(value, other.clone(), span.clone()), goals);
                }
            }
        }
        other => goals.push(other),
    }
}

/// The iterations of a body.
fn loops(body: &[Stmt]) -> usize {
    body.iter().filter(|statement| matches!(statement, Stmt::Each { .. })).count()
}

fn constant(node: &Node) -> Option<&Value> {
    match node {
        Node::Const(value) => Some(value),
        _ => None,
    }
}

/// Both have the same constant keys, each once.
fn same_keys(a: &[(Node, Node)], b: &[(Node, Node)]) -> bool {
    let keys = |fields: &[(Node, Node)]| -> Option<BTreeSet<Value>> {
        fields.iter().map(|(key, _)| constant(key).cloned()).collect()
    };
    match (keys(a), keys(b)) {
        (Some(x), Some(y)) => x == y && x.len() == a.len() && y.len() == b.len(),
        _ => false,
    }
}

/// The order of an array's items would be another one in OPA.
pub(super) fn order_error(span: Option<&Span>, what: &str) -> PolicyError {
    let message = format!("{what}: the order would show in the array around it; use statements of their own, or a set");
    span.map_or_else(|| PolicyError::general(message.clone()), |span| PolicyError::at(span, message.clone()))
}

fn unsafe_error(goal: Option<&Goal>) -> PolicyError {
    const MESSAGE: &str = "a variable here never gets a value; bind it in another statement";
    match goal.and_then(Goal::span) {
        Some(span) => PolicyError::at(span, MESSAGE),
        None => PolicyError::general(MESSAGE),
    }
}

fn unsafe_variable(span: &Span) -> PolicyError {
    PolicyError::at(span, format!("variable `{}` never gets a value; bind it in a statement", span.text()))
}
