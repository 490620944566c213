//! The same requests, decided inline and by a real OPA: who saw what, and whether it is the same.

use std::collections::BTreeSet;

use sark_core::json;
use sark_core::request::DEFAULT_JSON_DEPTH;
use serde_json::Value;

use crate::headers;
use crate::{Protocol, Received, Request, Response, Stack, configuration};

/// The header of a reply that says who decided.
const DEBUG: &str = "x-decided-by";
const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

/// What the client and the upstream saw of one request.
#[derive(Debug, PartialEq)]
struct Seen {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    upstream: Vec<Received>,
}

/// Sends every request and notes who saw what. `side` is who must have decided.
fn play(stack: &Stack, side: &str, requests: &[Request]) -> Vec<Seen> {
    let once = |request: &Request| {
        stack.echo().clear();
        let reply = stack.send(request);
        let told = reply.header(DEBUG);
        let side = if is_held(request) { side } else { "remote" };
        assert!(
            told.as_deref() == Some(side) || reply.status == 400,
            "{} was decided by {told:?}, not {side}",
            short(request)
        );
        let mut upstream = stack.echo().received();
        for request in &mut upstream {
            // The only things that differ between two runs of one request.
            request.id = 0;
            request.headers.retain(|(name, _)| name != "x-request-id");
        }
        // The upstream's answer tells the request's number; what the upstream saw is compared anyway.
        let body = if upstream.is_empty() { reply.text() } else { String::new() };
        Seen { status: reply.status, headers: client_headers(&reply, !upstream.is_empty()), body, upstream }
    };
    requests.iter().map(once).collect()
}

/// Whether the inline engine can hold every number of a JSON body as OPA sees it. If not, the remote OPA is asked.
fn is_held(request: &Request) -> bool {
    let body = request.frames.iter().flatten().flatten().copied().collect::<Vec<u8>>();
    let bounds = json::Bounds { depth: DEFAULT_JSON_DEPTH, ..json::Bounds::REQUEST };
    // What is no JSON is answered 400 or never read.
    json::read(&body, bounds).map_or(true, |reading| reading.value.is_ok())
}

fn client_headers(reply: &Response, upstreams: bool) -> Vec<(String, String)> {
    // `connection: close` depends on how much of the body had come when the answer was given.
    let differ = ["date", "connection", "x-envoy-upstream-service-time", DEBUG];
    let mut list: Vec<_> =
        reply.headers.iter().map(|(name, value)| (name.to_lowercase(), headers::text(value))).collect();
    list.retain(|(name, _)| !differ.contains(&name.as_str()));
    if upstreams {
        // It tells the request's number.
        list.retain(|(name, _)| name != "content-length");
    }
    list.sort();
    list
}

/// Plays the requests inline (but for those whose numbers only the remote OPA can see), each of `ways` in turn, then at the real OPA, and compares. `statuses` must all have been
/// among the answers.
///
/// # Panics
/// If something differs.
#[track_caller]
pub fn assert_same_answers(stack: &Stack, ways: &[Value], requests: &[Request], statuses: &[u16]) {
    let play_at = |way: &Value, percentage: u32, side: &str| {
        let changes = serde_json::json!({
            "remote": {"cluster": "opa", "timeout": "10s"},
            "features": {"rust_opa": {"rollout_percentage": percentage, "fallback_on_error": true}},
            "debug_header": DEBUG,
        });
        stack.push(&configuration::and(way, changes)).accepted();
        play(stack, side, requests)
    };
    let remote = play_at(&ways[0], 0, "remote");
    for (number, way) in ways.iter().enumerate() {
        let inline = play_at(way, 100, "rust");
        for ((request, inline), remote) in requests.iter().zip(&inline).zip(&remote) {
            assert_eq!(inline, remote, "inline (way {number}) is left, remote is right, it is {}", short(request));
        }
    }
    let given: BTreeSet<u16> = remote.iter().map(|seen| seen.status).collect();
    assert_eq!(given, statuses.iter().copied().collect(), "the requests do not try what they are to try");
}

/// For messages: bodies may be large.
fn short(request: &Request) -> String {
    format!("{request:?}").chars().take(500).collect()
}

/// Each over both protocols.
#[must_use]
pub fn over_both(requests: impl IntoIterator<Item = Request>) -> Vec<Request> {
    requests.into_iter().flat_map(|request| BOTH.map(|protocol| request.clone().protocol(protocol))).collect()
}
