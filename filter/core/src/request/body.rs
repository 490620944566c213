//! `parsed_body` and `truncated_body` (contract sections 1.7, 1.8).

#[cfg(feature = "grpc")]
use super::grpc;
use super::multipart::{self, Part};
use super::shape::Shape;
use super::{Head, ParseError, media_type, url};
use crate::json::{self, Bounds};
use crate::text;
use regorus::Value;
use std::collections::BTreeMap;

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

/// A member of the input document that may hold what the engine cannot.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// As the engine holds it; `None` if it cannot.
    pub value: Option<Value>,
    /// As JSON, if the value's own JSON would say something else.
    pub text: Option<String>,
}

impl Parsed {
    const NULL: Self = Self { value: Some(Value::Null), text: None };

    fn exact(value: Value) -> Self {
        Self { value: Some(value), text: None }
    }

    fn json(&self) -> String {
        match (&self.text, &self.value) {
            (Some(text), _) => text.clone(),
            (None, Some(value)) => value.to_string(),
            (None, None) => "null".to_owned(),
        }
    }
}

/// What the policy is shown of a request, as far as reading the body depends on it.
pub struct Readable<'a> {
    /// The options.
    pub shape: &'a Shape,
    /// The headers.
    pub head: &'a Head,
    /// The body, if one was buffered.
    pub body: Option<&'a Body>,
    /// What it is read from: its text or, with `pack_as_bytes`, its bytes; empty when none was buffered.
    pub payload: &'a [u8],
    /// The segments of the path: a gRPC method.
    #[cfg_attr(not(feature = "grpc"), expect(dead_code, reason = "only gRPC messages are read by their path"))]
    pub path: &'a [Value],
}

/// (`parsed_body`, `truncated_body`).
///
/// # Errors
/// A body that its content type says is readable, and is not.
pub fn parse(request: &Readable) -> Result<(Parsed, bool), ParseError> {
    let nothing = (Parsed::NULL, false);
    let Some(content_type) = request.header("content-type") else {
        return Ok((Parsed::NULL, request.is_partial()));
    };
    if request.is_partial() {
        return Ok((Parsed::NULL, true));
    }
    let reader = if content_type.contains("application/json") {
        parse_json
    } else if content_type.contains("application/grpc") {
        return parse_grpc(request);
    } else if content_type.contains("application/x-www-form-urlencoded") {
        parse_form
    } else if content_type.contains("multipart/form-data") {
        parse_multipart
    } else {
        return Ok(nothing);
    };
    if request.payload.is_empty() {
        return Ok(nothing);
    }
    if request.is_shorter_than_announced()? {
        return Ok((Parsed::NULL, true));
    }
    Ok((reader(request)?, false))
}

impl Readable<'_> {
    /// A header as the policy sees it: the plugin reads the body by those, too.
    fn header(&self, name: &str) -> Option<&str> {
        let shown = !self.shape.raw_headers && self.shape.headers.passes(name);
        if shown { self.head.get(name) } else { None }
    }

    /// By the header that says so, which is not among the raw ones.
    fn is_partial(&self) -> bool {
        !self.shape.raw_headers && self.body.is_some_and(Body::is_partial)
    }

    fn is_shorter_than_announced(&self) -> Result<bool, ParseError> {
        let Some(length) = self.header("content-length") else {
            return Ok(false);
        };
        let announced: i64 = length.parse().map_err(|_| ParseError::new("invalid content-length"))?;
        Ok(i64::try_from(self.payload.len()).is_ok_and(|received| announced > received))
    }

    fn bounds(&self) -> Bounds {
        Bounds { depth: self.shape.json_depth, ..Bounds::REQUEST }
    }
}

fn parse_json(request: &Readable) -> Result<Parsed, ParseError> {
    json_text(request.payload, request.bounds())
}

/// JSON of a client.
pub(super) fn json_text(text: &[u8], bounds: Bounds) -> Result<Parsed, ParseError> {
    let unreadable = |error: json::JsonError| ParseError::new(error.to_string());
    let reading = json::read(text, bounds).map_err(unreadable)?;
    let own_text = reading.respelled || reading.value.is_err();
    let text = own_text.then(|| json::rewrite(text)).transpose().map_err(unreadable)?;
    Ok(Parsed { value: reading.value.ok(), text })
}

fn parse_form(request: &Readable) -> Result<Parsed, ParseError> {
    url::parse_query(request.payload).map(Parsed::exact)
}

fn parse_multipart(request: &Readable) -> Result<Parsed, ParseError> {
    let media = media_type::parse(request.header("content-type").unwrap_or_default())?;
    let Some(boundary) = media.parameters.get("boundary") else {
        return Ok(Parsed::NULL);
    };
    let mut fields: BTreeMap<String, Vec<Parsed>> = BTreeMap::new();
    for part in multipart::parse(request.payload, boundary)? {
        let content = field(&part, request.bounds())?;
        fields.entry(part.name).or_default().push(content);
    }
    Ok(join(fields))
}

fn field(part: &Part, bounds: Bounds) -> Result<Parsed, ParseError> {
    if part.is_json {
        return json_text(&part.content, bounds);
    }
    let text = text::replace_invalid(&part.content, char::REPLACEMENT_CHARACTER);
    Ok(Parsed::exact(Value::from(text)))
}

/// An object of arrays.
fn join(fields: BTreeMap<String, Vec<Parsed>>) -> Parsed {
    let needs_text = fields.values().flatten().any(|part| part.text.is_some());
    let text = needs_text.then(|| {
        let members = fields.iter().map(|(name, parts)| {
            let parts: Vec<String> = parts.iter().map(Parsed::json).collect();
            format!("{}:[{}]", json::quote(name), parts.join(","))
        });
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    });
    let value = fields.into_iter().map(|(name, parts)| {
        let values: Option<Vec<Value>> = parts.into_iter().map(|part| part.value).collect();
        Some((Value::from(name), Value::from(values?)))
    });
    Parsed { value: value.collect::<Option<BTreeMap<_, _>>>().map(Value::from), text }
}

#[cfg(feature = "grpc")]
fn parse_grpc(request: &Readable) -> Result<(Parsed, bool), ParseError> {
    let Some(services) = &request.shape.services else {
        return Ok((Parsed::NULL, false));
    };
    if !request.shape.pack_as_bytes || request.payload.is_empty() {
        return Ok((Parsed::NULL, false));
    }
    Ok(match grpc::parse(services, request.path, request.payload)? {
        grpc::Found::Nothing => (Parsed::NULL, false),
        grpc::Found::Truncated => (Parsed::NULL, true),
        grpc::Found::Message(message) => (message, false),
    })
}

/// Without descriptors there is nothing to read a message by.
#[cfg(not(feature = "grpc"))]
fn parse_grpc(_: &Readable) -> Result<(Parsed, bool), ParseError> {
    Ok((Parsed::NULL, false))
}

#[cfg(test)]
mod tests;
