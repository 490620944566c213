//! Section 4.4: the plugin's own whole cases, with its policy of roles (as `TestEval` and the others have it).

use sark_integration::Request;
use serde_json::{Value, json};

use crate::row::Row;
use crate::setup::{Setup, result};

static BODY: Setup = result("the plugin's cases", || json!({"with_request_body": {"max_request_bytes": 100}}));
static PARTIAL: Setup = result(
    "the plugin's cases, partial",
    || json!({"with_request_body": {"max_request_bytes": 8, "allow_partial_message": true}}),
);
static SKIP: Setup = result(
    "the plugin's cases, skipping",
    || json!({"with_request_body": {"max_request_bytes": 100}, "skip_request_body_parse": true}),
);

/// The decision's path, with slashes too many.
static SLASHES: Setup = result("a path with slashes", || json!({"policy": {"path": "//envoy//authz/result/"}}));

/// What the plugin's test policy allows: roles of basic-auth users, one path with a query, one JSON body.
const ROLES: &str = r#"count([1 |
	[user, _] := split(base64.decode(substring(http.headers.authorization, 6, -1)), ":")
	role := {"alice": "guest", "bob": "admin"}[user]
	{"method": http.method, "path": http.path} in {
		"guest": {{"method": "GET", "path": "/productpage"}},
		"admin": {{"method": "GET", "path": "/productpage"}, {"method": "GET", "path": "/api/v1/products"}},
	}[role]
]) > 0"#;
const PATH: &str = r#"count([1 | input.parsed_path == ["my", "test", "path"]; input.parsed_query == {"a": ["1", "2"], "x": ["y"]}]) > 0"#;
const PERSON: &str = r#"count([1 | input.parsed_body.firstname == "foo"; input.parsed_body.lastname == "bar"]) > 0"#;

fn user(path: &str, name: &str) -> Request {
    let token = match name {
        "alice" => "YWxpY2U6cGFzc3dvcmQ=",
        _ => "Ym9iOnBhc3N3b3Jk",
    };
    Request::get(path).header("authorization", format!("Basic {token}"))
}

fn json_body(body: &Value) -> Request {
    Request::post("/").header("content-type", "application/json").body(body.to_string())
}

pub fn rows() -> Vec<Row> {
    let person = json_body(&json!({"firstname": "foo", "lastname": "bar"}));
    let version = r#"input.version == {"ext_authz": "v3", "encoding": "protojson"}"#;
    let keyless = r#"count([1 | input.parsed_body != "x"]) + count([1 | input.truncated_body != "x"]) == 0"#;
    vec![
        Row::decides("4.4#63 CheckAllow, #105 bob /api/v1/products", ROLES)
            .ask(user("/api/v1/products", "bob"))
            .allow(),
        Row::decides("4.4#64 CheckDeny, #105 alice /api/v1/products", ROLES).ask(user("/api/v1/products", "alice")),
        Row::decides("4.4#105 alice /productpage", ROLES).ask(user("/productpage", "alice")).allow(),
        Row::decides("4.4#105 bob /productpage", ROLES).ask(user("/productpage", "bob")).allow(),
        Row::decides("4.4#105 nobody /productpage", ROLES).ask(Request::get("/productpage")),
        Row::decides("4.4#65 AllowParsedPath", PATH).ask(Request::get("/my/test/path?a=1&a=2&x=y")).allow(),
        Row::decides("3.1 4.4#97 slashes of the path are ignored: allowed", "true").setup(&SLASHES).allow(),
        Row::decides("3.1 4.4#97 slashes of the path are ignored: denied", "false").setup(&SLASHES),
        Row::decides("4.4#65 another query", PATH).ask(Request::get("/my/test/path?a=2&a=1&x=y")),
        Row::decides("4.4#66 AllowParsedBody", PERSON).setup(&BODY).ask(person).allow(),
        Row::decides("4.4#67 DenyParsedBody", PERSON).setup(&BODY).ask(Request::post("/").body("foo")),
        Row::decides("4.4#76 IllegalDecision", "1").error(),
        Row::decides("4.4#77 DenyDecisionTruncatedBody", "input.truncated_body == false")
            .setup(&PARTIAL)
            .ask(json_body(&json!({"a": "0123456789"}))),
        Row::decides("4.4#78 DecisionTruncatedBody", "input.truncated_body == false")
            .setup(&PARTIAL)
            .ask(json_body(&json!([1])))
            .allow(),
        Row::decides("4.4#79 AllowDecisionWithSkipRequestBodyParse", keyless)
            .setup(&SKIP)
            .ask(Request::post("/").header("content-type", "application/json").body("[\"foo\" : 42}"))
            .allow(),
        Row::decides("4.4#80 BadDecision", "true")
            .setup(&BODY)
            .ask(Request::post("/").header("content-type", "application/json").body("[\"foo\" : 42}"))
            .bad_request(),
        Row::decides("4.4#82 BadReqHeadersToRemove", r#"{"allowed": true, "request_headers_to_remove": "foo"}"#)
            .error(),
        Row::decides("4.4#96 VersionInfoInputV3", version).allow(),
    ]
}
