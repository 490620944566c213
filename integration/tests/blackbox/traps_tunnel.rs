//! Trap T13: WebSocket upgrades and CONNECT. What follows the head is a tunnel and no body.

use std::sync::Mutex;

use sark_integration::configuration::{and, of};
use sark_integration::shared::Shared;
use sark_integration::wait::SOON;
use sark_integration::{Connection, Gate, Http2, Mode, Protocol, Received, Remote, Request, Stack};
use serde_json::{Value, json};

static STACK: Shared = Shared::new(|| {
    let stack = Stack::sark(users(false)).remote(Remote::Fake(Mode::Undefined));
    Mutex::new(stack.options(|options| options.connect = true).start())
});

/// Alice may, nobody else.
fn users(body: bool) -> Value {
    let rules = "default result := false\n\nresult if input.attributes.request.http.headers[\"x-user\"] == \"alice\"\n";
    let extra = if body { json!({"with_request_body": {"max_request_bytes": 1000}}) } else { json!({}) };
    and(&of(rules), extra)
}

/// Everybody is decided by the remote OPA, which has all the time it wants.
fn remote(body: bool) -> Value {
    let remote = json!({"remote": {"cluster": "opa", "timeout": "30s"}, "features": {"rust_opa": {"enabled": false}}});
    and(&users(body), remote)
}

fn websocket(path: &str, user: &str) -> Request {
    let upgrade = Request::get(path).header("connection", "keep-alive, Upgrade").header("upgrade", "WebSocket");
    upgrade.header("x-user", user)
}

fn connect(user: &str) -> Request {
    Request::connect("internal.test:443").header("x-user", user)
}

/// Bytes go to the upstream and come back.
fn assert_tunnel(connection: &mut Connection) {
    for piece in ["ping", "second", "{\"evil\": true}"] {
        connection.write(piece).unwrap();
        assert_eq!(connection.raw_exact(piece.len()).unwrap(), piece.as_bytes());
    }
}

#[test]
fn t13_websocket_upgrades_are_decided_at_their_head() {
    for body in [false, true] {
        let stack = STACK.with(&users(body));
        let mut connection = Connection::open(stack.address()).unwrap();
        assert_eq!(connection.exchange(&websocket("/t13/ws", "alice")).unwrap().status, 101);
        assert_tunnel(&mut connection);
        let mut connection = Connection::open(stack.address()).unwrap();
        assert_eq!(connection.exchange(&websocket("/t13/no", "mallory")).unwrap().status, 403);
        let _closed = connection.write("ping");
        stack.settle();
        assert_eq!(stack.echo().received_at("/t13/no"), [], "body: {body}");
    }
}

#[test]
fn t13_early_bytes_of_an_upgrade_wait_for_the_decision() {
    for body in [false, true] {
        let stack = STACK.with(&remote(body));
        let gate = Gate::default();
        stack.fake().set(Mode::Held(gate.clone()));
        for (path, decision) in [("/t13/early/allow", json!(true)), ("/t13/early/deny", json!(false))] {
            let mut connection = Connection::open(stack.address()).unwrap();
            connection.write(websocket(path, "alice").to_bytes()).unwrap();
            stack.fake().wait_for_call(path, SOON).unwrap();
            connection.write("early").unwrap();
            stack.settle();
            assert_eq!(stack.echo().received_at(path), [], "before the decision");
            gate.decide(path, decision.clone());
            let reply = connection.response("GET").unwrap();
            if decision == true {
                assert_eq!(reply.status, 101);
                assert_eq!(connection.raw_exact(5).unwrap(), b"early");
                assert_tunnel(&mut connection);
            } else {
                assert_eq!(reply.status, 403);
                stack.settle();
                assert_eq!(stack.echo().received_at(path), []);
            }
        }
    }
}

