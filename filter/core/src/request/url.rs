//! `parsed_path`, `parsed_query` and form bodies, with Go's rules (contract sections 1.5, 1.6).

use super::ParseError;
use crate::text::hex_digit;
use regorus::Value;
use regorus::value::Object;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::str::Split;

/// The segments of a path, in order.
pub type Segments<'a> = Split<'a, char>;

/// Most `&`-separated parameters in a query or form, as in Go's `net/url`.
const MAX_PARAMETERS: usize = 10_000;

/// What a `+` means where percent-decoding happens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plus {
    Kept,
    Space,
}

/// Splits `:path` at the first `?`.
pub fn split(path: &str) -> (&str, &str) {
    path.split_once('?').unwrap_or((path, ""))
}

/// The segments of a path: decoded first, then all leading `/` stripped, then split.
///
/// # Errors
/// An invalid escape.
pub fn parse_path(path: &str) -> Result<Vec<Value>, ParseError> {
    Ok(segments(&decode_path(path)?).map(Value::from).collect())
}

/// A path with its escapes decoded.
///
/// # Errors
/// An invalid one.
pub fn decode_path(path: &str) -> Result<Cow<'_, str>, ParseError> {
    if !path.contains('%') {
        return Ok(Cow::Borrowed(path));
    }
    Ok(Cow::Owned(text(&unescape(path.as_bytes(), Plus::Kept)?)))
}

/// The segments of a path that is decoded.
pub fn segments(decoded: &str) -> Segments<'_> {
    decoded.trim_start_matches('/').split('/')
}

/// Whether a path that nobody reads could be read.
///
/// # Errors
/// Those of [`parse_path`].
pub fn check_path(path: &str) -> Result<(), ParseError> {
    decode_path(path).map(drop)
}

/// Whether a query that nobody reads could be read.
///
/// # Errors
/// Those of [`parse_query`].
pub fn check_query(query: &[u8]) -> Result<(), ParseError> {
    // Each parameter but the last takes a byte.
    let is_plain = query.len() < MAX_PARAMETERS && !query.iter().any(|byte| matches!(byte, b'%' | b';'));
    if is_plain { Ok(()) } else { parse_query(query).map(drop) }
}

/// The parameters of a query or of a form body: key → array of values in order.
///
/// # Errors
/// An invalid escape, a `;`, more than 10,000 parameters.
pub fn parse_query(query: &[u8]) -> Result<Value, ParseError> {
    let pieces = || query.split(|byte| *byte == b'&');
    if pieces().count() > MAX_PARAMETERS {
        return Err(ParseError::new("number of URL query parameters exceeded limit"));
    }
    let mut parameters: BTreeMap<Value, Vec<Value>> = BTreeMap::new();
    for piece in pieces().filter(|piece| !piece.is_empty()) {
        if piece.contains(&b';') {
            return Err(ParseError::new("invalid semicolon separator in query"));
        }
        let mut halves = piece.splitn(2, |byte| *byte == b'=');
        let mut half =
            || unescape(halves.next().unwrap_or_default(), Plus::Space).map(|bytes| Value::from(text(&bytes)));
        let (key, value) = (half()?, half()?);
        parameters.entry(key).or_default().push(value);
    }
    let parameters = parameters.into_iter().map(|(key, values)| (key, Value::from(values)));
    Ok(Value::from(parameters.collect::<Object>()))
}

/// Decodes every `%XX`.
///
/// # Errors
/// An invalid escape.
pub fn unescape_percent(text: &[u8]) -> Result<Vec<u8>, ParseError> {
    unescape(text, Plus::Kept)
}

fn unescape(text: &[u8], plus: Plus) -> Result<Vec<u8>, ParseError> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        let (decoded, after) = match byte {
            b'%' => escape(rest)?,
            b'+' if plus == Plus::Space => (b' ', after),
            byte => (*byte, after),
        };
        out.push(decoded);
        rest = after;
    }
    Ok(out)
}

/// Go keeps raw bytes and shows each invalid one as U+FFFD in JSON; the engine's strings are UTF-8.
fn text(bytes: &[u8]) -> String {
    crate::text::replace_invalid(bytes, char::REPLACEMENT_CHARACTER)
}

/// Decodes the `%XX` that `text` starts with.
fn escape(text: &[u8]) -> Result<(u8, &[u8]), ParseError> {
    if let [b'%', high, low, after @ ..] = text
        && let (Some(high), Some(low)) = (hex_digit(*high), hex_digit(*low))
    {
        return Ok((high.wrapping_shl(4) | low, after));
    }
    let shown = text.get(..3).unwrap_or(text);
    Err(ParseError::new(format!("invalid URL escape \"{}\"", String::from_utf8_lossy(shown))))
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn every_row_of_the_contracts_path_table() {
        for (path, expected) in [
            ("/", r#"[""]"#),
            ("", r#"[""]"#),
            ("/a", r#"["a"]"#),
            ("/a/", r#"["a",""]"#),
            ("/a//b", r#"["a","","b"]"#),
            ("//a", r#"["a"]"#),
            ("///a", r#"["a"]"#),
            ("///", r#"[""]"#),
            ("/a;p=1", r#"["a;p=1"]"#),
            ("/a%2Fb", r#"["a","b"]"#),
            ("/%2F%2Fa", r#"["a"]"#),
            ("/a%20b+c", r#"["a b+c"]"#),
            ("/a%3Fb=1", r#"["a?b=1"]"#),
            ("/a%00b", r#"["a\u0000b"]"#),
            ("/./b/../c", r#"[".","b","..","c"]"#),
            ("/a\\b", r#"["a\\b"]"#),
            ("/a%FF", "[\"a\u{FFFD}\"]"),
        ] {
            assert_eq!(Value::from(parse_path(path).unwrap()).to_string(), expected, "{path}");
        }
    }

    #[test]
    fn every_row_of_the_contracts_query_table() {
        for (query, expected) in [
            ("", "{}"),
            ("x=1&x=2&y", r#"{"x":["1","2"],"y":[""]}"#),
            ("x=a+b%2Bc", r#"{"x":["a b+c"]}"#),
            ("b?c=d", r#"{"b?c":["d"]}"#),
            ("=v", r#"{"":["v"]}"#),
            ("&&x&", r#"{"x":[""]}"#),
            ("x=1=2", r#"{"x":["1=2"]}"#),
            ("A=1&a=2", r#"{"A":["1"],"a":["2"]}"#),
            ("a=1&a=new%0aline", r#"{"a":["1","new\nline"]}"#),
        ] {
            assert_eq!(parse_query(query.as_bytes()).unwrap().to_string(), expected, "{query}");
        }
    }

    #[test]
    fn invalid_escapes_semicolons_and_floods_are_errors() {
        for bad in ["/%zz", "/%", "/%2", "/a%g0/b"] {
            assert!(parse_path(bad).is_err(), "{bad}");
        }
        assert_eq!(parse_path("/%zz1").unwrap_err().to_string(), "invalid URL escape \"%zz\"");
        assert!(parse_query(b"a=1;b=2").is_err());
        assert!(parse_query(b"a=%zz").is_err());
        assert!(parse_query(b"%zz=a").is_err());
        assert!(parse_query(vec!["a"; 10_000].join("&").as_bytes()).is_ok());
        assert!(parse_query(vec!["a"; 10_001].join("&").as_bytes()).is_err());
    }
}
