//! Section 1.7: buffering and truncation.

use sark_integration::Request;
use serde_json::json;

use crate::outcome::Outcome;
use crate::row::Row;
use crate::setup::{Setup, echo};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=x";

/// The limit: 16 bytes.
static WHOLE: Setup = echo("16 bytes, whole", || json!({"with_request_body": {"max_request_bytes": 16}}));
static PARTIAL: Setup = echo(
    "16 bytes, partial",
    || json!({"with_request_body": {"max_request_bytes": 16, "allow_partial_message": true}}),
);
static PARTIAL_BYTES: Setup = echo(
    "16 bytes, partial, as bytes",
    || json!({"with_request_body": {"max_request_bytes": 16, "allow_partial_message": true, "pack_as_bytes": true}}),
);
static OPEN: Setup = echo(
    "16 bytes, whole, failure_mode_allow and dry_run",
    || json!({"with_request_body": {"max_request_bytes": 16}, "failure_mode_allow": true, "dry_run": true}),
);

fn post(content_type: &str, body: &str) -> Request {
    Request::post("/b").header("content-type", content_type).body(body)
}

/// A row about a body, with `parsed_body` and `truncated_body`.
fn row(name: &str, setup: &'static Setup, request: Request, parsed: &str, truncated: bool) -> Row {
    let name = format!("1.7 {name}");
    Row::echo(name, request).setup(setup).is("/parsed_body", parsed).is("/truncated_body", truncated.to_string())
}

pub fn rows() -> Vec<Row> {
    let mut rows = limits();
    rows.extend(partial_and_none());
    rows.extend(truncation());
    rows
}

fn chunks(body: &str) -> Request {
    Request::post("/b").header("content-type", JSON).frames(body.as_bytes().chunks(3))
}

fn plain(name: &str, request: Request) -> Row {
    Row::echo(format!("1.7 {name}"), request)
}

fn limits() -> Vec<Row> {
    // 16 and 17 bytes.
    let (exact, over) = (r#"{"a":"12345678"}"#, r#"{"a":"123456789"}"#);
    let parsed = r#"{"a":"12345678"}"#;
    vec![
        plain("without with_request_body a body is null and not truncated", post(JSON, "[1]"))
            .is("/parsed_body", "null")
            .is("/truncated_body", "false")
            .absent("/attributes/request/http/body"),
        plain("without with_request_body what is no JSON is no error", post(JSON, "{")).is("/parsed_body", "null"),
        row("exactly the limit", &WHOLE, post(JSON, exact), parsed, false),
        row("exactly the limit, in chunks", &WHOLE, chunks(exact), parsed, false),
        row("exactly the limit, partial", &PARTIAL, post(JSON, exact), parsed, false),
        row("exactly the limit, partial, in chunks", &PARTIAL, chunks(exact), parsed, false),
        plain("over the limit is 413", post(JSON, over)).setup(&WHOLE).outcome(Outcome::TooLarge),
        plain("over the limit in chunks is 413", chunks(over)).setup(&WHOLE).outcome(Outcome::TooLarge),
        plain("413 whatever the failure mode and in a dry run", post(JSON, over))
            .setup(&OPEN)
            .outcome(Outcome::TooLarge),
        plain("413 does not depend on the content type", post("text/plain", over))
            .setup(&WHOLE)
            .outcome(Outcome::TooLarge),
    ]
}

fn partial_and_none() -> Vec<Row> {
    let over = r#"{"a":"123456789"}"#;
    vec![
        row("over the limit, partial", &PARTIAL, post(JSON, over), "null", true)
            .is("/attributes/request/http/body", r#""{\"a\":\"123456789\"""#),
        row("over the limit, partial, in chunks", &PARTIAL, chunks(over), "null", true)
            .is("/attributes/request/http/size", "17"),
        row(
            "a request that ends at its headers",
            &WHOLE,
            Request::get("/b").header("content-type", JSON),
            "null",
            false,
        ),
        row(
            "GET with a JSON body",
            &WHOLE,
            Request::new("GET", "/b").header("content-type", JSON).body("[1]"),
            "[1]",
            false,
        ),
        row(
            "PUT with an empty body",
            &WHOLE,
            Request::new("PUT", "/b").header("content-type", JSON).body(""),
            "null",
            false,
        ),
        row("expect: 100-continue", &WHOLE, post(JSON, "[1]").header("expect", "100-continue"), "[1]", false),
        row(
            "a trailer behind the body",
            &WHOLE,
            Request::post("/b").header("content-type", JSON).frames(["[1]"]).trailer("x-last", "1"),
            "[1]",
            false,
        ),
        plain(
            "a WebSocket upgrade is not buffered",
            Request::get("/b").header("connection", "upgrade").header("upgrade", "websocket"),
        )
        .http1()
        .setup(&WHOLE)
        .is("/parsed_body", "null")
        .is("/truncated_body", "false"),
        plain("a WebSocket upgrade that announces a body", Request::get("/b"))
            .raw("GET /b HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\ncontent-length: 3\r\n\r\n[1]")
            .setup(&WHOLE)
            .bad_request()
            .differs("a WebSocket upgrade or CONNECT that announces a body is answered 400"),
        plain("a content-length that is no number is refused by Envoy", Request::get("/b"))
            .raw("POST /b HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: x\r\n\r\n[1]")
            .setup(&WHOLE)
            .outcome(Outcome::Refused),
        row(
            "a body that ends exactly at the limit is awaited to its end",
            &PARTIAL,
            chunks(r#"{"a":"12345678"} "#),
            "null",
            true,
        )
        .differs("a body that ends exactly at `max_request_bytes`"),
    ]
}

fn truncation() -> Vec<Row> {
    let long = "a=1234567890&b=1234567890";
    let part = "--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--\r\n";
    vec![
        row("4.1#20 partial JSON is null and truncated", &PARTIAL, post(JSON, "\"0123456789abcdefgh\""), "null", true),
        row("4.1#21 JSON that is whole", &PARTIAL, post(JSON, "[1]"), "[1]", false),
        row("4.1#22 a partial form", &PARTIAL, post(FORM, long), "null", true),
        row("4.1#23 a partial multipart", &PARTIAL, post(MULTIPART, part), "null", true),
        row("partial text", &PARTIAL, post("text/plain", long), "null", true),
        row("a partial body without a type", &PARTIAL, Request::post("/b").body(long), "null", true),
        row("a partial gRPC message", &PARTIAL, post("application/grpc-web", long), "null", true),
        row("partial, as bytes", &PARTIAL_BYTES, post(JSON, "[1, 2, 3, 4, 5, 6, 7]"), "null", true),
        row(
            "what would be no JSON is no error when it is cut",
            &PARTIAL,
            post(JSON, "{{{{{{{{{{{{{{{{{{{"),
            "null",
            true,
        ),
        row(
            "what would be no form is no error when it is cut",
            &PARTIAL,
            post(FORM, "%zz;%zz;%zz;%zz;%zz"),
            "null",
            true,
        ),
        row("text that is whole", &PARTIAL, post("text/plain", "short"), "null", false),
        row(
            "the upgrade to a part is not the client's to tell",
            &PARTIAL,
            post(JSON, "[1]").header("x-envoy-auth-partial-body", "true"),
            "[1]",
            false,
        ),
        row(
            "nor that it is whole",
            &PARTIAL,
            post(JSON, "[1, 2, 3, 4, 5, 6]").header("x-envoy-auth-partial-body", "false"),
            "null",
            true,
        ),
    ]
}
