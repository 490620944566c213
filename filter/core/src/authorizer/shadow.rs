//! What a check gathers so that both sides can be compared, and what was compared: [`Pending`] does it, later on.

use super::check::{Check, Request};
use super::pending::{Pending, Served};
use super::{Answer, Authorizer};
use crate::config;
use crate::host::Host;
use crate::metrics::{Counter, Implementation, Reason};
use crate::request::Head;
use crate::rollout::Percentage;
use crate::shadow::{About, Differences, Pair, Place, Report, Room, Said, Side, compare};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// What a request takes beside its texts.
const FIXED_BYTES: usize = 1_024;

/// What one configuration compares.
pub(super) struct Shadow {
    settings: config::Shadow,
    room: Rc<Room>,
    differences: RefCell<Differences>,
}

impl Shadow {
    pub(super) fn new(settings: config::Shadow) -> Self {
        let room = Rc::new(Room::new(settings.max_in_flight, settings.max_bytes));
        let differences = RefCell::new(Differences::new(settings.keep_differences));
        Self { settings, room, differences }
    }

    /// Counts a comparison, and keeps it if it is one of the first.
    pub(super) fn note(&self, pair: &Pair, about: &About, host: &dyn Host) {
        let (class, names) = compare(pair, self.settings.latency_ratio);
        host.count(Counter::Shadow(class));
        if let Ok(mut differences) = self.differences.try_borrow_mut() {
            differences.note(class, &names, pair, about);
        }
    }
}

/// What a check that is to be compared gathers on its way.
pub(super) struct Observed {
    method: String,
    /// The request is not whole.
    is_given_up: bool,
    /// The request, and the room it takes; `None`: there was none, or it is not known yet.
    kept: Option<(Request, Place)>,
    served: Option<(Implementation, Answer)>,
    took: Option<Duration>,
}

impl Observed {
    pub(super) fn new(head: &Head) -> Self {
        let method = head.get(":method").unwrap_or_default().into_owned();
        Self { method, is_given_up: false, kept: None, served: None, took: None }
    }
}

impl Authorizer {
    /// The share of users whose requests are compared; `None`: nothing is to be compared.
    #[must_use]
    pub fn shadow_percentage(&self) -> Option<Percentage> {
        Some(self.shadow.as_ref()?.settings.percentage)
    }

    /// How many requests were compared since this configuration was taken, in this worker.
    #[must_use]
    pub fn compared(&self) -> u64 {
        let differences = self.shadow.as_ref().and_then(|shadow| shadow.differences.try_borrow().ok());
        differences.map_or(0, |differences| differences.count())
    }

    /// What was compared since this configuration was taken, in this worker; `None`: nothing is to be compared.
    ///
    /// It holds no value of a header, no body and no query, and is bounded by `shadow.keep_differences`.
    #[must_use]
    pub fn shadow_report(&self) -> Option<Report> {
        let differences = self.shadow.as_ref()?.differences.try_borrow().ok()?;
        Some(differences.report().clone())
    }
}

impl Check {
    /// Whether both sides are to decide.
    pub(super) const fn is_shadowed(&self) -> bool {
        self.observed.is_some()
    }

    /// A side has answered, and its answer takes effect.
    pub(super) fn observe_answer(&mut self, side: Implementation, answer: &Answer) {
        if let Some(observed) = &mut self.observed {
            observed.served = Some((side, answer.clone()));
        }
    }

    /// It took so long.
    pub(super) const fn observe_time(&mut self, took: Duration) {
        if let Some(observed) = &mut self.observed {
            observed.took = Some(took);
        }
    }

    /// The other side cannot get what it would need.
    pub(super) const fn give_up_comparison(&mut self) {
        if let Some(observed) = &mut self.observed {
            observed.is_given_up = true;
        }
    }

    /// The request is not needed any more to decide it: it is kept for the other side, if there is room.
    pub(super) fn put_away(&mut self, request: Request) {
        // Where a side has failed already, nothing more is asked.
        if let (Some(observed), Some(shadow)) = (&mut self.observed, &self.authorizer.shadow)
            && self.failures.is_empty()
            && !observed.is_given_up
        {
            observed.kept = Place::take(&shadow.room, weight(&request)).map(|place| (request, place));
        }
    }

    /// The request has been let through or answered: what is still to do so that both sides are compared. To be called
    /// before the proxy goes on with it.
    #[must_use]
    pub fn into_shadow(mut self, host: &dyn Host) -> Option<Pending> {
        let observed = self.observed.take()?;
        if let Some((side, reason)) = self.failures.iter().find(|(side, _)| *side != Implementation::None) {
            self.note_error(*side, *reason, &observed, host);
            return None;
        }
        let Observed { method, kept, served, took, .. } = observed;
        let (by, answer) = served?;
        let pending = kept.and_then(|(request, place)| {
            let side = Side { said: Said::Answer(answer), took };
            let served = Served { by, side, method, path: self.path, decision_id: self.decision_id };
            Pending::new(self.authorizer, request, place, served, self.route)
        });
        if pending.is_none() {
            host.count(Counter::ShadowDropped);
        }
        // Filters behind this one may change metadata, and Envoy may pick another route.
        match pending {
            Some(pending) if pending.shows_metadata() => pending.read(host),
            pending => pending,
        }
    }

    /// A side that was asked for the client could not decide: that is its class, whatever the other one says.
    fn note_error(&self, failed: Implementation, reason: Reason, observed: &Observed, host: &dyn Host) {
        let Some(shadow) = &self.authorizer.shadow else { return };
        let is_other = |side: Implementation| side != failed && side != Implementation::None;
        let other_failure = self.failures.iter().find(|(side, _)| is_other(*side));
        let said = match (&observed.served, other_failure) {
            (Some((_, answer)), _) => Said::Answer(answer.clone()),
            (None, Some((_, reason))) => Said::Error(*reason),
            (None, None) => Said::Nothing,
        };
        let (error, other) = (Side { said: Said::Error(reason), took: None }, Side { said, took: None });
        let about = About {
            method: &observed.method,
            path: &self.path,
            decision_id: self.decision_id.as_deref(),
            served_by: self.implementation,
        };
        shadow.note(&Pair::of(failed, error, other), &about, host);
    }
}

/// The bytes that a request holds.
pub(super) fn weight(request: &Request) -> usize {
    let body = request.body.as_ref().map_or(0, |body| body.bytes.capacity());
    // The path is held a second time, the method too.
    let head = request.head.bytes().saturating_add(request.head.path().len());
    FIXED_BYTES.saturating_add(head).saturating_add(body)
}
