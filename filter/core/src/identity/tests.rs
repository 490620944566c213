use super::*;
use crate::host::testing::FakeHost;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::collections::BTreeMap;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn head(pairs: &[(&str, &str)]) -> Head {
    Head::new(pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
}

fn host(properties: &[(&str, &[u8])]) -> FakeHost {
    let properties = properties.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec()));
    FakeHost { properties: properties.collect(), ..FakeHost::default() }
}

/// A token with these claims; its signature is nonsense.
fn token(claims: &[u8]) -> String {
    format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(claims))
}

/// The claim at this path, in `authorization`.
fn claim(path: &[&str]) -> Claim {
    Claim { header: "authorization".to_owned(), path: path.iter().map(|name| (*name).to_owned()).collect() }
}

fn read(claim: &Claim, value: &str) -> Option<String> {
    claim.read(&head(&[("authorization", value)]))
}

#[test]
fn a_claim_is_a_text_or_a_whole_number_of_an_unverified_token() {
    let claims = br#"{"sub": "al\u00efce", "uid": 42, "below": {"a.b": "x"}, "half": 0.5, "no": null, "list": ["x"], "empty": ""}"#;
    let value = format!("Bearer {}", token(claims));
    for (path, expected) in [
        (&["sub"][..], Some("alïce")),
        (&["uid"], Some("42")),
        (&["below", "a.b"], Some("x")),
        (&["empty"], Some("")),
        (&["half"], None),
        (&["no"], None),
        (&["list"], None),
        (&["below"], None),
        (&["below", "a.b", "c"], None),
        (&["missing"], None),
    ] {
        assert_eq!(read(&claim(path), &value).as_deref(), expected, "{path:?}");
    }
}

