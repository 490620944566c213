//! The harness itself, without the filter: whatever it says about SARK, it must first be right about Envoy.

use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use sark_integration::envoy::{Filter, Push};
use sark_integration::{
    Connection, FakeOpa, Http2, Load, Mode, Opa, Protocol, Remote, Request, Stack, bucket, load, parts, ports,
};
use serde_json::{Value, json};

/// Envoy without a filter, shared by the tests that only read.
static BARE: LazyLock<Stack> = LazyLock::new(|| {
    Stack::bare()
        .workers(2)
        .options(|options| {
            options.http1_trailers = true;
            options.connect = true;
            options.max_headers = Some(2000);
        })
        .start()
});

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

#[test]
fn a_request_arrives_upstream_as_it_was_sent() {
    let _watch = BARE.watch();
    for protocol in BOTH {
        let request = Request::post("/as-sent/a%20b?c=%2F%7E")
            .protocol(protocol)
            .header("x-twice", "1")
            .header("x-twice", "2")
            .header("x-raw", b"\xff\xfe")
            .body("hello");
        let reply = BARE.send(&request);
        assert_eq!(reply.status, 200);
        let upstream = reply.upstream();
        assert_eq!(upstream.method, "POST");
        assert_eq!(upstream.path, "/as-sent/a%20b?c=%2F%7E");
        assert_eq!(upstream.authority, "sark.test");
        assert_eq!(upstream.header_values("x-twice"), ["1", "2"]);
        assert_eq!(upstream.header_bytes("x-raw"), Some(&b"\xff\xfe"[..]));
        assert_eq!(upstream.body, b"hello");
        assert!(BARE.echo().received_at("/as-sent").contains(&upstream));
    }
}

#[test]
fn chunks_and_trailers_arrive() {
    let _watch = BARE.watch();
    for protocol in BOTH {
        let request = Request::post("/trailers")
            .protocol(protocol)
            .header("te", "trailers")
            .header("x-upstream-trailer", "x-answer=last")
            .frames(["one", "two"])
            .trailer("x-last", "three");
        let reply = BARE.send(&request);
        let upstream = reply.upstream();
        assert_eq!(upstream.body_text(), "onetwo");
        assert_eq!(upstream.trailers, [("x-last".to_owned(), b"three".to_vec())]);
        assert_eq!(reply.trailers, [("x-answer".to_owned(), b"last".to_vec())]);
    }
}

#[test]
fn the_upstream_can_be_steered() {
    let request = Request::get("/steered")
        .header("x-upstream-status", "418")
        .header("x-upstream-set", "x-a=1")
        .header("x-upstream-set", "x-a=2");
    let reply = BARE.send(&request);
    assert_eq!(reply.status, 418);
    assert_eq!(reply.header_values("x-a"), ["1", "2"]);
    assert_eq!(BARE.send(&Request::get("/steered").header("x-upstream-close", "1")).status, 503);
    assert_eq!(BARE.send(&Request::new("HEAD", "/steered")).body, b"");
}

#[test]
fn the_path_is_normalised_unless_switched_off() {
    let target = "/norm/%7Ea/../b//c%2fd";
    assert_eq!(BARE.send(&Request::get(target)).status, 400);
    let target = "/norm/%7Ea/../b//c";
    assert_eq!(BARE.send(&Request::get(target)).upstream().path, "/norm/b/c");
    let raw = Stack::bare().options(|options| options.normalize_path = false).start();
    assert_eq!(raw.send(&Request::get(target)).upstream().path, target);
}

#[test]
fn upstream_over_http2_tells_the_same() {
    let stack = Stack::bare().options(|options| options.upstream_http2 = true).start();
    let request = Request::post("/h2?x").h2().frames(["one", "two"]).trailer("x-last", "three");
    let upstream = stack.send(&request).upstream();
    assert_eq!(upstream.version, "HTTP/2");
    assert_eq!(upstream.path, "/h2?x");
    assert_eq!(upstream.body_text(), "onetwo");
    assert_eq!(upstream.trailers.len(), 1);
}

#[test]
fn half_a_request_is_seen_upstream() {
    let mut connection = Connection::open(BARE.address()).unwrap();
    connection.write("POST /half HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345").unwrap();
    let seen = BARE
        .echo()
        .wait_for(Duration::from_secs(5), |request| request.path == "/half" && request.body.len() == 5)
        .unwrap();
    assert!(!seen.complete);
    connection.abort().unwrap();
}

