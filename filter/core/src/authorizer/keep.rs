//! Decisions that are kept: looked for before a side is asked, kept after it has answered.

use super::Step;
use super::check::{Check, Request};
use super::end::Answer;
use crate::cache::{CacheError, Keeper, Kept, Key, Place, Question};
use crate::decision::Decision;
use crate::host::Host;
use crate::metrics::{CacheOperation, Counter, Implementation, Reason};
use crate::request::{Body, Document};
use std::rc::Rc;

impl Check {
    /// Where to keep what this side will decide, if it is to be kept. With a body that is cut it is not: what the policy
    /// sees of it is not what the upstream gets.
    ///
    /// # Errors
    /// The check ends here: there is a decision already, or the cache failed and must not.
    pub(super) fn recall(
        &mut self,
        side: Implementation,
        request: &Request,
        question: Question,
        host: &dyn Host,
    ) -> Result<Option<Place>, Step> {
        let authorizer = Rc::clone(&self.authorizer);
        let Some(keeper) = authorizer.keeper.as_ref().filter(|_| request.assignment.uses_cache == Some(true)) else {
            return Ok(None);
        };
        let count = |operation| host.count(Counter::Cache(operation));
        if request.body.as_ref().is_some_and(Body::is_partial) {
            count(CacheOperation::Bypass);
            return Ok(None);
        }
        match keeper.recall(side, self.route.decision, question, authorizer.clock.now(), || host.now().ok()) {
            Ok(Kept::Decision(decision)) => {
                count(CacheOperation::Hit);
                Err(self.finish(side, Answer::Decision(decision), host))
            }
            Ok(Kept::Nothing(place)) => {
                count(CacheOperation::Miss);
                Ok(Some(place))
            }
            Ok(Kept::Never) => {
                count(CacheOperation::Bypass);
                Ok(None)
            }
            Err(error) => self.cache_failed(keeper, error, host).map_or(Ok(None), Err),
        }
    }

    /// The key of this request, if its document is not needed to look for a decision that is kept.
    pub(super) fn key(&self, request: &Request, host: &dyn Host) -> Option<Key> {
        let keeper = self.authorizer.keeper.as_ref().filter(|_| request.assignment.uses_cache == Some(true))?;
        // Whether the route has context extensions does not matter: a key that is made of them takes the document.
        keeper.key(self.route.decision, &self.authorizer.sources(request, None, host))
    }

    /// The same for the remote OPA. It sees the text of numbers, so a document whose numbers the engine holds by other
    /// texts, or not at all, has no key.
    pub(super) fn recall_remote(
        &mut self,
        request: &Request,
        document: &Document,
        host: &dyn Host,
    ) -> Result<Option<Place>, Step> {
        let side = Implementation::Remote;
        let keeps = self.authorizer.keeper.as_ref().is_some_and(|keeper| keeper.keeps(side, self.route.decision));
        if !keeps || document.respells_numbers() {
            return Ok(None);
        }
        document.value().map_or(Ok(None), |input| self.recall(side, request, Question::Input(&input), host))
    }

    /// A side has answered: its decision is kept where it may be, and takes effect.
    pub(super) fn conclude(
        &mut self,
        side: Implementation,
        answer: Answer,
        place: Option<Place>,
        time_of_day: Option<(i64, i64)>,
        host: &dyn Host,
    ) -> Step {
        if let (Some(place), Answer::Decision(decision)) = (place, &answer)
            && let Some(step) = self.keep(place, decision, time_of_day, host)
        {
            return step;
        }
        self.finish(side, answer, host)
    }

    /// A step if that ends the check.
    fn keep(
        &mut self,
        place: Place,
        decision: &Decision,
        time_of_day: Option<(i64, i64)>,
        host: &dyn Host,
    ) -> Option<Step> {
        let authorizer = Rc::clone(&self.authorizer);
        let keeper = authorizer.keeper.as_ref()?;
        match keeper.keep(place, decision, time_of_day) {
            Ok(None) => None,
            Ok(Some(evicted)) => {
                host.count(Counter::Cache(CacheOperation::Put));
                (0..evicted).for_each(|_| host.count(Counter::Cache(CacheOperation::Evict)));
                None
            }
            Err(error) => self.cache_failed(keeper, error, host),
        }
    }

    /// Decides without the cache, or refuses where the operator wants that. No failure mode lets such a request through:
    /// a client can make a key as long as it likes.
    fn cache_failed(&mut self, keeper: &Keeper, error: CacheError, host: &dyn Host) -> Option<Step> {
        host.count(Counter::CacheError(error));
        (!keeper.feature.fallback_on_error).then(|| self.refuse(Reason::Cache, error.label(), host))
    }
}

#[cfg(test)]
mod differential;
#[cfg(test)]
mod tests;
