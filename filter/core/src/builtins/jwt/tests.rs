//! What the vectors cannot say: the clock against a warm memory, what is remembered, and what no input may do.

use super::super::pki::{base64, certificate, pem, spki};
use super::super::tests::context;
use super::super::{Context, Failure, Moment, find};
use crate::config::Limits;
use hmac::{Hmac, KeyInit, Mac};
use regorus::Value;
use sha2::Sha256;
use std::time::Duration;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The vectors also serve as material to be mutated. All keys in them were made for these tests, or stand in RFCs.
const VECTORS: &str = include_str!("../../../testdata/builtins/jwt.jsonl");

const SECOND: i64 = 1_000_000_000;

fn token(header: &str, payload: &str, secret: &str) -> String {
    let signed = format!("{}.{}", base64::encode_url(header.as_bytes()), base64::encode_url(payload.as_bytes()));
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key").chain_update(&signed).finalize();
    format!("{signed}.{}", base64::encode_url(&mac.into_bytes()))
}

fn call(context: &mut Context, name: &str, args: &[Value]) -> Result<Value, Failure> {
    (find(name).expect("a builtin").run)(context, args)
}

fn text(text: &str) -> Value {
    Value::from(text.to_owned())
}

fn object(text: &str) -> Value {
    Value::from_json_str(text).expect("JSON")
}

/// Goes on with the next evaluation at another moment, memory kept.
fn at(context: &mut Context, seconds: i64) {
    let limits = Limits { time: Duration::from_secs(1), steps: 1_000_000 };
    context.begin(limits, Moment { now_ns: seconds * SECOND, seed: 1 });
}

fn is_accepted(context: &mut Context, token: &str, constraints: &str) -> bool {
    let answer = call(context, "io.jwt.decode_verify", &[text(token), object(constraints)]);
    answer.expect("an answer")[0] == Value::from(true)
}