#[test]
fn an_http2_request_can_be_sent_step_by_step() {
    let connection = Http2::open(BARE.address()).unwrap();
    let mut stream = connection.start(&Request::post("/steps"), false).unwrap();
    stream.data("one", false).unwrap();
    let arrived = |request: &sark_integration::Received| request.path == "/steps" && request.body == b"one";
    BARE.echo().wait_for(Duration::from_secs(5), arrived).unwrap();
    stream.trailers(&vec![("x-last".to_owned(), b"1".to_vec())]).unwrap();
    assert_eq!(stream.response().unwrap().upstream().trailers.len(), 1);
    connection.start(&Request::post("/steps/reset"), false).unwrap().reset();
}

#[test]
fn upgrades_and_connect_become_tunnels() {
    let _watch = BARE.watch();
    let upgrade = Request::get("/ws").header("connection", "upgrade").header("upgrade", "websocket");
    for (request, status) in [(upgrade, 101), (Request::connect("example.test:443"), 200)] {
        let mut connection = Connection::open(BARE.address()).unwrap();
        assert_eq!(connection.exchange(&request).unwrap().status, status);
        connection.write("ping").unwrap();
        assert_eq!(connection.raw_exact(4).unwrap(), b"ping");
    }
    let connection = Http2::open(BARE.address()).unwrap();
    let mut stream = connection.start(&Request::connect("example.test:443"), false).unwrap();
    assert_eq!(stream.head().unwrap().status, 200);
    stream.data("ping", false).unwrap();
    assert_eq!(stream.piece().unwrap().unwrap(), "ping");
}

#[test]
fn more_than_1024_headers_are_sent() {
    for protocol in BOTH {
        let mut request = Request::get("/many").protocol(protocol);
        for number in 0..1100 {
            request = request.header(format!("x-{number}"), "v");
        }
        assert!(BARE.send(&request).upstream().headers.len() > 1100);
    }
}

#[test]
fn expect_continue_is_answered_first() {
    let mut connection = Connection::open(BARE.address()).unwrap();
    let request = Request::post("/expect").header("expect", "100-continue").body("hello");
    let reply = connection.exchange(&request).unwrap();
    assert_eq!(reply.informational, [100]);
    assert_eq!(reply.upstream().body_text(), "hello");
}

#[test]
fn a_missing_reply_is_a_readable_error() {
    let fake = FakeOpa::start(Mode::Hang).unwrap();
    let request = Request::get("/never").limit(Duration::from_millis(50));
    let error = request.send(fake.address()).unwrap_err().to_string();
    assert_eq!(error, "GET /never (Http1): nothing within 50ms");
    let error = request.send(ports::loopback(ports::free().unwrap())).unwrap_err();
    assert!(error.to_string().contains("refused"), "{error}");
}

#[test]
fn the_fake_opa_is_broken_in_every_way() {
    let fake = FakeOpa::start(Mode::Decision(json!(true))).unwrap();
    let ask = || {
        let input = json!({"input": {"user": "alice"}}).to_string();
        Request::post("/v1/data/envoy/authz/allow").body(input).send(fake.address())
    };
    assert_eq!(ask().unwrap().json(), json!({"result": true}));
    assert_eq!(fake.calls()[0].body, json!({"input": {"user": "alice"}}));

    fake.set(Mode::decide(|input| json!(input["user"] == "bob")));
    assert_eq!(ask().unwrap().json(), json!({"result": false}));
    fake.set(Mode::Reply(500, b"oops".to_vec()));
    assert_eq!((ask().unwrap().status, ask().unwrap().text().as_str()), (500, "oops"));
    fake.set(Mode::Garbage);
    assert!(serde_json::from_slice::<Value>(&ask().unwrap().body).is_err());
    fake.set(Mode::Empty);
    assert_eq!(ask().unwrap().body, b"");
    fake.set(Mode::Undefined);
    assert_eq!(ask().unwrap().json(), json!({}));
    fake.set(Mode::Big(3_000_000));
    assert_eq!(ask().unwrap().body.len(), 3_000_000);
    assert_eq!(ask().unwrap().json()["result"], json!(true));
    fake.set(Mode::after(Duration::from_millis(30), Mode::Undefined));
    let started = std::time::Instant::now();
    assert_eq!(ask().unwrap().status, 200);
    assert!(started.elapsed() >= Duration::from_millis(30));
    for mode in [Mode::Reset, Mode::Close] {
        fake.set(mode);
        assert!(ask().is_err());
    }
    fake.stop();
    assert!(ask().unwrap_err().to_string().contains("refused"));
    fake.set(Mode::Undefined);
    fake.listen().unwrap();
    assert_eq!(ask().unwrap().status, 200);
}

