//! The admin API in a real Envoy: what it does, who may, and what is told of it.

use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use sark_integration::configuration::{and, of};
use sark_integration::operator::{self, READER, WRITER, bearing};
use sark_integration::shared::Shared;
use sark_integration::{Mode, Protocol, Request, Response, Stack, wait};
use serde_json::{Value, json};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

static STACK: Shared = Shared::new(|| Mutex::new(start(allowing())));

fn start(configuration: Value) -> Stack {
    Stack::sark(configuration).fake(Mode::Decision(json!(true))).workers(2).start()
}

/// Everything is allowed: what does not reach the upstream was not kept away by a policy.
fn allowing() -> Value {
    and(&operator::configuration("result := true"), json!({"features": {"rust_cache": {}}}))
}

#[track_caller]
fn assert_refused(reply: &Response, status: u16, code: &str) {
    assert_eq!(reply.status, status, "{reply:?}");
    assert_eq!(reply.header("content-type").as_deref(), Some("application/json"), "{reply:?}");
    assert_eq!(reply.header("cache-control").as_deref(), Some("no-store"), "{reply:?}");
    let body = reply.json();
    assert_eq!(body["error"]["code"], code, "{reply:?}");
    assert!(body["error"]["message"].is_string() && body.as_object().unwrap().len() == 1, "{reply:?}");
}

#[test]
fn the_endpoints_of_the_seeds_work_over_both_protocols() {
    let stack = STACK.with(&allowing());
    for protocol in BOTH {
        let send = |request: Request| {
            let reply = stack.send(&request.protocol(protocol));
            assert_eq!(reply.status, 200, "{reply:?}");
            assert_eq!(reply.header("cache-control").as_deref(), Some("no-store"), "{reply:?}");
            reply.json()
        };
        let changed = send(operator::update("rust_opa", 12.5));
        assert_eq!(
            (&changed["after"]["rollout_percentage"], &changed["after"]["by"]),
            (&json!(12.5), &json!("writer"))
        );
        let features = send(bearing(READER, "GET", "/admin/features"));
        assert_eq!(features["rust_opa"], changed["after"], "{features}");
        assert_eq!(features["version"], changed["version"]);
        let rolled_back = send(operator::rollback("rust_opa"));
        assert_eq!(rolled_back["before"], changed["after"]);
        assert_eq!(rolled_back["after"]["status"], "rolled_back");
        let cleaned = send(operator::request("POST", "/admin/cache/cleanup"));
        assert!(cleaned["version"].as_u64() > rolled_back["version"].as_u64(), "{cleaned}");
    }
    assert!(stack.echo().received().is_empty());
    let line =
        "sark: admin: writer changes rust_opa: was 12.5 % (overridden, by writer), is 0 % (rolled_back, by writer)";
    assert!(stack.envoy().log_contains(line));
    assert!(stack.envoy().log_contains("sark: admin: writer empties the caches of all workers, generation "));
}

/// The commands of the migration guide, as they stand there.
#[test]
fn curl_as_in_the_seeds() {
    let stack = start(allowing());
    let curl = |arguments: &[&str]| {
        let authorization = format!("Authorization: Bearer {WRITER}");
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--noproxy", "*", "--max-time", "10", "-w", "\n%{http_code}", "-H"])
            .arg(authorization)
            .args(&arguments[..arguments.len() - 1])
            .arg(format!("http://{}{}", stack.address(), arguments[arguments.len() - 1]))
            .output()
            .expect("curl is installed");
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let (body, status) = text.rsplit_once('\n').unwrap();
        (status.to_owned(), serde_json::from_str::<Value>(body).unwrap_or_default())
    };
    let (status, features) = curl(&["/admin/features"]);
    assert_eq!((status.as_str(), &features["rust_opa"]["rollout_percentage"]), ("200", &json!(5)));
    let update = ["-X", "POST", "-d", r#"{"feature": "rust_opa", "percentage": 25}"#, "/admin/rollout/update"];
    let (status, changed) = curl(&update);
    assert_eq!((status.as_str(), &changed["after"]["rollout_percentage"]), ("200", &json!(25)));
    let rollback = [
        "-X",
        "POST",
        "-H",
        "Content-Type: application/json",
        "-d",
        r#"{"feature": "rust_opa"}"#,
        "/admin/rollout/rollback",
    ];
    assert_eq!(curl(&rollback).0, "200");
    assert_eq!(curl(&["-X", "POST", "/admin/cache/cleanup"]).0, "200");
    let (status, features) = curl(&["--http2-prior-knowledge", "/admin/features"]);
    assert_eq!((status.as_str(), &features["rust_opa"]["status"]), ("200", &json!("rolled_back")));
    let head = Command::new("curl")
        .args([
            "--silent",
            "--noproxy",
            "*",
            "--max-time",
            "10",
            "-I",
            "-H",
            &format!("Authorization: Bearer {READER}"),
        ])
        .arg(format!("http://{}/admin/features", stack.address()))
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&head.stdout).starts_with("HTTP/1.1 200 OK"), "{head:?}");
}

