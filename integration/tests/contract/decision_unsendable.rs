//! What would end its line or its message early is never sent, whatever the failure mode: a difference of ours, since a
//! client's text may reach a header (`docs/configuration.md`, *What cannot be sent*).

use sark_integration::Request;
use serde_json::json;

use crate::outcome::Outcome;
use crate::row::Row;
use crate::setup::{Setup, result};

static OPEN: Setup = result("failure_mode_allow, not sent", || json!({"failure_mode_allow": true}));
static VALIDATED: Setup = result(
    "validate_mutations, not sent",
    || json!({"failure_mode_allow": true, "validate_mutations": true, "status_on_error": {"code": 503}}),
);

const LINES: &str = "a header name or value, a `:path`, a query parameter or a `:method` that would end its line early";
const FRAMING: &str = "`content-length`, `transfer-encoding`, `connection`, `upgrade` set on a request";

const DECISIONS: &[(&str, &str)] = &[
    (r#""allowed": false, "http_status": 100"#, "`http_status: 100`"),
    (r#""allowed": false, "headers": {"location": "/\r\nset-cookie: a=b"}"#, LINES),
    (r#""allowed": false, "headers": {"a b": "c"}"#, LINES),
    (r#""allowed": true, "headers": {"a b": "1"}"#, LINES),
    (r#""allowed": true, "headers": {"x\r\ny": "1"}"#, LINES),
    (r#""allowed": true, "headers": {"": "1"}"#, LINES),
    (r#""allowed": true, "headers": {"x-a": "a\r\nb: c"}"#, LINES),
    (r#""allowed": true, "headers": {"x-a": "a\nb"}"#, LINES),
    (r#""allowed": true, "headers": {"x-a": "a\u0000"}"#, LINES),
    (r#""allowed": true, "headers": {"x-a": "a\u007f"}"#, LINES),
    (r#""allowed": true, "headers": {":path": ""}"#, LINES),
    (r#""allowed": true, "headers": {":path": "/a b"}"#, LINES),
    (r#""allowed": true, "headers": {":path": "/a HTTP/1.1\r\nx: y"}"#, LINES),
    (r#""allowed": true, "headers": {":method": "GET /"}"#, LINES),
    (r#""allowed": true, "response_headers_to_add": {"a b": "1"}"#, LINES),
    (r#""allowed": true, "response_headers_to_add": {"x\r\ny": "1"}"#, LINES),
    (r#""allowed": true, "response_headers_to_add": {"": "1"}"#, LINES),
    (r#""allowed": true, "response_headers_to_add": [{"x-a": ["fine", "a\r\nb: c"]}]"#, LINES),
    (r#""allowed": true, "response_headers_to_add": [{"x-a": ["fine", "a\nb"]}]"#, LINES),
    (r#""allowed": true, "response_headers_to_add": [{"x-a": ["fine", "a\u0000"]}]"#, LINES),
    (r#""allowed": true, "response_headers_to_add": [{"x-a": ["fine", "a\u007f"]}]"#, LINES),
    (r#""allowed": true, "query_parameters_to_set": {"k": "a b"}"#, LINES),
    (r#""allowed": true, "query_parameters_to_set": {"a b": "v"}"#, LINES),
    (r#""allowed": true, "query_parameters_to_set": {"k": "a\r\n"}"#, LINES),
    (r#""allowed": true, "query_parameters_to_set": {"a\r\n": "v"}"#, LINES),
    (r#""allowed": true, "headers": {"content-length": "1"}"#, FRAMING),
    (r#""allowed": true, "headers": {"transfer-encoding": "1"}"#, FRAMING),
    (r#""allowed": true, "headers": {"connection": "1"}"#, FRAMING),
    (r#""allowed": true, "headers": {"upgrade": "1"}"#, FRAMING),
    (r#""allowed": true, "response_headers_to_add": {"Content-Length": "1"}"#, FRAMING),
    (r#""allowed": true, "request_headers_to_remove": ["Connection"]"#, FRAMING),
    (r#""allowed": true, "request_headers_to_remove": ["upgrade"]"#, FRAMING),
];

pub fn rows() -> Vec<Row> {
    let row = |(decision, documented): &(&str, &'static str), setup: &'static Setup, outcome| {
        Row::decides(format!("2.4 {}: {decision}", setup.name), format!("{{{decision}}}"))
            .ask(Request::post("/").body("hello"))
            .setup(setup)
            .outcome(outcome)
            .client("content-type", &[])
            .client("set-cookie", &[])
            .differs(documented)
    };
    DECISIONS
        .iter()
        .flat_map(|decision| [row(decision, &OPEN, Outcome::Error), row(decision, &VALIDATED, Outcome::Invalid)])
        .collect()
}
