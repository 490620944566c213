//! Section 1.4: headers.

use sark_integration::Request;
use serde_json::{Value, json};

use crate::row::Row;
use crate::setup::{Setup, echo};

const HEADERS: &str = "/attributes/request/http/headers";
const PARTIAL: &str = "/attributes/request/http/headers/x-envoy-auth-partial-body";
const JSON: &str = "application/json";

static BODY: Setup = echo("headers with a body", || json!({"with_request_body": {"max_request_bytes": 100}}));
static PARTIAL_BODY: Setup = echo(
    "headers with a part of a body",
    || json!({"with_request_body": {"max_request_bytes": 4, "allow_partial_message": true}}),
);
static RAW: Setup = echo(
    "encode_raw_headers",
    || json!({"encode_raw_headers": true, "with_request_body": {"max_request_bytes": 4, "allow_partial_message": true}}),
);
static ALLOWED: Setup = echo("allowed_headers", || {
    json!({
        "allowed_headers": {"patterns": [
            {"prefix": ":"}, {"exact": "X-One", "ignore_case": true}, {"suffix": "-id"}, {"contains": "ontent-t"},
            {"safe_regex": {"regex": "x-(user|team)"}}
        ]},
        "with_request_body": {"max_request_bytes": 4, "allow_partial_message": true},
    })
});
static DISALLOWED: Setup = echo("disallowed_headers", || {
    json!({
        "allowed_headers": {"patterns": [{"prefix": "x-"}]},
        "disallowed_headers": {"patterns": [{"exact": "x-secret"}, {"exact": "x-envoy-auth-partial-body"}]},
        "with_request_body": {"max_request_bytes": 4, "allow_partial_message": true},
    })
});
static HIDDEN_TYPE: Setup = echo("content-type is disallowed", || {
    json!({
        "disallowed_headers": {"patterns": [{"exact": "content-type"}]},
        "with_request_body": {"max_request_bytes": 100},
    })
});
static STRIPPED: Setup = echo(
    "strip_request_headers",
    || json!({"strip_request_headers": ["x-role"], "unrouted_headers": ["x-role", "x-sark-a"]}),
);

pub fn rows() -> Vec<Row> {
    let mut rows = values();
    rows.extend(pseudo());
    rows.extend(of_the_proxy());
    rows.extend(partial_body());
    rows.extend(raw());
    rows.extend(filtered());
    rows
}

fn get() -> Request {
    Request::get("/h")
}

type Line = (&'static str, &'static [u8]);

/// Lines of a request, and the value in the document of the first one's header.
const VALUES: &[(&str, &[Line], &str)] = &[
    ("two lines are joined by a comma", &[("x-a", b"1"), ("x-a", b"2")], "1,2"),
    ("lines keep their order and repeats", &[("x-a", b"2"), ("x-other", b"3"), ("x-a", b"1"), ("x-a", b"2")], "2,1,2"),
    ("an empty second line", &[("x-a", b"a"), ("x-a", b"")], "a,"),
    ("an empty first line", &[("x-a", b""), ("x-a", b"a")], ",a"),
    ("a line with a comma of its own", &[("x-a", b"1, 2"), ("x-a", b"3")], "1, 2,3"),
    ("an empty value", &[("x-a", b"")], ""),
    ("Latin-1", &[("x-a", b"caf\xe9")], "caf!"),
    ("UTF-8", &[("x-a", b"caf\xc3\xa9")], "caf\u{e9}"),
    ("each byte of broken UTF-8", &[("x-a", b"a\xe2\x82b\xff\xfec")], "a!!b!!c"),
    ("overlong and surrogates in UTF-8", &[("x-a", b"\xc0\xaf\xed\xa0\x80")], "!!!!!"),
    ("a tab", &[("x-a", b"a\tb")], "a\tb"),
    ("quotes and backslashes", &[("x-a", b"a\"\\b")], "a\"\\b"),
    ("one cookie line", &[("cookie", b"a=1; b=2")], "a=1; b=2"),
    ("te", &[("te", b"trailers")], "trailers"),
    ("user-agent", &[("user-agent", b"x/1")], "x/1"),
];

fn values() -> Vec<Row> {
    let row = |(name, lines, expected): &(&str, &[Line], &str)| {
        let request = lines.iter().fold(get(), |request, (name, value)| request.header(*name, value));
        value_of(name, lines[0].0, request, expected)
    };
    VALUES.iter().map(row).collect()
}