#[test]
fn t13_what_follows_an_upgrade_is_no_body_however_much_it_is() {
    const LIMIT: usize = 1_000;
    let early = "x".repeat(5 * LIMIT);
    for partial in [false, true] {
        let limits = json!({"with_request_body": {"max_request_bytes": LIMIT, "allow_partial_message": partial}});
        let stack = STACK.with(&and(&remote(true), limits));
        for (path, decision) in [("/t13/much/allow", true), ("/t13/much/deny", false)] {
            let gate = Gate::default();
            stack.fake().set(Mode::Held(gate.clone()));
            let mut connection = Connection::open(stack.address()).unwrap();
            let request = websocket(path, "alice").header("content-type", "application/json");
            connection.write(request.to_bytes()).unwrap();
            connection.write(&early).unwrap();
            let asked = stack.fake().wait_for_call(path, SOON).unwrap();
            let input = &asked.body["input"];
            assert_eq!((&input["parsed_body"], &input["truncated_body"]), (&Value::Null, &json!(false)));
            assert_eq!(input["attributes"]["request"]["http"].get("body"), None);
            stack.settle();
            assert_eq!(stack.echo().received_at(path), [], "before the decision");
            gate.decide(path, json!(decision));
            let reply = connection.response("GET").unwrap();
            if decision {
                assert_eq!(reply.status, 101);
                assert_eq!(connection.raw_exact(early.len()).unwrap(), early.as_bytes());
                assert_tunnel(&mut connection);
            } else {
                assert_eq!(reply.status, 403);
                stack.settle();
                assert_eq!(stack.echo().received_at(path), []);
            }
        }
    }
}

#[test]
fn t13_an_upgrade_header_does_not_hide_a_body_from_the_policy() {
    // Everything is allowed but a body that says `evil`: missing the body is allowing.
    let rules = "default result := true\n\nresult := false if input.parsed_body.evil == true\n";
    let stack = STACK.with(&and(&of(rules), json!({"with_request_body": {"max_request_bytes": 1000}})));
    for upgrade in ["websocket", "WebSocket", "h2c", "websocket, h2c", "foo"] {
        for method in ["POST", "PUT", "GET"] {
            let request = Request::new(method, "/t13/hidden").header("content-type", "application/json");
            let request = request.header("connection", "upgrade").header("upgrade", upgrade);
            // An upstream that knows no WebSocket takes what follows for the body that the head announces.
            let request = request.header("x-upstream-no-upgrade", "1");
            let mut connection = Connection::open(stack.address()).unwrap();
            connection.write(request.clone().body("{\"evil\": true}").to_bytes()).unwrap();
            let reply = connection.response(method);
            assert!(reply.as_ref().map_or(true, |reply| reply.status >= 400), "{method} {upgrade}: {reply:?}");
            stack.settle();
            assert_eq!(stack.echo().received_at("/t13/hidden"), [], "{method} {upgrade}");
            // Of a chunked upgrade Envoy removes the framing, so that the head announces no body to anyone.
            let mut connection = Connection::open(stack.address()).unwrap();
            connection.write(request.frames(["{\"evil\": ", "true}"]).to_bytes()).unwrap();
            let _decided_or_refused = connection.response(method);
            stack.settle();
            let arrived = stack.echo().received();
            let framed = |request: &Received| request.header("transfer-encoding").or(request.header("content-length"));
            let hidden: Vec<_> = arrived.iter().filter(|request| request.path != "/settle").collect();
            assert!(
                hidden.iter().all(|request| request.path == "/t13/hidden" && request.body.is_empty()),
                "{hidden:?}"
            );
            assert!(hidden.iter().all(|request| framed(request).is_none()), "{hidden:?}");
            stack.echo().clear();
        }
    }
}

