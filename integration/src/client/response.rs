//! A reply.

use std::fmt;

use serde_json::Value;

use crate::headers::{self, Headers};
use crate::received::Received;

/// A reply, whole.
#[derive(Clone, Default)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers, without pseudo headers.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
    /// The trailers.
    pub trailers: Headers,
    /// 1xx statuses that came before (HTTP/1.1 only).
    pub informational: Vec<u16>,
}

impl Response {
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

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        headers::text(&self.body)
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// What the echo server received.
    ///
    /// # Panics
    /// If the reply did not come from the echo server.
    #[must_use]
    #[track_caller]
    pub fn upstream(&self) -> Received {
        self.try_upstream().unwrap_or_else(|| panic!("this reply is not the upstream's: {self:?}"))
    }

    /// What the echo server received, if the reply is its.
    #[must_use]
    pub fn try_upstream(&self) -> Option<Received> {
        Received::from_json(&serde_json::from_slice(&self.body).ok()?)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 2000;
        write!(f, "status {}", self.status)?;
        for (name, value) in &self.headers {
            write!(f, "\n  {name}: {}", headers::text(value))?;
        }
        let body = headers::text(&self.body[..self.body.len().min(SHOWN)]);
        write!(f, "\n  body of {} bytes: {body}", self.body.len())?;
        for (name, value) in &self.trailers {
            write!(f, "\n  trailer {name}: {}", headers::text(value))?;
        }
        Ok(())
    }
}
