//! A stand-in for an OPA that is broken, slow or talks nonsense. It evaluates nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::headers::{self, Headers};
use crate::http1::{Framing, Head, Reader, head_bytes};
use crate::server::Server;
use crate::{Result, ports, wait};

/// What the fake does with the next requests.
#[derive(Clone)]
pub enum Mode {
    /// 200 with `{"result": …}`.
    Decision(Value),
    /// 200 with `{"result": …}` worked out from `input`.
    Decide(Arc<dyn Fn(&Value) -> Value + Send + Sync>),
    /// This status and body.
    Reply(u16, Vec<u8>),
    /// 200 with something that is no JSON.
    Garbage,
    /// 200 without a body.
    Empty,
    /// 200 with `{}`, which is what OPA says of an undefined decision.
    Undefined,
    /// 200 with this many bytes, valid JSON with an allowing result: only its size is wrong.
    Big(usize),
    /// Waits, then does the other thing.
    Delay(Duration, Box<Mode>),
    /// Sends the head of a 200 and half of its body, then resets the connection (RST).
    Half,
    /// Holds each call until the test opens the gate for the path that is asked about.
    Held(Gate),
    /// Resets the connection (RST).
    Reset,
    /// Closes the connection.
    Close,
    /// Takes the request and never answers.
    Hang,
}

impl Mode {
    /// The policy in a closure: `input` to result.
    pub fn decide(policy: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Self {
        Self::Decide(Arc::new(policy))
    }

    /// Waits, then does `then`.
    #[must_use]
    pub fn after(delay: Duration, then: Self) -> Self {
        Self::Delay(delay, Box::new(then))
    }
}

/// Holds calls of the fake by the path of the request they ask about (`input.attributes.request.http.path`), so that
/// tests of one stack do not release each other's.
#[derive(Clone)]
pub struct Gate(Arc<watch::Sender<BTreeMap<String, Mode>>>);

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(BTreeMap::new())))
    }
}

impl Gate {
    /// Calls about `path`, those that wait and those to come, are answered with this decision.
    pub fn decide(&self, path: &str, result: Value) {
        self.open(path, Mode::Decision(result));
    }

    /// The same with any other mode.
    pub fn open(&self, path: &str, then: Mode) {
        self.0.send_modify(|open| {
            open.insert(path.to_owned(), then);
        });
    }

    async fn opened(&self, path: &str) -> Mode {
        let mut open = self.0.subscribe();
        match open.wait_for(|open| open.contains_key(path)).await {
            Ok(open) => open.get(path).cloned().unwrap_or(Mode::Close),
            // The gate is gone, and with it who could open it.
            Err(_) => Mode::Close,
        }
    }
}

/// A request that the fake got.
#[derive(Clone)]
pub struct Call {
    /// The method.
    pub method: String,
    /// The request target.
    pub path: String,
    /// The headers.
    pub headers: Headers,
    /// The body; `Null` if it was no JSON.
    pub body: Value,
}

impl Call {
    /// The path of the request that is asked about; empty if it has none.
    #[must_use]
    pub fn asked_path(&self) -> &str {
        self.body["input"]["attributes"]["request"]["http"]["path"].as_str().unwrap_or_default()
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("headers", &headers::Shown(&self.headers))
            .field("body", &self.body)
            .finish()
    }
}

/// A running fake OPA.
pub struct FakeOpa {
    port: u16,
    server: Mutex<Option<Server>>,
    state: Arc<Mutex<State>>,
}

struct State {
    mode: Mode,
    calls: Vec<Call>,
}

impl FakeOpa {
    /// Starts on a free port, answering with `mode`.
    pub fn start(mode: Mode) -> Result<Self> {
        let fake = Self {
            port: ports::free()?,
            server: Mutex::new(None),
            state: Arc::new(Mutex::new(State { mode, calls: Vec::new() })),
        };
        fake.listen()?;
        Ok(fake)
    }

