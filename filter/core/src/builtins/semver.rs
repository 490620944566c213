//! `semver.*`.

use super::args::string;
use super::{Builtin, Context, Failure, own};
use regorus::Value;
use std::cmp::Ordering;

pub(super) const TABLE: &[Builtin] = &[own("semver.compare", 2, compare), own("semver.is_valid", 1, is_valid)];

/// A version, without its metadata, which has no order.
struct Version<'a> {
    numbers: [i64; 3],
    pre_release: &'a str,
}

impl<'a> Version<'a> {
    /// A `v` may stand before it.
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (text, metadata) = split(text, '+');
        let (numbers, pre_release) = split(text, '-');
        if metadata.is_some_and(|metadata| !are_identifiers(metadata)) {
            return None;
        }
        if pre_release.is_some_and(|pre| !are_identifiers(pre) || pre.split('.').any(has_leading_zero)) {
            return None;
        }
        let mut parts = numbers.split('.');
        let mut next = || parts.next().and_then(number);
        let numbers = [next()?, next()?, next()?];
        parts.next().is_none().then_some(Self { numbers, pre_release: pre_release.unwrap_or_default() })
    }

    /// `None` where OPA compares without end: numbers beyond 64 bits are all the same for it.
    fn compare(&self, other: &Self) -> Option<Ordering> {
        let numbers = self.numbers.cmp(&other.numbers);
        if numbers.is_ne() || self.pre_release == other.pre_release {
            return Some(numbers);
        }
        // A version without a pre-release is after those that have one.
        if self.pre_release.is_empty() || other.pre_release.is_empty() {
            return Some(other.pre_release.is_empty().cmp(&self.pre_release.is_empty()).reverse());
        }
        let (mut a, mut b) = (self.pre_release.split('.'), other.pre_release.split('.'));
        loop {
            match (a.next(), b.next()) {
                (Some(a), Some(b)) => match identifiers(a, b) {
                    Ordering::Equal => {}
                    different => return Some(different),
                },
                (None, None) => return None,
                (a, b) => return Some(a.is_some().cmp(&b.is_some())),
            }
        }
    }
}

fn split(text: &str, separator: char) -> (&str, Option<&str>) {
    text.split_once(separator).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// Identifiers with dots between them.
fn are_identifiers(text: &str) -> bool {
    let is_identifier = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
    text.split('.').all(is_identifier)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn has_leading_zero(text: &str) -> bool {
    text.len() > 1 && text.starts_with('0') && is_number(text)
}

fn number(text: &str) -> Option<i64> {
    if is_number(text) && !has_leading_zero(text) { text.parse().ok() } else { None }
}

/// Numbers by value and before texts, texts by their bytes.
fn identifiers(a: &str, b: &str) -> Ordering {
    match (is_number(a), is_number(b)) {
        (true, true) => a.parse().unwrap_or(i64::MAX).cmp(&b.parse().unwrap_or(i64::MAX)),
        (a_is, b_is) if a_is != b_is => b_is.cmp(&a_is),
        _ => a.cmp(b),
    }
}

fn compare(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [a, b] = args else { return Err(Failure::ARITY) };
    let (a, b) = (string(a)?, string(b)?);
    context.work(a.len().saturating_add(b.len()))?;
    let (Some(a), Some(b)) = (Version::parse(a), Version::parse(b)) else {
        return Err(Failure::Error("is not a semantic version".into()));
    };
    let ordering = a.compare(&b).ok_or(Failure::Inexact("versions that OPA compares without end"))?;
    Ok(Value::from(i64::from(ordering as i8)))
}

fn is_valid(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [text] = args else { return Err(Failure::ARITY) };
    let Ok(text) = string(text) else { return Ok(Value::Bool(false)) };
    context.work(text.len())?;
    Ok(Value::Bool(Version::parse(text).is_some()))
}
