//! What the calls of one evaluation share: the budget, the moment, the mode; and what outlives it: the memory.

use super::Failure;
use super::memory::Memory;
use crate::config::Limits;
use crate::engine::EvalError;
use crate::host::Clock;
use std::rc::Rc;

/// Steps between two looks at the clock, which is a call into the host (0.1 to 0.2 us).
const STEPS_PER_LOOK: u32 = 512;

/// Bytes of work that count as one step, about 20 ns.
const BYTES_PER_STEP: usize = 64;

/// What is true for the whole of one evaluation. `time.now_ns`, `rand.*` and `uuid.rfc4122` give one value per request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Moment {
    /// Nanoseconds since the epoch.
    pub now_ns: i64,
    /// What random answers are made from. Never secret.
    pub seed: u64,
}

/// The context of an evaluation. One lives as long as its engine; [`begin`](Self::begin) makes it ready for the next
/// evaluation.
pub struct Context {
    clock: Rc<dyn Clock>,
    steps_left: u64,
    until_look: u32,
    deadline: u64,
    moment: Moment,
    /// See [`holds_until`](Self::holds_until).
    boundary: Option<i64>,
    /// Errors of builtins end the evaluation instead of making the call undefined.
    pub strict: bool,
    /// Programs and results that are kept from one evaluation to the next, bounded.
    pub memory: Memory,
}

impl Context {
    /// A context whose budget is empty until [`begin`](Self::begin).
    #[must_use]
    pub fn new(clock: Rc<dyn Clock>) -> Self {
        Self {
            clock,
            steps_left: 0,
            until_look: 0,
            deadline: 0,
            moment: Moment::default(),
            boundary: None,
            strict: false,
            memory: Memory::default(),
        }
    }

    /// Fills the budget for one evaluation.
    pub fn begin(&mut self, limits: Limits, moment: Moment) {
        let time = u64::try_from(limits.time.as_nanos()).unwrap_or(u64::MAX);
        self.steps_left = limits.steps;
        self.until_look = STEPS_PER_LOOK;
        self.deadline = self.clock.now().saturating_add(time);
        self.moment = moment;
        self.boundary = None;
    }

    /// The moment of the evaluation.
    #[must_use]
    pub const fn moment(&self) -> Moment {
        self.moment
    }

    /// A builtin compared the moment with a time: from this one on, a later one, it may answer otherwise; `i64::MAX` if
    /// only before the moment it may.
    pub fn compared_with(&mut self, time_ns: i64) {
        self.boundary = Some(self.boundary.map_or(time_ns, |earliest| earliest.min(time_ns)));
    }

    /// The earliest time after the moment with which it was compared, in nanoseconds since the epoch. From the moment until
    /// then, a token that was valid is valid. `None`: the moment was not compared with anything.
    #[must_use]
    pub const fn holds_until(&self) -> Option<i64> {
        self.boundary
    }

    /// Takes one step.
    ///
    /// # Errors
    /// A budget is used up. It stays used up.
    #[inline]
    pub fn step(&mut self) -> Result<(), EvalError> {
        self.take(1)
    }

    /// Takes the steps of work on so many bytes (or members, or characters), to be called before the work is done:
    /// nothing looks at the budget inside a builtin otherwise. Results count as well, which bounds memory.
    ///
    /// # Errors
    /// A budget is used up. It stays used up.
    #[inline]
    pub fn work(&mut self, bytes: usize) -> Result<(), Failure> {
        let steps = bytes.checked_div(BYTES_PER_STEP).unwrap_or(0).saturating_add(1);
        self.take(u64::try_from(steps).unwrap_or(u64::MAX)).map_err(Failure::Stop)
    }

    #[inline]
    fn take(&mut self, steps: u64) -> Result<(), EvalError> {
        let Some(left) = self.steps_left.checked_sub(steps) else {
            self.steps_left = 0;
            return Err(EvalError::StepLimit);
        };
        self.steps_left = left;
        match u32::try_from(steps).ok().and_then(|steps| self.until_look.checked_sub(steps)) {
            Some(left) => {
                self.until_look = left;
                Ok(())
            }
            None => self.look(),
        }
    }

    #[cold]
    fn look(&mut self) -> Result<(), EvalError> {
        self.until_look = STEPS_PER_LOOK;
        if self.clock.now() < self.deadline {
            return Ok(());
        }
        self.steps_left = 0;
        Err(EvalError::TimeLimit)
    }
}