    /// Where it listens, or would.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        ports::loopback(self.port)
    }

    /// From the next request on, does `mode`.
    pub fn set(&self, mode: Mode) {
        self.state().mode = mode;
    }

    /// Every request so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// How many requests there were.
    #[must_use]
    pub fn count(&self) -> usize {
        self.state().calls.len()
    }

    /// Waits until there were `count` requests.
    pub fn wait_for_calls(&self, count: usize, limit: Duration) -> Result<()> {
        wait::until(limit, &format!("{count} calls of the fake OPA"), || (self.count() >= count).then_some(()))
    }

    /// Waits until there was a call about `path`.
    pub fn wait_for_call(&self, path: &str, limit: Duration) -> Result<Call> {
        wait::until(limit, &format!("a call of the fake OPA about {path}"), || {
            self.calls().into_iter().find(|call| call.asked_path() == path)
        })
    }

    /// Forgets every request so far.
    pub fn clear(&self) {
        self.state().calls.clear();
    }

    /// Closes the listener and all connections: from now on they are refused.
    pub fn stop(&self) {
        let server = self.server().take();
        if let Some(server) = server {
            server.stop();
        }
    }

    /// Listens again after `stop`.
    pub fn listen(&self) -> Result<()> {
        let mut server = self.server();
        if server.is_none() {
            let state = Arc::clone(&self.state);
            *server = Some(Server::start(self.port, move |stream| {
                let state = Arc::clone(&state);
                async move {
                    // A connection that breaks is what some modes are for.
                    let _ = serve(stream, state).await;
                }
            })?);
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn server(&self) -> MutexGuard<'_, Option<Server>> {
        lock(&self.server)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) -> Result<()> {
    loop {
        let (read, mut write) = stream.split();
        let mut reader = Reader::new(read);
        let Some(head) = reader.head().await? else {
            return Ok(());
        };
        let body = reader.body(Framing::of(&head.headers, Framing::Length(0))?).await?;
        let call = call(&head, &body);
        let mut mode = {
            let mut state = lock(&state);
            state.calls.push(call.clone());
            state.mode.clone()
        };
        loop {
            mode = match mode {
                Mode::Delay(delay, then) => {
                    tokio::time::sleep(delay).await;
                    *then
                }
                Mode::Held(gate) => gate.opened(call.asked_path()).await,
                _ => break,
            };
        }
        match reply(&mode, &call) {
            Some((status, body)) => write.write_all(&response(status, &body)).await?,
            None => return fall_silent(stream, &mode).await,
        }
    }
}

fn call(head: &Head, body: &[u8]) -> Call {
    let [method, path, _] = head.words();
    Call {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: head.headers.clone(),
        body: serde_json::from_slice(body).unwrap_or_default(),
    }
}

fn reply(mode: &Mode, call: &Call) -> Option<(u16, Vec<u8>)> {
    let json = |value: Value| value.to_string().into_bytes();
    match mode {
        Mode::Decision(result) => Some((200, json(json!({"result": result})))),
        Mode::Decide(policy) => Some((200, json(json!({"result": policy(&call.body["input"])})))),
        Mode::Reply(status, body) => Some((*status, body.clone())),
        Mode::Garbage => Some((200, b"<html>not JSON</html>".to_vec())),
        Mode::Empty => Some((200, Vec::new())),
        Mode::Undefined => Some((200, b"{}".to_vec())),
        Mode::Big(size) => Some((200, big(*size))),
        Mode::Delay(..) | Mode::Held(_) | Mode::Half | Mode::Reset | Mode::Close | Mode::Hang => None,
    }
}

fn big(size: usize) -> Vec<u8> {
    let (start, end) = (br#"{"padding":""#, br#"","result":true}"#);
    let padding = size.saturating_sub(start.len() + end.len());
    [start.as_slice(), &vec![b'x'; padding], end].concat()
}

fn response(status: u16, body: &[u8]) -> Vec<u8> {
    let headers = vec![
        ("content-type".to_owned(), b"application/json".to_vec()),
        ("content-length".to_owned(), body.len().to_string().into_bytes()),
    ];
    let mut out = head_bytes(&format!("HTTP/1.1 {status} Fake"), &headers);
    out.extend_from_slice(body);
    out
}

async fn fall_silent(mut stream: TcpStream, mode: &Mode) -> Result<()> {
    match mode {
        Mode::Half => {
            let whole = response(200, br#"{"result":true}"#);
            stream.write_all(&whole[..whole.len() - 3]).await?;
            // So that the head has been read when the connection breaks.
            tokio::time::sleep(Duration::from_millis(50)).await;
            stream.set_zero_linger()?;
        }
        Mode::Reset => stream.set_zero_linger()?,
        // Until the peer gives up and the server is dropped.
        Mode::Hang => std::future::pending().await,
        _ => {}
    }
    Ok(())
}
