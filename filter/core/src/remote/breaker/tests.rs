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

const fn milliseconds(count: u64) -> u64 {
    count * 1_000_000
}

fn new(now: u64) -> Breaker {
    Breaker::new(SETTINGS.window, now)
}

impl Breaker {
    fn calls(&mut self, answered: bool, count: usize, now: u64) {
        (0..count).for_each(|_| self.record(answered, now, now));
    }

    fn asks(&mut self, now: u64) -> Option<Probe> {
        self.probe(&SETTINGS, TIMEOUT, now)
    }

    /// After all its time.
    fn hears(&mut self, probe: Option<Probe>, answered: bool, now: u64) -> Option<State> {
        self.probed(&SETTINGS, Duration::ZERO, probe.expect("a probe"), answered, now)
    }

    /// One that has just opened.
    fn opened(now: u64) -> Self {
        let mut breaker = new(now);
        breaker.calls(false, 10, now);
        let probe = breaker.asks(now);
        assert_eq!(breaker.hears(probe, false, now), Some(State::Open));
        breaker
    }
}

#[test]
fn it_opens_when_calls_and_probe_have_no_answer() {
    let mut breaker = new(0);
    breaker.calls(false, 9, SECOND);
    assert_eq!(breaker.asks(SECOND), None, "too few calls");
    breaker.calls(true, 10, SECOND);
    assert_eq!(breaker.asks(SECOND), None, "9 of 19");
    breaker.calls(false, 1, SECOND);
    let probe = breaker.asks(SECOND);
    assert!(breaker.is_closed() && probe.is_some(), "10 of 20, and calls are made until the probe has failed");
    assert_eq!(breaker.asks(SECOND), None, "one probe at a time");
    assert_eq!(breaker.hears(probe, false, SECOND), Some(State::Open));
    assert!(!breaker.is_closed());
}

#[test]
fn questions_that_take_long_do_not_open_it() {
    let mut breaker = new(0);
    for round in 1..100 {
        let now = round * SECOND;
        breaker.calls(false, 1_000, now);
        let probe = breaker.asks(now);
        assert_eq!(breaker.hears(probe, true, now), None);
        assert!(breaker.is_closed());
        assert_eq!(breaker.asks(now), None, "the suspicion is over");
    }
}

#[test]
fn what_is_older_than_the_window_does_not_count() {
    let mut breaker = new(0);
    breaker.calls(true, 1_000, SECOND);
    breaker.calls(false, 10, 5 * SECOND);
    breaker.calls(true, 1, 5 * SECOND);
    assert_eq!(breaker.asks(5 * SECOND), None, "10 of 1011");
    assert_eq!(breaker.asks(6 * SECOND - 1), None);
    assert!(breaker.asks(6 * SECOND).is_some(), "10 of 11: a window is forgotten in tenths");
    for later in [6 * SECOND, u64::MAX] {
        let mut breaker = new(0);
        breaker.calls(false, 10, SECOND);
        assert_eq!(breaker.asks(later), None);
    }
}

#[test]
fn the_last_calls_raise_the_suspicion_too_whatever_came_before() {
    let mut breaker = new(0);
    breaker.calls(true, 1_000, SECOND);
    breaker.calls(false, 9, 2 * SECOND);
    assert_eq!(breaker.asks(2 * SECOND), None, "9 in a row");
    breaker.calls(false, 1, 3 * SECOND);
    let probe = breaker.asks(3 * SECOND);
    assert_eq!(breaker.view(3 * SECOND).calls, 1_010, "10 in a row, 1 % of the window");
    assert_eq!(breaker.hears(probe, false, 3 * SECOND), Some(State::Open));
}

#[test]
fn an_answered_call_ends_the_row() {
    let mut breaker = new(0);
    breaker.calls(true, 1_000, SECOND);
    for part in 2..5 {
        breaker.calls(false, 9, part * SECOND);
        breaker.calls(true, 1, part * SECOND);
    }
    breaker.calls(false, 9, 5 * SECOND);
    assert_eq!(breaker.asks(5 * SECOND), None, "9 in a row, the fourth time");
    breaker.calls(false, 1, 5 * SECOND);
    assert!(breaker.asks(5 * SECOND).is_some());
}

#[test]
fn calls_from_outside_the_window_are_not_in_the_row() {
    let mut breaker = new(0);
    breaker.calls(false, 5, SECOND);
    breaker.calls(false, 9, 6 * SECOND);
    assert_eq!(breaker.view(6 * SECOND).calls, 9);
    assert_eq!(breaker.asks(6 * SECOND), None);
    breaker.calls(false, 1, 6 * SECOND);
    assert!(breaker.asks(6 * SECOND).is_some());
}