#[test]
fn a_wrong_token_and_none_get_the_same_answer_whatever_they_ask_for() {
    let stack = STACK.with(&allowing());
    let before = stack.stats("wasmcustom.sark_decisions_total.");
    for protocol in BOTH {
        let expected = stack.send(&Request::get("/admin/features").protocol(protocol));
        assert_refused(&expected, 401, "unauthorized");
        assert_eq!(expected.header("www-authenticate").as_deref(), Some("Bearer"));
        let shorter = &WRITER[..WRITER.len() - 1];
        let longer = format!("{WRITER}0");
        let values = [
            format!("Bearer {shorter}"),
            format!("Bearer {longer}"),
            format!("Bearer {}", WRITER.to_uppercase()),
            format!("Bearer {WRITER} {WRITER}"),
            format!("Bearer {WRITER},{READER}"),
            format!("Basic {WRITER}"),
            WRITER.to_owned(),
            operator::digest(WRITER),
            format!("Bearer {}", operator::digest(WRITER)),
            "Bearer ".to_owned(),
            "Bearer".to_owned(),
        ];
        for value in values.iter().map(String::as_bytes).chain([&b"Bearer \xff\xfe"[..]]) {
            for (method, path) in [
                ("GET", "/admin/features"),
                ("GET", "/admin/nothing"),
                ("POST", "/admin/rollout/rollback"),
                ("DELETE", "/admin/status"),
                ("OPTIONS", "/admin/features"),
            ] {
                let request = Request::new(method, path).protocol(protocol).header("authorization", value);
                let reply = stack.send(&request);
                assert_eq!((reply.status, reply.text()), (401, expected.text()), "{method} {path} {value:?}");
                for header in ["content-type", "cache-control", "www-authenticate", "content-length"] {
                    assert_eq!(reply.header(header), expected.header(header), "{header}");
                }
                assert_eq!(reply.headers.len(), expected.headers.len(), "{reply:?}");
            }
        }
        let twice = operator::request("GET", "/admin/features").header("authorization", format!("Bearer {WRITER}"));
        assert_refused(&stack.send(&twice.protocol(protocol)), 401, "unauthorized");
    }
    assert_eq!(stack.stats("wasmcustom.sark_decisions_total."), before, "admin requests are no decisions");
    assert!(stack.echo().received_at("/admin").is_empty());
}

#[test]
fn every_error_over_both_protocols_is_counted_and_seen_by_access_logs() {
    let stack = STACK.with(&allowing());
    let update = |body: Value| operator::post("/admin/rollout/update", &body);
    let reader = |method: &str, path: &str| bearing(READER, method, path);
    for protocol in BOTH {
        let allow = |reply: &Response| reply.header("allow");
        for (request, endpoint, status, code, allowed) in [
            (Request::get("/admin/status"), "none", 401, "unauthorized", None),
            (reader("GET", "/admin/rollout"), "none", 404, "not_found", None),
            (reader("POST", "/admin/rollout/rollback"), "rollback", 403, "forbidden", None),
            (reader("POST", "/admin/rollout/update").body("{}"), "update", 403, "forbidden", None),
            (reader("POST", "/admin/cache/cleanup"), "cleanup", 403, "forbidden", None),
            (reader("POST", "/admin/features"), "features", 405, "method_not_allowed", Some("GET, HEAD, OPTIONS")),
            (reader("PUT", "/admin/status"), "status", 405, "method_not_allowed", Some("GET, HEAD, OPTIONS")),
            (reader("GET", "/admin/cache/cleanup"), "cleanup", 405, "method_not_allowed", Some("POST, OPTIONS")),
            (reader("GET", "/admin/features?x=1"), "features", 400, "bad_request", None),
            (update(json!({"feature": "rust_opa"})), "update", 400, "bad_request", None),
            (update(json!({"feature": "rust_opa", "percentage": 5, "x": 1})), "update", 400, "bad_request", None),
            (update(json!({"feature": "x", "percentage": 5})), "update", 400, "bad_request", None),
            (update(json!({"feature": "rust_opa", "percentage": 0.001})), "update", 400, "bad_request", None),
            (operator::request("POST", "/admin/rollout/rollback").body("{"), "rollback", 400, "bad_request", None),
            (
                update(json!({"feature": "rust_opa", "percentage": 5, "if_version": 99_999})),
                "update",
                409,
                "version_conflict",
                None,
            ),
            (
                operator::request("POST", "/admin/rollout/update").body("x".repeat(5_000)),
                "update",
                413,
                "too_large",
                None,
            ),
        ] {
            let counter = format!("wasmcustom.sark_admin_requests_total.endpoint.{endpoint}.result.{code}");
            let before = stack.stat(&counter);
            let reply = stack.send(&request.protocol(protocol));
            assert_refused(&reply, status, code);
            assert_eq!(allow(&reply).as_deref(), allowed, "{reply:?}");
            assert_eq!(stack.stat(&counter), before + 1, "{counter}");
            let seen = format!("{endpoint}:{code}");
            let line = stack.envoy().wait_for_access(|line| line["admin"] == seen.as_str()).unwrap();
            assert_eq!((&line["details"], &line["allowed"]), (&json!("sark_admin"), &Value::Null), "{line}");
        }
    }
    let prometheus = stack.envoy().admin().prometheus().unwrap();
    let sample = "sark_admin_requests_total{result=\"forbidden\",endpoint=\"rollback\"} 2";
    assert!(prometheus.contains(sample), "{prometheus}");
    assert!(stack.echo().received_at("/admin").is_empty());
}

