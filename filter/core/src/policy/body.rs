//! Every statement and expression of every rule.

use std::collections::BTreeMap;

use regorus::Value;
use regorus::unstable::{AssignOp, Expr, Literal, LiteralStmt, Query, Ref, Rule, RuleBody, RuleHead, Span};

use super::error::PolicyError;
use super::graph::Uses;
use super::heads::{self, Index, ModuleInfo, Path, Shape};
use super::literal;
use super::negation;
use super::scope::{Kind, Local, Scopes};
use super::table::Checked;
use super::weight::Weight;

/// Arguments of a user function: more are lost in regorus' bytecode, and no policy needs them.
const MAX_ARGUMENTS: usize = 8;

/// Statements of one body. regorus orders them in time that grows with their square.
const MAX_STATEMENTS: usize = 1_000;

/// Where an expression stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Site {
    /// In a statement, which is repeated for every value of `_` in it.
    Statement,
    /// Where a single value is wanted.
    Value,
}

/// What is known of an expression.
#[derive(Debug, Clone)]
pub(super) struct Info {
    pub kind: Kind,
    /// It has a value whenever it is evaluated.
    pub sure: bool,
    /// It is exactly this path below `input`.
    pub input: Option<Path>,
    /// Kind of what the reference indexes into.
    pub whole: Kind,
    pub weight: Weight,
}

impl Info {
    pub(super) const fn sure(kind: Kind) -> Self {
        Self { kind, sure: true, input: None, whole: kind, weight: Weight::SCALAR }
    }

    pub(super) const fn maybe(kind: Kind) -> Self {
        Self { kind, sure: false, input: None, whole: kind, weight: Weight::SCALAR }
    }

    pub(super) fn surely(self) -> Self {
        Self { sure: true, ..self }
    }

    pub(super) fn weighing(self, weight: Weight) -> Self {
        Self { weight, ..self }
    }
}

/// What is found out about one definition.
pub(super) struct Definition {
    /// The rule it defines.
    pub path: Path,
    pub uses: Uses,
    /// Trees that are read whole, and where first.
    pub reads: BTreeMap<Path, Span>,
    /// It has a value whatever the input is.
    pub always: bool,
    /// What its value is.
    pub kind: Kind,
    pub weight: Weight,
}

/// What is known before the walk.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub data: &'a Value,
    /// What the rules' values are, as far as it is known.
    pub kinds: &'a BTreeMap<Path, Kind>,
    /// The kinds are final: what needs one may be refused.
    pub finally: bool,
    /// Indexes into the data that were checked.
    pub checked: &'a Checked,
    /// How large the values are of the rules that are used, if this is what the walk is for.
    pub weights: Option<&'a BTreeMap<Path, Weight>>,
}

/// Checks one definition.
pub(super) fn check(
    index: &Index,
    module: &ModuleInfo,
    known: Known<'_>,
    rule: &Rule,
) -> Result<Definition, PolicyError> {
    let head = heads::head_of(&module.package, rule)?;
    let mut walker = Walker {
        index,
        module,
        known,
        scopes: Scopes::default(),
        level: 0,
        uses: Uses::default(),
        later: BTreeMap::new(),
        loops: 0,
        reads: BTreeMap::new(),
        always: false,
        kind: None,
        weight: None,
        collects: false,
    };
    walker.scopes.push();
    walker.rule(rule, &head)?;
    let Walker { uses, reads, always, kind, weight, .. } = walker;
    let kind = kind.unwrap_or(Kind::Any);
    let weight = weight.unwrap_or(Weight::SCALAR);
    if known.weights.is_some() {
        weight.check(rule.span())?;
    }
    Ok(Definition { path: head.path, uses, reads, always, kind, weight })
}

/// The state of the walk through one definition.
pub(super) struct Walker<'a> {
    pub index: &'a Index,
    pub module: &'a ModuleInfo,
    pub known: Known<'a>,
    pub scopes: Scopes,
    /// Evaluations open inside each other at this point.
    pub level: u32,
    pub uses: Uses,
    /// Variables that the current statement gives a value.
    later: BTreeMap<String, (Kind, Weight)>,
    /// Iterations of the current statement.
    pub loops: u32,
    /// Trees that are read whole.
    reads: BTreeMap<Path, Span>,
    always: bool,
    kind: Option<Kind>,
    weight: Option<Weight>,
    /// What holds here makes one part of a value.
    collects: bool,
}

