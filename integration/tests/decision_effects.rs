//! What a decision does to request, response, query and client, and what `docs/compatibility-opa-envoy.md` says differs.
//! The policy gives back what the test put into its data, so each row is one decision.

use std::sync::Mutex;

use sark_integration::configuration::{and, of};
use sark_integration::{Protocol, Request, Response, Shared, Stack, Turn};
use serde_json::{Value, json};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

static STACK: Shared = Shared::new(|| Mutex::new(Stack::sark(decisions(&json!({}))).start()));

/// Decides `/NAME/…` by the member NAME.
fn decisions(members: &Value) -> Value {
    and(&of("result := data.decisions[input.parsed_path[0]]\n"), json!({"policy": {"data": {"decisions": members}}}))
}

/// A stack on which `/x` is decided so.
fn deciding(decision: &Value, extra: Value) -> Turn<'static> {
    STACK.with(&and(&decisions(&json!({ "x": decision })), extra))
}

#[track_caller]
fn assert_unseen(stack: &Turn<'_>, reply: &Response, status: u16) {
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!(stack.echo().received(), [], "something reached the upstream");
}

fn error(reason: &str) -> String {
    format!("opa_evaluation_errors_total.implementation.rust.reason.{reason}")
}

const RUST: &str = "feature_flag_assignments_total.feature.rust_opa.implementation.rust";

#[test]
fn request_headers_are_overwritten_and_removed() {
    let decision = json!({
        "allowed": true,
        "headers": [{"host": "first"}, {"host": "other.test:1", ":method": "PUT", "te": "trailers", "x-empty": ""}],
        "request_headers_to_remove": ["x-gone", "CONTENT-LENGTH", ":scheme", "host", "no header", ""],
    });
    let stack = deciding(&decision, json!({}));
    for protocol in BOTH {
        let request = Request::post("/x").protocol(protocol).header("x-gone", "1").header("x-gone", "2").body("hello");
        let upstream = stack.send(&request).upstream();
        assert_eq!((upstream.authority.as_str(), upstream.method.as_str()), ("other.test:1", "PUT"));
        assert_eq!((upstream.header("x-gone"), upstream.header("x-empty").as_deref()), (None, Some("")));
        assert_eq!((upstream.header("content-length"), upstream.body_text().as_str()), (None, "hello"));
    }
}

#[test]
fn the_query_is_rebuilt_from_raw_text() {
    for (set, remove, before, after) in [
        (json!({"b": "2"}), json!([]), "/x?c=3&a=1", "/x?a=1&b=2&c=3"),
        (json!({"b": ["1", "2"]}), json!([]), "/x", "/x?b=2"),
        (json!({"b": []}), json!([]), "/x?z&a", "/x?z&a"),
        (json!({"a": "x%20y&d=4"}), json!([]), "/x?a=1&a=2&z", "/x?a=x%20y&d=4&z="),
        (json!({"a": "f#g"}), json!([]), "/x", "/x?a=f#g"),
        (json!({}), json!(["a"]), "/x?a=1&b=1&a=2&b=0", "/x?b=1&b=0"),
        (json!({}), json!(["a b"]), "/x?a%20b=1", "/x?a%20b=1"),
        (json!({"a": "1"}), json!(["a"]), "/x?b", "/x?b="),
        (json!({"a": "1"}), json!(["a"]), "/x", "/x"),
        (json!({}), json!([]), "/x?z&a=%7E&&", "/x?z&a=%7E&&"),
    ] {
        let decision = json!({"allowed": true, "query_parameters_to_set": set, "query_parameters_to_remove": remove});
        let stack = deciding(&decision, json!({}));
        for protocol in BOTH {
            let upstream = stack.send(&Request::get(before).protocol(protocol)).upstream();
            assert_eq!(upstream.path, after, "{decision} on {before}");
        }
    }
}

