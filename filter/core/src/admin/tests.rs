use super::{Endpoint, Step, Visit};
use crate::authorizer::Authorizer;
use crate::host::testing::FakeHost;
use crate::request::Head;
use crate::rollout::Status;
use crate::rollout::testing::{FakeLive, Process, Vm};
use crate::text::hexadecimal;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::cell::RefCell;
use std::rc::Rc;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const WRITER: &str = "Bearer write-token-0123456789abcdef";
const READER: &str = "Bearer read-token-0123456789abcdef";

/// With both tokens, and these changes to the configuration.
fn configuration(changes: Value) -> Value {
    let digest = |bearer: &str| hexadecimal(&Sha256::digest(bearer.trim_start_matches("Bearer ")));
    let mut configuration = json!({
        "remote": {"cluster": "opa"},
        "identity": [{"header": "x-user"}],
        "features": {"rust_opa": {"rollout_percentage": 5}, "rust_cache": {}},
        "admin": {"tokens": [
            {"name": "ops", "role": "write", "sha256": digest(WRITER)},
            {"name": "board", "role": "read", "sha256": digest(READER)},
        ]},
    });
    for (name, value) in changes.as_object().unwrap() {
        configuration[name] = value.clone();
    }
    configuration
}

fn authorizer(changes: Value) -> (Rc<Authorizer>, Rc<FakeLive>) {
    let process = Process::start();
    process.now_ms.set(Some(1_795_365_296_789));
    let vm = Vm::of(&process);
    (vm.authorizer(&configuration(changes)), vm.live)
}

/// A request, with a body if there is one.
struct Asked<'a> {
    method: &'a str,
    path: &'a str,
    bearer: &'a str,
    headers: &'a [(&'a str, &'a str)],
    body: Option<&'a str>,
}

const ASKED: Asked = Asked { method: "GET", path: "", bearer: WRITER, headers: &[], body: None };