#[test]
fn a_token_stands_behind_bearer_or_alone() {
    let token = token(br#"{"sub": "alice"}"#);
    for value in [token.clone(), format!("Bearer {token}"), format!("bEARER   {token}")] {
        assert_eq!(read(&claim(&["sub"]), &value).as_deref(), Some("alice"), "{value}");
    }
    let padded = format!("e30.{}.x", base64::engine::general_purpose::URL_SAFE.encode(r#"{"sub": "padded"}"#));
    assert!(padded.contains('='));
    assert_eq!(read(&claim(&["sub"]), &padded).as_deref(), Some("padded"));
    for value in [format!("Basic {token}"), format!("Bearer {token}, {token}"), format!("Bearer x {token}")] {
        assert_eq!(read(&claim(&["sub"]), &value), None, "{value}");
    }
    let twice = head(&[("authorization", &token), ("authorization", &token)]);
    assert_eq!(claim(&["sub"]).read(&twice), None);
}

#[test]
fn a_token_that_cannot_be_read_is_not_there() {
    let sub = claim(&["sub"]);
    let good = URL_SAFE_NO_PAD.encode(r#"{"sub": "alice"}"#);
    for bad in [
        String::new(),
        "Bearer".to_owned(),
        "..".to_owned(),
        good.clone(),
        format!("h.{good}"),
        format!("h.{good}.c.iv.tag"),
        format!("h.{good}!.s"),
        format!("h.{good}A.s"),
        token(b""),
        token(b"[1]"),
        token(b"\xff"),
        token(br#"{"sub": "alice"} x"#),
        token(br#"{"sub": "alice", "sub": "bob"}"#),
    ] {
        assert_eq!(read(&sub, &bad), None, "{bad}");
    }
}

#[test]
fn tokens_are_bounded_in_size_depth_and_members() {
    let sub = claim(&["sub"]);
    let with = |extra: &str| token(format!(r#"{{"x": {extra}, "sub": "alice"}}"#).as_bytes());
    let deep = |levels: usize| with(&format!("{}{}", "[".repeat(levels), "]".repeat(levels)));
    let wide = |members: usize| with(&format!("[{}0]", "0,".repeat(members)));
    let long = |bytes: usize| with(&format!("\"{}\"", "a".repeat(bytes)));
    for (inside, outside) in [(deep(15), deep(16)), (wide(990), wide(1_000)), (long(12_000), long(12_300))] {
        assert_eq!(read(&sub, &inside).as_deref(), Some("alice"), "{} bytes", inside.len());
        assert_eq!(read(&sub, &outside), None, "{} bytes", outside.len());
    }
}

#[test]
fn the_first_source_that_has_a_user_counts() {
    let sources = [
        Source::Header("x-user".to_owned()),
        Source::Claim(claim(&["sub"])),
        Source::PeerCertificate(CertificateName::Uri),
        Source::PeerCertificate(CertificateName::Dns),
        Source::PeerCertificate(CertificateName::Subject),
        Source::SourceAddress(SourceAddress::Request),
        Source::Constant("all".to_owned()),
    ];
    let bearer = token(br#"{"sub": "claimed"}"#);
    let certificate = [
        ("connection.uri_san_peer_certificate", &b"spiffe://a/\xff"[..]),
        ("connection.dns_san_peer_certificate", b"a.example"),
        ("connection.subject_peer_certificate", b"CN=a"),
    ];
    let user = |headers: &[(&str, &str)], properties: &[(&str, &[u8])]| {
        user(&sources, &head(headers), &host(properties)).unwrap().map(Cow::into_owned)
    };
    assert_eq!(user(&[("x-user", "u"), ("authorization", &bearer)], &certificate).as_deref(), Some("u"));
    assert_eq!(user(&[("x-user", ""), ("authorization", &bearer)], &certificate).as_deref(), Some("claimed"));
    assert_eq!(user(&[("authorization", "Bearer x")], &certificate).as_deref(), Some("spiffe://a/!"));
    assert_eq!(user(&[], &certificate[1..]).as_deref(), Some("a.example"));
    assert_eq!(user(&[], &certificate[2..]).as_deref(), Some("CN=a"));
    // What FakeHost says of every connection, without the port.
    assert_eq!(user(&[], &[]).as_deref(), Some("127.0.0.1"));
    assert_eq!(user(&[], &[("source.address", b"[2001:db8::1]:443")]).as_deref(), Some("2001:db8::1"));
    // A Unix socket is no address.
    assert_eq!(user(&[], &[("source.address", b"/run/x")]).as_deref(), Some("all"));
}

#[test]
fn an_address_that_is_not_told_is_an_error() {
    let silent = FakeHost { silent: Some("source.address"), ..FakeHost::default() };
    let from = |source| user(&[Source::SourceAddress(source)], &Head::default(), &silent).map(|_| ());
    assert_eq!(from(SourceAddress::Request), Err(HostError));
    assert_eq!(from(SourceAddress::Header("x-real-ip".to_owned())), Err(HostError));
    assert_eq!(user(&[], &Head::default(), &silent), Ok(None));
}

#[test]
fn a_pinned_user_comes_before_pinned_headers_and_these_in_order() {
    let pin = |name: &str, value: &str, has_it| Pin { name: name.to_owned(), value: value.to_owned(), has_it };
    let pins = Pins {
        users: BTreeMap::from([("alice".to_owned(), true), ("bob".to_owned(), false)]),
        headers: vec![pin("x-a", "1", true), pin("x-a", "2", false), pin("x-b", "1", false)],
    };
    for (user, headers, expected) in [
        (Some("alice"), &[("x-b", "1")][..], Some(true)),
        (Some("bob"), &[("x-a", "1")], Some(false)),
        (Some("Bob"), &[], None),
        (Some("carol"), &[("x-a", "1"), ("x-b", "1")], Some(true)),
        (None, &[("x-b", "1")], Some(false)),
        (None, &[("x-a", "2")], Some(false)),
        // The whole value, joined.
        (None, &[("x-a", "1"), ("x-a", "1")], None),
        (None, &[("x-a", "")], None),
        (None, &[], None),
    ] {
        assert_eq!(pins.of(user, &head(headers)), expected, "{user:?} {headers:?}");
    }
    assert!(pins.keep_out());
    let only_in = Pins { users: BTreeMap::new(), headers: vec![pin("x-a", "1", true)] };
    assert!(!only_in.keep_out() && !Pins::default().keep_out());
}
