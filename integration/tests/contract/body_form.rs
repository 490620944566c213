//! Section 1.8: `parsed_body` of forms.

use sark_integration::Request;
use serde_json::json;

use crate::row::Row;
use crate::setup::{Setup, echo};

static BODY: Setup = echo("form", || json!({"with_request_body": {"max_request_bytes": 30_000}}));
static BYTES: Setup =
    echo("form as bytes", || json!({"with_request_body": {"max_request_bytes": 30_000, "pack_as_bytes": true}}));

const FORM: &str = "application/x-www-form-urlencoded";

/// The body, and `parsed_body`.
const PARSED: &[(&str, &str, &str)] = &[
    ("4.1#15 two keys", "firstname=foo&lastname=bar", r#"{"firstname":["foo"],"lastname":["bar"]}"#),
    (
        "4.1#17 a key twice",
        "firstname=foo&lastname=bar&lastname=foobar",
        r#"{"firstname":["foo"],"lastname":["bar","foobar"]}"#,
    ),
    ("escapes", "a+b=c%20d%2B%26", r#"{"a b":["c d+&"]}"#),
    ("no value", "a&b=", r#"{"a":[""],"b":[""]}"#),
    ("no key", "=a", r#"{"":["a"]}"#),
    ("empty pieces", "&&a=1&", r#"{"a":["1"]}"#),
    ("`=` in a value", "a=b=c", r#"{"a":["b=c"]}"#),
    ("`?` and `/`", "a?b=/c", r#"{"a?b":["/c"]}"#),
    ("a line end stays", "a=1\r\n", r#"{"a":["1\r\n"]}"#),
    ("case", "A=1&a=2", r#"{"A":["1"],"a":["2"]}"#),
    ("only `&`", "&", "{}"),
    ("UTF-8", "a=%C3%A9é", r#"{"a":["éé"]}"#),
];

const BAD: &[(&str, &str)] = &[
    ("4.5 `;`", "a=1;b=2"),
    ("4.5 a bad escape", "a=%zz"),
    ("a bad escape in a key", "%zz=a"),
    ("half an escape", "a=%2"),
    ("a bad escape among good pairs", "a=1&b=%&c=3"),
];

fn post(body: impl AsRef<[u8]>) -> Request {
    Request::post("/b").header("content-type", FORM).body(body)
}

pub fn rows() -> Vec<Row> {
    let parsed = PARSED.iter().map(|(name, body, parsed)| {
        Row::echo(format!("1.8 form: {name}"), post(body))
            .setup(&BODY)
            .is("/parsed_body", *parsed)
            .is("/truncated_body", "false")
    });
    let bad = BAD
        .iter()
        .map(|(name, body)| Row::echo(format!("1.8 form: {name} is 400"), post(body)).setup(&BODY).bad_request());
    let mut rows: Vec<Row> = parsed.chain(bad).collect();
    let many = |count: usize| format!("{}a", "a&".repeat(count - 1));
    rows.extend([
        Row::echo("1.8 4.1#16 form: empty", post(""))
            .setup(&BODY)
            .is("/parsed_body", "null")
            .is("/truncated_body", "false"),
        Row::echo("1.8 4.1#14 form in rawBody", post("a=1&a=2&b=3"))
            .setup(&BYTES)
            .is("/parsed_body", r#"{"a":["1","2"],"b":["3"]}"#),
        Row::echo(
            "1.8 form with a charset",
            Request::post("/b").header("content-type", format!("{FORM}; charset=utf-8")).body("a=1"),
        )
        .setup(&BODY)
        .is("/parsed_body", r#"{"a":["1"]}"#),
        Row::echo(
            "1.8 form in another case is none",
            Request::post("/b").header("content-type", FORM.to_uppercase()).body("a=%zz"),
        )
        .setup(&BODY)
        .is("/parsed_body", "null"),
        Row::echo("1.8 form of 10,000 parameters", post(many(10_000))).setup(&BODY).holds(
            "/parsed_body/a",
            "10,000 long",
            |values| values.as_array().is_some_and(|values| values.len() == 10_000),
        ),
        Row::echo("1.8 form of 10,001 parameters is 400", post(many(10_001))).setup(&BODY).bad_request(),
        Row::echo("1.8 form: bad UTF-8 in body", post(b"a=\xff")).setup(&BODY).is("/parsed_body", r#"{"a":["!"]}"#),
        Row::echo("1.8 form: an escaped byte that is not UTF-8", post("a=%FF"))
            .setup(&BODY)
            .is("/parsed_body", "{\"a\":[\"\u{fffd}\"]}")
            .differs("bytes that are not UTF-8 in decoded paths, queries, forms, parts"),
        Row::echo("1.8 form of GET", Request::new("GET", "/b").header("content-type", FORM).body("a=1"))
            .setup(&BODY)
            .is("/parsed_body", r#"{"a":["1"]}"#),
    ]);
    rows
}
