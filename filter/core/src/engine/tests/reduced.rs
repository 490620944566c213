//! Generated policies and requests: what a decision says of the part of the input that it reads is what it says of the
//! whole, and a part less makes a difference.

use super::{ROOMY, load, source};
use crate::builtins::Moment;
use crate::engine::{Engine, EvalError, Shelf};
use crate::host::testing::{FakeClock, FakeHost, Random};
use crate::plan::Reads;
use crate::request::{self, Body, Head, Labels, Matcher, Namespaces, Selection, Shape, SourceAddress, Sources};
use regorus::Value;
use std::collections::BTreeMap;
use std::rc::Rc;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const POLICIES: usize = 300;
const REQUESTS: usize = 12;

/// Paths into the document: what is there, what may be there, what never is.
const PATHS: [&str; 44] = [
    "attributes",
    "attributes.contextExtensions",
    "attributes.contextExtensions.team",
    "attributes.destination",
    "attributes.destination.address",
    "attributes.destination.address.socketAddress.portValue",
    "attributes.destination.labels.app",
    "attributes.destination.principal",
    "attributes.metadataContext",
    "attributes.metadataContext.filterMetadata",
    "attributes.nothing",
    "attributes.request",
    "attributes.request.http",
    "attributes.request.http.body",
    "attributes.request.http.headerMap",
    "attributes.request.http.headerMap.headers",
    "attributes.request.http.headers",
    "attributes.request.http.headers[\"x-a\"]",
    "attributes.request.http.headers[\"x-b\"]",
    "attributes.request.http.headers[\"X-A\"]",
    "attributes.request.http.headers[\":path\"]",
    "attributes.request.http.headers[\"x-envoy-auth-partial-body\"]",
    "attributes.request.http.headers[\"x-a\"].inside",
    "attributes.request.http.host",
    "attributes.request.http.id",
    "attributes.request.http.method",
    "attributes.request.http.path",
    "attributes.request.http.protocol",
    "attributes.request.http.rawBody",
    "attributes.request.http.scheme",
    "attributes.request.http.size",
    "attributes.request.time",
    "attributes.request.time.seconds",
    "attributes.routeMetadataContext",
    "attributes.source",
    "attributes.source.address.socketAddress.address",
    "attributes.source.principal",
    "attributes.source.service",
    "attributes.tlsSession",
    "parsed_body",
    "parsed_body.a",
    "parsed_path",
    "parsed_query.q",
    "source_principal",
];

const MORE_PATHS: [&str; 6] =
    ["nothing", "parsed_query", "truncated_body", "version", "version.encoding", "parsed_body.a.b"];

/// What a decision collects, as `value` under `body`. P and Q stand for paths, K for a key of the document, H for the name
/// of a header, V for a value.
const WAYS: [(&str, &str); 42] = [
    ("input.P", "true"),
    ("x", "x := input.P"),
    ("x", "input.P = x"),
    ("true", "input.P == input.Q"),
    ("true", "input.P == V"),
    ("true", "input.P"),
    ("true", "not input.P"),
    ("true", "not input.P == V"),
    ("y", "x := input.P; y := x.a"),
    ("y", "x := input.P; y := x[K]"),
    ("v", "some v in input.P"),
    ("[k, v]", "some k, v in input.P"),
    ("k", "input.P[k] == V"),
    ("x", "some k in [K, K]; x := input[k]"),
    ("x", "k := data.k; x := input[k]"),
    ("x", "k := data.k; x := input.attributes[k].http.method"),
    ("x", "h := H; x := input.attributes.request.http.headers[h]"),
    ("x", "h := data.h; x := input.attributes.request.http.headers[h]"),
    ("x", "x := object.get(input, K, \"none\")"),
    ("x", "x := object.get(input.P, K, \"none\")"),
    ("x", "x := object.get(input, [\"attributes\", \"request\", \"http\", \"method\"], input.Q)"),
    ("x", "k := data.k; x := object.get(input, k, \"none\")"),
    ("x.a", "x := object.get(input, \"parsed_body\", {})"),
    ("[p, v]", "walk(input.P, [p, v])"),
    ("p", "walk(input, [p, V])"),
    ("x", "x := f(input.P)"),
    ("x", "x := g(input.P, K)"),
    ("x", "x := g(input, K)"),
    ("x", "x := deep(input)"),
    ("x", "x := input.P with input.Q as V"),
    ("x", "x := rule with input.P as input.Q"),
    ("x", "x := rule with input as input.P"),
    ("x", "x := rule with input as {\"attributes\": input.attributes, \"parsed_path\": input.Q}"),
    ("x", "x := [y | y := input.P[_]]"),
    ("x", "x := {k: v | some k, v in input.P}"),
    ("true", "every x in input.P { x != V }"),
    ("x", "x := {input.P, input.Q}"),
    ("x", "x := count(input.P)"),
    ("x", "x := alias.http.method"),
    ("x", "x := http[K]"),
    // Several definitions that give parts are held against each other, also where little of them is read.
    ("x", "x := two.principal"),
    ("x", "x := either(input.P, input.Q).a"),
];

