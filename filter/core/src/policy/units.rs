//! Every rule of the policy as a unit of the core language.
//!
//! A rule's definitions are bodies that collect what they give; a helper makes the rule's value of it, or an error
//! where they conflict.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;
use regorus::unstable::{Expr, Ref, Span};

use super::core::{Kind, Op, Stmt, Term, Unit, UnitId, Var, Way};
use super::error::PolicyError;
use super::helpers;
use super::index::{self, Definition, Head, Index, Key, Leaf, ModuleInfo, Path, Shape};
use super::lower::{Lowerer, TRUE};
use super::node::{Base, Block, Goal, Node};
use super::path::DecisionPath;
use super::resolve::Resolver;
use super::scope::{self, Meaning, Scopes};

/// Helper rules; each is a unit.
const MAX_DOCUMENTS: usize = 2_000;
/// Members of them all.
const MAX_MEMBERS: usize = 20_000;
/// Branches of a definition: each is inside the one before, and the work of some checks grows with the square.
const MAX_BRANCHES: usize = 256;

/// Objects of several rules that are read whole: where, and which keys are asked for below.
pub(super) type Wanted = (Path, Vec<Option<String>>);

/// The units behind the groups of the index: documents, in the order in which they were asked for.
#[derive(Debug)]
pub(super) struct Documents {
    ids: BTreeMap<Wanted, UnitId>,
    order: Vec<Wanted>,
    first: UnitId,
}

impl Documents {
    /// The rule whose value is the object of the rules at `path`, as far as `pattern` asks for them.
    pub(super) fn request(&mut self, path: Path, pattern: Vec<Option<String>>) -> UnitId {
        let wanted = (path, pattern);
        if let Some(id) = self.ids.get(&wanted) {
            return *id;
        }
        let id = self.first.saturating_add(self.order.len());
        self.ids.insert(wanted.clone(), id);
        self.order.push(wanted);
        id
    }
}

/// All units: those of the groups, those of documents, and the last one is the decision.
pub(super) fn build(index: &Index, path: &DecisionPath, span: &Span) -> Result<Vec<Unit>, PolicyError> {
    let mut documents = Documents { ids: BTreeMap::new(), order: Vec::new(), first: index.groups.len() };
    let mut units = Vec::new();
    for id in 0..index.groups.len() {
        units.push(group(index, &mut documents, id)?);
    }
    let entry = entry(index, &mut documents, path, span)?;
    let (mut number, mut members) = (0, 0_usize);
    while let Some(wanted) = documents.order.get(number).cloned() {
        if number >= MAX_DOCUMENTS {
            return Err(PolicyError::at(span, "the policy reads too many objects of rules; name the rules"));
        }
        let children = children(index, &wanted);
        members = members.saturating_add(children.len());
        if members > MAX_MEMBERS {
            return Err(PolicyError::at(span, "the policy reads too large objects of rules; name the rules"));
        }
        units.push(document(index, &mut documents, &wanted, children, span));
        number = number.saturating_add(1);
    }
    units.push(entry);
    Ok(units)
}

