//! From regorus' syntax tree to bodies in which every name is resolved, as OPA's compiler resolves them.

use std::collections::BTreeSet;

use regorus::Value;
use regorus::unstable::{ArithOp, AssignOp, BinOp, BoolOp, Expr, Literal, LiteralStmt, Query, Ref, Span, WithModifier};

use super::builtins;
use super::core::{Document, Var};
use super::error::PolicyError;
use super::index::{Alias, Index, ModuleInfo, Path, Shape};
use super::literal;
use super::negation;
use super::node::{Base, Block, Collected, Goal, Node, Target, With};
use super::scope::{self, Meaning, Scopes};

/// Statements of one body: putting them into an order compares each with each.
const MAX_STATEMENTS: usize = 256;
/// `with` modifiers of one statement, which are nested in each other.
const MAX_MODIFIERS: usize = 32;

/// Resolves the bodies of one definition.
pub(super) struct Resolver<'a> {
    pub index: &'a Index,
    pub module: &'a ModuleInfo,
    pub scopes: Scopes,
    /// Declared by `some` or `every`, which OPA wants to be used.
    declared: Vec<(Var, Span)>,
    used: BTreeSet<Var>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(index: &'a Index, module: &'a ModuleInfo) -> Self {
        Self { index, module, scopes: Scopes::default(), declared: Vec::new(), used: BTreeSet::new() }
    }

    /// Refuses variables that are declared and not used, as OPA does.
    pub(super) fn check_used(&self) -> Result<(), PolicyError> {
        match self.declared.iter().find(|(var, _)| !self.used.contains(var)) {
            Some((_, span)) => {
                Err(PolicyError::at(span, format!("variable `{}` is declared and not used; remove it", span.text())))
            }
            None => Ok(()),
        }
    }

    /// Opens the scope of a body that also holds `terms`, such as a rule's head.
    pub(super) fn open(&mut self, statements: &[LiteralStmt], terms: &[&Ref<Expr>]) {
        self.scopes.push();
        self.announce(statements, terms);
    }

    /// Makes the names of a body known in the innermost scope.
    fn announce(&mut self, statements: &[LiteralStmt], terms: &[&Ref<Expr>]) {
        for name in scope::declared(statements) {
            self.scopes.announce(&name);
        }
        let mut names = BTreeSet::new();
        scope::used(statements, &mut names);
        terms.iter().for_each(|term| scope::used_in(term, &mut names));
        for name in names {
            if name != "_" && matches!(self.scopes.meaning(&name), Meaning::Global) && !self.is_global(&name) {
                self.scopes.imply(&name);
            }
        }
    }

    fn is_global(&self, name: &str) -> bool {
        matches!(name, "input" | "data")
            || self.index.is_rule(&self.module.package, name)
            || self.module.aliases.contains_key(name)
    }

    /// The statements of a body whose scope is open.
    pub(super) fn goals(&mut self, statements: &[LiteralStmt]) -> Result<Vec<Goal>, PolicyError> {
        let mut goals = Vec::new();
        for (number, statement) in statements.iter().enumerate() {
            if number >= MAX_STATEMENTS {
                let problem =
                    format!("the body has more than {MAX_STATEMENTS} statements; put a part into a rule of its own");
                return Err(PolicyError::at(&statement.span, problem));
            }
            if let Some(modifier) = statement.with_mods.get(MAX_MODIFIERS) {
                let problem =
                    format!("the statement has more than {MAX_MODIFIERS} `with`; replace an object that has them all");
                return Err(PolicyError::at(&modifier.span, problem));
            }
            self.statement(statement, &mut goals)?;
        }
        Ok(goals)
    }

    fn statement(&mut self, statement: &LiteralStmt, goals: &mut Vec<Goal>) -> Result<(), PolicyError> {
        if statement.with_mods.is_empty() {
            return self.literal(statement, goals);
        }
        let mods = statement.with_mods.iter().map(|modifier| self.with(modifier)).collect::<Result<_, _>>()?;
        let mut inner = Vec::new();
        self.literal(statement, &mut inner)?;
        goals.push(Goal::With { mods, goals: inner, span: statement.span.clone() });
        Ok(())
    }

    /// What a `with` replaces: the input or a part of it, or data that no rule has a part in.
    fn with(&mut self, modifier: &WithModifier) -> Result<With, PolicyError> {
        const PROBLEM: &str =
            "`with` may only replace input, or data without rules, inline; pass the value to a function as an argument";
        let words = literal::constant_path(&modifier.refr).unwrap_or_default();
        let (document, path) = match words.split_first() {
            Some((first, rest)) if first == "input" => (Document::Input, rest.to_vec()),
            Some((first, rest)) if first == "data" => (Document::Data, rest.to_vec()),
            Some((first, rest)) if matches!(self.scopes.meaning(first), Meaning::Global) => {
                match self.module.aliases.get(first) {
                    Some(Alias::Input(base)) => (Document::Input, [base.as_slice(), rest].concat()),
                    Some(Alias::Data(base)) => (Document::Data, [base.as_slice(), rest].concat()),
                    None => return Err(PolicyError::at(&modifier.span, PROBLEM)),
                }
            }
            _ => return Err(PolicyError::at(&modifier.span, PROBLEM)),
        };
        let inside_rule = (0..=path.len())
            .filter_map(|length| path.get(..length))
            .any(|prefix| self.index.by_path.contains_key(prefix));
        if document == Document::Data && (path.is_empty() || inside_rule || self.index.has_below(&path)) {
            return Err(PolicyError::at(&modifier.span, PROBLEM));
        }
        Ok(With { document, path, value: self.expr(&modifier.r#as)? })
    }

    fn literal(&mut self, statement: &LiteralStmt, goals: &mut Vec<Goal>) -> Result<(), PolicyError> {
        match &statement.literal {
            Literal::SomeVars { vars, .. } => {
                for span in vars {
                    let var = self.declare(span)?;
                    self.declared.push((var, span.clone()));
                }
                Ok(())
            }
            Literal::SomeIn { key, value, collection, .. } => {
                let of = self.expr(collection)?;
                let key = key.as_ref().map(|key| self.pattern(key)).transpose()?;
                let value = self.pattern(value)?;
                goals.push(Goal::Member { key, value, of });
                Ok(())
            }
            Literal::Expr { expr, span } => self.expression(expr, span, goals),
            Literal::NotExpr { expr, span } => {
                let mut inner = Vec::new();
                match expr.as_ref() {
                    // OPA makes `=` of it before it takes references out.
                    Expr::BoolExpr { op: BoolOp::Eq, lhs, rhs, .. } => {
                        inner.push(Goal::Unify(self.expr(lhs)?, self.expr(rhs)?, span.clone()));
                    }
                    _ => self.expression(expr, span, &mut inner)?,
                }
                // `equal(a, b)` is `=` as well.
                if let [Goal::Holds(Node::Call { target: Target::Builtin("equal"), args, .. })] = inner.as_slice()
                    && let [a, b] = args.as_slice()
                {
                    inner = vec![Goal::Unify(a.clone(), b.clone(), span.clone())];
                }
                // `not f(x, result)` is one call for OPA, and not taken apart.
                let call = matches!(expr.as_ref(), Expr::Call { fcn, params, .. }
                    if !(params.len() == 2 && self.is_equality(fcn)));
                negation::expand(self, inner, call, span, goals);
                Ok(())
            }
            Literal::Every { key, value, domain, query, span } => {
                let of = self.expr(domain)?;
                let goal = self.every(key.as_ref(), value, of, query, span)?;
                goals.push(goal);
                Ok(())
            }
        }
    }

    /// Whether a call's name is that of `=` or `==`. No rule and no import can have such a name.
    fn is_equality(&self, function: &Ref<Expr>) -> bool {
        literal::constant_path(function)
            .is_some_and(|words| matches!(words.as_slice(), [word] if matches!(word.as_str(), "eq" | "equal")))
    }

    fn every(
        &mut self,
        key: Option<&Span>,
        value: &Span,
        of: Node,
        query: &Query,
        span: &Span,
    ) -> Result<Goal, PolicyError> {
        self.scopes.push();
        let name = |resolver: &mut Self, span: Option<&Span>| match span {
            Some(span) if span.text() != "_" => {
                let var = resolver.declare(span)?;
                resolver.declared.push((var, span.clone()));
                Ok(var)
            }
            _ => Ok(resolver.scopes.fresh()),
        };
        let key = name(self, key)?;
        let value = name(self, Some(value))?;
        self.announce(&query.stmts, &[]);
        let goals = self.goals(&query.stmts)?;
        let block = Block { goals, own: self.scopes.pop(), span: span.clone() };
        Ok(Goal::Every { key, value, of, block })
    }

    /// A statement that is an expression.
    fn expression(&mut self, expr: &Ref<Expr>, span: &Span, goals: &mut Vec<Goal>) -> Result<(), PolicyError> {
        match expr.as_ref() {
            Expr::AssignExpr { op: AssignOp::ColEq, lhs, rhs, .. } => {
                let value = self.expr(rhs)?;
                let pattern = self.pattern(lhs)?;
                goals.push(Goal::Unify(pattern, value, span.clone()));
            }
            Expr::AssignExpr { op: AssignOp::Eq, lhs, rhs, .. } => {
                let (lhs, rhs) = (self.expr(lhs)?, self.expr(rhs)?);
                goals.push(Goal::Unify(lhs, rhs, span.clone()));
            }
            Expr::BinExpr { span, .. } => {
                // `{a | b; c}` is a body for regorus and a comprehension for OPA.
                return Err(PolicyError::at(span, "`|` and `&` do not stand as a statement; compare the set"));
            }
            Expr::Call { span, fcn, params, .. } => self.call_statement(span, fcn, params, goals)?,
            _ => {
                let node = self.expr(expr)?;
                goals.push(Goal::Holds(node));
            }
        }
        Ok(())
    }

    /// A call as a statement: it may have one argument more, which is unified with the result.
    fn call_statement(
        &mut self,
        span: &Span,
        function: &Ref<Expr>,
        params: &[Ref<Expr>],
        goals: &mut Vec<Goal>,
    ) -> Result<(), PolicyError> {
        let (target, arity) = match self.target(span, function)? {
            Called::Print => {
                params.iter().try_for_each(|param| self.expr(param).map(|_| ()))?;
                return Ok(());
            }
            Called::Unify => {
                let [lhs, rhs] = params else { return Err(count_error(span, "eq", 2, params.len())) };
                let (lhs, rhs) = (self.expr(lhs)?, self.expr(rhs)?);
                goals.push(Goal::Unify(lhs, rhs, span.clone()));
                return Ok(());
            }
            Called::Target(target, arity) => (target, arity),
        };
        let mut args = self.all(params)?;
        if args.len() == arity.saturating_add(1)
            && let Some(result) = args.pop()
        {
            let call = Node::Call { target, args, span: span.clone() };
            goals.push(Goal::Unify(result, call, span.clone()));
            return Ok(());
        }
        check_count(span, function, arity, args.len())?;
        goals.push(Goal::Holds(Node::Call { target, args, span: span.clone() }));
        Ok(())
    }

    fn declare(&mut self, span: &Span) -> Result<Var, PolicyError> {
        let name = span.text();
        if matches!(name, "_" | "input" | "data") || builtins::is_operator(name) {
            return Err(PolicyError::at(span, format!("`{name}` cannot be declared; rename it")));
        }
        self.scopes
            .declare(name)
            .ok_or_else(|| PolicyError::at(span, format!("variable `{name}` is declared twice; rename one")))
    }

    /// The left side of `:=` and of `some … in`, whose variables are declared by it.
    pub(super) fn pattern(&mut self, pattern: &Ref<Expr>) -> Result<Node, PolicyError> {
        match pattern.as_ref() {
            Expr::Var { span, .. } if span.text() == "_" => Ok(Node::Var(self.scopes.fresh(), span.clone())),
            Expr::Var { span, .. } => Ok(Node::Var(self.declare(span)?, span.clone())),
            Expr::Array { items, .. } => {
                Ok(Node::Array(items.iter().map(|item| self.pattern(item)).collect::<Result<_, _>>()?))
            }
            Expr::Object { fields, .. } => {
                let fields = fields.iter().map(|(_, key, value)| match literal::is_scalar(key) {
                    true => Ok((self.expr(key)?, self.pattern(value)?)),
                    false => Err(PolicyError::at(key.span(), "a key in a pattern must be a constant")),
                });
                Ok(Node::Object(fields.collect::<Result<_, _>>()?))
            }
            other if literal::is_scalar(other) => self.expr(pattern),
            other => Err(PolicyError::at(
                other.span(),
                "a pattern may have names, constants, arrays and objects; compare in a statement of its own",
            )),
        }
    }

    pub(super) fn all(&mut self, exprs: &[Ref<Expr>]) -> Result<Vec<Node>, PolicyError> {
        exprs.iter().map(|expr| self.expr(expr)).collect()
    }

    /// An expression.
    pub(super) fn expr(&mut self, expr: &Ref<Expr>) -> Result<Node, PolicyError> {
        match expr.as_ref() {
            Expr::String { value, .. } | Expr::RawString { value, .. } => Ok(Node::Const(value.clone())),
            Expr::Bool { value, .. } => Ok(Node::Const(value.clone())),
            Expr::Null { .. } => Ok(Node::Const(Value::Null)),
            Expr::Number { span, .. } => literal::number(span, span.text()).map(Node::Const),
            Expr::UnaryExpr { span, expr, .. } => match expr.as_ref() {
                Expr::Number { span, .. } => literal::number(span, &format!("-{}", span.text())).map(Node::Const),
                _ => Err(PolicyError::at(span, "`-` may only stand directly before a number; write 0 - x")),
            },
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => self.reference(expr),
            Expr::Array { items, .. } => {
                not_a_union(items)?;
                self.all(items).map(Node::Array)
            }
            Expr::Set { items, .. } => {
                not_a_union(items)?;
                self.all(items).map(Node::Set)
            }
            Expr::Object { fields, .. } => {
                let fields = fields.iter().map(|(_, key, value)| {
                    not_a_union([key, value])?;
                    Ok((self.expr(key)?, self.expr(value)?))
                });
                Ok(Node::Object(fields.collect::<Result<_, PolicyError>>()?))
            }
            Expr::ArrayCompr { term, query, span, .. } => {
                self.comprehension(query, span, &[term], |terms| Collected::Array(Box::new(terms.next()?)).into())
            }
            Expr::SetCompr { term, query, span, .. } => {
                self.comprehension(query, span, &[term], |terms| Collected::Set(Box::new(terms.next()?)).into())
            }
            Expr::ObjectCompr { key, value, query, span, .. } => {
                self.comprehension(query, span, &[key, value], |terms| {
                    Collected::Object(Box::new(terms.next()?), Box::new(terms.next()?)).into()
                })
            }
            Expr::Call { span, fcn, params, .. } => self.call(span, fcn, params),
            Expr::BinExpr { span, op, lhs, rhs, .. } => {
                let name = match op {
                    BinOp::Union => "or",
                    BinOp::Intersection => "and",
                };
                self.operator(span, name, [lhs, rhs])
            }
            Expr::ArithExpr { span, op, lhs, rhs, .. } => {
                let name = match op {
                    ArithOp::Add => "plus",
                    ArithOp::Sub => "minus",
                    ArithOp::Mul => "mul",
                    ArithOp::Div => "div",
                    ArithOp::Mod => "rem",
                };
                self.operator(span, name, [lhs, rhs])
            }
            Expr::BoolExpr { span, op, lhs, rhs, .. } => {
                let name = match op {
                    BoolOp::Eq => "equal",
                    BoolOp::Ne => "neq",
                    BoolOp::Lt => "lt",
                    BoolOp::Le => "lte",
                    BoolOp::Gt => "gt",
                    BoolOp::Ge => "gte",
                };
                self.operator(span, name, [lhs, rhs])
            }
            Expr::Membership { span, key: None, value, collection, .. } => {
                self.operator(span, "internal.member_2", [value, collection])
            }
            Expr::Membership { span, key: Some(key), value, collection, .. } => {
                self.operator(span, "internal.member_3", [key, value, collection])
            }
            Expr::AssignExpr { span, .. } => {
                Err(PolicyError::at(span, "`=` and `:=` may only stand as a statement; use `==` to compare"))
            }
        }
    }

    fn operator<const N: usize>(
        &mut self,
        span: &Span,
        name: &'static str,
        operands: [&Ref<Expr>; N],
    ) -> Result<Node, PolicyError> {
        let mut args = Vec::new();
        for operand in operands {
            args.push(self.expr(operand)?);
        }
        let target = operator(span, name)?;
        Ok(Node::Call { target, args, span: span.clone() })
    }

    fn comprehension(
        &mut self,
        query: &Query,
        span: &Span,
        terms: &[&Ref<Expr>],
        make: impl FnOnce(&mut std::vec::IntoIter<Node>) -> Option<Collected>,
    ) -> Result<Node, PolicyError> {
        self.open(&query.stmts, terms);
        let goals = self.goals(&query.stmts)?;
        let terms = terms.iter().map(|term| self.expr(term)).collect::<Result<Vec<_>, _>>()?;
        let block = Block { goals, own: self.scopes.pop(), span: span.clone() };
        let what =
            make(&mut terms.into_iter()).ok_or_else(|| PolicyError::at(span, "the comprehension has no term"))?;
        Ok(Node::Collect { what, block: Box::new(block), span: span.clone() })
    }

    /// A name, with keys behind it or without.
    fn reference(&mut self, expr: &Ref<Expr>) -> Result<Node, PolicyError> {
        let mut steps: Vec<Step<'_>> = Vec::new();
        let mut base = expr;
        loop {
            match base.as_ref() {
                Expr::RefDot { refr, field, .. } => {
                    steps.push(Step::Dot(field.0.text()));
                    base = refr;
                }
                Expr::RefBrack { refr, index, .. } => {
                    steps.push(Step::Bracket(index));
                    base = refr;
                }
                _ => break,
            }
        }
        let head = match base.as_ref() {
            Expr::Var { span, .. } => self.name(span)?,
            Expr::Array { .. }
            | Expr::Object { .. }
            | Expr::Set { .. }
            | Expr::Call { .. }
            | Expr::ArrayCompr { .. }
            | Expr::SetCompr { .. }
            | Expr::ObjectCompr { .. } => self.expr(base)?,
            other => {
                return Err(PolicyError::at(
                    other.span(),
                    "only a name, a call or a collection may be indexed; bind it first: x := …",
                ));
            }
        };
        if steps.is_empty() {
            return Ok(head);
        }
        let mut path = Vec::new();
        for step in steps.into_iter().rev() {
            path.push(match step {
                Step::Dot(key) => Node::Const(Value::from(key)),
                Step::Bracket(index) => self.expr(index)?,
            });
        }
        let span = expr.span().clone();
        Ok(match head {
            Node::Ref { base, path: mut before, .. } => {
                before.append(&mut path);
                Node::Ref { base, path: before, span }
            }
            head => Node::Ref { base: Base::Node(Box::new(head)), path, span },
        })
    }

    fn name(&mut self, span: &Span) -> Result<Node, PolicyError> {
        let name = span.text();
        if name == "_" {
            return Ok(Node::Var(self.scopes.fresh(), span.clone()));
        }
        match self.scopes.meaning(name) {
            Meaning::Local(var) => {
                self.used.insert(var);
                return Ok(Node::Var(var, span.clone()));
            }
            Meaning::Undeclared => {
                return Err(PolicyError::at(
                    span,
                    format!("variable `{name}` is used before it is declared; move or rename it"),
                ));
            }
            Meaning::Global => {}
        }
        let keys = |path: &[String]| path.iter().map(|key| Node::Const(Value::from(key.as_str()))).collect();
        let (base, path) = match name {
            "input" => (Base::Input, Vec::new()),
            "data" => (Base::Data, Vec::new()),
            // An import wins over a rule of the package.
            _ => match self.module.aliases.get(name) {
                Some(Alias::Input(path)) => (Base::Input, keys(path)),
                Some(Alias::Data(path)) => (Base::Data, keys(path)),
                None if self.index.is_rule(&self.module.package, name) => {
                    let mut path = self.module.package.clone();
                    path.push(name.to_owned());
                    (Base::Data, keys(&path))
                }
                None => {
                    return Err(PolicyError::at(
                        span,
                        format!(
                            "`{name}` is not defined; declare it above (`some {name}`, `{name} := …`) or import it"
                        ),
                    ));
                }
            },
        };
        Ok(Node::Ref { base, path, span: span.clone() })
    }

    fn call(&mut self, span: &Span, function: &Ref<Expr>, params: &[Ref<Expr>]) -> Result<Node, PolicyError> {
        let (target, arity) = match self.target(span, function)? {
            Called::Target(target, arity) => (target, arity),
            Called::Print | Called::Unify => {
                return Err(PolicyError::at(span, "the call has no value; write it as a statement"));
            }
        };
        check_count(span, function, arity, params.len())?;
        let args = self.all(params)?;
        Ok(Node::Call { target, args, span: span.clone() })
    }

    /// What a call's name means.
    fn target(&self, span: &Span, function: &Ref<Expr>) -> Result<Called, PolicyError> {
        let words = literal::constant_path(function)
            .ok_or_else(|| PolicyError::at(span, "a function's name must be words with dots between"))?;
        let (first, rest) =
            words.split_first().ok_or_else(|| PolicyError::at(span, "a function's name must be words"))?;
        let name = words.join(".");
        if !matches!(self.scopes.meaning(first), Meaning::Global) {
            return Err(PolicyError::at(
                span,
                format!("`{first}` is a variable here, so `{name}` cannot be called; rename the variable"),
            ));
        }
        let path: Path = if first == "data" {
            rest.to_vec()
        } else if let Some(Alias::Data(target)) = self.module.aliases.get(first) {
            [target.as_slice(), rest].concat()
        } else if first == "input" || self.module.aliases.contains_key(first) {
            Path::new()
        } else if self.index.is_rule(&self.module.package, first) {
            [self.module.package.as_slice(), &words].concat()
        } else {
            return self.builtin(span, &name);
        };
        let group = self.index.by_path.get(&path);
        match group.and_then(|id| Some((*id, self.index.groups.get(*id)?.shape))) {
            Some((id, Shape::Function(arity))) => Ok(Called::Target(Target::Function(id), arity)),
            _ => Err(PolicyError::at(span, format!("`{name}` is not a function; define it or correct its name"))),
        }
    }

    fn builtin(&self, span: &Span, name: &str) -> Result<Called, PolicyError> {
        match name {
            "print" => return Ok(Called::Print),
            "eq" => return Ok(Called::Unify),
            "walk" => return Ok(Called::Target(Target::Walk, 1)),
            _ => {}
        }
        if builtins::is_deprecated(name) && self.module.syntax.rego_v1 {
            return Err(PolicyError::at(span, format!("`{name}` is deprecated and not part of Rego v1")));
        }
        match builtins::find(name) {
            Some((name, arity)) => Ok(Called::Target(Target::Builtin(name), arity)),
            None => Err(PolicyError::at(span, builtins::refusal(name))),
        }
    }
}

/// What is called.
enum Called {
    Target(Target, usize),
    /// `print`, which OPA leaves out.
    Print,
    /// `eq`, which is `=`.
    Unify,
}

enum Step<'e> {
    Dot(&'e str),
    Bracket(&'e Ref<Expr>),
}

/// The function behind an operator.
fn operator(span: &Span, name: &'static str) -> Result<Target, PolicyError> {
    match builtins::find(name) {
        Some((name, _)) => Ok(Target::Builtin(name)),
        None => Err(PolicyError::at(span, "the operator is not available inline yet")),
    }
}

/// `{a | b | c}` is a set for regorus and a comprehension for OPA, and parentheses leave no trace in the tree.
fn not_a_union<'e>(items: impl IntoIterator<Item = &'e Ref<Expr>>) -> Result<(), PolicyError> {
    for item in items {
        if let Expr::BinExpr { span, op: BinOp::Union, .. } = item.as_ref() {
            return Err(PolicyError::at(
                span,
                "`|` directly inside brackets can be misread; bind it first: x := a | b",
            ));
        }
    }
    Ok(())
}

fn check_count(span: &Span, function: &Ref<Expr>, want: usize, have: usize) -> Result<(), PolicyError> {
    if want == have {
        return Ok(());
    }
    Err(count_error(span, function.span().text(), want, have))
}

fn count_error(span: &Span, name: &str, want: usize, have: usize) -> PolicyError {
    let hint = if have == want.saturating_add(1) { "; write x := f(…) for the result" } else { "" };
    PolicyError::at(span, format!("`{name}` takes {want} arguments, not {have}{hint}"))
}