fn ask(authorizer: &Rc<Authorizer>, host: &mut FakeHost, asked: &Asked) -> Option<(Visit, Step)> {
    let all = [(":method", asked.method), (":path", asked.path), ("authorization", asked.bearer)];
    let head = Head::new(all.iter().chain(asked.headers).map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    let (mut visit, mut step) = authorizer.visit(&head, asked.body.is_none(), host).unwrap()?;
    if let (Step::NeedBody, Some(body)) = (&step, asked.body) {
        host.body = Some(body.as_bytes().to_vec());
        assert!(matches!(visit.body(body.len() / 2, false, host), Step::NeedBody));
        step = visit.body(body.len(), true, host);
    }
    visit.settle(host);
    Some((visit, step))
}

/// Status and body of the answer, and how it was counted.
fn answer(authorizer: &Rc<Authorizer>, asked: &Asked) -> (u16, Value, String) {
    let mut host = FakeHost { slots: RefCell::new(Some(Vec::new())), ..FakeHost::default() };
    let (visit, step) = ask(authorizer, &mut host, asked).expect("an admin request");
    let Step::Answer(reply) = step else { panic!("no answer") };
    assert!(reply.headers.contains(&("cache-control".to_owned(), "no-store".to_owned())), "{reply:?}");
    assert_eq!(reply.details, "sark_admin");
    let counted = host.counted.borrow().concat();
    let body = if reply.body.is_empty() { Value::Null } else { serde_json::from_str(&reply.body).unwrap() };
    assert_eq!(visit.change().is_some(), reply.status == 200 && asked.method == "POST");
    (reply.status, body, counted.trim_start_matches("sark_admin_requests_total.").to_owned())
}

fn post<'a>(path: &'a str, body: &'a str) -> Asked<'a> {
    Asked { method: "POST", path, body: Some(body), ..ASKED }
}

#[test]
fn the_four_endpoints_of_the_seeds() {
    let (authorizer, _) = authorizer(json!({}));
    let (status, body, counted) = answer(&authorizer, &Asked { path: "/admin/features", ..ASKED });
    assert_eq!((status, counted.as_str()), (200, "endpoint.features.result.ok"));
    let expected = json!({
        "enabled": true, "rollout_percentage": 5, "status": "active", "source": "configuration",
        "since": "2026-11-22T16:34:56.789Z",
    });
    assert_eq!((&body["rust_opa"], &body["version"]), (&expected, &json!(0)));

    let update = post("/admin/rollout/update", r#"{"feature": "rust_opa", "percentage": 12.5}"#);
    let (status, body, counted) = answer(&authorizer, &update);
    assert_eq!((status, counted.as_str()), (200, "endpoint.update.result.ok"));
    assert_eq!((&body["feature"], &body["before"]), (&json!("rust_opa"), &expected));
    let expected = json!({
        "enabled": true, "rollout_percentage": 12.5, "status": "overridden", "source": "override",
        "since": "2026-11-22T16:34:56.789Z", "by": "ops",
    });
    assert_eq!((&body["after"], &body["version"]), (&expected, &json!(1)));

    let (status, body, _) = answer(&authorizer, &post("/admin/rollout/rollback", r#"{"feature": "rust_opa"}"#));
    assert_eq!((status, &body["after"]["status"], &body["version"]), (200, &json!("rolled_back"), &json!(2)));
    let (_, body, _) = answer(&authorizer, &Asked { path: "/admin/features", bearer: READER, ..ASKED });
    assert_eq!((&body["rust_opa"]["rollout_percentage"], &body["version"]), (&json!(0), &json!(2)));

    let cleanup = Asked { method: "POST", path: "/admin/cache/cleanup", ..ASKED };
    let (status, body, counted) = answer(&authorizer, &cleanup);
    assert_eq!((status, body), (200, json!({"version": 3, "cache_generation": 1})));
    assert_eq!(counted, "endpoint.cleanup.result.ok");
}

#[test]
fn the_log_is_told_who_changed_what() {
    let (authorizer, _) = authorizer(json!({}));
    let mut host = FakeHost::default();
    let asked = post("/admin/rollout/update", r#"{"feature": "rust_opa", "percentage": 25}"#);
    let (visit, _) = ask(&authorizer, &mut host, &asked).unwrap();
    let line = "ops changes rust_opa: was 5 % (active, by configuration), is 25 % (overridden, by ops), version 1";
    assert_eq!(visit.change(), Some(line));
    let states = visit.states();
    assert_eq!(states, [("sark.admin", "update:ok".to_owned()), ("sark.admin_by", "ops".to_owned())]);
}

#[test]
fn without_a_right_token_there_is_nothing_to_see() {
    let (authorizer, _) = authorizer(json!({}));
    let (status, expected, _) = answer(&authorizer, &Asked { path: "/admin/features", bearer: "", ..ASKED });
    assert_eq!(status, 401);
    let long = format!("{WRITER}0");
    for bearer in ["", "Bearer x", &long, &WRITER[..WRITER.len() - 1], "Basic d3JpdGU="] {
        for (method, path) in [
            ("GET", "/admin/features"),
            ("POST", "/admin/rollout/rollback"),
            ("OPTIONS", "/admin/features"),
            ("DELETE", "/admin/features"),
            ("GET", "/admin/nothing"),
            ("GET", "/admin"),
        ] {
            let asked = Asked { method, path, bearer, body: Some("{}"), ..ASKED };
            let (status, body, counted) = answer(&authorizer, &asked);
            assert_eq!((status, &body), (401, &expected), "{method} {path} {bearer}");
            assert_eq!(counted, "endpoint.none.result.unauthorized");
        }
    }
}

#[test]
fn what_is_refused_is_refused_with_its_code() {
    let (authorizer, _) = authorizer(json!({}));
    let update = |body| post("/admin/rollout/update", body);
    let large = format!(r#"{{"feature": "rust_opa", "percentage": 5{}}}"#, " ".repeat(4096));
    let announced = [("content-length", "4097")];
    let upgrade = [("connection", "upgrade"), ("upgrade", "websocket")];
    let rollback = "/admin/rollout/rollback";
    for (asked, status, code) in [
        (Asked { path: "/admin", ..ASKED }, 404, "none.result.not_found"),
        (Asked { path: "/admin/features/", ..ASKED }, 404, "none.result.not_found"),
        (Asked { path: "/admin/../features", ..ASKED }, 404, "none.result.not_found"),
        (Asked { path: "/admin/Features", ..ASKED }, 404, "none.result.not_found"),
        (Asked { method: "POST", path: "/admin/features", ..ASKED }, 405, "features.result.method_not_allowed"),
        (Asked { method: "get", path: "/admin/features", ..ASKED }, 405, "features.result.method_not_allowed"),
        (Asked { method: "CONNECT", path: "/admin/features", ..ASKED }, 405, "features.result.method_not_allowed"),
        (Asked { path: rollback, ..ASKED }, 405, "rollback.result.method_not_allowed"),
        (Asked { method: "HEAD", path: rollback, ..ASKED }, 405, "rollback.result.method_not_allowed"),
        (Asked { method: "POST", path: rollback, bearer: READER, ..ASKED }, 403, "rollback.result.forbidden"),
        (Asked { headers: &upgrade, path: "/admin/features", ..ASKED }, 400, "features.result.bad_request"),
        (Asked { path: "/admin/features?verbose=1", ..ASKED }, 400, "features.result.bad_request"),
        (Asked { path: "/admin/status?%zz", ..ASKED }, 400, "status.result.bad_request"),
        (Asked { headers: &announced, ..update("{}") }, 413, "update.result.too_large"),
        (update(&large), 413, "update.result.too_large"),
        (update(""), 400, "update.result.bad_request"),
        (update("[]"), 400, "update.result.bad_request"),
        (update(r#"["rust_opa", 5]"#), 400, "update.result.bad_request"),
        (update(r#"{"feature": "rust_opa", "percentage": 5"#), 400, "update.result.bad_request"),
        (update(r#"{"feature": "rust_opa", "percentage": 5} {}"#), 400, "update.result.bad_request"),
        (update(r#"{"feature": "rust_opa"}"#), 400, "update.result.bad_request"),
        (update(r#"{"feature": "rust_opa", "percentage": "5"}"#), 400, "update.result.bad_request"),
        (update(r#"{"feature": "rust_opa", "percentage": 5, "x": 1}"#), 400, "update.result.bad_request"),
        (update(r#"{"feature": "rust_opa", "percentage": 5, "percentage": 6}"#), 400, "update.result.bad_request"),
        (update(r#"{"feature": "rust_opa", "percentage": 5, "ttl": null}"#), 400, "update.result.bad_request"),
        (update(r#"{"feature": "rust_opa", "percentage": 5, "if_version": null}"#), 400, "update.result.bad_request"),
        (update(r#"{"feature": "rust_opa", "percentage": 1e999}"#), 400, "update.result.bad_request"),
        (update(r#"{"feature": "rust_opa", "percentage": 100.01}"#), 400, "update.result.bad_request"),
        (update(r#"{"feature": "rust_opa", "percentage": 5.001}"#), 400, "update.result.bad_request"),
        (update(r#"{"feature": "rust_opa", "percentage": 5, "ttl": 0}"#), 400, "update.result.bad_request"),
        (update(r#"{"feature": "RUST_OPA", "percentage": 5}"#), 400, "update.result.bad_request"),
        (update("\u{feff}{}"), 400, "update.result.bad_request"),
        (update(r#"{"feature": "rust_opa", "percentage": 5, "if_version": 7}"#), 409, "update.result.version_conflict"),
        (post("/admin/cache/cleanup", r#"{"all": true}"#), 400, "cleanup.result.bad_request"),
    ] {
        let (got, body, counted) = answer(&authorizer, &asked);
        assert_eq!((got, counted), (status, format!("endpoint.{code}")), "{} {:?}: {body}", asked.path, asked.body);
        let error = body["error"].as_object().unwrap();
        assert!(code.ends_with(error["code"].as_str().unwrap()) && error.len() == 2, "{body}");
    }
}

#[test]
fn a_conflict_is_what_the_configuration_rules_out() {
    let features = json!({"rust_opa": {"enabled": false}});
    let (authorizer, _) = authorizer(json!({"features": features}));
    for (path, body) in [
        ("/admin/rollout/update", r#"{"feature": "rust_opa", "percentage": 5}"#),
        ("/admin/rollout/update", r#"{"feature": "rust_cache", "percentage": 5}"#),
        ("/admin/rollout/rollback", r#"{"feature": "rust_cache"}"#),
    ] {
        let (status, body, _) = answer(&authorizer, &post(path, body));
        assert_eq!((status, &body["error"]["code"]), (409, &json!("conflict")), "{body}");
    }
}

#[test]
fn an_update_whose_body_comes_after_a_push_of_the_feature_changes_nothing_and_a_rollback_holds() {
    let vm = Vm::of(&Process::start());
    let before = vm.authorizer(&configuration(json!({})));
    let (update, rollback) = (r#"{"feature": "rust_opa", "percentage": 25}"#, r#"{"feature": "rust_opa"}"#);
    for (path, body, status) in [("/admin/rollout/update", update, 409), ("/admin/rollout/rollback", rollback, 200)] {
        let host = FakeHost { body: Some(body.as_bytes().to_vec()), ..FakeHost::default() };
        let head = [(":method", "POST"), (":path", path), ("authorization", WRITER)];
        let head = Head::new(head.map(|(name, value)| (name.as_bytes(), value.as_bytes())));
        let (mut visit, step) = before.visit(&head, false, &host).unwrap().unwrap();
        assert!(matches!(step, Step::NeedBody));
        let pushed = vm.authorizer(&configuration(json!({"features": {"rust_opa": {"rollout_percentage": 6}}})));
        let Step::Answer(reply) = visit.body(body.len(), true, &host) else { panic!("no answer") };
        assert_eq!(reply.status, status, "{}", reply.body);
        let is_replaced = reply.body.contains(r#""code":"replaced""#) && reply.body.contains("send it again");
        let is_stored = vm.live.document().is_some();
        assert_eq!((is_replaced, is_stored, visit.change().is_some()), (status == 409, status == 200, status == 200));
        assert_eq!(pushed.rollout().features().features[0].status == Status::RolledBack, status == 200);
    }
}

/// Envoy tells the connection's number as eight bytes.
#[test]
fn one_that_is_taken_up_again_is_known_by_its_requests_whatever_they_are() {
    let vm = Vm::of(&Process::start());
    let first = vm.authorizer(&configuration(json!({})));
    let closed = json!({"rollout_percentage": 6});
    let mut second = configuration(json!({"features": {"rust_opa": closed}}));
    second.as_object_mut().unwrap().remove("admin");
    let second = vm.authorizer(&second);
    let on = |number: u64| {
        let number = number.to_le_bytes().to_vec();
        let protocol = if number == 300_u64.to_le_bytes() { "HTTP/3" } else { "HTTP/2" };
        let properties = [("connection.id", number), ("request.protocol", protocol.into())];
        let properties = properties.map(|(name, value)| (name.to_owned(), value)).into();
        FakeHost { properties, ..FakeHost::default() }
    };
    // An ordinary one, where there is no API.
    assert!(ask(&second, &mut on(256), &Asked { path: "/", ..ASKED }).is_none());
    let update = post("/admin/rollout/update", r#"{"feature": "rust_opa", "percentage": 25}"#);
    // Connections of HTTP/3 have numbers that say nothing.
    for (connection, status) in [(255, 409), (256, 409), (300, 409), (257, 200), (2, 200)] {
        let Some((_, Step::Answer(reply))) = ask(&first, &mut on(connection), &update) else { panic!("no answer") };
        assert_eq!(reply.status, status, "{connection}");
    }
}

#[test]
fn the_arguments_may_stand_in_the_query() {
    let (authorizer, _) = authorizer(json!({}));
    let path = "/admin/rollout/update?feature=rust%5Fopa&percentage=12.5&ttl=60&if_version=0";
    let (status, body, _) = answer(&authorizer, &Asked { method: "POST", path, ..ASKED });
    assert_eq!((status, &body["after"]["rollout_percentage"]), (200, &json!(12.5)));
    assert_eq!(body["after"]["until"], "2026-11-22T16:35:56.789Z");
    // A body that is empty and not announced, as HTTP/2 may have it.
    let rollback = post("/admin/rollout/rollback?feature=rust_opa", "");
    assert_eq!(answer(&authorizer, &rollback).0, 200);
    let both = Asked { headers: &[("content-length", "2")], ..post("/admin/rollout/rollback?feature=rust_opa", "{}") };
    assert_eq!(answer(&authorizer, &both).0, 400);
    let update = "/admin/rollout/update";
    for query in [
        "feature=rust_opa",
        "feature=rust_opa&percentage=",
        "feature=rust_opa&percentage=x",
        "feature=rust_opa&percentage=5&percentage=6",
        "feature=rust_opa&percentage=5&x=1",
        "feature=rust_opa;percentage=5",
        "feature=rust_opa&percentage=+5",
        "feature=rust_opa&percentage=NaN",
        "feature=5&percentage=5",
        "feature=rust_opa&percentage=5&%zz=1",
    ] {
        let path = format!("{update}?{query}");
        let (status, body, _) = answer(&authorizer, &Asked { method: "POST", path: &path, ..ASKED });
        assert_eq!((status, &body["error"]["code"]), (400, &json!("bad_request")), "{query}");
    }
}

#[test]
fn options_and_head_are_sane() {
    let (authorizer, _) = authorizer(json!({}));
    for endpoint in Endpoint::ALL {
        let path = format!("/admin{}", endpoint.path());
        let mut host = FakeHost::default();
        let options = Asked { method: "OPTIONS", path: &path, bearer: READER, ..ASKED };
        let Some((_, Step::Answer(reply))) = ask(&authorizer, &mut host, &options) else { panic!("{path}") };
        assert_eq!((reply.status, reply.body.as_str()), (204, ""), "{path}");
        assert!(reply.headers.contains(&("allow".to_owned(), endpoint.methods().to_owned())), "{path}");
    }
    // Envoy leaves the body out.
    let answers =
        ["HEAD", "GET"].map(|method| answer(&authorizer, &Asked { method, path: "/admin/features", ..ASKED }));
    assert_eq!(answers[0], answers[1]);
}

#[test]
fn what_was_compared_is_shown_where_something_is() {
    let (off, _) = authorizer(json!({}));
    let (on, _) = authorizer(json!({"shadow": {"percentage": 12.5}}));
    for (authorizer, percentage) in [(off, Value::Null), (on, json!(12.5))] {
        let (status, body, counted) = answer(&authorizer, &Asked { path: "/admin/shadow", bearer: READER, ..ASKED });
        assert_eq!((status, counted.as_str()), (200, "endpoint.shadow.result.ok"));
        let expected = json!({"counts": {}, "percentage": percentage, "time": body["time"], "workers": []});
        assert!(body["time"].is_string());
        assert_eq!(body, expected);
    }
}

#[test]
fn what_envoy_does_not_do_is_said() {
    let (authorizer, live) = authorizer(json!({}));
    live.broken.borrow_mut().push("load");
    let (status, body, counted) = answer(&authorizer, &post("/admin/rollout/rollback", r#"{"feature": "rust_opa"}"#));
    assert_eq!((status, &body["error"]["code"]), (503, &json!("unavailable")), "{body}");
    assert_eq!(counted, "endpoint.rollback.result.unavailable");
    let mut host = FakeHost::default();
    let Some((_, Step::Answer(reply))) = ask(&authorizer, &mut host, &Asked { path: "/admin/status", ..ASKED }) else {
        panic!("no answer")
    };
    assert_eq!(reply.status, 503);
}

#[test]
fn a_body_that_is_not_handed_over_is_told_of() {
    let (authorizer, _) = authorizer(json!({}));
    let head = [(":method", "POST"), (":path", "/admin/rollout/rollback"), ("authorization", WRITER)];
    let head = Head::new(head.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())));
    let host = FakeHost::default();
    let (mut visit, step) = authorizer.visit(&head, false, &host).unwrap().unwrap();
    assert!(matches!(step, Step::NeedBody));
    let Step::Answer(reply) = visit.body_unavailable() else { panic!("no answer") };
    visit.settle(&host);
    assert_eq!(reply.status, 411);
    assert!(reply.body.contains("query parameters"), "{}", reply.body);
    assert_eq!(*host.counted.borrow(), ["sark_admin_requests_total.endpoint.rollback.result.length_required"]);
}

#[test]
fn elsewhere_and_without_the_section_nothing_is_an_admin_request() {
    let (authorizer, _) = authorizer(json!({}));
    let mut host = FakeHost::default();
    for path in ["/", "", "//admin/features", "/ADMIN/features", "/administrator", "/admin;x/features"] {
        assert!(ask(&authorizer, &mut host, &Asked { path, ..ASKED }).is_none(), "{path}");
    }
    let (authorizer, _) = self::authorizer(json!({"admin": null}));
    assert!(ask(&authorizer, &mut host, &Asked { path: "/admin/features", ..ASKED }).is_none());
    assert!(host.counted.borrow().is_empty());
}
