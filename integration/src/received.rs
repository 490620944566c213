//! What an upstream saw of a request, as a record and as the JSON it answers with.

use std::fmt;

use serde_json::{Value, json};

use crate::headers::{self, Headers};

/// A request as it arrived upstream. It is recorded when its headers arrive and grows from there: a request whose
/// headers leaked before the decision shows up here even if the rest never came.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    /// Counts up in the order of arrival.
    pub id: u64,
    /// The method.
    pub method: String,
    /// The request target, untouched; empty for a CONNECT over HTTP/2.
    pub path: String,
    /// `:authority` or `host`.
    pub authority: String,
    /// `HTTP/1.1` or `HTTP/2`.
    pub version: String,
    /// The headers without pseudo headers; `host` only if it was sent.
    pub headers: Headers,
    /// The body so far; what came through the tunnel after an upgrade.
    pub body: Vec<u8>,
    /// The trailers.
    pub trailers: Headers,
    /// Whether the end of the request arrived.
    pub complete: bool,
}

impl Received {
    /// The first value of a header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        headers::first(&self.headers, name).map(headers::text)
    }

    /// Every value of a header as text.
    #[must_use]
    pub fn header_values(&self, name: &str) -> Vec<String> {
        headers::all(&self.headers, name).map(headers::text).collect()
    }

    /// The first value of a header, byte by byte.
    #[must_use]
    pub fn header_bytes(&self, name: &str) -> Option<&[u8]> {
        headers::first(&self.headers, name)
    }

    /// The body as text.
    #[must_use]
    pub fn body_text(&self) -> String {
        headers::text(&self.body)
    }

    /// The record as JSON. Bytes are there twice: readable, and exact in hexadecimal.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "method": self.method,
            "path": self.path,
            "authority": self.authority,
            "version": self.version,
            "headers": list_to_json(&self.headers),
            "body": self.body_text(),
            "body_hex": headers::to_hex(&self.body),
            "body_length": self.body.len(),
            "trailers": list_to_json(&self.trailers),
            "complete": self.complete,
        })
    }

    /// The record out of its JSON.
    #[must_use]
    pub fn from_json(value: &Value) -> Option<Self> {
        let text = |key: &str| value.get(key)?.as_str().map(str::to_owned);
        Some(Self {
            id: value.get("id")?.as_u64()?,
            method: text("method")?,
            path: text("path")?,
            authority: text("authority")?,
            version: text("version")?,
            headers: list_from_json(value.get("headers")?)?,
            body: headers::from_hex(&text("body_hex")?)?,
            trailers: list_from_json(value.get("trailers")?)?,
            complete: value.get("complete")?.as_bool()?,
        })
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("id", &self.id)
            .field("start", &format!("{} {} {}", self.method, self.path, self.version))
            .field("authority", &self.authority)
            .field("headers", &headers::Shown(&self.headers))
            .field("body", &self.body_text())
            .field("trailers", &headers::Shown(&self.trailers))
            .field("complete", &self.complete)
            .finish()
    }
}

fn list_to_json(list: &Headers) -> Value {
    list.iter().map(|(name, value)| json!([name, headers::text(value), headers::to_hex(value)])).collect()
}

fn list_from_json(value: &Value) -> Option<Headers> {
    value
        .as_array()?
        .iter()
        .map(|entry| {
            let name = entry.get(0)?.as_str()?.to_owned();
            Some((name, headers::from_hex(entry.get(2)?.as_str()?)?))
        })
        .collect()
}
