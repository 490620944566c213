use super::*;
use crate::host::testing::Random;
use std::collections::VecDeque;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SECOND: u64 = 1_000_000_000;
const TIMEOUT: Duration = Duration::from_millis(200);

const SETTINGS: config::Breaker = config::Breaker {
    failure_percentage: 50,
    minimum_calls: 10,
    window: Duration::from_secs(5),
    probe_interval: Duration::from_secs(3),
    probes: 2,
    fallback_to_inline: false,
};

impl Breaker {
    fn calls(&mut self, answered: bool, count: usize, now: u64) {
        (0..count).for_each(|_| self.record(&SETTINGS, answered, now, now));
    }

    fn ticks(&mut self, now: u64) -> Option<Probe> {
        self.tick(&SETTINGS, TIMEOUT, now)
    }

    fn hears(&mut self, probe: Option<Probe>, answered: bool, now: u64) -> Option<State> {
        self.probed(&SETTINGS, probe.expect("a probe"), answered, now)
    }

    /// One that has just opened.
    fn opened(now: u64) -> Self {
        let mut breaker = Self::new(now);
        breaker.calls(false, 10, now);
        let probe = breaker.ticks(now);
        assert_eq!(breaker.hears(probe, false, now), Some(State::Open));
        breaker
    }
}

#[test]
fn it_opens_when_calls_and_probe_have_no_answer() {
    let mut breaker = Breaker::new(0);
    breaker.calls(false, 9, SECOND);
    assert_eq!(breaker.ticks(SECOND), None, "too few calls");
    breaker.calls(true, 10, SECOND);
    assert_eq!(breaker.ticks(SECOND), None, "9 of 19");
    breaker.calls(false, 1, SECOND);
    let probe = breaker.ticks(SECOND);
    assert!(breaker.is_closed() && probe.is_some(), "10 of 20, and calls are made until the probe has failed");
    assert_eq!(breaker.ticks(SECOND), None, "one probe at a time");
    assert_eq!(breaker.hears(probe, false, SECOND), Some(State::Open));
    assert!(!breaker.is_closed());
}

#[test]
fn questions_that_take_long_do_not_open_it() {
    let mut breaker = Breaker::new(0);
    for round in 1..100 {
        let now = round * SECOND;
        breaker.calls(false, 1_000, now);
        let probe = breaker.ticks(now);
        assert_eq!(breaker.hears(probe, true, now), None);
        assert!(breaker.is_closed());
        assert_eq!(breaker.ticks(now), None, "the suspicion is over");
    }
}

#[test]
fn what_is_older_than_the_window_does_not_count() {
    let mut breaker = Breaker::new(0);
    breaker.calls(true, 1_000, SECOND);
    breaker.calls(false, 10, 5 * SECOND);
    assert_eq!(breaker.ticks(5 * SECOND), None, "10 of 1010");
    assert_eq!(breaker.ticks(6 * SECOND - 1), None);
    assert!(breaker.ticks(6 * SECOND).is_some(), "10 of 10: a window is forgotten in tenths");
    let mut breaker = Breaker::new(0);
    breaker.calls(false, 10, SECOND);
    assert_eq!(breaker.ticks(6 * SECOND), None);
    // Another window begins anew, and so does one after a long while.
    breaker.calls(false, 10, 6 * SECOND);
    let longer = config::Breaker { window: Duration::from_secs(50), ..SETTINGS };
    assert_eq!(breaker.tick(&longer, TIMEOUT, 6 * SECOND), None);
    assert_eq!(breaker.ticks(u64::MAX), None);
}

#[test]
fn it_closes_after_enough_answered_probes_in_a_row() {
    let mut breaker = Breaker::opened(SECOND);
    assert_eq!(breaker.ticks(4 * SECOND - 1), None, "not before the interval is over");
    let probe = breaker.ticks(4 * SECOND);
    assert_eq!(breaker.hears(probe, true, 4 * SECOND), Some(State::HalfOpen));
    assert!(!breaker.is_closed());
    let probe = breaker.ticks(5 * SECOND);
    assert_eq!(breaker.hears(probe, false, 5 * SECOND), Some(State::Open));
    let probe = breaker.ticks(8 * SECOND);
    assert_eq!(breaker.hears(probe, false, 8 * SECOND), None, "still open");
    let probe = breaker.ticks(11 * SECOND);
    assert_eq!(breaker.hears(probe, true, 11 * SECOND), Some(State::HalfOpen), "counted anew");
    let probe = breaker.ticks(12 * SECOND);
    assert_eq!(breaker.hears(probe, true, 12 * SECOND), Some(State::Closed));
    assert!(breaker.is_closed());
    let once = config::Breaker { probes: 1, ..SETTINGS };
    let mut breaker = Breaker::opened(SECOND);
    let probe = breaker.tick(&once, TIMEOUT, 4 * SECOND).unwrap();
    assert_eq!(breaker.probed(&once, probe, true, 4 * SECOND), Some(State::Closed));
}

#[test]
fn calls_from_before_it_closed_tell_nothing() {
    let mut breaker = Breaker::opened(SECOND);
    breaker.calls(false, 100, 2 * SECOND);
    for now in [4 * SECOND, 5 * SECOND] {
        let probe = breaker.ticks(now);
        breaker.hears(probe, true, now);
    }
    assert!(breaker.is_closed());
    for _ in 0..100 {
        breaker.record(&SETTINGS, false, 5 * SECOND - 1, 6 * SECOND);
    }
    assert_eq!(breaker.ticks(6 * SECOND), None);
    breaker.calls(false, 10, 6 * SECOND);
    assert!(breaker.ticks(6 * SECOND).is_some());
}

