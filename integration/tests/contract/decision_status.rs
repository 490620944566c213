//! Section 2.3, `http_status`: the codes of both Go's and Envoy's list are sent, everything else is an error.

use sark_integration::Request;
use serde_json::json;

use crate::row::Row;
use crate::setup::{Setup, result};

static WITH_BODY: Setup =
    result("a number of the request's", || json!({"with_request_body": {"max_request_bytes": 100}}));
static FALLBACK: Setup =
    result("a number of the request's, falling back", || json!({"with_request_body": {"max_request_bytes": 100}}))
        .falling_back();

/// All codes that are sent. 100 is one of them in the contract; see `decision_unsendable.rs`.
const SENT: &[u16] = &[
    200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 307, 308, 400, 401, 402, 403, 404,
    405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 421, 422, 423, 424, 426, 428, 429, 431, 500, 501,
    502, 503, 504, 505, 506, 507, 508, 510, 511,
];

const WRONG: &[&str] = &[
    "0",
    "-1",
    "1",
    "99",
    "101",
    "102",
    "103",
    "199",
    "209",
    "306",
    "309",
    "418",
    "419",
    "420",
    "425",
    "427",
    "430",
    "451",
    "499",
    "509",
    "512",
    "599",
    "600",
    "999",
    "9999",
    "65936",
    "4294967696",
    r#""403""#,
    "true",
    "null",
    "403.5",
    "[403]",
    "{}",
];

/// Sums that are whole numbers.
const SUMS: &[(&str, u16)] =
    &[("200+203", 403), ("806/2", 403), ("202*2", 404), ("1000-571", 429), ("count([1])+400", 401)];

pub fn rows() -> Vec<Row> {
    let denied = |status: &str| format!(r#"{{"allowed": false, "http_status": {status}, "headers": {{"x-a": "1"}}}}"#);
    let sent = SENT.iter().map(|status| {
        Row::decides(format!("2.3 http_status {status}"), denied(&status.to_string()))
            .status(*status)
            .client("x-a", &["1"])
    });
    let wrong = WRONG.iter().map(|status| {
        Row::decides(format!("2.3 http_status {status} is an error"), denied(status)).error().client("x-a", &[])
    });
    let sums =
        SUMS.iter().map(|(sum, status)| Row::decides(format!("2.3 http_status {sum}"), denied(sum)).status(*status));
    let mut rows: Vec<Row> = sent.chain(wrong).chain(sums).collect();
    let by_body = |text: &str| Request::post("/").header("content-type", "application/json").body(text);
    let of_body = denied("input.parsed_body");
    rows.extend([
        Row::decides("2.3 4.3#61 http_status absent", r#"{"allowed": false}"#).status(403),
        Row::decides("2.3 http_status of a number in the request", of_body.clone())
            .setup(&WITH_BODY)
            .ask(by_body("401"))
            .status(401),
        Row::decides("2.3 http_status 403.0", of_body.clone())
            .setup(&WITH_BODY)
            .ask(by_body("403.0"))
            .status(403)
            .differs("`http_status: 403.0` is 403"),
        Row::decides("2.3 http_status 4.03e2", of_body).setup(&FALLBACK).ask(by_body("4.03e2")).error(),
    ]);
    rows
}