#[test]
fn what_the_configuration_rules_out_is_a_conflict() {
    let configuration = and(&of("result := true\n"), json!({"admin": operator::section()}));
    let stack = STACK.with(&configuration);
    for protocol in BOTH {
        for request in [
            operator::update("rust_opa", 50.0),
            operator::rollback("rust_opa"),
            operator::update("rust_cache", 50.0),
            operator::rollback("rust_cache"),
        ] {
            assert_refused(&stack.send(&request.protocol(protocol)), 409, "conflict");
        }
        let features = stack.send(&bearing(READER, "GET", "/admin/features").protocol(protocol)).json();
        assert_eq!(
            (&features["rust_cache"]["status"], &features["rust_opa"]["status"]),
            (&json!("absent"), &json!("active"))
        );
    }
}

#[test]
fn head_and_options_are_sane() {
    let stack = STACK.with(&allowing());
    for protocol in BOTH {
        for path in ["/admin/features", "/admin/status"] {
            let reply = stack.send(&bearing(READER, "HEAD", path).protocol(protocol));
            assert_eq!((reply.status, reply.body.len()), (200, 0), "{reply:?}");
            assert_eq!(reply.header("content-type").as_deref(), Some("application/json"));
            let reply = stack.send(&bearing(READER, "OPTIONS", path).protocol(protocol));
            assert_eq!(
                (reply.status, reply.header("allow").as_deref()),
                (204, Some("GET, HEAD, OPTIONS")),
                "{reply:?}"
            );
        }
        for path in ["/admin/rollout/update", "/admin/rollout/rollback", "/admin/cache/cleanup"] {
            let reply = stack.send(&bearing(READER, "OPTIONS", path).protocol(protocol));
            assert_eq!((reply.status, reply.header("allow").as_deref()), (204, Some("POST, OPTIONS")), "{reply:?}");
            assert_eq!(reply.header("cache-control").as_deref(), Some("no-store"));
        }
    }
}

#[test]
fn a_token_is_rotated_by_pushes_and_the_old_one_ends_with_the_last() {
    let tokens = |names: &[(&str, &str)]| {
        let token =
            |(name, token): &(&str, &str)| json!({"name": name, "role": "write", "sha256": operator::digest(token)});
        let mut configuration = allowing();
        configuration["admin"] = json!({"tokens": names.iter().map(token).collect::<Vec<_>>()});
        configuration
    };
    let (old, new) = ("old-token-0123456789abcdef", "new-token-0123456789abcdef");
    let stack = STACK.with(&tokens(&[("old", old)]));
    let ask = |token: &str| stack.send(&bearing(token, "GET", "/admin/features")).status;
    assert_eq!((ask(old), ask(new)), (200, 401));
    stack.push(&tokens(&[("old", old), ("new", new)])).accepted();
    assert_eq!((ask(old), ask(new)), (200, 200));
    stack.push(&tokens(&[("new", new)])).accepted();
    assert_eq!((ask(old), ask(new)), (401, 200));
}

