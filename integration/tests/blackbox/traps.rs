//! Traps of Envoy as a host (T5, T7 to T12 of the study behind SARK): header lists, routes, shared names, secrets.

use std::sync::Mutex;

use sark_integration::configuration::{and, of};
use sark_integration::envoy::bootstrap::wasm_filter;
use sark_integration::shared::Shared;
use sark_integration::wait::SOON;
use sark_integration::{Gate, Mode, Protocol, Remote, Request, Stack};
use serde_json::{Value, json};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];
const SECRET: &str = "Bearer cG9saXRpY3MgaXMgYm9yaW5n";
const ROUTES: &str =
    "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts/0/routes";

static STACK: Shared = Shared::new(|| {
    let stack = Stack::sark(users())
        .remote(Remote::Fake(Mode::Decision(json!(false))))
        .options(|options| {
            options.max_headers = Some(2000);
            options.http1_trailers = true;
            options.log = "wasm:debug".to_owned();
            options.host_environment.insert("SARK_TEST_TOKEN".to_owned(), SECRET.to_owned());
        })
        .edit(|tree| {
            let routes = tree.pointer_mut(ROUTES).and_then(Value::as_array_mut).unwrap();
            let tier =
                |value: &str| json!({"prefix": "/", "headers": [{"name": "x-tier", "string_match": {"exact": value}}]});
            let mark = json!([{"header": {"key": "x-route", "value": "gold"}}]);
            routes.insert(
                0,
                json!({"match": tier("gold"), "route": {"cluster": "upstream"}, "request_headers_to_add": mark}),
            );
            routes.insert(1, json!({"match": tier("lead"), "direct_response": {"status": 418}}));
        })
        .start();
    Mutex::new(stack)
});

/// Alice may, nobody else.
fn users() -> Value {
    of("default result := false\n\nresult if input.attributes.request.http.headers[\"x-user\"] == \"alice\"\n")
}

/// Everybody is decided by the remote OPA, which has all the time it wants.
fn remote() -> Value {
    let remote = json!({"remote": {"cluster": "opa", "timeout": "30s"}, "features": {"rust_opa": {"enabled": false}}});
    and(&of("result := false\n"), remote)
}

#[test]
fn t05_bytes_that_are_not_utf8_do_not_kill_the_worker() {
    let stack = STACK.with(&users());
    for protocol in BOTH {
        let odd = |user: &str| {
            Request::post("/t05")
                .protocol(protocol)
                .header("x-raw", b"\xff\xfe\x80")
                .header("x-!#$%&'*+.^`|~", b"caf\xe9")
                .header("x-empty", "")
                .header("cookie", b"a=\xff")
                .header("x-user", user)
                .frames([b"\xff\xff"])
                .trailer("x-last", b"\xff")
        };
        assert_eq!(stack.send(&odd("mallory")).status, 403);
        let reply = stack.send(&odd("alice"));
        assert_eq!(reply.upstream().header_bytes("x-raw"), Some(&b"\xff\xfe\x80"[..]));
        assert_eq!(reply.upstream().header_bytes("x-!#$%&'*+.^`|~"), Some(&b"caf\xe9"[..]));
        assert_eq!(stack.send(&Request::get("/t05").protocol(protocol).header("x-user", b"alice\xff")).status, 403);
    }
    assert_no_trap(&stack);
}

#[test]
fn t05_bytes_that_are_not_utf8_reach_the_remote_side_replaced() {
    let stack = STACK.with(&remote());
    stack.fake().set(Mode::decide(|input| json!(input["attributes"]["request"]["http"]["headers"]["x-raw"] == "a!")));
    for protocol in BOTH {
        let request = Request::get("/t05/remote").protocol(protocol);
        let reply = stack.send(&request.clone().header("x-raw", b"a\xff"));
        assert_eq!(reply.upstream().header_bytes("x-raw"), Some(&b"a\xff"[..]));
        assert_eq!(stack.send(&request.header("x-raw", b"\xff\xff")).status, 403);
    }
    stack.fake().set(Mode::Reply(200, b"{\"result\": {\"allowed\": true, \"body\": \"\xff\"}}".to_vec()));
    let status = stack.send(&Request::get("/t05/reply")).status;
    assert!(status == 200 || status == 403, "{status}");
    assert_no_trap(&stack);
}

