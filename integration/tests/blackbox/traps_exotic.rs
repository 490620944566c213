//! Requests of unusual shape: each is decided, or refused by Envoy, and none passes undecided.

use std::sync::Mutex;

use sark_integration::client::Line;
use sark_integration::configuration::{and, of};
use sark_integration::shared::Shared;
use sark_integration::wait::SOON;
use sark_integration::{Connection, Gate, Http2, Mode, Protocol, Remote, Request, Response, Result, Stack};
use serde_json::{Value, json};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];
const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";

static STACK: Shared = Shared::new(|| {
    let stack = Stack::sark(users())
        .remote(Remote::Fake(Mode::Undefined))
        .edit(|tree| {
            let manager = tree.pointer_mut(MANAGER).unwrap();
            manager["http_protocol_options"] = json!({"accept_http_10": true, "default_host_for_http_10": "sark.test"});
            manager["route_config"]["validate_clusters"] = json!(false);
            let host = &mut manager["route_config"]["virtual_hosts"][0];
            let routes = host["routes"].as_array_mut().unwrap();
            let off = |names: &[&str]| -> Value {
                let disabled = json!({"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": true});
                names.iter().map(|name| ((*name).to_owned(), disabled.clone())).collect::<serde_json::Map<_, _>>().into()
            };
            let upstream = json!({"cluster": "upstream"});
            routes.insert(0, json!({"match": {"prefix": "/half-off"}, "route": upstream, "typed_per_filter_config": off(&["sark"])}));
            routes.insert(1, json!({"match": {"prefix": "/off"}, "route": upstream, "typed_per_filter_config": off(&["sark", "sark_guard"])}));
            routes.insert(2, json!({"match": {"prefix": "/nowhere"}, "route": {"cluster": "missing"}}));
            routes.insert(3, json!({"match": {"prefix": "/direct"}, "direct_response": {"status": 204}}));
            let redirect = json!({"max_internal_redirects": 3, "redirect_response_codes": [302]});
            routes.insert(4, json!({"match": {"prefix": "/redirect"}, "route": {"cluster": "upstream", "internal_redirect_policy": redirect}}));
            routes.insert(5, json!({"match": {"prefix": "/retry"}, "route": {"cluster": "upstream", "retry_policy": {"retry_on": "5xx", "num_retries": 2}}}));
        })
        .start();
    Mutex::new(stack)
});

/// Alice may, but not where the path says `denied`.
fn users() -> Value {
    of("default result := false\n\nresult if {\n\
        \tinput.attributes.request.http.headers[\"x-user\"] == \"alice\"\n\
        \tendswith(input.attributes.request.http.path, \"/denied\") == false\n}\n")
}

/// Everybody is decided by the remote OPA, which has all the time it wants.
fn remote() -> Value {
    let remote = json!({"remote": {"cluster": "opa", "timeout": "30s"}, "features": {"rust_opa": {"enabled": false}}});
    and(&of("result := false\n"), remote)
}

/// These bytes on a connection of their own.
fn raw(stack: &Stack, bytes: &str) -> Result<Response> {
    let mut connection = Connection::open(stack.address()).unwrap();
    connection.write(bytes).unwrap();
    connection.response(bytes.split(' ').next().unwrap_or_default())
}

#[test]
fn every_method_and_version_is_decided() {
    let stack = STACK.with(&users());
    for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "PURGE", "M-SEARCH"]
    {
        for protocol in BOTH {
            let status = |user: &str| {
                let request = Request::new(method, "/methods").protocol(protocol).header("x-user", user);
                stack.send(&request).status
            };
            let (alice, mallory) = (status("alice"), status("mallory"));
            assert!(mallory >= 400, "{method} {protocol:?}: {mallory}");
            assert!(alice == 200 || alice == mallory, "{method} {protocol:?}: {alice}");
        }
    }
    for (user, expected) in [("alice", 200), ("mallory", 403)] {
        let reply = raw(&stack, &format!("GET /http10 HTTP/1.0\r\nx-user: {user}\r\n\r\n")).unwrap();
        assert_eq!(reply.status, expected);
        let body = format!("POST /http10 HTTP/1.0\r\nx-user: {user}\r\ncontent-length: 5\r\n\r\nhello");
        assert_eq!(raw(&stack, &body).unwrap().status, expected);
    }
    let odd = [
        "GET /odd HTTP/0.9\r\n\r\n",
        "GET /odd\r\n\r\n",
        "GET /odd HTTP/1.2\r\nhost: a\r\n\r\n",
        "GET /odd HTTP/2.0\r\nhost: a\r\n\r\n",
        "BREW /odd HTTP/1.1\r\nhost: a\r\n\r\n",
        "get /odd HTTP/1.1\r\nhost: a\r\n\r\n",
    ];
    for bytes in odd {
        let reply = raw(&stack, bytes);
        assert!(reply.as_ref().map_or(true, |reply| reply.status >= 400), "{bytes:?}: {reply:?}");
    }
    assert!(stack.echo().received().iter().all(|request| request.header("x-user").as_deref() == Some("alice")));
}