#[test]
fn a_denial_has_the_type_and_length_of_its_body() {
    let headers = |headers: Value| json!({"allowed": false, "body": "no", "headers": headers});
    for (decision, kind, length) in [
        (headers(json!({})), Some("text/plain"), "2"),
        (headers(json!({"Content-Type": "text/html"})), Some("text/html"), "2"),
        (
            headers(json!({"content-length": "99", ":status": "200", "transfer-encoding": "chunked"})),
            Some("text/plain"),
            "2",
        ),
        (json!({"allowed": false, "headers": {"x-a": "1"}}), None, "0"),
    ] {
        let stack = deciding(&decision, json!({}));
        for protocol in BOTH {
            let reply = stack.send(&Request::get("/x").protocol(protocol));
            assert_unseen(&stack, &reply, 403);
            assert_eq!(reply.header("content-type").as_deref(), kind, "{decision}: {reply:?}");
            // Over HTTP/2 nothing needs no length.
            assert_eq!(
                reply.header("content-length").unwrap_or_else(|| "0".to_owned()),
                length,
                "{decision}: {reply:?}"
            );
            let head = stack.send(&Request::new("HEAD", "/x").protocol(protocol));
            assert_unseen(&stack, &head, 403);
            let told = head.header("content-length").unwrap_or_else(|| "0".to_owned());
            assert_eq!((head.text().as_str(), told.as_str()), ("", length), "{decision}: {head:?}");
        }
    }
}

#[test]
fn statuses_of_both_lists_are_sent_and_others_are_errors() {
    let sent =
        [200, 201, 204, 226, 300, 301, 302, 304, 307, 308, 400, 401, 404, 417, 421, 429, 431, 500, 503, 508, 511];
    let wrong = [101, 102, 103, 209, 306, 418, 425, 451, 499, 509, 599, 600, 0, -1];
    let mut members = json!({});
    for status in sent.iter().chain(&wrong) {
        members[format!("s{status}")] =
            json!({"allowed": false, "http_status": status, "body": "b", "headers": {"location": "/l"}});
    }
    // The engine keeps numbers, not their text.
    members["f401"] = json!({"allowed": false, "http_status": 401.0, "body": "b"});
    let stack = STACK.with(&decisions(&members));
    assert_eq!(stack.send(&Request::get("/f401")).status, 401);
    let line = stack.envoy().access_of("/f401").unwrap();
    assert_eq!((&line["details"], &line["flags"]), (&json!("sark_denied"), &json!("-")), "{line}");
    for protocol in BOTH {
        for status in sent {
            let reply = stack.send(&Request::get(format!("/s{status}")).protocol(protocol));
            assert_unseen(&stack, &reply, u16::try_from(status).unwrap());
            let body = if matches!(status, 204 | 304) { "" } else { "b" };
            assert_eq!((reply.text().as_str(), reply.header("location").as_deref()), (body, Some("/l")), "{status}");
        }
    }
    for status in wrong {
        let reply = stack.send(&Request::get(format!("/s{status}")));
        assert_unseen(&stack, &reply, 403);
        assert_eq!((reply.text().as_str(), reply.header("location")), ("", None), "{status}");
    }
}

#[test]
fn grpc_clients_get_a_status_in_trailers() {
    let mapping = [(400, "13"), (401, "16"), (403, "7"), (404, "12"), (429, "14"), (503, "14"), (226, "2"), (500, "2")];
    let mut members = json!({"error": 7});
    for (status, _) in mapping {
        members[format!("s{status}")] = json!({"allowed": false, "http_status": status, "body": "a b\n100%\u{e9}"});
    }
    let stack = STACK.with(&decisions(&members));
    for kind in ["application/grpc", "application/grpc+proto"] {
        let call = |path: &str| {
            let request = Request::post(path).h2().header("content-type", kind).header("te", "trailers");
            stack.send(&request.frames(["\0\0\0\0\0"]))
        };
        for (status, expected) in mapping {
            let reply = call(&format!("/s{status}/Method"));
            assert_unseen(&stack, &reply, 200);
            assert_eq!(reply.header("grpc-status").as_deref(), Some(expected), "{status}: {reply:?}");
            assert_eq!(reply.header("grpc-message").as_deref(), Some("a b%0A100%25%C3%A9"), "{reply:?}");
            assert_eq!(
                (reply.header("content-type").as_deref(), reply.body.len()),
                (Some("application/grpc"), 0),
                "{reply:?}"
            );
        }
        let reply = call("/error/Method");
        assert_unseen(&stack, &reply, 200);
        assert_eq!(
            (reply.header("grpc-status").as_deref(), reply.header("grpc-message")),
            (Some("7"), None),
            "{reply:?}"
        );
        // What cannot be read is 400 for others.
        let reply = call("/error/%zz");
        assert_unseen(&stack, &reply, 200);
        assert_eq!(reply.header("grpc-status").as_deref(), Some("13"), "{reply:?}");
    }
    let web = Request::post("/s401").h2().header("content-type", "application/grpc-web").body("x");
    assert_unseen(&stack, &stack.send(&web), 401);
}

