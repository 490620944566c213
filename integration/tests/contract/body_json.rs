//! Section 1.8: `parsed_body` of JSON, and of what is no known type.

use sark_integration::Request;
use serde_json::json;

use crate::outcome::Outcome;
use crate::row::Row;
use crate::setup::{Setup, echo, result};

static BODY: Setup = echo("JSON", || json!({"with_request_body": {"max_request_bytes": 30_000}}));
static BYTES: Setup =
    echo("JSON as bytes", || json!({"with_request_body": {"max_request_bytes": 30_000, "pack_as_bytes": true}}));
static COMPARED: Setup = result("JSON, compared", || json!({"with_request_body": {"max_request_bytes": 30_000}}));
/// The same, where the remote OPA decides what the inline engine does not take.
static FALLBACK: Setup =
    echo("JSON, falling back", || json!({"with_request_body": {"max_request_bytes": 30_000}})).falling_back();

const PARSED: &str = "/parsed_body";

/// What is sent as `application/json`, and `parsed_body`.
const VALUES: &[(&str, &str, &str)] = &[
    ("4.1#3 a string", r#""foo""#, r#""foo""#),
    ("4.1#4 a boolean", "true", "true"),
    ("false", "false", "false"),
    ("4.1#5 a number", "42", "42"),
    ("4.1#6 null", "null", "null"),
    ("4.1#7 an object", r#"{"firstname": "foo", "lastname": "bar"}"#, r#"{"firstname":"foo","lastname":"bar"}"#),
    ("4.1#8 an array", r#"["hello", "opa"]"#, r#"["hello","opa"]"#),
    ("4.1#9 escapes", r#""\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00""#, "\"\\\"\\\\/\\b\\f\\n\\r\\tA\u{e9}\u{1f600}\""),
    ("an empty object", "{}", "{}"),
    ("an empty array", "[]", "[]"),
    ("an empty string", r#""""#, r#""""#),
    ("an empty key", r#"{"": 1}"#, r#"{"":1}"#),
    ("whitespace in front", " \r\n\t[1]", "[1]"),
    ("4.5 whitespace behind", "[1] \r\n\t", "[1]"),
    ("4.5 of duplicate keys the last", r#"{"a": 1, "b": 2, "a": 3}"#, r#"{"a":3,"b":2}"#),
    ("duplicate keys written differently", r#"{"a": 1, "\u0061": 2}"#, r#"{"a":2}"#),
    ("duplicate keys further in", r#"{"x": {"a": 1, "a": null}}"#, r#"{"x":{"a":null}}"#),
    ("of duplicate objects the last", r#"{"a": {"b": 1}, "a": {"c": 2}}"#, r#"{"a":{"c":2}}"#),
    ("4.5 a lone high surrogate", r#""a\ud800b""#, "\"a\u{fffd}b\""),
    ("a lone low surrogate", r#""\udc00""#, "\"\u{fffd}\""),
    ("two high surrogates and a low one", r#""\ud83d\ud83d\ude00""#, "\"\u{fffd}\u{1f600}\""),
    ("a high surrogate and a letter", r#""\ud83d\u0041""#, "\"\u{fffd}A\""),
    ("a lone surrogate in a key", r#"{"\ud800": 1}"#, "{\"\u{fffd}\":1}"),
    ("NUL escaped", r#""a\u0000b""#, r#""a\u0000b""#),
    ("DEL as it is", "\"a\u{7f}b\"", "\"a\u{7f}b\""),
    ("a number of 23 digits", "12345678901234567890123", "12345678901234567890123"),
    ("a negative number of 23 digits", "-12345678901234567890123", "-12345678901234567890123"),
    ("a number over 2^53", "9007199254740993", "9007199254740993"),
    ("a number over 2^64", "18446744073709551616", "18446744073709551616"),
    ("a negative number", "-7", "-7"),
    ("keys in no order", r#"{"b": 1, "a": {"d": 1, "c": 2}}"#, r#"{"a":{"c":2,"d":1},"b":1}"#),
    ("a line separator", "\"\u{2028}<>&\"", "\"\u{2028}<>&\""),
];

/// What is no JSON.
const BAD: &[(&str, &str)] = &[
    ("4.1#24 a syntax error", r#"["foo" : 42}"#),
    ("the end in the middle", "{\"a\":"),
    ("whitespace alone", " \n "),
    ("4.5 a second value", "{}{}"),
    ("4.5 a second value behind whitespace", "1 2"),
    ("4.5 a byte order mark", "\u{feff}{}"),
    ("4.5 NaN", "NaN"),
    ("NaN in an array", "[NaN]"),
    ("Infinity", "Infinity"),
    ("a leading zero", "01"),
    ("a leading plus", "+1"),
    ("a bare point", "1."),
    ("a comma too many", "[1,]"),
    ("a comma too many in an object", r#"{"a":1,}"#),
    ("single quotes", "{'a':1}"),
    ("a key without quotes", "{a:1}"),
    ("a comment", "[1]//"),
    ("a raw control character", "\"a\nb\""),
    ("a bad escape", r#""\x41""#),
    ("a short escape", r#""\u00""#),
    ("an escape of no digits", r#""\u00zz""#),
    ("a word", "foo"),
    ("True", "True"),
    ("an array that is not closed", "["),
    ("a bracket too many", "[1]]"),
    ("half a word", "nul"),
];

/// Content types, and whether they are JSON.
const TYPES: &[(&str, bool)] = &[
    ("application/json", true),
    ("application/json; charset=utf-8", true),
    ("application/json-patch+json", true),
    ("application/jsonx", true),
    ("text/plain; x=application/json", true),
    ("xapplication/json", true),
    ("multipart/form-data; boundary=x; y=application/json", true),
    ("application/x-www-form-urlencoded, application/json", true),
    ("Application/JSON", false),
    ("APPLICATION/JSON", false),
    ("application/JSON", false),
    ("application/vnd.api+json", false),
    ("application/ json", false),
    ("text/json", false),
    ("text/html", false),
    ("text/plain", false),
    ("json", false),
    ("", false),
];

fn post(body: impl AsRef<[u8]>) -> Request {
    Request::post("/b").header("content-type", "application/json").body(body)
}

pub fn rows() -> Vec<Row> {
    let values = VALUES.iter().map(|(name, body, parsed)| {
        Row::echo(format!("1.8 JSON: {name}"), post(body))
            .setup(&BODY)
            .is(PARSED, *parsed)
            .is("/truncated_body", "false")
    });
    let bad = BAD
        .iter()
        .map(|(name, body)| Row::echo(format!("1.8 no JSON: {name} is 400"), post(body)).setup(&BODY).bad_request());
    let types = TYPES.iter().map(|(content_type, json)| {
        let request = Request::post("/b").header("content-type", *content_type).body(r#"{"a":"b"}"#);
        let parsed = if *json { r#"{"a":"b"}"# } else { "null" };
        let name = format!("1.8 the content type {content_type:?}");
        Row::echo(name, request).setup(&BODY).is(PARSED, parsed).is("/truncated_body", "false")
    });
    let mut rows: Vec<Row> = values.chain(bad).chain(types).collect();
    rows.extend(bytes());
    rows.extend(numbers());
    rows.extend(nesting());
    rows.extend(other());
    rows
}

fn bytes() -> Vec<Row> {
    let bad_utf8: &[u8] = b"{\"a\xff\":\"b\xe2\x82c\xc3(\"}";
    let replaced = "{\"a!\":\"b!!c!(\"}";
    vec![
        // As a text each byte has become a `!` before it is read.
        Row::echo("1.8 4.5 JSON: bad UTF-8 in body", post(bad_utf8)).setup(&BODY).is(PARSED, replaced),
        Row::echo("1.8 4.5 JSON: bad UTF-8 in rawBody", post(bad_utf8))
            .setup(&BYTES)
            .is(PARSED, "{\"a\u{fffd}\":\"b\u{fffd}\u{fffd}c\u{fffd}(\"}"),
        Row::echo("1.8 JSON: bad UTF-8 outside of texts is 400", post(b"[\xff]")).setup(&BYTES).bad_request(),
        Row::echo("1.8 4.1#19 JSON in rawBody", post(r#"{"a": [1]}"#)).setup(&BYTES).is(PARSED, r#"{"a":[1]}"#),
        Row::echo("1.8 no JSON in rawBody is 400", post("{")).setup(&BYTES).bad_request(),
        Row::echo("1.8 no body in rawBody", post("")).setup(&BYTES).is(PARSED, "null"),
    ]
}

/// Numbers whose text, not only their value, is of the contract.
fn numbers() -> Vec<Row> {
    let body = |number: &str| post(format!(r#"{{"a":{number}}}"#));
    let asked_remotely = |number: &str, documented| {
        Row::echo(format!("1.8 JSON: the text of {number}"), body(number))
            .setup(&FALLBACK)
            .outcome(Outcome::DenyByRemote)
            .is("/parsed_body/a", number)
            .differs(documented)
    };
    let equal = |number: &str, other: &str| {
        let decision = format!("input.parsed_body.a == {other}");
        Row::decides(format!("1.8 JSON: {number} is {other}"), decision).setup(&COMPARED).ask(body(number)).allow()
    };
    let printed = |number: &str, text: &str| {
        let decision = r#"{"allowed": false, "body": sprintf("%v", [input.parsed_body.a])}"#;
        Row::decides(format!("1.8 JSON: {number}, printed"), decision).setup(&COMPARED).ask(body(number)).body(text)
    };
    let too_much = [
        "1e400",
        "-1e400",
        "1e3",
        "-0",
        "1.00000000000000000000",
        "9007199254740993.5",
        "1E+7",
        "12345678901234567890.5",
    ];
    let no_integer = ["1.0", "0.50", "-2.00", "1.5"];
    let mut rows: Vec<Row> = too_much.map(|number| asked_remotely(number, "a number that a double cannot hold")).into();
    // `json.marshal` of the policy would have to know the digits.
    rows.extend(no_integer.map(|number| asked_remotely(number, "Where OPA's answer cannot be computed exactly")));
    rows.extend([
        equal("1.0", "1"),
        equal("0.50", "0.5"),
        equal("-2.00", "-2"),
        equal("0.5", "0.5"),
        equal("1.25", "5/4"),
    ]);
    rows.extend([
        printed("1.0", "1"),
        printed("0.50", "0.5"),
        printed("12345678901234567890123", "12345678901234567890123"),
    ]);
    rows.push(
        Row::echo("1.8 JSON: 1e400 where nobody else can be asked", body("1e400"))
            .setup(&BODY)
            .is("/parsed_body/a", "1e400")
            .differs("a number that a double cannot hold")
            .inline(Outcome::Error, []),
    );
    rows
}

fn nesting() -> Vec<Row> {
    let arrays = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let objects = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    let mut rows = vec![
        Row::echo("1.8 JSON: 100 arrays inside each other", post(arrays(100))).setup(&BODY).outcome(Outcome::Deny),
        Row::echo("1.8 JSON: 100 objects inside each other", post(objects(100))).setup(&BODY).outcome(Outcome::Deny),
    ];
    rows.extend([("arrays", arrays(1_001)), ("objects", objects(1_001))].map(|(what, body)| {
        Row::echo(format!("1.8 JSON: 1,001 {what} inside each other are 400"), post(body))
            .setup(&BODY)
            .bad_request()
            .differs("JSON nested deeper than `limits.json_depth` (1,000, which is the most)")
    }));
    rows
}

fn other() -> Vec<Row> {
    let null = |name: &str, request: Request| {
        Row::echo(name, request).setup(&BODY).is(PARSED, "null").is("/truncated_body", "false")
    };
    let two_types = Request::post("/b").header("content-type", "text/plain").header("content-type", "application/json");
    vec![
        null("1.8 4.1#1 no content type, no body", Request::post("/b").body("")),
        null("1.8 no content type", Request::post("/b").body("{}")),
        null("1.8 4.1#2 text", Request::post("/b").header("content-type", "text/html").body("<html>")),
        null("1.8 4.1#12 JSON without a body", post("")),
        null(
            "1.8 JSON of a request that ends at its headers",
            Request::get("/b").header("content-type", "application/json"),
        ),
        null("1.8 4.4#67 no content type and no JSON", Request::post("/b").body("foo")),
        Row::echo("1.8 4.5 two content-type lines", two_types.body("[1]")).setup(&BODY).is(PARSED, "[1]"),
        Row::echo(
            "1.8 JSON in chunks",
            Request::post("/b").header("content-type", "application/json").frames(["{\"a\"", ":[1", "]}"]),
        )
        .setup(&BODY)
        .is(PARSED, r#"{"a":[1]}"#),
        Row::echo("2.5 the reason of a syntax error is told", post("{")).setup(&BODY).bad_request(),
        Row::echo("1.8 a value and null behind it", post("1 null"))
            .setup(&BODY)
            .bad_request()
            .differs("JSON followed by `null` and anything"),
    ]
}