#[test]
fn a_probe_whose_reply_is_lost_is_sent_again_and_changes_nothing() {
    let mut breaker = Breaker::new(0);
    breaker.calls(false, 10, SECOND);
    let lost = breaker.ticks(SECOND);
    let patience = SECOND + 400_000_000;
    assert_eq!(breaker.ticks(SECOND + patience - 1), None);
    breaker.calls(false, 10, SECOND + patience);
    let second = breaker.ticks(SECOND + patience);
    assert!(breaker.is_closed() && second.is_some() && second != lost);
    assert_eq!(breaker.hears(lost, false, 3 * SECOND), None, "too late");
    assert!(breaker.is_closed() && breaker.awaits(second.unwrap()));
    assert_eq!(breaker.hears(second, false, 3 * SECOND), Some(State::Open));
    assert_eq!(breaker.hears(second, true, 3 * SECOND), None, "once");
}

#[test]
fn operators_see_state_age_and_calls() {
    let mut breaker = Breaker::new(SECOND);
    breaker.calls(true, 3, 2 * SECOND);
    breaker.calls(false, 2, 2 * SECOND);
    let lasted = Duration::from_secs(2);
    let view = View { state: State::Closed, lasted, calls: 5, unanswered: 2 };
    assert_eq!(breaker.view(&SETTINGS, 3 * SECOND), view);
    let view = View { state: State::Open, lasted, calls: 0, unanswered: 0 };
    assert_eq!(Breaker::opened(SECOND).view(&SETTINGS, 3 * SECOND), view);
}

/// The same machine written another way: every call of the window is kept, and the state is told by what happened.
#[derive(Default)]
struct Model {
    calls: VecDeque<(u64, bool)>,
    open_since: Option<u64>,
    closed_since: u64,
    answered_in_a_row: u32,
    due: u64,
    awaited: Option<u64>,
}

impl Model {
    const TENTH: u64 = SECOND / 2;

    fn record(&mut self, answered: bool, sent_at: u64, now: u64) {
        if self.open_since.is_none() && sent_at >= self.closed_since {
            self.calls.push_back((now, answered));
        }
    }

    fn tick(&mut self, now: u64) -> Option<u64> {
        if self.awaited.is_some_and(|sent| now >= sent + SECOND + 400_000_000) {
            self.awaited = None;
        }
        let first = (now / Self::TENTH).saturating_sub(9) * Self::TENTH;
        self.calls.retain(|(at, _)| *at >= first);
        let bad = self.calls.iter().filter(|(_, answered)| !answered).count();
        let is_bad = self.calls.len() >= 10 && bad * 2 >= self.calls.len();
        let is_due = if self.open_since.is_some() { now >= self.due } else { is_bad };
        let sends = self.awaited.is_none() && is_due;
        self.awaited = if sends { Some(now) } else { self.awaited };
        sends.then_some(now)
    }

    fn probed(&mut self, answered: bool, now: u64) {
        self.awaited = None;
        match (self.open_since, answered) {
            (None, true) => self.calls.clear(),
            (None, false) => {
                self.calls.clear();
                (self.open_since, self.due, self.answered_in_a_row) = (Some(now), now + 3 * SECOND, 0);
            }
            (Some(_), false) => (self.due, self.answered_in_a_row) = (now + 3 * SECOND, 0),
            (Some(_), true) if self.answered_in_a_row == 1 => {
                self.calls.clear();
                (self.open_since, self.closed_since, self.answered_in_a_row) = (None, now, 0);
            }
            (Some(_), true) => (self.due, self.answered_in_a_row) = (now, 1),
        }
    }
}

#[test]
fn it_does_what_the_model_does() {
    let mut random = Random::new(3);
    let (mut opened, mut half, mut closed) = (0, 0, 0);
    for _ in 0..200 {
        let (mut breaker, mut model, mut now) = (Breaker::new(0), Model::default(), 0);
        let mut probe: Option<Probe> = None;
        for _ in 0..400 {
            now += random.pick(&[0, 1, SECOND / 10, SECOND / 2, SECOND, 7 * SECOND]) / random.pick(&[1, 3]);
            match random.next(4) {
                0 => {
                    let (answered, sent_at) = (random.next(3) == 0, now - random.pick(&[0, now / 100]));
                    for _ in 0..random.next(8) {
                        breaker.record(&SETTINGS, answered, sent_at, now);
                        model.record(answered, sent_at, now);
                    }
                }
                1 | 2 => {
                    let sent = breaker.ticks(now);
                    assert_eq!(sent, model.tick(now).map(Probe));
                    probe = sent.or(probe);
                }
                _ => {
                    let Some(sent) = probe.take().filter(|probe| breaker.awaits(*probe)) else { continue };
                    let answered = random.next(2) == 0;
                    match breaker.probed(&SETTINGS, sent, answered, now) {
                        Some(State::Open) => opened += 1,
                        Some(State::HalfOpen) => half += 1,
                        Some(State::Closed) => closed += 1,
                        None => {}
                    }
                    model.probed(answered, now);
                }
            }
            assert_eq!(breaker.is_closed(), model.open_since.is_none());
        }
    }
    assert!(opened > 200 && half > 200 && closed > 100, "{opened} {half} {closed}");
}
