//! Regular expressions that mean the same in RE2, which OPA uses, and in Rust's regex crate.

use regorus::Value;
use regorus::unstable::Span;

use super::builtins;
use super::error::PolicyError;

/// RE2 allows no larger count, and no larger product of nested counts.
const MAX_REPEAT: u32 = 1000;

/// Names that both know inside `[[:name:]]`.
const CLASSES: &[&str] = &[
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

/// Checks the pattern of a `regex.match`; `None` is one that is not a constant string.
pub(super) fn check(span: &Span, pattern: Option<String>) -> Result<(), PolicyError> {
    let Some(pattern) = pattern else {
        return Err(PolicyError::at(span, "the pattern of regex.match must be a constant string"));
    };
    if let Err(problem) = check_text(&pattern) {
        return Err(PolicyError::at(span, format!("the pattern of regex.match {problem}")));
    }
    match builtins::original("regex.match", &[Value::from(pattern.as_str()), Value::from("")]) {
        Ok(_) => Ok(()),
        Err(_) => Err(PolicyError::at(
            span,
            "the pattern of regex.match is not valid or too large; shorten it or its repetitions",
        )),
    }
}

/// The subset, or what leaves it.
fn check_text(pattern: &str) -> Result<(), &'static str> {
    let mut chars = pattern.chars().peekable();
    let mut class = false;
    let mut class_start = false;
    let mut product = 1_u32;
    let mut quantified = false;
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        let was_start = std::mem::take(&mut class_start);
        let was_quantified = std::mem::take(&mut quantified);
        match c {
            '\\' => {
                check_escape(next)?;
                chars.next();
            }
            '[' if class && next == Some(':') => {
                let name: String = chars.by_ref().skip(1).take_while(|c| *c != ':').collect();
                if !CLASSES.contains(&name.as_str()) || chars.next() != Some(']') {
                    return Err("uses an unknown [[:class:]]; list the characters");
                }
            }
            '[' if class => return Err("has `[` inside `[…]`; write \\["),
            '[' => {
                class = true;
                class_start = true;
                if next == Some('^') {
                    chars.next();
                }
            }
            ']' if class && was_start => return Err("has `]` first inside `[…]`; write \\]"),
            ']' => class = false,
            '&' | '-' | '~' if class && next == Some(c) => {
                return Err("has `&&`, `--` or `~~` inside `[…]`; write it once");
            }
            _ if class => {}
            '(' if next == Some('?') => {
                chars.next();
                if chars.next() != Some(':') {
                    return Err("uses `(?`; only `(?:` is available inline");
                }
            }
            '*' | '+' | '?' | '{' if was_quantified => {
                return Err("repeats a repetition; add a group");
            }
            '*' | '+' | '?' => {
                quantified = true;
                if next == Some('?') {
                    chars.next();
                }
            }
            '{' => {
                let counts: String = chars.by_ref().take_while(|c| *c != '}').collect();
                product = product.saturating_mul(largest(&counts)?);
                if product > MAX_REPEAT {
                    return Err("repeats more than 1000 times in all; shorten the repetitions");
                }
                quantified = true;
                if chars.peek() == Some(&'?') {
                    chars.next();
                }
            }
            '}' => return Err("has `}` without `{`; write \\}"),
            _ => {}
        }
    }
    Ok(())
}

/// Escaped punctuation, and the three white-space letters. All other letters are classes or
/// assertions, which cover Unicode in Rust and ASCII in RE2.
fn check_escape(next: Option<char>) -> Result<(), &'static str> {
    match next {
        Some('n' | 'r' | 't') => Ok(()),
        Some('<' | '>') => Err("uses a word boundary; match the neighbours instead"),
        Some(c) if c.is_ascii_punctuation() => Ok(()),
        Some(_) => Err(
            "uses an escape that means other characters in RE2; write [0-9] for \\d, [0-9A-Za-z_] for \\w, [ \\t\\n\\r] for \\s",
        ),
        None => Err("ends in a backslash"),
    }
}

/// The larger count of `{2}`, `{2,}` or `{2,5}`.
fn largest(counts: &str) -> Result<u32, &'static str> {
    const WRONG: &str = "has a wrong {count}; write \\{ for the character";
    let (low, high) = counts.split_once(',').unwrap_or((counts, counts));
    let number = |text: &str| {
        let digits = text.bytes().all(|b| b.is_ascii_digit()) && (1..=4).contains(&text.len());
        if digits { text.parse::<u32>().map_err(|_| WRONG) } else { Err(WRONG) }
    };
    let low = number(low)?;
    let high = if high.is_empty() { low } else { number(high)? };
    if low > high { Err(WRONG) } else { Ok(high.max(1)) }
}