#[test]
fn a_suspicion_asks_for_its_probe_at_once_but_not_for_one_after_the_other() {
    let mut breaker = new(0);
    breaker.calls(false, 9, SECOND);
    assert!(!breaker.wants_probe(&SETTINGS, SECOND));
    breaker.calls(false, 1, SECOND);
    assert!(breaker.wants_probe(&SETTINGS, SECOND));
    let probe = breaker.asks(SECOND);
    assert!(!breaker.wants_probe(&SETTINGS, SECOND), "it is under way");
    assert_eq!(breaker.hears(probe, true, SECOND + milliseconds(10)), None);
    breaker.calls(false, 100, SECOND + milliseconds(20));
    let next = SECOND + milliseconds(950);
    assert!(!breaker.wants_probe(&SETTINGS, next - 1));
    assert_eq!(breaker.asks(next - 1), None);
    assert!(breaker.wants_probe(&SETTINGS, next));
    assert!(breaker.asks(next).is_some());
}

#[test]
fn it_closes_after_enough_answered_probes_in_a_row() {
    let mut breaker = Breaker::opened(SECOND);
    assert_eq!(breaker.asks(4 * SECOND - 1), None, "not before the interval is over");
    let probe = breaker.asks(4 * SECOND);
    assert_eq!(breaker.hears(probe, true, 4 * SECOND), Some(State::HalfOpen));
    assert!(!breaker.is_closed());
    assert_eq!(breaker.asks(4 * SECOND + milliseconds(950) - 1), None, "one a second");
    let probe = breaker.asks(5 * SECOND);
    assert_eq!(breaker.hears(probe, false, 5 * SECOND), Some(State::Open));
    let probe = breaker.asks(8 * SECOND);
    assert_eq!(breaker.hears(probe, false, 8 * SECOND), None, "still open");
    let probe = breaker.asks(11 * SECOND);
    assert_eq!(breaker.hears(probe, true, 11 * SECOND), Some(State::HalfOpen), "counted anew");
    let probe = breaker.asks(12 * SECOND);
    assert_eq!(breaker.hears(probe, true, 12 * SECOND), Some(State::Closed));
    assert!(breaker.is_closed());
    let once = config::Breaker { probes: 1, ..SETTINGS };
    let mut breaker = Breaker::opened(SECOND);
    let probe = breaker.probe(&once, TIMEOUT, 4 * SECOND).unwrap();
    assert_eq!(breaker.probed(&once, TIMEOUT, probe, true, 4 * SECOND), Some(State::Closed));
}

#[test]
fn calls_from_before_it_closed_tell_nothing() {
    let mut breaker = Breaker::opened(SECOND);
    breaker.calls(false, 100, 2 * SECOND);
    for now in [4 * SECOND, 5 * SECOND] {
        let probe = breaker.asks(now);
        breaker.hears(probe, true, now);
    }
    assert!(breaker.is_closed());
    for _ in 0..100 {
        breaker.record(false, 5 * SECOND - 1, 6 * SECOND);
    }
    assert_eq!(breaker.asks(6 * SECOND), None);
    breaker.calls(false, 10, 6 * SECOND);
    assert!(breaker.asks(6 * SECOND).is_some());
}

#[test]
fn a_probe_whose_reply_is_lost_is_sent_again_and_changes_nothing() {
    let mut breaker = new(0);
    breaker.calls(false, 10, SECOND);
    let lost = breaker.asks(SECOND);
    let patience = SECOND + 400_000_000;
    assert_eq!(breaker.asks(SECOND + patience - 1), None);
    breaker.calls(false, 10, SECOND + patience);
    let second = breaker.asks(SECOND + patience);
    assert!(breaker.is_closed() && second.is_some() && second != lost);
    assert_eq!(breaker.hears(lost, false, 3 * SECOND), None, "too late");
    assert!(breaker.is_closed() && breaker.awaits(second.unwrap()));
    assert_eq!(breaker.hears(second, false, 3 * SECOND), Some(State::Open));
    assert_eq!(breaker.hears(second, true, 3 * SECOND), None, "once");
}

#[test]
fn operators_see_state_age_and_calls() {
    let mut breaker = new(SECOND);
    breaker.calls(true, 3, 2 * SECOND);
    breaker.calls(false, 2, 2 * SECOND);
    let lasted = Duration::from_secs(2);
    let view = View { state: State::Closed, lasted, calls: 5, unanswered: 2 };
    assert_eq!(breaker.view(3 * SECOND), view);
    let view = View { state: State::Open, lasted, calls: 0, unanswered: 0 };
    assert_eq!(Breaker::opened(SECOND).view(3 * SECOND), view);
}

