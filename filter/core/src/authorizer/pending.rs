//! A request that one side has decided is decided by the other one, too, when the client has its answer.
//!
//! ```text
//! Check::into_shadow ─► Pending::ask ─► noted, or Asked::reply ─► noted
//!          └► Pending::read ─┘  if the request ends before its turn
//! ```
//!
//! Nothing in here leads back to the request: there is no [`super::Step`], and what fails moves a counter.

use super::Authorizer;
use super::check::Request;
use super::shadow::{Shadow, weight};
use crate::builtins::Moment;
use crate::host::Host;
use crate::metrics::{Counter, Implementation, Reason};
use crate::remote::{self, Callout, Reply};
use crate::request::{self, DocumentError};
use crate::route::Overrides;
use crate::shadow::{About, Pair, Place, Said, Side};
use regorus::Value;
use std::rc::Rc;
use std::time::Duration;

/// What a value takes at most, by the length of the text it was read from: small objects are the worst.
const VALUE_FACTOR: usize = 64;

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
pub(super) struct Served {
    pub(super) by: Implementation,
    pub(super) side: Side,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) decision_id: Option<String>,
}

/// The remote OPA was asked what it says of a request that was served inline.
pub struct Asked {
    authorizer: Rc<Authorizer>,
    served: Served,
    sent_at: u64,
    _place: Place,
}

impl Pending {
    /// `None`: there is no room for the request and its answer.
    pub(super) fn new(
        authorizer: Rc<Authorizer>,
        request: Request,
        place: Place,
        served: Served,
        route: Overrides,
    ) -> Option<Self> {
        let place = place.resized(weight(&request).saturating_add(served.weight()))?;
        Some(Self { authorizer, input: Input::Request(request), place, served, route })
    }

    /// Whether the document shows what the proxy may tell otherwise when the request has gone on.
    pub(super) fn shows_metadata(&self) -> bool {
        self.authorizer.config.shape.shows_metadata()
    }

    /// Whether nothing of the request is needed any more.
    #[must_use]
    pub const fn is_read(&self) -> bool {
        !matches!(self.input, Input::Request(_))
    }

    /// Reads what is not known yet of the proxy, to be asked later: afterwards nothing of the request is needed any more.
    /// To be called while the request's own context can be asked. `None`: it cannot be read or kept, which is counted.
    #[must_use]
    pub fn read(self, host: &dyn Host) -> Option<Self> {
        if self.is_read() {
            return Some(self);
        }
        let Self { authorizer, input, place, served, route } = self;
        let bytes = input.bytes();
        let read = authorizer.other_input(input, served.by, &route, host).and_then(|input| {
            let bytes = match &input {
                Input::Value(_) => bytes.saturating_mul(VALUE_FACTOR),
                read => read.bytes(),
            };
            Some((input, place.resized(bytes.saturating_add(served.weight()))?))
        });
        if read.is_none() {
            host.count(Counter::ShadowDropped);
        }
        read.map(|(input, place)| Self { authorizer, input, place, served, route })
    }

    /// The other side decides: the inline engine here and now, the remote OPA by this call. What was not read before is
    /// read now, so that the request's own context must be the one that is asked.
    #[must_use]
    pub fn ask(self, host: &dyn Host) -> Option<(Callout, Asked)> {
        let Self { authorizer, input, place, served, route } = self;
        match authorizer.other_input(input, served.by, &route, host) {
            Some(Input::Call(_)) if !authorizer.asks_remote() => {
                let silent = Side { said: Said::Error(Reason::BreakerOpen), took: None };
                served.compare(authorizer.shadow.as_ref()?, silent, host);
                return None;
            }
            Some(Input::Call(callout)) => {
                if let Some(place) = place.resized(callout.body.len().saturating_add(served.weight())) {
                    let sent_at = authorizer.clock.now();
                    return Some((callout, Asked { authorizer, served, sent_at, _place: place }));
                }
            }
            Some(Input::Value(input)) => {
                authorizer.ask_engine(input, served, route.decision, host);
                return None;
            }
            Some(Input::Request(_)) | None => {}
        }
        host.count(Counter::ShadowDropped);
        None
    }

    /// It cannot be asked any more.
    pub fn give_up(self, host: &dyn Host) {
        host.count(Counter::ShadowDropped);
    }
}

impl Input {
    /// The bytes of its texts.
    fn bytes(&self) -> usize {
        match self {
            Self::Request(request) => weight(request),
            Self::Call(callout) => callout.body.len(),
            Self::Value(_) => 0,
        }
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
        input: Input,
        served_by: Implementation,
        route: &Overrides,
        host: &dyn Host,
    ) -> Option<Input> {
        let Input::Request(request) = &input else { return Some(input) };
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
