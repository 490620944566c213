//! `admin`.

use super::{error, read};
use crate::admin::{Digest, Role};
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const DIGEST: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";

fn with(admin: &str) -> String {
    let admin = admin.replace("DIGEST", DIGEST);
    format!(r#"{{"admin": {{{admin}}}}}"#)
}

const TOKENS: &str = r#""tokens": [{"name": "ops", "role": "write", "sha256": "DIGEST"}]"#;

#[test]
fn the_documented_defaults() {
    let config = read(with(TOKENS).as_bytes(), &|_| None).unwrap();
    let admin = config.settings.admin.unwrap();
    assert_eq!(admin.place.prefix, "/admin");
    assert!(admin.place.hosts.is_empty() && admin.place.filter_chains.is_empty());
    assert!(read(b"{}", &|_| None).unwrap().settings.admin.is_none());
}

#[test]
fn a_digest_may_come_from_the_environment() {
    let tokens = r#""tokens": [{"name": "a", "role": "read", "sha256": {"from_env": "X"}}, {"name": "b", "role": "write", "sha256": "DIGEST"}]"#;
    let env = |name: &str| (name == "X").then(|| "AB".repeat(32));
    let admin = read(with(tokens).as_bytes(), &env).unwrap().settings.admin.unwrap();
    assert_eq!(admin.tokens.iter().map(|token| token.role).collect::<Vec<_>>(), [Role::Read, Role::Write]);
    let expected = Digest::from_hex(&"ab".repeat(32)).unwrap();
    assert!(bool::from(admin.tokens[0].digest.matches(&expected)));
}

#[test]
fn what_is_wrong_is_named() {
    let token = |name: &str, sha256: &str| format!(r#"{{"name": "{name}", "role": "read", "sha256": "{sha256}"}}"#);
    let tokens = |all: &[String]| format!(r#""tokens": [{}]"#, all.join(", "));
    let other = "ab".repeat(32);
    let five: Vec<String> = (0..5).map(|n| token(&n.to_string(), &format!("{n}").repeat(64))).collect();
    for (admin, path, hint) in [
        (String::new(), "admin", "missing field `tokens`"),
        (r#""tokens": []"#.to_owned(), "admin.tokens", "1 to 4"),
        (tokens(&five), "admin.tokens", "1 to 4"),
        (tokens(&[token("a", DIGEST), token("a", &other)]), "admin.tokens[1]", "of another"),
        (tokens(&[token("a", DIGEST), token("b", &DIGEST.to_uppercase())]), "admin.tokens[1]", "of another"),
        (tokens(&[token("", DIGEST)]), "admin.tokens[0].name", "1 to 64"),
        (tokens(&[token("a b", DIGEST)]), "admin.tokens[0].name", "1 to 64"),
        (tokens(&[token("a\\nb", DIGEST)]), "admin.tokens[0].name", "1 to 64"),
        (tokens(&[token(&"a".repeat(65), DIGEST)]), "admin.tokens[0].name", "1 to 64"),
        (tokens(&[token("a", "")]), "admin.tokens[0].sha256", "64 hexadecimal"),
        (tokens(&[token("a", &DIGEST[1..])]), "admin.tokens[0].sha256", "64 hexadecimal"),
        (tokens(&[token("a", &format!(" {}", &DIGEST[1..]))]), "admin.tokens[0].sha256", "64 hexadecimal"),
        // echo -n | sha256sum
        (
            tokens(&[token("a", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]),
            "admin.tokens[0].sha256",
            "digest of nothing",
        ),
        // echo -n secret | sha256sum
        (
            tokens(&[token("a", "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b")]),
            "admin.tokens[0].sha256",
            "everybody would try",
        ),
        (
            r#""tokens": [{"name": "a", "role": "admin", "sha256": "x"}]"#.to_owned(),
            "admin.tokens[0].role",
            "expected `read` or `write`",
        ),
        (
            r#""tokens": [{"name": "a", "role": "read", "sha256": {"from_env": "NONE"}}]"#.to_owned(),
            "admin.tokens[0].sha256.from_env",
            "`NONE` is not set",
        ),
        (r#""tokens": [["a", "read", "x"]]"#.to_owned(), "admin.tokens[0]", "expected an object"),
        (format!(r#""hosts": [""], {TOKENS}"#), "admin.hosts[0]", "no such name"),
        (format!(r#""hosts": ["a", "*.b"], {TOKENS}"#), "admin.hosts[1]", "no such name"),
        (format!(r#""filter_chains": [""], {TOKENS}"#), "admin.filter_chains[0]", "no such name"),
        (format!(r#""prefix": "/a", {TOKENS}"#), "admin.prefix", "unknown field"),
    ] {
        let error = error(&with(&admin));
        assert!(error.starts_with(&format!("{path}: ")) && error.contains(hint), "{admin}: {error}");
    }
}

#[test]
fn a_prefix_has_one_way_to_be_written() {
    for good in ["/a", "/admin", "/-/sark.v1/~adminx"] {
        assert!(read(with(&format!(r#""path_prefix": "{good}", {TOKENS}"#)).as_bytes(), &|_| None).is_ok(), "{good}");
    }
    let long = format!("/{}", "a".repeat(128));
    for bad in [
        "", "/", "admin", "/admin/", "//admin", "/a//b", "/a/../b", "/a/.", "/%61", "/a?b", "/a;b", "/a b", "/é",
        "/a!", &long,
    ] {
        let error = error(&with(&format!(r#""path_prefix": "{bad}", {TOKENS}"#)));
        assert!(error.starts_with("admin.path_prefix: must be a path"), "{bad}: {error}");
    }
}

#[test]
fn a_token_is_never_shown() {
    let secret = "correct-horse-battery-staple-0123456789";
    let error = error(&with(&format!(r#""tokens": [{{"name": "a", "role": "read", "sha256": "{secret}"}}]"#)));
    assert!(error.contains("not the token itself") && !error.contains("horse"), "{error}");
    let env = |name: &str| (name == "TOKEN").then(|| secret.to_owned());
    let tokens = r#""tokens": [{"name": "a", "role": "read", "sha256": {"from_env": "TOKEN"}}]"#;
    let error = read(with(tokens).as_bytes(), &env).unwrap_err().to_string();
    assert!(error.contains("from_env: TOKEN: must be") && !error.contains("horse"), "{error}");
}

#[test]
fn a_header_that_is_stripped_cannot_bear_a_token() {
    let text = with(TOKENS).replacen('{', r#"{"strip_request_headers": ["Authorization"], "#, 1);
    assert!(error(&text).starts_with("admin: cannot stand beside"), "{text}");
}

#[test]
fn a_policy_is_known_by_its_digest() {
    const BUNDLE: &[u8] = include_bytes!("../../../testdata/bundles/example.tar.gz");
    let digest = |policy: &str| {
        let text = format!(r#"{{"policy": {{{policy}}}}}"#);
        read(text.as_bytes(), &|_| None).unwrap_or_else(|error| panic!("{error}")).policy_digest
    };
    let bundle = base64::engine::Engine::encode(&base64::engine::general_purpose::STANDARD, BUNDLE);
    let of_file = crate::text::hexadecimal(&<sha2::Sha256 as sha2::Digest>::digest(BUNDLE));
    assert_eq!(digest(&format!(r#""bundle": "{bundle}""#)), of_file);
    let sources = [
        r#""modules": {"a": "package a", "b": "package b"}"#,
        r#""modules": {"a": "package a", "b": "package c"}"#,
        r#""modules": {"a": "package a"}, "data": {"b": "package b"}"#,
        r#""modules": {"ap": "ackage a", "b": "package b"}"#,
        r#""data": {"a": 1}"#,
        r#""data": {"a": 2}"#,
        "",
    ];
    let digests: std::collections::BTreeSet<String> = sources.iter().map(|source| digest(source)).collect();
    assert_eq!(digests.len(), sources.len(), "{digests:?}");
    assert_eq!(digest(r#""data": {"a": 1}, "path": "a/b""#), digest(r#""data": {"a": 1}"#));
}