#[test]
fn the_real_opa_answers_and_can_be_held_and_killed() {
    let rego = "package envoy.authz\n\ndefault allow := false\n\nallow if input.user == data.admin\n";
    let opa = Opa::with_policy(rego, &json!({"admin": "alice"})).unwrap();
    let allows = |user: &str| opa.query("envoy/authz/allow", &json!({"user": user}));
    assert_eq!(allows("alice").unwrap(), json!({"result": true}));
    assert_eq!(allows("bob").unwrap(), json!({"result": false}));

    opa.pause().unwrap();
    let health = Request::get("/health").limit(Duration::from_millis(200));
    let error = health.send(opa.address()).unwrap_err();
    assert!(error.to_string().contains("nothing within"), "{error}");
    opa.resume().unwrap();
    assert_eq!(health.limit(Duration::from_secs(10)).send(opa.address()).unwrap().status, 200);

    opa.kill();
    assert!(allows("alice").unwrap_err().to_string().contains("refused"));
    opa.restart().unwrap();
    assert_eq!(allows("alice").unwrap(), json!({"result": true}));
}

#[test]
fn an_opa_that_cannot_start_says_why() {
    let error = Opa::with_policy("package broken\n\nallow if {", &json!({})).err().unwrap();
    assert!(error.to_string().contains("it ended by itself"), "{error}");
    assert!(error.to_string().contains("rego_parse_error"), "{error}");
}

#[test]
fn counters_and_logs_are_read() {
    let name = "cluster.opa.upstream_rq_total";
    let stack = Stack::bare()
        .remote(Remote::Fake(Mode::Undefined))
        .edit(|tree| {
            // A second route, so that traffic without a filter reaches the cluster `opa`.
            let routes = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts/0/routes";
            let routes = tree.pointer_mut(routes).and_then(Value::as_array_mut).unwrap();
            routes.insert(0, json!({"match": {"prefix": "/opa"}, "route": {"cluster": "opa"}}));
        })
        .start();
    assert_eq!(stack.stat(name), 0);
    assert_eq!(stack.send(&Request::get("/opa?a")).json(), json!({}));
    stack.envoy().wait_for_stat(name, 1).unwrap();
    assert!(stack.stats("cluster.opa.upstream_rq").len() > 3);
    let ask = || assert_eq!(stack.send(&Request::get("/opa?c")).status, 200);
    let expected = [("200", 1), ("2xx", 1), ("completed", 1), ("total", 1)];
    let prefix = "cluster.opa.upstream_rq_";
    stack.envoy().count(prefix, &expected, ask).unwrap();
    stack.fake().clear();
    assert_eq!(stack.send(&Request::get("/opa?d")).status, 200);
    assert_eq!(stack.fake().count(), 1);
    assert_eq!(stack.echo().count(), 0);

    let line = stack.envoy().access_of("/opa?a").unwrap();
    assert_eq!((&line["status"], &line["details"]), (&json!(200), &json!("via_upstream")));
    assert!(stack.envoy().admin().prometheus().unwrap().contains("envoy_cluster_upstream_rq_total"));
    assert!(stack.envoy().admin().config_dump().unwrap()["configs"].is_array());

    stack.envoy().restart().unwrap();
    assert_eq!(stack.stat(name), 0);
    assert_eq!(stack.send(&Request::get("/opa?b")).status, 200);
}

#[test]
fn an_envoy_that_cannot_start_says_why() {
    let error = Stack::bare().edit(|tree| tree["nonsense"] = json!(1)).try_start().err().unwrap();
    assert!(error.to_string().contains("nonsense"), "{error}");
}

/// A native filter in SARK's place: allows all methods but this one.
fn refuse(method: &str) -> Value {
    json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
        "rules": {"action": "DENY", "policies": {"one": {
            "permissions": [{"header": {"name": ":method", "string_match": {"exact": method}}}],
            "principals": [{"any": true}],
        }}},
    })
}

