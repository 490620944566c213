//! Rules with constant keys, read as a whole.
//!
//! OPA gives an object with no defined member as `{}`, regorus as undefined. So where such an object
//! is read whole, it must have a member that is always defined.

use std::collections::BTreeSet;
use std::ops::Bound;

use regorus::unstable::Span;

use super::error::PolicyError;
use super::heads::{Index, Path, Shape};

/// A reference to more than one rule of a tree.
#[derive(Debug)]
pub(super) struct WholeRead {
    /// Where it stands; `None` is the decision itself.
    pub span: Option<Span>,
    pub path: Path,
}

/// Checks that every object in what is read has a member among `defined`, the rules that always
/// have a value.
pub(super) fn check(index: &Index, defined: &BTreeSet<Path>, reads: &[WholeRead]) -> Result<(), PolicyError> {
    // What is read above covers what is read below it.
    let mut reads: Vec<&WholeRead> = reads.iter().collect();
    reads.sort_by_key(|read| read.path.len());
    let mut done: BTreeSet<&[String]> = BTreeSet::new();
    for read in reads {
        let covered =
            (0..=read.path.len()).filter_map(|length| read.path.get(..length)).any(|path| done.contains(path));
        if covered {
            continue;
        }
        done.insert(&read.path);
        if let Some(object) = empty_object(index, defined, &read.path) {
            let message = format!(
                "data.{0} may have no member at all; give it one that is always defined, as in `allowed := allow` with `default allow := false`",
                object.join(".")
            );
            return Err(match &read.span {
                Some(span) => PolicyError::at(span, message),
                None => match index.rules.range(object..).next() {
                    Some((_, rule)) => PolicyError::at(&rule.span, message),
                    None => PolicyError::general(message),
                },
            });
        }
    }
    Ok(())
}

/// The first object at or below `path` that may be without members.
fn empty_object(index: &Index, defined: &BTreeSet<Path>, path: &Path) -> Option<Path> {
    let leaves = index.below(path).filter(|(_, rule)| rule.shape == Shape::Tree);
    for (leaf, _) in leaves {
        let prefix = |length: usize| leaf.get(..length).unwrap_or_default();
        let Some(name) = (1..leaf.len()).find(|length| index.names.contains_key(prefix(*length))) else { continue };
        for object in (path.len().max(name)..leaf.len()).map(prefix) {
            let member = defined.range::<[String], _>((Bound::Included(object), Bound::Unbounded)).next();
            if !member.is_some_and(|rule| rule.starts_with(object)) {
                return Some(object.to_vec());
            }
        }
    }
    None
}
