//! `glob.match`. regorus builds on a path matcher whose `**` is another than OPA's.

use regorus::Value;

/// Characters of pattern and text that are looked at; more is an error.
const MAX_PATTERN: usize = 256;
const MAX_TEXT: usize = 16_384;

/// One piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Literal(char),
    /// `?`: one character that is no delimiter
    One,
    /// `*`: any characters that are no delimiters
    Many,
    /// `**`: any characters
    All,
}

/// `glob.match(pattern, delimiters, text)`. `None`: the pattern is outside the subset that is known
/// to mean the same in OPA (literals, `?`, `*`, `**`), or too long.
pub(super) fn glob_match(args: &[Value]) -> Option<Value> {
    let [pattern, delimiters, text] = args else { return None };
    let (Ok(pattern), Ok(text)) = (pattern.as_string(), text.as_string()) else {
        return Some(Value::Undefined);
    };
    let delimiters = delimiters_of(delimiters)?;
    let pieces = pieces(pattern)?;
    let text: Vec<char> = text.chars().take(MAX_TEXT.saturating_add(1)).collect();
    (text.len() <= MAX_TEXT).then(|| Value::from(matches(&pieces, &delimiters, &text)))
}

/// An empty array stands for `["."]`, null for none.
fn delimiters_of(value: &Value) -> Option<Vec<char>> {
    let items = match value {
        Value::Null => return Some(Vec::new()),
        Value::Array(items) => items,
        _ => return None,
    };
    let mut delimiters = Vec::new();
    for item in items.iter() {
        let mut chars = item.as_string().ok()?.chars();
        match (chars.next(), chars.next()) {
            (Some(c), None) if c.is_ascii() => delimiters.push(c),
            _ => return None,
        }
    }
    if delimiters.is_empty() {
        delimiters.push('.');
    }
    Some(delimiters)
}

fn pieces(pattern: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        pieces.push(match c {
            '[' | ']' | '{' | '}' | '\\' | '\0' => return None,
            '?' => Piece::One,
            '*' if chars.peek() == Some(&'*') => {
                chars.next();
                Piece::All
            }
            '*' => Piece::Many,
            literal => Piece::Literal(literal),
        });
        if pieces.len() > MAX_PATTERN {
            return None;
        }
    }
    // What a wildcard directly behind another means is not the same everywhere in OPA's library.
    let wild = |piece: &Piece| !matches!(piece, Piece::Literal(_));
    let adjacent = pieces.iter().zip(pieces.iter().skip(1)).any(|(a, b)| wild(a) && wild(b));
    (!adjacent).then_some(pieces)
}

/// `reached` holds, after each character, which numbers of pieces can match the text so far.
fn matches(pieces: &[Piece], delimiters: &[char], text: &[char]) -> bool {
    let mut reached = skip_stars(pieces, vec![true]);
    for c in text {
        let delimiter = delimiters.contains(c);
        let mut next = vec![false];
        for (at, piece) in pieces.iter().enumerate() {
            let here = reached.get(at).copied().unwrap_or(false);
            let behind = reached.get(at.saturating_add(1)).copied().unwrap_or(false);
            next.push(match piece {
                Piece::Literal(literal) => here && literal == c,
                Piece::One => here && !delimiter,
                Piece::Many => behind && !delimiter,
                Piece::All => behind,
            });
        }
        reached = skip_stars(pieces, next);
    }
    reached.last().copied().unwrap_or(false)
}

/// Stars match nothing, too.
fn skip_stars(pieces: &[Piece], mut reached: Vec<bool>) -> Vec<bool> {
    reached.resize(pieces.len().saturating_add(1), false);
    let mut before = reached.first().copied().unwrap_or(false);
    for (piece, here) in pieces.iter().zip(reached.iter_mut().skip(1)) {
        *here |= before && matches!(piece, Piece::Many | Piece::All);
        before = *here;
    }
    reached
}
