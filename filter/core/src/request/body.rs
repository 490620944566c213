//! `parsed_body` and `truncated_body` (contract sections 1.7, 1.8).

#[cfg(feature = "grpc")]
use super::grpc;
use super::multipart::{self, Part};
use super::shape::Shape;
use super::{Head, ParseError, media_type, url};
use crate::json::{self, Bounds};
use crate::text;
use regorus::Value;
use regorus::value::Object;
use std::borrow::Cow;
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
pub fn as_text(body: &Body) -> Cow<'_, str> {
    text::sanitized(&body.bytes)
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
    pub(super) const NULL: Self = Self { value: Some(Value::Null), text: None };

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

/// How a body is read.
#[derive(Clone, Copy)]
enum Format {
    Json,
    Grpc,
    Form,
    Multipart,
}

impl Format {
    fn of(content_type: &str) -> Option<Self> {
        [
            ("application/json", Self::Json),
            ("application/grpc", Self::Grpc),
            ("application/x-www-form-urlencoded", Self::Form),
            ("multipart/form-data", Self::Multipart),
        ]
        .into_iter()
        .find_map(|(name, format)| content_type.contains(name).then_some(format))
    }
}

/// A header as the policy sees it: the plugin reads the body by those, too.
fn shown<'a>(shape: &Shape, head: &'a Head, name: &str) -> Option<Cow<'a, str>> {
    let is_shown = !shape.raw_headers && shape.headers.passes(name);
    if is_shown { head.get(name) } else { None }
}

/// Whether a body of this request would be read, and could be found unreadable.
pub fn is_read(shape: &Shape, head: &Head) -> bool {
    if shape.skip_body_parse {
        return false;
    }
    match shown(shape, head, "content-type").and_then(|content_type| Format::of(&content_type)) {
        None => false,
        Some(Format::Grpc) => reads_messages(shape),
        Some(Format::Json | Format::Form | Format::Multipart) => true,
    }
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
    let reader = match Format::of(&content_type) {
        None => return Ok(nothing),
        Some(Format::Grpc) => return parse_grpc(request),
        Some(Format::Json) => parse_json,
        Some(Format::Form) => parse_form,
        Some(Format::Multipart) => parse_multipart,
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
    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        shown(self.shape, self.head, name)
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
    json_text(request.payload, &mut request.bounds())
}

/// JSON of a client. Its values are taken out of what the bounds still let the rest of the body have.
pub(super) fn json_text(text: &[u8], bounds: &mut Bounds) -> Result<Parsed, ParseError> {
    let unreadable = |error: json::JsonError| ParseError::new(error.to_string());
    let reading = json::read(text, *bounds).map_err(unreadable)?;
    bounds.values = bounds.values.saturating_sub(reading.values);
    let own_text = reading.respelled || reading.value.is_err();
    let text = own_text.then(|| json::rewrite(text)).transpose().map_err(unreadable)?;
    Ok(Parsed { value: reading.value.ok(), text })
}

fn parse_form(request: &Readable) -> Result<Parsed, ParseError> {
    url::parse_query(request.payload).map(Parsed::exact)
}

fn parse_multipart(request: &Readable) -> Result<Parsed, ParseError> {
    let media = media_type::parse(&request.header("content-type").unwrap_or_default())?;
    let Some(boundary) = media.parameters.get("boundary") else {
        return Ok(Parsed::NULL);
    };
    let mut fields: BTreeMap<String, Vec<Parsed>> = BTreeMap::new();
    let mut bounds = request.bounds();
    for part in multipart::parse(request.payload, boundary)? {
        let content = field(&part, &mut bounds)?;
        fields.entry(part.name).or_default().push(content);
    }
    Ok(join(fields))
}

fn field(part: &Part, bounds: &mut Bounds) -> Result<Parsed, ParseError> {
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
    Parsed { value: value.collect::<Option<Object>>().map(Value::from), text }
}

/// Whether gRPC messages are read at all.
#[cfg(feature = "grpc")]
const fn reads_messages(shape: &Shape) -> bool {
    shape.services.is_some() && shape.pack_as_bytes
}

#[cfg(feature = "grpc")]
fn parse_grpc(request: &Readable) -> Result<(Parsed, bool), ParseError> {
    let Some(services) = request.shape.services.as_ref().filter(|_| reads_messages(request.shape)) else {
        return Ok((Parsed::NULL, false));
    };
    if request.payload.is_empty() {
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
const fn reads_messages(_: &Shape) -> bool {
    false
}

#[cfg(not(feature = "grpc"))]
fn parse_grpc(_: &Readable) -> Result<(Parsed, bool), ParseError> {
    Ok((Parsed::NULL, false))
}

#[cfg(test)]
mod tests;