fn value_of(name: &str, header: &str, request: Request, expected: &str) -> Row {
    Row::echo(format!("1.4 {name}"), request).is(format!("{HEADERS}/{header}"), Value::from(expected).to_string())
}

fn pseudo() -> Vec<Row> {
    vec![
        value_of("the authority", ":authority", get().authority("a.test:81"), "a.test:81"),
        value_of("the method", ":method", Request::new("PURGE", "/h"), "PURGE"),
        value_of("the path with the query", ":path", Request::get("/h?a=%7E"), "/h?a=%7E"),
        value_of("the scheme", ":scheme", get(), "http"),
        Row::echo("1.4 there is no host", get()).absent("/attributes/request/http/headers/host"),
    ]
}

fn of_the_proxy() -> Vec<Row> {
    let upgrade = get().header("connection", "upgrade").header("upgrade", "websocket");
    let expect = Request::post("/h").header("expect", "100-continue").body("a");
    let cookies = || get().header("cookie", "a=1").header("cookie", "b=2");
    vec![
        value_of("x-forwarded-proto", "x-forwarded-proto", get(), "http"),
        Row::echo("1.4 x-request-id is Envoy's", get()).holds(
            "/attributes/request/http/headers/x-request-id",
            "36 characters long",
            |id| id.as_str().is_some_and(|id| id.len() == 36),
        ),
        value_of("names are in lower case", "x-upper", get().header("X-Upper", "V"), "V").http1(),
        value_of("cookie lines of HTTP/1.1", "cookie", cookies(), "a=1,b=2").http1(),
        value_of("cookie crumbs of HTTP/2", "cookie", cookies(), "a=1; b=2").http2(),
        Row::echo("1.4 transfer-encoding is not there", Request::post("/h").frames(["a"]))
            .http1()
            .absent("/attributes/request/http/headers/transfer-encoding"),
        value_of("content-length", "content-length", Request::post("/h").body("abc"), "3"),
        // Envoy has answered it before any filter.
        Row::echo("1.4 expect: 100-continue is not there", expect).absent("/attributes/request/http/headers/expect"),
        value_of("upgrade", "upgrade", upgrade, "websocket").http1(),
        Row::echo("1.4 every member is a string", get().header("x-number", "1")).holds(
            HEADERS,
            "all strings",
            |headers| headers.as_object().is_some_and(|headers| headers.values().all(Value::is_string)),
        ),
    ]
}