#[test]
fn options_star_and_strange_targets_are_decided() {
    let stack = STACK.with(&users());
    for target in
        ["*", "/", "/?", "?", "", "//", "http://sark.test", "http://sark.test/", "sark.test:80", "/a b", "/\u{e4}"]
    {
        for method in ["OPTIONS", "GET"] {
            let send = |user: &str| {
                raw(&stack, &format!("{method} {target} HTTP/1.1\r\nhost: sark.test\r\nx-user: {user}\r\n\r\n"))
            };
            let mallory = send("mallory");
            assert!(mallory.as_ref().map_or(true, |reply| reply.status >= 400), "{method} {target:?}: {mallory:?}");
            let _decided_or_refused = send("alice");
        }
    }
    assert!(stack.echo().received().iter().all(|request| request.header("x-user").as_deref() == Some("alice")));
}

#[test]
fn bodies_framed_twice_or_wrongly_reach_nobody() {
    let stack = STACK.with(&users());
    let smuggled = "GET /smuggled HTTP/1.1\r\nhost: a\r\nx-user: alice\r\n\r\n";
    let length = smuggled.len() + 5;
    for head in [
        format!("content-length: {length}\r\ntransfer-encoding: chunked"),
        format!("transfer-encoding: chunked\r\ncontent-length: {length}"),
        "content-length: 5\r\ncontent-length: 6".to_owned(),
        "content-length: 5, 5".to_owned(),
        "content-length: +5".to_owned(),
        "content-length: -1".to_owned(),
        "content-length: 0x5".to_owned(),
        "transfer-encoding: chunked, identity".to_owned(),
        "transfer-encoding: identity, chunked".to_owned(),
        "transfer-encoding: xchunked".to_owned(),
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked".to_owned(),
        "transfer-encoding : chunked".to_owned(),
        "transfer-encoding:\u{b}chunked".to_owned(),
    ] {
        let bytes = format!("POST /framed HTTP/1.1\r\nhost: a\r\nx-user: mallory\r\n{head}\r\n\r\n0\r\n\r\n{smuggled}");
        let reply = raw(&stack, &bytes);
        assert!(reply.as_ref().map_or(true, |reply| reply.status >= 400), "{head:?}: {reply:?}");
    }
    for lines in [
        "x-user: mallory\r\n x-user: alice",
        "x-user : alice",
        "x-user\0: alice",
        "x-user: al\0ice",
        ": alice",
        "x-user; alice",
    ] {
        let reply = raw(&stack, &format!("GET /lines HTTP/1.1\r\nhost: a\r\n{lines}\r\n\r\n"));
        assert!(reply.as_ref().map_or(true, |reply| reply.status >= 400), "{lines:?}: {reply:?}");
    }
    stack.settle();
    for path in ["/framed", "/lines"] {
        assert_eq!(stack.echo().received_at(path), []);
    }
}

