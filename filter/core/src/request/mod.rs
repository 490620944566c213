//! The attributes of a request → the OPA-Envoy input document (contract section 1).
//!
//! One document serves both sides: the engine gets it as a value, the remote OPA as JSON. Where the engine cannot hold
//! what the JSON says, there is no value, and only the remote OPA can decide.

mod body;
#[cfg(feature = "grpc")]
mod grpc;
mod head;
mod matcher;
mod media_type;
mod metadata;
mod multipart;
mod peers;
mod shape;
mod url;

pub use body::Body;
#[cfg(feature = "grpc")]
pub use grpc::Services;
pub use head::Head;
pub use matcher::{HeaderFilter, Matcher};
pub use metadata::{Labels, Metadata, Namespaces};
pub use shape::{DEFAULT_JSON_DEPTH, Shape, SourceAddress, Unprovided, unprovided};

use crate::host::{Host, HostError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regorus::Value;
use std::collections::BTreeMap;

/// Why a request cannot be turned into an input document. The client gets 400 and this text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError(String);

impl ParseError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl std::fmt::Display for ParseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ParseError {}

/// Why there is no input document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentError {
    /// The request cannot be read.
    Parse(ParseError),
    /// The proxy did not tell what it should know.
    Host(HostError),
}

impl From<ParseError> for DocumentError {
    fn from(error: ParseError) -> Self {
        Self::Parse(error)
    }
}

impl From<HostError> for DocumentError {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

/// The document holds what the engine cannot hold as OPA does: a number of too many digits, too many values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inexact;

/// The input document of one request.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its members; `parsed_body` is null where it is inexact.
    members: BTreeMap<Value, Value>,
    is_exact: bool,
    /// `parsed_body` as JSON, where the value's own JSON would say something else.
    body_text: Option<String>,
}

impl Document {
    /// The document for the engine.
    ///
    /// # Errors
    /// The engine cannot hold it.
    pub fn value(&self) -> Result<Value, Inexact> {
        if self.is_exact { Ok(Value::from(self.members.clone())) } else { Err(Inexact) }
    }

    /// Whether the engine holds a number by another text than OPA does (`1.0` as `1`). They are the same number; what
    /// shows the text of a number shows it differently.
    #[must_use]
    pub fn respells_numbers(&self) -> bool {
        self.is_exact && self.body_text.is_some()
    }

    /// Appends the document as JSON, for the remote OPA.
    ///
    /// # Errors
    /// A value has no JSON; this does not happen to what [`document`] builds.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        let mut separator = b'{';
        for (name, value) in &self.members {
            out.push(separator);
            separator = b',';
            serde_json::to_writer(&mut *out, name)?;
            out.push(b':');
            match &self.body_text {
                Some(text) if *name == Value::from(PARSED_BODY) => out.extend_from_slice(text.as_bytes()),
                _ => serde_json::to_writer(&mut *out, value)?,
            }
        }
        out.push(b'}');
        Ok(())
    }
}

const PARSED_BODY: &str = "parsed_body";

/// Builds the input document.
///
/// `body` is `None` when no body was buffered: no `with_request_body`, a request that ends at its headers, a tunnel.
/// `context_extensions` is an object of strings; `None` if there are none.
///
/// # Errors
/// Path, query or body cannot be parsed (contract sections 1.5 to 1.8), or the proxy fails.
pub fn document(
    shape: &Shape,
    head: &Head,
    body: Option<&Body>,
    context_extensions: Option<Value>,
    host: &dyn Host,
) -> Result<Document, DocumentError> {
    let (path, query) = url::split(head.path());
    let path = url::parse_path(path)?;
    let parsed_query = url::parse_query(query.as_bytes())?;
    let text = body.filter(|_| !shape.pack_as_bytes).map(body::as_text).unwrap_or_default();
    let parsed = if shape.skip_body_parse {
        None
    } else {
        let bytes = body.map(|body| body.bytes.as_slice()).unwrap_or_default();
        let payload = if shape.pack_as_bytes { bytes } else { text.as_bytes() };
        Some(body::parse(&body::Readable { shape, head, body, payload, path: &path })?)
    };
    let source = peers::source(shape, head, host)?;
    let principal = source.get(&Value::from("principal")).cloned();
    let mut members = BTreeMap::from([
        (
            Value::from("attributes"),
            attributes(shape, source, http(shape, head, body, &text, host)?, context_extensions, host)?,
        ),
        (Value::from("parsed_path"), Value::from(path)),
        (Value::from("parsed_query"), parsed_query),
        (Value::from("version"), object([("ext_authz", Value::from("v3")), ("encoding", Value::from("protojson"))])),
    ]);
    members.extend(principal.map(|principal| (Value::from("source_principal"), principal)));
    let (mut is_exact, mut body_text) = (true, None);
    if let Some((parsed, truncated)) = parsed {
        (is_exact, body_text) = (parsed.value.is_some(), parsed.text);
        members.insert(Value::from(PARSED_BODY), parsed.value.unwrap_or(Value::Null));
        members.insert(Value::from("truncated_body"), Value::Bool(truncated));
    }
    Ok(Document { members, is_exact, body_text })
}