/// Allowed and denied, each with something that would end a line or a message early.
fn unsendable() -> Vec<Value> {
    let allowed = |key: &str, value: Value| json!({"allowed": true, key: value});
    let mut all = vec![
        json!({"allowed": false, "http_status": 100}),
        json!({"allowed": false, "headers": {"location": "/\r\nset-cookie: a=b"}}),
        json!({"allowed": false, "headers": {"a b": "c"}}),
        allowed("request_headers_to_remove", json!(["upgrade"])),
        allowed("request_headers_to_remove", json!(["Connection"])),
        allowed("response_headers_to_add", json!({"Content-Length": "1"})),
    ];
    for name in ["content-length", "transfer-encoding", "connection", "upgrade", "a b", "x\r\ny"] {
        all.push(allowed("headers", json!({name: "1"})));
    }
    for name in ["a b", "x\r\ny", ""] {
        all.push(allowed("response_headers_to_add", json!({name: "1"})));
    }
    for value in ["a\r\nb: c", "a\nb", "a\0", "a\u{7f}"] {
        all.push(allowed("headers", json!({"x-a": value})));
        all.push(allowed("response_headers_to_add", json!([{"x-a": ["fine", value]}])));
    }
    for path in ["", "/a b", "/a HTTP/1.1\r\nx: y"] {
        all.push(allowed("headers", json!({":path": path})));
    }
    for value in ["a b", "a\r\n"] {
        all.push(allowed("query_parameters_to_set", json!({"k": value})));
        all.push(allowed("query_parameters_to_set", json!({value: "v"})));
    }
    all.push(allowed("headers", json!({":method": "GET /"})));
    all
}

#[test]
fn what_cannot_be_sent_is_never_let_through() {
    let all = unsendable();
    let members: serde_json::Map<String, Value> =
        all.iter().enumerate().map(|(number, decision)| (format!("u{number}"), decision.clone())).collect();
    let open = and(&decisions(&Value::Object(members)), json!({"failure_mode_allow": true}));
    let send = |stack: &Turn<'_>, number: usize| stack.send(&Request::post(format!("/u{number}")).body("hello"));

    let stack = STACK.with(&open);
    for (number, decision) in all.iter().enumerate() {
        let denied = "sark_decisions_total.implementation.none.result.failure_mode_deny";
        stack.assert_counts(&[(denied, 1), (RUST, 1), (&error("bad_mutation"), 1)], || {
            let reply = send(&stack, number);
            assert_unseen(&stack, &reply, 403);
            assert_eq!(reply.text(), "", "{decision}");
        });
    }
    drop(stack);
    let stack = STACK.with(&and(&open, json!({"validate_mutations": true, "status_on_error": {"code": 503}})));
    for (number, decision) in all.iter().enumerate() {
        stack.assert_counts(&[("sark_decisions_total.implementation.rust.result.invalid", 1), (RUST, 1)], || {
            let reply = send(&stack, number);
            assert_unseen(&stack, &reply, 500);
            assert_eq!((reply.text().as_str(), reply.header("content-type")), ("", None), "{decision}");
        });
    }
    // What Envoy's validation asks of a query, and nothing else does.
    let raw = json!({"x": {"allowed": true, "query_parameters_to_set": {"a": "b&c"}}});
    stack.push(&and(&decisions(&raw), json!({"validate_mutations": true}))).accepted();
    assert_unseen(&stack, &stack.send(&Request::get("/x")), 500);
    assert_eq!(stack.envoy().access_of("/u0").unwrap()["details"], "sark_error");
    let invalid = stack.envoy().wait_for_access(|line| line["path"] == "/u0" && line["status"] == 500).unwrap();
    assert_eq!(invalid["details"], "sark_invalid");
}

