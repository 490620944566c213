//! gRPC as Go speaks it: a server of the standard health service, and calls of it, by `integration/oracle`.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{Error, Oracle, Result};

/// `grpc.health.v1.Health` on a port of its own. Every service is up but the one named `missing`.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// The `FileDescriptorSet` of the service, in base64.
    pub descriptors: String,
    _process: Oracle,
}

impl Server {
    /// Starts it; it ends when this is dropped.
    pub fn start() -> Result<Self> {
        let mut process = Oracle::start("grpc-serve")?;
        let told = process.line()?.ok_or_else(|| Error::new("the gRPC server ended"))?;
        let told: Json = json("what the gRPC server says", serde_json::from_str(&told))?;
        let text = |key: &str| told[key].as_str().ok_or_else(|| Error::new(format!("no {key} in {told}")));
        let address = text("address")?;
        let address = address.parse().map_err(|error| Error::new(format!("the gRPC server's address: {error}")))?;
        Ok(Self { address, descriptors: text("descriptors")?.to_owned(), _process: process })
    }
}

/// One call of `Check`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Call {
    address: String,
    service: String,
    metadata: BTreeMap<String, String>,
    gzip: bool,
}

impl Call {
    /// Asks for this service, which is the whole message.
    #[must_use]
    pub fn of(service: &str) -> Self {
        Self { service: service.to_owned(), ..Self::default() }
    }

    /// With a header.
    #[must_use]
    pub fn metadata(mut self, name: &str, value: &str) -> Self {
        self.metadata.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With a compressed message.
    #[must_use]
    pub fn gzip(mut self) -> Self {
        self.gzip = true;
        self
    }
}

/// What the client reports of a call.
#[derive(Debug, Clone, Deserialize, PartialEq, Eq)]
pub struct Reply {
    /// The name of the gRPC status.
    pub code: String,
    /// Its message.
    pub message: String,
    /// The answer: `SERVING`; empty if there is none.
    pub status: String,
    headers: Option<BTreeMap<String, Vec<String>>>,
    trailers: Option<BTreeMap<String, Vec<String>>>,
}

impl Reply {
    /// The first value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        first(self.headers.as_ref(), name)
    }

    /// The first value of a trailer.
    #[must_use]
    pub fn trailer(&self, name: &str) -> Option<&str> {
        first(self.trailers.as_ref(), name)
    }
}

fn first<'a>(map: Option<&'a BTreeMap<String, Vec<String>>>, name: &str) -> Option<&'a str> {
    map?.get(name)?.first().map(String::as_str)
}

/// A client.
pub struct Client(Oracle);

impl Client {
    /// Starts it.
    pub fn start() -> Result<Self> {
        Oracle::start("grpc-call").map(Self)
    }

    /// Makes a call over a connection of its own.
    pub fn call(&mut self, address: SocketAddr, call: &Call) -> Result<Reply> {
        let call = Call { address: address.to_string(), ..call.clone() };
        let reply = self.0.ask(&json("a call", serde_json::to_value(call))?)?;
        json("what the gRPC client reports", serde_json::from_value(reply))
    }
}

fn json<T>(what: &str, result: serde_json::Result<T>) -> Result<T> {
    result.map_err(|error| Error::new(format!("{what}: {error}")))
}
