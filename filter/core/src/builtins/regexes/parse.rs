//! Go's syntax of regular expressions (`regexp/syntax`, flags `Perl`) → the tree that the automata are built from.
//! What Go refuses is refused here.

use super::class::{self, Ranges};
use crate::builtins::{Context, Failure};
use regex_syntax::hir::{Capture, Class, ClassUnicode, ClassUnicodeRange, Hir, Look, Repetition};

/// Deepest nesting that is compiled. Go goes to 1,000.
const MAX_DEPTH: u32 = 150;

/// Most states, about, that are built.
const MAX_SIZE: usize = 50_000;

/// Go's bound on how often counted repetitions inside each other repeat.
const MAX_REPEATS: u32 = 1000;

/// What `(?imsU)` switch on.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    /// `i`: case does not matter
    pub(super) fold: bool,
    /// `m`: `^` and `$` also match at lines
    lines: bool,
    /// `s`: `.` also matches a line feed
    dot_all: bool,
    /// `U`: repetitions are lazy, those with `?` are not
    lazy: bool,
}

/// A regular expression, read.
pub(super) struct Parsed {
    pub(super) hir: Hir,
    /// The name of each group, empty if it has none; group 0 is the whole match.
    pub(super) names: Vec<String>,
}

/// A piece of the tree.
struct Node {
    hir: Hir,
    /// States it takes, about.
    size: usize,
    depth: u32,
    /// How often what is innermost is repeated by counts.
    repeats: u32,
}

/// An open parenthesis.
#[derive(Default)]
struct Group {
    /// Flags to go back to at its end.
    flags: Flags,
    /// Its number, if it captures.
    capture: Option<u32>,
    /// Alternatives that are complete.
    alternatives: Vec<Node>,
    /// The alternative at work.
    items: Vec<Node>,
}

pub(super) struct Parser<'p, 'c> {
    pub(super) context: &'c mut Context,
    pub(super) rest: &'p str,
    pub(super) flags: Flags,
    /// The innermost group at work; the ones around it are in `open`.
    group: Group,
    open: Vec<Group>,
    names: Vec<String>,
    size: usize,
    /// A repetition directly behind another is refused.
    after_repetition: bool,
}

pub(super) const fn malformed() -> Failure {
    Failure::Error(std::borrow::Cow::Borrowed("a malformed regular expression"))
}

const fn too_large() -> Failure {
    Failure::Inexact("a regular expression that is too large")
}

/// Reads a regular expression.
pub(super) fn parse(context: &mut Context, pattern: &str) -> Result<Parsed, Failure> {
    context.work(pattern.len().saturating_mul(64))?;
    let mut parser = Parser {
        context,
        rest: pattern,
        flags: Flags::default(),
        group: Group::default(),
        open: Vec::new(),
        names: vec![String::new()],
        size: 0,
        after_repetition: false,
    };
    while !parser.rest.is_empty() {
        parser.after_repetition = parser.item()?;
    }
    if !parser.open.is_empty() {
        return Err(malformed());
    }
    let node = parser.close_group()?;
    Ok(Parsed { hir: node.hir, names: parser.names })
}

impl Parser<'_, '_> {
    pub(super) fn take(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next();
        self.rest = chars.as_str();
        c
    }

