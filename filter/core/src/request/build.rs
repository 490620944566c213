//! Builds the input document, or as much of it as is read, and checks all of the request either way: what a request is
//! refused for does not depend on what a policy reads.

use super::body::{self, Body, Parsed};
use super::head::{Head, PARTIAL_BODY};
use super::members::Members;
use super::metadata::{Metadata, Namespaces};
use super::place::{OF_HEADER, Place};
use super::selection::{Headers, Selection};
use super::shape::Shape;
use super::{DocumentError, ParseError, object, peers, url};
use crate::host::{Host, HostError};
use crate::text::sanitized;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regorus::Value;
use regorus::value::Object;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What a document is made of.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The options.
    pub shape: &'a Shape,
    /// The headers.
    pub head: &'a Head,
    /// The body; `None` when none was buffered: no `with_request_body`, a request that ends at its headers, a tunnel,
    /// a body that nobody reads.
    pub body: Option<&'a Body>,
    /// An object of strings, if there are any.
    pub context_extensions: Option<&'a Value>,
    /// The number that `attributes.request.http.id` shows: the same for both sides.
    pub id: u64,
    /// The proxy.
    pub host: &'a dyn Host,
}

/// A document, or a part of one.
pub struct Built {
    pub members: BTreeMap<Value, Value>,
    /// The engine holds the body's value as OPA does. Where it does not, null stands for it.
    pub is_exact: bool,
    /// `parsed_body` as JSON, where the value's own JSON would say something else.
    pub body_text: Option<String>,
}

/// Builds the selected members. Whatever is refused here, [`super::direct`] must leave to be refused here.
///
/// # Errors
/// Path, query or body cannot be parsed, whether they are selected or not, or the proxy does not tell what is selected.
pub fn build(sources: &Sources, selection: &Selection) -> Result<Built, DocumentError> {
    let target = sources.head.path();
    let (path, query) = url::split(&target);
    let mut members = Members::new(selection);
    let segments = if selection.has(Place::ParsedPath) || sources.body.is_some() {
        url::parse_path(path)?
    } else {
        url::check_path(path).map(|()| Vec::new())?
    };
    if !selection.has(Place::ParsedQuery) {
        url::check_query(query.as_bytes())?;
    }
    members.put(Place::ParsedQuery, || url::parse_query(query.as_bytes()).map(Some))?;
    let text = sources.text();
    let (body, truncated) = sources.parsed_body(&text, &segments)?;
    let is_exact = body.value.is_some();
    if truncated.is_some() {
        members.put(Place::ParsedBody, || given(body.value.unwrap_or(Value::Null)))?;
    }
    members.put(Place::TruncatedBody, || Ok::<_, HostError>(truncated.map(Value::Bool)))?;
    members.put(Place::ParsedPath, || given(Value::from(segments)))?;
    members.put(Place::Version, || given(object([("ext_authz", "v3".into()), ("encoding", "protojson".into())])))?;
    peers::check_source(sources)?;
    let principal = peers::client(sources, selection)?;
    members.text(Place::Principal, || Ok(&principal))?;
    members.put(Place::Attributes, || attributes(sources, selection, &principal, &text).map(Some))?;
    Ok(Built { members: members.into_map(), is_exact, body_text: body.text })
}

impl Sources<'_> {
    /// The body as the document shows it, where it is shown as text.
    fn text(&self) -> Cow<'_, str> {
        self.body.filter(|_| !self.shape.pack_as_bytes).map(body::as_text).unwrap_or_default()
    }

    /// (`parsed_body`, `truncated_body`); nothing is truncated where bodies are not to be parsed.
    fn parsed_body(&self, text: &str, path: &[Value]) -> Result<(Parsed, Option<bool>), ParseError> {
        let Self { shape, head, body, .. } = *self;
        if shape.skip_body_parse {
            return Ok((Parsed::NULL, None));
        }
        let bytes = body.map(|body| body.bytes.as_slice()).unwrap_or_default();
        let payload = if shape.pack_as_bytes { bytes } else { text.as_bytes() };
        let (parsed, truncated) = body::parse(&body::Readable { shape, head, body, payload, path })?;
        Ok((parsed, Some(truncated)))
    }
}

/// A member that is always there.
const fn given(value: Value) -> Result<Option<Value>, HostError> {
    Ok(Some(value))
}

