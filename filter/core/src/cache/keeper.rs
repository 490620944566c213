//! What the authorizer asks: is there a decision for this input, and where to keep the one that will be made.

use super::key::{self, Key};
use super::store::{Cache, Until};
use super::terms::{Terms, Times};
use super::{CacheError, Revision};
use crate::builtins::Purity;
use crate::config;
use crate::config::Feature;
use crate::decision::Decision;
use crate::engine::Loaded;
use crate::metrics::Implementation;
use crate::plan::Reads;
use crate::policy::DecisionPath;
use crate::request::{Shape, Sources};
use crate::shelf::Shelf;
use regorus::Value;
use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::rc::Rc;

/// The cache as one configuration uses it.
pub struct Keeper {
    /// For whom it is used.
    pub feature: Feature,
    cache: Rc<RefCell<Cache>>,
    /// How often caches were to be emptied.
    cleanings: Rc<Cell<u64>>,
    /// By decision: how the answers of each side are kept, if they are.
    inline: Vec<Option<Terms>>,
    remote: Vec<Terms>,
}

/// What is known of a decision that can be made inline.
pub struct Facts {
    /// What it reads.
    pub reads: Reads,
    /// The builtins that it may call and that do not depend on their arguments alone.
    pub impure: Vec<&'static str>,
}

/// Where a decision is to be kept.
#[derive(Debug)]
pub struct Place {
    key: Vec<u8>,
    times: Times,
    generation: u64,
    /// When it was looked for. A decision is not older than this.
    since: u64,
}

/// What is asked about.
#[derive(Debug)]
pub enum Question<'a> {
    /// An input document.
    Input(&'a Value),
    /// The one that has this key.
    Key(Key),
}

/// What is kept for an input.
#[derive(Debug)]
pub enum Kept {
    /// A decision.
    Decision(Decision),
    /// None; one that is made now may be kept here.
    Nothing(Place),
    /// None ever.
    Never,
}

impl Facts {
    /// Of a decision that is ready.
    #[must_use]
    pub fn of(loaded: &Loaded) -> Self {
        let impure = loaded.builtins().iter().filter(|builtin| builtin.purity != Purity::Pure);
        Self { reads: loaded.reads().clone(), impure: impure.map(|builtin| builtin.name).collect() }
    }
}

impl Keeper {
    /// For the decisions of a configuration, about documents of this shape; `facts` are those of the decisions that can
    /// be made inline. And what is to be said of each of them.
    #[must_use]
    pub fn new(
        settings: &config::Cache,
        shape: &Shape,
        revision: &Revision,
        decisions: &[DecisionPath],
        facts: &[Option<Facts>],
        shelf: &Shelf,
    ) -> (Self, Vec<String>) {
        let Ok((cache, _)) =
            shelf.caches.take(settings.bounds, || Ok::<_, Infallible>(RefCell::new(Cache::new(settings.bounds))));
        let mut summaries = Vec::new();
        let mut inline = Vec::new();
        for (decision, facts) in decisions.iter().zip(facts) {
            let terms = facts
                .as_ref()
                .map(|facts| Terms::inline(revision, decision, &facts.reads, &facts.impure, &settings.times, shape));
            summaries.extend(terms.as_ref().map(|terms| match terms {
                Ok(terms) => format!("decision {decision}: {}", terms.summary()),
                Err(why) => format!("decision {decision} is never kept: {why}"),
            }));
            inline.push(terms.and_then(Result::ok));
        }
        let remote = settings.remote.iter().flat_map(|remote| {
            decisions.iter().map(|decision| Terms::remote(revision, decision, &remote.key, remote.ttl))
        });
        let cleanings = Rc::clone(&shelf.cleanings);
        let keeper = Self { feature: settings.feature, cache, cleanings, inline, remote: remote.collect() };
        (keeper, summaries)
    }

    fn terms(&self, side: Implementation, decision: usize) -> Option<&Terms> {
        match side {
            Implementation::Rust => self.inline.get(decision)?.as_ref(),
            Implementation::Remote => self.remote.get(decision),
            Implementation::None => None,
        }
    }

    /// Whether answers of this side to this decision are ever kept.
    #[must_use]
    pub fn keeps(&self, side: Implementation, decision: usize) -> bool {
        self.terms(side, decision).is_some()
    }

    /// The key of an inline decision about this request, without its document: the same that the document would give.
    /// `None`: it takes the document, and what becomes of the request is seen when that is built.
    #[must_use]
    pub fn key(&self, decision: usize, sources: &Sources) -> Option<Key> {
        let terms = self.terms(Implementation::Rust, decision)?;
        key::directly(&terms.scope, terms.direct.as_ref()?, sources)
    }

    /// What is kept of the answers of this side to this decision on this input.
    ///
    /// # Errors
    /// The cache failed.
    pub fn recall(
        &self,
        side: Implementation,
        decision: usize,
        question: Question,
        now: u64,
        time_of_day: impl FnOnce() -> Option<i64>,
    ) -> Result<Kept, CacheError> {
        let (Some(terms), Ok(mut cache)) = (self.terms(side, decision), self.cache.try_borrow_mut()) else {
            return Ok(Kept::Never);
        };
        cache.renew(self.cleanings.get());
        let key = match question {
            Question::Input(input) => key::of(&terms.scope, &terms.parts, input)?,
            Question::Key(key) => key,
        };
        let key = key.into_bytes();
        Ok(match cache.get(&key, now, time_of_day)? {
            Some(decision) => Kept::Decision(decision),
            None => Kept::Nothing(Place { key, times: terms.times, generation: cache.generation(), since: now }),
        })
    }

    /// Keeps a decision, unless the cache was cleared since it was looked for; how many others had to go, or `None` if
    /// it was not kept. `time_of_day`: between these two the clock does not change it.
    ///
    /// # Errors
    /// The cache failed.
    pub fn keep(
        &self,
        place: Place,
        decision: &Decision,
        time_of_day: Option<(i64, i64)>,
    ) -> Result<Option<usize>, CacheError> {
        let Ok(mut cache) = self.cache.try_borrow_mut() else { return Ok(None) };
        let time = u64::try_from(place.times.of(decision).as_nanos()).unwrap_or(u64::MAX);
        let is_over = time == 0 || time_of_day.is_some_and(|(from, until)| until <= from);
        if is_over || cache.generation() != place.generation {
            return Ok(None);
        }
        let until = Until { expires: place.since.saturating_add(time), time_of_day };
        cache.put(place.key, decision, until).map(Some)
    }
}
