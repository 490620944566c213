//! One operation of a decision, many times: for `scripts/bench --instructions`, which counts the instructions of
//! [`measured`] under callgrind and of nothing around it.
//!
//! ```text
//! operations OPERATION COUNT CONFIGURATION
//! ```
//!
//! The configuration is one of the role policy as `scripts/bench` makes it, with `features.rust_cache`.

use sark_core::authorizer::{Arrival, Authorizer, Step};
use sark_core::builtins::Moment;
use sark_core::cache::{Facts, Keeper, Kept, Question, Revision};
use sark_core::config::{self, Config, Settings};
use sark_core::engine::{self, Engine, Shelf};
use sark_core::host::{Clock, Host, HostError};
use sark_core::metrics::{Counter, Implementation, Reason};
use sark_core::policy::DecisionPath;
use sark_core::request::{self, Head, Selection, Sources};
use std::error::Error;
use std::hint::black_box;
use std::rc::Rc;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Time stands still: nothing expires.
struct Still;

impl Clock for Still {
    fn now(&self) -> u64 {
        1
    }
}

/// A proxy that knows nothing beside the headers: this policy reads nothing else.
struct Proxy;

impl Host for Proxy {
    fn random(&self) -> u64 {
        4
    }

    fn now(&self) -> std::result::Result<i64, HostError> {
        Ok(1)
    }

    fn property(&self, _: &[&str]) -> std::result::Result<Option<Vec<u8>>, HostError> {
        Ok(None)
    }

    fn body(&self, _: usize) -> std::result::Result<Vec<u8>, HostError> {
        Err(HostError)
    }

    fn route_metadata(&self) -> std::result::Result<Vec<u8>, HostError> {
        Err(HostError)
    }

    fn count(&self, _: Counter) {}

    fn report(&self, _: Implementation, _: Reason, _: &str) {}
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [operation, count, configuration] = arguments.as_slice() else {
        return Err("operations OPERATION COUNT CONFIGURATION".into());
    };
    let count = count.parse()?;
    let configuration = std::fs::read(configuration)?;
    match operation.as_str() {
        "headers" => {
            let bytes = header_map("orders");
            measured(count, |_| read(&bytes).map(drop))
        }
        "input" | "evaluate" | "recall" | "keep" => parts(operation, count, &configuration),
        "decide uncached" => decide(count, &configuration, |number| format!("orders{number}")),
        "decide cached" => decide(count, &configuration, |_| "orders".to_owned()),
        _ => Err(format!("no such operation: {operation}").into()),
    }
}

/// What is counted.
#[inline(never)]
fn measured(count: u32, mut operation: impl FnMut(u32) -> Result<()>) -> Result<()> {
    (0..count).try_for_each(|number| black_box(&mut operation)(number))
}

fn head(name: &str) -> Result<Head> {
    read(&header_map(name))
}

fn read(header_map: &[u8]) -> Result<Head> {
    let (head, _) = Head::read(header_map.to_vec(), |_| false).map_err(|_| "a header map that cannot be read")?;
    Ok(head)
}

/// The headers of a request as Envoy hands them over, ten beside the pseudo headers.
fn header_map(name: &str) -> Vec<u8> {
    let path = format!("/api/area7/{name}");
    let pairs = [
        (":authority", "bench.local"),
        (":path", &path),
        (":method", "GET"),
        (":scheme", "http"),
        ("x-user", "user500"),
        ("user-agent", "bench/1.0 (x86_64; linux)"),
        ("accept", "application/json"),
        ("accept-encoding", "gzip, br"),
        ("accept-language", "en"),
        ("cache-control", "no-cache"),
        ("x-tenant", "tenant-17"),
        ("x-client-version", "2026.11.3"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("x-request-id", "b6c1a7f2-7a0e-4d5b-9a68-0e4c8f2a9d31"),
    ];
    sark_core::pairs::encode(pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
}

/// The parts of a decision one by one.
fn parts(operation: &str, count: u32, configuration: &[u8]) -> Result<()> {
    let Config { policy, settings, .. } = config::read(configuration, &|_| None).map_err(|error| error.to_string())?;
    let paths: Vec<DecisionPath> = policy.paths().cloned().collect();
    let loaded = engine::load(&policy, &Shelf::default(), &[]).remove(0).map_err(|error| error.to_string())?;
    let Settings { shape, limits, rust_cache, .. } = settings;
    let selection = Selection::new(loaded.reads(), &shape);
    let rust_cache = rust_cache.ok_or("the configuration has no features.rust_cache")?;
    let revision = Revision::of(configuration, &rust_cache.times);
    let facts = [Some(Facts::of(&loaded))];
    let (keeper, _) = Keeper::new(&rust_cache, &shape, &revision, &paths, &facts, &Shelf::default());
    let engine = Engine::new(loaded, limits, Rc::new(Still));

    let build = |head: &Head| {
        let sources = Sources { shape: &shape, head, body: None, context_extensions: None, id: 0, host: &Proxy };
        request::input(&sources, &selection).map_err(|error| format!("{error:?}"))
    };
    let recall = |input| {
        let kept = keeper.recall(Implementation::Rust, 0, Question::Input(input), 1, || None);
        kept.map_err(|error| format!("{error:?}"))
    };
    let keep = |input| {
        let Kept::Nothing(place) = recall(input)? else { return Err("it is kept already".into()) };
        let decision = sark_core::decision::read(&regorus::Value::from(true)).map_err(|error| format!("{error:?}"))?;
        keeper.keep(place, &decision, None).map_err(|error| format!("{error:?}"))?;
        Ok(())
    };
    let usual = head("orders")?;
    let input = build(&usual)?;
    match operation {
        "input" => measured(count, |_| {
            black_box(build(&usual)?);
            Ok(())
        }),
        "evaluate" => {
            let evaluate = || engine.evaluate(input.clone(), Moment::default()).map_err(|error| format!("{error:?}"));
            evaluate()?;
            measured(count, |_| {
                black_box(evaluate()?);
                Ok(())
            })
        }
        "recall" => {
            keep(&input)?;
            measured(count, |_| match recall(&input)? {
                Kept::Decision(_) => Ok(()),
                _ => Err("it is not kept".into()),
            })
        }
        _ => {
            let heads: Vec<Head> = (0..count).map(|number| head(&format!("orders{number}"))).collect::<Result<_>>()?;
            let inputs = heads.iter().map(build).collect::<std::result::Result<Vec<_>, _>>()?;
            let mut inputs = inputs.iter();
            measured(count, |_| keep(inputs.next().ok_or("no input")?))
        }
    }
}

/// A whole decision, from headers to step: `name` is the last piece of the path of each request.
fn decide(count: u32, configuration: &[u8], name: impl Fn(u32) -> String) -> Result<()> {
    let authorizer = Authorizer::new(configuration, &|_| None, Rc::new(Still), &Shelf::default());
    let authorizer = Rc::new(authorizer.map_err(|error| error.to_string())?);
    let check = |head| {
        let arrival = Arrival { head, stripped: Vec::new(), end_of_stream: true };
        match authorizer.check(arrival, &Proxy) {
            (_, Step::Allow(_)) => Ok(()),
            (_, step) => Err(format!("{step:?}").into()),
        }
    };
    check(head(&name(u32::MAX))?)?;
    let heads: Vec<Head> = (0..count).map(|number| head(&name(number))).collect::<Result<_>>()?;
    let mut heads = heads.into_iter();
    measured(count, |_| check(heads.next().ok_or("no head")?))
}