#[test]
fn t07_repeated_headers_are_joined_for_the_policy_and_arrive_apart() {
    let rules =
        "default result := false\n\nresult if input.attributes.request.http.headers[\"x-user\"] == \"alice,bob\"\n";
    let stack = STACK.with(&of(rules));
    for protocol in BOTH {
        let twice = |first: &str, second: &str| {
            let request = Request::get("/t07").protocol(protocol);
            stack.send(&request.header("x-user", first).header("x-user", second))
        };
        assert_eq!(twice("alice", "bob").upstream().header_values("x-user"), ["alice", "bob"]);
        assert_eq!(twice("bob", "alice").status, 403);
        assert_eq!(twice("alice", "").status, 403);
    }
    drop(stack);
    // Neither the first nor the last of two values speaks for the user.
    let stack = STACK.with(&users());
    for (first, second) in [("alice", "mallory"), ("mallory", "alice"), ("alice", "alice"), ("alice", "")] {
        let request = Request::get("/t07/one").header("X-User", first).header("x-user", second);
        assert_eq!(stack.send(&request).status, 403, "{first}, {second}");
    }
    assert_eq!(stack.echo().received_at("/t07/one"), []);
}

#[test]
fn t08_changes_decided_by_a_callout_arrive_upstream() {
    let stack = STACK.with(&remote());
    let decision = json!({
        "allowed": true,
        "headers": {"x-decided": "yes", "x-user": "alice"},
        "request_headers_to_remove": ["x-secret"],
        "response_headers_to_add": {"x-answer": "42"},
        "query_parameters_to_set": {"b": "2"},
    });
    stack.fake().set(Mode::Decision(decision));
    for protocol in BOTH {
        let request = Request::post("/t08?a=1").protocol(protocol).header("x-user", "mallory").header("x-secret", "1");
        let reply = stack.send(&request.frames(["one", "two"]).trailer("x-last", "1"));
        let upstream = reply.upstream();
        assert_eq!(upstream.header_values("x-decided"), ["yes"]);
        assert_eq!(upstream.header_values("x-user"), ["alice"]);
        assert_eq!(upstream.header("x-secret"), None);
        assert_eq!((upstream.path.as_str(), upstream.body_text().as_str()), ("/t08?a=1&b=2", "onetwo"));
        assert_eq!(upstream.trailers.len(), 1);
        assert_eq!(reply.header_values("x-answer"), ["42"]);
    }
    assert_eq!(stack.stat("wasmcustom.sark_host_errors_total"), 0);
}

#[test]
fn t09_a_header_of_the_policy_picks_the_route_again() {
    let rules = "default result := false\n\n\
        result := {\"allowed\": true, \"headers\": {\"x-tier\": data.tier}} if \
        input.attributes.request.http.headers[\"x-user\"] == \"alice\"\n";
    let tier = |tier: &str| and(&of(rules), json!({"policy": {"data": {"tier": tier}}}));
    let stack = STACK.with(&tier("gold"));
    let alice = Request::get("/t09").header("x-user", "alice");
    assert_eq!(stack.send(&alice).upstream().header_values("x-route"), ["gold"]);
    assert_eq!(stack.send(&alice.clone().header("x-tier", "lead")).upstream().header_values("x-tier"), ["gold"]);
    let mallory = Request::get("/t09/denied").header("x-user", "mallory");
    for claimed in ["gold", "lead", "tin"] {
        // Also where the route would answer by itself.
        assert_eq!(stack.send(&mallory.clone().header("x-tier", claimed)).status, 403, "{claimed}");
    }
    stack.push(&tier("lead")).accepted();
    assert_eq!(stack.send(&alice).status, 418);
    stack.push(&tier("tin")).accepted();
    assert_eq!(stack.send(&alice.header("x-tier", "gold")).upstream().header("x-route"), None);
    assert_eq!(stack.echo().received_at("/t09/denied"), []);
}

