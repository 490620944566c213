//! What the operator reads at 3 a.m.: one line per kind of error and ten seconds, with the number left out.

use crate::clock::VmClock;
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
}

struct Kind {
    error: Error,
    written: u64,
    suppressed: u64,
}

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

/// Writes the error, or counts it when its kind was written just now.
fn report(error: Error, detail: &str) {
    let now = VmClock.now();
    let suppressed = KINDS.with_borrow_mut(|kinds| {
        let known = kinds.iter_mut().find(|kind| kind.error == error);
        let Some(kind) = known else {
            kinds.push(Kind { error, written: now, suppressed: 0 });
            return Some(0);
        };
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
    };
    let colon = if detail.is_empty() { "" } else { ": " };
    log::warn!(
        "sark: {what}{colon}{detail} (and {suppressed} more since the last such line; see docs/failure-modes.md)"
    );
}
