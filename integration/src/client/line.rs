//! A connection that is kept between requests and opened anew when it has to be.

use std::net::SocketAddr;

use super::{Connection, Http2, Protocol, Request, Response};
use crate::Result;

/// A line to one server, one request after another.
pub struct Line {
    address: SocketAddr,
    http1: Option<Connection>,
    http2: Option<Http2>,
}

impl Line {
    /// A line to `address`; it connects with the first request.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self { address, http1: None, http2: None }
    }

    /// Sends `request` and returns the reply. It is never sent twice: a connection that breaks is an error, and the next
    /// request opens a new one.
    pub fn exchange(&mut self, request: &Request) -> Result<Response> {
        match request.protocol {
            Protocol::Http1 => self.over_http1(request),
            Protocol::Http2 => self.over_http2(request),
        }
    }

    fn over_http1(&mut self, request: &Request) -> Result<Response> {
        let mut connection = match self.http1.take() {
            Some(connection) => connection,
            None => Connection::open(self.address)?,
        };
        let response = connection.exchange(request)?;
        self.http1 = connection.reusable().then_some(connection);
        Ok(response)
    }

    fn over_http2(&mut self, request: &Request) -> Result<Response> {
        let connection = match self.http2.take() {
            Some(connection) => connection,
            None => Http2::open(self.address)?,
        };
        let response = connection.exchange(request)?;
        self.http2 = Some(connection);
        Ok(response)
    }
}
