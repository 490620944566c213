//! What the operator reads at 3 a.m.: one line per kind of error and ten seconds, with the number left out.

use crate::clock::{self, VmClock};
use sark_core::admin::{LastError, Refusal};
use sark_core::host::Clock;
use sark_core::metrics::{Implementation, LiveError, Reason};
use std::cell::RefCell;
use std::time::Duration;

/// How often one kind of error is written.
const INTERVAL: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Error {
    Undecided(Implementation, Reason),
    Live(LiveError),
    Admin(Refusal),
}

impl Error {
    /// As the operator sees it among the last errors of a worker. What callers of the admin API do wrong is none.
    const fn labels(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Undecided(implementation, reason) => Some((implementation.label(), reason.label())),
            Self::Live(error) => Some(("live", error.label())),
            Self::Admin(_) => None,
        }
    }
}

struct Kind {
    error: Error,
    written: u64,
    suppressed: u64,
    last: LastError,
}

/// How many kinds of errors the operator is shown, and how much of what is said of each.
const SHOWN: usize = 8;
const SHOWN_LENGTH: usize = 200;

thread_local! {
    /// At most one entry an error: a closed set.
    static KINDS: RefCell<Vec<Kind>> = const { RefCell::new(Vec::new()) };
}

/// A side could not decide.
pub fn error(implementation: Implementation, reason: Reason, detail: &str) {
    report(Error::Undecided(implementation, reason), detail);
}

/// The live state is not what it should be.
pub fn live(error: LiveError) {
    report(Error::Live(error), "");
}

/// An admin request was refused. `by`: the name of the token, if it is known.
pub fn refused(refusal: Refusal, by: &str) {
    report(Error::Admin(refusal), by);
}

/// The kinds of errors that occurred last, the latest first.
pub fn last() -> Vec<LastError> {
    let mut last: Vec<LastError> = KINDS.with_borrow(|kinds| {
        kinds.iter().filter(|kind| kind.error.labels().is_some()).map(|kind| kind.last.clone()).collect()
    });
    last.sort_by_key(|error| std::cmp::Reverse(error.at));
    last.truncate(SHOWN);
    last
}

/// Writes the error, or counts it when its kind was written just now.
fn report(error: Error, detail: &str) {
    let now = VmClock.now();
    let suppressed = KINDS.with_borrow_mut(|kinds| {
        let known = kinds.iter_mut().find(|kind| kind.error == error);
        let Some(kind) = known else {
            kinds.push(Kind { error, written: now, suppressed: 0, last: first(error, detail) });
            return Some(0);
        };
        remember(&mut kind.last, detail);
        if is_recent(kind.written, now) {
            kind.suppressed = kind.suppressed.saturating_add(1);
            return None;
        }
        kind.written = now;
        Some(std::mem::take(&mut kind.suppressed))
    });
    if let Some(suppressed) = suppressed {
        write(error, detail, suppressed);
    }
}

fn first(error: Error, detail: &str) -> LastError {
    let (implementation, reason) = error.labels().unwrap_or_default();
    let mut last =
        LastError { implementation: implementation.to_owned(), reason: reason.to_owned(), ..LastError::default() };
    remember(&mut last, detail);
    last
}

fn remember(last: &mut LastError, detail: &str) {
    last.count = last.count.saturating_add(1);
    last.at = clock::epoch_milliseconds().unwrap_or_default();
    last.detail.clear();
    last.detail.extend(detail.chars().take(SHOWN_LENGTH));
}

/// Writes how many were left out of kinds that stopped occurring. Called on every tick.
pub fn flush() {
    let now = VmClock.now();
    KINDS.with_borrow_mut(|kinds| {
        for kind in kinds.iter_mut().filter(|kind| kind.suppressed > 0 && !is_recent(kind.written, now)) {
            kind.written = now;
            write(kind.error, "", std::mem::take(&mut kind.suppressed));
        }
    });
}

fn is_recent(written: u64, now: u64) -> bool {
    Duration::from_nanos(now.saturating_sub(written)) < INTERVAL
}

fn write(error: Error, detail: &str, suppressed: u64) {
    let what = match error {
        Error::Undecided(Implementation::None, reason) => format!("not let through: {}", reason.label()),
        Error::Undecided(side, reason) => format!("{} could not decide: {}", side.label(), reason.label()),
        Error::Live(LiveError::Read) => "live state: it cannot be read, what was last read holds".to_owned(),
        Error::Live(LiveError::Malformed) => "live state: it is not ours, what was last read holds".to_owned(),
        Error::Live(LiveError::Write) => "live state: it cannot be written, or not be told to all workers".to_owned(),
        Error::Admin(refusal) => format!("admin: a request was refused: {}", refusal.code()),
    };
    let colon = if detail.is_empty() { "" } else { ": " };
    log::warn!(
        "sark: {what}{colon}{detail} (and {suppressed} more since the last such line; see docs/failure-modes.md)"
    );
}
