//! What a decision asks of Envoy: found out by building the part of a document that it reads, for a proxy that writes down
//! what it is asked for.

use sark_core::host::{Host, HostError};
use sark_core::metrics::{Counter, Implementation, Reason};
use sark_core::plan::Reads;
use sark_core::request::{self, Head, Labels, Namespaces, Selection, Shape, SourceAddress, Sources};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// The properties that are read, without options and with all of them.
///
/// # Errors
/// The document cannot be built, which would be a fault of this command.
pub fn asked_for(reads: &Reads) -> Result<[BTreeSet<String>; 2], String> {
    let namespaces = || Namespaces { plain: vec!["any".to_owned()], typed: Vec::new() };
    let all = Shape {
        peer_certificate: true,
        tls_session: true,
        metadata: namespaces(),
        route_metadata: namespaces(),
        labels: Some(Labels::new("any".to_owned())),
        source_address: Some(SourceAddress::Request),
        ..Shape::default()
    };
    Ok([asked_under(reads, &Shape::default())?, asked_under(reads, &all)?])
}

fn asked_under(reads: &Reads, shape: &Shape) -> Result<BTreeSet<String>, String> {
    let (head, host) = (Head::default(), Recorder::default());
    let sources = Sources { shape, head: &head, body: None, context_extensions: None, id: 0, host: &host };
    request::input(&sources, &Selection::new(reads, shape)).map_err(|error| format!("{error:?}"))?;
    Ok(host.asked.into_inner())
}

/// A proxy that knows what every proxy knows.
#[derive(Default)]
struct Recorder {
    asked: RefCell<BTreeSet<String>>,
}

impl Host for Recorder {
    fn random(&self) -> u64 {
        0
    }

    fn now(&self) -> Result<i64, HostError> {
        Ok(0)
    }

    fn property(&self, path: &[&str]) -> Result<Option<Vec<u8>>, HostError> {
        let path = path.join(".");
        let known = match path.as_str() {
            "request.protocol" => Some(b"HTTP/1.1".to_vec()),
            "request.time" => Some(0_u64.to_le_bytes().to_vec()),
            "source.address" | "destination.address" => Some(b"127.0.0.1:1".to_vec()),
            "connection.tls_version" => Some(b"TLSv1.3".to_vec()),
            "xds.node" => Some(Vec::new()),
            _ => None,
        };
        self.asked.borrow_mut().insert(path);
        Ok(known)
    }

    fn body(&self, _: usize) -> Result<Vec<u8>, HostError> {
        Ok(Vec::new())
    }

    fn route_metadata(&self) -> Result<Vec<u8>, HostError> {
        self.asked.borrow_mut().insert("xds.route_metadata".to_owned());
        Ok(Vec::new())
    }

    fn count(&self, _: Counter) {}

    fn report(&self, _: Implementation, _: Reason, _: &str) {}
}