#[test]
fn t10_two_plugins_in_one_vm_decide_independently() {
    fn wants(header: &str) -> Value {
        let rule = format!("input.attributes.request.http.headers[\"x-{header}\"] == \"yes\"");
        let debug = json!({"debug_header": format!("x-decided-{header}")});
        and(&of(&format!("default result := false\n\nresult if {rule}\n")), debug)
    }
    let second = and(&remote(), json!({"debug_header": "x-decided-b"}));
    let stack = Stack::sark(wants("a"))
        .fake(Mode::decide(|input| json!(input["attributes"]["request"]["http"]["headers"]["x-b"] == "yes")))
        .options(|options| {
            options.vm_id = Some(String::new());
            let options_of_second = options.clone();
            options.edits.push(std::sync::Arc::new(move |tree| {
                let mut filter = wasm_filter(&options_of_second, &second.to_string()).unwrap();
                filter["config"]["name"] = json!("second");
                let chain = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters";
                let chain = tree.pointer_mut(chain).and_then(Value::as_array_mut).unwrap();
                chain.insert(1, json!({"name": "second", "typed_config": filter}));
            }));
        })
        .start();
    let status = |a: &str, b: &str| {
        let request = Request::post("/t10").header("x-a", a).header("x-b", b).frames(["one", "two"]);
        stack.send(&request).status
    };
    let all = |expected: [u16; 4]| {
        let seen = [status("yes", "yes"), status("yes", "no"), status("no", "yes"), status("no", "no")];
        assert_eq!(seen, expected);
    };
    all([200, 403, 403, 403]);
    let reply = stack.send(&Request::get("/t10").header("x-a", "yes").header("x-b", "yes"));
    assert_eq!(
        (reply.header("x-decided-a").as_deref(), reply.header("x-decided-b").as_deref()),
        (Some("rust"), Some("remote"))
    );
    // What is pushed to the one does not move the other.
    stack.push(&of("result := true\n")).accepted();
    all([200, 403, 200, 403]);
    stack.push(&of("result := false\n")).accepted();
    all([403, 403, 403, 403]);
    stack.push(&wants("a")).accepted();
    all([200, 403, 403, 403]);
    assert_no_trap(&stack);
}

#[test]
fn t11_no_secret_stands_where_an_operator_can_read_it() {
    let token = json!({"remote": {"headers": {"authorization": {"from_env": "SARK_TEST_TOKEN"}}}});
    let configuration = and(&remote(), token);
    let stack = STACK.with(&configuration);
    stack.fake().set(Mode::Decision(json!(true)));
    let theirs = "Bearer client-0123456789";
    let request = Request::get("/t11").header("authorization", theirs).header("cookie", "session=client-9876543210");
    assert_eq!(stack.send(&request).status, 200);
    let call = stack.fake().wait_for_call("/t11", SOON).unwrap();
    let sent: Vec<_> = call.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("authorization")).collect();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].1, SECRET.as_bytes());
    // Errors of every kind, and a refused push: what is written about them names places, not values.
    for mode in [Mode::Garbage, Mode::Undefined, Mode::Reset, Mode::Decision(json!({"allowed": "client-"}))] {
        stack.fake().set(mode);
        assert_eq!(stack.send(&request).status, 403);
    }
    let why = stack.push(&and(&configuration, json!({"limits": {"evaluation_time": "1h"}}))).rejected();
    assert!(why.contains("limits.evaluation_time"), "{why}");
    let conflict = "result := input.attributes.request.http.headers.authorization\n\nresult := \"other\"\n";
    stack.push(&of(conflict)).accepted();
    assert_eq!(stack.send(&request).status, 403);

    let admin = stack.envoy().admin();
    let pages = ["/config_dump?include_eds", "/stats", "/stats/prometheus", "/server_info", "/clusters", "/listeners"];
    let mut texts = pages.map(|page| (page, admin.get(page).unwrap())).to_vec();
    texts.push(("the log", stack.envoy().log_since(0)));
    for (place, text) in &texts {
        for secret in [&SECRET["Bearer ".len()..], "client-0123456789", "client-9876543210"] {
            assert!(!text.contains(secret), "{secret} stands in {place}");
        }
    }
    assert!(texts[0].1.contains("SARK_TEST_TOKEN"), "the name may stand there");
    for name in ["authorization", "Cookie", "proxy-authorization"] {
        let why = stack.push(&and(&remote(), json!({"remote": {"headers": {name: SECRET}}}))).rejected();
        assert!(why.contains(&format!("remote.headers.{name}")) && why.contains("from_env"), "{why}");
        assert!(!why.contains(SECRET), "{why}");
    }
}