#[test]
fn a_dry_run_lets_denials_through_unchanged_and_keeps_their_metadata() {
    let members = json!({
        "deny": {"allowed": false, "http_status": 401, "body": "no", "headers": {"x-policy": "1"}, "dynamic_metadata": {"why": "no"}},
        "false": false,
        "allow": {"allowed": true, "headers": {"x-policy": "1"}},
        "error": {"allowed": false, "http_status": "401"},
    });
    let stack = STACK.with(&and(&decisions(&members), json!({"dry_run": true})));
    for path in ["/deny", "/false"] {
        stack.assert_counts(&[("sark_decisions_total.implementation.rust.result.dry_run", 1), (RUST, 1)], || {
            let reply = stack.send(&Request::get(path));
            assert_eq!(
                (reply.status, reply.header("x-policy"), reply.upstream().header("x-policy")),
                (200, None, None)
            );
        });
    }
    assert_eq!(stack.send(&Request::get("/allow")).upstream().header("x-policy").as_deref(), Some("1"));
    stack.echo().clear();
    assert_unseen(&stack, &stack.send(&Request::get("/error")), 403);
    assert_unseen(&stack, &stack.send(&Request::get("/undefined")), 403);
    assert_unseen(&stack, &stack.send(&Request::get("/deny?%zz")), 400);
    let line = stack.envoy().access_of("/deny").unwrap();
    let metadata: Value = serde_json::from_str(line["dynamic_metadata"].as_str().unwrap()).unwrap();
    assert_eq!(metadata, json!({"why": "no", "decision_id": line["decision_id"]}));
}

#[test]
fn only_decisions_have_an_id_and_metadata() {
    let metadata = json!({"n": 9_007_199_254_740_993_u64, "decision_id": "policy's", "a": {"b": [null, true]}});
    let members = json!({
        "true": true, "false": false, "number": 1,
        "allow": {"allowed": true, "dynamic_metadata": metadata},
        "deny": {"allowed": false, "dynamic_metadata": metadata},
        "bad": {"allowed": true, "headers": 1, "dynamic_metadata": metadata},
        "badmeta": {"allowed": true, "dynamic_metadata": []},
    });
    let stack = STACK.with(&decisions(&members));
    let line = |path: &str| {
        stack.send(&Request::get(path));
        stack.envoy().access_of(path).unwrap()
    };
    let mut seen = std::collections::BTreeSet::new();
    for path in ["/true/id", "/false/id", "/allow/id", "/deny/id"] {
        let line = line(path);
        let id = line["decision_id"].as_str().unwrap_or_else(|| panic!("no id: {line}")).to_owned();
        let (bytes, variant) = (id.as_bytes(), &id[19..20]);
        assert!(id.len() == 36 && bytes[14] == b'4' && "89ab".contains(variant), "{id}");
        let text = line["dynamic_metadata"].as_str();
        assert_eq!(text.is_some(), path.starts_with("/allow") || path.starts_with("/deny"), "{line}");
        if let Some(text) = text {
            assert!(text.contains("9007199254740993"), "{text}");
            let shown: Value = serde_json::from_str(text).unwrap();
            assert_eq!(shown, and(&metadata, json!({ "decision_id": id })));
        }
        assert!(seen.insert(id), "twice");
    }
    for path in ["/number/id", "/bad/id", "/badmeta/id", "/undefined/id", "/true/%zz"] {
        let line = line(path);
        assert_eq!((&line["decision_id"], &line["dynamic_metadata"]), (&Value::Null, &Value::Null), "{line}");
    }
}

