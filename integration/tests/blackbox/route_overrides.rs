//! What a route's metadata may say about a check, and what a client and a policy may not make of it.

use std::sync::Mutex;

use sark_integration::configuration::{and, of};
use sark_integration::{Mode, Protocol, Request, Response, Shared, Stack, Turn};
use serde_json::{Value, json};

const BOTH: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

/// Routes by path; the first that matches counts. A route with `header` matches on that header too.
fn routes() -> Vec<Value> {
    let route = |prefix: &str, header: Option<&str>, sark: Value| {
        let mut matches = json!({ "prefix": prefix });
        if let Some(name) = header {
            matches["headers"] = json!([{"name": name, "present_match": true}]);
        }
        json!({
            "match": matches, "route": {"cluster": "upstream"}, "metadata": {"filter_metadata": {"sark": sark}},
            // Tells the test which route the request took.
            "request_headers_to_add": [{"header": {"key": "x-route", "value": format!("{prefix}{}", header.unwrap_or(""))}}],
        })
    };
    vec![
        route("/", Some("x-sark-open"), json!({"disabled": true})),
        route("/", Some("x-team"), json!({"disabled": true})),
        route("/", Some("x-by-policy"), json!({"path": "other/allow"})),
        route("/disabled", None, json!({"disabled": true})),
        route("/enabled", None, json!({"disabled": false})),
        route("/other", None, json!({"path": "/other//allow/"})),
        route("/default", None, json!({"path": "envoy/authz/result"})),
        route("/extended", None, json!({"context_extensions": {"Tier": "gold", "empty": ""}})),
        route("/unknown/key", None, json!({"disable": true})),
        route("/unknown/path", None, json!({"path": "admin/allow"})),
        route("/wrong/disabled", None, json!({"disabled": "true"})),
        route("/wrong/number", None, json!({"disabled": 1})),
        route("/wrong/path", None, json!({"path": ["other/allow"]})),
        route("/wrong/null", None, json!({"path": null})),
        route("/wrong/extensions", None, json!({"context_extensions": {"a": 1}})),
        route("/wrong/both", None, json!({"disabled": true, "x": {}})),
        json!({"match": {"prefix": "/"}, "route": {"cluster": "upstream"}}),
    ]
}

