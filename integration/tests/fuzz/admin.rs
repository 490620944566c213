//! What a caller of the admin API sends: a request line, an authorization, a body.

use std::cell::RefCell;
use std::rc::Rc;

use fastrand::Rng;
use sark_core::admin::{Outcome, Refusal, Step};
use sark_core::authorizer::Authorizer;
use sark_core::engine::Shelf;
use sark_core::host::{Board, Clock, Desk, Host, HostError, Sheet};
use sark_core::metrics::{Counter, Implementation, Reason};
use sark_core::request::Head;
use sark_integration::operator::{self, WRITER};
use serde_json::{Value, json};

use crate::run::Target;
use crate::{bytes, seeds};

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> u64 {
        0
    }
}

/// A proxy whose body is the one that is tried.
struct Envoy {
    body: Vec<u8>,
    counted: RefCell<Vec<Counter>>,
}

impl Host for Envoy {
    fn random(&self) -> u64 {
        1
    }

    fn now(&self) -> Result<i64, HostError> {
        Ok(1_000_000_000)
    }

    fn property(&self, _: &[&str]) -> Result<Option<Vec<u8>>, HostError> {
        Ok(None)
    }

    fn body(&self, length: usize) -> Result<Vec<u8>, HostError> {
        self.body.get(..length).map(<[u8]>::to_vec).ok_or(HostError)
    }

    fn route_metadata(&self) -> Result<Vec<u8>, HostError> {
        Ok(Vec::new())
    }

    fn count(&self, counter: Counter) {
        self.counted.borrow_mut().push(counter);
    }

    fn report(&self, _: Implementation, _: Reason, _: &str) {}
}

impl Board for Envoy {
    fn read(&self, _: Sheet, slot: usize) -> Result<Option<(Vec<u8>, u32)>, HostError> {
        // What another worker wrote is read as carefully as what a caller sends.
        Ok((slot == 0).then(|| (self.body.clone(), 1)))
    }

    fn write(&self, _: Sheet, _: usize, _: &[u8], _: u32) -> Result<bool, HostError> {
        Ok(true)
    }
}

impl Desk for Envoy {
    fn counted(&self, _: Counter) -> Result<u64, HostError> {
        Ok(1)
    }
}

/// A method, a path, an authorization, each with a line end, and a body.
pub struct Visits {
    authorizer: Rc<Authorizer>,
    requests: Vec<Vec<u8>>,
    untried: Vec<Vec<u8>>,
    known: Vec<Counter>,
}

impl Visits {
    pub fn new() -> Self {
        let configuration = json!({
            "remote": {"cluster": "opa"},
            "identity": [{"header": "x-user"}],
            "features": {"rust_cache": {}},
            "shadow": {"percentage": 100},
            "admin": operator::section(),
        });
        let authorizer =
            Authorizer::new(configuration.to_string().as_bytes(), &|_| None, Rc::new(Stopped), &Shelf::default())
                .unwrap_or_else(|error| panic!("{error}"));
        let line = |seed: &Value| {
            let part = |at: usize| String::from_utf8(seeds::bytes(&seed[at])).expect("a text");
            let authorization = part(2).replace("TOKEN", WRITER);
            format!("{}\n{}\n{authorization}\n{}", part(0), part(1), part(3)).into_bytes()
        };
        let requests: Vec<Vec<u8>> = seeds::kept("admin.jsonl").iter().map(line).collect();
        Self { authorizer: Rc::new(authorizer), untried: requests.clone(), requests, known: Counter::all() }
    }
}

impl Target for Visits {
    fn next(&mut self, rng: &mut Rng) -> Vec<u8> {
        if let Some(seed) = self.untried.pop() {
            return seed;
        }
        let other = &self.requests[rng.usize(..self.requests.len())];
        let mut request = self.requests[rng.usize(..self.requests.len())].clone();
        let lines: Vec<&[u8]> = request.splitn(4, |byte| *byte == b'\n').collect();
        // The token stays right, most times: behind a wrong one there is nothing.
        let mut parts: Vec<Vec<u8>> = lines.into_iter().map(<[u8]>::to_vec).collect();
        match rng.u8(..16) {
            0 => bytes::mutate(rng, &mut request, other),
            1 => bytes::mutate(rng, &mut parts[2], other),
            2..8 => bytes::mutate(rng, &mut parts[1], other),
            _ => bytes::mutate(rng, &mut parts[3], other),
        }
        if rng.u8(..16) == 0 { request } else { parts.join(&b'\n') }
    }

    fn run(&mut self, input: &[u8]) -> bool {
        let mut lines = input.splitn(4, |byte| *byte == b'\n');
        let mut line = || lines.next().unwrap_or_default();
        let (method, path, authorization, body) = (line(), line(), line(), line());
        let head = Head::new([(&b":method"[..], method), (b":path", path), (b"authorization", authorization)]);
        let envoy = Envoy { body: body.to_vec(), counted: RefCell::default() };
        let Some((mut visit, mut step)) =
            self.authorizer.visit(&head, body.is_empty(), &envoy).expect("a host that does its part")
        else {
            assert!(!path.starts_with(b"/admin/"), "a path under the prefix is an ordinary one");
            return false;
        };
        assert!(path.starts_with(b"/admin"));
        if matches!(step, Step::NeedBody) {
            step = visit.body(body.len(), true, &envoy);
        }
        let Step::Answer(reply) = step else { panic!("a whole body is not enough") };
        visit.settle(&envoy);
        assert!(self.known.contains(&envoy.counted.borrow()[0]), "an outcome that has no counter");
        assert!(reply.body.is_empty() || serde_json::from_str::<Value>(&reply.body).is_ok(), "no JSON: {}", reply.body);
        assert!(reply.body.len() < 32 * 1024, "an answer of {} bytes", reply.body.len());
        assert!(!reply.body.contains(WRITER));
        if visit.by().is_none() {
            assert_eq!(reply.status, 401);
        }
        match visit.outcome() {
            Outcome::Done(_) => true,
            // The live state is not attached: whatever would change it gets so far.
            Outcome::Refused(_, Refusal::Unavailable) => true,
            Outcome::Refused(..) => false,
        }
    }
}
