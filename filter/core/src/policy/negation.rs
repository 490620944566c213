//! `not`.
//!
//! OPA evaluates references and calls inside an operator or a call before the `not`, so that an
//! undefined one makes the statement fail; regorus evaluates them inside, so that it makes the
//! statement hold. `allow if not input.role in {"guest"}` lets a request without a role pass. Only
//! shapes are accepted in which there is nothing to evaluate before.

use regorus::unstable::{BoolOp, Expr, Ref};

use super::body::{Site, Walker};
use super::error::PolicyError;
use super::literal;
use super::reference::{Segment, flatten};

/// Checks what follows `not`.
pub(super) fn check(walker: &mut Walker<'_>, expr: &Ref<Expr>) -> Result<(), PolicyError> {
    let fits = match expr.as_ref() {
        Expr::BoolExpr { op: BoolOp::Eq, lhs, rhs, .. } => {
            [lhs, rhs].iter().all(|side| is_value(walker, side) || is_plain(walker, side))
        }
        Expr::BoolExpr { lhs, rhs, .. } => [lhs, rhs].iter().all(|side| is_value(walker, side)),
        Expr::Membership { key: None, value, collection, .. } => {
            [value, collection].iter().all(|side| is_value(walker, side))
        }
        Expr::Call { params, .. } => params.iter().all(|param| is_value(walker, param)),
        _ => is_value(walker, expr) || is_plain(walker, expr),
    };
    if !fits {
        return Err(PolicyError::at(
            expr.span(),
            "OPA evaluates what is inside this `not` before it; bind it first: x := <reference>; not f(x)",
        ));
    }
    walker.expr(expr, Site::Value).map(|_| ())
}

/// A constant or a local variable that has a value.
fn is_value(walker: &Walker<'_>, expr: &Ref<Expr>) -> bool {
    is_local(walker, expr) || literal::is_constant(expr)
}

fn is_local(walker: &Walker<'_>, expr: &Ref<Expr>) -> bool {
    matches!(expr.as_ref(), Expr::Var { span, .. }
        if walker.scopes.get(span.text()).is_some_and(|local| !local.open))
}

/// A local variable that regorus does not take for unbound: where the index finds nothing, it would
/// give up on the whole statement, `not` and all.
fn is_index(walker: &Walker<'_>, expr: &Ref<Expr>) -> bool {
    matches!(expr.as_ref(), Expr::Var { span, .. }
        if walker.scopes.get(span.text()).is_some_and(|local| !local.open && !local.every))
}

/// A reference from a name over constants and local variables.
fn is_plain(walker: &Walker<'_>, expr: &Ref<Expr>) -> bool {
    let (base, segments) = flatten(expr);
    matches!(base.as_ref(), Expr::Var { .. })
        && segments.iter().all(|segment| match segment {
            Segment::Key(_) => true,
            Segment::Index(index) => literal::is_scalar(index) || is_index(walker, index),
        })
}