fn partial_body() -> Vec<Row> {
    let spoofed = |request: Request| request.header("x-envoy-auth-partial-body", "true");
    vec![
        Row::echo("1.4 a client's x-envoy-auth-partial-body is dropped", spoofed(get())).absent(PARTIAL),
        Row::echo("1.4 … also in front of a body", spoofed(Request::post("/h").body("a")))
            .setup(&BODY)
            .is(PARTIAL, r#""false""#),
        Row::echo("1.4 … also repeated", spoofed(spoofed(get()))).absent(PARTIAL).is("/truncated_body", "false"),
        Row::echo("1.4 … and truncates nothing", spoofed(Request::post("/h").header("content-type", JSON).body("[1]")))
            .setup(&BODY)
            .is("/parsed_body", "[1]")
            .is("/truncated_body", "false"),
        Row::decides("1.4 … and is still forwarded", "true")
            .ask(spoofed(get()))
            .allow()
            .upstream("x-envoy-auth-partial-body", &["true"]),
        Row::echo("1.4 a whole body: false", Request::post("/h").body("abcd"))
            .setup(&PARTIAL_BODY)
            .is(PARTIAL, r#""false""#),
        Row::echo("1.4 a part of a body: true", Request::post("/h").body("abcdefgh"))
            .setup(&PARTIAL_BODY)
            .is(PARTIAL, r#""true""#),
        Row::echo("1.4 GET ends at its headers: absent", get()).setup(&BODY).absent(PARTIAL),
        Row::echo("1.4 content-length 0: absent", Request::post("/h").body("")).setup(&BODY).absent(PARTIAL),
        Row::echo("1.4 a body without with_request_body: absent", Request::post("/h").body("abc")).absent(PARTIAL),
    ]
}

fn raw() -> Vec<Row> {
    let entry = |name: &'static str, request: Request, test: fn(&Value) -> bool| {
        Row::echo(name, request).setup(&RAW).holds("/attributes/request/http/headerMap/headers", "as sent", test)
    };
    let json = || Request::post("/h").header("content-type", JSON).body("[1]");
    vec![
        Row::echo("1.2 raw: no headers", get()).setup(&RAW).absent(HEADERS),
        entry(
            "1.2 raw: one entry a line, values in base64",
            get().header("x-m", "1").header("x-m", "\u{e9}"),
            |entries| values_of(entries, "x-m") == ["MQ==", "w6k="],
        ),
        entry("1.2 raw: bytes as they are", get().header("x-m", b"\xff"), |entries| {
            values_of(entries, "x-m") == ["/w=="]
        }),
        entry("1.2 raw: pseudo-headers", get(), |entries| values_of(entries, ":path") == ["L2g="]),
        entry("1.2 raw: an empty value", get().header("x-m", ""), |entries| {
            let entry = |entry: &&Value| entry["key"] == "x-m";
            let all: Vec<&Value> = entries.as_array().map(|all| all.iter().filter(entry).collect()).unwrap_or_default();
            // The default of a scalar is absent.
            all.len() == 1 && *all[0] == json!({"key": "x-m"})
        }),
        Row::echo("1.4 raw: parsed_body is null", json()).setup(&RAW).is("/parsed_body", "null"),
        Row::echo("1.4 raw: truncated_body is false", json()).setup(&RAW).is("/truncated_body", "false"),
        Row::echo(
            "1.4 raw: truncated_body is false also for a part",
            Request::post("/h").header("content-type", JSON).body("[1,2]"),
        )
        .setup(&RAW)
        .is("/parsed_body", "null")
        .is("/truncated_body", "false")
        .is("/attributes/request/http/body", r#""[1,2""#)
        .is("/attributes/request/http/size", "5"),
        Row::echo("1.4 raw: what is no JSON is no error", Request::post("/h").header("content-type", JSON).body("{"))
            .setup(&RAW)
            .is("/parsed_body", "null"),
    ]
}

/// The values of one name, as they are written.
fn values_of(entries: &Value, name: &str) -> Vec<String> {
    let all = entries.as_array().into_iter().flatten().filter(|entry| entry["key"] == name);
    all.map(|entry| entry["rawValue"].as_str().unwrap_or_default().to_owned()).collect()
}

fn filtered() -> Vec<Row> {
    let request = || {
        let request = Request::post("/h").header("x-one", "1").header("x-team", "2").header("x-other", "3");
        request.header("x-user-name", "4").header("content-type", JSON).body("[1,2]")
    };
    let names = |name: &'static str, setup, test: fn(&Value) -> bool| {
        Row::echo(name, request()).setup(setup).holds(HEADERS, "the headers that may be seen", test)
    };
    vec![
        names("1.4 allowed_headers shows these alone", &ALLOWED, |headers| {
            let expected =
                ":authority :method :path :scheme content-type x-envoy-auth-partial-body x-one x-request-id x-team";
            sorted_names(headers) == expected
        }),
        names("1.4 disallowed_headers go before allowed_headers", &DISALLOWED, |headers| {
            let expected =
                "x-envoy-auth-partial-body x-forwarded-proto x-one x-other x-peer x-request-id x-team x-user-name";
            sorted_names(headers) == expected
        }),
        Row::echo("1.4 the partial-body header is added after filtering", request().header("x-secret", "s"))
            .setup(&DISALLOWED)
            .is(PARTIAL, r#""true""#)
            .absent("/attributes/request/http/headers/x-secret"),
        Row::echo(
            "1.8 a content-type that is hidden parses nothing",
            Request::post("/h").header("content-type", JSON).body("{"),
        )
        .setup(&HIDDEN_TYPE)
        .is("/parsed_body", "null")
        .is("/truncated_body", "false"),
        Row::echo("1.4 headers of the filter's own are stripped", get().header("x-sark-a", "1").header("x-kept", "1"))
            .setup(&STRIPPED)
            .absent("/attributes/request/http/headers/x-sark-a")
            .is("/attributes/request/http/headers/x-kept", r#""1""#)
            .differs("request headers that begin with `x-sark-` are removed"),
        Row::echo("1.4 strip_request_headers are stripped", get().header("x-role", "admin"))
            .setup(&STRIPPED)
            .absent("/attributes/request/http/headers/x-role")
            .differs("same, but for headers that this filter strips"),
    ]
}

fn sorted_names(headers: &Value) -> String {
    let mut names: Vec<&str> = headers.as_object().into_iter().flat_map(|all| all.keys().map(String::as_str)).collect();
    names.sort_unstable();
    names.join(" ")
}