#[test]
fn a_token_that_was_allowed_is_denied_once_it_expires() {
    let token = token(r#"{"alg":"HS256"}"#, r#"{"exp":1000,"nbf":900}"#, "secret");
    let mut context = context(0);
    let mut accepted = |seconds| {
        at(&mut context, seconds);
        is_accepted(&mut context, &token, r#"{"secret":"secret"}"#)
    };
    assert_eq!(
        [899, 900, 999, 1000, 1001, 999, 899].map(&mut accepted),
        [false, true, true, false, false, true, false]
    );
}

#[test]
fn a_warm_memory_confuses_neither_keys_nor_tokens_nor_demands() {
    let good = token(r#"{"alg":"HS256"}"#, r#"{"iss":"a","aud":"b"}"#, "secret");
    let mut context = context(0);
    let warm = r#"{"secret":"secret","aud":"b"}"#;
    assert!(is_accepted(&mut context, &good, warm));
    for refused in [
        r#"{"secret":"other","aud":"b"}"#,
        r#"{"secret":"secret"}"#,
        r#"{"secret":"secret","aud":"c"}"#,
        r#"{"secret":"secret","aud":"b","iss":"b"}"#,
        r#"{"secret":"secret","aud":"b","alg":"HS512"}"#,
        r#"{"cert":"{\"kty\":\"oct\",\"k\":\"b3RoZXI\"}","aud":"b"}"#,
    ] {
        assert!(!is_accepted(&mut context, &good, refused), "{refused}");
        assert!(is_accepted(&mut context, &good, warm), "after {refused}");
    }
    let (signed, signature) = good.rsplit_once('.').expect("parts");
    let forged = format!("{signed}.{}", signature.replace(['a', 'b', 'c', 'd', 'e'], "f"));
    assert!(!is_accepted(&mut context, &forged, warm));
}

#[test]
fn a_public_key_is_no_secret() {
    let keys = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let constraints = Value::from_json_str(&serde_json::json!({ "cert": keys }).to_string()).expect("JSON");
    for secret in [keys, "\u{d7}\u{5a}", ""] {
        let forged = token(r#"{"alg":"HS256"}"#, "{}", secret);
        let answer = call(&mut context(0), "io.jwt.decode_verify", &[text(&forged), constraints.clone()]);
        assert_eq!(answer.expect("an answer")[0], Value::from(false));
    }
}

#[test]
fn remembered_answers_are_the_first_answers() {
    let mut warm = context(0);
    for line in VECTORS.lines() {
        let line = crate::json::parse(line.as_bytes()).expect("a vector");
        let args = super::super::tests::untag(&line["args"]);
        let args: Vec<Value> = args.as_array().expect("args").iter().cloned().collect();
        let name = line["name"].as_string().expect("a name");
        let now = line["time"].as_i64().expect("a time") / SECOND;
        let first = call(&mut context(now * SECOND), name, &args);
        for _ in 0..2 {
            at(&mut warm, now);
            assert_eq!(call(&mut warm, name, &args), first, "{line}");
        }
    }
}

/// Whoever keeps what was decided with a token has to know when it would be decided otherwise.
#[test]
fn the_first_time_at_which_a_claim_changes_its_answer_is_known() {
    let mut context = context(0);
    let mut at_fifty = |claims: &[&str], constraints: &str| {
        at(&mut context, 50);
        for claims in claims {
            is_accepted(&mut context, &token(r#"{"alg":"HS256"}"#, claims, "secret"), constraints);
        }
        context.holds_until()
    };
    let secret = r#"{"secret":"secret"}"#;
    let just_before = |seconds: i64| Some(seconds * SECOND - 1_000_000);
    assert_eq!(at_fifty(&[r#"{"exp":100}"#], secret), just_before(100));
    assert_eq!(at_fifty(&[r#"{"nbf":70,"exp":100}"#], secret), just_before(70));
    assert_eq!(at_fifty(&[r#"{"exp":100}"#, r#"{"exp":60}"#, r#"{"exp":80}"#], secret), just_before(60));
    assert_eq!(at_fifty(&[r#"{"exp":60.5}"#], secret), Some(60_499_000_000));
    assert_eq!(at_fifty(&["{}"], secret), None, "there is no claim of time");
    // They would have another answer only if the clock were set back.
    for earlier in [r#"{"exp":50}"#, r#"{"nbf":50}"#, r#"{"nbf":20,"exp":40}"#] {
        assert_eq!(at_fifty(&[earlier], secret), Some(i64::MAX), "{earlier}");
    }
    assert_eq!(at_fifty(&[r#"{"exp":100}"#], r#"{"secret":"other"}"#), None, "nobody looked at the claim");
    assert_eq!(at_fifty(&[r#"{"exp":9007199254740993}"#], secret), Some(i64::MAX));
}

#[test]
fn what_would_make_opa_panic_is_no_answer() {
    let mut context = context(0);
    let is_inexact = |answer| assert!(matches!(answer, Err(Failure::Inexact(_))), "{answer:?}");
    is_inexact(call(&mut context, "io.jwt.decode", &[text(&token(r#"{"cty":1}"#, "{}", ""))]));
    let token = text(&token(r#"{"alg":"HS256"}"#, r#"{"iss":1}"#, "secret"));
    is_inexact(call(
        &mut context,
        "io.jwt.decode_verify",
        &[token.clone(), object(r#"{"secret":"secret","iss":"a"}"#)],
    ));
    let odd = Value::from(std::collections::BTreeMap::from([(Value::from(1_u64), Value::Null)]));
    is_inexact(call(&mut context, "io.jwt.decode_verify", &[token, odd]));
}

#[test]
fn the_budget_bounds_every_call() {
    let long = format!("{}.e30.", "A".repeat(8_000_000));
    let keys = format!("{{\"keys\":[{}]}}", vec![r#"{"kty":"oct","k":"YQ"}"#; 100_000].join(","));
    let token = text(&token(r#"{"alg":"HS256"}"#, "{}", ""));
    for (name, args) in [
        ("io.jwt.decode", vec![text(&long)]),
        ("io.jwt.decode_verify", vec![text(&long), object(r#"{"secret":"a"}"#)]),
        ("io.jwt.verify_rs256", vec![token, text(&keys)]),
    ] {
        let answer = call(&mut context(0), name, &args);
        assert!(matches!(answer, Err(Failure::Stop(_))), "{name}");
    }
}

/// A generator of numbers that is the same everywhere (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides.max(1) as u64).expect("small")
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.roll(3) {
            let place = self.roll(bytes.len());
            match self.roll(6) {
                0 => bytes.truncate(place),
                1 if !bytes.is_empty() => drop(bytes.remove(place)),
                2 => bytes.insert(place, u8::try_from(self.roll(256)).expect("a byte")),
                3 if !bytes.is_empty() => bytes[place] = [0, 1, 0x30, 0x7f, 0x80, 0xff][self.roll(6)],
                _ if !bytes.is_empty() => bytes[place] ^= 1 << self.roll(8),
                _ => {}
            }
        }
    }
}

#[test]
fn no_mutation_of_a_call_panics() {
    let lines: Vec<_> = VECTORS.lines().map(|line| crate::json::parse(line.as_bytes()).expect("a vector")).collect();
    let mut dice = Dice(88_172_645_463_325_252);
    for _ in 0..2_000 {
        let line = &lines[dice.roll(lines.len())];
        let mut args: Vec<Value> = line["args"].as_array().expect("args").iter().cloned().collect();
        for arg in &mut args {
            if let Value::String(text) = arg {
                let mut bytes = text.as_bytes().to_vec();
                dice.mutate(&mut bytes);
                *arg = Value::from(String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        let _ = call(&mut context(0), line["name"].as_string().expect("a name"), &args);
    }
}

#[test]
fn no_mutation_of_a_certificate_or_key_panics() {
    let blocks: Vec<Vec<u8>> = VECTORS
        .lines()
        .filter_map(|line| {
            let line = crate::json::parse(line.as_bytes()).expect("a vector");
            pem::decode(line["args"][1].as_string().ok()?.as_bytes()).map(|block| block.bytes)
        })
        .collect();
    assert!(blocks.len() > 50);
    let mut dice = Dice(88_172_645_463_325_252);
    for _ in 0..20_000 {
        let mut der = blocks[dice.roll(blocks.len())].clone();
        dice.mutate(&mut der);
        let _ = certificate::parse(&der);
        let _ = spki::public_key(&der);
    }
}
