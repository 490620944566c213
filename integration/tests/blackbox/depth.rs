//! The deepest JSON that is read, and one deeper, through everything that handles a value level by level, in the stack
//! that a worker has: reading, evaluating, writing for the remote OPA, for headers and for the filter state, dropping.
//!
//! The limit can be no greater than 1,000. With that lifted for a trial, the shipped module in Envoy 1.40 was ended by V8
//! ("Maximum call stack size exceeded") beyond 4,000 levels when two bodies were compared, beyond 4,500 when one was
//! printed or only read and dropped, as plan and as text.

use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sark_integration::configuration::{and, planned, source};
use sark_integration::{Remote, Request, Shared, Stack, descriptors};
use serde_json::{Value, json};

const PATH: &str = "envoy/authz/result";
const JSON: &str = "application/json";
const LIMIT: usize = 1_000;
/// Of a body that a policy puts into values of its own: four levels of those are around it.
const COPIED: usize = 252;
/// Of a body that becomes part of the decision.
const KEPT: usize = 124;

/// Compares and prints what it gets; walks it, copies it into other values and hands it on if it is told to.
const POLICY: &str = r#"package envoy.authz

body := input.parsed_body

headers := input.attributes.request.http.headers

default result := {"allowed": false}

result := {"allowed": true, "response_headers_to_add": {
	"x-text": crypto.sha256(json.marshal(body)),
	"x-length": format_int(count(json.marshal(body)), 10),
}} if {
	not headers["x-copy"]
	body == input.parsed_body
	body != {"a": "leaf"}
	body > null
	not is_null(body)
}

twice := {"a": body, "b": {"c": [body, object.union({"x": body}, {"y": body})]}, "keys": {body}}

result := object.union({"allowed": true}, kept) if {
	headers["x-copy"]
	some path
	walk(body, [path, "leaf"])
	format_int(count(path), 10) == headers["x-copy"]
	twice.a == twice.b.c[0]
	twice.b.c[1].x == twice.b.c[1].y
	twice.keys == {body}
	twice.keys[body]
	not body in [[body], {"a": body}]
	count(sprintf("%v", [body])) > 0
	body == json.patch({"p": 1}, [{"op": "add", "path": "p", "value": body}]).p
}

default kept := {}

kept := {"dynamic_metadata": {"body": body}} if headers["x-keep"]
"#;

static STACK: Shared = Shared::new(|| {
    let stack = Stack::sark(configuration(&text(), true)).remote(Remote::Policy(POLICY.to_owned(), json!({})));
    Mutex::new(stack.start())
});

fn text() -> Value {
    source(POLICY, &json!({}), PATH)
}

/// As deep as may be, with time and steps for all of it.
fn configuration(policy: &Value, inline: bool) -> Value {
    and(
        policy,
        json!({
            "with_request_body": {"max_request_bytes": 1_000_000},
            "limits": {"json_depth": LIMIT, "evaluation_steps": 1_000_000_000, "evaluation_time": "10s"},
            "remote": {"cluster": "opa", "timeout": "10s"},
            "features": {"rust_opa": {"enabled": inline, "fallback_on_error": false}},
        }),
    )
}

/// A way to write `depth` arrays and objects inside each other, with a leaf.
type Nest = fn(usize) -> String;