#[test]
fn a_digest_of_the_environment_is_taken_and_no_token_is_shown_anywhere() {
    let mut configuration = allowing();
    configuration["admin"]["tokens"][0]["sha256"] = json!({"from_env": "SARK_ADMIN_SHA256"});
    let stack = Stack::sark(configuration)
        .fake(Mode::Decision(json!(true)))
        .options(|options| {
            options.host_environment.insert("SARK_ADMIN_SHA256".to_owned(), operator::digest(WRITER));
        })
        .start();
    assert_eq!(stack.send(&operator::update("rust_opa", 7.0)).status, 200);
    assert_refused(
        &stack.send(&bearing("wrong-token-0123456789abcdef", "GET", "/admin/features")),
        401,
        "unauthorized",
    );
    stack.envoy().wait_for_access(|line| line["admin"] == "none:unauthorized").unwrap();
    for page in ["/config_dump?include_eds", "/stats", "/stats/prometheus", "/server_info", "/clusters", "/listeners"] {
        let text = stack.envoy().admin().get(page).unwrap();
        assert!(!text.contains(WRITER) && !text.contains(READER) && !text.contains("wrong-token"), "{page}");
        assert!(!text.contains(&operator::digest(WRITER)), "{page}");
    }
    for secret in [WRITER, READER, "wrong-token", &operator::digest(WRITER)] {
        assert!(!stack.envoy().log_contains(secret), "{secret}");
        assert!(stack.envoy().access_log().iter().all(|line| !line.to_string().contains(secret)), "{secret}");
    }
    // A value that is no digest refuses the configuration, and is not shown either.
    let options = |options: &mut sark_integration::envoy::Options| {
        options.host_environment.insert("SARK_ADMIN_SHA256".to_owned(), WRITER.to_owned());
    };
    let mut configuration = allowing();
    configuration["admin"]["tokens"][0]["sha256"] = json!({"from_env": "SARK_ADMIN_SHA256"});
    let Err(error) = Stack::inline(configuration).options(options).try_start() else { panic!("it started") };
    let error = error.to_string();
    let expected = "admin.tokens[0].sha256.from_env: SARK_ADMIN_SHA256: must be the SHA-256 of the token";
    assert!(error.contains(expected) && !error.contains(WRITER), "{error}");
}

fn status(stack: &Stack) -> Value {
    let reply = stack.send(&bearing(READER, "GET", "/admin/status"));
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

#[test]
fn status_shows_every_worker_with_what_it_runs_and_its_last_errors() {
    let stack = start(allowing());
    let configurations = || {
        let status = status(&stack);
        let workers = status["workers"].as_array().unwrap().clone();
        let all: std::collections::BTreeSet<String> =
            workers.iter().map(|worker| worker["configuration"].as_str().unwrap().to_owned()).collect();
        (workers, all)
    };
    // Two workers and the main thread, within the first ticks.
    let is_whole = |digest: &str| {
        let (workers, all) = configurations();
        workers.len() == 3 && all.len() == 1 && all.contains(digest)
    };
    let digest = operator::digest(&allowing().to_string());
    wait::until(Duration::from_secs(5), "all workers show themselves", || is_whole(&digest).then_some(())).unwrap();
    // A push: each worker says what it runs now, the vm stays.
    let vms = |workers: &[Value]| workers.iter().map(|worker| worker["vm"].clone()).collect::<Vec<_>>();
    let before = vms(&configurations().0);
    let pushed = and(&allowing(), json!({"limits": {"evaluation_steps": 5_000}}));
    stack.push(&pushed).accepted();
    let digest = operator::digest(&pushed.to_string());
    wait::until(Duration::from_secs(5), "all workers run what was pushed", || is_whole(&digest).then_some(())).unwrap();
    assert_eq!(vms(&configurations().0), before);
    // Errors of one kind are one line, with their number.
    stack.fake().set(Mode::Garbage);
    for _ in 0..3 {
        assert_eq!(stack.send(&Request::get("/x").header("x-user", "alice")).status, 403);
    }
    let errors = || {
        let workers = status(&stack)["workers"].as_array().unwrap().clone();
        let errors = workers.iter().flat_map(|worker| worker["last_errors"].as_array().unwrap().clone());
        errors.filter(|error| error["reason"] == "bad_json").collect::<Vec<_>>()
    };
    let count = |errors: &[Value]| errors.iter().map(|error| error["count"].as_u64().unwrap()).sum::<u64>();
    wait::until(Duration::from_secs(5), "the errors are shown", || (count(&errors()) == 3).then_some(())).unwrap();
    assert!(errors().iter().all(|error| error["implementation"] == "remote"), "{:?}", errors());
    let status = status(&stack);
    assert_eq!(status["counts"]["sark_decisions_total.implementation.none.result.failure_mode_deny"], 3, "{status}");
    for worker in status["workers"].as_array().unwrap() {
        assert!(worker["age_seconds"].as_f64().unwrap() < 3.0, "{worker}");
    }
    assert!(status.to_string().len() < 8_192, "{}", status.to_string().len());
}
