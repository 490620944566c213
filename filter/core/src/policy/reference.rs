//! References: what they name, what they depend on, and where they iterate.

use regorus::unstable::{Expr, Ref, Span};

use super::body::{Info, Site, Walker};
use super::entry::PRIVATE_PACKAGE;
use super::error::PolicyError;
use super::heads::{Alias, Path, Shape};
use super::input;
use super::literal;
use super::scope::Kind;
use super::table;
use super::weight::Weight;

/// One step of a reference.
#[derive(Clone)]
pub(super) enum Segment<'e> {
    /// `.key` or `["key"]`
    Key(String),
    /// `[index]`
    Index(&'e Ref<Expr>),
}

/// Splits `base.key[index]` into its base and its steps.
pub(super) fn flatten(expr: &Ref<Expr>) -> (&Ref<Expr>, Vec<Segment<'_>>) {
    let mut segments = Vec::new();
    let mut base = expr;
    loop {
        match base.as_ref() {
            Expr::RefDot { refr, field, .. } => {
                segments.push(Segment::Key(field.0.text().to_owned()));
                base = refr;
            }
            Expr::RefBrack { refr, index, .. } => {
                segments.push(match literal::string(index) {
                    Some(key) => Segment::Key(key),
                    None => Segment::Index(index),
                });
                base = refr;
            }
            _ => break,
        }
    }
    segments.reverse();
    (base, segments)
}

