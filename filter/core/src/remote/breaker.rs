//! The circuit breaker of a remote OPA: while that does not answer, nobody waits for it.
//!
//! ```text
//!          too many calls without an answer, and the probe has none either
//! Closed ─────────────────────────────────────────────────────────────────► Open ◄──┐ a probe without an answer
//!    ▲                                                                        │     │
//!    │ enough answered probes in a row                       an answered probe ▼     │
//!    └──────────────────────────────────────────────────────────────────── HalfOpen ─┘
//! ```
//!
//! Too many are a share of the calls of a window, and also so many in a row within it: an OPA that stops leaves a
//! window full of answers behind.
//!
//! A probe is a question that no client has written. It is what keeps clients from opening the breaker with questions
//! that take long: the OPA answers the probe, and the breaker stays closed. While the breaker is open a request would
//! have got no answer either.
//!
//! One breaker a worker and [`Key`]. Time is passed in, in nanoseconds of the VM's clock.

use crate::config;
use std::time::Duration;

/// A window is counted in this many parts; the oldest is forgotten as a whole.
const PARTS: usize = 10;

/// Probes are at least this far apart: a second, less what a tick may be early.
const APART: Duration = Duration::from_millis(950);

/// Which OPA, and what its calls are measured by: configurations that agree in it share a breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Which OPA is asked.
    pub cluster: String,
    /// How long a call is remembered.
    pub window: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
}

/// Where a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Calls are made.
    Closed,
    /// None are.
    Open,
    /// None are, but the last probe was answered.
    HalfOpen,
}

impl State {
    /// Every member, in label order.
    pub const ALL: [Self; 3] = [Self::Closed, Self::Open, Self::HalfOpen];

    /// The label's value.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// The breaker of one key in one VM.
#[derive(Debug, Clone, Copy)]
pub struct Breaker {
    state: State,
    /// When the state began.
    since: u64,
    window: Window,
    /// The probe that is under way, and when it is given up for lost.
    probe: Option<(Probe, u64)>,
    /// No probe is sent before.
    next_probe: u64,
    /// Probes that were answered in a row, while the breaker is half open.
    answered: u32,
    /// When a probe of the closed breaker failed at once.
    doubted: Option<u64>,
}

/// A probe: when it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe(u64);

/// How a breaker stands, for operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Where.
    pub state: State,
    /// For how long it has stood there.
    pub lasted: Duration,
    /// Calls within the window.
    pub calls: u32,
    /// Those without an answer.
    pub unanswered: u32,
}

impl Breaker {
    /// A closed one that looks at the calls of this long.
    #[must_use]
    pub fn new(window: Duration, now: u64) -> Self {
        let window = Window::new(window);
        Self { state: State::Closed, since: now, window, probe: None, next_probe: 0, answered: 0, doubted: None }
    }

    /// Whether calls may be made.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// A call that was sent at `sent_at` is over. Those from before the state began tell nothing about it.
    pub fn record(&mut self, answered: bool, sent_at: u64, now: u64) {
        if self.is_closed() && sent_at >= self.since {
            self.window.add(now, answered);
        }
    }

    /// Whether a probe is to be sent now.
    #[must_use]
    pub fn wants_probe(&self, settings: &config::Breaker, now: u64) -> bool {
        let is_under_way = self.probe.is_some_and(|(_, lost)| now < lost);
        !is_under_way && now >= self.next_probe && (!self.is_closed() || self.window.is_bad(settings, now))
    }

    /// The probe that is to be sent now, if one is.
    pub fn probe(&mut self, settings: &config::Breaker, timeout: Duration, now: u64) -> Option<Probe> {
        // Its reply went to a configuration that is gone.
        self.probe = self.probe.filter(|(_, lost)| now < *lost);
        if !self.wants_probe(settings, now) {
            return None;
        }
        let probe = Probe(now);
        let patience = timeout.saturating_mul(2).saturating_add(Duration::from_secs(1));
        self.probe = Some((probe, after(now, patience)));
        Some(probe)
    }

    /// Whether this probe is under way: it may have been given up.
    #[must_use]
    pub fn awaits(&self, probe: Probe) -> bool {
        self.probe.is_some_and(|(awaited, _)| awaited == probe)
    }

