//! A policy of the kind that OPA's Envoy tutorial teaches, written for this test: bearer tokens, roles, a check of the
//! body, a decision that is put together by rules of one object. It runs as a plan and as text, unchanged, and a
//! thousand generated requests get the answers of a real OPA.

use std::time::{SystemTime, UNIX_EPOCH};

use fastrand::Rng;
use sark_integration::parity::assert_same_answers;
use sark_integration::{Oracle, Protocol, Remote, Request, Stack, configuration};
use serde_json::{Value, json};

const POLICY: &str = r#"package envoy.authz

import input.attributes.request.http as http

default allow := false

allow if {
	in_force
	permitted
	not data.suspended[claims.sub]
}

bearer := encoded if {
	[scheme, encoded] := split(http.headers.authorization, " ")
	lower(scheme) == "bearer"
}

claims := payload if {
	io.jwt.verify_hs256(bearer, data.secret)
	io.jwt.decode(bearer, [_, payload, _])
}

in_force if {
	now := time.now_ns() / 1000000000
	claims.nbf <= now
	now < claims.exp
}

permitted if {
	some role in claims.roles
	some grant in data.grants[role]
	http.method in grant.methods
	glob.match(grant.path, ["/"], concat("/", array.concat([""], input.parsed_path)))
	body_fits
}

body_fits if http.method != "POST"

# Nobody may write a record of their own name.
body_fits if lower(input.parsed_body.firstname) != lower(claims.name)

reason := "no token" if not bearer

else := "bad token" if not claims

else := "token not in force" if not in_force

else := "suspended" if data.suspended[claims.sub]

else := sprintf("%s may not %s %s", [claims.sub, http.method, http.path])

result["allowed"] := allow

result["headers"] := {"x-subject": claims.sub, "x-roles": concat(",", sort(claims.roles))} if allow

result["headers"] := {"www-authenticate": sprintf("Bearer error=%q", [reason])} if not in_force

result["request_headers_to_remove"] := ["authorization"] if allow

result["response_headers_to_add"] := {"x-expires-in": expiry} if allow

result["http_status"] := 401 if not in_force

result["body"] := json.marshal({"error": reason}) if not allow

expiry := "later" if claims.exp - claims.nbf > 10000

else := "soon"
"#;

const SECRET: &str = "a secret of this test";

fn data() -> Value {
    json!({
        "secret": SECRET,
        "suspended": {"erin": true},
        "grants": {
            "guest": [{"methods": ["GET", "HEAD"], "path": "/people/*"}],
            "clerk": [{"methods": ["GET", "HEAD", "POST"], "path": "/people"}, {"methods": ["PUT"], "path": "/people/*/notes"}],
            "admin": [{"methods": ["GET", "POST", "PUT", "DELETE"], "path": "/**"}],
        },
    })
}

/// What an `authorization` header may hold: good ones and every way of being bad.
fn authorizations(dice: &mut Rng) -> Vec<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut oracle = Oracle::call().unwrap();
    let mut sign = |claims: &Value, secret: &str| {
        use base64::Engine as _;
        let key = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(secret);
        let args = json!([{"typ": "JWT", "alg": "HS256"}, claims, {"kty": "oct", "k": key}]);
        let answer = oracle.ask(&json!({"name": "io.jwt.encode_sign", "args": args})).unwrap();
        answer["value"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    };
    let mut list = vec![String::new(), "Bearer".into(), "Bearer a.b.c".into(), "Basic YTpi".into(), "Bearer  x".into()];
    for roles in
        [json!(["guest"]), json!(["clerk"]), json!(["admin"]), json!(["guest", "clerk"]), json!([]), json!("admin")]
    {
        for (name, nbf, exp) in [
            ("alice", now - 60, now + 100_000),
            ("bob", now - 60, now + 5_000),
            ("erin", now - 60, now + 5_000),
            ("J\u{fc}rgen", now - 60, now + 5_000),
            ("carol", now - 9_000, now - 60),
            ("dave", now + 5_000, now + 9_000),
        ] {
            let claims = json!({"sub": name.to_lowercase(), "name": name, "roles": roles, "nbf": nbf, "exp": exp});
            let token = sign(&claims, SECRET);
            list.push(format!("Bearer {}", tampered(&token, dice)));
            list.push(format!("bearer {token}"));
            list.push(format!("Bearer {token}"));
        }
        list.push(format!("Bearer {}", sign(&json!({"sub": "alice", "roles": roles}), SECRET)));
        list.push(format!(
            "Bearer {}",
            sign(&json!({"sub": "alice", "roles": roles, "nbf": 1, "exp": now * 2}), "other")
        ));
    }
    list
}

/// The token with one character changed, or without its signature.
fn tampered(token: &str, dice: &mut Rng) -> String {
    let at = dice.usize(0..token.len() + 1);
    let Some(old) = token[at..].chars().next() else {
        return token.rsplit_once('.').unwrap().0.to_owned() + ".";
    };
    let new = if old == 'A' { 'B' } else { 'A' };
    format!("{}{new}{}", &token[..at], &token[at + 1..])
}

fn request(dice: &mut Rng, authorizations: &[String]) -> Request {
    let pick = |dice: &mut Rng, list: &[&'static str]| list[dice.usize(0..list.len())];
    let method = pick(dice, &["GET", "GET", "HEAD", "POST", "POST", "POST", "PUT", "DELETE"]);
    let path = pick(
        dice,
        &["/people", "/people/7", "/people/7?deep=1", "/people/7/notes", "/people/", "/orders", "/", "/people/%41"],
    );
    let protocol = if dice.bool() { Protocol::Http1 } else { Protocol::Http2 };
    let mut request = Request::new(method, path).protocol(protocol);
    let authorization = &authorizations[dice.usize(0..authorizations.len())];
    if !authorization.is_empty() {
        request = request.header("authorization", authorization);
    }
    if !matches!(method, "POST" | "PUT") {
        return request;
    }
    let name = pick(dice, &["Alice", "BOB", "j\u{fc}rgen", "Zo\u{eb}", "carol", ""]);
    let body = match dice.u8(0..10) {
        0 => json!({"lastname": name}).to_string(),
        1 => json!({"firstname": 7}).to_string(),
        2 => json!([name]).to_string(),
        3 => "{broken".to_owned(),
        4 => String::new(),
        _ => json!({"firstname": name, "age": dice.u32(..), "tags": ["a", null, 1.5]}).to_string(),
    };
    let content_type = if dice.u8(0..8) == 0 { "text/plain" } else { "application/json" };
    request.header("content-type", content_type).body(body)
}

#[test]
fn the_tutorials_kind_of_policy_answers_a_thousand_requests_as_opa_does() {
    let body = json!({"with_request_body": {"max_request_bytes": 4096}});
    let ways = [configuration::planned, configuration::source]
        .map(|way| configuration::and(&way(POLICY, &data(), "envoy/authz/result"), body.clone()));
    let stack = Stack::sark(ways[0].clone()).remote(Remote::Policy(POLICY.to_owned(), data())).workers(2).start();
    let mut dice = Rng::with_seed(0x5a4b_0b01);
    let authorizations = authorizations(&mut dice);
    let requests: Vec<_> = (0..1000).map(|_| request(&mut dice, &authorizations)).collect();
    assert_same_answers(&stack, &ways, &requests, &[200, 400, 401, 403]);
    let errors = stack.stats("wasmcustom.opa_evaluation_errors_total");
    assert!(errors.values().all(|count| *count == 0), "somebody could not decide: {errors:?}");
}
