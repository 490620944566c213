//! The input document, where one request of each way is not enough to tell: the other fields are in `contract/`.

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

/// A client's `x-forwarded-for` is believed, as Envoy does by default.
fn trusting(tree: &mut Value) {
    let manager = &mut tree["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
    manager["use_remote_address"] = json!(false);
}

#[test]
fn the_source_has_no_address_unless_it_is_said_where_from_and_nothing_is_kept_of_it() {
    let stack = &Stack::sark(remote(json!({}))).fake(Mode::Decision(json!(true))).edit(trusting).start();
    let request = Request::get("/a?b=c").header("x-forwarded-for", "1.2.3.4");
    let attributes = &input(stack, &request)["attributes"];
    assert_eq!(attributes["source"], json!({}));
    let port = stack.address().port();
    assert_eq!(
        attributes["destination"],
        json!({"address": {"socketAddress": {"address": "127.0.0.1", "portValue": port}}})
    );
    stack.push(&remote(json!({"source_address": "request"}))).accepted();
    let other = Request::get("/").header("x-forwarded-for", "9.9.9.9");
    let replies = stack.send_all(1, &[request, other]);
    assert!(replies.iter().all(|reply| reply.status == 200));
    let calls = stack.fake().calls();
    let address = |call: usize| calls[call].body["input"]["attributes"]["source"]["address"].clone();
    let of_the_two =
        [address(calls.len() - 2), address(calls.len() - 1)].map(|it| it["socketAddress"]["address"].clone());
    assert_eq!(of_the_two, [json!("1.2.3.4"), json!("9.9.9.9")]);
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
