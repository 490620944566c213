//! Answers of the remote OPA, and what a decision is made of.

use std::time::Duration;

use fastrand::Rng;
use sark_core::config::Remote;
use sark_core::decision::{self, Decision, Verdict};
use sark_core::remote::{self, Reply};
use serde_json::Value as Json;

use crate::run::Target;
use crate::{bytes, seeds, tree};

/// Bodies of answers.
pub struct Decisions {
    answers: Vec<Json>,
    untried: Vec<Json>,
    remote: Remote,
}

impl Decisions {
    pub fn new() -> Self {
        let answers = seeds::kept("decisions.jsonl");
        let remote = Remote {
            cluster: "opa".to_owned(),
            headers: Vec::new(),
            paths: vec!["/v1/data/envoy/authz/allow".to_owned()],
            timeout: Duration::from_secs(1),
            max_reply_bytes: 1 << 20,
            max_in_flight: 1,
            breaker: None,
        };
        Self { untried: answers.clone(), answers, remote }
    }
}

/// Nothing that ends a line, or a message, or begins another.
fn assert_can_be_sent(name: &str, value: &str) {
    let is_name_byte =
        |byte: u8| byte.is_ascii_graphic() && !byte.is_ascii_uppercase() && !b"\"(),/:;<=>?@[\\]{}".contains(&byte);
    let plain = name.strip_prefix(':').unwrap_or(name);
    assert!(!plain.is_empty() && plain.bytes().all(is_name_byte), "{name:?}");
    assert!(value.bytes().all(|byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f)), "{name}: {value:?}");
}

fn check(decision: &Decision) {
    match &decision.verdict {
        Verdict::Allow(mutations) => {
            for (name, value) in mutations.set_request_headers.iter().chain(&mutations.add_response_headers) {
                assert_can_be_sent(name, value);
                let framing = ["connection", "content-length", "transfer-encoding", "upgrade"];
                assert!(!framing.contains(&name.as_str()), "{name}");
            }
            for (name, value) in &mutations.query.set {
                assert!(
                    name.bytes().chain(value.bytes()).all(|byte| byte > b' ' && byte != 0x7f),
                    "{name:?}={value:?}"
                );
            }
            let kept = |name: &String| ["connection", "upgrade"].contains(&name.as_str()) || name.starts_with(':');
            assert!(!mutations.remove_request_headers.iter().any(kept));
        }
        Verdict::Deny(reply) => {
            assert!((200..=511).contains(&reply.status), "{}", reply.status);
            assert!(!matches!(reply.status, 204 | 304) || reply.body.is_empty());
            reply.headers.iter().for_each(|(name, value)| assert_can_be_sent(name, value));
        }
    }
    if let Some(metadata) = &decision.dynamic_metadata {
        let text = metadata.to_json("id");
        let read: Json = serde_json::from_str(&text).expect("metadata is JSON");
        assert_eq!(read["decision_id"], "id");
    }
}

impl Target for Decisions {
    fn next(&mut self, rng: &mut Rng) -> Vec<u8> {
        if let Some(seed) = self.untried.pop() {
            return seed.to_string().into_bytes();
        }
        let other = &self.answers[rng.usize(..self.answers.len())];
        let mut answer = self.answers[rng.usize(..self.answers.len())].clone();
        if rng.u8(..3) > 0 {
            tree::mutate(rng, &mut answer["result"], other);
        }
        let mut text = answer.to_string().into_bytes();
        if rng.bool() {
            bytes::mutate(rng, &mut text, other.to_string().as_bytes());
        }
        text
    }

    fn run(&mut self, input: &[u8]) -> bool {
        let reply = Reply::Answer { status: 200, body: Some(input.to_vec()) };
        let Ok(result) = remote::result(&self.remote, reply, Duration::ZERO) else { return false };
        let Ok(decision) = decision::read(&result) else { return false };
        check(&decision);
        true
    }
}
