//! A request that is on its way, over either protocol.

use std::net::SocketAddr;

use super::{Connection, Http2, Http2Stream, Protocol, Request};
use crate::Result;

/// A request that has begun, on a connection of its own; the client may go on, wait, or go away.
pub enum Sending {
    /// HTTP/1.1, and the method.
    Http1(Connection, String),
    /// HTTP/2.
    Http2(Http2, Http2Stream),
}

impl Sending {
    /// Sends the request. `end` is what HTTP/2 says of its end; of HTTP/1.1 the headers say it.
    pub fn begin(address: SocketAddr, protocol: Protocol, request: &Request, end: bool) -> Result<Self> {
        Ok(match protocol {
            Protocol::Http1 => {
                let mut connection = Connection::open(address)?;
                connection.write(request.to_bytes())?;
                Self::Http1(connection, request.method.clone())
            }
            Protocol::Http2 => {
                let connection = Http2::open(address)?;
                let stream = connection.start(request, end)?;
                Self::Http2(connection, stream)
            }
        })
    }

    /// Sends a piece of the body. `end` as for [`begin`](Self::begin).
    pub fn data(&mut self, data: &str, end: bool) -> Result<()> {
        match self {
            Self::Http1(connection, _) => connection.write(data),
            Self::Http2(_, stream) => stream.data(data, end),
        }
    }

    /// The client goes away.
    pub fn abort(self) -> Result<()> {
        match self {
            Self::Http1(connection, _) => connection.abort(),
            Self::Http2(_connection, stream) => {
                stream.reset();
                Ok(())
            }
        }
    }

    /// Waits for the answer.
    pub fn status(self) -> Result<u16> {
        match self {
            Self::Http1(mut connection, method) => Ok(connection.response(&method)?.status),
            Self::Http2(_connection, mut stream) => Ok(stream.response()?.status),
        }
    }
}