/// One rule or function.
fn group(index: &Index, documents: &mut Documents, id: UnitId) -> Result<Unit, PolicyError> {
    let missing = || PolicyError::general("a rule is missing from the index");
    let group = index.groups.get(id).ok_or_else(missing)?;
    let mut scopes = Scopes::default();
    let arity = match group.shape {
        Shape::Function(arity) => arity,
        _ => 0,
    };
    let params = (0..arity).map(|_| scopes.fresh()).collect();
    let mut unit = Unit {
        name: format!("data.{}", group.path.join(".")),
        span: group.span.clone(),
        params,
        body: Vec::new(),
        value: TRUE,
    };
    let mut ways = Vec::new();
    let mut default = None;
    for definition in &group.definitions {
        let module = index.modules.get(definition.module).ok_or_else(missing)?;
        let mut writer = Writer { index, documents: &mut *documents, module, shape: group.shape, path: &group.path };
        if let Some(span) = writer.is_default(definition)? {
            if default.replace((definition, module)).is_some() {
                return Err(PolicyError::at(span, "the rule has a second `default`; keep one"));
            }
            continue;
        }
        scopes = writer.definition(definition, scopes, &mut unit, &mut ways)?;
    }
    let kind = match group.shape {
        Shape::Complete | Shape::Function(_) => Kind::Once,
        Shape::Set => Kind::Set,
        Shape::Object => Kind::Array,
    };
    let all = scopes.fresh();
    unit.body.push(Stmt::Let(all, Op::Collect(kind, ways)));
    unit.value = Term::Var(all);
    if let Some((definition, module)) = default {
        let mut writer = Writer { index, documents: &mut *documents, module, shape: group.shape, path: &group.path };
        scopes = writer.default_value(definition, scopes, all, &mut unit)?;
    }
    if group.shape == Shape::Object {
        let mut lowerer = Lowerer::new(index, documents, scopes.next());
        unit.value = lowerer.helper(helpers::TREE, [Term::Var(all)], &mut unit.body);
    }
    Ok(unit)
}

/// Writes the definitions of one rule.
struct Writer<'w> {
    index: &'w Index,
    documents: &'w mut Documents,
    module: &'w ModuleInfo,
    shape: Shape,
    path: &'w Path,
}

