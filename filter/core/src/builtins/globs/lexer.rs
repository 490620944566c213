//! A pattern's tokens, with the corners of OPA's library.

use crate::builtins::Failure;

/// One piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// Characters that stand for themselves.
    Text(String),
    /// `?`: one character that is no delimiter
    One,
    /// `*`: any characters that are no delimiters
    Star,
    /// `**`: any characters
    All,
    /// `[abc]`, `[a-c]`, `[!abc]`: one of the characters in these ranges, or none of them
    Class { not: bool, ranges: Vec<(char, char)> },
    /// `{`
    Open,
    /// `,` between braces
    Comma,
    /// `}`
    Close,
}

/// Reads tokens.
pub(super) struct Lexer<'a> {
    rest: &'a str,
    /// Braces that are open.
    depth: usize,
}

fn malformed(why: &'static str) -> Failure {
    Failure::Error(why.into())
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(pattern: &'a str) -> Self {
        Self { rest: pattern, depth: 0 }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next();
        self.rest = chars.as_str();
        c
    }

    /// Takes the character if it comes next.
    fn accept(&mut self, c: char) -> bool {
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// The next token; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Token>, Failure> {
        let Some(c) = self.peek() else { return Ok(None) };
        let inside = self.depth > 0;
        let token = match c {
            '{' => {
                self.depth = self.depth.saturating_add(1);
                Token::Open
            }
            ',' if inside => Token::Comma,
            '}' if inside => {
                self.depth = self.depth.saturating_sub(1);
                Token::Close
            }
            '?' => Token::One,
            '*' => {
                self.take();
                return Ok(Some(if self.accept('*') { Token::All } else { Token::Star }));
            }
            '[' => {
                self.take();
                return self.class().map(Some);
            }
            _ => return self.text(if inside { "?*[{}," } else { "?*[{" }).map(|text| Some(Token::Text(text))),
        };
        self.take();
        Ok(Some(token))
    }

    /// Characters up to one of `ends`, or up to the end; `\` takes the next character as it is.
    fn text(&mut self, ends: &str) -> Result<String, Failure> {
        let mut text = String::new();
        while let Some(c) = self.peek().filter(|c| !ends.contains(*c)) {
            self.take();
            let c = if c == '\\' { self.take().ok_or_else(|| malformed("a backslash at the end"))? } else { c };
            text.push(c);
        }
        Ok(text)
    }

    /// A class, from behind its `[`. A range is one only directly at the beginning, and must be all of the class.
    fn class(&mut self) -> Result<Token, Failure> {
        let not = self.accept('!');
        let mut ahead = self.rest.chars();
        let ranges = match (ahead.next(), ahead.next(), ahead.next()) {
            (Some(low), Some('-'), Some(high)) => {
                self.rest = ahead.as_str();
                if high < low {
                    return Err(malformed("a range of characters from high to low"));
                }
                vec![(low, high)]
            }
            _ => self.text("]")?.chars().map(|c| (c, c)).collect(),
        };
        if !self.accept(']') {
            return Err(malformed("a class of characters that is not closed"));
        }
        if ranges.is_empty() {
            return Err(malformed("an empty class of characters"));
        }
        Ok(Token::Class { not, ranges })
    }
}
