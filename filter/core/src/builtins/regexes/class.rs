//! Classes of characters: `[a-z\d[:alpha:]]`, `\w`.

use super::parse::{Flags, Parser, malformed};
use crate::builtins::{Failure, unicode};
use std::collections::BTreeSet;

/// Ranges of characters, both ends included, in any order.
pub(super) type Ranges = Vec<(char, char)>;

/// The first and the last character that has another case.
const FIRST_FOLDED: char = 'A';
const LAST_FOLDED: char = '\u{1E943}';

/// What each named class holds.
const NAMED: &[(&str, &[(char, char)])] = &[
    ("alnum", &[('0', '9'), ('A', 'Z'), ('a', 'z')]),
    ("alpha", &[('A', 'Z'), ('a', 'z')]),
    ("ascii", &[('\0', '\u{7F}')]),
    ("blank", &[('\t', '\t'), (' ', ' ')]),
    ("cntrl", &[('\0', '\u{1F}'), ('\u{7F}', '\u{7F}')]),
    ("digit", &[('0', '9')]),
    ("graph", &[('!', '~')]),
    ("lower", &[('a', 'z')]),
    ("print", &[(' ', '~')]),
    ("punct", &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
    ("space", &[('\t', '\r'), (' ', ' ')]),
    ("upper", &[('A', 'Z')]),
    ("word", WORD),
    ("xdigit", &[('0', '9'), ('A', 'F'), ('a', 'f')]),
];
const WORD: &[(char, char)] = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];

impl Parser<'_, '_> {
    /// A class, from behind its `[`.
    pub(super) fn class(&mut self) -> Result<Ranges, Failure> {
        let negated = self.accept("^");
        let mut ranges = Ranges::new();
        let mut first = true;
        while first || !self.rest.starts_with(']') {
            first = false;
            self.class_item(&mut ranges)?;
        }
        self.accept("]");
        Ok(if negated { complement(ranges) } else { ranges })
    }

    fn class_item(&mut self, ranges: &mut Ranges) -> Result<(), Failure> {
        if let Some(named) = self.named_class()? {
            ranges.extend(named);
            return Ok(());
        }
        if let Some(group) = self.group_escape()? {
            ranges.extend(group);
            return Ok(());
        }
        let low = self.class_character()?;
        let mut high = low;
        let behind_dash = self.rest.strip_prefix('-').filter(|rest| !rest.is_empty() && !rest.starts_with(']'));
        if let Some(rest) = behind_dash {
            self.rest = rest;
            high = self.class_character()?;
            if high < low {
                return Err(malformed());
            }
        }
        if self.flags.fold {
            self.push_folded(ranges, low, high)
        } else {
            ranges.push((low, high));
            Ok(())
        }
    }

    fn class_character(&mut self) -> Result<char, Failure> {
        match self.take() {
            Some('\\') => self.escape(),
            Some(c) => Ok(c),
            None => Err(malformed()),
        }
    }

    /// `[:alpha:]`, `[:^alpha:]`
    fn named_class(&mut self) -> Result<Option<Ranges>, Failure> {
        let Some((name, rest)) = self.rest.strip_prefix("[:").and_then(|rest| rest.split_once(":]")) else {
            return Ok(None);
        };
        let (negated, plain) = match name.strip_prefix('^') {
            Some(plain) => (true, plain),
            None => (false, name),
        };
        let (_, ranges) = NAMED.iter().find(|(known, _)| *known == plain).ok_or_else(malformed)?;
        self.rest = rest;
        self.group(ranges, negated).map(Some)
    }

    /// `\d`, `\s`, `\w`, and their opposites; `\p{…}`.
    pub(super) fn group_escape(&mut self) -> Result<Option<Ranges>, Failure> {
        let Some(letter) = self.rest.strip_prefix('\\').and_then(|rest| rest.chars().next()) else { return Ok(None) };
        let ranges: &[(char, char)] = match letter {
            'd' | 'D' => &[('0', '9')],
            's' | 'S' => &[('\t', '\n'), ('\u{C}', '\r'), (' ', ' ')],
            'w' | 'W' => WORD,
            'p' | 'P' => return Err(Failure::Inexact("a Unicode class in a regular expression")),
            _ => return Ok(None),
        };
        self.take();
        self.take();
        self.group(ranges, letter.is_ascii_uppercase()).map(Some)
    }

    fn group(&mut self, ranges: &[(char, char)], negated: bool) -> Result<Ranges, Failure> {
        let mut out = Ranges::new();
        for (low, high) in ranges {
            if self.flags.fold { self.push_folded(&mut out, *low, *high)? } else { out.push((*low, *high)) }
        }
        Ok(if negated { complement(out) } else { out })
    }

    /// Adds the range and what its characters are in another case.
    fn push_folded(&mut self, ranges: &mut Ranges, low: char, high: char) -> Result<(), Failure> {
        ranges.push((low, high));
        if low <= FIRST_FOLDED && high >= LAST_FOLDED {
            return Ok(());
        }
        let folding = low.max(FIRST_FOLDED)..=high.min(LAST_FOLDED);
        let count = u32::from(*folding.end()).saturating_sub(u32::from(*folding.start()));
        self.context.work(usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(64))?;
        for c in folding {
            ranges.extend(unicode::folded(c).into_iter().filter(|other| *other != c).map(|other| (other, other)));
        }
        Ok(())
    }
}

/// All other characters.
pub(super) fn complement(ranges: Ranges) -> Ranges {
    let mut ordered = BTreeSet::new();
    ordered.extend(ranges);
    let mut out = Ranges::new();
    let mut next = Some('\0');
    for (low, high) in ordered {
        let Some(from) = next else { break };
        if let Some(before) = before(low).filter(|before| from <= *before) {
            out.push((from, before));
        }
        if high >= from {
            next = after(high);
        }
    }
    out.extend(next.map(|from| (from, char::MAX)));
    out
}

fn before(c: char) -> Option<char> {
    ('\0'..c).next_back()
}

fn after(c: char) -> Option<char> {
    (c..=char::MAX).nth(1)
}

/// The character, and with `(?i)` what it is in another case.
pub(super) fn literal(c: char, flags: Flags) -> Ranges {
    let same = if flags.fold { unicode::folded(c) } else { vec![c] };
    same.into_iter().map(|c| (c, c)).collect()
}