#[test]
fn t13_what_follows_an_upgrade_waits_for_the_upstreams_consent() {
    let stack = STACK.with(&users(false));
    let mut connection = Connection::open(stack.address()).unwrap();
    let request = websocket("/t13/consent", "alice").header("x-upstream-no-upgrade", "1");
    connection.write(request.to_bytes()).unwrap();
    // To an upstream that ignores the upgrade this would be a request of its own, and an undecided one.
    connection.write("GET /t13/smuggled HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    let _refused_by_the_upstream = connection.response("GET").unwrap();
    stack.settle();
    assert_eq!(stack.echo().received_at("/t13/consent").len(), 1);
    assert_eq!(stack.echo().received_at("/t13/smuggled"), []);
}

#[test]
fn t13_an_upgrade_that_is_not_configured_is_refused() {
    let stack = Stack::sark(users(false)).options(|options| options.websocket = false).start();
    let reply = websocket("/t13/off", "alice").send(stack.address());
    assert!(reply.as_ref().is_err() || reply.as_ref().unwrap().status == 403, "{reply:?}");
    let reply = connect("alice").send(stack.address());
    assert!(reply.as_ref().is_err() || reply.as_ref().unwrap().status >= 400, "{reply:?}");
    let reply = connect("alice").h2().send(stack.address());
    assert!(reply.as_ref().is_err() || reply.as_ref().unwrap().status >= 400, "{reply:?}");
    assert_eq!(stack.echo().count(), 0);
}

#[test]
fn t13_connect_has_no_path_and_is_decided_all_the_same() {
    for body in [false, true] {
        let stack = STACK.with(&users(body));
        let mut connection = Connection::open(stack.address()).unwrap();
        assert_eq!(connection.exchange(&connect("alice")).unwrap().status, 200);
        assert_tunnel(&mut connection);
        let mut connection = Connection::open(stack.address()).unwrap();
        assert_eq!(connection.exchange(&connect("mallory")).unwrap().status, 403);

        let connection = Http2::open(stack.address()).unwrap();
        let mut stream = connection.start(&connect("alice").h2(), false).unwrap();
        assert_eq!(stream.head().unwrap().status, 200);
        stream.data("ping", false).unwrap();
        assert_eq!(stream.piece().unwrap().unwrap(), "ping");
        let mut stream = connection.start(&connect("mallory").h2(), false).unwrap();
        let _closed = stream.data("ping", false);
        assert_eq!(stream.head().unwrap().status, 403);
        stack.settle();
        let tunnels = stack.echo().received().iter().filter(|request| request.method == "CONNECT").count();
        assert_eq!(tunnels, 2, "body: {body}");
        stack.echo().clear();
    }
}

#[test]
fn t13_a_policy_on_paths_denies_a_connect() {
    let rules = "default result := false\n\nresult if startswith(input.attributes.request.http.path, \"/\")\n\n\
        result if input.parsed_path == [\"public\"]\n";
    let stack = STACK.with(&of(rules));
    for protocol in [Protocol::Http1, Protocol::Http2] {
        assert_eq!(stack.send(&connect("alice").protocol(protocol)).status, 403, "{protocol:?}");
        assert_eq!(stack.send(&Request::get("/public").protocol(protocol)).status, 200, "{protocol:?}");
    }
}

#[test]
fn t13_a_connect_waits_for_its_callout() {
    let stack = STACK.with(&remote(true));
    let gate = Gate::default();
    stack.fake().set(Mode::Held(gate.clone()));
    for (protocol, decision) in [(1, true), (2, true), (1, false), (2, false)] {
        // Over HTTP/1.1 the path of a CONNECT is its authority for some, and absent for Envoy: take what was asked.
        stack.fake().clear();
        stack.echo().clear();
        let gate = Gate::default();
        stack.fake().set(Mode::Held(gate.clone()));
        let opens = |status: u16| assert_eq!(status, if decision { 200 } else { 403 }, "HTTP/{protocol}");
        let decide = || {
            stack.fake().wait_for_calls(1, SOON).unwrap();
            stack.settle();
            assert!(stack.echo().received().iter().all(|request| request.path == "/settle"), "before the decision");
            gate.decide(stack.fake().calls()[0].asked_path(), json!(decision));
        };
        if protocol == 1 {
            let mut connection = Connection::open(stack.address()).unwrap();
            connection.write(connect("alice").to_bytes()).unwrap();
            connection.write("early").unwrap();
            decide();
            opens(connection.response("CONNECT").unwrap().status);
            if decision {
                assert_eq!(connection.raw_exact(5).unwrap(), b"early");
            }
        } else {
            let connection = Http2::open(stack.address()).unwrap();
            let mut stream = connection.start(&connect("alice").h2(), false).unwrap();
            stream.data("early", false).unwrap();
            decide();
            opens(stream.head().unwrap().status);
            if decision {
                assert_eq!(stream.piece().unwrap().unwrap(), "early");
            }
        }
        stack.settle();
        let tunnels = stack.echo().received().iter().filter(|request| request.method == "CONNECT").count();
        assert_eq!(tunnels, usize::from(decision));
    }
}

#[test]
fn t13_extended_connect_is_decided_like_the_upgrade_it_is() {
    let stack = STACK.with(&users(true));
    let connection = Http2::open(stack.address()).unwrap();
    let request = |user: &str| Request::extended_connect("/t13/extended", "websocket").header("x-user", user);
    let mut stream = connection.start(&request("mallory"), false).unwrap();
    assert_eq!(stream.head().unwrap().status, 403);
    let mut stream = connection.start(&request("alice"), false).unwrap();
    assert_eq!(stream.head().unwrap().status, 200);
    stream.data("ping", false).unwrap();
    assert_eq!(stream.piece().unwrap().unwrap(), "ping");
    let arrived = stack.echo().received_at("/t13/extended");
    assert_eq!(arrived.len(), 1);
    assert_eq!(arrived[0].header("x-user").as_deref(), Some("alice"));
}