impl Writer<'_> {
    fn is_default<'d>(&self, definition: &'d Definition) -> Result<Option<&'d Span>, PolicyError> {
        let head = index::head_of(self.module, &definition.rule)?;
        Ok(matches!(head.leaf, Leaf::Default(_)).then(|| definition.rule.span()))
    }

    /// The ways in which a definition gives something.
    fn definition(
        &mut self,
        definition: &Definition,
        mut scopes: Scopes,
        unit: &mut Unit,
        ways: &mut Vec<Way>,
    ) -> Result<Scopes, PolicyError> {
        let head = index::head_of(self.module, &definition.rule)?;
        let mut chains = index::chains(&definition.rule);
        if chains.is_empty() {
            chains.push(Vec::new());
        }
        for chain in chains {
            if chain.len() > 1 && !matches!(self.shape, Shape::Complete | Shape::Function(_)) {
                return Err(PolicyError::at(
                    definition.rule.span(),
                    "`else` is only available for complete rules and functions",
                ));
            }
            if chain.len() > MAX_BRANCHES {
                return Err(PolicyError::at(
                    definition.rule.span(),
                    format!("more than {MAX_BRANCHES} branches of `else`; put the cases into an object"),
                ));
            }
            // What the bodies up to here found; one behind `else` is only tried where they found nothing.
            let mut before: Option<Var> = None;
            for number in 0..chain.len().max(1) {
                let body = chain.get(number);
                let leaf = match body {
                    Some(body) if body.is_else => Leaf::Value(body.assign.as_ref().map(|assign| &assign.value)),
                    _ => head.leaf.clone(),
                };
                let statements = body.map_or(&[][..], |body| body.query.stmts.as_slice());
                let span = body.map_or(definition.rule.span(), |body| &body.span);
                let part = Part { head: &head, leaf, statements, span };
                let way;
                (way, scopes) = self.part(&part, scopes, unit)?;
                if chain.len() == 1 {
                    ways.push(way);
                    continue;
                }
                let found = scopes.fresh();
                unit.body.push(Stmt::Let(found, Op::Collect(Kind::Once, otherwise(before, way))));
                before = Some(found);
            }
            ways.extend(before.map(what_was_found));
        }
        Ok(scopes)
    }

    /// One body with its head.
    fn part(&mut self, part: &Part<'_>, scopes: Scopes, unit: &Unit) -> Result<(Way, Scopes), PolicyError> {
        let mut resolver = Resolver::new(self.index, self.module);
        resolver.scopes = scopes;
        resolver.scopes.push();
        let mut goals = Vec::new();
        for (arg, param) in part.head.args.iter().zip(&unit.params) {
            let pattern = resolver.pattern(arg)?;
            goals.push(Goal::Unify(pattern, Node::Var(*param, arg.span().clone()), arg.span().clone()));
        }
        for name in scope::declared(part.statements) {
            if matches!(resolver.scopes.meaning(&name), Meaning::Local(_)) {
                return Err(PolicyError::at(part.span, format!("argument `{name}` is declared again; rename one")));
            }
        }
        resolver.open(part.statements, &part.terms());
        goals.append(&mut resolver.goals(part.statements)?);
        let item = self.item(part, &mut resolver)?;
        resolver.check_used()?;
        resolver.scopes.pop();
        resolver.scopes.pop();
        let block = Block { goals, own: BTreeSet::new(), span: part.span.clone() };
        let mut lowerer = Lowerer::new(self.index, self.documents, resolver.scopes.next());
        lowerer.bound.extend(unit.params.iter().copied());
        let way = lowerer.way(block, |lowerer, out| Ok(vec![lowerer.eval(&item, out)?]))?;
        let mut scopes = resolver.scopes;
        scopes.continue_at(lowerer.next);
        Ok((way, scopes))
    }

    /// What one way in which the body holds adds to the rule.
    fn item(&self, part: &Part<'_>, resolver: &mut Resolver<'_>) -> Result<Node, PolicyError> {
        let (value, member) = match &part.leaf {
            Leaf::Value(None) => (Node::Const(Value::Bool(true)), false),
            Leaf::Value(Some(value)) | Leaf::Default(value) => (resolver.expr(value)?, false),
            Leaf::Member(key) => (key_node(key, resolver)?, true),
        };
        if self.shape != Shape::Object {
            return Ok(value);
        }
        let constant = part.head.ground.iter().skip(self.path.len());
        let mut keys: Vec<Node> = constant.map(|key| Node::Const(Value::from(key.as_str()))).collect();
        for key in &part.head.rest {
            keys.push(key_node(key, resolver)?);
        }
        Ok(Node::Array(vec![Node::Array(keys), Node::Const(Value::Bool(member)), value]))
    }

    /// The default, where the definitions gave nothing.
    fn default_value(
        &mut self,
        definition: &Definition,
        scopes: Scopes,
        all: Var,
        unit: &mut Unit,
    ) -> Result<Scopes, PolicyError> {
        let mut head = index::head_of(self.module, &definition.rule)?;
        head.args = &[];
        let span = definition.rule.span();
        let part = Part { leaf: head.leaf.clone(), head: &head, statements: &[], span };
        let (way, mut scopes) = self.part(&part, scopes, unit)?;
        let value = scopes.fresh();
        unit.body.push(Stmt::Let(value, Op::Collect(Kind::Once, otherwise(Some(all), way))));
        unit.value = Term::Var(value);
        Ok(scopes)
    }
}

/// What was found before, and where nothing was, the way.
fn otherwise(before: Option<Var>, mut way: Way) -> Vec<Way> {
    let Some(before) = before else { return vec![way] };
    way.body.insert(0, Stmt::Missing(before));
    vec![what_was_found(before), way]
}

fn what_was_found(var: Var) -> Way {
    Way { with: Vec::new(), body: vec![Stmt::Found(var)], terms: vec![Term::Var(var)] }
}

/// One body and what it gives.
struct Part<'p> {
    head: &'p Head<'p>,
    leaf: Leaf<'p>,
    statements: &'p [regorus::unstable::LiteralStmt],
    span: &'p Span,
}

impl Part<'_> {
    /// The expressions of the head.
    fn terms(&self) -> Vec<&Ref<Expr>> {
        let mut terms: Vec<&Ref<Expr>> = self.head.rest.iter().filter_map(computed).collect();
        match &self.leaf {
            Leaf::Value(value) => terms.extend(*value),
            Leaf::Default(value) => terms.push(value),
            Leaf::Member(key) => terms.extend(computed(key)),
        }
        terms
    }
}

