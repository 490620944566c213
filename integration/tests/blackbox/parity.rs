//! The same requests get the same answers inline and from a real OPA with the same policy.

use sark_integration::parity::{assert_same_answers, over_both};
use sark_integration::{Remote, Request, Stack, configuration};
use serde_json::{Value, json};

/// Returns pieces of the input document: what differs there differs in the answer.
const MIRROR: &str = r#"package envoy.authz

import input.attributes.request.http as http

default result := {"allowed": false, "http_status": 404}

result := {
	"allowed": http.method != "DELETE",
	"headers": seen,
	"response_headers_to_add": seen,
	"http_status": 409,
	"body": concat("|", input.parsed_path),
} if {
	names := sort([name | some name, _ in http.headers])
	queries := sort([concat("", [key, "=", concat("+", values)]) | some key, values in input.parsed_query])
	length := [size | size := object.get(http.headers, "content-length", "none")]
	seen := {
		"x-path": http.path,
		"x-parsed-path": concat("|", input.parsed_path),
		"x-parsed-query": concat("&", queries),
		"x-names": concat(",", names),
		"x-method": http.method,
		"x-host": http.host,
		"x-scheme": http.scheme,
		"x-protocol": http.protocol,
		"x-multi": object.get(http.headers, "x-multi", "none"),
		"x-raw": object.get(http.headers, "x-raw", "none"),
		"x-cookie": object.get(http.headers, "cookie", "none"),
		"x-length": concat("", length),
		"x-body": object.get(http, "body", "none"),
		"x-size": concat("", [text | text := format_int(object.get(http, "size", 0), 10)]),
		"x-json": concat(",", leaves),
	}
}

leaves := sort([text |
	is_object(input.parsed_body)
	some key, value in input.parsed_body
	is_string(value)
	text := concat("=", [key, value])
])
"#;

/// An example as a plan and as text, beside a real OPA with it.
fn example(name: &str) -> (Stack, [Value; 2]) {
    let ways = [configuration::example(name), configuration::example_source(name)];
    (Stack::sark(ways[0].clone()).remote(Remote::Files(configuration::example_files(name))).start(), ways)
}

#[test]
fn the_rbac_policy_answers_alike_inline_and_remotely() {
    let (stack, ways) = example("rbac-api");
    let mut requests = Vec::new();
    for user in ["alice", "bob", "carol", "dave", "mallory", "nobody", "alice,bob", ""] {
        for (method, path) in [
            ("GET", "/api/orders"),
            ("HEAD", "/api/orders/7"),
            ("POST", "/api/orders"),
            ("PUT", "/api/%6frders/7"),
            ("PATCH", "/api/customers/7/notes"),
            ("DELETE", "/api/orders/7"),
            ("OPTIONS", "/api/orders"),
            ("GET", "/api/users/alice"),
            ("POST", "/api/customers/7/notes"),
            ("GET", "/api/reports/2026/11?deep=1"),
            ("GET", "/health"),
            ("GET", "/health/"),
        ] {
            requests.push(Request::new(method, path).header("x-user", user));
        }
    }
    requests.push(Request::get("/api/orders").header("x-user", "alice").header("x-user", "bob"));
    requests.push(Request::get("/api/orders"));
    requests.push(Request::get("/health"));
    assert_same_answers(&stack, &ways, &over_both(requests), &[200, 403]);
}

#[test]
fn the_claims_policy_answers_alike_inline_and_remotely() {
    let (stack, ways) = example("jwt-claims");
    let claims = [
        // {"sub":"u1","tenant":"acme","scope":"orders:read orders:write"}
        "eyJzdWIiOiJ1MSIsInRlbmFudCI6ImFjbWUiLCJzY29wZSI6Im9yZGVyczpyZWFkIG9yZGVyczp3cml0ZSJ9",
        // {"sub":"u2","tenant":"acme","scope":["invoices:read"]}
        "eyJzdWIiOiJ1MiIsInRlbmFudCI6ImFjbWUiLCJzY29wZSI6WyJpbnZvaWNlczpyZWFkIl19",
        // {"tenant":"acme"}
        "eyJ0ZW5hbnQiOiJhY21lIn0",
        // [1]
        "WzFd",
        "no base64!",
        "",
    ];
    let mut requests = Vec::new();
    for claims in claims {
        for (method, path) in [
            ("GET", "/tenants/acme/orders/7"),
            ("POST", "/tenants/acme/orders"),
            ("DELETE", "/tenants/acme/orders/7"),
            ("GET", "/tenants/acme/invoices"),
            ("HEAD", "/tenants/other/orders"),
            ("OPTIONS", "/tenants/acme/orders"),
            ("GET", "/tenants/acme/%6frders?x=1"),
            ("GET", "/tenants"),
            ("GET", "/"),
        ] {
            requests.push(Request::new(method, path).header("x-jwt-payload", claims));
        }
    }
    requests.push(Request::get("/tenants/acme/orders"));
    assert_same_answers(&stack, &ways, &over_both(requests), &[200, 401, 403]);
}

