//! Constants and constant paths in the syntax tree.

use regorus::Value;
use regorus::unstable::{Expr, Ref, Span};

use super::error::PolicyError;
use super::index::Path;
use crate::json;

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
        Expr::String { value, .. } | Expr::RawString { value, .. } => {
            value.as_string().ok().map(|text| text.as_ref().to_owned())
        }
        _ => None,
    }
}

/// A number, read as every number from outside is read.
pub(super) fn number(span: &Span, text: &str) -> Result<Value, PolicyError> {
    json::parse(text.as_bytes())
        .map_err(|_| PolicyError::at(span, "the number is not available inline; use one that a double can hold"))
}

/// What OPA takes for the value of a `default`: constants, collections of them, comprehensions.
pub(super) fn is_default(expr: &Expr) -> bool {
    match expr {
        Expr::Array { items, .. } | Expr::Set { items, .. } => items.iter().all(|item| is_default(item)),
        Expr::Object { fields, .. } => fields.iter().all(|(_, key, value)| is_default(key) && is_default(value)),
        Expr::UnaryExpr { expr, .. } => matches!(expr.as_ref(), Expr::Number { .. }),
        Expr::ArrayCompr { .. } | Expr::SetCompr { .. } | Expr::ObjectCompr { .. } => true,
        scalar => is_scalar(scalar),
    }
}

/// A string, boolean, null or number.
pub(super) const fn is_scalar(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::String { .. } | Expr::RawString { .. } | Expr::Number { .. } | Expr::Bool { .. } | Expr::Null { .. }
    )
}
