//! `regex.globs_match`: whether two patterns have a text in common, as OPA's library (yashtewari/glob-intersection)
//! finds out. Its answer is not always the true one, so its way is followed step by step.

use crate::builtins::operands::{arity, text};
use crate::builtins::{Context, Failure};
use regorus::Value;
use std::collections::BTreeSet;

/// Most pieces of a pattern: the search goes one level deeper at each repeated one.
const MAX_PIECES: usize = 200;

/// What a piece matches.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Character(u32),
    /// `.`
    Any,
    /// `[a-z]`: ranges in order, apart from each other. Go's include halves of surrogate pairs.
    Set(Vec<(u32, u32)>),
}

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Times {
    Once,
    /// `+`
    Plus,
    /// `*`
    Star,
}

#[derive(Debug, Clone)]
struct Piece {
    kind: Kind,
    times: Times,
}

impl Piece {
    fn is_repeated(&self) -> bool {
        self.times != Times::Once
    }

    /// Whether there is a character that both match. An empty set has one in common with `.`, as in the library.
    fn meets(&self, other: &Self) -> bool {
        let within = |ranges: &[(u32, u32)], (low, high): (u32, u32)| {
            ranges.iter().any(|(first, last)| *first <= high && low <= *last)
        };
        match (&self.kind, &other.kind) {
            (Kind::Any, _) | (_, Kind::Any) => true,
            (Kind::Character(a), Kind::Character(b)) => a == b,
            (Kind::Character(c), Kind::Set(set)) | (Kind::Set(set), Kind::Character(c)) => within(set, (*c, *c)),
            (Kind::Set(a), Kind::Set(b)) => a.iter().any(|range| within(b, *range)),
        }
    }
}

pub(super) fn globs_match(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [a, b] = args else { return Err(arity()) };
    let (a, b) = (text(a)?, text(b)?);
    let (a, b) = (pieces(context, a)?, pieces(context, b)?);
    if a.len().max(b.len()) > MAX_PIECES {
        return Err(Failure::Inexact("a pattern of too many pieces"));
    }
    let Some((a, b)) = trim(&a, &b) else { return Ok(Value::from(false)) };
    normal(context, a, b).map(Value::from)
}

fn malformed() -> Failure {
    Failure::Error("a malformed pattern".into())
}

/// Takes a character, and whether it was escaped.
fn take(rest: &mut &str) -> Result<Option<(char, bool)>, Failure> {
    let mut chars = rest.chars();
    let Some(first) = chars.next() else { return Ok(None) };
    let taken = match first {
        '\\' => (chars.next().ok_or_else(malformed)?, true),
        c => (c, false),
    };
    *rest = chars.as_str();
    Ok(Some(taken))
}

fn pieces(context: &mut Context, pattern: &str) -> Result<Vec<Piece>, Failure> {
    context.work(pattern.len().saturating_mul(64))?;
    let mut rest = pattern;
    let mut pieces: Vec<Piece> = Vec::new();
    while let Some(taken) = take(&mut rest)? {
        let kind = match taken {
            ('.', false) => Kind::Any,
            ('[', false) => Kind::Set(set(&mut rest)?),
            (']' | '+' | '*', false) => return Err(malformed()),
            (c, _) => Kind::Character(u32::from(c)),
        };
        let mut ahead = rest;
        let times = match take(&mut ahead)? {
            Some(('+', false)) => Times::Plus,
            Some(('*', false)) => Times::Star,
            _ => Times::Once,
        };
        if times != Times::Once {
            rest = ahead;
        }
        push(&mut pieces, Piece { kind, times });
    }
    Ok(pieces)
}

/// Adds a piece; one that repeats the same as the last one is put together with it.
fn push(pieces: &mut Vec<Piece>, piece: Piece) {
    match pieces.last_mut() {
        Some(last) if last.is_repeated() && piece.is_repeated() && last.kind == piece.kind => {
            if piece.times == Times::Plus {
                last.times = Times::Plus;
            }
        }
        _ => pieces.push(piece),
    }
}