fn computed(key: &Key) -> Option<&Ref<Expr>> {
    match key {
        Key::Text(_) => None,
        Key::Computed(expr) => Some(expr),
    }
}

fn key_node(key: &Key, resolver: &mut Resolver<'_>) -> Result<Node, PolicyError> {
    match key {
        Key::Text(text) => Ok(Node::Const(Value::from(text.as_str()))),
        Key::Computed(expr) => resolver.expr(expr),
    }
}

/// The keys below a path that are asked for.
fn children(index: &Index, (path, pattern): &Wanted) -> BTreeSet<String> {
    let Some(Some(first)) = pattern.first() else { return index.children(path) };
    let mut child = path.clone();
    child.push(first.clone());
    index.has_below(&child).then(|| first.clone()).into_iter().collect()
}

/// The object of the rules and packages below a path, over what the data document has there.
fn document(
    index: &Index,
    documents: &mut Documents,
    (path, pattern): &Wanted,
    keys: BTreeSet<String>,
    span: &Span,
) -> Unit {
    let behind = pattern.get(1..).unwrap_or_default();
    let mut unit = Unit {
        name: format!("data.{}", path.join(".")),
        span: span.clone(),
        params: Vec::new(),
        body: Vec::new(),
        value: TRUE,
    };
    let mut children = Vec::new();
    for key in keys {
        // `data.system` is OPA's own and in no document.
        if path.is_empty() && key == "system" {
            continue;
        }
        let mut child = path.clone();
        child.push(key.clone());
        let id = match index.by_path.get(&child) {
            Some(id) if matches!(index.groups.get(*id).map(|group| group.shape), Some(Shape::Function(_))) => continue,
            Some(id) => *id,
            None => documents.request(child, behind.to_vec()),
        };
        children.push((key, id));
    }
    let mut lowerer = Lowerer::new(index, documents, 0);
    let keys: Vec<Term> = path.iter().map(|key| Term::Const(Value::from(key.as_str()))).collect();
    let base = lowerer.optional(
        |lowerer, out| {
            let data = lowerer.set(Op::Data, out);
            let keys = lowerer.array(keys, out);
            lowerer.helper(helpers::BASE, [data, keys], out)
        },
        &mut unit.body,
    );
    let mut ways = Vec::new();
    for (key, id) in children {
        let value = lowerer.optional(|lowerer, out| lowerer.rule(id, out), &mut unit.body);
        let terms = vec![Term::Const(Value::from(key)), Term::Var(value)];
        ways.push(Way { with: Vec::new(), body: vec![Stmt::Found(value)], terms });
    }
    let rules = lowerer.set(Op::Collect(Kind::Object, ways), &mut unit.body);
    unit.value = lowerer.set(Op::Merge(rules, Term::Var(base)), &mut unit.body);
    unit
}

impl Lowerer<'_> {
    /// The value, or nothing.
    fn optional(&mut self, value: impl FnOnce(&mut Self, &mut Vec<Stmt>) -> Term, out: &mut Vec<Stmt>) -> Var {
        let mut body = Vec::new();
        let term = value(self, &mut body);
        self.once(Way { with: Vec::new(), body, terms: vec![term] }, out)
    }
}

/// The decision.
fn entry(index: &Index, documents: &mut Documents, path: &DecisionPath, span: &Span) -> Result<Unit, PolicyError> {
    let mut lowerer = Lowerer::new(index, documents, 0);
    let keys: Vec<Node> = path.pieces().iter().map(|key| Node::Const(Value::from(key.as_str()))).collect();
    let mut body = Vec::new();
    let value = lowerer.reference(&Base::Data, &keys, span, &mut body)?;
    Ok(Unit { name: format!("the decision {path}"), span: span.clone(), params: Vec::new(), body, value })
}
