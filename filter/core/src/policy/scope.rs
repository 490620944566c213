//! Local variables: which name means which variable in which body.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{AssignOp, Expr, Literal, LiteralStmt, Ref};

use super::core::Var;

/// The names of one body.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// Declared by `some`, `:=`, `every` or as an argument; without a variable before the declaration is reached.
    pub declared: BTreeMap<String, Option<Var>>,
    /// Used without any declaration.
    pub implicit: BTreeMap<String, Var>,
    /// Every variable that belongs to this body.
    pub own: BTreeSet<Var>,
}

/// What a name means.
pub(super) enum Meaning {
    Local(Var),
    /// Its declaration comes later in the body.
    Undeclared,
    /// No local variable.
    Global,
}

/// The scopes in sight, innermost last, and the numbers of variables.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    scopes: Vec<Scope>,
    next: Var,
}

impl Scopes {
    pub(super) fn push(&mut self) {
        self.scopes.push(Scope::default());
    }

    /// Leaves the innermost scope; its variables belonged to that body.
    pub(super) fn pop(&mut self) -> BTreeSet<Var> {
        self.scopes.pop().map(|scope| scope.own).unwrap_or_default()
    }

    /// A variable without a name, of the innermost body.
    pub(super) fn fresh(&mut self) -> Var {
        let var = self.next;
        self.next = self.next.saturating_add(1);
        if let Some(scope) = self.scopes.last_mut() {
            scope.own.insert(var);
        }
        var
    }

    /// The number of the next variable.
    pub(super) const fn next(&self) -> Var {
        self.next
    }

    /// Numbers below were given away elsewhere.
    pub(super) fn continue_at(&mut self, next: Var) {
        self.next = self.next.max(next);
    }

    pub(super) fn meaning(&self, name: &str) -> Meaning {
        for scope in self.scopes.iter().rev() {
            match scope.declared.get(name) {
                Some(Some(var)) => return Meaning::Local(*var),
                Some(None) => return Meaning::Undeclared,
                None => {}
            }
            if let Some(var) = scope.implicit.get(name) {
                return Meaning::Local(*var);
            }
        }
        Meaning::Global
    }

    /// Announces that the innermost body declares `name` somewhere.
    pub(super) fn announce(&mut self, name: &str) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.declared.entry(name.to_owned()).or_insert(None);
        }
    }

    /// Declares `name` in the innermost body; `None` if it is declared already.
    pub(super) fn declare(&mut self, name: &str) -> Option<Var> {
        let var = self.fresh();
        let scope = self.scopes.last_mut()?;
        match scope.declared.insert(name.to_owned(), Some(var)) {
            Some(Some(_)) => None,
            _ => Some(var),
        }
    }

    /// Takes `name`, which nothing declares, for a variable of the innermost body.
    pub(super) fn imply(&mut self, name: &str) {
        let var = self.fresh();
        if let Some(scope) = self.scopes.last_mut() {
            scope.implicit.insert(name.to_owned(), var);
        }
    }
}

/// The names that the statements of a body declare, in their order.
pub(super) fn declared(statements: &[LiteralStmt]) -> Vec<String> {
    let mut names = Vec::new();
    for statement in statements {
        match &statement.literal {
            Literal::SomeVars { vars, .. } => names.extend(vars.iter().map(|span| span.text().to_owned())),
            Literal::SomeIn { key, value, .. } => {
                key.iter().chain([value]).for_each(|pattern| pattern_names(pattern, &mut names));
            }
            Literal::Expr { expr, .. } => {
                if let Expr::AssignExpr { op: AssignOp::ColEq, lhs, .. } = expr.as_ref() {
                    pattern_names(lhs, &mut names);
                }
            }
            Literal::NotExpr { .. } | Literal::Every { .. } => {}
        }
    }
    names.retain(|name| name != "_");
    names
}

/// The variables that a pattern declares.
fn pattern_names(pattern: &Expr, names: &mut Vec<String>) {
    match pattern {
        Expr::Var { span, .. } => names.push(span.text().to_owned()),
        Expr::Array { items, .. } => items.iter().for_each(|item| pattern_names(item, names)),
        Expr::Object { fields, .. } => fields.iter().for_each(|(_, _, value)| pattern_names(value, names)),
        _ => {}
    }
}

/// The names used in the statements of a body, but not those inside comprehensions and `every`, which are bodies of
/// their own.
pub(super) fn used(statements: &[LiteralStmt], names: &mut BTreeSet<String>) {
    for statement in statements {
        for modifier in &statement.with_mods {
            used_in(&modifier.r#as, names);
        }
        match &statement.literal {
            Literal::SomeVars { .. } => {}
            Literal::SomeIn { key, value, collection, .. } => {
                key.iter().chain([value, collection]).for_each(|expr| used_in(expr, names));
            }
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => used_in(expr, names),
            Literal::Every { domain, .. } => used_in(domain, names),
        }
    }
}

/// The names used in an expression.
pub(super) fn used_in(expr: &Ref<Expr>, names: &mut BTreeSet<String>) {
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        match expr.as_ref() {
            Expr::Var { span, .. } => {
                names.insert(span.text().to_owned());
            }
            Expr::RefDot { refr, .. } => open.push(refr),
            Expr::RefBrack { refr, index, .. } => open.extend([refr, index]),
            // The function's own name is no variable.
            Expr::Call { params, .. } => open.extend(params),
            Expr::Array { items, .. } | Expr::Set { items, .. } => open.extend(items),
            Expr::Object { fields, .. } => open.extend(fields.iter().flat_map(|(_, key, value)| [key, value])),
            Expr::UnaryExpr { expr, .. } => open.push(expr),
            Expr::BinExpr { lhs, rhs, .. }
            | Expr::BoolExpr { lhs, rhs, .. }
            | Expr::ArithExpr { lhs, rhs, .. }
            | Expr::AssignExpr { lhs, rhs, .. } => open.extend([lhs, rhs]),
            Expr::Membership { key, value, collection, .. } => {
                open.extend(key.iter().chain([value, collection]));
            }
            Expr::ArrayCompr { .. }
            | Expr::SetCompr { .. }
            | Expr::ObjectCompr { .. }
            | Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Bool { .. }
            | Expr::Null { .. } => {}
        }
    }
}
