//! Sections 2.2 and 2.3: what a decision may be, key by key, and what is an error.

use sark_integration::Request;

use crate::row::Row;

/// No decision at all, but an error.
const NO_DECISION: &[(&str, &str)] = &[
    ("null", "null"),
    ("a number", "1"),
    ("zero", "0"),
    ("a text", r#""true""#),
    ("an empty text", r#""""#),
    ("an array", "[]"),
    ("an array with true", "[true]"),
    ("a set", "{true}"),
    ("4.3#46 an empty object", "{}"),
    ("`allow` instead of `allowed`", r#"{"allow": true}"#),
    ("`Allowed`", r#"{"Allowed": true}"#),
    ("allowed: null", r#"{"allowed": null}"#),
    ("4.3#47 allowed: 1", r#"{"allowed": 1}"#),
    ("allowed: a text", r#"{"allowed": "true"}"#),
    ("allowed: an object", r#"{"allowed": {}}"#),
    ("allowed: an array", r#"{"allowed": [true]}"#),
    ("4.3#52 a text where an object is meant", r#""hello""#),
];

/// Forms of lists of headers that are taken, and those that are not: `headers` and `response_headers_to_add` alike.
const HEADERS: &[(&str, &str, bool)] = &[
    ("an object", r#"{"x-a": "1"}"#, true),
    ("an array of objects", r#"[{"x-a": "1"}, {"x-b": "2"}]"#, true),
    ("a set of objects", r#"{{"x-a": "1"}}"#, true),
    ("texts in an array", r#"{"x-a": ["1", "2"]}"#, true),
    ("texts in a set", r#"{"x-a": {"1", "2"}}"#, true),
    ("an empty object", "{}", true),
    ("an empty array", "[]", true),
    ("no values", r#"{"x-a": []}"#, true),
    ("an empty value", r#"{"x-a": ""}"#, true),
    ("an array of an empty object", "[{}]", true),
    ("null", "null", false),
    ("a text", r#""test""#, false),
    ("an empty text", r#""""#, false),
    ("a number", "1", false),
    ("a boolean", "true", false),
    ("an array of arrays", "[[]]", false),
    ("an array of texts", r#"["x-a"]"#, false),
    ("an array with null", r#"[{"x-a": "1"}, null]"#, false),
    ("a number as value", r#"{"x-a": 1}"#, false),
    ("a boolean as value", r#"{"x-a": true}"#, false),
    ("null as value", r#"{"x-a": null}"#, false),
    ("an object as value", r#"{"x-a": {}}"#, false),
    ("a number among values", r#"{"x-a": ["1", 2]}"#, false),
    ("null among values", r#"{"x-a": [null]}"#, false),
    ("an array among values", r#"{"x-a": [["1"]]}"#, false),
    ("a bad value behind a good one", r#"[{"x-a": "1"}, {"x-b": 2}]"#, false),
];

/// `request_headers_to_remove` and `query_parameters_to_remove`.
const REMOVALS: &[(&str, &str, bool)] = &[
    ("an array of texts", r#"["foo", "bar"]"#, true),
    ("a set of texts", r#"{"foo", "bar"}"#, true),
    ("an empty array", "[]", true),
    ("null", "null", false),
    ("a text", r#""test""#, false),
    ("a number", "1", false),
    ("an object", r#"{"foo": "bar"}"#, false),
    ("a number in the array", "[1]", false),
    ("a number behind a text", r#"["foo", 1]"#, false),
    ("null in the array", "[null]", false),
    ("an array in the array", r#"[["foo"]]"#, false),
];

/// `query_parameters_to_set`.
const QUERY: &[(&str, &str, bool)] = &[
    ("texts", r#"{"foo": "1", "bar": "2"}"#, true),
    ("arrays of texts", r#"{"foo": ["1", "2"], "bar": ["3", "4"]}"#, true),
    ("texts and arrays", r#"{"foo": "1", "bar": ["3", "4"]}"#, true),
    ("an empty object", "{}", true),
    ("no values", r#"{"foo": []}"#, true),
    ("a text", r#""test""#, false),
    ("null", "null", false),
    ("an array of objects", r#"[{"foo": "1"}]"#, false),
    ("a number as value", r#"{"foo": 1}"#, false),
    ("a number among values", r#"{"foo": [123]}"#, false),
    ("null as value", r#"{"foo": null}"#, false),
];

/// `dynamic_metadata`.
const METADATA: &[(&str, &str, bool)] = &[
    ("an object of anything", r#"{"a": [1, null, {"b": true}], "c": "x"}"#, true),
    ("an empty object", "{}", true),
    ("null", "null", false),
    ("4.3#62 a number", "123", false),
    ("a text", r#""a""#, false),
    ("an array", r#"[{"a": 1}]"#, false),
];

/// `body` of a denial.
const BODY: &[(&str, &str, bool)] = &[
    ("a text", r#""hello""#, true),
    ("an empty text", r#""""#, true),
    ("null", "null", false),
    ("4.3#60 a number", "123", false),
    ("an object", r#"{"a": 1}"#, false),
    ("an array", r#"["a"]"#, false),
    ("a boolean", "true", false),
];

pub fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = NO_DECISION
        .iter()
        .map(|(name, decision)| Row::decides(format!("2.2 no decision: {name}"), *decision).error())
        .collect();
    for allowed in [true, false] {
        rows.extend(key("headers", allowed, HEADERS));
        rows.extend(key("dynamic_metadata", allowed, METADATA));
    }
    rows.extend(key("request_headers_to_remove", true, REMOVALS));
    rows.extend(key("response_headers_to_add", true, HEADERS));
    rows.extend(key("query_parameters_to_remove", true, REMOVALS));
    rows.extend(key("query_parameters_to_set", true, QUERY));
    rows.extend(key("body", false, BODY));
    rows.extend(decisions());
    rows.extend(other_branch());
    rows.extend(order());
    rows
}

/// A row for each value of `key`.
fn key(key: &str, allowed: bool, values: &'static [(&str, &str, bool)]) -> Vec<Row> {
    let row = |(name, value, taken): &(&str, &str, bool)| {
        let branch = if allowed { "allowed" } else { "denied" };
        let decision = format!(r#"{{"allowed": {allowed}, "{key}": {value}}}"#);
        let row = Row::decides(format!("2.3 {key} of what is {branch}: {name}"), decision);
        match (taken, allowed) {
            (true, true) => row.allow(),
            (true, false) => row,
            (false, _) => row.error(),
        }
    };
    values.iter().map(row).collect()
}

fn decisions() -> Vec<Row> {
    vec![
        Row::decides("2.2 true", "true").allow(),
        Row::decides("2.2 false", "false"),
        Row::decides("2.2 4.3#48 allowed: true", r#"{"allowed": true}"#).allow(),
        Row::decides("2.2 allowed: false", r#"{"allowed": false}"#),
        Row::decides_nothing("2.2 undefined is an error, not a denial").error(),
        Row::decides("2.2 4.4#81 two values that are in conflict", "true").and_also("false").error(),
        Row::decides("2.2 the same value twice", "true").and_also("true").allow(),
        Row::decides("2.2 an object and a boolean", r#"{"allowed": true}"#).and_also("true").error(),
        Row::decides("2.2 a builtin that fails is undefined", r#"to_number("x") == 1"#).error(),
        Row::decides("2.2 unknown keys are ignored", r#"{"allowed": true, "foo": 1, "status_code": "x"}"#).allow(),
        Row::decides("2.3 `status_code` is no key", r#"{"allowed": false, "status_code": 401}"#),
        Row::decides("2.2 a key that is no text", r#"{"allowed": true, "headers": {1: "x"}}"#)
            .allow()
            .upstream("1", &["x"]),
    ]
}

/// Keys of the other branch are not read.
fn other_branch() -> Vec<Row> {
    vec![
        Row::decides("2.3 allowed: body is not read", r#"{"allowed": true, "body": 1}"#).allow(),
        Row::decides("2.3 allowed: http_status is not read", r#"{"allowed": true, "http_status": "x"}"#).allow(),
        Row::decides(
            "2.3 allowed: http_status out of the list is not read",
            r#"{"allowed": true, "http_status": 999}"#,
        )
        .allow(),
        Row::decides(
            "2.3 denied: request_headers_to_remove is not read",
            r#"{"allowed": false, "request_headers_to_remove": "x"}"#,
        ),
        Row::decides(
            "2.3 denied: response_headers_to_add is not read",
            r#"{"allowed": false, "response_headers_to_add": 1}"#,
        ),
        Row::decides(
            "2.3 denied: query_parameters_to_remove is not read",
            r#"{"allowed": false, "query_parameters_to_remove": null}"#,
        ),
        Row::decides(
            "2.3 denied: query_parameters_to_set is not read",
            r#"{"allowed": false, "query_parameters_to_set": []}"#,
        ),
        Row::decides(
            "2.3 denied: response_headers_to_add has no effect",
            r#"{"allowed": false, "response_headers_to_add": {"x-a": "1"}}"#,
        )
        .client("x-a", &[]),
        Row::decides(
            "2.3 4.3#91 allowed: response_headers_to_add sets no request header",
            r#"{"allowed": true, "response_headers_to_add": {"x-a": ["hello", "world"]}}"#,
        )
        .allow()
        .client("x-a", &["hello", "world"])
        .upstream("x-a", &[]),
        Row::decides(
            "2.4 4.4#92 allowed: headers go upstream and nowhere else",
            r#"{"allowed": true, "headers": {"x-a": "1", "x-b": "2"}}"#,
        )
        .allow()
        .upstream("x-a", &["1"])
        .upstream("x-b", &["2"])
        .client("x-a", &[])
        .client("x-b", &[]),
    ]
}

/// An error in one key is the decision's, whatever stands in the others.
fn order() -> Vec<Row> {
    vec![
        Row::decides(
            "2.3 a bad `headers` is an error also with a bad body",
            r#"{"allowed": false, "headers": 1, "body": 1}"#,
        )
        .error(),
        Row::decides(
            "2.3 a bad body is an error also with a good status",
            r#"{"allowed": false, "http_status": 401, "body": 1}"#,
        )
        .error(),
        Row::decides(
            "2.3 a bad status is an error also with a good body",
            r#"{"allowed": false, "http_status": "401", "body": "b"}"#,
        )
        .error(),
        Row::decides(
            "2.3 a bad key leaves nothing of the good ones",
            r#"{"allowed": false, "headers": {"x-a": "1"}, "body": 1}"#,
        )
        .error()
        .client("x-a", &[]),
        Row::decides(
            "2.3 a bad `allowed` is an error whatever else there is",
            r#"{"allowed": "no", "http_status": 401, "body": "b"}"#,
        )
        .ask(Request::post("/").body("x"))
        .error(),
    ]
}