const HELPERS: &str = r#"
alias := input.attributes.request
rule := [input.attributes.request.http.method, object.get(input, "parsed_path", "none")]
f(x) := x.a
f(x) := x if is_string(x)
g(x, k) := x[k]
g(x, k) := k if not x[k]
deep(x) := inner(x.attributes)
inner(x) := x.request.http.path
two := input.attributes.source if input.parsed_query.q
two := input.attributes.destination
either(x, y) := x if x
either(x, y) := y if y
"#;

const DATA: &str = r#"{"k": "parsed_path", "h": "x-b"}"#;

fn fill(random: &mut Random, text: &str) -> String {
    let values = ["1", "\"GET\"", "\"1\"", "null", "{}", "[\"a\"]", "{\"b\": 1}", "\"x-a\""];
    let keys =
        ["\"parsed_path\"", "\"attributes\"", "\"a\"", "\"method\"", "\"headers\"", "\"nothing\"", "0", "\"x-a\""];
    let headers = ["\"x-a\"", "\"x-b\"", "\":method\"", "\"X-A\""];
    let path = |random: &mut Random| {
        let all = PATHS.len() + MORE_PATHS.len();
        let at = random.next(all);
        PATHS.iter().chain(&MORE_PATHS).nth(at).copied().unwrap()
    };
    let mut filled = String::new();
    let mut letters = text.chars().peekable();
    let mut before = ' ';
    while let Some(letter) = letters.next() {
        let alone = !before.is_alphanumeric() && !letters.peek().is_some_and(|next| next.is_alphanumeric());
        match letter {
            'P' | 'Q' if alone => filled.push_str(path(random)),
            'V' if alone => filled.push_str(random.pick(&values)),
            'K' if alone => filled.push_str(random.pick(&keys)),
            'H' if alone => filled.push_str(random.pick(&headers)),
            other => filled.push(other),
        }
        before = letter;
    }
    filled
}

/// A policy of a few ways to read, each under a number of its own.
fn policy(random: &mut Random) -> String {
    let mut text = "import input.attributes.request.http\nallow := found\n".to_owned();
    for number in 0..=random.next(3) {
        let (value, body) = WAYS[random.next(WAYS.len())];
        let (value, body) = (fill(random, value), fill(random, body));
        text.push_str(&format!("found contains [{number}, x_{number}] if {{ {body}; x_{number} := {value} }}\n"));
    }
    text + HELPERS
}

fn shape(random: &mut Random) -> Shape {
    let mut shape = Shape {
        pack_as_bytes: random.next(4) == 0,
        skip_body_parse: random.next(6) == 0,
        raw_headers: random.next(5) == 0,
        peer_certificate: random.next(2) == 0,
        tls_session: random.next(2) == 0,
        source_address: Some(SourceAddress::Request),
        context_extensions: true,
        ..Shape::default()
    };
    if random.next(3) == 0 {
        shape.headers.disallowed = vec![Matcher::Exact("x-a".to_owned())];
    }
    if random.next(2) == 0 {
        shape.metadata = Namespaces { plain: vec!["a".to_owned()], typed: Vec::new() };
        shape.labels = Some(Labels::new("labels".to_owned()));
    }
    shape
}