/// A set, from behind its `[`.
fn set(rest: &mut &str) -> Result<Vec<(u32, u32)>, Failure> {
    let mut ranges = Vec::new();
    let mut before = None;
    loop {
        match take(rest)?.ok_or_else(malformed)? {
            (']', false) => return Ok(merged(ranges)),
            ('-', false) => {
                let low = before.take().ok_or_else(malformed)?;
                // The library wants two more characters behind the dash, be the first an escape.
                if rest.chars().nth(1).is_none() {
                    return Err(malformed());
                }
                match take(rest)?.ok_or_else(malformed)? {
                    (']' | '-', false) => return Err(malformed()),
                    (high, _) if u32::from(high) < low => return Err(malformed()),
                    (high, _) => ranges.push((low, u32::from(high))),
                }
            }
            (c, _) => {
                ranges.push((u32::from(c), u32::from(c)));
                before = Some(u32::from(c));
            }
        }
    }
}

/// The same characters in ranges that are in order and apart from each other.
fn merged(ranges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    let mut ordered = BTreeSet::new();
    ordered.extend(ranges);
    let mut out: Vec<(u32, u32)> = Vec::new();
    for (low, high) in ordered {
        match out.last_mut() {
            Some((_, last)) if low <= last.saturating_add(1) => *last = high.max(*last),
            _ => out.push((low, high)),
        }
    }
    out
}

/// Cuts off what is not repeated at both ends, all but one piece of it; `None` if it does not meet.
fn trim<'a>(a: &'a [Piece], b: &'a [Piece]) -> Option<(&'a [Piece], &'a [Piece])> {
    let plain = |(a, b): &(&Piece, &Piece)| !a.is_repeated() && !b.is_repeated();
    let begin = a.iter().zip(b).take_while(plain).count();
    if !a.iter().zip(b).take(begin).all(|(a, b)| a.meets(b)) {
        return None;
    }
    let begin = begin.saturating_sub(1);
    let (a, b) = (a.get(begin..)?, b.get(begin..)?);
    let end = a.iter().rev().zip(b.iter().rev()).take_while(plain).count();
    if !a.iter().rev().zip(b.iter().rev()).take(end).all(|(a, b)| a.meets(b)) {
        return None;
    }
    let cut = end.saturating_sub(1);
    Some((a.get(..a.len().saturating_sub(cut))?, b.get(..b.len().saturating_sub(cut))?))
}

/// Piece by piece, up to the first one that is repeated.
fn normal(context: &mut Context, mut a: &[Piece], mut b: &[Piece]) -> Result<bool, Failure> {
    while let (Some((first_a, rest_a)), Some((first_b, rest_b))) = (a.split_first(), b.split_first()) {
        context.work(1)?;
        match (first_a.times, first_b.times) {
            (Times::Once, Times::Once) if !first_a.meets(first_b) => return Ok(false),
            (Times::Once, Times::Once) => (a, b) = (rest_a, rest_b),
            (Times::Plus, _) => return plus(context, a, b),
            (Times::Star, _) => return star(context, a, b),
            (Times::Once, Times::Plus) => return plus(context, b, a),
            (Times::Once, Times::Star) => return star(context, b, a),
        }
    }
    Ok(a.is_empty() && b.is_empty())
}

/// The first piece of `repeated` takes at least one piece of the other.
fn plus(context: &mut Context, repeated: &[Piece], other: &[Piece]) -> Result<bool, Failure> {
    let (Some((first, rest)), Some((taken, left))) = (repeated.split_first(), other.split_first()) else {
        return Ok(false);
    };
    if !first.meets(taken) {
        return Ok(false);
    }
    if star(context, repeated, left)? {
        return Ok(true);
    }
    Ok(taken.is_repeated() && normal(context, rest, other)?)
}

/// The first piece of `repeated` takes pieces of the other until the rest of both meets.
fn star(context: &mut Context, repeated: &[Piece], other: &[Piece]) -> Result<bool, Failure> {
    let Some((first, rest)) = repeated.split_first() else { return Ok(false) };
    let mut left = other;
    while let Some((piece, behind)) = left.split_first() {
        context.work(1)?;
        if rest.first().is_some_and(|next| next.meets(piece)) && normal(context, rest, left)? {
            return Ok(true);
        }
        if !first.meets(piece) {
            return Ok(false);
        }
        left = behind;
    }
    Ok(rest.is_empty())
}
