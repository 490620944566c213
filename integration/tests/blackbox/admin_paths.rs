//! Which requests are admin requests: path tricks, hosts, filter chains, tunnels, and what stands in front of a check.

use std::sync::Mutex;

use sark_integration::configuration::{and, of};
use sark_integration::operator::{self, WRITER};
use sark_integration::shared::Shared;
use sark_integration::{Connection, Mode, Protocol, Request, Response, Stack};
use serde_json::{Value, json};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

static STACK: Shared = Shared::new(|| {
    let stack = Stack::sark(policy())
        .fake(Mode::Decision(json!(true)))
        .workers(2)
        .options(|options| {
            options.normalize_path = false;
            options.connect = true;
        })
        .edit(|tree| {
            tree["static_resources"]["listeners"][0]["filter_chains"][0]["name"] = json!("operators");
        })
        .start();
    Mutex::new(stack)
});

/// Allows what says that it is allowed, and tells the upstream which path it meant.
fn policy() -> Value {
    let rules = r#"
default result := false

result := {"allowed": true, "headers": {"x-seen-path": input.attributes.request.http.path}} if {
	input.attributes.request.http.headers["x-allowed"] == "yes"
}
"#;
    of(rules)
}

fn with_admin(changes: &Value) -> Value {
    and(&and(&policy(), json!({"admin": operator::section()})), json!({"admin": changes}))
}

/// Paths of which each byte reaches the filter: the connection manager changes none of them here.
const TRICKS: [&str; 30] = [
    "//admin/features",
    "/./admin/features",
    "/x/../admin/features",
    "/%61dmin/features",
    "/admi%6e/features",
    "/admin%2ffeatures",
    "/admin%2Ffeatures",
    "/%2fadmin/features",
    "/ADMIN/features",
    "/Admin/features",
    "/admin;x=1/features",
    "/admin;/features",
    "/admin\\features",
    "/\\admin/features",
    "/administrator/features",
    "/admin.json",
    "/x?/admin/features",
    "/;/admin/features",
    "/%2e/admin/features",
    "/x/%2e%2e/admin/features",
    "/admin~/features",
    "/admin%00/features",
    "/admin%20/features",
    "/admin%3f/features",
    "/admin%23/features",
    "/%2561dmin/features",
    "/a/admin/features",
    "/admin-features",
    "/admin,/features",
    "/admin:80/features",
];

/// Under the prefix, and no endpoint.
const UNDER: [&str; 18] = [
    "/admin",
    "/admin/",
    "/admin?x=1",
    "/admin/?/features",
    "/admin/../x",
    "/admin/..",
    "/admin/../admin/features",
    "/admin//features",
    "/admin/./features",
    "/admin/features/",
    "/admin/features;x=1",
    "/admin/features%20",
    "/admin/%66eatures",
    "/admin/Features",
    "/admin/features/x",
    "/admin/rollout",
    "/admin/%2e%2e/x",
    "/admin/%zz",
];

fn raw(stack: &Stack, bytes: &str) -> Response {
    let mut connection = Connection::open(stack.address()).unwrap();
    connection.write(bytes).unwrap();
    connection.response("GET").unwrap()
}

/// The same request over both protocols, as far as the HTTP/2 library takes the path.
fn on_both(stack: &Stack, path: &str, headers: &[(&str, &str)]) -> Vec<Response> {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let mut replies = vec![raw(stack, &format!("GET {path} HTTP/1.1\r\nhost: sark.test\r\n{lines}\r\n"))];
    let http2 = headers.iter().fold(Request::get(path).h2(), |request, (name, value)| request.header(*name, value));
    replies.extend(http2.send(stack.address()));
    replies
}

#[track_caller]
fn assert_refused(reply: &Response, status: u16, code: &str) {
    assert_eq!((reply.status, &reply.json()["error"]["code"]), (status, &json!(code)), "{reply:?}");
}

#[test]
fn a_path_that_only_looks_like_the_prefix_is_decided_by_the_policy() {
    let stack = STACK.with(&with_admin(&json!({})));
    let token = format!("Bearer {WRITER}");
    let (mut denied, mut passed, mut refused_by_envoy) = (0, 0, 0);
    for path in TRICKS {
        for reply in on_both(&stack, path, &[("authorization", &token)]) {
            assert!(matches!(reply.status, 400 | 403) && !reply.text().contains("rust_opa"), "{path}: {reply:?}");
            denied += usize::from(reply.status == 403);
            refused_by_envoy += usize::from(reply.status == 400);
        }
        for reply in on_both(&stack, path, &[("authorization", &token), ("x-allowed", "yes")]) {
            if reply.status == 400 {
                continue;
            }
            let upstream = reply.upstream();
            assert_eq!(upstream.header("x-seen-path").as_ref(), Some(&upstream.path), "{path}");
            passed += 1;
        }
    }
    assert_eq!(denied, passed);
    assert!(denied > 50 && refused_by_envoy < 10, "{denied} {refused_by_envoy}");
    assert_eq!(admin_requests(&stack), 0);
}

