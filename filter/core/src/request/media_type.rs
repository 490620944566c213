//! Media types and dispositions with parameters, read as Go's `mime` package reads them.

use super::ParseError;
use std::collections::BTreeMap;

/// A media type, in lower case, and its parameters by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType {
    /// `multipart/form-data`, `form-data`, …
    pub name: String,
    /// Names in lower case; values as they came.
    pub parameters: BTreeMap<String, String>,
}

/// Reads `text/plain; a=b; c="d"`.
///
/// # Errors
/// No media type, a parameter that is none, or one that stands twice with different values.
pub fn parse(text: &str) -> Result<MediaType, ParseError> {
    let base = text.split(';').next().unwrap_or_default();
    let name = base.to_lowercase().trim().to_owned();
    check_name(&name)?;
    let mut plain = BTreeMap::new();
    let mut pieces: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let mut rest = text.get(base.len()..).unwrap_or_default().trim_start();
    while !rest.is_empty() {
        let Some((key, value, after)) = parameter(rest) else {
            if rest.trim() == ";" {
                break;
            }
            return Err(ParseError::new("mime: invalid media parameter"));
        };
        let family = match key.split_once('*') {
            Some((family, _)) => pieces.entry(family.to_owned()).or_default(),
            None => &mut plain,
        };
        if family.insert(key, value.clone()).is_some_and(|before| before != value) {
            return Err(ParseError::new("mime: duplicate parameter name"));
        }
        rest = after.trim_start();
    }
    for (family, pieces) in pieces {
        if let Some(value) = stitch(&family, &pieces) {
            plain.insert(family, value);
        }
    }
    Ok(MediaType { name, parameters: plain })
}

fn check_name(name: &str) -> Result<(), ParseError> {
    let (kind, rest) = token(name);
    let is_good = match rest.strip_prefix('/') {
        Some(subtype) => !subtype.is_empty() && token(subtype).1.is_empty(),
        None => rest.is_empty(),
    };
    if kind.is_empty() || !is_good {
        return Err(ParseError::new("mime: no media type"));
    }
    Ok(())
}

/// (`name`, `value`, what follows) of `; name=value…`.
fn parameter(text: &str) -> Option<(String, String, &str)> {
    let (name, rest) = token(text.strip_prefix(';')?.trim_start());
    let value = rest.trim_start().strip_prefix('=')?.trim_start();
    let (value, rest) = match value.strip_prefix('"') {
        Some(quoted) => quoted_string(quoted)?,
        None => match token(value) {
            ("", _) => return None,
            (value, rest) => (value.to_owned(), rest),
        },
    };
    (!name.is_empty()).then(|| (name.to_lowercase(), value, rest))
}

/// The text up to the closing quote. A backslash quotes what needs quoting and is itself before anything else, as
/// in the Windows paths that some clients send.
fn quoted_string(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((out, text.get(at.checked_add(1)?..)?)),
            '\r' | '\n' => return None,
            '\\' => match characters.clone().next() {
                Some((_, next)) if is_special(next) => {
                    out.push(next);
                    characters.next();
                }
                _ => out.push('\\'),
            },
            other => out.push(other),
        }
    }
    None
}

/// A value in pieces (RFC 2231): `name*`, or `name*0`, `name*1*`, ….
fn stitch(name: &str, pieces: &BTreeMap<String, String>) -> Option<String> {
    if let Some(value) = pieces.get(&format!("{name}*")) {
        return decode_with_charset(value);
    }
    let mut whole: Option<String> = None;
    for number in 0..=pieces.len() {
        let out = match (pieces.get(&format!("{name}*{number}")), pieces.get(&format!("{name}*{number}*"))) {
            (Some(plain), _) => plain.clone(),
            (None, Some(encoded)) if number == 0 => decode_with_charset(encoded).unwrap_or_default(),
            (None, Some(encoded)) => unescape(encoded).unwrap_or_default(),
            (None, None) => break,
        };
        whole.get_or_insert_default().push_str(&out);
    }
    whole
}

/// `charset'language'text`.
fn decode_with_charset(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let charset = parts.next()?.to_lowercase();
    let (_, text) = (parts.next()?, parts.next()?);
    if charset == "us-ascii" || charset == "utf-8" { unescape(text) } else { None }
}

fn unescape(text: &str) -> Option<String> {
    let bytes = super::url::unescape_percent(text.as_bytes()).ok()?;
    Some(crate::text::replace_invalid(&bytes, char::REPLACEMENT_CHARACTER))
}

/// The longest beginning that is a token (RFC 2045), and the rest.
fn token(text: &str) -> (&str, &str) {
    let end = text.find(|character: char| !is_token_character(character)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn is_token_character(character: char) -> bool {
    character.is_ascii_graphic() && !is_special(character)
}

fn is_special(character: char) -> bool {
    "()<>@,;:\\\"/[]?=".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn read(text: &str) -> String {
        parse(text).map_or_else(
            |error| error.to_string(),
            |media| {
                let parameters = media.parameters.iter().map(|(name, value)| format!("; {name}=[{value}]"));
                format!("{}{}", media.name, parameters.collect::<String>())
            },
        )
    }

    /// What Go 1.26 answers to each.
    #[test]
    fn reads_what_go_reads() {
        for (text, expected) in [
            ("Text/Plain", "text/plain"),
            ("form-data; name=a; Name=a;", "form-data; name=[a]"),
            (" multipart/form-data ; boundary = \"a b\" ", "multipart/form-data; boundary=[a b]"),
            (r#"a/b; f="C:\dir\file.txt""#, r"a/b; f=[C:\dir\file.txt]"),
            (r#"a/b; f="q\"q\\""#, r#"a/b; f=[q"q\]"#),
            ("a/b; n*=utf-8''%e2%82%ac; m*=latin1''x", "a/b; n=[€]"),
            ("a/b; n*0=x; n*1*=%41%zz; n*2=y; n*4=z", "a/b; n=[xy]"),
            ("a/b; n*0*=utf-8'en'%41; n*1=B", "a/b; n=[AB]"),
            ("a/b; x={y}", "a/b; x=[{y}]"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn refuses_what_go_refuses() {
        for bad in ["", ";a=b", "a/", "/b", "a/b/c", "a b/c", "é/x"] {
            assert_eq!(read(bad), "mime: no media type", "{bad}");
        }
        for bad in ["a/b; c", "a/b; c=", "a/b; =d", "a/b; c=\"d", "a/b; c=\"d\ne\"", "a/b; c=d e", "a/b;;", "a/b x=y"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(read("a/b; c=d; c=e"), "mime: duplicate parameter name");
    }
}