/// The constant keys a reference begins with.
fn constants(segments: &[Segment<'_>]) -> Path {
    segments
        .iter()
        .map_while(|segment| match segment {
            Segment::Key(key) => Some(key.clone()),
            Segment::Index(_) => None,
        })
        .collect()
}

/// Checks a reference, or anything else that may stand where a reference can.
pub(super) fn check(walker: &mut Walker<'_>, expr: &Ref<Expr>, site: Site) -> Result<Info, PolicyError> {
    let (base, segments) = flatten(expr);
    if let Expr::Var { span, .. } = base.as_ref() {
        let info = named(walker, span, &segments)?;
        check_indexes(walker, &segments, site, info.whole, info.weight)?;
        return Ok(info);
    }
    if !matches!(base.as_ref(), Expr::Call { .. } | Expr::Array { .. } | Expr::Object { .. } | Expr::Set { .. }) {
        return Err(PolicyError::at(
            base.span(),
            "only a name, a call or a literal may be indexed; bind it first: x := …",
        ));
    }
    let info = walker.expr(base, site)?;
    check_indexes(walker, &segments, Site::Value, info.kind, info.weight)?;
    Ok(Info::maybe(info.kind.part()).weighing(info.weight))
}

fn check_indexes(
    walker: &mut Walker<'_>,
    segments: &[Segment<'_>],
    site: Site,
    whole: Kind,
    weight: Weight,
) -> Result<(), PolicyError> {
    for segment in segments {
        if let Segment::Index(index) = segment {
            check_index(walker, index, site, whole, weight)?;
        }
    }
    Ok(())
}

fn check_index(
    walker: &mut Walker<'_>,
    index: &Ref<Expr>,
    site: Site,
    whole: Kind,
    weight: Weight,
) -> Result<(), PolicyError> {
    match index.as_ref() {
        Expr::Var { span, .. } if span.text() == "_" => walker.iterate(span, site),
        Expr::Var { span, .. } if walker.scopes.get(span.text()).is_some_and(|local| local.open) => {
            let key = if whole.is_json() { Kind::Scalar } else { Kind::Any };
            walker.iterate(span, site)?;
            walker.bind_later(span, key, weight)
        }
        Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => walker.expr(index, Site::Value).map(|_| ()),
        other if literal::is_scalar(other) => walker.expr(index, Site::Value).map(|_| ()),
        other => Err(PolicyError::at(
            other.span(),
            "an index must be a constant, a variable or a reference; bind it first: x := …",
        )),
    }
}

/// What a name with its steps stands for.
fn named(walker: &mut Walker<'_>, span: &Span, segments: &[Segment<'_>]) -> Result<Info, PolicyError> {
    let name = span.text();
    let keys = constants(segments);
    let all_constant = keys.len() == segments.len();
    let rest = segments.get(keys.len()..).unwrap_or(&[]);
    if let Some(local) = walker.scopes.get(name).cloned() {
        if local.open {
            return Err(PolicyError::at(
                span,
                format!("variable `{name}` has no value here; give it one in a statement above"),
            ));
        }
        if let Some(path) = &local.input {
            return input_reference(span, [path.clone(), keys].concat(), all_constant)
                .map(|info| if segments.is_empty() { info.surely() } else { info });
        }
        let info = Info::sure(local.kind).weighing(local.weight);
        return Ok(if segments.is_empty() { info } else { Info::maybe(local.kind.part()).weighing(local.weight) });
    }
    match name {
        "_" => Err(PolicyError::at(span, "`_` may only be an index, as in xs[_]")),
        "input" => input_reference(span, keys, all_constant),
        "data" => data_reference(walker, span, &keys, rest),
        _ => package_reference(walker, span, keys, rest),
    }
}

fn input_reference(span: &Span, keys: Path, all_constant: bool) -> Result<Info, PolicyError> {
    input::check(span, &keys)?;
    Ok(Info { input: all_constant.then_some(keys), ..Info::maybe(Kind::Json).weighing(Weight::JSON) })
}

/// A bare name: a rule of the package or an import.
fn package_reference(
    walker: &mut Walker<'_>,
    span: &Span,
    keys: Path,
    rest: &[Segment<'_>],
) -> Result<Info, PolicyError> {
    let name = span.text();
    let mut path = walker.module.package.clone();
    path.push(name.to_owned());
    if walker.index.names.contains_key(&path) {
        path.extend(keys);
        return data_reference(walker, span, &path, rest);
    }
    match walker.module.aliases.get(name) {
        Some(Alias::Input(base)) => input_reference(span, [base.clone(), keys].concat(), rest.is_empty()),
        // regorus evaluates all of the import's target, whatever the keys behind it are.
        Some(Alias::Data(base)) => {
            let keys = keys.into_iter().map(Segment::Key);
            let rest: Vec<Segment<'_>> = keys.chain(rest.iter().cloned()).collect();
            data_reference(walker, span, base, &rest)
        }
        None => Err(PolicyError::at(
            span,
            format!("`{name}` is not defined; declare it above (`some {name}`, `{name} := …`) or import it"),
        )),
    }
}

/// `data.<path>` with `rest` behind it.
fn data_reference(
    walker: &mut Walker<'_>,
    span: &Span,
    path: &Path,
    rest: &[Segment<'_>],
) -> Result<Info, PolicyError> {
    check_root(span, path)?;
    if let Some(info) = rule_reference(walker, span, path, rest)? {
        return Ok(info);
    }
    let inside_tree =
        (1..=path.len()).any(|length| path.get(..length).is_some_and(|prefix| walker.index.names.contains_key(prefix)));
    if !inside_tree && walker.index.packages.iter().any(|package| package.starts_with(path)) {
        return Err(PolicyError::at(
            span,
            format!(
                "package data.{0} as a whole is not available inline; name the rule in full, as in data.{0}.<rule>",
                path.join(".")
            ),
        ));
    }
    if walker.index.below(path).next().is_none() {
        table::check_data(walker, span, path, rest)?;
        return Ok(Info::maybe(Kind::Json).weighing(Weight::JSON));
    }
    table::check_rule(walker, span, rest)?;
    walker.depend(path.clone());
    walker.read_whole(span, path);
    Ok(Info::maybe(Kind::Any).weighing(walker.weight_of(path)))
}

fn check_root(span: &Span, path: &Path) -> Result<(), PolicyError> {
    match path.first() {
        None => Err(PolicyError::at(span, "`data` as a whole is not available inline; name a key, as in data.users")),
        Some(first) if first.starts_with(PRIVATE_PACKAGE) => {
            Err(PolicyError::at(span, "the package is private to the filter"))
        }
        Some(_) => Ok(()),
    }
}

/// A reference to a rule or into its value; `None` if no rule is at or above `path`.
fn rule_reference(
    walker: &mut Walker<'_>,
    span: &Span,
    path: &Path,
    rest: &[Segment<'_>],
) -> Result<Option<Info>, PolicyError> {
    let index = walker.index;
    for length in 1..=path.len() {
        let Some(prefix) = path.get(..length) else { break };
        let Some(rule) = index.rules.get(prefix) else { continue };
        if matches!(rule.shape, Shape::Function(_)) {
            return Err(PolicyError::at(span, "a function must be called; add its arguments"));
        }
        table::check_rule(walker, span, rest)?;
        walker.depend(prefix.to_vec());
        let kind = walker.known.kinds.get(prefix).copied().unwrap_or(Kind::Any);
        let info = match rule.shape {
            _ if !rest.is_empty() || length < path.len() => Info { whole: kind, ..Info::maybe(kind.part()) },
            Shape::Set => Info::sure(Kind::Set),
            _ => Info { sure: rule.default, ..Info::maybe(kind) },
        };
        return Ok(Some(info.weighing(walker.weight_of(prefix))));
    }
    Ok(None)
}