fn attributes(
    shape: &Shape,
    source: BTreeMap<Value, Value>,
    http: Value,
    context_extensions: Option<Value>,
    host: &dyn Host,
) -> Result<Value, HostError> {
    // Both are always there, and empty when nothing is selected (contract section 1.2).
    let context = |selected: &Namespaces, read: fn(&dyn Host) -> Result<Metadata, HostError>| {
        if selected.is_empty() { Ok(Value::new_object()) } else { read(host)?.context(selected) }
    };
    let mut attributes = BTreeMap::from([
        (Value::from("request"), object([("http", http), ("time", timestamp(request_time(host)?))])),
        (Value::from("source"), Value::from(source)),
        (Value::from("destination"), Value::from(peers::destination(shape, host)?)),
        (Value::from("metadataContext"), context(&shape.metadata, Metadata::of_request)?),
        (Value::from("routeMetadataContext"), context(&shape.route_metadata, Metadata::of_route)?),
    ]);
    if let Some(extensions) = context_extensions {
        attributes.insert(Value::from("contextExtensions"), extensions);
    }
    if shape.tls_session
        && let Some(session) = peers::tls_session(host)?
    {
        attributes.insert(Value::from("tlsSession"), session);
    }
    Ok(Value::from(attributes))
}

/// `attributes.request.http`; a field at its default value is absent (contract section 1.3).
fn http(shape: &Shape, head: &Head, body: Option<&Body>, text: &str, host: &dyn Host) -> Result<Value, HostError> {
    let protocol = host.property(&["request", "protocol"])?.ok_or(HostError)?;
    let mut http = BTreeMap::new();
    let mut put = |name: &str, value: &str| {
        if !value.is_empty() {
            http.insert(Value::from(name), Value::from(value));
        }
    };
    put("id", &host.random().to_string());
    put("method", head.get(":method").unwrap_or_default());
    put("path", head.path());
    put("host", head.get(":authority").unwrap_or_default());
    put("scheme", head.get(":scheme").unwrap_or_default());
    put("protocol", &crate::text::sanitize(&protocol));
    put("body", text);
    if shape.pack_as_bytes {
        put("rawBody", &body.map(|body| STANDARD.encode(&body.bytes)).unwrap_or_default());
    }
    if let Some(received) = body.map(|body| body.received).filter(|received| *received > 0) {
        http.insert(Value::from("size"), Value::from(received));
    }
    if shape.raw_headers {
        http.insert(Value::from("headerMap"), header_map(shape, head, body));
    } else {
        http.insert(Value::from("headers"), headers(shape, head, body));
    }
    Ok(Value::from(http))
}

/// Name → joined values. What Envoy says of the body is shown whatever the filters say (contract section 1.4).
fn headers(shape: &Shape, head: &Head, body: Option<&Body>) -> Value {
    let shown = head.iter().filter(|(name, _)| shape.headers.passes(name));
    let mut headers: BTreeMap<Value, Value> =
        shown.map(|(name, value)| (Value::from(name), Value::from(value))).collect();
    if let Some(body) = body {
        headers.insert(Value::from(head::PARTIAL_BODY), Value::from(partial(body)));
    }
    Value::from(headers)
}

/// One entry a line, in the order they came, values in base64; an empty one is absent.
fn header_map(shape: &Shape, head: &Head, body: Option<&Body>) -> Value {
    let entry = |name: &str, value: &[u8]| {
        let mut entry = BTreeMap::from([(Value::from("key"), Value::from(name))]);
        if !value.is_empty() {
            entry.insert(Value::from("rawValue"), Value::from(STANDARD.encode(value)));
        }
        Value::from(entry)
    };
    let shown = head.lines().filter(|(name, _)| shape.headers.passes(name));
    let mut lines: Vec<Value> = shown.map(|(name, value)| entry(name, value)).collect();
    lines.extend(body.map(|body| entry(head::PARTIAL_BODY, partial(body).as_bytes())));
    object([("headers", Value::from(lines))])
}

fn partial(body: &Body) -> &'static str {
    if body.is_partial() { "true" } else { "false" }
}

fn request_time(host: &dyn Host) -> Result<u64, HostError> {
    let bytes = host.property(&["request", "time"])?.ok_or(HostError)?;
    let nanoseconds = i64::from_le_bytes(bytes.try_into().map_err(|_| HostError)?);
    u64::try_from(nanoseconds).map_err(|_| HostError)
}

/// Nanoseconds since the epoch as the plugin shows a timestamp: two numbers, zero nanoseconds absent.
fn timestamp(nanoseconds: u64) -> Value {
    const SECOND: u64 = 1_000_000_000;
    let seconds = nanoseconds.checked_div(SECOND).unwrap_or(0);
    let mut time = BTreeMap::from([(Value::from("seconds"), Value::from(seconds))]);
    match nanoseconds.checked_rem(SECOND) {
        None | Some(0) => {}
        Some(rest) => {
            time.insert(Value::from("nanos"), Value::from(rest));
        }
    }
    Value::from(time)
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::from(members.into_iter().map(|(name, value)| (Value::from(name), value)).collect::<BTreeMap<_, _>>())
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
