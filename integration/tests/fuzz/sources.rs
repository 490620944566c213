//! Rego texts: policies mutated as bytes and as words, and words of no meaning.

use fastrand::Rng;
use regorus::Value;
use sark_core::policy::{DecisionPath, Module, RegoVersion, load};

use crate::evaluate::Evaluator;
use crate::run::Target;
use crate::{bytes, seeds};

pub struct Sources {
    texts: Vec<String>,
    /// Every word of every text.
    words: Vec<String>,
    evaluator: Evaluator,
}

impl Sources {
    pub fn new() -> Self {
        let mut texts = seeds::policies(".rego");
        for line in seeds::lines("regorus_facts.jsonl") {
            let modules = line["modules"].as_object().into_iter().flat_map(|modules| modules.values());
            texts.extend(modules.filter_map(|text| text.as_str().map(str::to_owned)));
        }
        let words = texts.iter().flat_map(|text| words(text)).collect();
        Self { texts, words, evaluator: Evaluator::new() }
    }

    fn words(&self, rng: &mut Rng, most: usize) -> String {
        let count = rng.usize(..=most);
        (0..count).map(|_| self.words[rng.usize(..self.words.len())].as_str()).collect()
    }

    /// Replaces, removes, repeats and adds words.
    fn reword(&self, rng: &mut Rng, text: &str) -> String {
        let mut words: Vec<String> = words(text).collect();
        for _ in 0..=rng.usize(..4) {
            let at = rng.usize(..=words.len());
            let end = (at + rng.usize(..4)).min(words.len());
            let piece = match rng.u8(..4) {
                0 => String::new(),
                1 => words[at..end].concat().repeat(1 + rng.usize(..3).pow(rng.u32(..4))),
                _ => self.words(rng, 3),
            };
            words.splice(at..end, [piece]);
        }
        words.concat()
    }
}

/// Runs of letters, of white space, and single other characters: joined, they are the text again.
fn words(text: &str) -> impl Iterator<Item = String> {
    let kind = |c: char| if c.is_alphanumeric() || c == '_' { 1 } else { 2 + u8::from(c.is_whitespace()) };
    let mut pieces: Vec<String> = Vec::new();
    let mut before = 0;
    for c in text.chars() {
        match pieces.last_mut() {
            Some(last) if before == kind(c) && before != 2 => last.push(c),
            _ => pieces.push(c.to_string()),
        }
        before = kind(c);
    }
    pieces.into_iter()
}

impl Target for Sources {
    fn next(&mut self, rng: &mut Rng) -> Vec<u8> {
        let text = &self.texts[rng.usize(..self.texts.len())];
        let other = &self.texts[rng.usize(..self.texts.len())];
        let text = match rng.u8(..8) {
            0 => format!("package t\n{}", self.words(rng, 60)),
            1 | 2 => bytes::mutate_text(rng, text, other),
            _ => self.reword(rng, text),
        };
        text.into_bytes()
    }

    fn run(&mut self, input: &[u8]) -> bool {
        let text = String::from_utf8_lossy(input).into_owned();
        let package = text.lines().find_map(|line| line.strip_prefix("package ")).unwrap_or("t").trim();
        let path = DecisionPath::parse(&package.replace('.', "/")).or_else(|_| DecisionPath::parse("t/x"));
        let path = path.expect("a path");
        let modules = [Module { name: "p.rego".to_owned(), text }];
        let mut taken = false;
        for version in [RegoVersion::V1, RegoVersion::V0] {
            let Ok(loaded) = load(&modules, Value::new_object(), &path, version) else { continue };
            self.evaluator.evaluate(&loaded.plan, loaded.entry, Some(&loaded.data));
            taken = true;
        }
        taken
    }
}