fn attributes(sources: &Sources, selection: &Selection, principal: &str, text: &str) -> Result<Value, HostError> {
    let Sources { shape, host, .. } = *sources;
    // Both are always there, and empty when nothing is selected (contract section 1.2).
    let context = |selected: &Namespaces, read: fn(&dyn Host) -> Result<Metadata, HostError>| {
        if selected.is_empty() { given(Value::new_object()) } else { read(host)?.context(selected).map(Some) }
    };
    let mut attributes = Members::new(selection);
    attributes.put(Place::Request, || request(sources, selection, text).map(Some))?;
    attributes.put(Place::Source, || peers::source(sources, selection, principal).map(Some))?;
    attributes.put(Place::Destination, || peers::destination(sources, selection).map(Some))?;
    attributes.put(Place::MetadataContext, || context(&shape.metadata, Metadata::of_request))?;
    attributes.put(Place::RouteMetadataContext, || context(&shape.route_metadata, Metadata::of_route))?;
    attributes.put(Place::ContextExtensions, || Ok::<_, HostError>(sources.context_extensions.cloned()))?;
    if shape.tls_session {
        attributes.put(Place::TlsSession, || peers::tls_session(host))?;
    }
    Ok(attributes.object())
}

fn request(sources: &Sources, selection: &Selection, text: &str) -> Result<Value, HostError> {
    let mut request = Members::new(selection);
    request.put(Place::Http, || http(sources, selection, text).map(Some))?;
    request.put(Place::Time, || given(timestamp(request_time(sources.host)?)))?;
    Ok(request.object())
}

/// `attributes.request.http`; a field at its default value is absent (contract section 1.3).
fn http(sources: &Sources, selection: &Selection, text: &str) -> Result<Value, HostError> {
    let Sources { shape, head, body, id, host, .. } = *sources;
    let mut http = Members::new(selection);
    http.text(Place::Id, || Ok(id.to_string()))?;
    for (place, header) in OF_HEADER {
        http.text(place, || Ok(head.get(header).unwrap_or_default()))?;
    }
    http.text(Place::Protocol, || {
        let protocol = host.property(&["request", "protocol"])?.ok_or(HostError)?;
        Ok(sanitized(&protocol).into_owned())
    })?;
    http.text(Place::Body, || Ok(text))?;
    if shape.pack_as_bytes {
        http.text(Place::RawBody, || Ok(body.map(|body| STANDARD.encode(&body.bytes)).unwrap_or_default()))?;
    }
    let received = body.map(|body| body.received).filter(|received| *received > 0);
    http.put(Place::Size, || Ok::<_, HostError>(received.map(Value::from)))?;
    if shape.raw_headers {
        http.put(Place::HeaderMap, || given(header_map(shape, head, body)))?;
    } else {
        http.put(Place::Headers, || given(headers(shape, selection.headers(), head, body)))?;
    }
    Ok(http.object())
}

/// Name → joined values. What Envoy says of the body is shown whatever the filters say (contract section 1.4).
fn headers(shape: &Shape, selected: &Headers, head: &Head, body: Option<&Body>) -> Value {
    let mut headers: Object = match selected {
        Headers::All => {
            let shown = head.all().into_iter().filter(|(name, _)| shape.headers.passes(name));
            shown.map(|(name, value)| (Value::from(name), Value::from(&*value))).collect()
        }
        Headers::Named(names) => {
            let there = names.iter().filter_map(|named| Some((named.key.clone(), head.get(&named.name)?)));
            there.map(|(key, value)| (key, Value::from(&*value))).collect()
        }
    };
    if let Some(body) = body {
        headers.insert(Value::from(PARTIAL_BODY), Value::from(partial(body)));
    }
    Value::from(headers)
}

/// One entry a line, in the order they came, values in base64; an empty one is absent.
fn header_map(shape: &Shape, head: &Head, body: Option<&Body>) -> Value {
    let entry = |name: &str, value: &[u8]| {
        let mut entry = Object::from_iter([(Value::from("key"), Value::from(name))]);
        if !value.is_empty() {
            entry.insert(Value::from("rawValue"), Value::from(STANDARD.encode(value)));
        }
        Value::from(entry)
    };
    let shown = head.lines().filter(|(name, _)| shape.headers.passes(name));
    let mut lines: Vec<Value> = shown.map(|(name, value)| entry(name, value)).collect();
    lines.extend(body.map(|body| entry(PARTIAL_BODY, partial(body).as_bytes())));
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
    let mut time = Object::from_iter([(Value::from("seconds"), Value::from(seconds))]);
    match nanoseconds.checked_rem(SECOND) {
        None | Some(0) => {}
        Some(rest) => {
            time.insert(Value::from("nanos"), Value::from(rest));
        }
    }
    Value::from(time)
}