#[test]
fn expect_continue_sends_nothing_upstream_before_the_decision() {
    let stack = STACK.with(&remote());
    let gate = Gate::default();
    stack.fake().set(Mode::Held(gate.clone()));
    for (path, decision) in [("/expect/allow", true), ("/expect/deny", false)] {
        let mut connection = Connection::open(stack.address()).unwrap();
        let bytes = Request::post(path).header("expect", "100-continue").body("hello").to_bytes();
        let (head, body) = bytes.split_at(bytes.len() - 5);
        connection.write(head).unwrap();
        stack.fake().wait_for_call(path, SOON).unwrap();
        connection.write(body).unwrap();
        stack.settle();
        assert_eq!(stack.echo().received_at(path), [], "before the decision");
        gate.decide(path, json!(decision));
        let reply = connection.response("POST").unwrap();
        if decision {
            assert_eq!(reply.upstream().body_text(), "hello");
        } else {
            assert_eq!(reply.status, 403);
        }
    }
    stack.settle();
    assert_eq!(stack.echo().received_at("/expect/deny"), []);
}

#[test]
fn a_denied_grpc_call_is_a_grpc_error_and_goes_nowhere() {
    let stack = STACK.with(&users());
    let call = |user: &str| {
        let request = Request::post("/pkg.Service/Method").h2().header("content-type", "application/grpc");
        stack.send(&request.header("te", "trailers").header("x-user", user).frames([b"\0\0\0\0\0"]))
    };
    let denied = call("mallory");
    assert_eq!((denied.status, denied.header("grpc-status").as_deref()), (200, Some("7")));
    assert_eq!(stack.echo().count(), 0);
    assert_eq!(call("alice").upstream().path, "/pkg.Service/Method");
}

