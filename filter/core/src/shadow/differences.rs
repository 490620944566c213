//! The first differences of each class, for an operator to look at.

use super::compare::{Name, Pair, Said, Side};
use super::{Class, redact};
use crate::authorizer::Answer;
use crate::decision::{Decision, Reply, Verdict as Effect};
use crate::metrics::Implementation;
use serde::Serialize;
use std::collections::BTreeMap;

/// Names that one difference shows.
const MAX_NAMES: usize = 16;

/// The request that was compared.
pub struct About<'a> {
    /// `:method`.
    pub method: &'a str,
    /// `:path`.
    pub path: &'a str,
    /// The id of the decision that was served.
    pub decision_id: Option<&'a str>,
    /// Who served it.
    pub served_by: Implementation,
}

/// How one request was decided by both sides. Holds no value of a header, no body and no query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The id of the decision that was served, as access logs have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_id: Option<String>,
    /// The request's method.
    pub method: String,
    /// The request's path without its query; segments that look like tokens are masked.
    pub path: String,
    /// The side whose answer the client got: `rust`, `remote`, or `none`.
    pub served_by: &'static str,
    /// What the inline engine said.
    pub inline: Verdict,
    /// What the remote OPA said.
    pub remote: Verdict,
    /// What differs beside status and body: `request x-user-role`, `response set-cookie`, `query page`, `metadata why`;
    /// `request removed …` and `query removed …` for what only one of them removes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differs: Vec<String>,
}

/// What one side said, in short. Without any member: it was not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether it lets the request through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<bool>,
    /// The status of its answer, if it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why it could not decide.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'static str>,
    /// The time it took; absent where the answer was kept from before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub microseconds: Option<u64>,
}

/// Comparisons of one worker since its configuration was taken: by the label of each class that occurred.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report(pub BTreeMap<&'static str, ClassReport>);

/// Those of one class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ClassReport {
    /// How many there were.
    pub count: u64,
    /// The first of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub first: Vec<Difference>,
}

/// What was compared so far.
pub struct Differences {
    keep: usize,
    report: Report,
}

impl Differences {
    /// None yet; `keep` of each class will be kept.
    pub const fn new(keep: usize) -> Self {
        Self { keep, report: Report(BTreeMap::new()) }
    }

    /// Notes a comparison.
    pub fn note(&mut self, class: Class, names: &[Name], pair: &Pair, about: &About) {
        let noted = self.report.0.entry(class.label()).or_default();
        noted.count = noted.count.saturating_add(1);
        if class != Class::Same && noted.first.len() < self.keep {
            noted.first.push(difference(names, pair, about));
        }
    }

    /// How many comparisons were noted.
    pub fn count(&self) -> u64 {
        self.report.0.values().fold(0, |sum, class| sum.saturating_add(class.count))
    }

    /// All of it.
    pub const fn report(&self) -> &Report {
        &self.report
    }
}

fn difference(names: &[Name], pair: &Pair, about: &About) -> Difference {
    Difference {
        decision_id: about.decision_id.map(str::to_owned),
        method: redact::name(about.method),
        path: redact::path(about.path),
        served_by: about.served_by.label(),
        inline: Verdict::of(&pair.inline),
        remote: Verdict::of(&pair.remote),
        differs: names.iter().take(MAX_NAMES).map(shown).collect(),
    }
}

/// A policy may take a name from what a client sent.
fn shown((kind, name): &Name) -> String {
    format!("{kind} {}", redact::name(name))
}

impl Verdict {
    fn of(side: &Side) -> Self {
        let microseconds = side.took.map(|took| u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        let (allowed, status, error) = match &side.said {
            Said::Answer(Answer::Decision(Decision { verdict: Effect::Allow(_), .. })) => (Some(true), None, None),
            Said::Answer(Answer::Decision(Decision { verdict: Effect::Deny(reply), .. })) => {
                (Some(false), Some(reply.status), None)
            }
            Said::Answer(Answer::Invalid) => (Some(false), Some(Reply::invalid().status), None),
            Said::Error(reason) => (None, None, Some(reason.label())),
            Said::Nothing => return Self::default(),
        };
        Self { allowed, status, error, microseconds }
    }
}
