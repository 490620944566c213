//! What bodies cost a worker: its linear memory, which never shrinks, does not grow with their number.
//!
//!     SARK_MEMORY_BODIES=10000 cargo test -p sark-integration --test timed memory -- --nocapture
//!
//! sends so many, 1,000 if nothing is said, after a hundred of the same. What is free in the memory after the largest
//! body hides the first megabyte: 1,000 bodies show a leak of 1 kB each, 10,000 one of 100 bytes.

use std::time::Instant;

use sark_integration::client::Line;
use sark_integration::configuration::{and, of};
use sark_integration::{Mode, Protocol, Request, Stack, memory};
use serde_json::{Value, json};

const SIZE: usize = 65_536;
const WARM_UP: usize = 100;
const LINES: usize = 4;

fn configuration() -> Value {
    let rules = r#"
default result := {"allowed": false, "body": "no"}

result := {"allowed": true, "headers": {"x-last": input.parsed_body[0].a}} if input.parsed_body[0].a == "x"

result := true if count(input.parsed_body.x) > 0

result := true if input.attributes.request.http.headers["content-type"] == "text/plain"
"#;
    let extra =
        json!({"with_request_body": {"max_request_bytes": SIZE}, "remote": {"cluster": "opa", "timeout": "10s"}});
    and(&of(rules), extra)
}

/// `text`, and spaces until it is as long as a body shall be.
fn padded(text: &str, size: usize) -> String {
    format!("{text}{}", " ".repeat(size - text.len()))
}

/// `start`, then as many `piece` as fit with `end`, filled up inside the last.
fn filled(start: &str, piece: &str, end: &str) -> String {
    let pieces = (SIZE - start.len() - end.len()) / piece.len();
    let text = format!("{start}{}{end}", piece.repeat(pieces));
    padded(&text, SIZE)
}

/// Every way that a body takes through the filter, and the status at its end.
fn requests() -> Vec<(Request, u16)> {
    const JSON: &str = "application/json";
    const FORM: &str = "application/x-www-form-urlencoded";
    let part = "--b\r\nContent-Disposition: form-data; name=x\r\n\r\ncontent\r\n";
    let form = format!("x=1{}", "&x=a%20b".repeat(8_000));
    let bodies = [
        (JSON, filled(r#"[{"a":"x"}"#, r#",{"a":[1,{"b":null}]}"#, "]"), 200),
        (JSON, filled(r#"[{"a":"y"}"#, ",[]", "]"), 403),
        (JSON, filled("[", "1.5,", ""), 400),
        // Held inline it would be another number: the remote OPA decides.
        (JSON, filled("[1e400", ",\"text\"", "]"), 200),
        (FORM, format!("{form}&y={}", "y".repeat(SIZE - form.len() - 3)), 200),
        ("multipart/form-data; boundary=b", filled("", part, "--b--\r\n"), 200),
        ("text/plain", "x".repeat(SIZE), 200),
        ("text/plain", "x".repeat(SIZE + 1), 413),
    ];
    let mut all = Vec::new();
    for (content_type, body, status) in bodies {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let post = Request::post("/").protocol(protocol).header("content-type", content_type);
            all.push((post.clone().body(&body), status));
            all.push((post.clone().frames(body.as_bytes().chunks(1_000)), status));
            all.push((post.body(&body).trailer("x-last", "1"), status));
        }
    }
    all
}

/// Sends `count` requests over a few kept lines.
fn send(stack: &Stack, requests: &[(Request, u16)], count: usize) {
    std::thread::scope(|scope| {
        for first in 0..LINES {
            scope.spawn(move || {
                let mut line = Line::new(stack.address());
                for number in (first..count).step_by(LINES) {
                    let (request, status) = &requests[number % requests.len()];
                    let reply = line.exchange(request).unwrap_or_else(|error| panic!("number {number}: {error}"));
                    assert_eq!(reply.status, *status, "number {number}: {reply:?}");
                }
            });
        }
    });
}

#[test]
fn the_memory_of_a_worker_does_not_grow_with_the_number_of_bodies() {
    let count = std::env::var("SARK_MEMORY_BODIES").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000);
    // Envoy itself answers what is allowed: the upstream would be the slowest part.
    let stack = Stack::sark(configuration()).fake(Mode::Decision(json!(true))).edit(|tree| {
        let manager = &mut tree["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
        manager["route_config"]["virtual_hosts"][0]["routes"] =
            json!([{"match": {"prefix": "/"}, "direct_response": {"status": 200}}]);
    });
    let stack = stack.start();
    let sizes = || memory::linear(stack.envoy().pid()).expect("the memories");
    let requests = requests();
    let fresh = sizes();
    assert_eq!(fresh.len(), 3, "{fresh:?}");
    send(&stack, &requests, WARM_UP);
    let warm = sizes();
    // The measure sees what a body costs.
    assert!(warm.last() > fresh.last(), "{fresh:?} {warm:?}");
    let began = Instant::now();
    send(&stack, &requests, count);
    println!("{fresh:?} bytes, {warm:?} after {WARM_UP} bodies; {count} more took {:?}", began.elapsed());
    assert_eq!(sizes(), warm, "after {count} bodies more");
    assert_eq!(stack.stat("wasm.sark.vm_reload"), 0);
}
