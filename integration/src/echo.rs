//! The upstream: answers 200 with what it received, and remembers it.
//!
//! HTTP/1.1 and HTTP/2 (prior knowledge) share one port. A request can steer the answer by its headers:
//!
//! | header | effect |
//! |---|---|
//! | `x-upstream-status: N` | the status |
//! | `x-upstream-set: name=value` | one more response header; may be repeated |
//! | `x-upstream-trailer: name=value` | one more response trailer; may be repeated |
//! | `x-upstream-delay: MS` | waits before answering |
//! | `x-upstream-interim: N` | a 1xx answer first (HTTP/1.1 only) |
//! | `x-upstream-no-upgrade: 1` | takes an upgrade for an ordinary request (HTTP/1.1 only) |
//! | `x-upstream-close: 1` | closes the connection instead of answering |
//!
//! A WebSocket-style upgrade is answered 101 and a CONNECT 200; then the bytes come back as they go in, and are kept as
//! the body of the record.

mod http1;
mod http2;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;

use crate::headers::{self, Headers};
use crate::received::Received;
use crate::server::Server;
use crate::{Result, ports, wait};

/// A running echo server.
pub struct Echo {
    server: Server,
    log: Log,
}

impl Echo {
    /// Starts on a free port.
    pub fn start() -> Result<Self> {
        Self::start_on(ports::free()?)
    }

    /// Starts on `port` of the loopback interface.
    pub fn start_on(port: u16) -> Result<Self> {
        let log = Log::default();
        let shared = log.clone();
        let server = Server::start(port, move |stream| serve(stream, shared.clone()))?;
        Ok(Self { server, log })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Every request so far, also those that have not arrived whole.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.log.records().values().cloned().collect()
    }

    /// The requests whose target starts with `prefix`. On a shared stack, a path of its own tells a test's requests apart.
    #[must_use]
    pub fn received_at(&self, prefix: &str) -> Vec<Received> {
        let mut all = self.received();
        all.retain(|request| request.path.starts_with(prefix));
        all
    }

    /// How many requests have arrived.
    #[must_use]
    pub fn count(&self) -> usize {
        self.log.records().len()
    }

    /// Waits until a request satisfies `test`.
    pub fn wait_for(&self, limit: Duration, test: impl Fn(&Received) -> bool) -> Result<Received> {
        wait::until(limit, "the upstream received the request", || {
            self.log.records().values().find(|request| test(request)).cloned()
        })
    }

    /// Forgets every request so far.
    pub fn clear(&self) {
        self.log.records().clear();
    }
}

async fn serve(stream: TcpStream, log: Log) {
    // A connection that breaks is the test's doing and shows in the record.
    let _ = match speaks_http2(&stream).await {
        Ok(true) => http2::serve(stream, log).await,
        Ok(false) => http1::serve(stream, log).await,
        Err(error) => Err(error),
    };
}

/// Looks at the first bytes without taking them. `PRI` begins the preface of HTTP/2 and no method of HTTP/1.1.
async fn speaks_http2(stream: &TcpStream) -> Result<bool> {
    let mut start = [0; 3];
    loop {
        let length = stream.peek(&mut start).await?;
        if length == 0 || !b"PRI".starts_with(&start[..length]) {
            return Ok(false);
        }
        if length == start.len() {
            return Ok(true);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The shared list of requests.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Records>>);

#[derive(Default)]
struct Records {
    next: u64,
    requests: BTreeMap<u64, Received>,
}

impl std::ops::Deref for Records {
    type Target = BTreeMap<u64, Received>;
    fn deref(&self) -> &Self::Target {
        &self.requests
    }
}

impl std::ops::DerefMut for Records {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.requests
    }
}

impl Log {
    fn records(&self) -> MutexGuard<'_, Records> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a request whose headers have arrived.
    fn open(&self, mut request: Received) -> Entry {
        let mut records = self.records();
        let id = records.next;
        records.next += 1;
        request.id = id;
        records.insert(id, request);
        Entry { log: self.clone(), id }
    }
}

/// One request of the list, while it arrives.
struct Entry {
    log: Log,
    id: u64,
}

impl Entry {
    fn update(&self, change: impl FnOnce(&mut Received)) {
        // Gone if the test has cleared the list meanwhile.
        if let Some(request) = self.log.records().get_mut(&self.id) {
            change(request);
        }
    }

    fn body(&self, piece: &[u8]) {
        self.update(|request| request.body.extend_from_slice(piece));
    }

    fn complete(&self, trailers: Headers) {
        self.update(|request| {
            request.trailers = trailers;
            request.complete = true;
        });
    }

    fn json(&self) -> Vec<u8> {
        let records = self.log.records();
        records.get(&self.id).map_or_else(Vec::new, |request| request.to_json().to_string().into_bytes())
    }
}

/// What the request's `x-upstream-*` headers ask for.
struct Steering {
    status: u16,
    headers: Headers,
    trailers: Headers,
    delay: Duration,
    close: bool,
    interim: Option<u16>,
}

impl Steering {
    fn of(request: &Headers) -> Self {
        let number = |name| headers::first(request, name).and_then(|value| headers::text(value).parse().ok());
        Self {
            status: number("x-upstream-status").unwrap_or(200),
            headers: pairs(request, "x-upstream-set"),
            trailers: pairs(request, "x-upstream-trailer"),
            delay: Duration::from_millis(number("x-upstream-delay").unwrap_or(0).into()),
            close: headers::first(request, "x-upstream-close").is_some(),
            interim: number("x-upstream-interim"),
        }
    }
}

fn pairs(request: &Headers, name: &str) -> Headers {
    headers::all(request, name)
        .filter_map(|value| {
            let at = value.iter().position(|byte| *byte == b'=')?;
            Some((headers::text(&value[..at]), value[at + 1..].to_vec()))
        })
        .collect()
}
