//! A request that one side has decided is decided by the other one, too, when the client has its answer.
//!
//! ```text
//! Check::into_shadow ─► Pending::read ─► Pending::ask ─► noted, or Asked::reply ─► noted
//! ```
//!
//! Nothing in here leads back to the request: there is no [`super::Step`], and what fails moves a counter.

use super::check::{Check, Request};
use super::{Answer, Authorizer};
use crate::builtins::Moment;
use crate::config;
use crate::host::Host;
use crate::metrics::{Counter, Implementation, Reason};
use crate::remote::{self, Callout, Reply};
use crate::request::{self, DocumentError, Head};
use crate::rollout::Percentage;
use crate::route::Overrides;
use crate::shadow::{About, Differences, Pair, Place, Report, Room, Said, Side, compare};
use regorus::Value;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// What a request takes beside its texts.
const FIXED_BYTES: usize = 1_024;

/// What a value takes at most, by the length of the text it was read from: small objects are the worst.
const VALUE_FACTOR: usize = 64;

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

    fn note(&self, pair: &Pair, about: &About, host: &dyn Host) {
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

/// A request that was served, and that the other side has yet to decide.
pub struct Pending {
    authorizer: Rc<Authorizer>,
    input: Input,
    place: Place,
    served: Served,
    route: Overrides,
}

/// The input document, on its way to the side that has yet to see it.
enum Input {
    /// The request, and what the proxy has yet to tell.
    Request(Request),
    /// The call to the remote OPA.
    Call(Callout),
    /// What the engine gets, or why it cannot.
    Value(Result<Value, Reason>),
}

/// What the client got, and whose.
struct Served {
    by: Implementation,
    side: Side,
    method: String,
    path: String,
    decision_id: Option<String>,
}

/// The remote OPA was asked what it says of a request that was served inline.
pub struct Asked {
    authorizer: Rc<Authorizer>,
    served: Served,
    sent_at: u64,
    _place: Place,
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
            let bytes = weight(&request).saturating_add(answer.weight());
            let side = Side { said: Said::Answer(answer), took };
            let served = Served { by, side, method, path: self.path, decision_id: self.decision_id };
            let (input, place) = (Input::Request(request), place.resized(bytes)?);
            Some(Pending { authorizer: self.authorizer, input, place, served, route: self.route })
        });
        if pending.is_none() {
            host.count(Counter::ShadowDropped);
        }
        // Filters behind this one may change metadata, and Envoy may pick another route.
        match pending {
            Some(pending) if pending.authorizer.config.shape.shows_metadata() => pending.read(host),
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

impl Pending {
    /// Reads what is not known yet of the proxy; afterwards nothing of it is needed any more. To be called while the
    /// request's own context can be asked. `None`: it could not be read, which is counted.
    #[must_use]
    pub fn read(self, host: &dyn Host) -> Option<Self> {
        let Self { authorizer, input, place, served, route } = self;
        let (input, bytes) = match input {
            Input::Request(request) => {
                let Some(input) = authorizer.other_input(&request, served.by, &route, host) else {
                    host.count(Counter::ShadowDropped);
                    return None;
                };
                let bytes = match &input {
                    Input::Call(callout) => callout.body.len(),
                    _ => weight(&request).saturating_mul(VALUE_FACTOR),
                };
                (input, bytes)
            }
            read => return Some(Self { authorizer, input: read, place, served, route }),
        };
        let Some(place) = place.resized(bytes.saturating_add(served.weight())) else {
            host.count(Counter::ShadowDropped);
            return None;
        };
        Some(Self { authorizer, input, place, served, route })
    }

    /// Whether nothing of the request is needed any more.
    #[must_use]
    pub const fn is_read(&self) -> bool {
        !matches!(self.input, Input::Request(_))
    }

    /// The other side decides: the inline engine here and now, the remote OPA by this call. To be called after
    /// [`Pending::read`].
    #[must_use]
    pub fn ask(self, host: &dyn Host) -> Option<(Callout, Asked)> {
        let Self { authorizer, input, place, served, route } = self;
        match input {
            Input::Call(_) if !authorizer.asks_remote() => {
                let silent = Side { said: Said::Error(Reason::BreakerOpen), took: None };
                served.compare(authorizer.shadow.as_ref()?, silent, host);
                None
            }
            Input::Call(callout) => {
                let sent_at = authorizer.clock.now();
                Some((callout, Asked { authorizer, served, sent_at, _place: place }))
            }
            Input::Value(input) => {
                authorizer.ask_engine(input, served, route.decision, host);
                None
            }
            Input::Request(_) => {
                host.count(Counter::ShadowDropped);
                None
            }
        }
    }

    /// It cannot be asked any more.
    pub fn give_up(self, host: &dyn Host) {
        host.count(Counter::ShadowDropped);
    }
}

impl Asked {
    /// What became of the call.
    pub fn reply(self, reply: Reply, host: &dyn Host) {
        let Self { authorizer, served, sent_at, _place } = self;
        let (Some(shadow), Some(remote)) = (&authorizer.shadow, &authorizer.config.remote) else { return };
        let elapsed = Duration::from_nanos(authorizer.clock.now().saturating_sub(sent_at));
        let answer = remote::result(remote, reply, elapsed)
            .and_then(|result| authorizer.read_answer(&result).map_err(|(reason, _)| reason));
        served.compare(shadow, Side::of(answer, elapsed), host);
    }

    /// The answer will not be heard.
    pub fn give_up(self, host: &dyn Host) {
        host.count(Counter::ShadowDropped);
    }
}

impl Authorizer {
    /// What the side that did not serve the request gets: the same document, or as much of it as it reads. `None`: the
    /// proxy does not tell.
    fn other_input(
        &self,
        request: &Request,
        served_by: Implementation,
        route: &Overrides,
        host: &dyn Host,
    ) -> Option<Input> {
        let extensions = route.context_extensions();
        let sources = self.sources(request, extensions.as_ref(), host);
        if served_by == Implementation::Rust {
            let document = request::document(&sources).ok()?;
            let call = remote::call(self.config.remote.as_ref()?, route.decision, &document);
            return call.ok().map(Input::Call);
        }
        match request::input(&sources, &self.inline(route.decision)?.selection) {
            Ok(value) => Some(Input::Value(Ok(value))),
            Err(DocumentError::Inexact) => Some(Input::Value(Err(Reason::InexactInput))),
            Err(_) => None,
        }
    }

    /// The engine decides a request that the remote OPA has served. Its answer is compared and forgotten, not kept.
    fn ask_engine(&self, input: Result<Value, Reason>, served: Served, decision: usize, host: &dyn Host) {
        // Switched off or rolled back meanwhile, the engine does not run.
        let is_enabled = self.rollout.in_force().rust_opa.enabled;
        let (Some(shadow), Some(inline), Ok(now_ns), true) =
            (&self.shadow, self.inline(decision), host.now(), is_enabled)
        else {
            host.count(Counter::ShadowDropped);
            return;
        };
        let started = self.clock.now();
        let moment = Moment { now_ns, seed: host.random() };
        let answer = input.and_then(|input| self.evaluate(inline, input, moment).map_err(|(reason, _)| reason));
        let took = Duration::from_nanos(self.clock.now().saturating_sub(started));
        served.compare(shadow, Side::of(answer, took), host);
    }
}

impl Served {
    fn weight(&self) -> usize {
        match &self.side.said {
            Said::Answer(answer) => answer.weight(),
            _ => 0,
        }
    }

    fn compare(self, shadow: &Shadow, other: Side, host: &dyn Host) {
        let about = About {
            method: &self.method,
            path: &self.path,
            decision_id: self.decision_id.as_deref(),
            served_by: self.by,
        };
        shadow.note(&Pair::of(self.by, self.side, other), &about, host);
    }
}

/// The bytes that a request holds.
fn weight(request: &Request) -> usize {
    let body = request.body.as_ref().map_or(0, |body| body.bytes.capacity());
    // The path is held a second time, the method too.
    let head = request.head.bytes().saturating_add(request.head.path().len());
    FIXED_BYTES.saturating_add(head).saturating_add(body)
}
