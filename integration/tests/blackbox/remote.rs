//! The remote OPA: what it is told, how it is called, and that its decisions are carried out.

use std::sync::Mutex;

use sark_integration::{Mode, Protocol, Request, Shared, Stack, configuration, fake_opa, headers};
use serde_json::{Value, json};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

/// For the documents and the calls.
static FAKE: Shared = Shared::new(|| Mutex::new(Stack::sark(remote_only()).fake(Mode::Decision(json!(true))).start()));

fn remote_only() -> Value {
    json!({
        "remote": {"cluster": "opa", "timeout": "5s"},
        "features": {"rust_opa": {"enabled": false}},
        "with_request_body": {"max_request_bytes": 100},
    })
}

/// The one call that the fake got for this request.
#[track_caller]
fn call_for(stack: &Stack, request: &Request) -> fake_opa::Call {
    stack.fake().clear();
    assert_eq!(stack.send(request).status, 200);
    let mut calls = stack.fake().calls();
    assert_eq!(calls.len(), 1, "{calls:#?}");
    calls.remove(0)
}

#[test]
fn opa_is_told_the_documented_document() {
    let stack = FAKE.with(&remote_only());
    for protocol in BOTH {
        let request = Request::post("/a%20b/c?x=1&x=2&y")
            .protocol(protocol)
            .header("content-type", "application/json")
            .header("x-multi", "1")
            .header("x-multi", "2")
            .header("x-raw", b"caf\xe9")
            .body(r#"{"a":{"b":[1,null,"c"]}}"#);
        let call = call_for(&stack, &request);
        let mut input = call.body["input"].clone();
        assert_eq!(call.body.as_object().unwrap().len(), 1, "nothing but input: {:?}", call.body);

        let http = &mut input["attributes"]["request"]["http"];
        let id = http["id"].take();
        assert!(id.as_str().is_some_and(|id| id.parse::<u64>().is_ok()), "{id}");
        let named = http["headers"]["x-request-id"].take();
        assert!(named.as_str().is_some_and(|id| id.len() == 36 && id != http["id"]), "{named}");
        let forwarded = http["headers"].as_object_mut().unwrap();
        for name in ["x-forwarded-for", "x-envoy-internal", "x-envoy-external-address", "x-request-id"] {
            forwarded.remove(name);
        }
        let listener = input["attributes"].as_object_mut().unwrap().remove("destination").unwrap();
        let listener = &listener["address"]["socketAddress"];
        assert!(listener["address"] == "127.0.0.1" && listener["portValue"].is_u64(), "{listener}");
        let time = input["attributes"]["request"]["time"].take();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        assert!(now.abs_diff(time["seconds"].as_u64().unwrap()) < 60, "{time}");
        assert!(time["nanos"].as_u64().unwrap_or(0) < 1_000_000_000, "{time}");

        let expected = json!({
            "attributes": {
                "metadataContext": {},
                "routeMetadataContext": {},
                "source": {},
                "request": {
                    "time": null,
                    "http": {
                        "id": null,
                        "method": "POST",
                        "path": "/a%20b/c?x=1&x=2&y",
                        "host": "sark.test",
                        "scheme": "http",
                        "protocol": if protocol == Protocol::Http1 { "HTTP/1.1" } else { "HTTP/2" },
                        "size": 24,
                        "body": r#"{"a":{"b":[1,null,"c"]}}"#,
                        "headers": {
                            ":authority": "sark.test",
                            ":method": "POST",
                            ":path": "/a%20b/c?x=1&x=2&y",
                            ":scheme": "http",
                            "content-length": "24",
                            "content-type": "application/json",
                            "x-envoy-auth-partial-body": "false",
                            "x-forwarded-proto": "http",
                            "x-multi": "1,2",
                            "x-raw": "caf!",
                        },
                    },
                },
            },
            "parsed_path": ["a b", "c"],
            "parsed_query": {"x": ["1", "2"], "y": [""]},
            "parsed_body": {"a": {"b": [1, null, "c"]}},
            "truncated_body": false,
            "version": {"ext_authz": "v3", "encoding": "protojson"},
        });
        assert_eq!(input, expected);
    }
    let input = call_for(&stack, &Request::get("/").header("x-envoy-auth-partial-body", "true")).body["input"].clone();
    let http = &input["attributes"]["request"]["http"];
    assert_eq!((&http["body"], &http["size"], &input["parsed_body"]), (&Value::Null, &Value::Null, &Value::Null));
    assert_eq!(http["headers"]["x-envoy-auth-partial-body"], Value::Null, "the client's own is dropped");
    assert!(input.as_object().unwrap().contains_key("parsed_body"), "null, not absent");
}

#[test]
fn opa_is_called_as_configured() {
    let stack = FAKE.with(&remote_only());
    let call = call_for(&stack, &Request::get("/"));
    assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/v1/data/envoy/authz/allow"));
    assert_eq!(headers::first(&call.headers, "host"), Some(&b"opa"[..]));
    assert_eq!(headers::first(&call.headers, "content-type"), Some(&b"application/json"[..]));
    drop(stack);

    let changed = json!({
        "policy": {"path": "/my//own/decision/"},
        "remote": {"authority": "opa.example:8181", "headers": {"x-tenant": "acme"}},
    });
    let stack = FAKE.with(&configuration::and(&remote_only(), changed));
    let call = call_for(&stack, &Request::get("/"));
    assert_eq!(call.path, "/v1/data/my/own/decision");
    assert_eq!(headers::first(&call.headers, "host"), Some(&b"opa.example:8181"[..]));
    assert_eq!(headers::first(&call.headers, "x-tenant"), Some(&b"acme"[..]));
    drop(stack);

    let path = json!({"remote": {"path": "/v1/data/elsewhere?pretty"}});
    let stack = FAKE.with(&configuration::and(&remote_only(), path));
    assert_eq!(call_for(&stack, &Request::get("/")).path, "/v1/data/elsewhere?pretty");
}

#[test]
fn a_secret_of_the_environment_reaches_opa_and_is_not_in_the_config_dump() {
    let secret = json!({"remote": {"headers": {
        "authorization": {"from_env": "OPA_AUTHORIZATION"},
        "x-zone": {"from_env": "ZONE"},
    }}});
    let stack = Stack::sark(configuration::and(&remote_only(), secret))
        .fake(Mode::Decision(json!(true)))
        .environment("ZONE", "b")
        .options(|options| {
            options.host_environment.insert("OPA_AUTHORIZATION".to_owned(), "Bearer dont-tell-anybody".to_owned());
        })
        .start();
    let call = call_for(&stack, &Request::get("/").header("authorization", "Bearer the client's"));
    assert_eq!(headers::all(&call.headers, "authorization").collect::<Vec<_>>(), [b"Bearer dont-tell-anybody"]);
    assert_eq!(headers::first(&call.headers, "x-zone"), Some(&b"b"[..]));

    let dump = stack.envoy().admin().config_dump().unwrap().to_string();
    assert!(dump.contains("OPA_AUTHORIZATION"), "the configuration is in the dump");
    assert!(!dump.contains("dont-tell-anybody"), "and so is the secret");
    assert!(!stack.envoy().log_contains("dont-tell-anybody"));
    assert_eq!(stack.echo().received()[0].header("authorization").as_deref(), Some("Bearer the client's"));
}

#[test]
fn a_remote_decision_is_carried_out_like_an_inline_one() {
    let stack = FAKE.with(&remote_only());
    stack.fake().set(Mode::decide(|input| {
        if input["parsed_path"][0] == "no" {
            return json!({"allowed": false, "http_status": 401, "body": "who?", "headers": {"set-cookie": ["a=1", "b=2"]}});
        }
        json!({
            "allowed": true,
            "headers": {"x-set": "new"},
            "request_headers_to_remove": ["x-remove"],
            "response_headers_to_add": {"x-added": ["1", "2"]},
            "query_parameters_to_set": {"q": "1"},
        })
    }));
    for protocol in BOTH {
        let request = Request::post("/yes?a").protocol(protocol).header("x-remove", "1").header("x-set", "old");
        let reply = stack.send(&request.body("hello"));
        let upstream = reply.upstream();
        assert_eq!((upstream.path.as_str(), upstream.body_text().as_str()), ("/yes?a=&q=1", "hello"));
        assert_eq!((upstream.header_values("x-set"), upstream.header("x-remove")), (vec!["new".to_owned()], None));
        assert_eq!(reply.header_values("x-added"), ["1", "2"]);

        stack.echo().clear();
        let reply = stack.send(&Request::post("/no").protocol(protocol).body("hello"));
        assert_eq!((reply.status, reply.text().as_str()), (401, "who?"));
        assert_eq!(reply.header_values("set-cookie"), ["a=1", "b=2"]);
        assert!(stack.echo().received().is_empty());
    }
    stack.fake().set(Mode::Decision(json!(true)));
    let line = stack.envoy().access_of("/no").unwrap();
    assert_eq!((&line["details"], &line["implementation"]), (&json!("sark_denied"), &json!("remote")));
}
