//! Section 1.8: `parsed_body` of multipart forms.

use sark_integration::Request;
use serde_json::json;

use crate::row::Row;
use crate::setup::{Setup, echo};

static BODY: Setup = echo("multipart", || json!({"with_request_body": {"max_request_bytes": 30_000}}));
static BYTES: Setup =
    echo("multipart as bytes", || json!({"with_request_body": {"max_request_bytes": 30_000, "pack_as_bytes": true}}));

static MANY: Setup = echo("multipart of many parts", || json!({"with_request_body": {"max_request_bytes": 800_000}}));

const TYPE: &str = "multipart/form-data; boundary=foo";

/// The content type, the body (its `\n` become `\r\n`), and `parsed_body`.
const PARSED: &[(&str, &str, &str, &str)] = &[
    (
        "a text part",
        TYPE,
        "--foo\nContent-Disposition: form-data; name=\"foo\"\n\nbar\n--foo--\n",
        r#"{"foo":["bar"]}"#,
    ),
    (
        "4.1#11 a text and a JSON part",
        TYPE,
        "--foo\nContent-Disposition: form-data; name=\"foo\"\n\nbar\n--foo\nContent-Disposition: form-data; name=\"bar\"\nContent-Type: application/json;\n\n{\"name\": \"bar\"}\n--foo--\n",
        r#"{"foo":["bar"],"bar":[{"name":"bar"}]}"#,
    ),
    (
        "a name twice",
        TYPE,
        "--foo\nContent-Disposition: form-data; name=a\n\n1\n--foo\nContent-Disposition: form-data; name=a\n\n2\n--foo--",
        r#"{"a":["1","2"]}"#,
    ),
    (
        "4.5 a file is its content",
        TYPE,
        "--foo\nContent-Disposition: form-data; name=f; filename=\"x.json\"\nContent-Type: text/plain\n\n{\"a\":1}\n--foo--",
        r#"{"f":["{\"a\":1}"]}"#,
    ),
    (
        "a part with a type that contains application/json",
        TYPE,
        "--foo\nContent-Disposition: form-data; name=f\nContent-Type: text/x; y=application/json\n\n[1]\n--foo--",
        r#"{"f":[[1]]}"#,
    ),
    (
        "a part in another case is text",
        TYPE,
        "--foo\nContent-Disposition: form-data; name=f\nContent-Type: Application/Json\n\n[1]\n--foo--",
        r#"{"f":["[1]"]}"#,
    ),
    ("4.5 a part without a name is skipped", TYPE, "--foo\nContent-Disposition: form-data\n\n1\n--foo--", "{}"),
    ("a part without headers is skipped", TYPE, "--foo\n\n1\n--foo--", "{}"),
    (
        "a part that is no form-data is skipped",
        TYPE,
        "--foo\nContent-Disposition: attachment; name=a\n\n1\n--foo--",
        "{}",
    ),
    (
        "a skipped part among others",
        TYPE,
        "--foo\n\n1\n--foo\nContent-Disposition: form-data; name=a\n\n2\n--foo--",
        r#"{"a":["2"]}"#,
    ),
    ("4.5 no boundary", "multipart/form-data", "--foo\n", "null"),
    (
        "text in front of the first part",
        TYPE,
        "hello\n--foo\nContent-Disposition: form-data; name=a\n\n1\n--foo--",
        r#"{"a":["1"]}"#,
    ),
    (
        "text behind the last part",
        TYPE,
        "--foo\nContent-Disposition: form-data; name=a\n\n1\n--foo--\nbye",
        r#"{"a":["1"]}"#,
    ),
    ("an empty part", TYPE, "--foo\nContent-Disposition: form-data; name=a\n\n\n--foo--", r#"{"a":[""]}"#),
    (
        "a part of several lines",
        TYPE,
        "--foo\nContent-Disposition: form-data; name=a\n\n1\n\n2\n--foo--",
        r#"{"a":["1\r\n\r\n2"]}"#,
    ),
    (
        "a boundary in quotes",
        "multipart/form-data; boundary=\"f oo\"",
        "--f oo\nContent-Disposition: form-data; name=a\n\n1\n--f oo--",
        r#"{"a":["1"]}"#,
    ),
    (
        "a name in another case of the header",
        TYPE,
        "--foo\ncontent-disposition: Form-Data; NAME=a\n\n1\n--foo--",
        r#"{"a":["1"]}"#,
    ),
    (
        "a quoted-printable part is decoded",
        TYPE,
        "--foo\nContent-Disposition: form-data; name=a\nContent-Transfer-Encoding: quoted-printable\n\na=3Db=\nc\n--foo--",
        r#"{"a":["a=bc"]}"#,
    ),
    (
        "an escaped quote in a name",
        TYPE,
        "--foo\nContent-Disposition: form-data; name=\"a\\\"b\"\n\n1\n--foo--",
        r#"{"a\"b":["1"]}"#,
    ),
    // To Go the end in a part's headers is the end of the form.
    (
        "a part that ends before its headers do",
        TYPE,
        "--foo\nContent-Disposition: form-data; name=a\n\n1\n--foo\n",
        r#"{"a":["1"]}"#,
    ),
    ("no body", TYPE, "", "null"),
];

const BAD: &[(&str, &str, &str)] = &[
    (
        "4.5 a malformed parameter",
        "multipart/form-data; boundary",
        "--foo\nContent-Disposition: form-data; name=a\n\n1\n--foo--",
    ),
    (
        "a parameter twice",
        "multipart/form-data; boundary=foo; boundary=bar",
        "--foo\nContent-Disposition: form-data; name=a\n\n1\n--foo--",
    ),
    ("4.5 no part at all", TYPE, "garbage"),
    ("another boundary", TYPE, "--bar\nContent-Disposition: form-data; name=a\n\n1\n--bar--"),
    ("4.5 a part that does not end", TYPE, "--foo\nContent-Disposition: form-data; name=a\n\n1\n"),
    (
        "4.5 a part that is no JSON",
        TYPE,
        "--foo\nContent-Disposition: form-data; name=a\nContent-Type: application/json\n\n{\n--foo--",
    ),
    (
        "a JSON part without content",
        TYPE,
        "--foo\nContent-Disposition: form-data; name=a\nContent-Type: application/json\n\n\n--foo--",
    ),
    (
        "a JSON part with two values",
        TYPE,
        "--foo\nContent-Disposition: form-data; name=a\nContent-Type: application/json\n\n1 2\n--foo--",
    ),
];

fn post(content_type: &str, body: &str) -> Request {
    Request::post("/b").header("content-type", content_type).body(body)
}

pub fn rows() -> Vec<Row> {
    let lines = |body: &str| body.replace('\n', "\r\n");
    let parsed = PARSED.iter().map(|(name, content_type, body, parsed)| {
        Row::echo(format!("1.8 multipart: {name}"), post(content_type, &lines(body)))
            .setup(&BODY)
            .is("/parsed_body", *parsed)
    });
    let bad = BAD.iter().map(|(name, content_type, body)| {
        Row::echo(format!("1.8 multipart: {name} is 400"), post(content_type, &lines(body))).setup(&BODY).bad_request()
    });
    let mut rows: Vec<Row> = parsed.chain(bad).collect();
    let (_, _, first, document) = PARSED[0];
    let bytes = |value: &[u8]| {
        let head: &[u8] = b"--foo\r\nContent-Disposition: form-data; name=a\r\n\r\n";
        Request::post("/b").header("content-type", TYPE).body([head, value, b"\r\n--foo--"].concat())
    };
    let part = "--foo\nContent-Disposition: form-data; name=a\n\n\n";
    let many = format!("{}--foo--", part.repeat(10_001));
    rows.extend([
        Row::echo("1.8 4.1#10 multipart: lines that end in LF alone", post(TYPE, first))
            .setup(&BODY)
            .is("/parsed_body", document),
        Row::echo("1.8 multipart: in rawBody", post(TYPE, &lines(first))).setup(&BYTES).is("/parsed_body", document),
        Row::echo("1.8 multipart: bad UTF-8 in body", bytes(b"\xff")).setup(&BODY).is("/parsed_body", r#"{"a":["!"]}"#),
        Row::echo("1.8 multipart: bad UTF-8 in rawBody", bytes(b"\xff"))
            .setup(&BYTES)
            .is("/parsed_body", "{\"a\":[\"\u{fffd}\"]}")
            .differs("bytes that are not UTF-8 in decoded paths, queries, forms, parts"),
        Row::echo("1.8 multipart: 10,001 parts", post(TYPE, &many))
            .setup(&MANY)
            .bad_request()
            .differs("more than 10,000 parts of a form"),
        Row::echo("1.8 multipart: in another case is none", post("Multipart/Form-Data; boundary=foo", "garbage"))
            .setup(&BODY)
            .is("/parsed_body", "null"),
        Row::echo("1.8 multipart: another multipart is none", post("multipart/mixed; boundary=foo", &lines(first)))
            .setup(&BODY)
            .is("/parsed_body", "null"),
    ]);
    rows
}
