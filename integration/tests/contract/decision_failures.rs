//! Sections 2.1 and 2.6: errors, what can be made of them, validation of mutations and the dry run.

use sark_integration::Request;
use serde_json::json;

use crate::outcome::Outcome;
use crate::row::Row;
use crate::setup::{Setup, result};

static OPEN: Setup = result("failure_mode_allow", || json!({"failure_mode_allow": true}));
static OPEN_TOLD: Setup = result(
    "failure_mode_allow with its header",
    || json!({"failure_mode_allow": true, "failure_mode_allow_header_add": true}),
);
static STATUS: Setup = result("status_on_error", || json!({"status_on_error": {"code": 503}}));
static VALIDATED: Setup = result("validate_mutations", || json!({"validate_mutations": true}));
static VALIDATED_OPEN: Setup = result(
    "validate_mutations and failure_mode_allow",
    || json!({"validate_mutations": true, "failure_mode_allow": true, "status_on_error": {"code": 503}}),
);
static DRY: Setup = result("dry_run", || json!({"dry_run": true}));
static DRY_OPEN: Setup =
    result("dry_run and failure_mode_allow", || json!({"dry_run": true, "failure_mode_allow": true}));

const TOLD: &str = "x-envoy-auth-failure-mode-allowed";

pub fn rows() -> Vec<Row> {
    let mut rows = errors();
    rows.extend(open());
    rows.extend(validated());
    rows.extend(dry());
    rows
}

fn errors() -> Vec<Row> {
    let post = Request::post("/").body("x");
    vec![
        Row::decides("2.1 an error: 403, no body, no headers", "7").error().status(403).client("content-type", &[]),
        Row::decides(
            "2.1 an error: no header of the policy",
            r#"{"allowed": false, "headers": {"x-a": "1"}, "http_status": 1}"#,
        )
        .error()
        .client("x-a", &[]),
        Row::decides("2.1 status_on_error", "7").setup(&STATUS).error().status(503),
        Row::decides_nothing("2.1 status_on_error of an undefined decision").setup(&STATUS).error().status(503),
        Row::decides("2.1 status_on_error does not change a denial", "false").setup(&STATUS).status(403),
        Row::decides("2.1 status_on_error does not change 400", "true")
            .setup(&STATUS)
            .ask(Request::get("/%zz"))
            .bad_request(),
        Row::decides("2.1 status_on_error does not change what is allowed", "true").setup(&STATUS).allow(),
        Row::decides("2.1 an error of a request with a body", "7").ask(post).error(),
        Row::decides("2.1 an error of HEAD", "7").ask(Request::new("HEAD", "/")).error(),
    ]
}