fn head(random: &mut Random) -> Head {
    let mut pairs = vec![
        (":method", random.pick(&["GET", "POST"])),
        (":path", random.pick(&["/", "/a/b?q=1&q=2", "/%61/b", "/x?q=GET", "/a/b/c/d"])),
        (":authority", "a.test"),
        (":scheme", "http"),
        ("content-type", random.pick(&["application/json", "application/x-www-form-urlencoded", "text/plain", ""])),
    ];
    for (name, values) in [("x-a", ["1", "GET", ""]), ("x-b", ["x-a", "parsed_path", "1"]), ("x-a", ["a", "b", "c"])] {
        if random.next(2) == 0 {
            pairs.push((name, random.pick(&values)));
        }
    }
    Head::new(pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
}

fn body(random: &mut Random) -> Option<Body> {
    let text = random.pick(&["", "{}", r#"{"a": 1}"#, r#"{"a": {"b": "GET"}}"#, r#"["a", 1]"#, "\"a\"", "null"]);
    let received = if random.next(4) == 0 { text.len() + 1 } else { text.len() };
    (random.next(3) > 0).then(|| Body { bytes: text.as_bytes().to_vec(), received })
}

fn host(random: &mut Random) -> FakeHost {
    let mut properties = BTreeMap::from([("xds.node".to_owned(), Vec::new())]);
    for name in ["uri_san_peer_certificate", "subject_local_certificate", "tls_version", "peer_certificate"] {
        if random.next(2) == 0 {
            properties.insert(format!("connection.{name}"), b"spiffe://a".to_vec());
        }
    }
    FakeHost {
        random: 7,
        request_time: 1_500_000_000,
        properties,
        route_metadata: Some(Vec::new()),
        ..FakeHost::default()
    }
}

/// A decision with the parts that it reads.
struct Decision {
    engine: Engine,
    reads: Reads,
    text: String,
}

impl Decision {
    fn new(rules: &str) -> Option<Self> {
        let mut policy = source(rules);
        policy.data = crate::json::parse(DATA.as_bytes()).unwrap();
        let loaded = load(policy, &Shelf::default(), &[]).ok()?;
        let reads = loaded.reads().clone();
        let engine = Engine::new(loaded, ROOMY, Rc::new(FakeClock::default()));
        Some(Self { engine, reads, text: rules.to_owned() })
    }

    fn ask(&self, input: Value) -> Result<Value, EvalError> {
        self.engine.evaluate(input, Moment::default())
    }
}

/// A request, whole.
struct Asked {
    shape: Shape,
    head: Head,
    body: Option<Body>,
    extensions: Option<Value>,
    host: FakeHost,
}

impl Asked {
    fn new(random: &mut Random) -> Self {
        let extensions = (random.next(2) == 0).then(|| crate::json::parse(br#"{"team": "a"}"#).unwrap());
        Self { shape: shape(random), head: head(random), body: body(random), extensions, host: host(random) }
    }

    fn input(&self, reads: &Reads) -> Result<Value, request::DocumentError> {
        let Self { shape, head, body, extensions, host } = self;
        let sources =
            Sources { shape, head, body: body.as_ref(), context_extensions: extensions.as_ref(), id: 0, host };
        request::input(&sources, &Selection::new(reads, shape))
    }
}

/// Decisions that load, until there are as many.
fn decisions(random: &mut Random) -> Vec<Decision> {
    let mut decisions = Vec::new();
    for _ in 0..POLICIES * 2 {
        decisions.extend(Decision::new(&policy(random)));
        if decisions.len() == POLICIES {
            return decisions;
        }
    }
    panic!("only {} of {} policies load", decisions.len(), POLICIES * 2);
}

#[test]
fn a_decision_about_what_it_reads_is_the_decision_about_the_whole() {
    let random = &mut Random::new(1);
    let (mut answered, mut whole_reads, mut values) = (0, 0, 0);
    for decision in decisions(random) {
        whole_reads += usize::from(decision.reads == Reads::Whole);
        for _ in 0..REQUESTS {
            let asked = Asked::new(random);
            let whole = asked.input(&Reads::Whole);
            let part = asked.input(&decision.reads);
            assert_eq!(whole.as_ref().err(), part.as_ref().err(), "{}", decision.text);
            let (Ok(whole), Ok(part)) = (whole, part) else { continue };
            let least = decision.reads.of(&whole);
            let answer = decision.ask(whole.clone());
            values += usize::from(answer.as_ref().is_ok_and(|answer| answer.as_set().is_ok_and(|set| !set.is_empty())));
            for input in [part, least] {
                let shown = || format!("{}\nreads {:?}\nwhole {whole}\npart {input}", decision.text, decision.reads);
                assert_eq!(decision.ask(input.clone()), answer, "{}", shown());
            }
            answered += 1;
        }
    }
    assert!(answered > POLICIES * REQUESTS / 2, "{answered}");
    assert!(values > answered / 3, "{values} of {answered} say anything");
    assert!(whole_reads < POLICIES / 3, "{whole_reads} read everything");
}

/// What a run like the one above would say if a part were forgotten.
#[test]
fn a_part_that_is_forgotten_is_noticed() {
    let random = &mut Random::new(2);
    let (mut parts, mut noticed) = (0, 0);
    for decision in decisions(random) {
        let Reads::Parts(paths) = &decision.reads else { continue };
        let requests: Vec<Value> = (0..REQUESTS).filter_map(|_| Asked::new(random).input(&Reads::Whole).ok()).collect();
        for forgotten in 0..paths.len() {
            let mut rest = paths.clone();
            rest.remove(forgotten);
            let rest = Reads::Parts(rest);
            parts += 1;
            let differs = |input: &Value| decision.ask(rest.of(input)) != decision.ask(input.clone());
            noticed += usize::from(requests.iter().any(differs));
        }
    }
    assert!(parts > POLICIES && noticed * 2 > parts, "{noticed} of {parts}");
}
