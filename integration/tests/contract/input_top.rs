//! Section 1.1: the keys of the input document; 1.9: the document as a whole.

use sark_integration::Request;
use serde_json::{Value, json};

use crate::row::Row;
use crate::setup::{Setup, echo};

static BODY: Setup = echo("a body of a kilobyte", || json!({"with_request_body": {"max_request_bytes": 1024}}));
static SKIP: Setup = echo(
    "skip_request_body_parse",
    || json!({"with_request_body": {"max_request_bytes": 1024}, "skip_request_body_parse": true}),
);
static SKIP_PARTIAL: Setup = echo("skip_request_body_parse and partial", || {
    json!({
        "with_request_body": {"max_request_bytes": 4, "allow_partial_message": true},
        "skip_request_body_parse": true,
    })
});

const JSON: &str = "application/json";

fn post(body: &str) -> Request {
    Request::post("/p").header("content-type", JSON).body(body)
}

pub fn rows() -> Vec<Row> {
    let mut rows = whole();
    rows.extend(keys());
    rows.extend(skipped());
    rows
}

fn keys() -> Vec<Row> {
    let get = || Request::get("/");
    vec![
        Row::echo("1.1 parsed_body is null, and not absent, where nothing is parsed", get()).is("/parsed_body", "null"),
        Row::echo("1.1 truncated_body is false where there is no body", get()).is("/truncated_body", "false"),
        Row::echo("1.1 parsed_path has a segment for /", get()).is("/parsed_path", r#"[""]"#),
        Row::echo("1.1 parsed_query is an empty object without a query", get()).is("/parsed_query", "{}"),
        Row::echo("1.1 4.2#43 no source_principal without a principal", get()).absent("/source_principal"),
        Row::echo("1.1 4.4#96 version is a constant", get())
            .is("/version", r#"{"ext_authz":"v3","encoding":"protojson"}"#),
        Row::echo("1.1 the keys of a request without a body", get()).holds("", "with six keys and no other", |input| {
            keys_are(input, &["attributes", "parsed_body", "parsed_path", "parsed_query", "truncated_body", "version"])
        }),
        Row::echo("1.1 the keys of attributes", get()).holds(
            "/attributes",
            "with five keys and no other",
            |attributes| {
                let keys = ["destination", "metadataContext", "request", "routeMetadataContext", "source"];
                keys_are(attributes, &keys)
            },
        ),
        Row::echo("1.1 both body keys with a body that is buffered", post("{}"))
            .setup(&BODY)
            .is("/parsed_body", "{}")
            .is("/truncated_body", "false"),
    ]
}

fn keys_are(value: &Value, expected: &[&str]) -> bool {
    value
        .as_object()
        .is_some_and(|object| object.len() == expected.len() && expected.iter().all(|key| object.contains_key(*key)))
}

fn whole() -> Vec<Row> {
    let body = r#"{"a":"x","d":null}"#;
    let document = r#"{
        "attributes": {
            "destination": {"address": {"socketAddress": {"address": "127.0.0.1", "portValue": "*"}}},
            "metadataContext": {},
            "request": {
                "http": {
                    "body": "{\"a\":\"x\",\"d\":null}",
                    "headers": {
                        ":authority": "sark.test", ":method": "POST", ":path": "/p", ":scheme": "http",
                        "content-length": "18", "content-type": "application/json",
                        "x-envoy-auth-partial-body": "false", "x-forwarded-proto": "http", "x-request-id": "*",
                        "x-peer": "*"
                    },
                    "host": "sark.test", "id": "*", "method": "POST", "path": "/p", "protocol": "*",
                    "scheme": "http", "size": 18
                },
                "time": {"nanos": "*", "seconds": "*"}
            },
            "routeMetadataContext": {},
            "source": {"address": {"socketAddress": {"address": "127.0.0.1", "portValue": "*"}}}
        },
        "parsed_body": {"a": "x", "d": null},
        "parsed_path": ["p"],
        "parsed_query": {},
        "truncated_body": false,
        "version": {"encoding": "protojson", "ext_authz": "v3"}
    }"#;
    vec![Row::echo("1.9 the example, whole", post(body)).setup(&BODY).like("", document)]
}

fn skipped() -> Vec<Row> {
    let without = |name: &str, request: Request| {
        Row::echo(name, request).setup(&SKIP).absent("/parsed_body").absent("/truncated_body")
    };
    vec![
        without("1.1 skip: no body keys for JSON", post("{}")).is("/attributes/request/http/body", r#""{}""#),
        without("1.1 4.4#79 skip: what is no JSON is no error", post("[\"foo\" : 42}")),
        without(
            "1.1 skip: no body keys for a form",
            Request::post("/").header("content-type", "application/x-www-form-urlencoded").body("a=%zz"),
        ),
        without("1.1 skip: no body keys without a body", Request::get("/")),
        without("1.1 skip: size stays", post("{}")).is("/attributes/request/http/size", "2"),
        without("3.1 skip: the path is still parsed", Request::get("/a%2Fb")).is("/parsed_path", r#"["a","b"]"#),
        without("3.1 skip: the query is still parsed", Request::get("/?a=1")).is("/parsed_query", r#"{"a":["1"]}"#),
        without("1.1 skip: a body that is cut", post("{\"a\": 1}"))
            .setup(&SKIP_PARTIAL)
            .is("/attributes/request/http/body", r#""{\"a\"""#),
        Row::echo("3.1 skip: a bad escape in the path is still 400", Request::get("/%zz")).setup(&SKIP).bad_request(),
        Row::echo("3.1 skip: a bad query is still 400", Request::get("/?a;b")).setup(&SKIP).bad_request(),
    ]
}
