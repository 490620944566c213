//! Counts the steps of an evaluation and watches its clock.
//!
//! regorus asks a global time source "how late is it?" after every [`STEPS_PER_LOOK`] steps. Built without its `std`
//! feature it asks ours, so the same look counts steps: when either budget is used up the time it is shown leaps,
//! and the interpreter stops with its time-limit error. That gives a step limit that is exact and the same on
//! every machine, which the interpreter itself does not have, and keeps the clock a parameter.

use super::EvalError;
use crate::host::Clock;
use regorus::utils::limits::{ExecutionTimerConfig, TimeSource, set_time_source};
use std::cell::RefCell;
use std::num::NonZeroU32;
use std::rc::Rc;
use std::time::Duration;

/// Steps between two looks at the clock, which is a call into the host (0.1 to 0.2 us).
const STEPS_PER_LOOK: NonZeroU32 = match NonZeroU32::new(128) {
    Some(steps) => steps,
    None => NonZeroU32::MIN,
};

thread_local! {
    static BUDGET: RefCell<Option<Budget>> = const { RefCell::new(None) };
}

/// regorus' own limit, in the time that is shown to it. That time stands still until a budget is used up.
const SHOWN_LIMIT: Duration = Duration::from_secs(1);

/// Looks that regorus takes before the first step, to set its start.
const LOOKS_BEFORE_THE_START: u64 = 2;

struct Budget {
    shown: Duration,
    steps_left: u64,
    deadline: u64,
    clock: Rc<dyn Clock>,
    exhausted: Option<EvalError>,
}

/// The time source regorus looks at.
struct Meter;

static METER: Meter = Meter;

impl TimeSource for Meter {
    fn now(&self) -> Option<Duration> {
        BUDGET.with(|budget| match budget.try_borrow_mut() {
            Ok(mut budget) => Some(budget.as_mut().map_or(Duration::ZERO, Budget::look)),
            Err(_) => Some(Duration::MAX),
        })
    }
}

impl Budget {
    fn look(&mut self) -> Duration {
        match self.steps_left.checked_sub(u64::from(STEPS_PER_LOOK.get())) {
            Some(left) => self.steps_left = left,
            None => self.exhausted = Some(EvalError::StepLimit),
        }
        if self.exhausted.is_none() && self.clock.now() >= self.deadline {
            self.exhausted = Some(EvalError::TimeLimit);
        }
        if self.exhausted.is_some() {
            // It leaps at every look, so that two looks are always further apart than the limit: a budget may be
            // used up before the look that sets the start.
            self.shown = self.shown.saturating_add(SHOWN_LIMIT).saturating_add(SHOWN_LIMIT);
        }
        self.shown
    }
}

/// What an engine must be told so that it looks at the meter at all.
pub fn timer_config() -> ExecutionTimerConfig {
    // Registering twice is an error that says it is registered: nothing to do.
    let _ = set_time_source(&METER);
    ExecutionTimerConfig { limit: SHOWN_LIMIT, check_interval: STEPS_PER_LOOK }
}

/// Runs `evaluate` under a budget; says which budget was used up, if one was.
pub fn metered<T>(
    steps: u64,
    time: Duration,
    clock: &Rc<dyn Clock>,
    evaluate: impl FnOnce() -> T,
) -> (T, Option<EvalError>) {
    let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let budget = Budget {
        shown: Duration::ZERO,
        // The looks before the start stand for no steps.
        steps_left: steps.saturating_add(u64::from(STEPS_PER_LOOK.get()).saturating_mul(LOOKS_BEFORE_THE_START)),
        deadline: clock.now().saturating_add(time),
        clock: Rc::clone(clock),
        exhausted: None,
    };
    BUDGET.with(|slot| slot.replace(Some(budget)));
    let result = evaluate();
    let budget = BUDGET.with(|slot| slot.replace(None));
    (result, budget.and_then(|budget| budget.exhausted))
}