#[test]
fn a_probe_that_fails_at_once_opens_nothing_unless_another_one_has_no_answer_either() {
    let in_doubt = || {
        let mut breaker = new(0);
        breaker.calls(false, 10, SECOND);
        let probe = breaker.asks(SECOND).unwrap();
        assert_eq!(breaker.probed(&SETTINGS, TIMEOUT, probe, false, SECOND + milliseconds(99)), None);
        breaker
    };
    let second = SECOND + milliseconds(950);
    for (answered, becomes) in [(true, None), (false, Some(State::Open))] {
        let mut breaker = in_doubt();
        assert_eq!(breaker.asks(second - 1), None);
        let probe = breaker.asks(second).expect("the suspicion lasts");
        assert_eq!(breaker.probed(&SETTINGS, TIMEOUT, probe, answered, second), becomes);
    }
    // The burst is over.
    let mut breaker = in_doubt();
    breaker.calls(true, 11, second);
    assert_eq!(breaker.asks(second), None);
    // Long after, it is another one.
    let later = SECOND + milliseconds(99) + 5 * SECOND;
    breaker.calls(false, 10, later);
    let probe = breaker.asks(later).unwrap();
    assert_eq!(breaker.probed(&SETTINGS, TIMEOUT, probe, false, later), None);
    // One that has waited is not in doubt.
    let mut breaker = new(0);
    breaker.calls(false, 10, SECOND);
    let probe = breaker.asks(SECOND).unwrap();
    assert_eq!(breaker.probed(&SETTINGS, TIMEOUT, probe, false, SECOND + milliseconds(100)), Some(State::Open));
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
    doubted: Option<u64>,
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
        let is_share_bad = self.calls.len() >= 10 && bad * 2 >= self.calls.len();
        let in_a_row = self.calls.iter().rev().take_while(|(_, answered)| !answered).count();
        let is_suspect = self.open_since.is_some() || is_share_bad || in_a_row >= 10;
        let sends = self.awaited.is_none() && now >= self.due && is_suspect;
        self.awaited = if sends { Some(now) } else { self.awaited };
        sends.then_some(now)
    }

    fn probed(&mut self, answered: bool, now: u64) {
        let sent = self.awaited.take().expect("a probe");
        let apart = sent + milliseconds(950);
        match (self.open_since, answered) {
            (None, true) => {
                self.calls.clear();
                (self.due, self.doubted) = (apart, None);
            }
            (None, false) if now < sent + milliseconds(100) && self.doubted.is_none_or(|at| now >= at + 5 * SECOND) => {
                (self.due, self.doubted) = (apart, Some(now));
            }
            (None, false) => {
                self.calls.clear();
                self.doubted = None;
                (self.open_since, self.due, self.answered_in_a_row) = (Some(now), now + 3 * SECOND, 0);
            }
            (Some(_), false) => (self.due, self.answered_in_a_row) = (now + 3 * SECOND, 0),
            (Some(_), true) if self.answered_in_a_row == 1 => {
                self.calls.clear();
                (self.open_since, self.closed_since, self.due, self.answered_in_a_row) = (None, now, apart, 0);
            }
            (Some(_), true) => (self.due, self.answered_in_a_row) = (apart, 1),
        }
    }
}

#[test]
fn it_does_what_the_model_does() {
    let mut random = Random::new(3);
    let (mut opened, mut half, mut closed) = (0, 0, 0);
    for _ in 0..200 {
        let (mut breaker, mut model, mut now) = (new(0), Model::default(), 0);
        let mut probe: Option<Probe> = None;
        for _ in 0..400 {
            now += random.pick(&[0, 1, SECOND / 10, SECOND / 2, SECOND, 7 * SECOND]) / random.pick(&[1, 3]);
            match random.next(4) {
                0 => {
                    let (answered, sent_at) = (random.next(3) == 0, now - random.pick(&[0, now / 100]));
                    for _ in 0..random.next(8) {
                        breaker.record(answered, sent_at, now);
                        model.record(answered, sent_at, now);
                    }
                }
                1 | 2 => {
                    let wanted = breaker.wants_probe(&SETTINGS, now);
                    let sent = breaker.asks(now);
                    assert_eq!(wanted, sent.is_some());
                    assert_eq!(sent, model.tick(now).map(Probe));
                    probe = sent.or(probe);
                }
                _ => {
                    let Some(sent) = probe.take().filter(|probe| breaker.awaits(*probe)) else { continue };
                    let answered = random.next(2) == 0;
                    match breaker.probed(&SETTINGS, TIMEOUT, sent, answered, now) {
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