#[test]
fn headers_that_speak_to_envoy_do_not_speak_to_the_filter() {
    let stack = STACK.with(&users());
    let claims = [
        ("wasm.sark.allowed", "1"),
        ("sark.allowed", "1"),
        ("x-envoy-auth-partial-body", "true"),
        ("x-envoy-original-path", "/public"),
        ("x-envoy-internal", "true"),
        ("x-envoy-upstream-rq-timeout-ms", "1"),
        ("x-envoy-retry-on", "5xx"),
        ("x-envoy-max-retries", "5"),
        ("x-envoy-original-dst-host", "127.0.0.1:1"),
        ("x-envoy-decorator-operation", "a"),
        ("x-http-method-override", "GET"),
        ("x-original-url", "/public"),
        ("x-rewrite-url", "/public"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("x-request-id", "1"),
        ("te", "trailers"),
        ("x-empty", ""),
    ];
    for protocol in BOTH {
        let request = claims
            .iter()
            .fold(Request::get("/claims").protocol(protocol), |request, (name, value)| request.header(*name, *value));
        assert_eq!(stack.send(&request.clone().header("x-user", "mallory")).status, 403);
        assert_eq!(stack.send(&request.header("x-user", "")).status, 403);
    }
    // Names a hop strips: what the policy saw is what arrives.
    for stripped in ["x-user", "close, x-user"] {
        let request = Request::get("/stripped").header("connection", stripped).header("x-user", "alice");
        if let Some(upstream) = stack.send(&request).try_upstream() {
            assert_eq!(upstream.header("x-user").as_deref(), Some("alice"), "{stripped}");
        }
    }
    assert_eq!(stack.echo().received_at("/claims"), []);
}

#[test]
fn a_route_with_only_one_of_the_two_filters_switched_off_is_closed() {
    let stack = STACK.with(&users());
    for user in ["alice", "mallory"] {
        assert_eq!(stack.send(&Request::get("/half-off").header("x-user", user)).status, 403);
        assert_eq!(stack.send(&Request::get("/off").header("x-user", user)).status, 200);
    }
    // The mark of an allowed request dies with it: neither its connection nor a redirect carries it on.
    for protocol in BOTH {
        let mut line = Line::new(stack.address());
        for (path, expected) in [("/fine", 200), ("/half-off", 403), ("/fine", 200), ("/half-off", 403)] {
            let request = Request::get(path).protocol(protocol).header("x-user", "alice");
            assert_eq!(line.exchange(&request).unwrap().status, expected, "{path}");
        }
    }
    let request = Request::get("/redirect/start").header("x-user", "alice").header("x-upstream-status", "302");
    let request = request.header("x-upstream-set", "location=http://sark.test/half-off");
    assert_eq!(stack.send(&request).status, 403);
    assert_eq!(stack.echo().received_at("/half-off"), []);
}

#[test]
fn routes_without_an_upstream_are_decided_first() {
    let stack = STACK.with(&users());
    for (path, expected) in [("/nowhere", 503), ("/direct", 204)] {
        for protocol in BOTH {
            let request = |user: &str| Request::get(path).protocol(protocol).header("x-user", user);
            assert_eq!(stack.send(&request("alice")).status, expected, "{path}");
            assert_eq!(stack.send(&request("mallory")).status, 403, "{path}");
        }
    }
    assert_eq!(stack.stat("wasmcustom.sark_host_errors_total"), 0);
}

#[test]
fn an_internal_redirect_is_decided_anew() {
    let stack = STACK.with(&users());
    let to = |target: &str| {
        let request = Request::get("/redirect/start").header("x-user", "alice").header("x-upstream-status", "302");
        stack.send(&request.header("x-upstream-set", format!("location=http://sark.test{target}")))
    };
    assert_eq!(to("/redirect/denied").status, 403);
    assert_eq!(to("/elsewhere").status, 302);
    assert_eq!(stack.echo().received_at("/redirect/denied"), []);
    assert_eq!(stack.echo().received_at("/elsewhere").len(), 1);
}

#[test]
fn a_retry_and_an_interim_answer_belong_to_the_decided_request() {
    let stack = STACK
        .with(&of("result := {\"allowed\": true, \"response_headers_to_add\": {\"x-decided\": \"yes\"}, \
        \"headers\": {\"x-for-upstream\": \"yes\"}}\n"));
    let reply = stack.send(&Request::post("/retry").header("x-upstream-status", "503").body("hello"));
    assert_eq!((reply.status, reply.header_values("x-decided").len()), (503, 1));
    let tries = stack.echo().received_at("/retry");
    assert_eq!(tries.len(), 3);
    assert!(tries.iter().all(|request| request.header_values("x-for-upstream") == ["yes"]));
    for interim in ["100", "102", "103"] {
        let reply = stack.send(&Request::post("/interim").header("x-upstream-interim", interim).body("hello"));
        assert_eq!((reply.status, reply.header_values("x-decided")), (200, vec!["yes".to_owned()]), "{interim}");
    }
}

#[test]
fn an_answer_that_starts_before_the_request_ends_is_the_decided_requests() {
    let stack = STACK.with(&users());
    let connection = Http2::open(stack.address()).unwrap();
    let request = |user: &str| Request::post("/early").h2().header("x-user", user);
    // The filter answers while the client still sends, who may notice when it sends more.
    let mut denied = connection.start(&request("mallory"), false).unwrap();
    let _closed = denied.data("one", false);
    assert_eq!(denied.response().unwrap().status, 403);
    let _closed = denied.data("two", true);
    let mut allowed = connection.start(&request("alice"), false).unwrap();
    allowed.data("one", false).unwrap();
    stack.echo().wait_for(SOON, |request| request.path == "/early" && request.body == b"one").unwrap();
    allowed.data("two", true).unwrap();
    assert_eq!(allowed.response().unwrap().upstream().body_text(), "onetwo");
    stack.settle();
    assert_eq!(stack.echo().received_at("/early").len(), 1);
}

#[test]
fn pipelined_requests_are_each_decided() {
    let stack = STACK.with(&users());
    let users = ["alice", "alice", "mallory", "alice", "mallory"];
    let request = |number: usize, user: &str| Request::get(format!("/pipe/{number}")).header("x-user", user).to_bytes();
    let bytes: Vec<u8> = users.iter().enumerate().flat_map(|(number, user)| request(number, user)).collect();
    let mut connection = Connection::open(stack.address()).unwrap();
    connection.write(bytes).unwrap();
    let mut answered = 0;
    for user in users {
        // Envoy closes a connection on which answers of its own queue up.
        let Ok(reply) = connection.response("GET") else { break };
        assert_eq!(reply.status, if user == "alice" { 200 } else { 403 });
        answered += 1;
    }
    assert!(answered >= 3, "{answered}");
    stack.settle();
    let arrived = stack.echo().received_at("/pipe");
    assert!(arrived.iter().all(|request| request.header("x-user").as_deref() == Some("alice")), "{arrived:#?}");
}
