mod admin;

use super::*;
use crate::identity::{CertificateName, Claim, Source};
use crate::request::{self, Shape, SourceAddress};
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn env(name: &str) -> Option<String> {
    match name {
        "TOKEN" => Some("Bearer s3cret".to_owned()),
        "SPLIT" => Some("a\r\nb".to_owned()),
        _ => None,
    }
}

fn error(json: &str) -> String {
    match read(json.as_bytes(), &env) {
        Ok(_) => panic!("accepted: {json}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn an_empty_document_has_the_documented_defaults() {
    let config = read(b"{}", &env).unwrap();
    assert_eq!(config.policy.path.to_string(), "envoy/authz/allow");
    let config = config.settings;
    assert!(config.remote.is_none() && config.body.is_none() && config.debug_header.is_none());
    assert!(config.rust_opa.enabled && config.rust_opa.percentage.is_everyone() && config.rust_opa.fallback_on_error);
    assert!(!config.failure_mode_allow);
    assert_eq!(config.status_on_error, 403);
    assert_eq!((config.limits.time.as_millis(), config.limits.steps), (50, 1_000_000));
}

#[test]
fn a_remote_has_the_documented_defaults_and_headers() {
    let config = read(
        br#"{"policy": {"path": "/a/b"}, "remote": {"cluster": "opa",
            "headers": {"Authorization": {"from_env": "TOKEN"}, "x-team": "red"}}}"#,
        &env,
    )
    .unwrap();
    let remote = config.settings.remote.unwrap();
    let header = |name: &str| remote.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!(remote.paths, ["/v1/data/a/b"]);
    assert_eq!(header(":authority"), Some("opa"));
    assert_eq!(header("authorization"), Some("Bearer s3cret"));
    assert_eq!(header("x-team"), Some("red"));
    assert_eq!((remote.timeout.as_millis(), remote.max_reply_bytes, remote.max_in_flight), (200, 1 << 20, 1024));
    let breaker = remote.breaker.unwrap();
    assert_eq!((breaker.failure_percentage, breaker.minimum_calls, breaker.probes), (50, 20, 2));
    assert_eq!((breaker.window.as_millis(), breaker.probe_interval.as_millis()), (5_000, 1_000));
    assert!(!breaker.fallback_to_inline);
    let off = br#"{"remote": {"cluster": "opa", "breaker": {"enabled": false}}}"#;
    assert!(read(off, &env).unwrap().settings.remote.unwrap().breaker.is_none());
}

