//! What the policy reads of `input`, and the members of it that this filter does not build yet.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;
use regorus::unstable::Span;

use super::core::{Op, Stmt, Term, Unit, Var};
use super::error::PolicyError;
use super::index::Path;

/// Paths below `input` that opa-envoy-plugin provides and this filter does not (opa-envoy-contract
/// 1.1, 1.2).
///
/// A policy that reads one is refused. `rawBody` and `headerMap` exist only under the `ext_authz`
/// options `pack_as_bytes` and `encode_raw_headers`; the filter acts as if both were off, so a read
/// of all of `request.http` is right without them, and only naming them is refused.
pub(super) const UNPROVIDED: &[&[&str]] = &[
    &["attributes", "contextExtensions"],
    &["attributes", "destination"],
    &["attributes", "request", "http", "headerMap"],
    &["attributes", "request", "http", "rawBody"],
    &["attributes", "source"],
    &["attributes", "tlsSession"],
    &["source_principal"],
];

/// Checks everything that a unit reads of `input`.
pub(super) fn check(unit: &Unit) -> Result<(), PolicyError> {
    let mut reads = Reads::default();
    reads.body(&unit.body);
    reads.used(&unit.value);
    for (var, (path, span)) in &reads.paths {
        if reads.direct.contains(var) || !reads.extended.contains(var) {
            check_path(span, path)?;
        }
    }
    Ok(())
}

/// Which variables are paths below `input`, and how they are used.
#[derive(Default)]
struct Reads {
    paths: BTreeMap<Var, (Path, Span)>,
    /// Used as a value.
    direct: BTreeSet<Var>,
    /// Used with more keys behind, or under another name.
    extended: BTreeSet<Var>,
}

impl Reads {
    fn body(&mut self, body: &[Stmt]) {
        for statement in body {
            match statement {
                Stmt::Let(var, op) => self.set(*var, op),
                Stmt::Each { of: term, .. } | Stmt::Holds(term) => self.used(term),
                Stmt::Same(a, b) => [a, b].into_iter().for_each(|term| self.used(term)),
                Stmt::At(_) | Stmt::Found(_) | Stmt::Missing(_) => {}
            }
        }
    }

    fn set(&mut self, var: Var, op: &Op) {
        let more: Option<Path> = match op {
            Op::Input(keys, span) => {
                self.paths.insert(var, (keys.clone(), span.clone()));
                return;
            }
            Op::Collect(_, ways) => {
                for way in ways {
                    way.with.iter().for_each(|with| self.used(&with.value));
                    self.body(&way.body);
                    way.terms.iter().for_each(|term| self.used(term));
                }
                return;
            }
            Op::Copy(_) => Some(Path::new()),
            Op::Get(_, keys) => keys.iter().map(text).collect(),
            _ => None,
        };
        if let (Some(more), Some(Term::Var(from))) = (more, op.terms().first())
            && let Some((path, span)) = self.paths.get(from)
        {
            let path = (path.iter().chain(&more).cloned().collect(), span.clone());
            self.paths.insert(var, path);
            self.extended.insert(*from);
        } else {
            op.terms().into_iter().for_each(|term| self.used(term));
        }
    }

    fn used(&mut self, term: &Term) {
        if let Term::Var(var) = term {
            self.direct.insert(*var);
        }
    }
}

/// A constant text.
fn text(term: &Term) -> Option<String> {
    match term {
        Term::Const(Value::String(text)) => Some(text.as_ref().to_owned()),
        _ => None,
    }
}

/// The whole of `input` or of `input.attributes` includes unprovided members, so a reference must go
/// past both with constant keys.
fn check_path(span: &Span, keys: &[String]) -> Result<(), PolicyError> {
    match keys {
        [] => Err(PolicyError::at(
            span,
            "`input` as a whole is not available inline; name a member, as in input.parsed_path",
        )),
        [only] if only == "attributes" => Err(PolicyError::at(
            span,
            "`input.attributes` as a whole is not available inline; name a member, as in input.attributes.request",
        )),
        _ => match UNPROVIDED.iter().find(|path| starts_with(keys, path)) {
            Some(path) => Err(PolicyError::at(
                span,
                format!("`input.{}` is not available inline yet; it comes later", path.join(".")),
            )),
            None => Ok(()),
        },
    }
}

fn starts_with(keys: &[String], path: &[&str]) -> bool {
    keys.len() >= path.len() && keys.iter().zip(path).all(|(key, want)| key == want)
}
