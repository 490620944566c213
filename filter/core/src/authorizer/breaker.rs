//! The breaker of the remote OPA: what calls tell it, and its probes.

use super::Authorizer;
use crate::config::{self, Remote};
use crate::metrics::{Counter, ProbeResult, Reason};
use crate::remote::breaker::{Breaker, Key, Probe, State, View};
use crate::remote::{self, Callout, Reply};
use std::cell::Cell;
use std::time::Duration;

/// What a probe has found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probed {
    /// Whether it was answered.
    pub result: ProbeResult,
    /// The state that begins with it, if one does.
    pub begins: Option<State>,
}

impl Probed {
    /// What is to be counted.
    pub fn counters(self) -> impl Iterator<Item = Counter> {
        [Counter::BreakerProbe(self.result)].into_iter().chain(self.begins.map(Counter::BreakerTransition))
    }
}

/// Of the breaker of this remote OPA; `None`: it is switched off.
pub(super) fn key(remote: &Remote) -> Option<Key> {
    let window = remote.breaker.as_ref()?.window;
    Some(Key { cluster: remote.cluster.clone(), window, timeout: remote.timeout })
}

impl Authorizer {
    /// Whether the remote OPA is asked.
    pub(super) fn asks_remote(&self) -> bool {
        self.breaker.as_ref().is_none_or(|breaker| breaker.get().is_closed())
    }

    /// Whether the inline side decides for remote users while the remote OPA is not asked.
    pub(super) fn falls_back_to_inline(&self) -> bool {
        self.guarded().is_some_and(|(_, _, settings)| settings.fallback_to_inline)
    }

    /// A call that was sent at `sent_at` is over, with an error if it had one.
    pub(super) fn heard(&self, error: Option<Reason>, sent_at: u64) {
        if error == Some(Reason::Overloaded) {
            return;
        }
        let answered = !error.is_some_and(Reason::is_silence);
        self.change(|breaker, _, _| breaker.record(answered, sent_at, self.clock.now()));
    }

    /// Whether a probe is to be sent now.
    pub(super) fn wants_probe(&self) -> bool {
        self.guarded().is_some_and(|(breaker, _, settings)| breaker.get().wants_probe(settings, self.clock.now()))
    }

    /// The probe that is to be sent now, if one is. To be asked on every tick.
    #[must_use]
    pub fn probe(&self) -> Option<(Probe, Callout)> {
        self.change(|breaker, settings, remote| {
            let probe = breaker.probe(settings, remote.timeout, self.clock.now())?;
            Some((probe, remote::probe(remote)))
        })?
    }

    /// What became of a probe; `None`: nobody waits for it any more.
    pub fn probed(&self, probe: Probe, reply: Reply) -> Option<Probed> {
        self.change(|breaker, settings, remote| {
            if !breaker.awaits(probe) {
                return None;
            }
            // Whether a 504 is Envoy's or OPA's makes no difference here.
            let silent = remote::result(remote, reply, Duration::ZERO).is_err_and(Reason::is_silence);
            let result = if silent { ProbeResult::Unanswered } else { ProbeResult::Answered };
            let begins = breaker.probed(settings, remote.timeout, probe, !silent, self.clock.now());
            Some(Probed { result, begins })
        })?
    }

    /// How the breaker stands in this worker; `None`: there is none.
    #[must_use]
    pub fn breaker(&self) -> Option<View> {
        self.guarded().map(|(breaker, ..)| breaker.get().view(self.clock.now()))
    }

    fn guarded(&self) -> Option<(&Cell<Breaker>, &Remote, &config::Breaker)> {
        let remote = self.config.remote.as_ref()?;
        Some((self.breaker.as_deref()?, remote, remote.breaker.as_ref()?))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Breaker, &config::Breaker, &Remote) -> T) -> Option<T> {
        let (cell, remote, settings) = self.guarded()?;
        let mut breaker = cell.get();
        let result = change(&mut breaker, settings, remote);
        cell.set(breaker);
        Some(result)
    }
}
