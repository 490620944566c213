//! How two answers differ, field by field.

use super::Class;
use crate::authorizer::Answer;
use crate::decision::{Decision, Header, Metadata, Mutations, Reply, Verdict};
use crate::metrics::{Implementation, Reason};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What a side said of a request.
#[derive(Debug, Clone)]
pub enum Said {
    /// An answer.
    Answer(Answer),
    /// It could not decide.
    Error(Reason),
    /// It was not asked: the other one could not decide, which is all that is to be known.
    Nothing,
}

/// A side.
#[derive(Debug, Clone)]
pub struct Side {
    /// What it said.
    pub said: Said,
    /// The time it took for that; `None` where the answer was kept from before.
    pub took: Option<Duration>,
}

/// Both sides.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The inline engine.
    pub inline: Side,
    /// The remote OPA.
    pub remote: Side,
}

impl Side {
    /// A side that was asked for the comparison only.
    pub fn of(answer: Result<Answer, Reason>, took: Duration) -> Self {
        Self { said: answer.map_or_else(Said::Error, Said::Answer), took: Some(took) }
    }
}

impl Pair {
    /// `one` is the side of this implementation.
    pub fn of(implementation: Implementation, one: Side, other: Side) -> Self {
        if implementation == Implementation::Rust {
            Self { inline: one, remote: other }
        } else {
            Self { inline: other, remote: one }
        }
    }
}

/// What differs beside status and body: of which kind, and its name.
pub type Name = (&'static str, String);

/// The class of a pair, and the names of what differs.
pub fn compare(pair: &Pair, latency_ratio: f64) -> (Class, Vec<Name>) {
    let (inline, remote) = match (&pair.inline.said, &pair.remote.said) {
        (Said::Error(_), _) => return (Class::ErrorInline, Vec::new()),
        (_, Said::Error(_)) => return (Class::ErrorRemote, Vec::new()),
        (Said::Answer(inline), Said::Answer(remote)) => (Effect::of(inline), Effect::of(remote)),
        // Only what could not decide leaves the other one unasked.
        (Said::Nothing, _) => return (Class::ErrorRemote, Vec::new()),
        (_, Said::Nothing) => return (Class::ErrorInline, Vec::new()),
    };
    let names = differing(&inline, &remote);
    let class = if inline.status.is_none() != remote.status.is_none() {
        Class::Decision
    } else if inline.status != remote.status {
        Class::Status
    } else if !names.is_empty() {
        Class::Headers
    } else if inline.body != remote.body {
        Class::Body
    } else if is_slow(pair, latency_ratio) {
        Class::Latency
    } else {
        Class::Same
    };
    // What one changes and the other does not says nothing where they do not even agree on letting it through.
    (class, if class == Class::Decision { Vec::new() } else { names })
}

/// Whether the inline side is the slower one by more than this.
fn is_slow(pair: &Pair, ratio: f64) -> bool {
    match (pair.inline.took, pair.remote.took) {
        (Some(inline), Some(remote)) => inline.as_secs_f64() > remote.as_secs_f64() * ratio,
        _ => false,
    }
}

/// What an answer does to a request and its response.
struct Effect<'a> {
    /// Of a request that is not let through.
    status: Option<u16>,
    body: &'a str,
    /// By kind and name: the values, in their order. What is removed has none.
    fields: BTreeMap<(&'static str, &'a str), Vec<&'a str>>,
}

impl<'a> Effect<'a> {
    fn of(answer: &'a Answer) -> Self {
        let mut effect = Self { status: None, body: "", fields: BTreeMap::new() };
        match answer {
            Answer::Invalid => effect.status = Some(Reply::invalid().status),
            // How long it may be kept is a matter of the side that keeps it.
            Answer::Decision(Decision { verdict, dynamic_metadata, cache_ttl: _ }) => {
                match verdict {
                    Verdict::Allow(mutations) => effect.changes(mutations),
                    Verdict::Deny(reply) => effect.replies(reply),
                }
                if let Some(metadata) = dynamic_metadata {
                    effect.values("metadata", Metadata::members(metadata));
                }
            }
        }
        effect
    }

    fn changes(&mut self, mutations: &'a Mutations) {
        self.values("request", &mutations.set_request_headers);
        self.values("response", &mutations.add_response_headers);
        self.values("query", &mutations.query.set);
        self.removed("request removed", &mutations.remove_request_headers);
        self.removed("query removed", &mutations.query.remove);
    }

    fn replies(&mut self, reply: &'a Reply) {
        self.status = Some(reply.status);
        self.body = &reply.body;
        self.values("response", &reply.headers);
    }

    fn values(&mut self, kind: &'static str, pairs: &'a [Header]) {
        for (name, value) in pairs {
            self.fields.entry((kind, name)).or_default().push(value);
        }
    }

    fn removed(&mut self, kind: &'static str, names: &'a [String]) {
        for name in names {
            self.fields.entry((kind, name)).or_default();
        }
    }
}

/// Kind and name of every field that only one of them has, or that has other values.
fn differing(one: &Effect, other: &Effect) -> Vec<Name> {
    let differs = |key: &&(&'static str, &str)| one.fields.get(*key) != other.fields.get(*key);
    let mut keys = BTreeSet::new();
    keys.extend(one.fields.keys().chain(other.fields.keys()).filter(differs));
    keys.into_iter().map(|(kind, name)| (kind, name.to_owned())).collect()
}