#[test]
fn failure_mode_allow_lets_errors_through_unmodified_and_says_so_where_wanted() {
    let members = json!({"number": 1, "deny": false, "allow": true});
    for (told, extra) in [
        (None, json!({"failure_mode_allow": true})),
        (Some("true"), json!({"failure_mode_allow": true, "failure_mode_allow_header_add": true})),
    ] {
        let stack = STACK.with(&and(&decisions(&members), extra));
        let header = |path: &str, own: bool| {
            let request = Request::get(path);
            let request = if own { request.header("x-envoy-auth-failure-mode-allowed", "client") } else { request };
            stack.send(&request).upstream().header_values("x-envoy-auth-failure-mode-allowed")
        };
        let told: Vec<String> = told.into_iter().map(str::to_owned).collect();
        for path in ["/number", "/undefined"] {
            assert_eq!(header(path, false), told);
        }
        if told.is_empty() {
            assert_eq!(header("/allow", true), ["client"]);
        } else {
            assert_eq!(header("/allow", true), [""; 0], "a client does not say so");
            assert_eq!(header("/number", true), told);
        }
        stack.echo().clear();
        assert_unseen(&stack, &stack.send(&Request::get("/deny")), 403);
        assert_unseen(&stack, &stack.send(&Request::get("/number/%zz")), 400);
    }
}

#[test]
fn writing_a_request_header_picks_the_route_again() {
    let decision = json!({"allowed": true, "headers": {"x-canary": "1"}});
    let stack = Stack::sark(and(&decisions(&json!({ "x": decision, "y": true })), json!({"clear_route_cache": true})));
    let stack = stack.edit(|tree| {
        let manager = &mut tree["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
        let canary = json!({
            "match": {"prefix": "/", "headers": [{"name": "x-canary", "string_match": {"exact": "1"}}]},
            "direct_response": {"status": 299},
        });
        manager["route_config"]["virtual_hosts"][0]["routes"].as_array_mut().unwrap().insert(0, canary);
    });
    let stack = stack.start();
    assert_eq!(stack.send(&Request::get("/x")).status, 299);
    assert_eq!(stack.send(&Request::get("/y")).status, 200);
    let refused = stack.push(&and(&decisions(&json!({})), json!({"clear_route_cache": false}))).rejected();
    assert!(refused.contains("clear_route_cache: cannot be false"), "{refused}");
}

#[test]
// As a real `ext_authz` in the same Envoy does: Envoy's own headers take one value, to which another is appended.
fn response_headers_are_added_as_ext_authz_adds_them() {
    let decision = json!({
        "allowed": true,
        "headers": {":x": "1", "te": "trailers", "keep-alive": "x"},
        "response_headers_to_add": [
            {"Content-Type": "text/x"}, {"x-a": ["1", "2"], "etag": "e"}, {"server": "policy"},
            {"transfer-encoding": "chunked", "connection": "close", "upgrade": "websocket", ":status": "500", ":x": "1"},
        ],
    });
    let stack = deciding(&decision, json!({}));
    for protocol in BOTH {
        let request = Request::get("/x").protocol(protocol).header("x-upstream-set", "x-a=0");
        let reply = stack.send(&request.header("x-upstream-set", "etag=u"));
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.header_values("content-type"), ["application/json,text/x"], "{reply:?}");
        assert_eq!(reply.header_values("etag"), ["u,e"], "{reply:?}");
        assert_eq!(reply.header_values("x-a"), ["0", "1", "2"], "{reply:?}");
        assert_eq!(reply.header_values("server"), ["envoy"], "{reply:?}");
        assert_eq!((reply.header("connection"), reply.header("upgrade")), (None, None), "{reply:?}");
        assert_eq!(reply.upstream().header("te").as_deref(), Some("trailers"));
    }
}

#[test]
fn a_denial_may_close_the_connection_but_not_change_its_framing() {
    let headers = json!({"connection": "close", "upgrade": "websocket", "keep-alive": "timeout=5", "transfer-encoding": "chunked"});
    let stack = deciding(&json!({"allowed": false, "body": "no", "headers": headers}), json!({}));
    for protocol in BOTH {
        let reply = stack.send(&Request::get("/x").protocol(protocol));
        assert_unseen(&stack, &reply, 403);
        assert_eq!((reply.text().as_str(), reply.header("upgrade")), ("no", None));
    }
    let upgrade = Request::get("/x").header("connection", "Upgrade").header("upgrade", "websocket");
    let reply = stack.send(&upgrade);
    assert_unseen(&stack, &reply, 403);
    assert_eq!((reply.text().as_str(), reply.header("upgrade")), ("no", None));
}
