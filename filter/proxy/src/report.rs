//! What the operator reads at 3 a.m.: one line per kind of error and ten seconds, with the number left out.

use crate::clock::VmClock;
use sark_core::host::Clock;
use sark_core::metrics::{Implementation, Reason};
use std::cell::RefCell;
use std::time::Duration;

/// How often one kind of error is written.
const INTERVAL: Duration = Duration::from_secs(10);

struct Kind {
    implementation: Implementation,
    reason: Reason,
    written: u64,
    suppressed: u64,
}

thread_local! {
    /// At most one entry a reason and side: a closed set.
    static KINDS: RefCell<Vec<Kind>> = const { RefCell::new(Vec::new()) };
}

/// Writes the error, or counts it when its kind was written just now.
pub fn error(implementation: Implementation, reason: Reason, detail: &str) {
    let now = VmClock.now();
    let suppressed = KINDS.with_borrow_mut(|kinds| {
        let known = kinds.iter_mut().find(|kind| kind.implementation == implementation && kind.reason == reason);
        let Some(kind) = known else {
            kinds.push(Kind { implementation, reason, written: now, suppressed: 0 });
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
        write(implementation, reason, detail, suppressed);
    }
}

/// Writes how many were left out of kinds that stopped occurring. Called on every tick.
pub fn flush() {
    let now = VmClock.now();
    KINDS.with_borrow_mut(|kinds| {
        for kind in kinds.iter_mut().filter(|kind| kind.suppressed > 0 && !is_recent(kind.written, now)) {
            kind.written = now;
            write(kind.implementation, kind.reason, "", std::mem::take(&mut kind.suppressed));
        }
    });
}

fn is_recent(written: u64, now: u64) -> bool {
    Duration::from_nanos(now.saturating_sub(written)) < INTERVAL
}

fn write(implementation: Implementation, reason: Reason, detail: &str, suppressed: u64) {
    let who = match implementation {
        Implementation::Rust | Implementation::Remote => format!("{} could not decide", implementation.label()),
        Implementation::None => "not let through".to_owned(),
    };
    let reason = reason.label();
    let colon = if detail.is_empty() { "" } else { ": " };
    log::warn!(
        "sark: {who}: {reason}{colon}{detail} (and {suppressed} more since the last such line; \
         see docs/failure-modes.md)"
    );
}