#[test]
fn what_is_under_the_prefix_is_answered_and_never_reaches_the_upstream() {
    let stack = STACK.with(&with_admin(&json!({})));
    let token = format!("Bearer {WRITER}");
    let decisions = || stack.stats("wasmcustom.sark_decisions_total.");
    let before = decisions();
    for path in UNDER {
        for reply in on_both(&stack, path, &[("x-allowed", "yes")]) {
            assert_refused(&reply, 401, "unauthorized");
        }
        for reply in on_both(&stack, path, &[("authorization", &token), ("x-allowed", "yes")]) {
            assert_refused(&reply, 404, "not_found");
        }
    }
    // A query is none of the path.
    for reply in on_both(&stack, "/admin/features?", &[("authorization", &token)]) {
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    assert!(stack.echo().received_at("/admin").is_empty());
    assert_eq!(decisions(), before, "admin requests are no decisions");
}

#[test]
fn with_the_shipped_settings_tricks_lead_to_the_api_itself_or_nowhere() {
    let stack = Stack::sark(with_admin(&json!({}))).start();
    let token = format!("Bearer {WRITER}");
    for path in TRICKS.iter().chain(&UNDER) {
        for reply in on_both(&stack, path, &[("x-allowed", "yes")]) {
            match reply.try_upstream() {
                // Passed by the policy, which saw the same path; and that is not under the prefix.
                Some(upstream) => {
                    assert_eq!(upstream.header("x-seen-path").as_ref(), Some(&upstream.path), "{path}");
                    assert!(upstream.path != "/admin" && !upstream.path.starts_with("/admin/"), "{path}");
                }
                None => assert!(matches!(reply.status, 307 | 400 | 401), "{path}: {reply:?}"),
            }
        }
    }
    // What Envoy undoes before the filter sees it is the endpoint, and wants its token.
    for path in ["//admin/features", "/x/../admin/features", "/%61dmin/features", "/admin//features"] {
        let without = Request::get(path).header("x-allowed", "yes");
        assert_refused(&stack.send(&without), 401, "unauthorized");
        assert_eq!(stack.send(&without.header("authorization", &token)).status, 200, "{path}");
    }
}

#[test]
fn an_absolute_target_is_the_path_and_the_host_in_it() {
    let stack = STACK.with(&with_admin(&json!({"hosts": ["ops.test"]})));
    let get = |target: &str, host: &str| {
        raw(
            &stack,
            &format!(
                "GET {target} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {WRITER}\r\nx-allowed: yes\r\n\r\n"
            ),
        )
    };
    assert!(get("http://ops.test/admin/features", "sark.test").json()["rust_opa"].is_object());
    assert_eq!(get("http://sark.test/admin/features", "ops.test").upstream().authority, "sark.test");
    assert!(get("/admin/features", "ops.test").json()["rust_opa"].is_object());
}

#[test]
fn another_host_makes_it_an_ordinary_request() {
    let stack = STACK.with(&with_admin(&json!({"hosts": ["ops.test", "ops.test:81"]})));
    for protocol in BOTH {
        let ask = |authority: &str| {
            stack.send(&operator::request("GET", "/admin/features").protocol(protocol).authority(authority))
        };
        for authority in ["ops.test", "OPS.test", "ops.test:10000", "ops.test:81"] {
            assert_eq!(ask(authority).status, 200, "{authority}");
        }
        for authority in ["sark.test", "ops.test.", "x.ops.test", "ops.testx"] {
            let reply = ask(authority);
            assert!(matches!(reply.status, 400 | 403) && reply.text().is_empty(), "{authority}: {reply:?}");
        }
    }
}

#[test]
fn only_a_named_filter_chain_has_the_api() {
    for (names, status) in
        [(json!(["operators"]), 200), (json!(["others", "operators"]), 200), (json!(["others"]), 403)]
    {
        let stack = STACK.with(&with_admin(&json!({"filter_chains": names})));
        for protocol in BOTH {
            let reply = stack.send(&operator::request("GET", "/admin/features").protocol(protocol));
            assert_eq!(reply.status, status, "{names}: {reply:?}");
        }
    }
}

#[test]
fn another_prefix_leaves_the_first_one_alone() {
    let stack = STACK.with(&with_admin(&json!({"path_prefix": "/-/sark"})));
    let get = |path: &str| stack.send(&operator::request("GET", path).header("x-allowed", "yes"));
    assert!(get("/-/sark/features").json()["rust_opa"].is_object());
    assert_eq!(get("/-/sark").status, 404);
    assert_eq!(get("/admin/features").upstream().path, "/admin/features");
}

#[test]
fn without_tokens_the_prefix_is_an_ordinary_path() {
    let stack = STACK.with(&policy());
    for protocol in BOTH {
        for (method, path) in [("GET", "/admin/features"), ("POST", "/admin/rollout/rollback"), ("GET", "/admin")] {
            let request = operator::request(method, path).protocol(protocol);
            assert_eq!(stack.send(&request).status, 403, "{path}");
            assert_eq!(stack.send(&request.header("x-allowed", "yes")).upstream().path, path);
        }
    }
    let refused = stack.push(&and(&policy(), json!({"admin": {"tokens": []}}))).rejected();
    assert!(refused.contains("admin.tokens: must list 1 to 4 tokens"), "{refused}");
}

#[test]
fn no_tunnel_begins_under_the_prefix() {
    let stack = STACK.with(&with_admin(&json!({})));
    let websocket = |request: Request| {
        request.header("connection", "Upgrade").header("upgrade", "websocket").header("x-allowed", "yes")
    };
    assert_refused(&stack.send(&websocket(Request::get("/admin/features"))), 401, "unauthorized");
    assert_refused(&stack.send(&websocket(operator::request("GET", "/admin/features"))), 400, "bad_request");
    assert_refused(&stack.send(&websocket(operator::request("POST", "/admin/rollout/rollback"))), 400, "bad_request");
    let extended = |token: &str| {
        let request = Request::extended_connect("/admin/features", "websocket").header("x-allowed", "yes");
        stack.send(&request.header("authorization", format!("Bearer {token}")))
    };
    assert_refused(&extended("wrong"), 401, "unauthorized");
    // Envoy shows the extended CONNECT of HTTP/2 as the upgrade of HTTP/1.1.
    assert_refused(&extended(WRITER), 400, "bad_request");
    // A plain CONNECT has no path: not an admin request, and the policy's affair.
    let connect = Request::connect("sark.test:80").h2().header("authorization", format!("Bearer {WRITER}"));
    assert_eq!(stack.send(&connect).status, 403);
    assert!(stack.echo().received_at("/admin").is_empty());
}

#[test]
fn a_route_cannot_switch_the_api_off_or_open_it() {
    let routes = |tree: &mut Value| {
        let manager = &mut tree["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
        let disabled = json!({
            "match": {"prefix": "/admin"},
            "route": {"cluster": "upstream"},
            "metadata": {"filter_metadata": {"sark": {"disabled": true}}},
        });
        manager["route_config"]["virtual_hosts"][0]["routes"].as_array_mut().unwrap().insert(0, disabled);
    };
    let configuration = and(&with_admin(&json!({})), json!({"route_overrides": true}));
    let stack = Stack::sark(configuration.clone()).edit(routes).start();
    for protocol in BOTH {
        assert_refused(&stack.send(&Request::get("/admin/features").protocol(protocol)), 401, "unauthorized");
        // A header that is stripped makes an ordinary request one that is denied (`route_changed`).
        let stripped = operator::request("GET", "/admin/features").protocol(protocol).header("x-sark-user", "x");
        assert_eq!(stack.send(&stripped).status, 200);
        assert_eq!(stack.send(&Request::get("/administrator").protocol(protocol)).status, 200, "the route has a say");
    }
    assert!(stack.echo().received_at("/admin/").is_empty());
    let strips = and(&configuration, json!({"strip_request_headers": ["authorization"]}));
    assert!(stack.push(&strips).rejected().contains("admin: cannot stand beside a `strip_request_headers`"));
}

fn admin_requests(stack: &Stack) -> u64 {
    let ended_ok = stack.stats("wasmcustom.sark_admin_requests_total.");
    ended_ok.iter().filter(|(name, _)| name.contains(".result.ok")).map(|(_, count)| count).sum()
}
