//! Decided inline: what the client gets and what the upstream sees.

use std::sync::Mutex;

use sark_integration::{Connection, Http2, Protocol, Request, Response, Shared, Stack, Turn, configuration, headers};
use serde_json::{Value, json};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

static STACK: Shared = Shared::new(|| Mutex::new(Stack::sark(policy()).workers(2).start()));

/// The first segment of the path says what is to be decided.
fn policy() -> Value {
    configuration::of(
        r#"
kind := input.parsed_path[0]

default result := false

result := true if kind == "yes"

result := {"allowed": true} if kind == "object"

result := {
	"allowed": true,
	"headers": {
		"x-set": "new",
		"x-over": "policy",
		"X-Upper": "case",
		"x-both": "set",
		"x-empty": "",
		"x-list": ["first", "last"],
	},
	"request_headers_to_remove": ["x-remove", "X-Both", "host", ":method", "x-absent"],
	"query_parameters_to_set": {"b": "new", "z": ["1", "2"]},
	"query_parameters_to_remove": ["gone"],
} if kind == "changed"

result := {"allowed": true, "query_parameters_to_remove": ["only"]} if kind == "emptied"

result := {
	"allowed": true,
	"headers": {":path": "/moved?b=2", ":method": "PUT"},
	"query_parameters_to_set": {"a": "1"},
	"body": 7,
	"http_status": "nonsense of the other branch",
} if kind == "rerouted"

result := {
	"allowed": true,
	"response_headers_to_add": {"x-added": ["1", "2"], "set-cookie": ["c=3", "d=4"]},
} if kind == "answer"

result := {
	"allowed": false,
	"http_status": 429,
	"body": "slow down",
	"headers": {"set-cookie": ["a=1", "b=2"], "retry-after": "7"},
	"request_headers_to_remove": "nonsense of the other branch",
} if kind == "denied"

result := {"allowed": false, "body": "{}", "headers": [{"content-type": "application/json"}]} if kind == "typed"

result := {"allowed": false} if kind == "bare"

result := data.odd[input.parsed_path[1]] if kind == "odd"
"#,
    )
}

/// The reply's headers without what Envoy adds to every one, sorted by name.
fn own_headers(reply: &Response) -> Vec<(String, String)> {
    let common = ["date", "server", "transfer-encoding", "x-envoy-upstream-service-time"];
    let mut own = sorted(&reply.headers);
    own.retain(|(name, value)| {
        !common.contains(&name.as_str()) && (name.as_str(), value.as_str()) != ("content-length", "0")
    });
    own
}

