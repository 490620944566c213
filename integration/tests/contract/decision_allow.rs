//! Section 2.4: what an allowed request looks like upstream, and its answer to the client.

use sark_integration::Request;
use serde_json::json;

use crate::outcome::Outcome;
use crate::row::Row;
use crate::setup::{Setup, result};

static ROUTES: Setup = result("clear_route_cache", || json!({"clear_route_cache": true}));

fn allows(name: &str, keys: &str) -> Row {
    Row::decides(format!("2.4 {name}"), format!(r#"{{"allowed": true, {keys}}}"#)).allow()
}

pub fn rows() -> Vec<Row> {
    let mut rows = unchanged();
    rows.extend(set());
    rows.extend(set_pseudo());
    rows.extend(removed());
    rows.extend(added());
    rows.extend(routes());
    rows
}

fn unchanged() -> Vec<Row> {
    let request = Request::post("/a%20b?c=%7E&&d").header("x-twice", "1").header("x-twice", "2");
    let request = request.header("x-raw", "caf\u{e9}").body("hello");
    vec![
        Row::decides("2.4 allowed: the request arrives as it was sent", "true")
            .ask(request)
            .allow()
            .upstream_path("/a%20b?c=%7E&&d")
            .upstream_method("POST")
            .upstream_authority("sark.test")
            .upstream("x-twice", &["1", "2"])
            .upstream("x-raw", &["caf\u{e9}"])
            .upstream_body("hello"),
        Row::decides("2.4 allowed: the upstream's answer arrives as it was sent", "true")
            .ask(Request::get("/").header("x-upstream-status", "404").header("x-upstream-set", "x-b=1"))
            .allow()
            .status(404)
            .client("x-b", &["1"]),
        Row::decides("2.4 allowed: HEAD", "true").ask(Request::new("HEAD", "/")).allow().upstream_method("HEAD"),
        Row::decides("2.4 allowed: a body in chunks, and a trailer", "true")
            .ask(Request::post("/").frames(["one", "two"]).trailer("x-last", "1"))
            .allow()
            .upstream_body("onetwo"),
    ]
}

fn set() -> Vec<Row> {
    let twice = || Request::get("/").header("x-a", "client").header("x-a", "again");
    vec![
        allows("a header is set", r#""headers": {"x-a": "1"}"#).upstream("x-a", &["1"]),
        allows("a header is overwritten", r#""headers": {"x-a": "1"}"#)
            .ask(Request::get("/").header("x-a", "0"))
            .upstream("x-a", &["1"]),
        allows("all lines of a header are overwritten by one", r#""headers": {"x-a": "1"}"#)
            .ask(twice())
            .upstream("x-a", &["1"]),
        allows("of an array the last value wins", r#""headers": {"x-a": ["1", "2", "3"]}"#).upstream("x-a", &["3"]),
        allows("of an array the last value overwrites", r#""headers": {"x-a": ["1", "2"]}"#)
            .ask(twice())
            .upstream("x-a", &["2"]),
        allows("of several objects the last wins", r#""headers": [{"x-a": "1"}, {"x-b": "3"}, {"x-a": "2"}]"#)
            .upstream("x-a", &["2"])
            .upstream("x-b", &["3"]),
        allows("a name becomes lower case", r#""headers": {"X-Upper": "V"}"#).upstream("x-upper", &["V"]),
        allows("a name in upper case overwrites", r#""headers": {"X-A": "1"}"#).ask(twice()).upstream("x-a", &["1"]),
        allows("an empty value is set", r#""headers": {"x-a": ""}"#).upstream("x-a", &[""]),
        allows("an empty value overwrites", r#""headers": {"x-a": ""}"#).ask(twice()).upstream("x-a", &[""]),
        allows("an empty array changes nothing", r#""headers": {"x-a": []}"#)
            .ask(twice())
            .upstream("x-a", &["client", "again"]),
        allows("others stay", r#""headers": {"x-b": "1"}"#).ask(twice()).upstream("x-a", &["client", "again"]),
        allows("a value with a comma is one value", r#""headers": {"x-a": "1, 2"}"#).upstream("x-a", &["1, 2"]),
        allows("a value that is not ASCII", "\"headers\": {\"x-a\": \"h\u{e9}\"}").upstream("x-a", &["h\u{e9}"]),
        allows("a value with a tab", r#""headers": {"x-a": "a\tb"}"#).upstream("x-a", &["a\tb"]),
        allows("the client sees no header of the request", r#""headers": {"x-a": "1"}"#).client("x-a", &[]),
        allows("cookie is overwritten", r#""headers": {"cookie": "c=3"}"#)
            .ask(Request::get("/").header("cookie", "a=1").header("cookie", "b=2"))
            .upstream("cookie", &["c=3"]),
        allows("te is set", r#""headers": {"te": "trailers"}"#).upstream("te", &["trailers"]),
        allows("authorization is set", r#""headers": {"Authorization": "Bearer t"}"#)
            .upstream("authorization", &["Bearer t"]),
    ]
}

fn set_pseudo() -> Vec<Row> {
    vec![
        allows(":path is set", r#""headers": {":path": "/moved?b=2"}"#)
            .ask(Request::get("/a?c=3"))
            .upstream_path("/moved?b=2"),
        allows(":method is set", r#""headers": {":method": "PUT"}"#).upstream_method("PUT"),
        allows(":authority is set", r#""headers": {":authority": "other.test:1"}"#).upstream_authority("other.test:1"),
        allows("host is set", r#""headers": {"host": "other.test:1"}"#).upstream_authority("other.test:1"),
        allows("Host is set", r#""headers": {"Host": "other.test"}"#).upstream_authority("other.test"),
        allows("another pseudo-header has no effect", r#""headers": {":x": "1"}"#).upstream(":x", &[]),
        allows(":scheme is set", r#""headers": {":scheme": "https"}"#),
        allows("of two hosts the last wins", r#""headers": [{"host": "one.test"}, {"host": "two.test"}]"#)
            .upstream_authority("two.test"),
    ]
}

fn removed() -> Vec<Row> {
    let two = || Request::get("/").header("x-gone", "1").header("x-gone", "2").header("x-kept", "3");
    vec![
        allows("4.4#89 headers are removed, all lines", r#""request_headers_to_remove": ["x-gone"]"#)
            .ask(two())
            .upstream("x-gone", &[])
            .upstream("x-kept", &["3"]),
        allows("two headers are removed", r#""request_headers_to_remove": ["x-gone", "x-kept"]"#)
            .ask(two())
            .upstream("x-gone", &[])
            .upstream("x-kept", &[]),
        allows("a set of headers is removed", r#""request_headers_to_remove": {"x-gone", "x-kept"}"#)
            .ask(two())
            .upstream("x-kept", &[]),
        allows("a name in any case is removed", r#""request_headers_to_remove": ["X-GONE"]"#)
            .ask(two())
            .upstream("x-gone", &[]),
        allows(
            "removing wins over setting",
            r#""headers": {"x-gone": "new"}, "request_headers_to_remove": ["x-gone"]"#,
        )
        .ask(two())
        .upstream("x-gone", &[]),
        allows("removing wins in any case", r#""headers": {"X-Gone": "new"}, "request_headers_to_remove": ["x-GONE"]"#)
            .upstream("x-gone", &[]),
        allows("what is not there is removed", r#""request_headers_to_remove": ["x-absent"]"#)
            .ask(two())
            .upstream("x-kept", &["3"]),
        allows("host is kept", r#""request_headers_to_remove": ["host"]"#).upstream_authority("sark.test"),
        allows(":path is kept", r#""request_headers_to_remove": [":path"]"#)
            .ask(Request::get("/kept"))
            .upstream_path("/kept"),
        allows(":method is kept", r#""request_headers_to_remove": [":method"]"#).upstream_method("GET"),
        allows(":authority is kept", r#""request_headers_to_remove": [":authority"]"#).upstream_authority("sark.test"),
        allows("user-agent is removed", r#""request_headers_to_remove": ["user-agent"]"#)
            .ask(Request::get("/").header("user-agent", "x"))
            .upstream("user-agent", &[]),
        allows("content-length is removed, the body stays", r#""request_headers_to_remove": ["CONTENT-LENGTH"]"#)
            .ask(Request::post("/").body("hello"))
            .upstream("content-length", &[])
            .upstream_body("hello"),
        allows(":scheme is kept", r#""request_headers_to_remove": [":scheme"]"#),
        allows("what is no name removes nothing", r#""request_headers_to_remove": ["no header"]"#)
            .ask(two())
            .upstream("x-kept", &["3"]),
        allows("an empty name removes nothing", r#""request_headers_to_remove": [""]"#)
            .ask(two())
            .upstream("x-kept", &["3"]),
    ]
}

fn added() -> Vec<Row> {
    let upstreams = |set: &str| Request::get("/").header("x-upstream-set", set);
    vec![
        allows("4.4#90 response headers are added", r#""response_headers_to_add": {"x-a": "1", "x-b": "2"}"#)
            .client("x-a", &["1"])
            .client("x-b", &["2"]),
        allows("the upstream's header is kept, another line is added", r#""response_headers_to_add": {"x-a": "1"}"#)
            .ask(upstreams("x-a=0"))
            .client("x-a", &["0", "1"]),
        allows("each value of an array is a line", r#""response_headers_to_add": {"x-a": ["1", "2", "3"]}"#)
            .client("x-a", &["1", "2", "3"]),
        allows(
            "each object of an array adds",
            r#""response_headers_to_add": [{"x-a": "1"}, {"x-a": "2"}, {"x-b": "3"}]"#,
        )
        .client("x-a", &["1", "2"])
        .client("x-b", &["3"]),
        allows("set-cookie twice", r#""response_headers_to_add": {"set-cookie": ["c=3", "d=4"]}"#)
            .ask(upstreams("set-cookie=a=1"))
            .client("set-cookie", &["a=1", "c=3", "d=4"]),
        allows("a name that is added becomes lower case", r#""response_headers_to_add": {"X-Upper": "V"}"#)
            .client("x-upper", &["V"]),
        allows("an empty value is added", r#""response_headers_to_add": {"x-a": ""}"#).client("x-a", &[""]),
        allows("they are not the upstream's", r#""response_headers_to_add": {"x-a": "1"}"#).upstream("x-a", &[]),
        allows("server stays Envoy's", r#""response_headers_to_add": {"server": "policy"}"#)
            .client("server", &["envoy"]),
        allows("also to an error of the upstream", r#""response_headers_to_add": {"x-a": "1"}"#)
            .ask(Request::get("/").header("x-upstream-status", "500"))
            .status(500)
            .client("x-a", &["1"]),
        allows("also where the upstream does not answer", r#""response_headers_to_add": {"x-a": "1"}"#)
            .ask(Request::get("/").header("x-upstream-close", "1"))
            .status(503)
            .client("x-a", &["1"]),
        allows(":status has no effect", r#""response_headers_to_add": {":status": "500"}"#).status(200),
        // Envoy's own headers take one value, to which another is appended: so a real `ext_authz` in the same Envoy.
        allows("content-type is appended to", r#""response_headers_to_add": {"Content-Type": "text/x"}"#)
            .client("content-type", &["application/json,text/x"]),
        allows("etag is appended to", r#""response_headers_to_add": {"etag": "e"}"#)
            .ask(upstreams("etag=u"))
            .client("etag", &["u,e"]),
        allows("connection has no effect", r#""response_headers_to_add": {"connection": "close"}"#)
            .client("connection", &[]),
        allows("transfer-encoding has no effect", r#""response_headers_to_add": {"transfer-encoding": "gzip"}"#),
        allows("another pseudo-header of the answer has no effect", r#""response_headers_to_add": {":x": "1"}"#)
            .client(":x", &[]),
        allows("upgrade has no effect", r#""response_headers_to_add": {"upgrade": "websocket"}"#)
            .client("upgrade", &[]),
    ]
}

fn routes() -> Vec<Row> {
    vec![
        allows("a header that is set picks the route again", r#""headers": {"x-canary": "1"}"#)
            .setup(&ROUTES)
            .outcome(Outcome::Rerouted)
            .differs("a decision that sets or removes a request header lets Envoy pick the route again"),
        allows("of spellings that differ in case the last one in order wins", r#""headers": {"X-A": "1", "x-a": "2"}"#)
            .upstream("x-a", &["2"])
            .differs("the one whose spelling sorts last wins here"),
    ]
}
