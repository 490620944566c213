//! Trap T14: policy and upstream read the same path, with the connection manager's settings as shipped.

use std::sync::Mutex;

use sark_integration::configuration::of;
use sark_integration::shared::Shared;
use sark_integration::{Connection, Mode, Protocol, Remote, Request, Response, Stack};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

static STACK: Shared =
    Shared::new(|| Mutex::new(Stack::sark(of("result := false\n")).remote(Remote::Fake(Mode::Undefined)).start()));

/// Allows what is below `/public/` and tells the upstream which path it meant.
const PUBLIC: &str = r#"
default result := false

result := {"allowed": true, "headers": {"x-seen-path": input.attributes.request.http.path, "x-seen-first": input.parsed_path[0]}} if {
	startswith(input.attributes.request.http.path, "/public/")
	input.parsed_path[0] == "public"
}
"#;

/// Ways to say `/admin` without saying it, and some that only look so.
const TRICKS: [&str; 41] = [
    "/admin",
    "//admin",
    "/public/../admin",
    "/public/%2e%2e/admin",
    "/public/%2E%2E/admin",
    "/public/.%2e/admin",
    "/public/..%2fadmin",
    "/public/..%2Fadmin",
    "/public%2f..%2fadmin",
    "/public/..%5cadmin",
    "/public/..\\admin",
    "/public\\..\\admin",
    "/public/./../admin",
    "/public//../admin",
    "/public//..//admin",
    "/public/x/../../admin",
    "/public/..;/admin",
    "/public/..;x=y/admin",
    "/public;/../admin",
    "/public;x=/../../admin",
    "/;/public/../admin",
    "/public/%252e%252e/admin",
    "/public/..%252fadmin",
    "/public/%c0%ae%c0%ae/admin",
    "/public/..%00/admin",
    "/public/../ADMIN",
    "/%61dmin",
    "/%70ublic/../admin",
    "/%70ublic/ok",
    "/PUBLIC/ok",
    "/public",
    "/public/",
    "/public/.",
    "/public/..",
    "/public/ok/..",
    "/public/?/../admin",
    "/public/ok?x=/../admin",
    "/public/ok#/../../admin",
    "/public/a%20b/%7Euser",
    "/public/%zz",
    "/../public/../../admin",
];

/// The path that a forgiving upstream may make of this one.
fn forgiving(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = path.replace("%2e", ".").replace("%2E", ".").replace("%61", "a").replace("%70", "p");
    let path = path.replace("%2f", "/").replace("%2F", "/").replace("%5c", "/").replace("%5C", "/").replace('\\', "/");
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment.split(';').next().unwrap_or_default() {
            "" | "." => {}
            ".." => drop(segments.pop()),
            other => segments.push(other.to_ascii_lowercase()),
        }
    }
    segments.join("/")
}

/// Denied, or delivered under the very path the policy decided.
fn assert_same_view(trick: &str, reply: &Response) {
    if let Some(upstream) = reply.try_upstream() {
        assert_eq!(upstream.header("x-seen-path").as_ref(), Some(&upstream.path), "{trick}");
        assert_eq!(upstream.header("x-seen-first").as_deref(), Some("public"), "{trick}");
    } else {
        assert!((300..500).contains(&reply.status), "{trick}: {reply:?}");
    }
}

#[test]
fn t14_no_path_trick_reaches_the_upstream_under_another_decision() {
    let stack = STACK.with(&of(PUBLIC));
    let mut delivered = 0;
    for trick in TRICKS {
        let mut connection = Connection::open(stack.address()).unwrap();
        connection.write(format!("GET {trick} HTTP/1.1\r\nhost: sark.test\r\n\r\n")).unwrap();
        let reply = connection.response("GET").unwrap();
        assert_same_view(trick, &reply);
        delivered += usize::from(reply.status == 200);
        // What the HTTP/2 library refuses to send, it refuses.
        if let Ok(reply) = Request::get(trick).h2().send(stack.address()) {
            assert_same_view(trick, &reply);
        }
    }
    assert!(delivered > 5, "the harmless ones pass");
    for request in stack.echo().received() {
        let made = forgiving(&request.path);
        // `..;` and doubly escaped dots are ordinary segments to RFC 3986, and to Envoy: a policy that stands before an
        // upstream which thinks otherwise has to refuse them. They are the only ones.
        let known = request.path.contains("..;") || request.path.contains("%25");
        assert!(made.starts_with("public") || known, "{} may be read as /{made}", request.path);
    }
}

