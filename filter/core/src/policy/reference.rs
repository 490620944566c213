//! References: into values, the input, the data document, and the rules.

use regorus::Value;
use regorus::unstable::Span;

use super::core::{Op, Stmt, Term};
use super::error::PolicyError;
use super::helpers;
use super::index::{Path, Shape};
use super::lower::{Lowerer, order_error};
use super::node::{Base, Node};

const DOCUMENT: &str = "going through rules and data beside each other";

impl Lowerer<'_> {
    /// The value of a reference; goes through collections where a key is not known yet.
    pub(super) fn reference(
        &mut self,
        base: &Base,
        path: &[Node],
        span: &Span,
        out: &mut Vec<Stmt>,
    ) -> Result<Term, PolicyError> {
        match base {
            Base::Input => {
                let keys: Path = path.iter().map_while(text).collect();
                let rest = path.get(keys.len()..).unwrap_or(&[]);
                let value = self.set(Op::Input(keys), out);
                self.inside(value, rest, None, out)
            }
            Base::Node(node) => {
                let value = self.eval(node, out)?;
                self.inside(value, path, None, out)
            }
            Base::Data => self.data(path, span, out),
        }
    }

    /// The steps of a reference into a value. `get` looks keys up, if it is not done as usual.
    fn inside(
        &mut self,
        mut value: Term,
        mut path: &[Node],
        get: Option<&'static str>,
        out: &mut Vec<Stmt>,
    ) -> Result<Term, PolicyError> {
        while let Some((step, rest)) = path.split_first() {
            let keys: Path = path.iter().map_while(text).collect();
            if keys.is_empty() || get.is_some() {
                value = self.step(value, step, get, out)?;
                path = rest;
            } else {
                path = path.get(keys.len()..).unwrap_or(&[]);
                let keys = keys.into_iter().map(|key| Term::Const(Value::from(key))).collect();
                value = self.set(Op::Get(value, keys), out);
            }
        }
        Ok(value)
    }

    fn step(
        &mut self,
        value: Term,
        step: &Node,
        get: Option<&'static str>,
        out: &mut Vec<Stmt>,
    ) -> Result<Term, PolicyError> {
        if self.is_known(step) {
            let key = self.eval(step, out)?;
            return Ok(match get {
                Some(helper) => self.helper(helper, [value, key], out),
                None => self.set(Op::Get(value, vec![key]), out),
            });
        }
        if self.ordered && get.is_some() {
            return Err(order_error(step.span(), DOCUMENT));
        }
        let (key, value) = self.each(value, out);
        self.unify(step, key, out)?;
        Ok(value)
    }

    /// Refuses to go through an object of rules and data where the order shows: OPA takes the data first.
    pub(super) fn check_document_order(&self, of: &Node) -> Result<(), PolicyError> {
        let Node::Ref { base: Base::Data, path, span } = of else { return Ok(()) };
        let Some(keys) = path.iter().map(text).collect::<Option<Path>>() else { return Ok(()) };
        let above = |rule: &Path| keys.starts_with(rule);
        if self.ordered && self.index.has_below(&keys) && !self.index.by_path.keys().any(above) {
            return Err(order_error(Some(span), DOCUMENT));
        }
        Ok(())
    }

    /// `data` with keys behind it: down the tree of packages and rules as far as it goes.
    fn data(&mut self, path: &[Node], span: &Span, out: &mut Vec<Stmt>) -> Result<Term, PolicyError> {
        let mut keys = Path::new();
        let mut rest = path;
        loop {
            if let Some(id) = self.index.by_path.get(&keys).copied() {
                if matches!(self.index.groups.get(id).map(|group| group.shape), Some(Shape::Function(_))) {
                    return Err(PolicyError::at(span, "a function must be called; add its arguments"));
                }
                let value = self.rule(id, out);
                return self.inside(value, rest, None, out);
            }
            if !self.index.has_below(&keys) {
                return self.base(keys, rest, out);
            }
            let Some((step, behind)) = rest.split_first() else { break };
            let Some(key) = text(step) else { break };
            keys.push(key);
            rest = behind;
        }
        let pattern = rest.iter().map(text).collect();
        let document = self.documents.request(keys, pattern);
        let value = self.rule(document, out);
        self.inside(value, rest, Some(helpers::MIXED), out)
    }

    /// What the data document has at `keys` and behind them. OPA reads it along the texts of all keys.
    fn base(&mut self, mut keys: Path, rest: &[Node], out: &mut Vec<Stmt>) -> Result<Term, PolicyError> {
        let mut value = self.set(Op::Data, out);
        // Constant texts by themselves: they say which part of the data is read.
        let texts: Path = rest.iter().map_while(text).collect();
        let rest = rest.get(texts.len()..).unwrap_or(&[]);
        keys.extend(texts);
        value = self.base_at(value, keys.into_iter().map(|key| Term::Const(Value::from(key))).collect(), out);
        let mut known = Vec::new();
        for step in rest {
            if self.is_known(step) {
                known.push(self.eval(step, out)?);
                continue;
            }
            value = self.base_at(value, std::mem::take(&mut known), out);
            let (key, found) = self.each(value, out);
            self.unify(step, key, out)?;
            value = found;
        }
        Ok(self.base_at(value, known, out))
    }

    fn base_at(&mut self, value: Term, keys: Vec<Term>, out: &mut Vec<Stmt>) -> Term {
        if keys.is_empty() {
            return value;
        }
        let keys = self.array(keys, out);
        let helper = if self.index.replaces { helpers::REPLACED } else { helpers::BASE };
        self.helper(helper, [value, keys], out)
    }
}

/// A constant text.
fn text(node: &Node) -> Option<String> {
    match node {
        Node::Const(Value::String(text)) => Some(text.as_ref().to_owned()),
        _ => None,
    }
}
