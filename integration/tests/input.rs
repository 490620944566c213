//! What only Envoy can tell: which of its attributes a wasm filter sees, and in which form.

use sark_integration::envoy::bootstrap::FILTER;
use sark_integration::{Mode, Request, Stack, configuration};
use serde_json::{Value, json};

const JSON: &str = "application/json";

/// Everything is decided by a fake OPA that keeps what it was asked about.
fn remote(changes: Value) -> Value {
    let base = json!({
        "policy": {"modules": {"p.rego": "package envoy.authz\ndefault allow := false\n"}},
        "remote": {"cluster": "opa"},
        "features": {"rust_opa": {"enabled": false}},
    });
    configuration::and(&base, changes)
}

/// The input document of one request.
#[track_caller]
fn input(stack: &Stack, request: &Request) -> Value {
    stack.forget();
    let reply = stack.send(request);
    assert_eq!(reply.status, 200, "{reply:?}");
    let calls = stack.fake().calls();
    assert_eq!(calls.len(), 1);
    calls[0].body["input"].clone()
}

fn manager(tree: &mut Value) -> &mut Value {
    &mut tree["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
}

/// Puts a filter before SARK.
fn before(tree: &mut Value, name: &str, typed_config: Value) {
    let filters = manager(tree)["http_filters"].as_array_mut().expect("filters");
    let here = filters.iter().position(|filter| filter["name"] == FILTER).expect("the filter");
    filters.insert(here, json!({"name": name, "typed_config": typed_config}));
}

/// A client's `x-forwarded-for` is believed, as Envoy does by default; a filter in front tells the real peer.
fn with_metadata(tree: &mut Value) {
    tree["node"]["metadata"] = json!({"labels": {"app": "shop", "replicas": 3}});
    manager(tree)["use_remote_address"] = json!(false);
    let routes = manager(tree)["route_config"]["virtual_hosts"][0]["routes"].as_array_mut().expect("routes");
    for route in routes {
        route["metadata"] = json!({"filter_metadata": {"shop": {"tier": "gold"}, "other": {"x": 1}}});
    }
    let value = json!({"big": 9_007_199_254_740_993_u64, "half": 0.5, "none": null, "list": [true, "x"], "empty": {}});
    before(
        tree,
        "metadata",
        json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.http.set_metadata.v3.Config",
            "metadata": [
                {"metadata_namespace": "dotted.name", "value": value},
                {"metadata_namespace": "hidden", "value": {"x": 1}},
            ],
        }),
    );
    before(
        tree,
        "peer",
        json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
            "mutations": {"request_mutations": [{"append": {
                "header": {"key": "x-peer", "value": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%"},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }}]},
        }),
    );
}

#[test]
fn addresses_metadata_and_labels_are_what_ext_authz_shows() {
    let stack = &Stack::sark(remote(json!({}))).fake(Mode::Decision(json!(true))).edit(with_metadata).start();
    let request = Request::get("/a?b=c").header("x-forwarded-for", "1.2.3.4").header("x-peer", "5.6.7.8");
    let attributes = &input(stack, &request)["attributes"];
    // Nothing is selected, and nobody said which address counts.
    assert_eq!(attributes["source"], json!({}));
    assert_eq!(attributes["metadataContext"], json!({}));
    assert_eq!(attributes["routeMetadataContext"], json!({}));
    let port = stack.address().port();
    assert_eq!(
        attributes["destination"],
        json!({"address": {"socketAddress": {"address": "127.0.0.1", "portValue": port}}})
    );
    let time = &attributes["request"]["time"];
    assert!(time["seconds"].as_u64().is_some_and(|seconds| seconds > 1_700_000_000), "{time}");
    assert_eq!(attributes["request"]["http"]["protocol"], "HTTP/1.1");

    stack
        .push(&remote(json!({
            "metadata_context_namespaces": ["dotted.name", "missing"],
            "route_metadata_context_namespaces": ["shop"],
            "bootstrap_metadata_labels_key": "labels",
            "source_address": "header:x-peer",
        })))
        .accepted();
    let attributes = &input(stack, &request)["attributes"];
    assert_eq!(attributes["source"]["address"]["socketAddress"]["address"], "127.0.0.1");
    assert!(attributes["source"]["address"]["socketAddress"]["portValue"].as_u64().is_some_and(|port| port > 0));
    assert_eq!(attributes["destination"]["labels"], json!({"app": "shop"}));
    let expected = r#"{"dotted.name":{"big":9007199254740992,"empty":{},"half":0.5,"list":[true,"x"],"none":null}}"#;
    assert_eq!(attributes["metadataContext"]["filterMetadata"].to_string(), expected);
    assert_eq!(attributes["routeMetadataContext"], json!({"filterMetadata": {"shop": {"tier": "gold"}}}));

    // The trap: what Envoy calls the source is what the client says.
    stack.push(&remote(json!({"source_address": "request"}))).accepted();
    let source = &input(stack, &request)["attributes"]["source"];
    assert_eq!(source["address"]["socketAddress"]["address"], "1.2.3.4");
    // Nothing of it is kept for the next request of a connection.
    let other = Request::get("/").header("x-forwarded-for", "9.9.9.9");
    let replies = stack.send_all(1, &[request.clone(), other]);
    assert!(replies.iter().all(|reply| reply.status == 200));
    let calls = stack.fake().calls();
    let address = |call: usize| calls[call].body["input"]["attributes"]["source"]["address"].clone();
    assert_eq!(address(calls.len() - 1)["socketAddress"]["address"], "9.9.9.9");
}

#[test]
fn a_header_that_is_no_address_denies() {
    let stack =
        Stack::sark(remote(json!({"source_address": "header:x-peer"}))).fake(Mode::Decision(json!(true))).start();
    assert_eq!(stack.send(&Request::get("/")).status, 403);
    assert_eq!(stack.send(&Request::get("/").header("x-peer", "1.2.3.4").header("x-peer", "1.2.3.5")).status, 403);
    assert_eq!(stack.send(&Request::get("/").header("x-peer", "1.2.3.4")).status, 200);
    assert!(stack.echo().received().len() == 1);
}

#[test]
fn a_number_that_is_not_held_reaches_the_remote_side_as_it_was_sent() {
    let inline = json!({
        "policy": {"modules": {"p.rego": "package envoy.authz\ndefault allow := false\nallow if input.parsed_body.a"}},
        "remote": {"cluster": "opa"},
        "with_request_body": {"max_request_bytes": 1000},
    });
    let stack = Stack::sark(inline).fake(Mode::Decision(json!(false))).start();
    let post = |body: &str| Request::post("/").header("content-type", JSON).body(body);
    assert_eq!(stack.send(&post(r#"{"a": 1.50}"#)).status, 200);
    assert!(stack.fake().calls().is_empty());
    for body in [r#"{"a":1e400}"#, r#"{"a":12345678901234567890.5,"b":1.50,"c":1e3}"#] {
        stack.forget();
        assert_eq!(stack.send(&post(body)).status, 403);
        // Both by the same reader, which keeps every digit.
        let sent: Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(stack.fake().calls()[0].body["input"]["parsed_body"], sent);
    }
}