#[test]
fn what_is_wrong_is_named_with_its_path_and_what_is_allowed() {
    for (json, path, hint) in [
        ("", ".", "EOF"),
        ("{x", ".", "key must be a string"),
        ("[]", ".", "expected an object"),
        (r#"{"limits": []}"#, "limits", "expected an object"),
        (r#"{"identity": [["x"]]}"#, "identity[0]", "expected an object"),
        (r#"{"features": {"rust_opa": [true, 5, true]}}"#, "features.rust_opa", "expected an object"),
        ("{} x", ".", "trailing"),
        (r#"{"failure_mode_allow_header_add": true}"#, "failure_mode_allow_header_add", "without `failure_mode_allow`"),
        (r#"{"clear_route_cache": false}"#, "clear_route_cache", "cannot be false"),
        (r#"{"dry_run": 1}"#, "dry_run", "expected a boolean or {"),
        (r#"{"dry_run": {"errors": true}}"#, "dry_run", "missing field `enabled`"),
        (r#"{"dry_run": {"enabled": true, "x": 1}}"#, "dry_run.x", "unknown field `x`"),
        (r#"{"dry_run": {"enabled": false, "errors": true}}"#, "dry_run.errors", "without `enabled`"),
        (r#"{"shadow": {"percentage": 1}}"#, "shadow", "without `remote`"),
        (r#"{"remote": {"cluster": "o"}, "shadow": {}}"#, "shadow", "missing field `percentage`"),
        (r#"{"remote": {"cluster": "o"}, "shadow": {"percentage": 101}}"#, "shadow.percentage", "between 0 and 100"),
        (r#"{"remote": {"cluster": "o"}, "shadow": {"percentage": 0.001}}"#, "shadow.percentage", "two decimals"),
        (r#"{"remote": {"cluster": "o"}, "shadow": {"percentage": 5}}"#, "identity", "`shadow.percentage` is neither"),
        (
            r#"{"remote": {"cluster": "o"}, "shadow": {"percentage": 0, "max_in_flight": 0}}"#,
            "shadow.max_in_flight",
            "between 1 and 65536",
        ),
        (
            r#"{"remote": {"cluster": "o"}, "shadow": {"percentage": 0, "max_bytes": 1000}}"#,
            "shadow.max_bytes",
            "between 65536 and",
        ),
        (
            r#"{"remote": {"cluster": "o"}, "shadow": {"percentage": 0, "keep_differences": 101}}"#,
            "shadow.keep_differences",
            "between 0 and 100",
        ),
        (
            r#"{"remote": {"cluster": "o"}, "shadow": {"percentage": 0, "latency_ratio": 0}}"#,
            "shadow.latency_ratio",
            "between 0.01 and 1000",
        ),
        (r#"{"unrouted_headers": ["a"]}"#, "unrouted_headers", "without `route_overrides`"),
        (r#"{"strip_request_headers": ["x-a", "host"]}"#, "strip_request_headers[1]", "`host` is not"),
        (r#"{"strip_request_headers": [":path"]}"#, "strip_request_headers[0]", "is not"),
        (r#"{"strip_request_headers": ["Content-Length"]}"#, "strip_request_headers[0]", "is not"),
        (r#"{"strip_request_headers": ["x-u"], "identity": [{"header": "X-U"}]}"#, "identity[0].header", "never there"),
        (r#"{"identity": [{"header": "X-Sark-User"}]}"#, "identity[0].header", "never there"),
        (r#"{"policy": {"paths": ["a/b"]}}"#, "policy.paths", "without `route_overrides`"),
        (r#"{"policy": {"paths": ["a/0"]}, "route_overrides": true}"#, "policy.paths[0]", "index an array"),
        (r#"{"policy": {"paths": ["a", "/a/"]}, "route_overrides": true}"#, "policy.paths[1]", "stands twice"),
        (
            r#"{"policy": {"paths": ["envoy/authz/allow"]}, "route_overrides": true}"#,
            "policy.paths[0]",
            "`policy.path`",
        ),
        (
            r#"{"policy": {"paths": ["a"]}, "route_overrides": true, "remote": {"cluster": "o", "path": "/x"}}"#,
            "remote.path",
            "beside `policy.paths`",
        ),
        (r#"{"source_address": "xff"}"#, "source_address", "\"request\" or \"header:NAME\""),
        (r#"{"source_address": "header:a b"}"#, "source_address", "not a header name"),
        (r#"{"limits": {"json_depth": 0}}"#, "limits.json_depth", "between 1 and"),
        (r#"{"limits": {"json_depth": 1001}}"#, "limits.json_depth", "between 1 and"),
        (r#"{"proto_descriptor": "?"}"#, "proto_descriptor", "not base64"),
        (r#"{"proto_descriptor": "Cv8="}"#, "proto_descriptor", "FileDescriptorSet"),
        (r#"{"allowed_headers": {"patterns": [{}]}}"#, "allowed_headers.patterns[0]", "exactly one"),
        (
            r#"{"disallowed_headers": {"patterns": [{"exact": "a"}, {"exact": "a", "prefix": "b"}]}}"#,
            "disallowed_headers.patterns[1]",
            "exactly one",
        ),
        (
            r#"{"allowed_headers": {"patterns": [{"safe_regex": {"regex": "("}}]}}"#,
            "allowed_headers.patterns[0].safe_regex.regex",
            "open group",
        ),
        (r#"{"polcy": {}}"#, "polcy", "unknown field `polcy`, expected one of `policy`"),
        (r#"{"policy": {"modules": []}}"#, "policy.modules", "expected an object"),
        (r#"{"policy": {"modules": {"a.rego": "x", "a.rego": "y"}}}"#, "policy.modules", "`a.rego` stands twice"),
        (r#"{"remote": {"cluster": "o", "headers": {"X": "1", "x": "2"}}}"#, "remote.headers.x", "stands twice"),
        (r#"{"policy": {"modules": {"a.rego": 1}}}"#, "policy.modules.a.rego", "expected a string"),
        (r#"{"policy": {"data": []}}"#, "policy.data", "must be an object"),
        (
            r#"{"features": {"rust_opa": {"rollout_percentage": 101}}}"#,
            "features.rust_opa.rollout_percentage",
            "between 0 and 100",
        ),
        (
            r#"{"features": {"rust_opa": {"rollout_percentage": "5"}}}"#,
            "features.rust_opa.rollout_percentage",
            "expected f64",
        ),
        (r#"{"features": {"rust_opa": {"enabled": 1}}}"#, "features.rust_opa.enabled", "expected a boolean"),
        (
            r#"{"features": {"rust_opa": {"rollout_percentage": 50}}}"#,
            "features.rust_opa.rollout_percentage",
            "without `remote`",
        ),
        (r#"{"features": {"rust_opa": {"enabled": false}}}"#, "features.rust_opa.enabled", "without `remote`"),
        (
            r#"{"remote": {"cluster": "o"}, "features": {"rust_opa": {"rollout_percentage": 33.333}}}"#,
            "features.rust_opa.rollout_percentage",
            "two decimals",
        ),
        (
            r#"{"remote": {"cluster": "o"}, "features": {"rust_opa": {"rollout_percentage": 50}}}"#,
            "identity",
            "where the user is taken from",
        ),
        (r#"{"identity": [{"header": "a b"}]}"#, "identity[0].header", "not a header name"),
        (
            r#"{"identity": [{"cookie": "sub"}]}"#,
            "identity[0].cookie",
            "unknown field `cookie`, expected one of `header`",
        ),
        (r#"{"identity": [{}]}"#, "identity[0]", "exactly one of `header`, `claim`"),
        (r#"{"identity": [{"header": "x", "constant": "y"}]}"#, "identity[0]", "exactly one of `header`, `claim`"),
        (r#"{"identity": [{"claim": "sub", "constant": "y"}]}"#, "identity[0]", "exactly one of `header`, `claim`"),
        (r#"{"identity": [{"constant": ""}]}"#, "identity[0]", "a `constant` that is not empty"),
        (r#"{"identity": [{"claim": 7}]}"#, "identity[0].claim", "a string or an array of strings"),
        (r#"{"identity": [{"claim": "a..b"}]}"#, "identity[0].claim", "1 to 8 names, none of them empty"),
        (r#"{"identity": [{"claim": []}]}"#, "identity[0].claim", "1 to 8 names, none of them empty"),
        (r#"{"identity": [{"claim": "1.2.3.4.5.6.7.8.9"}]}"#, "identity[0].claim", "1 to 8 names"),
        (r#"{"identity": [{"claim": "sub", "header": "x-sark-t"}]}"#, "identity[0].header", "never there"),
        (r#"{"identity": [{"peer_certificate": "san"}]}"#, "identity[0].peer_certificate", "expected one of `uri_san`"),
        (r#"{"identity": [{"source_address": true}]}"#, "identity[0].source_address", "`source_address` must say"),
        (
            r#"{"source_address": "request", "identity": [{"source_address": false}]}"#,
            "identity[0].source_address",
            "must be true",
        ),
        (r#"{"remote": {}}"#, "remote", "missing field `cluster`"),
        (r#"{"remote": {"cluster": ""}}"#, "remote.cluster", "must name"),
        (r#"{"remote": {"cluster": "o", "path": "v1"}}"#, "remote.path", "must start with `/`"),
        (r#"{"remote": {"cluster": "o", "timeout": "0s"}}"#, "remote.timeout", "between 0.001s and 60s"),
        (r#"{"remote": {"cluster": "o", "timeout": "200ms"}}"#, "remote.timeout", "such as \"0.2s\""),
        (r#"{"remote": {"cluster": "o", "timeout": 1}}"#, "remote.timeout", "expected a string"),
        (r#"{"remote": {"cluster": "o", "max_reply_bytes": 0}}"#, "remote.max_reply_bytes", "between 1 and 16777216"),
        (
            r#"{"remote": {"cluster": "o", "breaker": {"failure_percentage": 0}}}"#,
            "remote.breaker.failure_percentage",
            "between 1 and 100",
        ),
        (
            r#"{"remote": {"cluster": "o", "breaker": {"minimum_calls": 0}}}"#,
            "remote.breaker.minimum_calls",
            "between 1 and 1000000",
        ),
        (
            r#"{"remote": {"cluster": "o", "breaker": {"window": "0.9s"}}}"#,
            "remote.breaker.window",
            "between 1s and 600s",
        ),
        (
            r#"{"remote": {"cluster": "o", "breaker": {"probe_interval": "0s"}}}"#,
            "remote.breaker.probe_interval",
            "between 1s and 600s",
        ),
        (r#"{"remote": {"cluster": "o", "breaker": {"probes": 101}}}"#, "remote.breaker.probes", "between 1 and 100"),
        (r#"{"remote": {"cluster": "o", "breaker": []}}"#, "remote.breaker", "expected an object"),
        (
            r#"{"remote": {"cluster": "o", "breaker": {"enabled": false, "fallback_to_inline": true}}}"#,
            "remote.breaker.fallback_to_inline",
            "no effect without the breaker",
        ),
        (r#"{"remote": {"cluster": "o", "max_in_flight": 0}}"#, "remote.max_in_flight", "between 1 and 65536"),
        (
            r#"{"remote": {"cluster": "o", "headers": {"authorization": "x"}}}"#,
            "remote.headers.authorization",
            "from_env",
        ),
        (r#"{"remote": {"cluster": "o", "headers": {"Cookie": "x"}}}"#, "remote.headers.Cookie", "from_env"),
        (r#"{"remote": {"cluster": "o", "headers": {"host": "x"}}}"#, "remote.headers.host", "set by the filter"),
        (
            r#"{"remote": {"cluster": "o", "headers": {"x": {"from_env": "NONE"}}}}"#,
            "remote.headers.x.from_env",
            "`NONE` is not set",
        ),
        (
            r#"{"remote": {"cluster": "o", "headers": {"x": {"from_env": "SPLIT"}}}}"#,
            "remote.headers.x",
            "control character",
        ),
        (r#"{"remote": {"cluster": "o", "headers": {"x": "a\nb"}}}"#, "remote.headers.x", "control character"),
        (
            r#"{"remote": {"cluster": "o", "headers": {"x": 1}}}"#,
            "remote.headers.x",
            "a string or {\"from_env\": \"NAME\"}",
        ),
        (r#"{"with_request_body": {}}"#, "with_request_body", "missing field `max_request_bytes`"),
        (r#"{"with_request_body": {"max_request_bytes": 0}}"#, "with_request_body.max_request_bytes", "between 1 and"),
        (r#"{"with_request_body": {"max_request_bytes": -1}}"#, "with_request_body.max_request_bytes", "expected u64"),
        (r#"{"status_on_error": {"code": 200}}"#, "status_on_error.code", "400 to 511"),
        (r#"{"status_on_error": {"code": 65939}}"#, "status_on_error.code", "not 65939"),
        (r#"{"limits": {"evaluation_time": "11s"}}"#, "limits.evaluation_time", "between 0.001s and 10s"),
        (r#"{"limits": {"evaluation_steps": 1}}"#, "limits.evaluation_steps", "between 1000 and"),
        (r#"{"failure_mode_allow": "yes"}"#, "failure_mode_allow", "expected a boolean"),
        (r#"{"debug_header": "é"}"#, "debug_header", "not a header name"),
        (r#"{"failure_mode_allow": true, "failure_mode_allow": false}"#, ".", "duplicate field"),
    ] {
        let error = error(json);
        assert!(error.starts_with(&format!("{path}: ")), "path of {json}: {error}");
        assert!(error.contains(hint), "hint of {json}: {error}");
    }
}

#[test]
fn no_message_holds_a_value_of_the_environment() {
    assert!(!error(r#"{"remote": {"cluster": "o", "headers": {"x": {"from_env": "SPLIT"}}}}"#).contains("a\r"));
}

#[test]
fn the_size_is_bounded() {
    let text = format!("{{{}}}", " ".repeat(MAX_CONFIG_BYTES));
    assert!(error(&text).contains("at most"));
}

#[test]
fn each_decision_has_its_own_path_at_the_remote() {
    let json =
        br#"{"policy": {"path": "a/b", "paths": ["c", "d/e"]}, "route_overrides": true, "remote": {"cluster": "o"}}"#;
    let remote = read(json, &env).unwrap().settings.remote.unwrap();
    assert_eq!(remote.paths, ["/v1/data/a/b", "/v1/data/c", "/v1/data/d/e"]);
}

#[test]
fn headers_that_are_not_the_clients_are_stripped_in_any_case() {
    let strips = |json: &[u8], name: &[u8]| read(json, &env).unwrap().settings.flow.strips(name);
    for name in [&b"x-sark-route"[..], b"X-Sark-", b"x-team", b"X-TEAM"] {
        assert!(strips(br#"{"strip_request_headers": ["X-Team"]}"#, name), "{}", name.escape_ascii());
    }
    for name in [&b"x-sark"[..], b"x-teams", b":path", b"", b"\xff", b"x-envoy-auth-failure-mode-allowed"] {
        assert!(!strips(br#"{"strip_request_headers": ["X-Team"]}"#, name), "{}", name.escape_ascii());
    }
    let told = br#"{"failure_mode_allow": true, "failure_mode_allow_header_add": true}"#;
    assert!(strips(told, b"x-envoy-auth-failure-mode-allowed"));
}

#[test]
fn the_input_document_is_shaped_as_the_operator_says() {
    let shape = |json: &[u8]| read(json, &env).unwrap().settings.shape;
    let default = shape(b"{}");
    assert_eq!((default.json_depth, default.source_address.clone()), (1_000, None));
    let unprovided =
        |shape: &Shape| request::unprovided(shape).iter().map(|member| member.path.join(".")).collect::<Vec<_>>();
    assert_eq!(unprovided(&default), ["attributes.source.address", "attributes.contextExtensions"]);
    let json = br#"{"route_overrides": true, "source_address": "header:X-Peer", "allowed_headers": {"patterns": [
        {"exact": "X-A", "ignore_case": true}, {"exact": "X-B"}, {"safe_regex": {"regex": "x-[c-d]"}}]}}"#;
    let full = shape(json);
    assert!(unprovided(&full).is_empty());
    assert_eq!(full.source_address, Some(SourceAddress::Header("x-peer".to_owned())));
    let passes = ["x-a", "x-b", "x-c", "x-cc"].map(|name| full.headers.passes(name));
    assert_eq!(passes, [true, false, true, false]);
}

#[test]
fn a_cache_has_the_documented_defaults() {
    let cache = |json: &str| read(json.as_bytes(), &env).unwrap_or_else(|error| panic!("{error}")).settings.rust_cache;
    assert!(cache("{}").is_none());
    let all = cache(r#"{"features": {"rust_cache": {}}}"#).unwrap();
    assert!(all.feature.enabled && all.feature.percentage.is_everyone() && all.feature.fallback_on_error);
    assert_eq!((all.bounds.max_size, all.bounds.max_bytes), (10_000, 8 << 20));
    assert_eq!((all.times.allow.as_secs(), all.times.deny.as_secs()), (300, 300));
    assert!(all.times.impure.is_none() && all.remote.is_none());
    let times = cache(r#"{"features": {"rust_cache": {"ttl_seconds": 7, "ttl_seconds_deny": 3}}}"#).unwrap().times;
    assert_eq!((times.allow.as_secs(), times.deny.as_secs()), (7, 3));
    let remote = r#"{"remote": {"cluster": "opa"},
        "features": {"rust_cache": {"remote_key": ["attributes/source", "version"], "ttl_seconds_remote": 9}}}"#;
    let remote = cache(remote).unwrap().remote.unwrap();
    assert_eq!(
        (remote.key, remote.ttl.as_secs()),
        (vec![vec!["attributes".to_owned(), "source".to_owned()], vec!["version".to_owned()],], 9)
    );
}

#[test]
fn what_is_wrong_with_a_cache_is_named() {
    for (cache, path, hint) in [
        (r#"{"rollout_percentage": 100.001}"#, "rollout_percentage", "between 0 and 100"),
        (r#"{"max_size": 0}"#, "max_size", "between 1 and 1000000"),
        (r#"{"max_bytes": 1000000}"#, "max_bytes", "between 1048576 and"),
        (
            r#"{"max_size": 100000}"#,
            "max_bytes",
            "must be at least 9666560 with a `features.rust_cache.max_size` of 100000",
        ),
        (r#"{"ttl_seconds": 0}"#, "ttl_seconds", "between 1 and 86400"),
        (r#"{"ttl_seconds_allow": 86401}"#, "ttl_seconds_allow", "between 1 and 86400"),
        (r#"{"ttl_seconds_deny": -1}"#, "ttl_seconds_deny", "invalid value"),
        (r#"{"ttl_seconds_impure": 0}"#, "ttl_seconds_impure", "between 1 and 86400"),
        (r#"{"ttl_seconds_remote": 5}"#, "ttl_seconds_remote", "without `remote_key`"),
        (r#"{"remote_key": ["version"]}"#, "remote_key", "needs `ttl_seconds_remote`"),
        (r#"{"remote_key": [], "ttl_seconds_remote": 5}"#, "remote_key", "1 to 64 paths"),
        (r#"{"remote_key": ["a//b"], "ttl_seconds_remote": 5}"#, "remote_key[0]", "with `/` between"),
        (r#"{"remote_key": ["version", "attributes"], "ttl_seconds_remote": 5}"#, "remote_key[1]", "request.time"),
        (r#"{"ttl": 5}"#, "ttl", "unknown field `ttl`"),
    ] {
        let text = error(&format!(r#"{{"remote": {{"cluster": "opa"}}, "features": {{"rust_cache": {cache}}}}}"#));
        assert!(text.starts_with(&format!("features.rust_cache.{path}: ")) && text.contains(hint), "{cache}: {text}");
    }
    let without = r#"{"features": {"rust_cache": {"remote_key": ["version"], "ttl_seconds_remote": 5}}}"#;
    assert!(error(without).contains("without `remote`"), "{}", error(without));
    let split = r#"{"features": {"rust_cache": {"rollout_percentage": 50}}}"#;
    assert!(
        error(split).starts_with("identity: ") && error(split).contains("features.rust_cache.rollout"),
        "{}",
        error(split)
    );
}

#[test]
fn every_identity_source_is_taken() {
    let config = read(
        br#"{"source_address": "header:X-Real-Ip", "identity": [{"header": "X-U"}, {"claim": "sub"},
            {"claim": "realm.user", "header": "X-Token"}, {"claim": ["https://shop.example/user"]},
            {"peer_certificate": "uri_san"}, {"peer_certificate": "dns_san"}, {"source_address": true},
            {"constant": "batch"}]}"#,
        &env,
    )
    .unwrap_or_else(|error| panic!("{error}"));
    let claim = |header: &str, path: &[&str]| {
        Source::Claim(Claim { header: header.to_owned(), path: path.iter().map(|name| (*name).to_owned()).collect() })
    };
    let expected = [
        Source::Header("x-u".to_owned()),
        claim("authorization", &["sub"]),
        claim("x-token", &["realm", "user"]),
        claim("authorization", &["https://shop.example/user"]),
        Source::PeerCertificate(CertificateName::Uri),
        Source::PeerCertificate(CertificateName::Dns),
        Source::SourceAddress(SourceAddress::Header("x-real-ip".to_owned())),
        Source::Constant("batch".to_owned()),
    ];
    assert_eq!(config.settings.identity, expected);
}

#[test]
fn what_is_wrong_with_pins_is_named() {
    let feature = |name: &str, pins: &str| {
        format!(
            r#"{{"remote": {{"cluster": "o"}}, "identity": [{{"header": "u"}}], "features": {{"{name}": {pins}}}}}"#
        )
    };
    let many = |count: usize| {
        let users: Vec<String> = (0..count).map(|user| format!("\"u{user}\": true")).collect();
        format!(r#"{{"users": {{{}}}}}"#, users.join(","))
    };
    let headers = |count: usize| {
        format!(r#"{{"headers": [{}]}}"#, vec![r#"{"name": "x", "value": "y", "use": true}"#; count].join(","))
    };
    for name in ["rust_opa", "rust_cache"] {
        for (pins, path, hint) in [
            (r#"{"users": {"a": true, "a": false}}"#.to_owned(), "users", "stands twice"),
            (r#"{"users": {"a": 1}}"#.to_owned(), "users.a", "expected a boolean"),
            (r#"{"users": {"": true}}"#.to_owned(), "users", "none of them empty"),
            (r#"{"headers": [{"name": "x", "value": "y"}]}"#.to_owned(), "headers[0]", "missing field `use`"),
            (
                r#"{"headers": [{"name": "a b", "value": "y", "use": true}]}"#.to_owned(),
                "headers[0].name",
                "not a header",
            ),
            (
                r#"{"headers": [{"name": "X-Sark-A", "value": "", "use": true}]}"#.to_owned(),
                "headers[0].name",
                "never there",
            ),
            (many(1_001), "users", "at most 1000 users"),
            (headers(17), "headers", "at most 16"),
        ] {
            let text = error(&feature(name, &pins));
            assert!(text.starts_with(&format!("features.{name}.{path}: ")) && text.contains(hint), "{pins}: {text}");
        }
        for most in [many(1_000), headers(16)] {
            assert!(read(feature(name, &most).as_bytes(), &env).is_ok(), "{most}");
        }
        let nobody = format!(r#"{{"features": {{"{name}": {{"users": {{"a": true}}}}}}}}"#);
        assert!(error(&nobody).starts_with("identity: "), "{}", error(&nobody));
        assert!(error(&nobody).contains(&format!("when `features.{name}.users` names some")), "{}", error(&nobody));
    }
    for out in [r#""users": {"a": false}"#, r#""headers": [{"name": "x", "value": "y", "use": false}]"#] {
        let text = error(&format!(r#"{{"identity": [{{"header": "u"}}], "features": {{"rust_opa": {{{out}}}}}}}"#));
        assert!(text.starts_with("features.rust_opa: ") && text.contains("without `remote`"), "{text}");
    }
}