/// By name; the values of one name keep their order.
fn sorted(list: &headers::Headers) -> Vec<(String, String)> {
    let mut list: Vec<_> = list.iter().map(|(name, value)| (name.to_lowercase(), headers::text(value))).collect();
    list.sort_by(|one, other| one.0.cmp(&other.0));
    list
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Every header that the upstream got, but for those Envoy itself adds to every request.
fn upstream_headers(reply: &Response) -> Vec<(String, String)> {
    let envoys = ["x-envoy-expected-rq-timeout-ms", "x-forwarded-for", "x-forwarded-proto", "x-request-id"];
    let address = ["x-envoy-external-address", "x-envoy-internal"];
    let upstream = reply.upstream();
    for name in envoys {
        assert_eq!(upstream.header_values(name).len(), 1, "{name}: {upstream:?}");
    }
    let mut all = sorted(&upstream.headers);
    all.retain(|(name, _)| !envoys.contains(&name.as_str()) && !address.contains(&name.as_str()));
    all
}

#[track_caller]
fn assert_denied_unseen(stack: &Turn<'_>, reply: &Response, status: u16) {
    assert_eq!(reply.status, status, "{reply:?}");
    assert!(stack.echo().received().is_empty(), "something reached the upstream: {:?}", stack.echo().received());
}

#[test]
fn what_is_allowed_arrives_upstream_as_it_was_sent() {
    let stack = STACK.with(&policy());
    for protocol in BOTH {
        for path in ["/yes/a%20b?c=%7E&&d", "/object"] {
            let request = Request::post(path)
                .protocol(protocol)
                .header("x-twice", "1")
                .header("x-twice", "2")
                .header("x-raw", b"caf\xe9")
                .header("cookie", "a=1")
                .body("hello");
            let reply = stack.send(&request);
            let upstream = reply.upstream();
            assert_eq!((reply.status, upstream.method.as_str(), upstream.path.as_str()), (200, "POST", path));
            assert_eq!(upstream.header_bytes("x-raw"), Some(&b"caf\xe9"[..]));
            let own = [("content-length", "5"), ("cookie", "a=1"), ("host", "sark.test"), ("x-raw", "caf\u{fffd}")];
            let twice = [("x-twice", "1"), ("x-twice", "2")];
            assert_eq!(upstream_headers(&reply), pairs(&[&own[..], &twice[..]].concat()));
            assert_eq!(upstream.body_text(), "hello");
            let own: Vec<_> = own_headers(&reply).into_iter().filter(|(name, _)| name != "content-length").collect();
            assert_eq!(own, pairs(&[("content-type", "application/json")]), "the client's view");
        }
    }
    let paths: Vec<_> = stack.echo().received().into_iter().map(|request| request.path).collect();
    assert_eq!(paths.len(), 4, "each once: {paths:?}");
}

#[test]
fn bodies_chunks_and_trailers_of_an_allowed_request_pass() {
    let stack = STACK.with(&policy());
    let request = Request::post("/yes").h2().frames(["one", "two"]).trailer("x-last", "three");
    let upstream = stack.send(&request).upstream();
    assert_eq!((upstream.body_text().as_str(), upstream.complete), ("onetwo", true));
    let upstream = stack.send(&Request::post("/yes").frames(vec!["x"; 1000])).upstream();
    assert_eq!(upstream.body.len(), 1000);
    let upstream = stack.send(&Request::post("/yes").body(vec![b'x'; 3_000_000])).upstream();
    assert_eq!(upstream.body.len(), 3_000_000, "without with_request_body nothing is held");
}

#[test]
fn by_default_everything_is_denied() {
    let stack = STACK.with(&policy());
    for protocol in BOTH {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"] {
            let reply = stack.send(&Request::new(method, "/nothing/of/the/kind").protocol(protocol));
            assert_denied_unseen(&stack, &reply, 403);
            assert_eq!((own_headers(&reply), reply.text().as_str()), (vec![], ""), "{method} {protocol:?}");
        }
    }
    assert_eq!(stack.envoy().access_of("/nothing/of/the/kind").unwrap()["details"], "sark_denied");
}

