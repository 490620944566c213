//! A row of the contract: what is asked, what the policy decides, what must be seen.

use std::fmt;

use sark_integration::{Protocol, Request};

use crate::outcome::Outcome;
use crate::see::{See, Upstream};
use crate::setup::{ECHO, RESULT, Setup};

/// What is sent.
#[derive(Debug, Clone)]
pub enum Ask {
    /// A request, over each of these protocols.
    Built(Box<Request>, &'static [Protocol]),
    /// These very bytes, over HTTP/1.
    Raw(Vec<u8>),
}

impl Ask {
    /// Each way in which it is sent.
    pub fn carriers(&self) -> Vec<Carrier<'_>> {
        match self {
            Self::Built(request, protocols) => {
                protocols.iter().map(|protocol| Carrier::Request(request, *protocol)).collect()
            }
            Self::Raw(bytes) => vec![Carrier::Bytes(bytes)],
        }
    }
}

/// One way of sending.
#[derive(Clone, Copy)]
pub enum Carrier<'a> {
    Request(&'a Request, Protocol),
    Bytes(&'a [u8]),
}

impl fmt::Display for Carrier<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(_, protocol) => write!(f, "{protocol:?}"),
            Self::Bytes(_) => f.write_str("raw bytes"),
        }
    }
}

/// Where it is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Door {
    /// The plain listener.
    Plain,
    /// A listener with TLS, by a client with this name (see `tls.rs`).
    Tls(&'static str),
}

/// A documented difference: what the documentation says there.
#[derive(Debug, Clone)]
pub struct Difference {
    /// Words of the row of the documentation.
    pub documented: &'static str,
    /// What the inline side shows instead, if not the same as the remote one.
    pub inline: Option<(Outcome, Vec<See>)>,
}

/// One row.
#[derive(Debug, Clone)]
pub struct Row {
    /// The section of the contract and what of it.
    pub name: String,
    pub setup: &'static Setup,
    pub door: Door,
    pub ask: Ask,
    /// The values of `result`, as Rego terms: none, one, or several that are in conflict.
    pub decision: Vec<String>,
    pub outcome: Outcome,
    pub sees: Vec<See>,
    pub difference: Option<Difference>,
}

const BOTH: &[Protocol] = &[Protocol::Http1, Protocol::Http2];

impl Row {
    /// A row about the input document: the policy denies and tells what it was given.
    pub fn echo(name: impl Into<String>, request: Request) -> Self {
        Self {
            name: name.into(),
            setup: &ECHO,
            door: Door::Plain,
            ask: Ask::Built(Box::new(request), BOTH),
            decision: Vec::new(),
            outcome: Outcome::Deny,
            sees: Vec::new(),
            difference: None,
        }
    }

    /// A row about a decision, which is the Rego term `decision`.
    pub fn decides(name: impl Into<String>, decision: impl Into<String>) -> Self {
        Self { setup: &RESULT, decision: vec![decision.into()], ..Self::echo(name, Request::get("/")) }
    }

    /// A row about `result` having no value.
    pub fn decides_nothing(name: impl Into<String>) -> Self {
        Self { setup: &RESULT, ..Self::echo(name, Request::get("/")) }
    }

    /// A second value of `result`.
    pub fn and_also(mut self, decision: &str) -> Self {
        self.decision.push(decision.to_owned());
        self
    }

    /// The filter is configured otherwise.
    pub fn setup(mut self, setup: &'static Setup) -> Self {
        self.setup = setup;
        self
    }

    /// Through another listener.
    pub fn through(mut self, door: Door) -> Self {
        self.door = door;
        self
    }

    /// Another request than `GET /`.
    pub fn ask(mut self, request: Request) -> Self {
        self.ask = Ask::Built(Box::new(request), BOTH);
        self
    }

    /// These bytes instead of a request.
    pub fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.ask = Ask::Raw(bytes.as_ref().to_vec());
        self
    }

    /// Over HTTP/1.1 alone.
    pub fn http1(self) -> Self {
        self.over(&[Protocol::Http1])
    }

    /// Over HTTP/2 alone.
    pub fn http2(self) -> Self {
        self.over(&[Protocol::Http2])
    }

    fn over(mut self, protocols: &'static [Protocol]) -> Self {
        if let Ask::Built(_, over) = &mut self.ask {
            *over = protocols;
        }
        self
    }

    /// Ends so.
    pub fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    pub fn allow(self) -> Self {
        self.outcome(Outcome::Allow)
    }

    pub fn error(self) -> Self {
        self.outcome(Outcome::Error)
    }

    pub fn bad_request(self) -> Self {
        self.outcome(Outcome::BadRequest)
    }

    /// One more thing to be seen.
    pub fn see(mut self, see: See) -> Self {
        self.sees.push(see);
        self
    }

    /// The input document has this JSON at `pointer`.
    pub fn is(self, pointer: impl Into<String>, json: impl Into<String>) -> Self {
        self.see(See::Is(pointer.into(), json.into()))
    }

    /// The same, where the text `"*"` stands for anything.
    pub fn like(self, pointer: &'static str, json: &'static str) -> Self {
        self.see(See::Like(pointer, json))
    }

    /// The input document has nothing at `pointer`.
    pub fn absent(self, pointer: &'static str) -> Self {
        self.see(See::Absent(pointer))
    }

    /// What the input document has at `pointer` is so.
    pub fn holds(self, pointer: &'static str, what: &'static str, test: fn(&serde_json::Value) -> bool) -> Self {
        self.see(See::Holds(pointer, what, test))
    }

    pub fn status(self, status: u16) -> Self {
        self.see(See::Status(status))
    }

    /// The client gets this body.
    pub fn body(self, body: impl Into<String>) -> Self {
        self.see(See::Body(body.into()))
    }

    /// The client gets these values of a header, in this order.
    pub fn client(self, name: &'static str, values: &'static [&'static str]) -> Self {
        self.see(See::Client(name, values))
    }

    /// The upstream gets these values of a header, in this order.
    pub fn upstream(self, name: &'static str, values: &'static [&'static str]) -> Self {
        self.see(See::Upstream(Upstream::Header(name, values)))
    }

    pub fn upstream_path(self, path: &'static str) -> Self {
        self.see(See::Upstream(Upstream::Path(path)))
    }

    pub fn upstream_method(self, method: &'static str) -> Self {
        self.see(See::Upstream(Upstream::Method(method)))
    }

    pub fn upstream_authority(self, authority: &'static str) -> Self {
        self.see(See::Upstream(Upstream::Authority(authority)))
    }

    pub fn upstream_body(self, body: &'static str) -> Self {
        self.see(See::Upstream(Upstream::Body(body)))
    }

    /// What the access log has in this field.
    pub fn logs(self, field: &'static str, what: &'static str, test: fn(&serde_json::Value) -> bool) -> Self {
        self.see(See::Logs(field, what, test))
    }

    /// A documented difference: the row says what we do.
    pub fn differs(mut self, documented: &'static str) -> Self {
        self.difference = Some(Difference { documented, inline: None });
        self
    }

    /// The inline side shows this instead of what the remote one shows.
    pub fn inline(mut self, outcome: Outcome, sees: impl IntoIterator<Item = See>) -> Self {
        if let Some(difference) = &mut self.difference {
            difference.inline = Some((outcome, sees.into_iter().collect()));
        }
        self
    }
}