static STACK: Shared = Shared::new(|| {
    let stack = Stack::sark(overridable()).fake(Mode::Decision(json!(true))).edit(|tree| {
        let manager = &mut tree["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
        manager["route_config"]["virtual_hosts"][0]["routes"] = Value::Array(routes());
    });
    Mutex::new(stack.start())
});

/// `envoy/authz/result` denies but for `/…/write`, `/…/query` and `/…/remove`, which write; `other/allow` allows.
fn policy() -> Value {
    let rules = r#"
target := input.attributes.request.http.path

default result := false

result := {"allowed": true, "headers": {"x-by-policy": "1"}} if endswith(target, "/write")

result := {"allowed": true, "headers": {"x-user-id": "1"}} if endswith(target, "/note")

result := {"allowed": true, "query_parameters_to_set": {"a": "1"}} if endswith(target, "/query")

result := {"allowed": true, "request_headers_to_remove": ["x-by-policy"]} if endswith(target, "/remove")

result := {"allowed": true, "response_headers_to_add": {"x-answer": "1"}} if endswith(target, "/answer")
"#;
    and(&of(rules), json!({"policy": {"modules": {"other.rego": "package other\n\nallow := true\n"}}}))
}

fn overridable() -> Value {
    let on = json!({"policy": {"paths": ["other/allow"]}, "route_overrides": true, "unrouted_headers": ["X-User-Id"]});
    and(&and(&policy(), on), json!({"failure_mode_allow": true}))
}

fn get(stack: &Turn<'_>, protocol: Protocol, path: &str) -> Response {
    stack.send(&Request::get(path).protocol(protocol))
}

#[track_caller]
fn assert_denied(stack: &Turn<'_>, request: &Request, error: Option<&str>) {
    stack.echo().clear();
    let reply = stack.send(request);
    assert_eq!((reply.status, reply.text().as_str()), (403, ""), "{reply:?}");
    assert_eq!(stack.echo().received(), [], "something reached the upstream");
    let line = stack.envoy().access_log().pop();
    let line = line.filter(|line| line["status"] == 403);
    let told = stack.envoy().wait_for_access(|other| other["status"] == 403 && other["error"] == json!(error));
    assert!(told.is_ok(), "{error:?} in no line, last {line:?}");
}

#[test]
fn a_route_chooses_the_decision_or_switches_the_check_off() {
    let stack = STACK.with(&overridable());
    for protocol in BOTH {
        for (path, status) in [
            ("/plain", 403),
            ("/enabled", 403),
            ("/default", 403),
            ("/disabled", 200),
            ("/other", 200),
            ("/extended", 403),
            ("/plain/answer", 200),
        ] {
            assert_eq!(get(&stack, protocol, path).status, status, "{path}");
        }
        let disabled = [("sark_decisions_total.implementation.none.result.disabled", 1)];
        stack.assert_counts(&disabled, || assert_eq!(get(&stack, protocol, "/disabled/%zz").status, 200));
        // Nobody reads the body of a request that is not checked.
        assert_eq!(stack.send(&Request::post("/disabled").protocol(protocol).body("x")).upstream().body_text(), "x");
    }
}

#[test]
fn what_is_not_known_is_denied_whatever_the_failure_mode() {
    let stack = STACK.with(&overridable());
    for protocol in BOTH {
        for path in [
            "/unknown/key",
            "/unknown/path",
            "/wrong/disabled",
            "/wrong/number",
            "/wrong/path",
            "/wrong/null",
            "/wrong/extensions",
            "/wrong/both",
        ] {
            assert_denied(&stack, &Request::get(path).protocol(protocol), Some("none:route_metadata"));
        }
    }
}

#[test]
fn a_header_that_is_stripped_does_not_lead_to_an_unprotected_route() {
    let stripping = and(&overridable(), json!({"strip_request_headers": ["X-Team"]}));
    let stack = STACK.with(&stripping);
    for protocol in BOTH {
        for name in ["x-sark-open", "x-team", "x-sark-other"] {
            for path in ["/plain", "/disabled", "/plain/answer"] {
                let request = Request::get(path).protocol(protocol).header(name, "1").header(name, "2");
                assert_denied(&stack, &request, Some("none:route_changed"));
            }
        }
        assert_eq!(get(&stack, protocol, "/disabled").status, 200);
    }
    drop(stack);
    // A header on which, the operator says, no route matches.
    let stack = STACK.with(&and(&overridable(), json!({"strip_request_headers": ["x-user-id"]})));
    let upstream = stack.send(&Request::get("/disabled").header("x-user-id", "1")).upstream();
    assert_eq!(upstream.header("x-user-id"), None);
}

#[test]
fn a_decision_does_not_lead_to_another_route() {
    let stack = STACK.with(&overridable());
    for protocol in BOTH {
        for path in ["/plain/write", "/plain/query", "/plain/remove", "/default/write"] {
            assert_denied(&stack, &Request::get(path).protocol(protocol), Some("none:route_changed"));
        }
        let noted = get(&stack, protocol, "/plain/note");
        assert_eq!((noted.status, noted.upstream().header("x-user-id").as_deref()), (200, Some("1")));
        assert_eq!(get(&stack, protocol, "/plain/answer").header("x-answer").as_deref(), Some("1"));
    }
}

#[test]
fn without_route_overrides_metadata_says_nothing_and_headers_are_stripped() {
    let stack = STACK.with(&and(&policy(), json!({"strip_request_headers": ["X-Team"]})));
    for protocol in BOTH {
        for route in routes() {
            let Some(prefix) = route["match"]["prefix"].as_str() else { panic!("{route}") };
            assert_eq!(get(&stack, protocol, prefix).status, 403, "{prefix}");
        }
        for name in ["x-sark-open", "x-team"] {
            let request = |path: &str| Request::get(path).protocol(protocol).header(name, "1").header(name, "2");
            assert_eq!(stack.send(&request("/disabled")).status, 403, "{name}");
            // The request takes the route it would have taken without the header, and the upstream does not see it.
            let upstream = stack.send(&request("/other/answer")).upstream();
            assert_eq!(
                (upstream.header(name), upstream.header("x-route").as_deref()),
                (None, Some("/other")),
                "{name}"
            );
        }
        // What the policy writes does pick the route again.
        let upstream = get(&stack, protocol, "/plain/write").upstream();
        assert_eq!(upstream.header("x-route").as_deref(), Some("/x-by-policy"));
    }
}

#[test]
fn a_stripped_header_is_not_there_for_the_policy_nor_the_remote() {
    let rules = r#"
import input.attributes.request.http.headers

result := {
	"allowed": true,
	"response_headers_to_add": {"x-saw": concat(",", [name | some name, _ in headers])},
}
"#;
    let strip = json!({"strip_request_headers": ["x-role"]});
    let stack = STACK.with(&and(&of(rules), strip.clone()));
    let request = || Request::get("/plain").header("x-role", "admin").header("X-Role", "root").header("x-sark-a", "1");
    let saw = stack.send(&request().header("x-kept", "1")).header("x-saw").unwrap();
    assert!(saw.contains("x-kept") && !saw.contains("x-role") && !saw.contains("x-sark"), "{saw}");
    drop(stack);
    let remote = json!({"remote": {"cluster": "opa"}, "features": {"rust_opa": {"enabled": false}}});
    let stack = STACK.with(&and(&and(&policy(), strip), remote));
    stack.fake().set(Mode::Decision(json!(true)));
    assert_eq!(stack.send(&request()).status, 200);
    let input = stack.fake().calls()[0].body["input"].clone();
    let headers = &input["attributes"]["request"]["http"]["headers"];
    assert!(headers["x-role"].is_null() && headers["x-sark-a"].is_null() && headers[":path"] == "/plain", "{headers}");
}

#[test]
fn the_remote_is_asked_for_the_decision_of_the_route_and_told_its_extensions() {
    let remote = json!({"remote": {"cluster": "opa"}, "features": {"rust_opa": {"enabled": false}}});
    let stack = STACK.with(&and(&overridable(), remote));
    stack.fake().set(Mode::Decision(json!(true)));
    for (path, asked, extensions) in [
        ("/plain", "/v1/data/envoy/authz/result", Value::Null),
        ("/other", "/v1/data/other/allow", Value::Null),
        ("/extended", "/v1/data/envoy/authz/result", json!({"Tier": "gold", "empty": ""})),
    ] {
        stack.fake().clear();
        assert_eq!(stack.send(&Request::get(path)).status, 200);
        let call = stack.fake().calls().remove(0);
        assert_eq!((call.path.as_str(), &call.body["input"]["attributes"]["contextExtensions"]), (asked, &extensions));
    }
    stack.fake().clear();
    assert_eq!(stack.send(&Request::get("/disabled")).status, 200);
    assert!(stack.fake().calls().is_empty(), "nobody is asked");
}

/// A filter in front of ours takes a header away and has Envoy forget the route. What we are shown is the forgotten one,
/// unless a native filter has looked at the route since.
#[test]
fn a_filter_in_front_that_clears_the_route_needs_one_that_looks_behind_it() {
    for (looks, expected) in [(false, 200), (true, 403)] {
        let stack = Stack::sark(overridable()).edit(move |tree| {
            let manager =
                &mut tree["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
            manager["route_config"]["virtual_hosts"][0]["routes"] = Value::Array(routes());
            let code =
                "function envoy_on_request(handle) handle:headers():remove(\"x-team\") handle:clearRouteCache() end";
            let mut front = vec![json!({"name": "front", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
                "default_source_code": {"inline_string": code},
            }})];
            if looks {
                front.push(json!({"name": "looks", "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
                }}));
            }
            manager["http_filters"].as_array_mut().unwrap().splice(0..0, front);
        });
        let stack = stack.start();
        let reply = stack.send(&Request::get("/plain").header("x-team", "1"));
        assert_eq!(reply.status, expected, "a filter that looks: {looks}: {reply:?}");
    }
}