#[test]
fn a_push_is_accepted_or_refused_and_serves_at_once() {
    let stack = Stack::with(Filter::Other(refuse("GET"))).workers(2).start();
    let status = |method: &str| stack.send(&Request::new(method, "/")).status;
    assert_eq!((status("GET"), status("PUT")), (403, 200));

    let get = |_| Request::new("OPTIONS", "/under-load");
    let load = Load::start(stack.address(), 4, get, |reply| (reply.status != 200).then(|| format!("{reply:?}")));
    for round in 0..10 {
        let (refused, passed) = if round % 2 == 0 { ("PUT", "GET") } else { ("GET", "PUT") };
        stack.envoy().push_filter(refuse(refused)).unwrap().accepted();
        for _ in 0..5 {
            assert_eq!((status(refused), status(passed)), (403, 200));
        }
    }
    load.wait_for_more(20).unwrap();
    let report = load.stop();
    report.assert_clean();
    assert_eq!(report.statuses.keys().collect::<Vec<_>>(), [&200]);

    // Nothing changes, neither by the same again nor by nonsense.
    stack.envoy().push_filter(refuse("GET")).unwrap().accepted();
    let mut nonsense = refuse("PUT");
    nonsense["nonsense"] = json!(1);
    let why = stack.envoy().push_filter(nonsense).unwrap().rejected();
    assert!(why.contains("nonsense"), "{why}");
    let mut invalid = refuse("PUT");
    invalid["rules"]["policies"]["one"]["principals"] = json!([]);
    assert!(matches!(stack.envoy().push_filter(invalid).unwrap(), Push::Rejected(_)));
    assert_eq!((status("GET"), status("PUT")), (403, 200));
    stack.envoy().push_filter(refuse("PUT")).unwrap().accepted();
    assert_eq!((status("GET"), status("PUT")), (200, 403));
}

#[test]
fn many_requests_over_few_connections_keep_their_order() {
    let requests: Vec<_> =
        (0..500).map(|number| Request::get(format!("/many/{number}")).protocol(BOTH[number % 2])).collect();
    let replies = BARE.send_all(8, &requests);
    for (number, reply) in replies.iter().enumerate() {
        assert_eq!(reply.upstream().path, format!("/many/{number}"));
    }
    let dead = ports::loopback(ports::free().unwrap());
    assert!(load::send_all(dead, 2, &requests[..3]).iter().all(Result::is_err));
}

#[test]
fn the_bucket_is_what_the_documentation_says() {
    let documented = [("alice", 8301), ("bob", 1278), ("user-42", 3005), ("héloïse", 7200)];
    for (user, expected) in documented {
        assert_eq!(bucket::bucket("rust_opa", user), expected, "{user}");
    }
    assert!(bucket::inline("rust_opa", "bob", 12.79));
    assert!(!bucket::inline("rust_opa", "bob", 12.78));
}

#[test]
fn python_computes_the_same_buckets() {
    let program = "import hashlib\nfor n in range(1000):\n  d = hashlib.sha256(b'rust_opa\\0user-%d' % n).digest()\n  \
                   print(int.from_bytes(d[:8], 'big') % 10000)";
    let output = Command::new("python3").args(["-c", program]).output().unwrap();
    let theirs = String::from_utf8(output.stdout).unwrap();
    let ours: Vec<_> =
        (0..1000).map(|number| bucket::bucket("rust_opa", format!("user-{number}")).to_string()).collect();
    assert_eq!(theirs.lines().collect::<Vec<_>>(), ours);
}

#[test]
fn a_missing_part_says_which_script_brings_it() {
    // The environment belongs to the process, so this test runs itself in one where nothing is installed.
    const INNER: &str = "SARK_TEST_NOTHING_IS_INSTALLED";
    if std::env::var_os(INNER).is_some() {
        println!("{:?}\n{:?}\n{:?}\n{:?}", parts::envoy(), parts::opa(), parts::func_e(), parts::wasm());
        return;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "harness::a_missing_part_says_which_script_brings_it", "--nocapture"])
        .env(INNER, "1")
        .env("SARK_CACHE", "/nonexistent")
        .env("SARK_WASM", "/nonexistent/x.wasm")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("envoy-1.40.0 is not at /nonexistent/envoy-1.40.0/envoy: run scripts/install"), "{text}");
    assert!(text.contains("the wasm module is not at /nonexistent/x.wasm: run scripts/build"), "{text}");
}

#[test]
fn ports_are_not_handed_out_twice() {
    let mut all: Vec<_> = (0..50).map(|_| ports::free().unwrap()).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 50);
}
