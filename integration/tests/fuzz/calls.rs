//! Builtins that read what a client sends: tokens and certificates, their vectors mutated on every layer.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use fastrand::Rng;
use sark_core::builtins::{self, Context, Moment};
use sark_core::config::Limits;
use sark_integration::oracle::tagged;
use serde_json::{Value as Json, json};
use std::time::Duration;

use crate::evaluate;
use crate::run::Target;
use crate::{bytes, tree};

/// The steps that an operator's policy has if nothing is said.
const LIMITS: Limits = Limits { time: Duration::from_secs(3_600), steps: 1_000_000 };

pub struct Calls {
    /// `{name, args}`
    calls: Vec<Json>,
    context: Context,
}

impl Calls {
    /// The vectors of a family.
    pub fn of(family: &str) -> Self {
        let calls = crate::seeds::lines(&format!("builtins/{family}.jsonl"));
        Self { calls, context: evaluate::context() }
    }
}

/// Every text in a document, as likely to be changed inside as as a whole.
fn mutate_texts(rng: &mut Rng, value: &mut Json, other: &str) {
    match value {
        Json::String(text) if rng.u8(..3) > 0 => *text = mutate_text(rng, text, other),
        Json::Array(items) => items.iter_mut().for_each(|item| mutate_texts(rng, item, other)),
        Json::Object(members) => members.values_mut().for_each(|member| mutate_texts(rng, member, other)),
        _ => {}
    }
}

fn mutate_text(rng: &mut Rng, text: &str, other: &str) -> String {
    if text.contains("-----BEGIN") {
        return mutate_pem(rng, text);
    }
    if let Ok(key_set) = serde_json::from_str::<Json>(text) {
        let mut mutated = key_set.clone();
        tree::mutate(rng, &mut mutated, &key_set);
        return mutated.to_string();
    }
    match rng.u8(..4) {
        0 => bytes::mutate_text(rng, text, other),
        _ => text.split('.').map(|part| mutate_base64(rng, part)).collect::<Vec<_>>().join("."),
    }
}

/// Mutates what is encoded, most times; a part that is no base64 stays.
fn mutate_base64(rng: &mut Rng, text: &str) -> String {
    if rng.bool() {
        return text.to_owned();
    }
    for engine in [URL_SAFE_NO_PAD, STANDARD] {
        let Ok(mut decoded) = engine.decode(text) else { continue };
        match serde_json::from_slice::<Json>(&decoded) {
            Ok(mut document) if rng.u8(..4) > 0 => {
                let other = document.clone();
                tree::mutate(rng, &mut document, &other);
                decoded = document.to_string().into_bytes();
            }
            _ => {
                let other = decoded.clone();
                bytes::mutate(rng, &mut decoded, &other);
            }
        }
        return engine.encode(decoded);
    }
    text.to_owned()
}

/// Mutates the DER inside each block.
fn mutate_pem(rng: &mut Rng, text: &str) -> String {
    let mut out = String::new();
    for block in text.split_inclusive("-----\n") {
        let Some((body, end)) = block.split_once("-----END") else {
            out.push_str(block);
            continue;
        };
        let body: String = body.split_whitespace().collect();
        out.push_str(&mutate_base64(rng, &body));
        out.push_str("\n-----END");
        out.push_str(end);
    }
    out
}

impl Target for Calls {
    fn next(&mut self, rng: &mut Rng) -> Vec<u8> {
        let call = &self.calls[rng.usize(..self.calls.len())];
        let other = &self.calls[rng.usize(..self.calls.len())];
        let mut args = call["args"].clone();
        match rng.u8(..6) {
            0 => tree::mutate(rng, &mut args, &other["args"]),
            // An argument of another call.
            1 => args = other["args"].clone(),
            _ => mutate_texts(rng, &mut args, other["args"][0].as_str().unwrap_or("")),
        }
        json!({"name": call["name"], "args": args}).to_string().into_bytes()
    }

    fn run(&mut self, input: &[u8]) -> bool {
        let call: Json = serde_json::from_slice(input).expect("a call");
        let builtin = builtins::find(call["name"].as_str().expect("a name")).expect("a builtin");
        let args: Option<Vec<_>> = call["args"].as_array().map(|args| args.iter().flat_map(tagged::read).collect());
        let Some(args) = args.filter(|args| args.len() == builtin.arity) else { return false };
        self.context.begin(LIMITS, Moment { now_ns: 1_700_000_000_000_000_000, seed: 1 });
        (builtin.run)(&mut self.context, &args).is_ok()
    }
}
