//! A decision that is kept is the one that an evaluation would give: generated policies, data and requests, with pushes
//! back and forth and both clocks running in between.

use super::tests::{Vm, ask_with, cache_counts};
use crate::dice::Dice;
use crate::host::testing::FakeHost;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value as Json, json};
use sha2::Sha256;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Policies and data.
const REVISIONS: usize = 60;
/// Times that one of them is pushed.
const PUSHES: usize = 400;
/// Requests between two pushes.
const REQUESTS: usize = 260;

/// Second of the day the test begins at.
const BEGIN: i64 = 1_700_000_000;

/// Conditions, each with another way to read: by a path, an alias, an argument, a computed key, a comprehension, a part
/// as a whole, data by input, what may be absent or in the way, the text of a number.
const CONDITIONS: [&str; 22] = [
    r#"input.attributes.request.http.method == "GET""#,
    r#"http.headers["x-user"] == data.user"#,
    r#"not http.headers["x-role"]"#,
    r#"is(input.parsed_path, "a")"#,
    "some name in data.names; http.headers[name]",
    "http.headers[data.names[_]] == data.user",
    r#"count([1 | some name, value in http.headers; startswith(name, "x-"); value != ""]) > 1"#,
    "data.roles[http.headers[\"x-role\"]][input.parsed_path[0]]",
    "input.parsed_query.q[_] == \"1\"",
    "count(input.parsed_query) == 1",
    "object.get(input, [\"attributes\", \"request\", \"http\", \"headers\", \"x-role\"], \"none\") == \"none\"",
    "object.get(http.headers, data.names[0], \"\") == data.user",
    "input.parsed_path == [\"a\", \"b\"]",
    "walk(input.parsed_query, [_, \"1\"])",
    "user_is(http.headers)",
    "not input.parsed_query.q",
    "input.parsed_query[_]",
    r#"sprintf("%v", [input.parsed_query]) == "{\"q\": [\"1\"]}""#,
    "input.attributes.request.http.host",
    "http.path == concat(\"/\", array.concat([\"\"], input.parsed_path))",
    r#"json.marshal(input.parsed_query) == "{}""#,
    "{name | some name, _ in http.headers} & {name | some name in data.names} != set()",
];

/// These ask clock or chance.
const IMPURE: [&str; 3] = ["time.now_ns() % 2000000000 < 1000000000", "rand.intn(\"r\", 2) == 0", "count(input) == 5"];

/// This asks the clock, and what it said holds until a time that is known.
const TOKEN: &str = r#"io.jwt.decode_verify(http.headers["x-token"], {"secret": "s"})[0]"#;

const HELPERS: &str = r#"
http := input.attributes.request.http
is(path, name) if path[0] == name
user_is(headers) if headers["x-user"] == data.user
"#;

fn bodies(dice: &mut Dice, conditions: &[&str]) -> String {
    let picked: Vec<&str> = (0..1 + dice.roll(3)).map(|_| conditions[dice.roll(conditions.len())]).collect();
    picked.join("\n    ")
}

/// Several rules in the ways that decisions are written.
fn policy(dice: &mut Dice) -> String {
    let mut conditions: Vec<&str> = CONDITIONS.to_vec();
    let kind = dice.roll(6);
    if kind == 0 {
        conditions.extend(IMPURE);
        conditions.extend(IMPURE);
    }
    let mut text = format!("package envoy.authz\n{HELPERS}");
    for number in 0..1 + dice.roll(3) {
        let body = bodies(dice, &conditions);
        text += &format!("part{number} if {{\n    {body}\n}}\n");
        conditions.push(["part0", "part1", "part2"][number]);
    }
    if kind == 1 {
        text += &format!("token if {TOKEN}\n");
        conditions.extend(["token"; 12]);
    }
    let (allow, deny) = (bodies(dice, &conditions), bodies(dice, &conditions));
    match dice.roll(3) {
        0 => text + &format!("default allow := false\nallow if {{\n    {allow}\n}}\n"),
        1 => text + &format!("allow := true if {{\n    {allow}\n}} else := false if {{\n    {deny}\n}}\n"),
        _ => {
            text + &format!(
                r#"default allow := {{"allowed": false, "body": "no"}}
allow := {{"allowed": true, "headers": {{"x-user-is": data.user}}, "dynamic_metadata": {{"path": input.parsed_path}}}} if {{
    {allow}
}}
"#
            )
        }
    }
}