    /// Takes the text if it comes next.
    pub(super) fn accept(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// One item; whether it was a repetition.
    fn item(&mut self) -> Result<bool, Failure> {
        if self.rest.starts_with('\\') {
            self.escaped()?;
            return Ok(false);
        }
        match self.take() {
            Some('(') => self.open_group()?,
            Some('|') => {
                let items = std::mem::take(&mut self.group.items);
                self.group.alternatives.push(concat(items));
            }
            Some(')') => self.end_of_group()?,
            Some('^') => self.look(if self.flags.lines { Look::StartLF } else { Look::Start })?,
            Some('$') => self.look(if self.flags.lines { Look::EndLF } else { Look::End })?,
            Some('.') => {
                let but_line_feed = if self.flags.dot_all { Ranges::new() } else { vec![('\n', '\n')] };
                self.ranges(class::complement(but_line_feed))?;
            }
            Some('[') => {
                let ranges = self.class()?;
                self.ranges(ranges)?;
            }
            Some('*') => return self.repeat(0, None, false).map(|()| true),
            Some('+') => return self.repeat(1, None, false).map(|()| true),
            Some('?') => return self.repeat(0, Some(1), false).map(|()| true),
            Some('{') => return self.counted(),
            Some(c) => self.ranges(class::literal(c, self.flags))?,
            None => {}
        }
        Ok(false)
    }

    /// What begins with a backslash.
    fn escaped(&mut self) -> Result<(), Failure> {
        for (text, look) in
            [("\\A", Look::Start), ("\\z", Look::End), ("\\b", Look::WordAscii), ("\\B", Look::WordAsciiNegate)]
        {
            if self.accept(text) {
                return self.look(look);
            }
        }
        if self.accept("\\Q") {
            let (quoted, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
            self.rest = rest;
            return quoted.chars().try_for_each(|c| self.ranges(class::literal(c, self.flags)));
        }
        if let Some(ranges) = self.group_escape()? {
            return self.ranges(ranges);
        }
        self.take();
        let c = self.escape()?;
        self.ranges(class::literal(c, self.flags))
    }

    /// One escaped character, from behind its backslash.
    pub(super) fn escape(&mut self) -> Result<char, Failure> {
        let c = self.take().ok_or_else(malformed)?;
        Ok(match c {
            '0' => self.octal(0)?,
            '1'..='7' if self.rest.starts_with(|c| matches!(c, '0'..='7')) => self.octal(c.to_digit(8).unwrap_or(0))?,
            'x' => self.hexadecimal()?,
            'a' => '\u{7}',
            'f' => '\u{C}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{B}',
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => c,
            _ => return Err(malformed()),
        })
    }

    /// Up to two more octal digits.
    fn octal(&mut self, mut code: u32) -> Result<char, Failure> {
        for _ in 0..2 {
            let Some(digit) = self.rest.chars().next().and_then(|c| c.to_digit(8)) else { break };
            self.take();
            code = code.saturating_mul(8).saturating_add(digit);
        }
        character(code)
    }

    /// `\x41`, `\x{1F600}`
    fn hexadecimal(&mut self) -> Result<char, Failure> {
        if !self.accept("{") {
            let mut digit = || self.take().and_then(|c| c.to_digit(16)).ok_or_else(malformed);
            let (high, low) = (digit()?, digit()?);
            return character(high.saturating_mul(16).saturating_add(low));
        }
        let mut code: u32 = 0;
        let mut digits: usize = 0;
        loop {
            match self.take() {
                Some('}') if digits > 0 => return character(code),
                Some(c) => {
                    code = c
                        .to_digit(16)
                        .and_then(|digit| code.checked_mul(16)?.checked_add(digit))
                        .ok_or_else(malformed)?
                }
                None => return Err(malformed()),
            }
            digits = digits.saturating_add(1);
            if code > u32::from(char::MAX) {
                return Err(malformed());
            }
        }
    }

    fn look(&mut self, look: Look) -> Result<(), Failure> {
        self.push(Hir::look(look), 1, 1, 1)
    }

    fn ranges(&mut self, ranges: Ranges) -> Result<(), Failure> {
        self.context.work(ranges.len().saturating_mul(16))?;
        let class = ClassUnicode::new(ranges.into_iter().map(|(low, high)| ClassUnicodeRange::new(low, high)));
        // A range beyond ASCII takes a few states for each length of its encoding.
        let beyond = class.ranges().iter().filter(|range| !range.end().is_ascii()).count();
        self.push(Hir::class(Class::Unicode(class)), beyond.saturating_mul(6).saturating_add(1), 1, 1)
    }

    fn push(&mut self, hir: Hir, size: usize, depth: u32, repeats: u32) -> Result<(), Failure> {
        self.size = self.size.saturating_add(size);
        if self.size > MAX_SIZE || depth > MAX_DEPTH {
            return Err(too_large());
        }
        self.context.work(size.saturating_mul(64))?;
        self.group.items.push(Node { hir, size, depth, repeats });
        Ok(())
    }

    /// `{2}`, `{2,}`, `{2,5}`; anything else is a plain brace. Whether it was a repetition.
    fn counted(&mut self) -> Result<bool, Failure> {
        let Some((min, max, rest)) = counts(self.rest) else {
            self.ranges(class::literal('{', self.flags))?;
            return Ok(false);
        };
        if min > MAX_REPEATS || max.is_some_and(|max| max > MAX_REPEATS || min > max) {
            return Err(malformed());
        }
        self.rest = rest;
        self.repeat(min, max, true).map(|()| true)
    }

    /// Repeats the last item.
    fn repeat(&mut self, min: u32, max: Option<u32>, counted: bool) -> Result<(), Failure> {
        let greedy = self.accept("?") == self.flags.lazy;
        if self.after_repetition {
            return Err(malformed());
        }
        let node = self.group.items.pop().ok_or_else(malformed)?;
        self.size = self.size.saturating_sub(node.size);
        let mut repeats = node.repeats;
        if counted {
            let times = max.unwrap_or(min);
            // Nothing inside of what never occurs counts, an open count from zero repeats once.
            repeats = if max == Some(0) { 1 } else { repeats.saturating_mul(times.max(1)) };
            if (min >= 2 || max.is_some_and(|max| max >= 2)) && repeats > MAX_REPEATS {
                return Err(malformed());
            }
        }
        let copies = usize::try_from(max.unwrap_or(min).max(1)).unwrap_or(usize::MAX);
        let size = node.size.saturating_add(1).saturating_mul(copies).saturating_add(1);
        let hir = Hir::repetition(Repetition { min, max, greedy, sub: Box::new(node.hir) });
        self.push(hir, size, node.depth.saturating_add(1), repeats)
    }

    /// What follows a `(`: a group, or flags for the rest of this one.
    fn open_group(&mut self) -> Result<(), Failure> {
        if !self.rest.starts_with('?') {
            return self.push_group(Some(String::new()));
        }
        let named = self.rest.strip_prefix("?P<").or_else(|| self.rest.strip_prefix("?<"));
        if let Some(named) = named {
            let (name, rest) = named.split_once('>').ok_or_else(malformed)?;
            if name.is_empty() || !name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric()) {
                return Err(malformed());
            }
            self.rest = rest;
            return self.push_group(Some(name.to_owned()));
        }
        self.take();
        self.flag_group()
    }

    /// `(?i)`, `(?i-s:…)`, from behind the question mark.
    fn flag_group(&mut self) -> Result<(), Failure> {
        let mut flags = self.flags;
        let mut value = true;
        let mut seen = false;
        loop {
            match self.take() {
                Some('i') => flags.fold = value,
                Some('m') => flags.lines = value,
                Some('s') => flags.dot_all = value,
                Some('U') => flags.lazy = value,
                Some('-') if value => {
                    (value, seen) = (false, false);
                    continue;
                }
                Some(end @ (':' | ')')) if value || seen => {
                    if end == ':' {
                        self.push_group(None)?;
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => return Err(malformed()),
            }
            seen = true;
        }
    }

    /// Opens a group; it captures if it has a name, be it an empty one.
    fn push_group(&mut self, name: Option<String>) -> Result<(), Failure> {
        let capture = match name {
            Some(name) => {
                let number = u32::try_from(self.names.len()).map_err(|_| too_large())?;
                self.names.push(name);
                Some(number)
            }
            None => None,
        };
        if self.open.len() > usize::try_from(MAX_DEPTH).unwrap_or(0) {
            return Err(too_large());
        }
        let group = Group { flags: self.flags, capture, ..Group::default() };
        self.open.push(std::mem::replace(&mut self.group, group));
        Ok(())
    }

    fn end_of_group(&mut self) -> Result<(), Failure> {
        let outer = self.open.pop().ok_or_else(malformed)?;
        let (flags, capture) = (self.group.flags, self.group.capture);
        let node = self.close_group()?;
        self.group = outer;
        self.flags = flags;
        let hir = match capture {
            Some(index) => Hir::capture(Capture { index, name: None, sub: Box::new(node.hir) }),
            None => node.hir,
        };
        self.size = self.size.saturating_sub(node.size);
        self.push(hir, node.size.saturating_add(2), node.depth.saturating_add(1), node.repeats)
    }

    /// What the group at work has become.
    fn close_group(&mut self) -> Result<Node, Failure> {
        let mut group = std::mem::take(&mut self.group);
        group.alternatives.push(concat(group.items));
        Ok(combine(group.alternatives, Hir::alternation))
    }
}

fn concat(items: Vec<Node>) -> Node {
    combine(items, Hir::concat)
}

fn combine(nodes: Vec<Node>, join: fn(Vec<Hir>) -> Hir) -> Node {
    Node {
        size: nodes.iter().map(|node| node.size).fold(0, usize::saturating_add),
        depth: nodes.iter().map(|node| node.depth).max().unwrap_or(0).saturating_add(1),
        repeats: nodes.iter().map(|node| node.repeats).max().unwrap_or(1),
        hir: join(nodes.into_iter().map(|node| node.hir).collect()),
    }
}

/// A code point. Go takes halves of surrogate pairs, which no text holds; the engine has no such character.
fn character(code: u32) -> Result<char, Failure> {
    char::from_u32(code).ok_or(Failure::Inexact("a surrogate in a regular expression"))
}

/// `2}`, `2,}`, `2,5}`, and what follows.
fn counts(text: &str) -> Option<(u32, Option<u32>, &str)> {
    let (min, rest) = count(text)?;
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((min, Some(min), rest));
    }
    let rest = rest.strip_prefix(',')?;
    if let Some(rest) = rest.strip_prefix('}') {
        return Some((min, None, rest));
    }
    let (max, rest) = count(rest)?;
    Some((min, Some(max), rest.strip_prefix('}')?))
}

/// A number without zeros in front; a huge one is [`u32::MAX`].
fn count(text: &str) -> Option<(u32, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at_checked(length)?;
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    Some((digits.parse().unwrap_or(u32::MAX), rest))
}