#[test]
fn a_denial_has_the_policys_status_body_and_headers() {
    let stack = STACK.with(&policy());
    for protocol in BOTH {
        let reply = stack.send(&Request::get("/denied").protocol(protocol));
        assert_denied_unseen(&stack, &reply, 429);
        assert_eq!(reply.text(), "slow down");
        let expected = [
            ("content-length", "9"),
            ("content-type", "text/plain"),
            ("retry-after", "7"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
        ];
        assert_eq!(own_headers(&reply), pairs(&expected));

        let head = stack.send(&Request::new("HEAD", "/denied").protocol(protocol));
        assert_denied_unseen(&stack, &head, 429);
        assert_eq!((head.text().as_str(), head.header_values("set-cookie").len()), ("", 2));

        let typed = stack.send(&Request::get("/typed").protocol(protocol));
        assert_denied_unseen(&stack, &typed, 403);
        assert_eq!(own_headers(&typed), pairs(&[("content-length", "2"), ("content-type", "application/json")]));

        let bare = stack.send(&Request::get("/bare").protocol(protocol));
        assert_denied_unseen(&stack, &bare, 403);
        assert_eq!((own_headers(&bare), bare.text().as_str()), (vec![], ""));
    }
    let line = stack.envoy().access_of("/denied").unwrap();
    assert_eq!((&line["details"], &line["implementation"]), (&json!("sark_denied"), &json!("rust")));
    assert_eq!((&line["allowed"], &line["error"]), (&Value::Null, &Value::Null));
}

#[test]
fn nothing_of_a_denied_request_reaches_the_upstream() {
    let stack = STACK.with(&policy());
    for protocol in BOTH {
        let post = Request::post("/denied").protocol(protocol);
        for request in [
            post.clone().body("hello"),
            post.clone().body(vec![b'x'; 500_000]),
            post.clone().frames(vec!["x"; 50]),
            post.clone().frames(["x"]).trailer("x-last", "1"),
            post.clone().header("expect", "100-continue").body("hello"),
        ] {
            assert_denied_unseen(&stack, &stack.send(&request), 429);
        }
    }
    // The rest of the body never comes, or comes after the answer.
    let mut half = Connection::open(stack.address()).unwrap();
    half.write("POST /denied HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345").unwrap();
    assert_denied_unseen(&stack, &half.response("POST").unwrap(), 429);
    let connection = Http2::open(stack.address()).unwrap();
    let mut stream = connection.start(&Request::post("/denied"), false).unwrap();
    let head = stream.head().unwrap();
    let _ = stream.data("late", true);
    assert_denied_unseen(&stack, &head, 429);
    // The same connection serves the next request, and only that one arrives.
    assert_eq!(connection.exchange(&Request::get("/yes/next")).unwrap().status, 200);
    assert_eq!(stack.echo().count(), 1);
}

#[test]
fn the_upstream_sees_exactly_the_changed_request() {
    let stack = STACK.with(&policy());
    for protocol in BOTH {
        let request = Request::get("/changed?z=old&b=old&gone=1&bare&b=again&a=%20&gone=2")
            .protocol(protocol)
            .header("x-over", "client")
            .header("x-over", "client again")
            .header("x-keep", "1")
            .header("x-remove", "1")
            .header("x-keep", "2")
            .header("x-remove", "2")
            .header("x-both", "client");
        let reply = stack.send(&request);
        let upstream = reply.upstream();
        assert_eq!((reply.status, upstream.method.as_str(), upstream.authority.as_str()), (200, "GET", "sark.test"));
        assert_eq!(upstream.path, "/changed?a=%20&b=new&bare=&z=2");
        let own = [
            ("host", "sark.test"),
            ("x-empty", ""),
            ("x-keep", "1"),
            ("x-keep", "2"),
            ("x-list", "last"),
            ("x-over", "policy"),
            ("x-set", "new"),
            ("x-upper", "case"),
        ];
        assert_eq!(upstream_headers(&reply), pairs(&own));
    }
}

#[test]
fn path_and_method_can_be_changed_and_the_query_with_them() {
    let stack = STACK.with(&policy());
    for protocol in BOTH {
        let upstream = stack.send(&Request::get("/rerouted?lost=1").protocol(protocol)).upstream();
        assert_eq!((upstream.method.as_str(), upstream.path.as_str()), ("PUT", "/moved?a=1&b=2"));
        let upstream = stack.send(&Request::get("/emptied?only=1").protocol(protocol)).upstream();
        assert_eq!(upstream.path, "/emptied", "no ? is left over");
    }
}

#[test]
fn response_headers_are_added_to_the_upstreams() {
    let stack = STACK.with(&policy());
    for protocol in BOTH {
        let request = Request::get("/answer")
            .protocol(protocol)
            .header("x-upstream-status", "404")
            .header("x-upstream-set", "x-added=0")
            .header("x-upstream-set", "set-cookie=a=1");
        let reply = stack.send(&request);
        assert_eq!(reply.status, 404);
        assert_eq!(reply.header_values("x-added"), ["0", "1", "2"]);
        assert_eq!(reply.header_values("set-cookie"), ["a=1", "c=3", "d=4"]);
        assert_eq!(reply.upstream().header("x-added"), None, "they are the client's");
        // Also when the upstream never answers.
        let broken = stack.send(&Request::get("/answer").protocol(protocol).header("x-upstream-close", "1"));
        assert_eq!((broken.status, broken.header_values("x-added").len()), (503, 2));
    }
}

#[test]
fn a_decision_that_is_none_is_an_error_and_not_let_through() {
    let odd = json!({
        "null": null, "number": 1, "text": "true", "list": [true], "empty": {}, "misspelt": {"allow": true},
        "one": {"allowed": 1}, "string": {"allowed": "true"},
        "headers": {"allowed": true, "headers": {"x-a": 1}},
        "remove": {"allowed": true, "request_headers_to_remove": "x-a"},
        "added": {"allowed": true, "response_headers_to_add": {"x-a": [1]}},
        "query": {"allowed": true, "query_parameters_to_remove": "x"},
        "metadata": {"allowed": true, "dynamic_metadata": 1},
        "status": {"allowed": false, "http_status": "403"},
        "status_unknown": {"allowed": false, "http_status": 418},
        "status_float": {"allowed": false, "http_status": 403.5},
        "body": {"allowed": false, "body": {"a": 1}, "headers": {"x-policy": "1"}},
    });
    let stack = STACK.with(&configuration::and(&policy(), json!({"policy": {"data": {"odd": odd}}})));
    for name in odd.as_object().unwrap().keys() {
        let counts = [
            ("sark_decisions_total.implementation.none.result.failure_mode_deny", 1),
            ("feature_flag_assignments_total.feature.rust_opa.implementation.rust", 1),
            ("opa_evaluation_errors_total.implementation.rust.reason.bad_result", 1),
        ];
        stack.assert_counts(&counts, || {
            let reply = stack.send(&Request::get(format!("/odd/{name}")));
            assert_denied_unseen(&stack, &reply, 403);
            assert_eq!((own_headers(&reply), reply.text().as_str()), (vec![], ""), "{name}");
        });
        let line = stack.envoy().access_of(&format!("/odd/{name}")).unwrap();
        assert_eq!((&line["details"], &line["error"]), (&json!("sark_error"), &json!("rust:bad_result")), "{name}");
    }
}

#[test]
fn a_request_that_cannot_be_read_is_answered_400_whatever_the_failure_mode() {
    let stack =
        STACK.with(&configuration::and(&policy(), json!({"failure_mode_allow": true, "debug_header": "x-decided-by"})));
    let many = format!("/yes?{}a", "a&".repeat(10_000));
    for protocol in BOTH {
        for target in ["/yes/%zz", "/yes?a=%2", "/yes?a=1;b=2", many.as_str()] {
            let counts = [("sark_decisions_total.implementation.none.result.bad_request", 1)];
            stack.assert_counts(&counts, || {
                let reply = stack.send(&Request::get(target).protocol(protocol));
                assert_denied_unseen(&stack, &reply, 400);
                assert!(reply.text().starts_with("request_parse_error: "), "{reply:?}");
                assert_eq!(reply.header("x-decided-by").as_deref(), Some("none"));
            });
        }
    }
    assert_eq!(stack.envoy().access_of("/yes?a=%2").unwrap()["details"], "sark_bad_request");
    let most = format!("/yes?{}a", "a&".repeat(9_999));
    assert_eq!(stack.send(&Request::get(most)).status, 200);
}

#[test]
fn every_decision_is_counted_once() {
    let stack = STACK.with(&policy());
    let rust = "feature_flag_assignments_total.feature.rust_opa.implementation.rust";
    let allow = ("sark_decisions_total.implementation.rust.result.allow", 1);
    stack.assert_counts(&[allow, (rust, 1)], || assert_eq!(stack.send(&Request::post("/yes").body("a")).status, 200));
    let deny = ("sark_decisions_total.implementation.rust.result.deny", 1);
    stack.assert_counts(&[deny, (rust, 1)], || assert_eq!(stack.send(&Request::post("/no").body("a")).status, 403));
    let line = stack.envoy().access_of("/yes").unwrap();
    assert_eq!((&line["allowed"], &line["implementation"]), (&json!("1"), &json!("rust")));
    assert_eq!((&line["error"], &line["details"]), (&Value::Null, &json!("via_upstream")));
}
