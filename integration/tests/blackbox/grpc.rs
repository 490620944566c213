//! gRPC calls, made and served by Go's own library: what its client reports of every kind of decision, inline and by a
//! real OPA with the same policy.

use std::sync::{LazyLock, Mutex, PoisonError};

use sark_integration::configuration::{and, source};
use sark_integration::grpc::{Call, Client, Reply, Server};
use sark_integration::{Remote, Shared, Stack, Turn};
use serde_json::{Value, json};

const PATH: &str = "envoy/authz/result";
/// Of bodies: a message of 59 bytes and its head of 5 fit.
const LIMIT: usize = 64;

const POLICY: &str = r#"package envoy.authz

import input.attributes.request.http as http

default result := {"allowed": false, "body": "not for you: ä 100%"}

result := {
	"allowed": true,
	"headers": {"x-added": "by the policy"},
	"response_headers_to_add": {"x-decided": input.parsed_body.service},
} if {
	input.parsed_path == ["grpc.health.v1.Health", "Check"]
	input.parsed_body.service in {"orders", "missing"}
}

result := {"allowed": false, "body": "told", "http_status": to_number(http.headers["x-status"])} if {
	input.parsed_body.service == "denied"
}

result := true if startswith(input.parsed_body.service, "long")

result := true if input.truncated_body

result := true if {
	http.headers["grpc-encoding"] == "gzip"
	input.parsed_body == null
	input.truncated_body == false
}

result := "no decision" if input.parsed_body.service == "broken"
"#;

static SERVER: LazyLock<Server> = LazyLock::new(|| Server::start().expect("the gRPC server"));
static CLIENT: LazyLock<Mutex<Client>> = LazyLock::new(|| Mutex::new(Client::start().expect("the gRPC client")));

static STACK: Shared = Shared::new(|| {
    let stack = Stack::sark(configuration(true, false)).remote(Remote::Policy(POLICY.to_owned(), json!({})));
    let stack = stack.options(|options| options.upstream_http2 = true).edit(|tree| {
        let upstream = &mut tree["static_resources"]["clusters"][0];
        assert_eq!(upstream["name"], "upstream");
        let address = json!({"address": "127.0.0.1", "port_value": SERVER.address.port()});
        upstream["load_assignment"]["endpoints"] =
            json!([{"lb_endpoints": [{"endpoint": {"address": {"socket_address": address}}}]}]);
    });
    Mutex::new(stack.start())
});

fn configuration(inline: bool, allow_partial_message: bool) -> Value {
    and(
        &source(POLICY, &json!({}), PATH),
        json!({
            "proto_descriptor": SERVER.descriptors,
            "with_request_body": {
                "max_request_bytes": LIMIT,
                "allow_partial_message": allow_partial_message,
                "pack_as_bytes": true,
            },
            "remote": {"cluster": "opa", "timeout": "10s"},
            "features": {"rust_opa": {"enabled": inline, "fallback_on_error": false}},
        }),
    )
}

/// Runs `work` with either side deciding.
fn on_both_sides(allow_partial_message: bool, work: impl Fn(&Turn<'_>)) {
    for inline in [true, false] {
        let stack = STACK.with(&configuration(inline, allow_partial_message));
        let side = if inline { "rust" } else { "remote" };
        let counter = format!("wasmcustom.sark_decisions_total.implementation.{side}.");
        let decided = || stack.stats(&counter).values().sum::<u64>();
        let before = decided();
        work(&stack);
        assert!(decided() > before, "nothing was decided {side}");
    }
}

fn call(stack: &Stack, call: &Call) -> Reply {
    let mut client = CLIENT.lock().unwrap_or_else(PoisonError::into_inner);
    client.call(stack.address(), call).unwrap_or_else(|error| panic!("{error}\n{}", stack.envoy().log_tail()))
}

/// How many calls have reached the server, this one included.
fn arrived(stack: &Stack) -> u64 {
    let reply = call(stack, &Call::of("orders"));
    reply.trailer("x-calls").and_then(|calls| calls.parse().ok()).unwrap_or_else(|| panic!("{reply:?}"))
}

/// The call ends with this status, and the server does not hear of it.
#[track_caller]
fn assert_ends(stack: &Stack, refused: &Call, code: &str, message: &str) {
    let before = arrived(stack);
    let reply = call(stack, refused);
    assert_eq!((reply.code.as_str(), reply.message.as_str()), (code, message), "{reply:?}");
    assert_eq!(reply.header("x-got"), None, "{reply:?}");
    assert_eq!(arrived(stack), before + 1, "the server was called");
}

#[test]
fn an_allowed_call_is_answered_with_its_headers_and_trailers() {
    on_both_sides(false, |stack| {
        let reply = call(stack, &Call::of("orders"));
        assert_eq!((reply.code.as_str(), reply.status.as_str()), ("OK", "SERVING"), "{reply:?}");
        assert_eq!(reply.header("x-got"), Some("by the policy"));
        assert_eq!(reply.header("x-decided"), Some("orders"));
        assert!(reply.trailer("x-calls").is_some(), "{reply:?}");
        // What the server answers is not ours to change.
        let reply = call(stack, &Call::of("missing"));
        assert_eq!((reply.code.as_str(), reply.message.as_str()), ("NotFound", "no such service"), "{reply:?}");
    });
}

#[test]
fn a_denied_call_ends_with_the_status_that_stands_for_http_s() {
    on_both_sides(false, |stack| {
        assert_ends(stack, &Call::of("other"), "PermissionDenied", "not for you: ä 100%");
        for (status, code) in [
            (400, "Internal"),
            (401, "Unauthenticated"),
            (403, "PermissionDenied"),
            (404, "Unimplemented"),
            (429, "Unavailable"),
            (502, "Unavailable"),
            (503, "Unavailable"),
            (504, "Unavailable"),
            (200, "Unknown"),
            (226, "Unknown"),
            (302, "Unknown"),
            (409, "Unknown"),
            (500, "Unknown"),
        ] {
            assert_ends(stack, &Call::of("denied").metadata("x-status", &status.to_string()), code, "told");
        }
        // No decision at all.
        assert_ends(stack, &Call::of("broken"), "PermissionDenied", "");
    });
}

#[test]
fn a_message_is_read_only_as_it_is_sent() {
    on_both_sides(false, |stack| {
        // A compressed one is not read; the policy knows by its header that it did not see it.
        let reply = call(stack, &Call::of("other").gzip());
        assert_eq!((reply.code.as_str(), reply.status.as_str()), ("OK", "SERVING"), "{reply:?}");
    });
}

#[test]
fn a_call_whose_message_is_too_large_is_refused_or_cut() {
    // Tag and length of the field, then the text.
    let of_size = |size: usize| Call::of(&format!("long{}", "x".repeat(size - 5 - 2 - 4)));
    on_both_sides(false, |stack| {
        let reply = call(stack, &of_size(LIMIT));
        assert_eq!((reply.code.as_str(), reply.status.as_str()), ("OK", "SERVING"), "{reply:?}");
        assert_ends(stack, &of_size(LIMIT + 1), "Unknown", "Payload Too Large");
        assert_ends(stack, &of_size(60_000), "Unknown", "Payload Too Large");
    });
    on_both_sides(true, |stack| {
        let before = arrived(stack);
        for size in [LIMIT, LIMIT + 1, 60_000] {
            let reply = call(stack, &of_size(size));
            assert_eq!((reply.code.as_str(), reply.status.as_str()), ("OK", "SERVING"), "{size}: {reply:?}");
        }
        assert_eq!(arrived(stack), before + 4);
    });
}