impl Walker<'_> {
    fn rule(&mut self, rule: &Rule, head: &heads::Head) -> Result<(), PolicyError> {
        match rule {
            Rule::Default { args, value, .. } => {
                self.always = true;
                self.arguments(args)?;
                self.default_value(head, value)
            }
            Rule::Spec { head: syntax, bodies, .. } => self.definition(syntax, bodies),
        }
    }

    fn default_value(&mut self, head: &heads::Head, value: &Ref<Expr>) -> Result<(), PolicyError> {
        if !literal::is_constant(value) {
            return Err(PolicyError::at(value.span(), "a default must be a constant"));
        }
        let info = self.expr(value, Site::Value)?;
        self.kind = Some(info.kind);
        self.weight = Some(info.weight);
        match (head.shape, self.index.rules.get(&head.path)) {
            (Shape::Function(_), Some(rule)) if !rule.defined => {
                Err(PolicyError::at(value.span(), "a function needs a definition besides its default"))
            }
            _ => Ok(()),
        }
    }

    fn definition(&mut self, head: &RuleHead, bodies: &[RuleBody]) -> Result<(), PolicyError> {
        let (key, value) = match head {
            RuleHead::Compr { refr, assign, .. } => {
                let key = match refr.as_ref() {
                    Expr::RefBrack { index, .. } if literal::string(index).is_none() => Some(index),
                    _ => None,
                };
                if let (Some(key), None) = (key, assign) {
                    return Err(PolicyError::at(key.span(), "a computed key needs a value: name[key] := value"));
                }
                (key, assign.as_ref().map(|assign| &assign.value))
            }
            RuleHead::Set { key, .. } => (None, key.as_ref()),
            RuleHead::Func { args, assign, .. } => {
                self.arguments(args)?;
                (None, assign.as_ref().map(|assign| &assign.value))
            }
        };
        let set = matches!(head, RuleHead::Set { .. });
        let object = key.is_some();
        let partial = object || set;
        check_else(bodies, partial, value.is_some())?;
        let has_else = bodies.len() > 1;
        let mut often = false;
        self.collects = partial;
        if bodies.is_empty() {
            self.always = self.output(key, value, false)?;
        }
        for (number, body) in bodies.iter().enumerate() {
            self.scopes.push();
            let level = self.level;
            let iterates = self.query(&body.query)?;
            let must = iterates || has_else;
            often |= iterates;
            if number == 0 {
                self.output(key, value, must)?;
            } else {
                self.output(None, body.assign.as_ref().map(|assign| &assign.value), must)?;
            }
            self.level = level;
            self.scopes.pop();
        }
        if let (true, Some(key), Some(kind)) = (set, value, self.kind) {
            self.check_member(key, kind)?;
        }
        if partial {
            let one = self.weight.unwrap_or(Weight::SCALAR);
            self.weight = Some(if often { one.often() } else { one }.inside());
        }
        self.kind = match self.kind {
            _ if set => Some(Kind::Set),
            Some(kind) if object => Some(if kind.is_json() { Kind::Json } else { Kind::Any }),
            kind => kind,
        };
        Ok(())
    }

    /// Checks key and value of a head and tells whether they always have a value. With `must`, they
    /// have to have one whenever the body holds: an undefined one makes regorus forget the values
    /// found before.
    fn output(&mut self, key: Option<&Ref<Expr>>, value: Option<&Ref<Expr>>, must: bool) -> Result<bool, PolicyError> {
        let mut sure = true;
        // Without a value it is `true`.
        let mut kind = if value.is_none() { Some(Kind::Scalar) } else { None };
        let mut weight = Weight::SCALAR;
        for expr in key.into_iter().chain(value) {
            let info = self.expr(expr, Site::Value)?;
            sure &= info.sure;
            weight = weight.and(info.weight);
            kind = Some(kind.map_or(info.kind, |kind| kind.join(info.kind)));
            if must && !info.sure {
                return Err(PolicyError::at(
                    expr.span(),
                    "the head's value may be undefined; bind it in the body first: x := …",
                ));
            }
        }
        let kind = kind.unwrap_or(Kind::Any);
        self.kind = Some(self.kind.map_or(kind, |known| known.join(kind)));
        self.weight = Some(self.weight.map_or(weight, |known| known.or(weight)));
        Ok(sure)
    }

    fn arguments(&mut self, args: &[Ref<Expr>]) -> Result<(), PolicyError> {
        if let Some(extra) = args.get(MAX_ARGUMENTS) {
            return Err(PolicyError::at(
                extra.span(),
                format!("a function may have at most {MAX_ARGUMENTS} arguments; pass an object"),
            ));
        }
        for arg in args {
            match arg.as_ref() {
                Expr::Var { span, .. } if span.text() == "_" => {}
                Expr::Var { span, .. } => {
                    self.scopes.declare(self.index, self.module, span, Local::bound(Kind::Any, Weight::ARGUMENT))?;
                }
                other if literal::is_scalar(other) => {
                    self.expr(arg, Site::Value)?;
                }
                other => {
                    return Err(PolicyError::at(
                        other.span(),
                        "a function's argument must be a name or a constant; take it apart in the body",
                    ));
                }
            }
        }
        Ok(())
    }

    /// Checks the statements of a body in their order. Tells whether they may hold more than once.
    pub(super) fn query(&mut self, query: &Query) -> Result<bool, PolicyError> {
        let mut iterates = false;
        if let Some(extra) = query.stmts.get(MAX_STATEMENTS) {
            return Err(PolicyError::at(
                &extra.span,
                format!("a body may have at most {MAX_STATEMENTS} statements; split the rule"),
            ));
        }
        for statement in &query.stmts {
            self.loops = 0;
            self.later.clear();
            self.statement(statement)?;
            let later = std::mem::take(&mut self.later);
            self.scopes.bind(&later);
            iterates |= self.loops > 0;
            self.level = self.level.saturating_add(self.loops);
            self.uses.reach(self.level);
        }
        self.loops = 0;
        Ok(iterates)
    }

    fn statement(&mut self, statement: &LiteralStmt) -> Result<(), PolicyError> {
        if let Some(modifier) = statement.with_mods.first() {
            return Err(PolicyError::at(
                &modifier.span,
                "`with` is not available inline; pass the value to a function as an argument",
            ));
        }
        match &statement.literal {
            Literal::SomeVars { vars, .. } => {
                for span in vars {
                    let local = Local { open: true, ..Local::bound(Kind::Any, Weight::SCALAR) };
                    self.declare(span, local)?;
                }
                Ok(())
            }
            Literal::SomeIn { key, value, collection, .. } => {
                let info = self.expr(collection, Site::Statement)?;
                let kind = info.kind.part();
                let weight = if self.collects { info.weight.part() } else { info.weight };
                for name in key.iter().chain([value]) {
                    self.pattern(name, Local::bound(kind, weight))?;
                }
                self.loops = self.loops.saturating_add(1);
                Ok(())
            }
            Literal::Expr { expr, .. } => self.expression_statement(expr),
            Literal::NotExpr { expr, .. } => negation::check(self, expr),
            Literal::Every { key, value, domain, query, .. } => self.every(key.as_ref(), value, domain, query),
        }
    }

    fn declare(&mut self, span: &Span, local: Local) -> Result<(), PolicyError> {
        if span.text() == "_" {
            return Err(PolicyError::at(span, "`_` cannot be declared; give the variable a name"));
        }
        self.scopes.declare(self.index, self.module, span, local)
    }

    /// The left side of `in`: a new name, or `_`.
    fn pattern(&mut self, pattern: &Ref<Expr>, local: Local) -> Result<(), PolicyError> {
        match pattern.as_ref() {
            Expr::Var { span, .. } if span.text() == "_" => Ok(()),
            Expr::Var { span, .. } => self.declare(span, local),
            other => Err(PolicyError::at(
                other.span(),
                "`some … in` takes names only; compare the value in a statement of its own",
            )),
        }
    }

    fn every(
        &mut self,
        key: Option<&Span>,
        value: &Span,
        domain: &Ref<Expr>,
        query: &Query,
    ) -> Result<(), PolicyError> {
        let domain = self.expr(domain, Site::Value)?;
        let local = Local { every: true, ..Local::bound(domain.kind.part(), domain.weight) };
        self.nested(|walker| {
            for span in key.into_iter().chain([value]) {
                if span.text() != "_" {
                    walker.declare(span, local.clone())?;
                }
            }
            walker.scopes.push();
            walker.query(query)?;
            walker.scopes.pop();
            Ok(())
        })
    }

    /// Runs `check` in a scope of its own, whose iterations are not those of the statement around.
    pub(super) fn nested<T>(
        &mut self,
        check: impl FnOnce(&mut Self) -> Result<T, PolicyError>,
    ) -> Result<T, PolicyError> {
        let (loops, level) = (self.loops, self.level);
        let collects = std::mem::replace(&mut self.collects, true);
        let later = std::mem::take(&mut self.later);
        self.level = level.saturating_add(loops).saturating_add(2);
        self.loops = 0;
        self.scopes.push();
        let result = check(self)?;
        self.scopes.pop();
        self.later = later;
        self.loops = loops;
        self.level = level;
        self.collects = collects;
        Ok(result)
    }

    fn expression_statement(&mut self, expr: &Ref<Expr>) -> Result<(), PolicyError> {
        match expr.as_ref() {
            Expr::AssignExpr { op: AssignOp::ColEq, lhs, rhs, .. } => {
                let info = self.expr(rhs, Site::Statement)?;
                let Expr::Var { span, .. } = lhs.as_ref() else {
                    return Err(PolicyError::at(
                        lhs.span(),
                        "`:=` takes a single name inline; take the value apart with indexes",
                    ));
                };
                self.declare(span, Local { input: info.input, ..Local::bound(info.kind, info.weight) })
            }
            Expr::Membership { .. } => self.membership(expr, Site::Statement, false).map(|_| ()),
            _ => self.expr(expr, Site::Statement).map(|_| ()),
        }
    }

    /// Counts one iteration of the current statement.
    pub(super) fn iterate(&mut self, span: &Span, site: Site) -> Result<(), PolicyError> {
        if site == Site::Value {
            return Err(PolicyError::at(
                span,
                "iterates where a single value is wanted; bind it in the body first: some x in …",
            ));
        }
        self.loops = self.loops.saturating_add(1);
        Ok(())
    }

    /// Gives an open variable a value from the next statement on.
    pub(super) fn bind_later(&mut self, span: &Span, kind: Kind, weight: Weight) -> Result<(), PolicyError> {
        if !self.scopes.is_innermost(span.text()) {
            return Err(PolicyError::at(
                span,
                format!("`{}` has no value here; declare it inside the brackets that use it", span.text()),
            ));
        }
        self.later.insert(span.text().to_owned(), (kind, weight));
        Ok(())
    }

    /// Records that the rule at `path` is evaluated here.
    pub(super) fn depend(&mut self, path: Path) {
        let level = self.level.saturating_add(self.loops);
        self.uses.add(path, level);
    }

    /// How large the value of the rule or tree at `path` is, as far as it is known.
    pub(super) fn weight_of(&self, path: &[String]) -> Weight {
        self.known.weights.and_then(|weights| weights.get(path)).copied().unwrap_or(Weight::SCALAR)
    }

    /// Records that more than one rule of a tree is read at once.
    pub(super) fn read_whole(&mut self, span: &Span, path: &Path) {
        self.reads.entry(path.clone()).or_insert_with(|| span.clone());
    }
}

/// `else` only for complete rules and functions, and with a value exactly if the head has one:
/// regorus and OPA give an `else` without a value different ones.
fn check_else(bodies: &[RuleBody], partial: bool, value: bool) -> Result<(), PolicyError> {
    for body in bodies.iter().skip(1) {
        let problem = if !body.is_else {
            "a second body is not available inline; write a second rule"
        } else if partial {
            "`else` is only available for complete rules and functions"
        } else if body.assign.is_some() != value {
            "head and `else` must both have a value or both have none; add `:= true`"
        } else {
            continue;
        };
        return Err(PolicyError::at(&body.span, problem));
    }
    Ok(())
}