fn open() -> Vec<Row> {
    let passed = |name: &str, decision: &str| {
        Row::decides(format!("2.1 failure_mode_allow: {name}"), decision).setup(&OPEN).outcome(Outcome::Passed)
    };
    let told = |name: &str, decision: &str| {
        Row::decides(format!("2.1 the failure mode's header: {name}"), decision).setup(&OPEN_TOLD)
    };
    let own = || Request::get("/").header(TOLD, "client");
    vec![
        passed("an error passes", "7"),
        passed(
            "an error passes unmodified",
            r#"{"allowed": true, "headers": {"x-a": "1"}, "query_parameters_to_set": 1}"#,
        )
        .ask(Request::get("/p?b=1").header("x-a", "0"))
        .upstream("x-a", &["0"])
        .upstream_path("/p?b=1"),
        passed(
            "nothing of the answer is modified",
            r#"{"allowed": true, "response_headers_to_add": {"x-a": "1"}, "headers": 1}"#,
        )
        .client("x-a", &[]),
        passed("what passes is not told", "7").upstream(TOLD, &[]),
        passed("a denial of a wrong status passes", r#"{"allowed": false, "http_status": 418}"#),
        passed("a denial of a wrong body passes", r#"{"allowed": false, "body": 1}"#),
        passed("the body arrives", "7").ask(Request::post("/").body("hello")).upstream_body("hello"),
        Row::decides_nothing("2.1 failure_mode_allow: undefined passes").setup(&OPEN).outcome(Outcome::Passed),
        passed("a denial stays a denial", "false").outcome(Outcome::Deny),
        passed("a denial with a status stays", r#"{"allowed": false, "http_status": 401}"#)
            .outcome(Outcome::Deny)
            .status(401),
        passed("400 stays 400", "true").ask(Request::get("/%zz")).outcome(Outcome::BadRequest),
        passed("what is allowed is not touched", "true").ask(own()).outcome(Outcome::Allow).upstream(TOLD, &["client"]),
        told("an error says so", "7").outcome(Outcome::Passed).upstream(TOLD, &["true"]),
        told("a client's is replaced", "7").ask(own()).outcome(Outcome::Passed).upstream(TOLD, &["true"]),
        told("not on what is allowed", "true").allow().upstream(TOLD, &[]),
        told("not on the answer", "7").outcome(Outcome::Passed).client(TOLD, &[]),
        told("a denial stays a denial", "false"),
    ]
}

fn validated() -> Vec<Row> {
    let invalid = |name: &str, decision: &str| {
        Row::decides(format!("2.1 validate_mutations: {name}"), decision)
            .setup(&VALIDATED)
            .outcome(Outcome::Invalid)
            .client("content-type", &[])
    };
    let good = |name: &str, decision: &str| {
        Row::decides(format!("2.1 validate_mutations: {name}"), decision).setup(&VALIDATED)
    };
    vec![
        invalid("a header name", r#"{"allowed": true, "headers": {"a b": "c"}}"#),
        invalid("a header value", r#"{"allowed": true, "headers": {"x-a": "a\r\nb: c"}}"#),
        invalid("a response header", r#"{"allowed": true, "response_headers_to_add": {"x-a": "a\nb"}}"#),
        invalid("a query parameter", r#"{"allowed": true, "query_parameters_to_set": {"a": "b c"}}"#),
        invalid(
            "a query parameter that is not escaped",
            r#"{"allowed": true, "query_parameters_to_set": {"a": "b&c"}}"#,
        ),
        invalid("a header of a denial", r#"{"allowed": false, "headers": {"x-a": "a\r\nb: c"}}"#),
        invalid("a header name of a denial", r#"{"allowed": false, "headers": {"a b": "c"}}"#),
        invalid("500 whatever the failure mode and status_on_error", r#"{"allowed": true, "headers": {"a b": "c"}}"#)
            .setup(&VALIDATED_OPEN),
        good(
            "what is valid passes",
            r#"{"allowed": true, "headers": {"x-a": "b"}, "query_parameters_to_set": {"a": "b-1"}}"#,
        )
        .allow()
        .upstream("x-a", &["b"])
        .upstream_path("/?a=b-1"),
        good("a denial that is valid", r#"{"allowed": false, "headers": {"x-a": "b"}, "http_status": 401}"#)
            .status(401)
            .client("x-a", &["b"]),
        good("an error is an error", "7").error(),
    ]
}

fn dry() -> Vec<Row> {
    let dry = |name: &str, decision: &str| Row::decides(format!("2.6 dry run: {name}"), decision).setup(&DRY).allow();
    let denial = r#"{"allowed": false, "http_status": 401, "body": "no", "headers": {"x-a": "1"}, "request_headers_to_remove": ["x-b"]}"#;
    vec![
        dry("4.4#71 what is allowed passes", "true"),
        dry("4.4#71 what is denied passes", "false"),
        dry("4.4#94 nothing of the denial is left", denial)
            .ask(Request::get("/").header("x-b", "2"))
            .status(200)
            .client("x-a", &[])
            .upstream("x-a", &[])
            .upstream("x-b", &["2"]),
        dry(
            "4.4#95 mutations of what is allowed are made",
            r#"{"allowed": true, "headers": {"x-a": "1"}, "response_headers_to_add": {"x-c": "3"}}"#,
        )
        .upstream("x-a", &["1"])
        .client("x-c", &["3"]),
        dry("the body arrives", "false").ask(Request::post("/").body("hello")).upstream_body("hello"),
        dry("an error is an error", "7").error(),
        dry("a denial of a wrong status is an error", r#"{"allowed": false, "http_status": 418}"#).error(),
        Row::decides_nothing("2.6 dry run: undefined is an error").setup(&DRY).error(),
        dry("400 is 400", "true").ask(Request::get("/%zz")).bad_request(),
        dry("with failure_mode_allow errors pass", "7").setup(&DRY_OPEN).outcome(Outcome::Passed),
        dry("with failure_mode_allow denials pass", "false").setup(&DRY_OPEN),
    ]
}