#[test]
fn t14_what_the_connection_manager_refuses_is_refused() {
    let stack = STACK.with(&of("result := true\n"));
    for path in ["/a%2fb", "/a%2Fb", "/a%5cb", "/a%5Cb", "/public/..%2f..%2fadmin"] {
        for protocol in BOTH {
            assert_eq!(stack.send(&Request::get(path).protocol(protocol)).status, 400, "{path}");
        }
    }
    let seen = |path: &str| stack.send(&Request::get(path)).upstream().path;
    assert_eq!(seen("/a/%7Euser/../b//c/./d?x=../y//z"), "/a/b/c/d?x=../y//z");
    assert_eq!(seen("/%41/%7a"), "/A/z", "unreserved escapes are undone for both");
    for protocol in BOTH {
        let request = Request::get("/underscore").protocol(protocol).header("x_user", "alice");
        let reply = request.send(stack.address());
        assert!(reply.is_err() || reply.unwrap().status == 400);
    }
    assert_eq!(stack.echo().received_at("/underscore"), []);
}

#[test]
fn t14_a_long_path_is_seen_to_its_end() {
    let rules = "default result := false\n\nresult if endswith(input.attributes.request.http.path, \"/ok\")\n";
    let stack = STACK.with(&of(rules));
    for protocol in BOTH {
        for length in [1_000, 20_000, 50_000] {
            let path = |end: &str| format!("/long/{}{end}", "x".repeat(length));
            assert_eq!(stack.send(&Request::get(path("/ok")).protocol(protocol)).status, 200, "{length}");
            assert_eq!(stack.send(&Request::get(path("/ok/no")).protocol(protocol)).status, 403, "{length}");
        }
        let too_long = Request::get(format!("/long/{}", "x".repeat(70_000))).protocol(protocol).send(stack.address());
        assert!(too_long.is_err() || too_long.unwrap().status >= 400);
    }
}

#[test]
fn t14_the_authority_is_the_one_the_upstream_gets() {
    let rules = "default result := false\n\n\
        result := {\"allowed\": true, \"headers\": {\"x-seen-host\": input.attributes.request.http.host}} if \
        input.attributes.request.http.host != \"internal.test\"\n";
    let stack = STACK.with(&of(rules));
    let raw = |bytes: &str| {
        let mut connection = Connection::open(stack.address()).unwrap();
        connection.write(bytes).unwrap();
        connection.response("GET")
    };
    // An absolute target wins over `host`, for both.
    let reply = raw("GET http://internal.test/a HTTP/1.1\r\nhost: sark.test\r\n\r\n").unwrap();
    assert_eq!(reply.status, 403);
    let reply = raw("GET http://sark.test/a?b HTTP/1.1\r\nhost: internal.test\r\n\r\n").unwrap();
    let upstream = reply.upstream();
    assert_eq!((upstream.authority.as_str(), upstream.path.as_str()), ("sark.test", "/a?b"));
    assert_eq!(upstream.header("x-seen-host").as_deref(), Some("sark.test"));
    for bytes in [
        "GET /two HTTP/1.1\r\nhost: sark.test\r\nhost: internal.test\r\n\r\n",
        "GET /two HTTP/1.1\r\nhost: internal.test\r\nhost: sark.test\r\n\r\n",
        "GET /two HTTP/1.1\r\n\r\n",
        "GET internal.test/two HTTP/1.1\r\nhost: sark.test\r\n\r\n",
        "GET ftp://internal.test/two HTTP/1.1\r\nhost: sark.test\r\n\r\n",
    ] {
        if let Some(upstream) = raw(bytes).ok().and_then(|reply| reply.try_upstream()) {
            assert_eq!(upstream.header("x-seen-host"), Some(upstream.authority), "{bytes:?}");
        }
    }
    let both = Request::get("/h2").h2().header("host", "internal.test");
    if let Some(upstream) = both.send(stack.address()).ok().and_then(|reply| reply.try_upstream()) {
        assert_eq!(upstream.header("x-seen-host").as_ref(), Some(&upstream.authority));
        assert_eq!(upstream.header_values("host").len(), 1);
    }
    assert!(stack.echo().received().iter().all(|request| request.authority != "internal.test"));
}
