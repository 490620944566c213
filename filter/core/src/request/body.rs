//! `parsed_body` and `truncated_body` (contract sections 1.7, 1.8): JSON and form; the other types come with the
//! full input document.

use super::{Head, ParseError, url};
use crate::text;
use regorus::Value;

/// What was buffered of a request's body.
#[derive(Debug, Clone)]
pub struct Body {
    /// The bytes the policy may see, at most `max_request_bytes`.
    pub bytes: Vec<u8>,
    /// Bytes received when the check fired; more than `bytes` holds when the body is partial.
    pub received: usize,
}

impl Body {
    /// Whether the policy sees only a part.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.received > self.bytes.len()
    }
}

/// The body as text for the input document: bytes that are not UTF-8 become `!`.
pub fn as_text(body: &Body) -> String {
    text::sanitize(&body.bytes)
}

/// (`parsed_body`, `truncated_body`). `text` is the sanitized body, empty when none was buffered.
///
/// # Errors
/// A body that its content type says is readable, and is not.
pub fn parse(head: &Head, body: Option<&Body>, text: &str) -> Result<(Value, bool), ParseError> {
    if body.is_some_and(Body::is_partial) {
        return Ok((Value::Null, true));
    }
    let content_type = head.get("content-type").unwrap_or_default();
    let reader = if content_type.contains("application/json") {
        parse_json
    } else if content_type.contains("application/grpc") {
        // Needs a descriptor set; without one the plugin answers null.
        return Ok((Value::Null, false));
    } else if content_type.contains("application/x-www-form-urlencoded") {
        url::parse_query
    } else if content_type.contains("multipart/form-data") {
        refuse_multipart
    } else {
        return Ok((Value::Null, false));
    };
    if text.is_empty() {
        return Ok((Value::Null, false));
    }
    if shorter_than_announced(head, body)? {
        return Ok((Value::Null, true));
    }
    Ok((reader(text)?, false))
}

fn parse_json(text: &str) -> Result<Value, ParseError> {
    crate::json::parse(text.as_bytes()).map_err(|error| ParseError::new(error.to_string()))
}

/// Answering `null` here would be another answer than the plugin's; refusing is the safe one until it is read.
fn refuse_multipart(_: &str) -> Result<Value, ParseError> {
    Err(ParseError::new("multipart/form-data is not read yet"))
}

fn shorter_than_announced(head: &Head, body: Option<&Body>) -> Result<bool, ParseError> {
    let Some(length) = head.get("content-length") else {
        return Ok(false);
    };
    let announced: i64 = length.parse().map_err(|_| ParseError::new("invalid content-length"))?;
    let received = body.map_or(0, |body| body.received);
    Ok(i64::try_from(received).is_ok_and(|received| announced > received))
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn read(content_type: &str, bytes: &[u8]) -> Result<(String, bool), String> {
        let length = bytes.len().to_string();
        let head = Head::new([(&b"content-type"[..], content_type.as_bytes()), (b"content-length", length.as_bytes())]);
        let body = Body { bytes: bytes.to_vec(), received: bytes.len() };
        let (parsed, truncated) = parse(&head, Some(&body), &as_text(&body)).map_err(|error| error.to_string())?;
        Ok((parsed.to_string(), truncated))
    }

    #[test]
    fn the_content_type_is_a_case_sensitive_substring() {
        for (content_type, expected) in [
            ("application/json", "1"),
            ("application/json-patch+json", "1"),
            ("text/plain,application/json", "1"),
            ("Application/JSON", "null"),
            ("application/vnd.api+json", "null"),
            ("text/html", "null"),
            ("application/grpc", "null"),
        ] {
            assert_eq!(read(content_type, b"1"), Ok((expected.to_owned(), false)), "{content_type}");
        }
    }

    #[test]
    fn forms_are_read_by_the_querys_rules() {
        let form = "application/x-www-form-urlencoded";
        assert_eq!(read(form, b"a=1&a=2"), Ok((r#"{"a":["1","2"]}"#.to_owned(), false)));
        assert!(read(form, b"a=1;b=2").is_err());
    }

    #[test]
    fn unreadable_bodies_are_errors_and_empty_ones_null() {
        assert!(read("application/json", b"[\"foo\" : 42}").is_err());
        assert!(read("application/json", b"  ").is_err());
        assert!(read("multipart/form-data; boundary=x", b"--x--").is_err());
        assert_eq!(read("application/json", b""), Ok(("null".to_owned(), false)));
    }

    #[test]
    fn truncation_is_seen_by_size_and_by_content_length() {
        let head = Head::new([(&b"content-type"[..], &b"application/json"[..]), (b"content-length", b"9")]);
        let partial = Body { bytes: b"tru".to_vec(), received: 4 };
        assert_eq!(parse(&head, Some(&partial), "tru").unwrap(), (Value::Null, true));
        let short = Body { bytes: b"true".to_vec(), received: 4 };
        assert_eq!(parse(&head, Some(&short), "true").unwrap(), (Value::Null, true));
        let bad = Head::new([(&b"content-type"[..], &b"application/json"[..]), (b"content-length", b"x")]);
        assert!(parse(&bad, Some(&short), "true").is_err());
    }
}
