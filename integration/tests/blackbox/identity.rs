//! Where a user is taken from, and users and header values that are pinned to a side.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sark_integration::tls::{self, Client};
use sark_integration::{Mode, Request, Shared, Stack, bucket, configuration, ports};
use serde_json::{Value, json};
use std::sync::Mutex;

const DEBUG: &str = "x-decided-by";

static STACK: Shared =
    Shared::new(|| Mutex::new(Stack::sark(of(100.0, json!([]))).fake(Mode::Decision(json!(true))).workers(2).start()));

/// Both sides allow.
fn of(percentage: f64, identity: Value) -> Value {
    configuration::and(
        &configuration::of("result := true"),
        json!({
            "remote": {"cluster": "opa", "timeout": "10s"},
            "features": {"rust_opa": {"rollout_percentage": percentage}},
            "identity": identity,
            "debug_header": DEBUG,
        }),
    )
}

fn side(stack: &Stack, request: &Request) -> String {
    let reply = stack.send(request);
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.header(DEBUG).unwrap_or_default()
}

/// Asserts that these requests are those of `user`: the side changes exactly at the user's bucket.
#[track_caller]
fn assert_user(identity: &Value, extra: &Value, user: &str, requests: &[Request]) {
    let bucket = bucket::bucket("rust_opa", user);
    for (percentage, expected) in [(bucket, "remote"), (bucket + 1, "rust")] {
        let configuration = configuration::and(&of(percentage as f64 / 100.0, identity.clone()), extra.clone());
        let stack = STACK.with(&configuration);
        for request in requests {
            for request in [request.clone(), request.clone().h2()] {
                assert_eq!(side(&stack, &request), expected, "{user} at {percentage} with {request:?}");
            }
        }
    }
}

/// A token with these claims that nobody has signed.
fn token(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&json!({"alg": "none"})), part(claims))
}

#[test]
fn a_claim_of_a_bearer_token_is_the_user_and_its_bucket_that_of_the_same_header() {
    let token = token(&json!({"sub": "alice", "realm": {"id": 7}, "https://a.example/b": "héloïse"}));
    let bearer = [Request::get("/").header("authorization", format!("Bearer {token}"))];
    // alice's bucket is published (docs/configuration.md).
    assert_eq!(bucket::bucket("rust_opa", "alice"), 8301);
    assert_user(&json!([{"claim": "sub"}]), &json!({}), "alice", &bearer);
    assert_user(&json!([{"claim": "realm.id"}]), &json!({}), "7", &bearer);
    assert_user(&json!([{"claim": ["https://a.example/b"]}]), &json!({}), "héloïse", &bearer);
    let own = Request::get("/").header("x-token", token).header("authorization", "Basic YTpi");
    assert_user(&json!([{"claim": "sub", "header": "X-Token"}]), &json!({}), "alice", &[own]);
}

