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
//! A probe is a question that no client has written, asked on the tick. It is what keeps clients from opening the
//! breaker with questions that take long: the OPA answers the probe, and the breaker stays closed. While the breaker is
//! open a request would have got no answer either.
//!
//! One breaker a worker and cluster. Time is passed in, in nanoseconds of the VM's clock.

use crate::config;
use std::time::Duration;

/// A window is counted in this many parts; the oldest is forgotten as a whole.
const PARTS: usize = 10;

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

/// The breaker of one cluster in one VM.
#[derive(Debug, Clone, Copy)]
pub struct Breaker {
    state: State,
    /// When the state began.
    since: u64,
    window: Window,
    /// The probe that is under way, and when it is given up for lost.
    probe: Option<(Probe, u64)>,
    /// When the next probe is due, while the breaker is not closed.
    next_probe: u64,
    /// Probes that were answered in a row, while the breaker is half open.
    answered: u32,
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
    /// A closed one.
    #[must_use]
    pub const fn new(now: u64) -> Self {
        Self { state: State::Closed, since: now, window: Window::new(), probe: None, next_probe: 0, answered: 0 }
    }

    /// Whether calls may be made.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// A call that was sent at `sent_at` is over. Those from before the state began tell nothing about it.
    pub fn record(&mut self, settings: &config::Breaker, answered: bool, sent_at: u64, now: u64) {
        if self.is_closed() && sent_at >= self.since {
            self.window.add(settings.window, now, answered);
        }
    }

    /// The probe that is to be sent now, if one is.
    pub fn tick(&mut self, settings: &config::Breaker, timeout: Duration, now: u64) -> Option<Probe> {
        // Its reply went to a configuration that is gone.
        self.probe = self.probe.filter(|(_, lost)| now < *lost);
        let is_due = match self.state {
            State::Closed => self.window.is_bad(settings, now),
            State::Open | State::HalfOpen => now >= self.next_probe,
        };
        if self.probe.is_some() || !is_due {
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
    pub fn probed(&mut self, settings: &config::Breaker, probe: Probe, answered: bool, now: u64) -> Option<State> {
        if !self.awaits(probe) {
            return None;
        }
        self.probe = None;
        self.answered = if answered { self.answered.saturating_add(1) } else { 0 };
        self.next_probe = if answered { now } else { after(now, settings.probe_interval) };
        let state = match self.state {
            // It answers: what had no answer was asked too much.
            State::Closed if answered => {
                self.window = Window::new();
                State::Closed
            }
            _ if !answered => State::Open,
            _ if self.answered >= settings.probes => State::Closed,
            _ => State::HalfOpen,
        };
        (state != self.state).then(|| self.begin(state, now))
    }

    /// How it stands.
    #[must_use]
    pub fn view(&self, settings: &config::Breaker, now: u64) -> View {
        let (calls, unanswered) = self.window.sum(settings.window, now);
        let lasted = Duration::from_nanos(now.saturating_sub(self.since));
        View { state: self.state, lasted, calls, unanswered }
    }

    fn begin(&mut self, state: State, now: u64) -> State {
        (self.state, self.since) = (state, now);
        if state != State::HalfOpen {
            self.window = Window::new();
            self.answered = 0;
        }
        state
    }
}

/// Calls of the last while, and those of them without an answer.
#[derive(Debug, Clone, Copy)]
struct Window {
    parts: [Part; PARTS],
    /// Which part of all time the newest one is.
    newest: u64,
    /// How long a part is. Another length begins a new window.
    length: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Part {
    calls: u32,
    unanswered: u32,
}

impl Window {
    const fn new() -> Self {
        Self { parts: [Part { calls: 0, unanswered: 0 }; PARTS], newest: 0, length: 0 }
    }

    fn add(&mut self, window: Duration, now: u64, answered: bool) {
        *self = self.at(window, now);
        if let Some(part) = self.parts.first_mut() {
            part.calls = part.calls.saturating_add(1);
            part.unanswered = part.unanswered.saturating_add(u32::from(!answered));
        }
    }

    /// As it stands now: the newest part first, those that are too old forgotten.
    fn at(self, window: Duration, now: u64) -> Self {
        let length = nanoseconds(window).checked_div(PARTS as u64).unwrap_or(0).max(1);
        let newest = now.checked_div(length).unwrap_or(0);
        let gone = if length == self.length { newest.saturating_sub(self.newest) } else { u64::MAX };
        let mut parts = [Part::default(); PARTS];
        let gone = usize::try_from(gone).unwrap_or(PARTS);
        for (new, old) in parts.iter_mut().skip(gone).zip(self.parts) {
            *new = old;
        }
        Self { parts, newest, length }
    }

    fn sum(self, window: Duration, now: u64) -> (u32, u32) {
        let Self { parts, .. } = self.at(window, now);
        parts.iter().fold((0, 0), |(calls, unanswered), part| {
            (calls.saturating_add(part.calls), unanswered.saturating_add(part.unanswered))
        })
    }

    fn is_bad(self, settings: &config::Breaker, now: u64) -> bool {
        let (calls, unanswered) = self.sum(settings.window, now);
        let share = u64::from(unanswered).saturating_mul(100);
        calls >= settings.minimum_calls && share >= u64::from(calls).saturating_mul(settings.failure_percentage)
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
