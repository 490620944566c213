//! Constants and constant paths in the syntax tree.

use regorus::unstable::{Expr, Ref};

use super::heads::Path;

/// Largest integer that a double still tells from its neighbours.
const MAX_INTEGER: i64 = 9_007_199_254_740_991;

/// `a.b["c"]` → its keys, if all are constant strings.
pub(super) fn constant_path(refr: &Ref<Expr>) -> Option<Path> {
    let mut keys = Vec::new();
    let mut expr = refr;
    loop {
        match expr.as_ref() {
            Expr::Var { span, .. } => {
                keys.push(span.text().to_owned());
                keys.reverse();
                return Some(keys);
            }
            Expr::RefDot { refr, field, .. } => {
                keys.push(field.0.text().to_owned());
                expr = refr;
            }
            Expr::RefBrack { refr, index, .. } => {
                keys.push(string(index)?);
                expr = refr;
            }
            _ => return None,
        }
    }
}

/// The value of a `"string"`.
pub(super) fn string(expr: &Expr) -> Option<String> {
    match expr {
        Expr::String { value, .. } => value.as_string().ok().map(|text| text.as_ref().to_owned()),
        _ => None,
    }
}

/// An integer small enough that regorus, OPA and JSON agree on it. `-0` is not.
pub(super) fn is_exact_integer(text: &str) -> bool {
    text.parse::<i64>().is_ok_and(|n| (-MAX_INTEGER..=MAX_INTEGER).contains(&n) && text != "-0")
}

/// A string, boolean, null or number.
pub(super) const fn is_scalar(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::String { .. } | Expr::RawString { .. } | Expr::Number { .. } | Expr::Bool { .. } | Expr::Null { .. }
    )
}

/// A scalar, or an array, set or object of nothing but constants.
pub(super) fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().all(|item| is_constant(item)),
        Expr::Object { fields, .. } => fields.iter().all(|(_, key, value)| is_constant(key) && is_constant(value)),
        other => is_scalar(other),
    }
}
