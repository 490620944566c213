//! Calls: user functions and the builtins that are known to answer as OPA's.

use regorus::unstable::{Expr, Ref, Span};

use super::body::{Info, Site, Walker};
use super::builtins;
use super::error::PolicyError;
use super::heads::{Alias, Path, Shape};
use super::literal;
use super::pattern;
use super::scope::Kind;
use super::weight::Weight;

/// Checks a call and its arguments.
pub(super) fn check(
    walker: &mut Walker<'_>,
    span: &Span,
    function: &Ref<Expr>,
    params: &[Ref<Expr>],
    site: Site,
) -> Result<Info, PolicyError> {
    let words =
        dotted(function).ok_or_else(|| PolicyError::at(span, "a function's name must be words with dots between"))?;
    let name = words.join(".");
    let (kind, weight) = match user_function(walker, span, &words)? {
        Some((path, arity)) => {
            check_count(span, &name, arity, params.len())?;
            let kind = walker.known.kinds.get(&path).copied().unwrap_or(Kind::Any);
            let weight = walker.weight_of(&path);
            walker.depend(path);
            (kind, Some(weight))
        }
        None => (builtin(span, &name, params)?, None),
    };
    let mut arguments = Weight::SCALAR;
    for param in params {
        if matches!(param.as_ref(), Expr::Membership { .. } | Expr::BoolExpr { .. }) {
            return Err(PolicyError::at(
                param.span(),
                "a comparison as an argument is not available inline; bind it first: x := …",
            ));
        }
        arguments = arguments.and(walker.expr(param, site)?.weight);
    }
    let weight = match weight {
        Some(function) => function.call(arguments),
        None if kind.is_json() => arguments.inside().or(Weight::JSON),
        None => arguments.inside(),
    };
    Ok(Info::maybe(kind).weighing(weight))
}

/// `a.b.c`, without brackets.
fn dotted(function: &Ref<Expr>) -> Option<Path> {
    let mut words = Vec::new();
    let mut expr = function;
    loop {
        match expr.as_ref() {
            Expr::Var { span, .. } => {
                words.push(span.text().to_owned());
                words.reverse();
                return Some(words);
            }
            Expr::RefDot { refr, field, .. } => {
                words.push(field.0.text().to_owned());
                expr = refr;
            }
            _ => return None,
        }
    }
}

/// The user function that `words` names, `None` if they may name a builtin.
fn user_function(walker: &Walker<'_>, span: &Span, words: &[String]) -> Result<Option<(Path, usize)>, PolicyError> {
    let Some((first, rest)) = words.split_first() else { return Ok(None) };
    let name = words.join(".");
    if walker.scopes.get(first).is_some() {
        return Err(PolicyError::at(
            span,
            format!("`{first}` is a variable here, so `{name}` cannot be called; rename the variable"),
        ));
    }
    let mut local = walker.module.package.clone();
    local.push(first.clone());
    let path = if walker.index.names.contains_key(&local) {
        local.extend(rest.iter().cloned());
        local
    } else if first == "data" {
        rest.to_vec()
    } else {
        match walker.module.aliases.get(first) {
            Some(Alias::Data(target)) => [target.as_slice(), rest].concat(),
            Some(Alias::Input(_)) => Vec::new(),
            None if first == "input" => Vec::new(),
            None => return Ok(None),
        }
    };
    match walker.index.rules.get(&path).map(|rule| rule.shape) {
        Some(Shape::Function(arity)) => Ok(Some((path, arity))),
        _ => Err(PolicyError::at(span, format!("`{name}` is not a function; define it or correct its name"))),
    }
}

fn builtin(span: &Span, name: &str, params: &[Ref<Expr>]) -> Result<Kind, PolicyError> {
    let Some(builtin) = builtins::find(name) else {
        return Err(PolicyError::at(span, builtins::refusal(name)));
    };
    check_count(span, name, builtin.arity, params.len())?;
    if name == "regex.match" {
        pattern::check(span, params.first().and_then(|param| text(param)))?;
    }
    // `format_int(n, 16.0)` is undefined in OPA, and 16.0 is 16 once it is read.
    if name == "format_int" && !params.get(1).is_some_and(|base| matches!(base.as_ref(), Expr::Number { .. })) {
        return Err(PolicyError::at(span, "the base of `format_int` must be a constant"));
    }
    Ok(builtin.returns)
}

fn text(expr: &Expr) -> Option<String> {
    match expr {
        Expr::RawString { span, .. } => Some(span.text().to_owned()),
        other => literal::string(other),
    }
}

/// One argument more would be OPA's way to write the result; regorus does it for few functions.
fn check_count(span: &Span, name: &str, want: usize, have: usize) -> Result<(), PolicyError> {
    if want == have {
        return Ok(());
    }
    let hint = if have == want.saturating_add(1) { "; write x := f(…) for the result" } else { "" };
    Err(PolicyError::at(span, format!("`{name}` takes {want} arguments, not {have}{hint}")))
}
