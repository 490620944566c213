//! Bodies of every size around the limit, in both settings of `allow_partial_message`; bodies for the remote OPA; and
//! requests whose bodies do not end.

use std::sync::Mutex;

use sark_integration::configuration::{and, of};
use sark_integration::wait::SOON;
use sark_integration::{Connection, Http2, Mode, Protocol, Request, Shared, Stack};
use serde_json::{Value, json};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

static STACK: Shared = Shared::new(|| {
    let stack = Stack::sark(sizes(1, false)).fake(Mode::Decision(json!(true)));
    let stack = stack.options(|options| options.buffer_limit = Some(4 << 20)).edit(|tree| {
        // Over HTTP/2 the window of a stream takes the place of that limit.
        let manager = &mut tree["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
        manager["http2_protocol_options"]["initial_stream_window_size"] = json!(4 << 20);
    });
    Mutex::new(stack.start())
});

/// Allows all and tells the client what of the body it saw.
fn sizes(limit: usize, allow_partial_message: bool) -> Value {
    let rules = r#"
import input.attributes.request.http as http

result := {"allowed": true, "response_headers_to_add": {"x-saw": saw, "x-tail": tail}}

text := object.get(http, "body", "")

# Each part of the bodies here is another, so that length and end say which part it is.
tail := urlquery.encode(substring(text, max([0, count(text) - 16]), 16))

saw := concat(" ", [
	format_int(object.get(http, "size", 0), 10),
	format_int(count(text), 10),
	cut,
])

default cut := "whole"

cut := "cut" if input.truncated_body == true
"#;
    let body = json!({"max_request_bytes": limit, "allow_partial_message": allow_partial_message});
    and(&of(rules), json!({"with_request_body": body}))
}

/// So many bytes, of which no part is like another.
fn text(size: usize) -> String {
    let mut text: String = (0..=size / 8).map(|number| format!("{number:07}.")).collect();
    text.truncate(size);
    text
}

/// The last of it, as the policy tells.
fn tail(text: &str) -> &str {
    &text[text.len().saturating_sub(16)..]
}

/// A body of `size` bytes: of known length, in one piece, and, unless it is large, in single bytes, with and without a
/// trailer.
fn framings(protocol: Protocol, size: usize) -> Vec<Request> {
    let body = text(size);
    let post = || Request::post("/sizes").protocol(protocol);
    let mut all = vec![post().body(&body), post().frames([&body]), post().frames([&body]).trailer("x-last", "1")];
    all.push(post().header("expect", "100-continue").body(&body));
    if size <= 1000 {
        let single = || body.as_bytes().chunks(1);
        all.extend([post().frames(single()), post().frames(single()).trailer("x-last", "1")]);
    }
    all
}

#[test]
fn bodies_around_the_limit_are_whole_cut_or_refused() {
    for (limit, sizes_of) in
        [(1_usize, vec![0, 1, 2]), (100, vec![99, 100, 101, 1000]), (1 << 20, vec![1 << 20, (1 << 20) + 1])]
    {
        for partial in [false, true] {
            let stack = STACK.with(&sizes(limit, partial));
            for (protocol, size) in
                BOTH.into_iter().flat_map(|protocol| sizes_of.iter().map(move |size| (protocol, *size)))
            {
                for (number, request) in framings(protocol, size).iter().enumerate() {
                    let reply = stack.send(request);
                    let what =
                        format!("{size} of {limit}, partial {partial}, {protocol:?}, framing {number}: {reply:?}");
                    if size > limit && !partial {
                        assert_eq!(reply.status, 413, "{what}");
                        continue;
                    }
                    assert_eq!(reply.status, 200, "{what}");
                    let body = text(size);
                    assert!(reply.upstream().body == body.as_bytes(), "the upstream got something else: {what}");
                    let seen_tail = reply.header("x-tail").unwrap_or_default();
                    assert_eq!(seen_tail, tail(&body[..size.min(limit)]), "{what}");
                    let saw = reply.header("x-saw").unwrap();
                    let seen: Vec<&str> = saw.split(' ').collect();
                    let received: usize = seen[0].parse().unwrap();
                    if size <= limit {
                        assert_eq!(saw, format!("{size} {size} whole"), "{what}");
                    } else {
                        // It fires with the first bytes beyond the limit, however many come with them.
                        assert!(received > limit && received <= size, "{what}");
                        assert_eq!(seen[1..], [limit.to_string().as_str(), "cut"], "{what}");
                    }
                }
            }
            if !partial {
                assert!(stack.echo().received_at("/sizes").iter().all(|request| request.body.len() <= limit));
            }
        }
    }
}

#[test]
fn sixty_four_kilobytes_in_single_bytes() {
    let stack = STACK.with(&sizes(65_536, false));
    let body = vec![b"x"; 65_536];
    for protocol in BOTH {
        let reply = stack.send(&Request::post("/single").protocol(protocol).frames(&body));
        assert_eq!(reply.header("x-saw").as_deref(), Some("65536 65536 whole"), "{protocol:?}");
        let one_more = body.iter().copied().chain([b"x"]);
        assert_eq!(stack.send(&Request::post("/single").protocol(protocol).frames(one_more)).status, 413);
    }
}

#[test]
fn the_remote_gets_the_body_whether_or_not_the_inline_policy_reads_it() {
    let rules = "result := true if input.attributes.request.http.method == \"NOTHING\"\n";
    for (enabled, expected) in [(true, "fallbacks"), (false, "decided there")] {
        let remote = json!({
            "remote": {"cluster": "opa"}, "features": {"rust_opa": {"enabled": enabled}},
            "with_request_body": {"max_request_bytes": 20},
        });
        let stack = STACK.with(&and(&of(rules), remote));
        stack.fake().set(Mode::Decision(json!(true)));
        for protocol in BOTH {
            stack.fake().clear();
            let request = Request::post("/remote").protocol(protocol).header("content-type", "application/json");
            assert_eq!(stack.send(&request.frames(["{\"a\": ", "[1]}"])).status, 200);
            let input = stack.fake().calls().remove(0).body["input"].clone();
            let http = &input["attributes"]["request"]["http"];
            assert_eq!(
                (&http["body"], &input["parsed_body"]),
                (&json!("{\"a\": [1]}"), &json!({"a": [1]})),
                "{expected}"
            );
        }
    }
}

/// A gRPC client stream: messages without an end. As behind `ext_authz`, nothing passes before the body is whole or over the
/// limit.
#[test]
fn a_stream_without_an_end_is_held_until_it_ends_or_is_too_long() {
    let message = b"\0\0\0\0\x05hello";
    for partial in [false, true] {
        let stack = STACK.with(&sizes(25, partial));
        let connection = Http2::open(stack.address()).unwrap();
        let start = |path: &str| {
            let request = Request::post(path).header("content-type", "application/grpc").header("te", "trailers");
            connection.start(&request.h2(), false).unwrap()
        };
        let mut stream = start("/stream/long");
        for _ in 0..2 {
            stream.data(message, false).unwrap();
            stack.settle();
            assert_eq!(stack.echo().received_at("/stream"), [], "before the decision");
        }
        stream.data(message, false).unwrap();
        if partial {
            stack.echo().wait_for(SOON, |request| request.path == "/stream/long").unwrap();
            stream.data("", true).unwrap();
            assert_eq!(stream.response().unwrap().upstream().body.len(), 30);
        } else {
            let reply = stream.response().unwrap();
            assert_eq!((reply.status, reply.header("grpc-status").as_deref()), (200, Some("2")), "{reply:?}");
        }
        let mut stream = start("/stream/short");
        stream.data(message, true).unwrap();
        assert_eq!(stream.response().unwrap().upstream().body.len(), 10);
        // The client gives up: nothing of it arrives.
        let mut stream = start("/stream/reset");
        stream.data(message, false).unwrap();
        stream.reset();
        stack.settle();
        assert_eq!(stack.echo().received_at("/stream/reset"), []);
    }
}

#[test]
fn a_client_that_wants_to_be_asked_for_its_body_is() {
    let stack = STACK.with(&sizes(100, false));
    let mut connection = Connection::open(stack.address()).unwrap();
    let head = "POST /expect HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n";
    connection.write(head).unwrap();
    let asked = connection.raw_exact("HTTP/1.1 100 Continue\r\n\r\n".len()).unwrap();
    assert_eq!(asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    stack.settle();
    assert_eq!(stack.echo().received_at("/expect"), [], "before the body");
    connection.write("hello").unwrap();
    assert_eq!(connection.response("POST").unwrap().header("x-saw").as_deref(), Some("5 5 whole"));
    let arrived = stack.echo().received_at("/expect");
    assert_eq!((arrived.len(), arrived[0].body_text().as_str()), (1, "hello"));
}
