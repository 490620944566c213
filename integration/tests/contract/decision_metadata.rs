//! Section 2.7 and the codes of 2.1: what the access log can tell. A wasm filter tells it elsewhere than `ext_authz` does.

use sark_integration::Request;
use serde_json::{Value, json};

use crate::outcome::Outcome;
use crate::row::Row;
use crate::setup::{Setup, result};

static DRY: Setup = result("dry_run, logged", || json!({"dry_run": true}));
static VALIDATED: Setup = result("validate_mutations, logged", || json!({"validate_mutations": true}));

const ID: &str = "the id of the decision is the filter state `wasm.sark.decision_id`";
const METADATA: &str = "`dynamic_metadata` is the filter state `wasm.sark.dynamic_metadata`";
const DETAILS: &str = "details `sark_denied`, `sark_error`, …; no response flag `UAEX`";

const RICH: &str =
    r#""dynamic_metadata": {"n": 9007199254740993, "a": {"b": [null, true]}, "decision_id": "policy's"}"#;

pub fn rows() -> Vec<Row> {
    let mut rows = ids();
    rows.extend(metadata());
    rows.extend(details());
    rows
}

/// A random UUID: version 4, of the usual variant.
fn is_uuid(id: &Value) -> bool {
    let bytes = id.as_str().unwrap_or_default().as_bytes();
    bytes.len() == 36 && bytes[14] == b'4' && b"89ab".contains(&bytes[19])
}

fn ids() -> Vec<Row> {
    let row = |name: &str, decision: &str| Row::decides(format!("2.7 decision_id: {name}"), decision).differs(ID);
    let there = |row: Row| row.logs("decision_id", "a UUID of version 4", is_uuid);
    let absent = |row: Row| row.logs("decision_id", "absent", Value::is_null);
    vec![
        there(row("of what is allowed", "true")).allow(),
        there(row("of what is denied", "false")),
        there(row("of an object", r#"{"allowed": true}"#)).allow(),
        there(row("of a denial with metadata", r#"{"allowed": false, "dynamic_metadata": {"a": 1}}"#)),
        there(row("4.4#70 of a denial in a dry run", "false")).setup(&DRY).allow(),
        absent(row("not of an error", "7")).error(),
        absent(row("not of a wrong key", r#"{"allowed": true, "headers": 1}"#)).error(),
        absent(row("not of a bad request", "true")).ask(Request::get("/%zz")).bad_request(),
        row("never a header", "true").allow().upstream("decision_id", &[]).upstream("x-decision-id", &[]),
    ]
}

/// The metadata that was logged, without the id.
fn logged(text: &Value) -> Option<Value> {
    let mut metadata: Value = serde_json::from_str(text.as_str()?).ok()?;
    let id = metadata.as_object_mut()?.remove("decision_id")?;
    is_uuid(&id).then_some(metadata)
}

fn metadata() -> Vec<Row> {
    let row =
        |name: &str, decision: &str| Row::decides(format!("2.7 dynamic_metadata: {name}"), decision).differs(METADATA);
    let is_rich: fn(&Value) -> bool =
        |text| logged(text) == Some(json!({"n": 9_007_199_254_740_993_u64, "a": {"b": [null, true]}}));
    let rich = |row: Row| row.logs("dynamic_metadata", "the policy's, with the decision's own id", is_rich);
    let absent = |row: Row| row.logs("dynamic_metadata", "absent", Value::is_null);
    vec![
        rich(row("4.4#86 of what is allowed", &format!(r#"{{"allowed": true, {RICH}}}"#))).allow(),
        rich(row("of what is denied", &format!(r#"{{"allowed": false, {RICH}}}"#))),
        rich(row("2.6 of a denial in a dry run", &format!(r#"{{"allowed": false, {RICH}}}"#))).setup(&DRY).allow(),
        row("without ext_authz_duration", &format!(r#"{{"allowed": true, {RICH}}}"#))
            .allow()
            .logs("dynamic_metadata", "without it", |text| {
                logged(text).is_some_and(|metadata| metadata.get("ext_authz_duration").is_none())
            })
            .differs("no `ext_authz_duration`"),
        absent(row("4.4#87 not of a boolean", "true")).allow(),
        absent(row("not of an object without it", r#"{"allowed": false}"#)),
        absent(row("not of an error", &format!(r#"{{"allowed": true, "headers": 1, {RICH}}}"#))).error(),
    ]
}

fn details() -> Vec<Row> {
    let row = |name: &str, decision: &str, is: fn(&Value) -> bool| {
        Row::decides(format!("2.1 details: {name}"), decision).logs("details", "our own", is).differs(DETAILS)
    };
    vec![
        row("allowed", "true", |details| details == "via_upstream").allow(),
        row("denied", "false", |details| details == "sark_denied").logs("flags", "empty", |flags| flags == "-"),
        row("an error", "7", |details| details == "sark_error").error(),
        row("a bad request", "true", |details| details == "sark_bad_request").ask(Request::get("/%zz")).bad_request(),
        row("an invalid mutation", r#"{"allowed": true, "headers": {"a b": "c"}}"#, |details| {
            details == "sark_invalid"
        })
        .setup(&VALIDATED)
        .outcome(Outcome::Invalid),
    ]
}