    /// What became of a probe; the state that begins now, if one does.
    pub fn probed(
        &mut self,
        settings: &config::Breaker,
        timeout: Duration,
        probe: Probe,
        answered: bool,
        now: u64,
    ) -> Option<State> {
        if !self.awaits(probe) {
            return None;
        }
        self.probe = None;
        if !answered && self.is_closed() && self.may_pass(settings, timeout, probe, now) {
            (self.doubted, self.next_probe) = (Some(now), after(probe.0, APART));
            return None;
        }
        self.answered = if answered { self.answered.saturating_add(1) } else { 0 };
        self.next_probe = if answered { after(probe.0, APART) } else { after(now, settings.probe_interval) };
        let state = match self.state {
            // It answers: what had no answer was asked too much.
            State::Closed if answered => {
                self.window.clear();
                self.doubted = None;
                State::Closed
            }
            _ if !answered => State::Open,
            _ if self.answered >= settings.probes => State::Closed,
            _ => State::HalfOpen,
        };
        (state != self.state).then(|| self.begin(state, now))
    }

    /// Whether what made a probe fail may be over soon: it did so at once, as everything does in the moment in which a
    /// cluster has no room or a connection ends. If the suspicion lasts, another probe tells.
    fn may_pass(&self, settings: &config::Breaker, timeout: Duration, probe: Probe, now: u64) -> bool {
        let is_early = now < after(probe.0, timeout.checked_div(2).unwrap_or_default());
        is_early && self.doubted.is_none_or(|doubted| now >= after(doubted, settings.window))
    }

    /// How it stands.
    #[must_use]
    pub fn view(&self, now: u64) -> View {
        let Part { calls, unanswered, .. } = self.window.sum(now);
        let lasted = Duration::from_nanos(now.saturating_sub(self.since));
        View { state: self.state, lasted, calls, unanswered }
    }

    fn begin(&mut self, state: State, now: u64) -> State {
        (self.state, self.since) = (state, now);
        if state != State::HalfOpen {
            self.window.clear();
            (self.answered, self.doubted) = (0, None);
        }
        state
    }
}

/// Calls of the last while.
#[derive(Debug, Clone, Copy)]
struct Window {
    parts: [Part; PARTS],
    /// Which part of all time the newest one is.
    newest: u64,
    /// How long a part is.
    length: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Part {
    calls: u32,
    unanswered: u32,
    /// Those of the unanswered ones that have ended since the last answer.
    in_a_row: u32,
}

impl Window {
    fn new(window: Duration) -> Self {
        let length = nanoseconds(window).checked_div(PARTS as u64).unwrap_or(0).max(1);
        Self { parts: [Part::default(); PARTS], newest: 0, length }
    }

    fn clear(&mut self) {
        self.parts = [Part::default(); PARTS];
    }

    fn add(&mut self, now: u64, answered: bool) {
        *self = self.at(now);
        if answered {
            self.parts.iter_mut().for_each(|part| part.in_a_row = 0);
        }
        if let Some(part) = self.parts.first_mut() {
            *part = part.and(Part { calls: 1, unanswered: u32::from(!answered), in_a_row: u32::from(!answered) });
        }
    }

    /// As it stands now: the newest part first, those that are too old forgotten.
    fn at(self, now: u64) -> Self {
        let newest = now.checked_div(self.length).unwrap_or(0);
        let gone = usize::try_from(newest.saturating_sub(self.newest)).unwrap_or(PARTS);
        let mut parts = [Part::default(); PARTS];
        for (new, old) in parts.iter_mut().skip(gone).zip(self.parts) {
            *new = old;
        }
        Self { parts, newest, ..self }
    }

    fn sum(self, now: u64) -> Part {
        self.at(now).parts.into_iter().fold(Part::default(), Part::and)
    }

    fn is_bad(self, settings: &config::Breaker, now: u64) -> bool {
        let Part { calls, unanswered, in_a_row } = self.sum(now);
        let share = u64::from(unanswered).saturating_mul(100);
        let is_share_bad = share >= u64::from(calls).saturating_mul(settings.failure_percentage);
        in_a_row >= settings.minimum_calls || (calls >= settings.minimum_calls && is_share_bad)
    }
}

impl Part {
    const fn and(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(other.calls),
            unanswered: self.unanswered.saturating_add(other.unanswered),
            in_a_row: self.in_a_row.saturating_add(other.in_a_row),
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn after(now: u64, duration: Duration) -> u64 {
    now.saturating_add(nanoseconds(duration))
}

#[cfg(test)]
mod tests;