const NESTS: [Nest; 3] = [
    |depth| format!("{}\"leaf\"{}", "[".repeat(depth), "]".repeat(depth)),
    |depth| format!("{}\"leaf\"{}", r#"{"a":"#.repeat(depth), "}".repeat(depth)),
    // What stands beside the next level makes each of them wider than deep.
    |depth| format!("{}\"leaf\"{}", r#"[1,{"b":null,"a":"#.repeat(depth / 2), "},2]".repeat(depth / 2)),
];

fn post(body: String) -> Request {
    Request::post("/").header("content-type", JSON).body(body)
}

/// The reply to the deepest body, allowed; the one to a deeper, refused.
fn assert_ends_at_the_limit(stack: &Stack, nest: Nest) -> [Option<String>; 2] {
    let deep = post(nest(LIMIT));
    let reply = stack.send(&deep);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(stack.send(&post(format!("[{}]", nest(LIMIT)))).status, 400);
    // Nothing of a whole text, and nothing of a cut one, is left on the stack.
    assert_eq!(stack.send(&post("[".repeat(900_000))).status, 400);
    assert_eq!(stack.send(&deep).status, 200);
    ["x-text", "x-length"].map(|name| reply.header(name))
}

#[test]
fn the_deepest_body_is_decided_everywhere_and_one_deeper_nowhere() {
    let plan = planned(POLICY, &json!({}), PATH);
    for nest in NESTS {
        let remote = assert_ends_at_the_limit(&STACK.with(&configuration(&text(), false)), nest);
        for policy in [&text(), &plan] {
            let stack = STACK.with(&configuration(policy, true));
            assert_eq!(assert_ends_at_the_limit(&stack, nest), remote, "both sides saw the same");
            // What an evaluation makes is no deeper than COPIED: then it ends as undecided, and the worker lives.
            let copies = |depth: usize| post(nest(depth)).header("x-copy", depth.to_string());
            let reply = stack.send(&copies(COPIED));
            assert_eq!(reply.status, 200, "{reply:?}");
            let reply = stack.send(&copies(KEPT).header("x-keep", "1"));
            assert_eq!(reply.status, 200, "{reply:?}");
            let grown = [
                ("feature_flag_assignments_total.feature.rust_opa.implementation.rust", 1),
                ("opa_evaluation_errors_total.implementation.rust.reason.depth_limit", 1),
                ("sark_decisions_total.implementation.none.result.failure_mode_deny", 1),
            ];
            stack.assert_counts(&grown, || assert_eq!(stack.send(&copies(LIMIT)).status, 403));
            assert_eq!(stack.stat("wasm.sark.vm_reload"), 0);
        }
    }
}

#[test]
fn the_parts_of_a_form_may_be_as_deep_and_are_compared() {
    let rules = "package envoy.authz\n\ndefault result := false\n\n\
        result if {\n\tinput.parsed_body.a[0] == input.parsed_body.a[1]\n\tcount(input.parsed_body.a) == 2\n}\n";
    for policy in [source(rules, &json!({}), PATH), planned(rules, &json!({}), PATH)] {
        let stack = STACK.with(&configuration(&policy, true));
        for nest in NESTS {
            let part = |depth: usize| {
                let head = "--x\r\nContent-Disposition: form-data; name=a\r\nContent-Type: application/json\r\n\r\n";
                format!("{head}{}\r\n", nest(depth))
            };
            let form = |depth: usize| {
                let request = Request::post("/").header("content-type", "multipart/form-data; boundary=x");
                request.body(format!("{}{}--x--", part(depth), part(depth)))
            };
            assert_eq!(stack.send(&form(LIMIT)).status, 200);
            assert_eq!(stack.send(&form(LIMIT + 2)).status, 400);
        }
        assert_eq!(stack.stat("wasm.sark.vm_reload"), 0);
    }
}

/// A field of bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = content.len();
    while length > 0x7f {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(content);
    out
}

/// What a message is packed into, again and again.
type Wrap = fn(Vec<u8>) -> Vec<u8>;

#[test]
fn the_deepest_grpc_message_is_decided_and_one_deeper_is_not() {
    let rules = "package envoy.authz\n\nresult := true if input.parsed_body\n";
    let grpc =
        json!({"proto_descriptor": STANDARD.encode(descriptors::set()), "with_request_body": {"pack_as_bytes": true}});
    let stack = STACK.with(&and(&configuration(&source(rules, &json!({}), PATH), true), grpc));
    let send = |message: &[u8]| {
        let length = u32::try_from(message.len()).expect("a short message").to_be_bytes();
        let body = [&[0], &length[..], message].concat();
        let request = Request::post(descriptors::METHOD).h2().header("content-type", "application/grpc");
        let reply = stack.send(&request.header("te", "trailers").body(body));
        reply.header("grpc-status").map_or_else(|| reply.status.to_string(), |status| format!("grpc-status {status}"))
    };
    let book: Wrap = |inner| field(5, &inner);
    // A value holds a list, which holds a value.
    let value: Wrap = |inner| field(6, &field(1, &inner));
    let any: Wrap = |inner| [field(1, b"/google.protobuf.Any"), field(2, &inner)].concat();
    let nested = |wrap: Wrap, levels: usize, leaf: &[u8]| (0..levels).fold(leaf.to_vec(), |inner, _| wrap(inner));
    let in_field =
        |number: u8, content: &[u8]| [&[number << 3 & 0x7f | 2 | 0x80, 1][..], &field(0, content)[1..]].concat();
    let free = |levels: usize| in_field(16, &nested(value, levels, &[0x08, 0]));
    let more = |levels: usize| field(15, &nested(any, levels, b""));
    for (message, status) in [
        (nested(book, 100, b"\x0a\x01x"), "200"),
        (nested(book, 101, b"\x0a\x01x"), "grpc-status 13"),
        (nested(book, 5_000, b"\x0a\x01x"), "grpc-status 13"),
        (free(40), "200"),
        (free(60), "grpc-status 13"),
        (free(5_000), "grpc-status 13"),
        (more(0), "200"),
        (more(1), "grpc-status 13"),
        (more(10_000), "grpc-status 13"),
    ] {
        assert_eq!(send(&message), status, "{} bytes", message.len());
    }
    assert_eq!(stack.stat("wasm.sark.vm_reload"), 0);
}
