//! Section 2.4: what the client of a denied request gets; section 2.1: what a denial, an error and a 400 look like.

use sark_integration::Request;

use crate::row::Row;

fn denies(name: &str, keys: &str) -> Row {
    Row::decides(format!("2.4 denied: {name}"), format!(r#"{{"allowed": false, {keys}}}"#))
}

pub fn rows() -> Vec<Row> {
    let mut rows = bodies();
    rows.extend(headers());
    rows.extend(requests());
    rows.extend(grpc());
    rows
}

fn bodies() -> Vec<Row> {
    vec![
        Row::decides("2.4 denied: false", "false").status(403).body("").client("content-type", &[]),
        denies("4.3#60 a body", r#""body": "hello""#).status(403).body("hello").client("content-type", &["text/plain"]),
        denies("no body has no type", r#""headers": {"x-a": "1"}"#).body("").client("content-type", &[]),
        denies("an empty body has no type", r#""body": """#).body("").client("content-type", &[]),
        denies("a body with the policy's type", r#""body": "{}", "headers": {"content-type": "application/json"}"#)
            .body("{}")
            .client("content-type", &["application/json"]),
        denies("a type in another case", r#""body": "{}", "headers": {"Content-Type": "text/html"}"#)
            .client("content-type", &["text/html"]),
        denies("a body that is not ASCII", "\"body\": \"h\u{e9}\"").body("h\u{e9}").client("content-length", &["3"]),
        denies("a body of lines and quotes", r#""body": "a\r\nb\"\\""#).body("a\r\nb\"\\"),
        denies("its length", r#""body": "hello""#).client("content-length", &["5"]),
        denies("HEAD has a length and no body", r#""body": "hello", "http_status": 401"#)
            .ask(Request::new("HEAD", "/"))
            .status(401)
            .body("")
            .client("content-length", &["5"])
            .client("content-type", &["text/plain"]),
        denies("a body with a status", r#""body": "slow down", "http_status": 429"#).status(429).body("slow down"),
        denies(
            "4.4#93 301, headers and a body",
            r#""http_status": 301, "body": "Unauthorized Request", "headers": {"x-a": "1", "x-b": "2"}"#,
        )
        .status(301)
        .body("Unauthorized Request")
        .client("x-a", &["1"])
        .client("x-b", &["2"]),
        denies("200 is a denial", r#""http_status": 200, "body": "no""#).status(200).body("no"),
        denies("204 is a denial", r#""http_status": 204"#).status(204).body(""),
        denies("204 and 304 have no body", r#""http_status": 204, "body": "no""#)
            .status(204)
            .body("")
            .differs("204 and 304 have no body"),
        denies("304 has no body", r#""http_status": 304, "body": "no""#)
            .status(304)
            .body("")
            .differs("204 and 304 have no body"),
    ]
}

const FRAMING: &str = r#""body": "no", "headers": {
    "connection": "close", "upgrade": "websocket", "keep-alive": "timeout=5", "transfer-encoding": "chunked"}"#;

fn headers() -> Vec<Row> {
    vec![
        denies("a header", r#""headers": {"x-a": "1"}"#).client("x-a", &["1"]),
        denies("each value of an array is a line", r#""headers": {"x-a": ["1", "2"]}"#).client("x-a", &["1", "2"]),
        denies("each object of an array adds", r#""headers": [{"x-a": "1"}, {"x-a": "2"}]"#).client("x-a", &["1", "2"]),
        denies("set-cookie twice", r#""headers": {"set-cookie": ["a=1", "b=2"]}"#)
            .client("set-cookie", &["a=1", "b=2"]),
        denies("a redirect", r#""http_status": 302, "headers": {"location": "https://login.test/"}"#)
            .status(302)
            .client("location", &["https://login.test/"]),
        denies("a challenge", r#""http_status": 401, "headers": {"WWW-Authenticate": "Basic realm=x"}"#)
            .status(401)
            .client("www-authenticate", &["Basic realm=x"]),
        denies("content-length has no effect", r#""body": "no", "headers": {"content-length": "99"}"#)
            .body("no")
            .client("content-length", &["2"]),
        denies(":status has no effect", r#""headers": {":status": "200"}"#).status(403),
        denies("an empty value", r#""headers": {"x-a": ""}"#).client("x-a", &[""]),
        denies("no values", r#""headers": {"x-a": []}"#).client("x-a", &[]),
        denies("server stays Envoy's", r#""headers": {"server": "policy"}"#).client("server", &["envoy"]),
        denies("a header of the request is not the client's", r#""headers": {"x-a": "1"}"#)
            .ask(Request::get("/").header("x-b", "2"))
            .client("x-b", &[]),
        denies("what frames a message has no effect", FRAMING).body("no").client("upgrade", &[]),
        denies("nor of an upgrade", FRAMING)
            .ask(Request::get("/").header("connection", "Upgrade").header("upgrade", "websocket"))
            .http1()
            .body("no")
            .client("upgrade", &[]),
    ]
}

/// Nothing of any of them arrives upstream: that is looked at in every row.
fn requests() -> Vec<Row> {
    let post = || Request::post("/upload");
    let all = [
        ("a body", post().body("hello")),
        ("a large body", post().body(vec![b'x'; 300_000])),
        ("a body in chunks", post().frames(vec!["x"; 50])),
        ("a trailer", post().frames(["x"]).trailer("x-last", "1")),
        ("expect: 100-continue", post().header("expect", "100-continue").body("hello")),
        ("an upgrade", Request::get("/ws").header("connection", "upgrade").header("upgrade", "websocket")),
    ];
    let mut rows: Vec<Row> = all
        .map(|(name, request)| {
            denies(&format!("a request with {name}"), r#""http_status": 401, "body": "no""#)
                .ask(request)
                .status(401)
                .body("no")
        })
        .into();
    let upgrade = rows.pop();
    rows.extend(upgrade.map(Row::http1));
    rows
}

/// The status of a gRPC client, for the status of HTTP.
const GRPC: &[(u16, &str)] = &[
    (200, "2"),
    (226, "2"),
    (302, "2"),
    (400, "13"),
    (401, "16"),
    (403, "7"),
    (404, "12"),
    (405, "2"),
    (409, "2"),
    (413, "2"),
    (429, "14"),
    (500, "2"),
    (502, "14"),
    (503, "14"),
    (504, "14"),
    (511, "2"),
];

const GRPC_CODES: &[&[&str]] = &[&["2"], &["7"], &["12"], &["13"], &["14"], &["16"]];

fn grpc() -> Vec<Row> {
    let call = |content_type: &str| {
        let request = Request::post("/shop.Books/Put").header("content-type", content_type).header("te", "trailers");
        request.frames(["\0\0\0\0\0"])
    };
    let row = |name: &str, keys: &str| denies(&format!("gRPC: {name}"), keys).ask(call("application/grpc")).status(200);
    let mut rows: Vec<Row> = GRPC
        .iter()
        .map(|(status, code)| {
            let code = GRPC_CODES.iter().find(|known| known[0] == *code).expect("a known code");
            row(&format!("{status} is {}", code[0]), &format!(r#""http_status": {status}"#)).client("grpc-status", code)
        })
        .collect();
    rows.extend([
        row("the body is the message, percent-encoded", "\"body\": \"a b\\n100%\u{e9}\"")
            .body("")
            .client("grpc-message", &["a b%0A100%25%C3%A9"]),
        row("without a body there is no message", r#""http_status": 401"#).client("grpc-message", &[]),
        row("the type is gRPC's", r#""body": "no""#).client("content-type", &["application/grpc"]),
        row("headers", r#""headers": {"x-a": ["1", "2"]}"#).client("x-a", &["1", "2"]),
        row("the type application/grpc+proto", r#""http_status": 401"#)
            .ask(call("application/grpc+proto"))
            .client("grpc-status", &["16"]),
        denies("grpc-web is no gRPC", r#""http_status": 401, "body": "no""#)
            .ask(call("application/grpc-web"))
            .status(401)
            .body("no")
            .client("grpc-status", &[]),
        Row::decides("2.4 gRPC: an error is 7, without a message", "7")
            .ask(call("application/grpc"))
            .error()
            .status(200)
            .client("grpc-status", &["7"])
            .client("grpc-message", &[]),
        Row::decides("2.4 gRPC: what cannot be read is 13", "true")
            .ask(Request::post("/shop.Books/%zz").header("content-type", "application/grpc").frames(["\0\0\0\0\0"]))
            .bad_request()
            .status(200)
            .client("grpc-status", &["13"]),
        Row::decides("2.4 gRPC: what is allowed passes", "true")
            .ask(call("application/grpc"))
            .allow()
            .upstream("content-type", &["application/grpc"])
            .upstream_body("\0\0\0\0\0"),
    ]);
    rows
}
