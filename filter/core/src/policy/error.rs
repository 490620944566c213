//! Why a policy was refused.

use std::fmt;

use regorus::unstable::Span;

/// A refusal of [`load`](super::load).
///
/// Its `Display` is `file:line:column: message` as far as the parts are known. The message is lower
/// case, has no final period, names the construct and says what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    /// Name of the module, if the refusal is about one.
    pub file: Option<String>,
    /// Line, from 1.
    pub line: Option<u32>,
    /// Column in characters, from 1.
    pub column: Option<u32>,
    /// What is wrong and what to do about it.
    pub message: String,
}

impl PolicyError {
    /// A refusal that is about no place in a module.
    pub(super) fn general(message: impl Into<String>) -> Self {
        Self { file: None, line: None, column: None, message: message.into() }
    }

    /// A refusal of a whole module.
    pub(super) fn in_file(file: &str, message: impl Into<String>) -> Self {
        Self { file: Some(file.to_owned()), ..Self::general(message) }
    }

    /// A refusal of the construct at `span`.
    pub(super) fn at(span: &Span, message: impl Into<String>) -> Self {
        let (line, column) = position(span.source.contents(), span.start);
        Self { file: Some(span.source.file().clone()), line: Some(line), column: Some(column), message: message.into() }
    }

    /// regorus' message (`\n--> file:line:column\n … \nerror: text`) in our shape.
    ///
    /// `file` is the module being parsed, or `None` when any of `files` may be meant.
    pub(super) fn from_regorus(text: &str, files: &[&str]) -> Self {
        let message = text.rsplit("error: ").next().unwrap_or(text);
        let message = message.trim().lines().next().unwrap_or(message);
        let message = lower_first(message.trim().trim_end_matches('.'));
        let place = text.split("--> ").nth(1).and_then(|rest| {
            files.iter().find_map(|file| {
                let rest = rest.strip_prefix(file)?.strip_prefix(':')?;
                let mut numbers = rest.split(|c: char| !c.is_ascii_digit());
                let line = numbers.next()?.parse().ok()?;
                let column = numbers.next()?.parse().ok()?;
                Some(((*file).to_owned(), line, column))
            })
        });
        match place {
            Some((file, line, column)) => Self { file: Some(file), line: Some(line), column: Some(column), message },
            None => Self {
                file: match files {
                    [only] => Some((*only).to_owned()),
                    _ => None,
                },
                line: None,
                column: None,
                message,
            },
        }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}:")?;
            if let Some(line) = self.line {
                write!(f, "{line}:")?;
                if let Some(column) = self.column {
                    write!(f, "{column}:")?;
                }
            }
            f.write_str(" ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for PolicyError {}

/// Line and column, from 1, of a byte offset. regorus counts a tab as four columns; editors do not.
pub(super) fn position(text: &str, offset: u32) -> (u32, u32) {
    let offset = usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
    let before = text.get(..offset).unwrap_or(text);
    let line = before.bytes().filter(|byte| *byte == b'\n').count();
    let column = before.rsplit('\n').next().unwrap_or("").chars().count();
    let from_one = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).saturating_add(1);
    (from_one(line), from_one(column))
}

/// The same for every statement of a policy: looks at the end of a long line only, so that many are not dear together.
pub(super) fn position_of_statement(span: &Span) -> (u32, u32) {
    let start = usize::try_from(span.start).unwrap_or(usize::MAX);
    let before = span.source.contents().as_bytes().get(..start).unwrap_or_default();
    let near = before.get(before.len().saturating_sub(LINE)..).unwrap_or(before);
    let column = match near.iter().rposition(|byte| *byte == b'\n') {
        Some(newline) => characters(near.get(newline..).unwrap_or_default()),
        None if near.len() == before.len() => characters(near).saturating_add(1),
        None => span.col,
    };
    (span.line, column)
}

/// A line of this many bytes has exact columns.
const LINE: usize = 1024;

fn characters(text: &[u8]) -> u32 {
    // Every character has one byte that does not continue another.
    let count = text.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// regorus starts some messages with a capital; ours never do.
fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => "the policy does not parse".to_owned(),
    }
}
