//! The proxy for tests of the core without an Envoy.

use sark_core::host::{Host, HostError};
use sark_core::metrics::{Counter, Implementation, Reason};

/// A proxy that knows what every request has.
pub struct Proxy;

impl Host for Proxy {
    fn random(&self) -> u64 {
        7
    }

    fn now(&self) -> Result<i64, HostError> {
        Ok(0)
    }

    fn property(&self, path: &[&str]) -> Result<Option<Vec<u8>>, HostError> {
        Ok(match path {
            ["request", "protocol"] => Some(b"HTTP/1.1".to_vec()),
            ["request", "time"] => Some(1_700_000_000_000_000_000_i64.to_le_bytes().to_vec()),
            ["destination", "address"] => Some(b"127.0.0.1:10000".to_vec()),
            _ => None,
        })
    }

    fn body(&self, _: usize) -> Result<Vec<u8>, HostError> {
        Err(HostError)
    }

    fn route_metadata(&self) -> Result<Vec<u8>, HostError> {
        Ok(Vec::new())
    }

    fn count(&self, _: Counter) {}

    fn report(&self, _: Implementation, _: Reason, _: &str) {}
}