#[test]
fn the_gateway_policy_answers_alike_inline_and_remotely() {
    let (stack, ways) = example("ai-gateway");
    let call = |name: &str, arguments: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{name}","arguments":{arguments}}}}}"#
        )
    };
    let bodies = [
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":1,"method":"resources/read"}"#.to_owned(),
        r#"{"jsonrpc":"1.0","method":"ping"}"#.to_owned(),
        r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#.to_owned(),
        call("search_web", r#"{"query":"rust","max_results":20}"#),
        call("search_web", r#"{"query":"rust","max_results":20.5}"#),
        call("search_web", r#"{"max_results":"5"}"#),
        call("search_web", r#"{"query":"rust","other":1}"#),
        call("read_file", r#"{"path":"/srv/papers/a.pdf"}"#),
        call("read_file", r#"{"path":"/srv/papers/../a.pdf"}"#),
        call("read_file", r#"{"path":"/srv/invoices/a.pdf"}"#),
        call("query_database", r#"{"database":"catalogue","limit":1e2}"#),
        call("query_database", r#"{"database":"catalogue"}"#),
        call("transfer_funds", r#"{"amount":500,"currency":"EUR","to":"DE02120300000000202051"}"#),
        call("transfer_funds", r#"{"amount":500.01,"currency":"EUR","to":"DE02120300000000202051"}"#),
        call("search_web", "[]"),
        call("search_web", "null"),
        "null".to_owned(),
        "7".to_owned(),
        "{not json".to_owned(),
        format!(r#"{{"jsonrpc":"2.0","method":"ping","pad":"{}"}}"#, "x".repeat(70_000)),
    ];
    let mut requests = Vec::new();
    for agent in ["research-1", "books-1", "nobody"] {
        for body in &bodies {
            let post = Request::post("/mcp").header("x-agent", agent).header("content-type", "application/json");
            requests.push(post.body(body));
        }
        requests.extend(
            ["GET", "DELETE", "PUT", "POST"].map(|method| Request::new(method, "/mcp").header("x-agent", agent)),
        );
    }
    assert_same_answers(&stack, &ways, &over_both(requests), &[200, 400, 403, 413]);
}

#[test]
fn the_document_itself_is_alike_inline_and_remotely() {
    let body = json!({"with_request_body": {"max_request_bytes": 1000, "allow_partial_message": true}});
    let ways = [configuration::planned, configuration::source]
        .map(|way| configuration::and(&way(MIRROR, &json!({}), "envoy/authz/result"), body.clone()));
    let stack = Stack::sark(ways[0].clone())
        .remote(Remote::Policy(MIRROR.to_owned(), json!({})))
        .options(|options| options.normalize_path = false)
        .start();

    let mut requests = Vec::new();
    for method in
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "PURGE", "REPORT", "MKCOL"]
    {
        requests.push(Request::new(method, "/methods/a?b=c"));
    }
    for path in [
        "/",
        "/a",
        "/a/",
        "/a//b",
        "//a",
        "///a",
        "///",
        "/a%2Fb",
        "/%2F%2Fa",
        "/a%20b+c",
        "/a%3Fb=1?q",
        "/./b/../c",
        "/a;p=1",
        "/a%C3%A9",
        "/a%5Cb",
        "/%zz",
        "/%2",
    ] {
        requests.push(Request::get(path));
        requests.push(Request::new("DELETE", path));
    }
    for query in [
        "x=1&x=2&y",
        "x=a+b%2Bc",
        "b?c=d",
        "",
        "=v",
        "&&x&",
        "x=1=2",
        "A=1&a=2",
        "x=%C3%A9",
        "x=%zz",
        "a;b",
        "x=1%26y=2",
    ] {
        requests.push(Request::get(format!("/query?{query}")));
    }
    for (name, value) in [
        ("x-multi", &b"1"[..]),
        ("x-multi", b""),
        ("x-raw", b"caf\xe9"),
        ("x-raw", "h\u{e9}".as_bytes()),
        ("cookie", b"a=1; b=2"),
        ("x-envoy-auth-partial-body", b"true"),
        ("te", b"trailers"),
    ] {
        requests.push(Request::get("/headers").header(name, value));
    }
    requests.push(Request::get("/headers").header("x-multi", "1").header("x-multi", "2").header("x-multi", ""));
    requests.push(Request::get("/host").authority("other.test:8080"));
    for (content_type, body) in [
        ("application/json", r#"{"a":"b","c":"\u00e9","n":1.0,"big":12345678901234567890123,"x":null}"#),
        ("application/json", r#"{"a":"first","a":"last"}"#),
        ("application/json", r#"  {"a":"\ud800"}  "#),
        ("application/json", r#""text""#),
        ("application/json", "null"),
        ("application/json", ""),
        ("application/json", "{}{}"),
        ("application/json", "nonsense"),
        ("application/json; charset=utf-8", r#"{"a":"b"}"#),
        ("Application/JSON", r#"{"a":"b"}"#),
        ("application/vnd.api+json", r#"{"a":"b"}"#),
        ("application/x-www-form-urlencoded", "a=1&a=2&b=+%2B"),
        ("application/x-www-form-urlencoded", "a=1;b=2"),
        ("text/plain", "hello"),
    ] {
        requests.push(Request::post("/body").header("content-type", content_type).body(body));
    }
    for value in ["1e400", "-1e-400", "-0.0", "1E+7", "0.1", "123456789.123456789012345678901234567890"] {
        let body = format!(r#"{{"a":"b","n":{value}}}"#);
        requests.push(Request::post("/numbers").header("content-type", "application/json").body(body));
    }
    for depth in [100, 450] {
        let body = format!(r#"{{"a":"b","n":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        requests.push(Request::post("/deep").header("content-type", "application/json").body(body));
    }
    requests.push(Request::post("/body").body("no type"));
    let json = Request::post("/body").header("content-type", "application/json");
    requests.push(json.clone().frames([r#"{"a""#, r#":"chunked"}"#]));
    requests.push(json.body(format!(r#"{{"a":"{}"}}"#, "x".repeat(2000))));

    let mut requests = over_both(requests);
    requests.push(Request::get("http://elsewhere.test/absolute?z=1"));
    requests.push(Request::new("BREW", "/custom").h2());
    requests.push(
        Request::post("/body")
            .h2()
            .frames([r#"{"a":"b"}"#])
            .header("content-type", "application/json")
            .trailer("x-last", "1"),
    );
    assert_same_answers(&stack, &ways, &requests, &[200, 400, 409]);
}

#[test]
fn an_opa_that_is_held_or_killed_is_felt_only_by_remote_users() {
    let (stack, ways) = example("rbac-api");
    let half = json!({
        "remote": {"cluster": "opa", "timeout": "0.5s"},
        "features": {"rust_opa": {"rollout_percentage": 50}},
    });
    stack.push(&configuration::and(&ways[0], half)).accepted();
    // bob is inline at 50 %, alice is not (docs/configuration.md).
    let statuses =
        || ["bob", "alice"].map(|user| stack.send(&Request::get("/api/orders").header("x-user", user)).status);
    assert_eq!(statuses(), [200, 200]);
    stack.opa().pause().unwrap();
    assert_eq!(statuses(), [200, 403], "held");
    stack.opa().kill();
    assert_eq!(statuses(), [200, 403], "killed");
    let reasons = stack.stats("wasmcustom.opa_evaluation_errors_total.implementation.remote");
    let counted: Vec<_> =
        reasons.iter().filter(|(_, count)| **count > 0).map(|(name, _)| name.rsplit('.').next()).collect();
    assert_eq!(counted, [Some("status_503"), Some("timeout")]);
    stack.opa().restart().unwrap();
    assert_eq!(statuses(), [200, 200], "back again");
}