/// 1,100 headers, then who it is.
fn crowd(path: &str, user: &str, protocol: Protocol) -> Request {
    let many = (0..1100)
        .fold(Request::get(path).protocol(protocol), |request, number| request.header(format!("x-{number}"), "v"));
    many.header("x-user", user)
}

#[test]
fn t12_more_than_1024_headers_are_decided_rightly_or_denied() {
    let stack = STACK.with(&users());
    let seen = |user: &str| BOTH.map(|protocol| stack.send(&crowd("/t12", user, protocol)).status);
    assert_eq!(seen("mallory"), [403, 403]);
    // Envoy hands the whole list over; taking it for empty would be a denial.
    assert_eq!(seen("alice"), [200, 200]);
    assert!(stack.echo().received_at("/t12").iter().all(|request| request.headers.len() > 1100));

    stack.push(&remote()).accepted();
    stack
        .fake()
        .set(Mode::decide(|input| json!(input["attributes"]["request"]["http"]["headers"]["x-user"] == "alice")));
    assert_eq!((seen("mallory"), seen("alice")), ([403, 403], [200, 200]));
    assert_no_trap(&stack);
}

#[test]
fn t12_more_than_1024_headers_from_the_policy_are_an_error() {
    let many: Value =
        (0..1100).map(|number| (format!("x-{number}"), json!("v"))).collect::<serde_json::Map<_, _>>().into();
    let shapes = [
        "{\"allowed\": true, \"headers\": data.many}",
        "{\"allowed\": true, \"response_headers_to_add\": data.many}",
        "{\"allowed\": false, \"headers\": data.many, \"http_status\": 401}",
    ];
    let stack = STACK.with(&users());
    for shape in shapes {
        let extra = json!({"policy": {"data": {"many": many}}, "status_on_error": {"code": 500}});
        stack.push(&and(&of(&format!("result := {shape}\n")), extra)).accepted();
        let count = [
            ("opa_evaluation_errors_total.implementation.rust.reason.bad_mutation", 1),
            ("sark_decisions_total.implementation.none.result.failure_mode_deny", 1),
            ("feature_flag_assignments_total.feature.rust_opa.implementation.rust", 1),
        ];
        stack.assert_counts(&count, || assert_eq!(stack.send(&Request::get("/t12/policy")).status, 500, "{shape}"));
    }
    assert_eq!(stack.echo().received_at("/t12/policy"), []);
}

#[test]
fn t12_more_than_1024_headers_in_the_remote_answer_do_not_let_the_request_through() {
    let stack = STACK.with(&remote());
    let gate = Gate::default();
    stack.fake().set(Mode::Held(gate.clone()));
    let many: Value =
        (0..1100).map(|number| (format!("x-{number}"), json!("v"))).collect::<serde_json::Map<_, _>>().into();
    gate.decide("/t12/remote/a", json!({"allowed": false, "headers": many}));
    gate.decide("/t12/remote/b", json!({"allowed": true, "headers": many}));
    for path in ["/t12/remote/a", "/t12/remote/b"] {
        assert_eq!(stack.send(&Request::get(path)).status, 403, "{path}");
        assert_eq!(stack.envoy().access_of(path).unwrap()["error"], "remote:bad_mutation");
    }
    assert_eq!(stack.echo().received_at("/t12/remote"), []);
}

#[track_caller]
fn assert_no_trap(stack: &Stack) {
    for sign in ["panicked", "RuntimeError"] {
        assert!(!stack.envoy().log_contains(sign), "{sign}\n{}", stack.envoy().log_tail());
    }
}