fn revision(dice: &mut Dice) -> Json {
    let user = ["alice", "bob"][dice.roll(2)];
    let names: Vec<&str> = (0..1 + dice.roll(2)).map(|_| ["x-user", "x-role", "x-other"][dice.roll(3)]).collect();
    let data = json!({"user": user, "names": names, "roles": {"reader": {"a": dice.roll(2) == 0}}});
    json!({"policy": {"modules": {"p.rego": policy(dice)}, "data": data}, "source_address": "request"})
}

/// Valid from one second to the other, each counted from [`BEGIN`].
fn token(from: i64, until: i64) -> String {
    let text = |json: Json| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed =
        format!("{}.{}", text(json!({"alg": "HS256"})), text(json!({"nbf": BEGIN + from, "exp": BEGIN + until})));
    let mut mac = Hmac::<Sha256>::new_from_slice(b"s").unwrap();
    mac.update(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn request(dice: &mut Dice, tokens: &[String]) -> Vec<(&'static str, String)> {
    let path = ["/a", "/a/b", "/b", "/a?q=1", "/a?q", "/a?p=1", "/?q=1&q=2"][dice.roll(7)];
    let mut headers = vec![(":method", ["GET", "POST"][dice.roll(2)].to_owned()), (":path", path.to_owned())];
    let mut add = |name, values: &[&str], dice: &mut Dice| {
        headers.extend(values.get(dice.roll(values.len() + 1)).map(|value| (name, (*value).to_owned())));
    };
    add("x-user", &["alice", "bob", ""], dice);
    add("x-role", &["reader", "null"], dice);
    add("x-other", &["alice"], dice);
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    add("x-token", &tokens, dice);
    headers
}

#[test]
fn what_is_kept_is_what_an_evaluation_would_say() {
    let mut dice = Dice(11);
    let (kept, fresh) = (Vm::default(), Vm::default());
    let cache = json!({"rust_cache": {"max_size": 2000, "ttl_seconds": 40, "ttl_seconds_deny": 20}});
    let revisions: Vec<Json> = (0..REVISIONS).map(|_| revision(&mut dice)).collect();
    let tokens: Vec<String> = (0..6)
        .map(|_| token(i64::try_from(dice.roll(900)).unwrap(), 100 + i64::try_from(dice.roll(900)).unwrap()))
        .collect();
    let (mut hits, mut token_hits, mut allowed, mut random) = (0, 0, 0, 0_u64);
    let mut wall = BEGIN * 1_000_000_000;
    // The one before serves until the next is taken.
    let mut serving = None;
    for push in 0..PUSHES {
        let mut with_cache = revisions[dice.roll(REVISIONS)].clone();
        let without = fresh.take(&with_cache);
        with_cache["features"] = cache.clone();
        // Of those that ask the clock only about tokens it is known how long they hold.
        let text = with_cache["policy"]["modules"]["p.rego"].as_str().unwrap();
        let asks_for_tokens = text.contains("decode_verify");
        if asks_for_tokens {
            with_cache["features"]["rust_cache"]["ttl_seconds_impure"] = json!(30);
        }
        let authorizer = kept.take(&with_cache);
        for _ in 0..REQUESTS {
            let step = i64::try_from(dice.roll(40)).unwrap() * 1_000_000;
            kept.clock.now.set(kept.clock.now.get() + u64::try_from(step).unwrap());
            wall += step;
            random += 1;
            let headers = request(&mut dice, &tokens);
            let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let host = || FakeHost { random, now: wall, ..FakeHost::default() };
            let (with, without_cache) = (host(), host());
            let (check, step) = ask_with(&authorizer, &headers, &with);
            let (expected_check, expected) = ask_with(&without, &headers, &without_cache);
            assert_eq!(format!("{step:?}"), format!("{expected:?}"), "{headers:?} {push} {with_cache:#}");
            assert_eq!(check.states(), expected_check.states(), "{headers:?} {push} {with_cache:#}");
            let hit = cache_counts(&with) == ["hit"];
            hits += usize::from(hit);
            token_hits += usize::from(hit && asks_for_tokens);
            allowed += usize::from(matches!(step, super::Step::Allow(_)));
        }
        // Someone sets the clock.
        if dice.roll(20) == 0 {
            wall = (wall + (i64::try_from(dice.roll(200)).unwrap() - 100) * 1_000_000_000).max(BEGIN * 1_000_000_000);
        }
        serving = Some(authorizer);
    }
    drop(serving);
    let asked = PUSHES * REQUESTS;
    assert!(hits > asked / 4 && token_hits > 500, "{hits} hits of {asked}, {token_hits} about tokens");
    assert!((asked / 10..asked * 9 / 10).contains(&allowed), "{allowed} allowed of {asked}");
}
