//! A request, built in one line.

use std::net::SocketAddr;
use std::time::Duration;

use super::{LIMIT, Line, Response};
use crate::headers::{self, Headers};
use crate::http1::{chunk_bytes, head_bytes, last_chunk_bytes};
use crate::{Error, Result};

/// What the request is carried by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 with prior knowledge.
    Http2,
}

/// A request to send.
#[derive(Debug, Clone)]
pub struct Request {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) authority: String,
    pub(super) headers: Headers,
    pub(crate) frames: Option<Vec<Vec<u8>>>,
    pub(super) trailers: Headers,
    pub(super) protocol: Protocol,
    pub(super) limit: Duration,
    pub(super) tunnel: Option<String>,
}

impl Request {
    /// A request over HTTP/1.1 without a body.
    #[must_use]
    pub fn new(method: impl Into<String>, target: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            target: target.into(),
            authority: "sark.test".to_owned(),
            headers: Headers::new(),
            frames: None,
            trailers: Headers::new(),
            protocol: Protocol::Http1,
            limit: LIMIT,
            tunnel: None,
        }
    }

    /// A GET.
    #[must_use]
    pub fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    /// A POST.
    #[must_use]
    pub fn post(target: impl Into<String>) -> Self {
        Self::new("POST", target)
    }

    /// A CONNECT to `authority`. Over HTTP/2 it has no path.
    #[must_use]
    pub fn connect(authority: impl Into<String>) -> Self {
        let authority = authority.into();
        Self::new("CONNECT", authority.clone()).authority(authority)
    }

    /// An extended CONNECT (RFC 8441) for `protocol`, such as `websocket`: HTTP/2 only.
    #[must_use]
    pub fn extended_connect(target: impl Into<String>, protocol: impl Into<String>) -> Self {
        Self { tunnel: Some(protocol.into()), ..Self::new("CONNECT", target) }.h2()
    }

    /// Over HTTP/2.
    #[must_use]
    pub fn h2(self) -> Self {
        self.protocol(Protocol::Http2)
    }

    /// Over `protocol`.
    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// `host` or `:authority`; `sark.test` if not set.
    #[must_use]
    pub fn authority(mut self, authority: impl Into<String>) -> Self {
        self.authority = authority.into();
        self
    }

    /// One more header; a repeated name stays repeated. Over HTTP/2 names must be lower case.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), value.as_ref().to_vec()));
        self
    }

    /// A body of known length.
    #[must_use]
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref().to_vec();
        self.headers.push(("content-length".to_owned(), body.len().to_string().into_bytes()));
        self.frames = Some(vec![body]);
        self
    }

    /// A body of unknown length: one chunk (HTTP/1.1) or DATA frame (HTTP/2) each.
    #[must_use]
    pub fn frames<F: AsRef<[u8]>>(mut self, frames: impl IntoIterator<Item = F>) -> Self {
        self.frames = Some(frames.into_iter().map(|frame| frame.as_ref().to_vec()).collect());
        self
    }

    /// One more trailer. Over HTTP/1.1 the body becomes chunked.
    #[must_use]
    pub fn trailer(mut self, name: impl Into<String>, value: impl AsRef<[u8]>) -> Self {
        self.trailers.push((name.into(), value.as_ref().to_vec()));
        self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
        self
    }

    /// How long the exchange may take.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Sends over a connection of its own and returns the reply.
    pub fn send(&self, address: SocketAddr) -> Result<Response> {
        Line::new(address).exchange(self)
    }

    /// The request as the bytes of HTTP/1.1: to change them, or to send only a part.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut list = Headers::new();
        if headers::first(&self.headers, "host").is_none() {
            list.push(("host".to_owned(), self.authority.clone().into_bytes()));
        }
        list.extend(self.headers.iter().cloned());
        let frames = self.frames.as_deref().unwrap_or_default();
        let framed = !self.trailers.is_empty() || self.frames.is_some();
        let chunked = framed && headers::first(&self.headers, "content-length").is_none();
        if chunked && headers::first(&self.headers, "transfer-encoding").is_none() {
            list.push(("transfer-encoding".to_owned(), b"chunked".to_vec()));
        }
        let mut out = head_bytes(&format!("{} {} HTTP/1.1", self.method, self.target), &list);
        for frame in frames {
            if chunked {
                out.extend(chunk_bytes(frame));
            } else {
                out.extend_from_slice(frame);
            }
        }
        if chunked {
            out.extend(last_chunk_bytes(&self.trailers));
        }
        out
    }

    /// The head for the HTTP/2 library.
    pub(super) fn to_http(&self) -> Result<http::Request<()>> {
        let uri = http::Uri::builder().authority(self.authority.as_str());
        let uri = if self.method == "CONNECT" && self.tunnel.is_none() {
            uri.build()
        } else {
            uri.scheme("http").path_and_query(self.target.as_str()).build()
        };
        let method = http::Method::from_bytes(self.method.as_bytes())
            .map_err(|_| Error::new(format!("not a method: {:?}", self.method)))?;
        let mut request = http::Request::builder().method(method).uri(uri?).body(())?;
        *request.headers_mut() = headers::to_map(&self.headers)?;
        if let Some(protocol) = &self.tunnel {
            request.extensions_mut().insert(h2::ext::Protocol::from(protocol.as_str()));
        }
        Ok(request)
    }

    /// For error messages.
    pub(super) fn name(&self) -> String {
        format!("{} {} ({:?})", self.method, self.target, self.protocol)
    }
}
