//! What a client sends: header lists as Envoy hands them over, and bodies of every type that is read.

use fastrand::Rng;
use sark_core::json::{self, Bounds};
use sark_core::pairs;
use sark_core::request::{self, Body, DocumentError, Head, Services, Shape, Sources};
use sark_integration::{Proxy, descriptors};

use crate::run::Target;
use crate::{bytes, seeds};

/// A build without optimisation needs more stack for the same depth than the module does.
const DEPTH: usize = 100;

/// Builds the document. Both sides must see the same of it: its JSON is read again as its value.
fn document(shape: &Shape, head: &Head, body: Option<&Body>) -> bool {
    let document =
        match request::document(&Sources { shape, head, body, context_extensions: None, id: 0, host: &Proxy }) {
            Ok(document) => document,
            Err(DocumentError::Parse(_)) => return false,
            Err(error @ (DocumentError::Host(_) | DocumentError::Inexact)) => panic!("{error:?}"),
        };
    let mut text = Vec::new();
    document.write(&mut text).expect("the document has a JSON");
    let bounds = Bounds { depth: DEPTH + 10, values: usize::MAX, ..Bounds::REQUEST };
    let read = json::read(&text, bounds).expect("the document's JSON is JSON");
    match document.value() {
        Ok(value) => assert_eq!(read.value.as_ref(), Ok(&value), "both sides see the same"),
        Err(_) => assert!(read.value.is_err(), "what the engine cannot hold stands in the text"),
    }
    true
}

/// Lists of pairs in the proxy's byte form.
pub struct Headers {
    lists: Vec<Vec<u8>>,
    untried: Vec<Vec<u8>>,
    shapes: [Shape; 2],
}

impl Headers {
    pub fn new() -> Self {
        let lists: Vec<Vec<u8>> = seeds::kept("headers.jsonl").iter().map(encode).collect();
        let raw = Shape { raw_headers: true, peer_certificate: true, ..Shape::default() };
        Self { untried: lists.clone(), lists, shapes: [Shape::default(), raw] }
    }
}

fn encode(list: &serde_json::Value) -> Vec<u8> {
    let pairs = list.as_array().expect("a list of pairs");
    let pairs: Vec<_> = pairs.iter().map(|pair| (seeds::bytes(&pair[0]), seeds::bytes(&pair[1]))).collect();
    pairs::encode(pairs.iter().map(|(name, value)| (name.as_slice(), value.as_slice())))
}

/// Mutates names and values, and leaves the lengths true.
fn mutate_pairs(rng: &mut Rng, list: &[u8], other: &[u8]) -> Vec<u8> {
    let pairs = pairs::decode(list).expect("a list of pairs");
    let mut pairs: Vec<_> = pairs.into_iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
    let (at, in_name) = (rng.usize(..=pairs.len()), rng.u8(..4) == 0);
    if let Some((name, value)) = pairs.get_mut(at) {
        bytes::mutate(rng, if in_name { name } else { value }, other);
    }
    pairs::encode(pairs.iter().map(|(name, value)| (name.as_slice(), value.as_slice())))
}

impl Target for Headers {
    fn next(&mut self, rng: &mut Rng) -> Vec<u8> {
        if let Some(seed) = self.untried.pop() {
            return seed;
        }
        let other = &self.lists[rng.usize(..self.lists.len())];
        let mut list = self.lists[rng.usize(..self.lists.len())].clone();
        if rng.bool() {
            return mutate_pairs(rng, &list, other);
        }
        bytes::mutate(rng, &mut list, other);
        list
    }

    fn run(&mut self, input: &[u8]) -> bool {
        let Ok(pairs) = pairs::decode(input) else { return false };
        assert_eq!(pairs::decode(&pairs::encode(pairs.iter().copied())).as_ref(), Ok(&pairs));
        let head = Head::new(pairs);
        self.shapes.iter().map(|shape| document(shape, &head, None)).fold(false, |any, built| any | built)
    }
}

/// A content type, a line end, a body.
pub struct Bodies {
    requests: Vec<Vec<u8>>,
    untried: Vec<Vec<u8>>,
    shapes: [Shape; 2],
}

impl Bodies {
    pub fn new() -> Self {
        let line = |seed: &serde_json::Value| [seeds::bytes(&seed[0]), seeds::bytes(&seed[1])].join(&b'\n');
        let requests: Vec<Vec<u8>> = seeds::kept("bodies.jsonl").iter().map(line).collect();
        let text = Shape { json_depth: DEPTH, ..Shape::default() };
        let services = Services::new(&descriptors::set()).expect("a descriptor set");
        let bytes = Shape { pack_as_bytes: true, json_depth: DEPTH, services: Some(services), ..Shape::default() };
        Self { untried: requests.clone(), requests, shapes: [text, bytes] }
    }
}

impl Target for Bodies {
    fn next(&mut self, rng: &mut Rng) -> Vec<u8> {
        if let Some(seed) = self.untried.pop() {
            return seed;
        }
        let other = &self.requests[rng.usize(..self.requests.len())];
        let mut request = self.requests[rng.usize(..self.requests.len())].clone();
        let at = request.iter().position(|byte| *byte == b'\n').expect("a line end") + 1;
        // The types are few and a line end must stay: the body is what is mutated, most times.
        if rng.u8(..8) == 0 {
            bytes::mutate(rng, &mut request, other);
            return request;
        }
        let mut body = request.split_off(at);
        bytes::mutate(rng, &mut body, other);
        // The length of a message stays true, or nothing behind it is read.
        if request.starts_with(b"application/grpc") && rng.u8(..8) > 0 && body.len() >= 5 {
            let length = u32::try_from(body.len() - 5).expect("a short body");
            body.splice(..5, [&[0][..], &length.to_be_bytes()].concat());
        }
        [request, body].concat()
    }

    fn run(&mut self, input: &[u8]) -> bool {
        let at = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
        let bytes = input.get(at + 1..).unwrap_or_default().to_vec();
        let length = bytes.len().to_string();
        let head = Head::new([
            (&b":path"[..], descriptors::METHOD.as_bytes()),
            (b"content-type", &input[..at]),
            (b"content-length", length.as_bytes()),
        ]);
        let body = Body { received: bytes.len(), bytes };
        self.shapes.iter().map(|shape| document(shape, &head, Some(&body))).fold(false, |any, built| any | built)
    }
}
