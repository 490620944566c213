//! Clients that say exactly what a test wants said.
//!
//! [`Request`] covers the ordinary case. [`Connection`] (HTTP/1.1, raw bytes) and [`Http2`] (frame by frame) are for the
//! rest: half-sent bodies, aborts, what a well-behaved client would never send.

pub mod http1;
pub mod http2;
mod line;
mod request;
mod response;
mod sending;

pub use http1::Connection;
pub use http2::{Http2, Http2Stream};
pub use line::Line;
pub use request::{Protocol, Request};
pub use response::Response;
pub use sending::Sending;

/// How long one exchange may take, unless a request says otherwise.
pub const LIMIT: std::time::Duration = std::time::Duration::from_secs(20);