#[test]
fn a_token_that_cannot_be_read_is_not_there_and_harms_nobody() {
    let long = json!({"sub": "alice", "x": "a".repeat(20_000)});
    let deep = format!(r#"{{"sub": "alice", "x": {}{}}}"#, "[".repeat(1_000), "]".repeat(1_000));
    let readable = token(&json!({"sub": "alice"}));
    let bad = [
        b"Bearer \xff\xfe.\xff.\xff".to_vec(),
        b"Bearer".to_vec(),
        b"Bearer ...".to_vec(),
        format!("Bearer {}", token(&long)).into_bytes(),
        format!("Bearer h.{}.s", URL_SAFE_NO_PAD.encode(deep)).into_bytes(),
        format!("Bearer {readable}.").into_bytes(),
        format!("Bearer {readable} {readable}").into_bytes(),
        format!("Bearer {}", token(&json!({"sub": ["alice"]}))).into_bytes(),
        format!("Bearer {}", token(&json!({"sub": ""}))).into_bytes(),
    ];
    let requests: Vec<_> = bad.iter().map(|value| Request::get("/").header("authorization", value)).collect();
    // The next source is asked.
    assert_user(&json!([{"claim": "sub"}, {"constant": "bob"}]), &json!({}), "bob", &requests);
    let stack = STACK.with(&of(99.99, json!([{"claim": "sub"}])));
    let counts = [
        ("sark_identity_missing_total", 9),
        ("feature_flag_assignments_total.feature.rust_opa.implementation.remote", 9),
        ("sark_decisions_total.implementation.remote.result.allow", 9),
    ];
    stack.assert_counts(&counts, || requests.iter().for_each(|request| assert_eq!(side(&stack, request), "remote")));
}

#[test]
fn the_address_of_the_client_is_a_user_without_its_port() {
    let identity = json!([{"source_address": true}]);
    // Each request comes over a connection, and so from a port, of its own. At the edge nobody else's word counts.
    let forwarded = Request::get("/").header("x-forwarded-for", "198.51.100.1, 2001:db8::7");
    let requests = [Request::get("/"), forwarded.clone()];
    assert_user(&identity, &json!({"source_address": "request"}), "127.0.0.1", &requests);
    let header = Request::get("/").header("x-real", "203.0.113.9:4711");
    assert_user(&identity, &json!({"source_address": "header:x-real"}), "203.0.113.9", &[header]);

    let inside = |bucket: u64| {
        configuration::and(&of(bucket as f64 / 100.0, identity.clone()), json!({"source_address": "request"}))
    };
    let bucket = bucket::bucket("rust_opa", "2001:db8::7");
    let stack = Stack::sark(inside(bucket + 1)).fake(Mode::Decision(json!(true))).edit(|tree| {
        let manager = &mut tree["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
        manager["use_remote_address"] = json!(false);
    });
    let stack = stack.start();
    assert_eq!(side(&stack, &forwarded), "rust");
    stack.push(&inside(bucket)).accepted();
    assert_eq!(side(&stack, &forwarded), "remote");
}

#[test]
fn a_name_of_the_clients_certificate_is_the_user() {
    static CLIENTS: [Client; 4] = [
        Client { name: "uri", certificate: Some("uri"), sni: "srv.test" },
        Client { name: "dns", certificate: Some("dns"), sni: "srv.test" },
        Client { name: "subject", certificate: Some("subject"), sni: "srv.test" },
        Client { name: "nobody", certificate: None, sni: "srv.test" },
    ];
    let fronts = CLIENTS.each_ref().map(|client| (client, ports::loopback(ports::free().expect("a port"))));
    let identity = json!([{"peer_certificate": "uri_san"}, {"peer_certificate": "dns_san"},
        {"peer_certificate": "subject"}, {"constant": "nobody"}]);
    let stack = Stack::sark(of(100.0, identity.clone()))
        .fake(Mode::Decision(json!(true)))
        .edit(move |tree| tls::speak(tree, &fronts))
        .start();
    let subject = "CN=Ann\\, \\\"the\\\" client\\+1,O=Shop";
    for (name, user) in [("uri", "spiffe://shop/web"), ("dns", "api.test"), ("subject", subject), ("nobody", "nobody")]
    {
        let front = fronts.iter().find(|(client, _)| client.name == name).expect("a client").1;
        let bucket = bucket::bucket("rust_opa", user);
        for (percentage, expected) in [(bucket, "remote"), (bucket + 1, "rust")] {
            stack.push(&of(percentage as f64 / 100.0, identity.clone())).accepted();
            let reply = Request::get("/").send(front).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(reply.header(DEBUG).as_deref(), Some(expected), "{name} at {percentage}");
        }
    }
}

#[test]
fn named_users_and_header_values_come_before_the_percentage_and_behind_the_switch() {
    let pinned = |percentage: f64, enabled: bool| {
        let pins = json!({
            "enabled": enabled,
            "users": {"alice": true, "bob": false},
            "headers": [{"name": "X-Beta", "value": "1", "use": true}, {"name": "x-beta", "value": "0", "use": false}],
        });
        configuration::and(&of(percentage, json!([{"header": "x-user"}])), json!({"features": {"rust_opa": pins}}))
    };
    let request = |user: &str, beta: &str| Request::get("/").header("x-user", user).header("x-beta", beta);
    for percentage in [0.0, 50.0, 100.0] {
        let stack = STACK.with(&pinned(percentage, true));
        // The bucket of user-42 is 3005, that of héloïse 7200 (docs/configuration.md).
        let (low, high) =
            (if percentage >= 50.0 { "rust" } else { "remote" }, if percentage > 50.0 { "rust" } else { "remote" });
        for (user, beta, expected) in [
            ("alice", "", "rust"),
            ("alice", "0", "rust"),
            ("bob", "", "remote"),
            ("bob", "1", "remote"),
            ("user-42", "1", "rust"),
            ("user-42", "0", "remote"),
            ("user-42", "11", low),
            ("user-42", "", low),
            ("Alice-2", "", if bucket::inline("rust_opa", "Alice-2", percentage) { "rust" } else { "remote" }),
            ("héloïse", "", high),
            ("", "1", "rust"),
        ] {
            for request in [request(user, beta), request(user, beta).h2()] {
                assert_eq!(side(&stack, &request), expected, "{user} with {beta:?} at {percentage} %");
            }
        }
    }
    let stack = STACK.with(&pinned(100.0, false));
    assert_eq!(side(&stack, &request("alice", "1")), "remote");
}

#[test]
fn the_cache_has_pins_of_its_own() {
    let cache = json!({"rust_cache": {"rollout_percentage": 0, "users": {"alice": true},
        "headers": [{"name": "cache-control", "value": "no-cache", "use": false}]}});
    let base = of(100.0, json!([{"header": "x-user"}]));
    let stack = STACK.with(&configuration::and(&base, json!({"features": cache})));
    let counts = [
        ("feature_flag_assignments_total.feature.rust_cache.implementation.rust", 1),
        ("feature_flag_assignments_total.feature.rust_cache.implementation.none", 2),
    ];
    let before = stack.stats("wasmcustom.feature_flag_assignments_total.feature.rust_cache");
    side(&stack, &Request::get("/").header("x-user", "alice"));
    side(&stack, &Request::get("/").header("x-user", "bob"));
    side(&stack, &Request::get("/").header("x-user", "bob").header("cache-control", "no-cache"));
    let after = stack.stats("wasmcustom.feature_flag_assignments_total.feature.rust_cache");
    for (name, expected) in counts {
        let name = format!("wasmcustom.{name}");
        assert_eq!(after[&name] - before.get(&name).copied().unwrap_or_default(), expected, "{name}");
    }
}
