//! Section 1.5: `parsed_path`.

use sark_integration::Request;

use crate::row::Row;
use crate::setup::{Setup, echo};

/// The path as it is sent, and `parsed_path`.
const PARSED: &[(&str, &str)] = &[
    ("/", r#"[""]"#),
    ("/a", r#"["a"]"#),
    ("/a/", r#"["a",""]"#),
    ("/a//b", r#"["a","","b"]"#),
    ("//a", r#"["a"]"#),
    ("///a", r#"["a"]"#),
    ("//", r#"[""]"#),
    ("///", r#"[""]"#),
    ("/a;p=1", r#"["a;p=1"]"#),
    ("/;", r#"[";"]"#),
    ("/a%2Fb", r#"["a","b"]"#),
    ("/a%2fb", r#"["a","b"]"#),
    ("/%2F%2Fa", r#"["a"]"#),
    ("/%2F", r#"[""]"#),
    ("/a%2F", r#"["a",""]"#),
    ("/a%20b+c", r#"["a b+c"]"#),
    ("/a%3Fb=1?q", r#"["a?b=1"]"#),
    ("/a%23b", r##"["a#b"]"##),
    ("/a%00b", r#"["a\u0000b"]"#),
    ("/./b/../c", r#"[".","b","..","c"]"#),
    ("/%2e%2E/c", r#"["..","c"]"#),
    ("/a\\b", r#"["a\\b"]"#),
    ("/a%5Cb", r#"["a\\b"]"#),
    ("/a%25b", r#"["a%b"]"#),
    ("/a%252Fb", r#"["a%2Fb"]"#),
    ("/a%C3%A9", r#"["aé"]"#),
    ("/?", r#"[""]"#),
    ("/a?/b/c", r#"["a"]"#),
    ("/a&b=c", r#"["a&b=c"]"#),
    ("/a:b@c", r#"["a:b@c"]"#),
    // Section 4.2 #34 to #42.
    ("/my/test/path", r#"["my","test","path"]"#),
    ("/%2Fmy%2Ftest%2Fpath?a=1", r#"["my","test","path"]"#),
    ("//x/people", r#"["x","people"]"#),
    ("//admin/dashboard", r#"["admin","dashboard"]"#),
    ("//x/people?a=1", r#"["x","people"]"#),
];

/// Paths that cannot be decoded, whatever else is right.
const BAD: &[&str] = &["/%zz", "/%", "/a%2", "/a/%2/b", "/%2x", "/%x2", "/a%?b=c", "/ok/%zz?a=%zz", "/%u0041"];

/// Errors of the request are no errors of the check: no failure mode and no dry run changes them.
static OPEN: Setup =
    echo("failure_mode_allow and dry_run", || serde_json::json!({"failure_mode_allow": true, "dry_run": true}));

pub fn rows() -> Vec<Row> {
    let parsed = PARSED
        .iter()
        .map(|(path, segments)| Row::echo(format!("1.5 {path}"), Request::get(*path)).is("/parsed_path", *segments));
    let bad = BAD.iter().map(|path| Row::echo(format!("1.5 {path} is 400"), Request::get(*path)).bad_request());
    let mut rows: Vec<Row> = parsed.chain(bad).collect();
    rows.extend([
        Row::echo("1.5 a target in absolute form", Request::get("http://other/abs?z=1"))
            .http1()
            .is("/parsed_path", r#"["abs"]"#)
            .is("/attributes/request/http/host", r#""other""#)
            .is("/attributes/request/http/path", r#""/abs?z=1""#),
        Row::echo("1.5 a target in absolute form without a path", Request::get("http://other"))
            .http1()
            .is("/parsed_path", r#"[""]"#),
        Row::echo("1.5 /a%FF: a byte that is not UTF-8", Request::get("/a%FF"))
            .is("/parsed_path", "[\"a\u{fffd}\"]")
            .differs("bytes that are not UTF-8 in decoded paths, queries, forms, parts"),
        Row::echo("1.5 the error of the path comes before that of the query", Request::get("/%zz?a;b"))
            .bad_request()
            .body("request_parse_error: invalid URL escape \"%zz\""),
        Row::echo("2.1 a bad path is 400 whatever the failure mode and in a dry run", Request::get("/%zz"))
            .setup(&OPEN)
            .bad_request(),
        Row::echo("2.1 a bad query is 400 whatever the failure mode and in a dry run", Request::get("/?a;b"))
            .setup(&OPEN)
            .bad_request(),
        Row::echo("2.1 400 is text", Request::get("/%zz")).bad_request().client("content-type", &["text/plain"]),
        Row::echo("2.1 400 closes the connection of HTTP/1.1", Request::get("/%zz"))
            .http1()
            .bad_request()
            .client("connection", &["close"]),
    ]);
    rows
}
