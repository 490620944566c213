//! Every expression of a statement.

use regorus::unstable::{ArithOp, BoolOp, Expr, Query, Ref, Span};

use super::body::{Info, Site, Walker};
use super::call;
use super::error::PolicyError;
use super::literal;
use super::reference;
use super::scope::Kind;
use super::weight::Weight;

impl Walker<'_> {
    /// Checks an expression and everything in it.
    pub(super) fn expr(&mut self, expr: &Ref<Expr>, site: Site) -> Result<Info, PolicyError> {
        self.level = self.level.saturating_add(1);
        self.uses.reach(self.level.saturating_add(self.loops));
        let info = self.expr_inside(expr, site)?;
        self.level = self.level.saturating_sub(1);
        if info.kind.is_scalar() {
            return Ok(info.weighing(Weight::SCALAR));
        }
        if self.known.weights.is_some() {
            info.weight.check(expr.span())?;
        }
        Ok(info)
    }

    fn expr_inside(&mut self, expr: &Ref<Expr>, site: Site) -> Result<Info, PolicyError> {
        match expr.as_ref() {
            Expr::String { .. } | Expr::RawString { .. } | Expr::Bool { .. } | Expr::Null { .. } => {
                Ok(Info::sure(Kind::Scalar))
            }
            Expr::Number { span, .. } => number(span),
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => reference::check(self, expr, site),
            Expr::Array { items, .. } => self.all(items.iter(), Kind::Json),
            Expr::Set { items, .. } => self.all(items.iter(), Kind::Set),
            Expr::Object { span, fields, .. } => {
                // Of two equal keys OPA keeps the constant one, regorus the last.
                if fields.len() > 1 && !fields.iter().all(|(_, key, _)| literal::is_scalar(key)) {
                    return Err(PolicyError::at(
                        span,
                        "an object with a computed key may have only that one; use object.union",
                    ));
                }
                self.all(fields.iter().flat_map(|(_, key, value)| [key, value]), Kind::Json)
            }
            Expr::ArrayCompr { term, query, .. } => {
                let (part, weight) = self.comprehension(query, &[term])?;
                Ok(Info::sure(if part.is_json() { Kind::Json } else { Kind::Any }).weighing(weight))
            }
            Expr::SetCompr { term, query, .. } => {
                let (part, weight) = self.comprehension(query, &[term])?;
                self.check_member(term, part)?;
                Ok(Info::sure(Kind::Set).weighing(weight))
            }
            Expr::ObjectCompr { key, value, query, .. } => {
                let (part, weight) = self.comprehension(query, &[key, value])?;
                Ok(Info::sure(if part.is_json() { Kind::Json } else { Kind::Any }).weighing(weight))
            }
            Expr::Call { span, fcn, params, .. } => call::check(self, span, fcn, params, site),
            Expr::BinExpr { lhs, rhs, .. } => {
                let infos = self.operands(&[lhs, rhs], site)?;
                Ok(Info::maybe(Kind::Set).weighing(together(&infos)))
            }
            Expr::BoolExpr { span, op, lhs, rhs, .. } => self.comparison(span, op, lhs, rhs, site),
            Expr::ArithExpr { span, op, lhs, rhs, .. } => self.arithmetic(span, op, lhs, rhs, site),
            Expr::Membership { .. } => self.membership(expr, site, true),
            Expr::UnaryExpr { span, .. } => {
                Err(PolicyError::at(span, "`-` may only stand directly before a number; write 0 - x"))
            }
            Expr::AssignExpr { span, .. } => {
                Err(PolicyError::at(span, "`=` is not available inline; use `:=` to name a value and `==` to compare"))
            }
        }
    }

    /// The parts of an array, set or object.
    fn all<'e>(&mut self, parts: impl Iterator<Item = &'e Ref<Expr>>, kind: Kind) -> Result<Info, PolicyError> {
        let mut whole = Info::sure(kind);
        let mut weight = Weight::SCALAR;
        for part in parts {
            let info = self.expr(part, Site::Value)?;
            if kind == Kind::Set {
                self.check_member(part, info.kind)?;
            }
            whole.sure &= info.sure;
            weight = weight.and(info.weight);
            if kind == Kind::Json && !info.kind.is_json() {
                whole.kind = Kind::Any;
            }
        }
        Ok(whole.weighing(weight.inside()))
    }

    /// The kind of what a comprehension collects, and the weight of it all.
    fn comprehension(&mut self, query: &Query, terms: &[&Ref<Expr>]) -> Result<(Kind, Weight), PolicyError> {
        self.nested(|walker| {
            let iterates = walker.query(query)?;
            let mut kind = None;
            let mut weight = Weight::SCALAR;
            for term in terms {
                let term = walker.expr(term, Site::Value)?;
                weight = weight.and(term.weight);
                kind = Some(kind.map_or(term.kind, |kind: Kind| kind.join(term.kind)));
            }
            let weight = if iterates { weight.often() } else { weight };
            Ok((kind.unwrap_or(Kind::Any), weight.inside()))
        })
    }

    /// A member of a set. OPA orders objects before sets and regorus after them, which shows where a set of both
    /// becomes an array.
    pub(super) fn check_member(&self, expr: &Ref<Expr>, kind: Kind) -> Result<(), PolicyError> {
        let problem = match kind {
            Kind::Set => "a set in a set is not available inline; make it an array: [x | some x in …]",
            Kind::Any if self.known.finally => {
                "a member of a set must be known to hold no set, which an argument of a function is not; make an array"
            }
            _ => return Ok(()),
        };
        Err(PolicyError::at(expr.span(), problem))
    }

    /// The operands of an operator: nothing whose precedence one has to look up.
    fn operands(&mut self, operands: &[&Ref<Expr>], site: Site) -> Result<Vec<Info>, PolicyError> {
        operands
            .iter()
            .map(|operand| match operand.as_ref() {
                Expr::BoolExpr { span, .. } | Expr::Membership { span, .. } => Err(PolicyError::at(
                    span,
                    "a comparison inside an operator is not available inline; bind it first: x := …",
                )),
                _ => self.expr(operand, site),
            })
            .collect()
    }

    fn comparison(
        &mut self,
        span: &Span,
        op: &BoolOp,
        lhs: &Ref<Expr>,
        rhs: &Ref<Expr>,
        site: Site,
    ) -> Result<Info, PolicyError> {
        let infos = self.operands(&[lhs, rhs], site)?;
        // OPA orders objects before sets, regorus sets before objects.
        let orders = !matches!(op, BoolOp::Eq | BoolOp::Ne);
        let comparable = infos.iter().any(|info| info.kind.is_scalar()) || infos.iter().all(|info| info.kind.is_json());
        if orders && !comparable && self.known.finally {
            return Err(PolicyError::at(
                span,
                "one side of the comparison must be known to be a number or text; write floor(x) for a number",
            ));
        }
        Ok(Info { sure: infos.iter().all(|info| info.sure), ..Info::maybe(Kind::Scalar) })
    }

    /// Integers only: fractions are rounded differently by regorus and OPA.
    fn arithmetic(
        &mut self,
        span: &Span,
        op: &ArithOp,
        lhs: &Ref<Expr>,
        rhs: &Ref<Expr>,
        site: Site,
    ) -> Result<Info, PolicyError> {
        let infos = self.operands(&[lhs, rhs], site)?;
        let integers = infos.iter().all(|info| info.kind == Kind::Integer);
        let set = infos.iter().any(|info| info.kind == Kind::Set);
        match op {
            ArithOp::Div | ArithOp::Mod => {
                Err(PolicyError::at(span, "`/` and `%` are not available inline; compare with a product instead"))
            }
            ArithOp::Add | ArithOp::Sub | ArithOp::Mul if integers => {
                Ok(Info { sure: infos.iter().all(|info| info.sure), ..Info::maybe(Kind::Integer) })
            }
            ArithOp::Sub if set => Ok(Info::maybe(Kind::Set).weighing(together(&infos))),
            _ if !self.known.finally => Ok(Info::maybe(Kind::Any)),
            _ => Err(PolicyError::at(
                span,
                "arithmetic is only available on integers (constants, count, floor) and `-` on sets",
            )),
        }
    }

    /// `value in collection`. As a value inside something else its operands must not be undefined:
    /// regorus would call it false where OPA leaves it undefined.
    pub(super) fn membership(&mut self, expr: &Ref<Expr>, site: Site, nested: bool) -> Result<Info, PolicyError> {
        let Expr::Membership { span, key, value, collection, .. } = expr.as_ref() else {
            return self.expr(expr, site);
        };
        if key.is_some() {
            return Err(PolicyError::at(
                span,
                "`key, value in` is not available inline; write collection[key] == value",
            ));
        }
        let infos = self.operands(&[value, collection], site)?;
        if nested && !infos.iter().all(|info| info.sure) {
            return Err(PolicyError::at(span, "an operand of `in` may be undefined here; bind it first: x := …"));
        }
        Ok(Info { sure: infos.iter().all(|info| info.sure), ..Info::maybe(Kind::Scalar) })
    }
}

fn together(infos: &[Info]) -> Weight {
    infos.iter().fold(Weight::SCALAR, |weight, info| weight.and(info.weight))
}

fn number(span: &Span) -> Result<Info, PolicyError> {
    if literal::is_exact_integer(span.text()) {
        Ok(Info::sure(Kind::Integer))
    } else {
        Err(PolicyError::at(span, "only integers up to 9007199254740991 are available inline; use a smaller unit"))
    }
}
