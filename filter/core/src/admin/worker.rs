//! How one worker stands: what it shows the others, and what the operator sees of it.
//!
//! Every worker is a VM of its own, and the admin request reaches one of them. So each writes, on its tick, what it has
//! to say onto a board that all of them see, each into a slot of its own. A slot that nobody renews is free again.

use crate::builtins::time::rfc3339;
use crate::host::{ABSENT, Board, HostError, Sheet};
use crate::remote::breaker::View;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::cell::Cell;

/// More VMs than this in one proxy do not show themselves.
pub(super) const MAX_SLOTS: usize = 256;

/// What a VM writes is bounded; so is what is read.
const MAX_BYTES: usize = 16 * 1024;

/// A slot that was not renewed for so long is free, in milliseconds. Until then a VM that is gone is shown, with its age.
const FREE_AFTER: u64 = 60_000;

/// One VM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// A random number that no other VM has.
    pub vm: String,
    /// When it was so, in milliseconds since the epoch.
    pub at: u64,
    /// Version and revision of the module.
    pub module: String,
    /// SHA-256 of the configuration in force, in hexadecimal.
    pub configuration: String,
    /// SHA-256 of its policy.
    pub policy: String,
    /// When this VM took it, in milliseconds since the epoch.
    pub since: Option<u64>,
    /// Requests that came to this VM, decided or not.
    pub requests: u64,
    /// Decisions that are kept.
    pub cache_entries: usize,
    /// Bytes of memory that they take.
    pub cache_bytes: usize,
    /// The breaker of the remote OPA, if there is one.
    pub breaker: Option<Breaker>,
    /// The last kinds of errors, the latest first; few.
    pub errors: Vec<LastError>,
}

/// How the breaker of the remote OPA stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// Where.
    pub state: String,
    /// For how long it has stood there, in milliseconds.
    pub lasted: u64,
    /// Calls within the window.
    pub calls: u32,
    /// Those without an answer.
    pub unanswered: u32,
}

impl From<View> for Breaker {
    fn from(View { state, lasted, calls, unanswered }: View) -> Self {
        let lasted = u64::try_from(lasted.as_millis()).unwrap_or(u64::MAX);
        Self { state: state.label().to_owned(), lasted, calls, unanswered }
    }
}

/// One kind of error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastError {
    /// Which side it was.
    pub implementation: String,
    /// Why.
    pub reason: String,
    /// Where in the policy or in its result: never a value of a request.
    pub detail: String,
    /// The last time, in milliseconds since the epoch.
    pub at: u64,
    /// How often, since the VM started.
    pub count: u64,
}

/// The slot of one VM.
#[derive(Debug, Default)]
pub struct Slot(Cell<usize>);

impl Slot {
    /// Where this VM has shown itself last.
    #[must_use]
    pub const fn number(&self) -> usize {
        self.0.get()
    }

    /// Shows the others how this VM stands. Whether it could: each tick is another chance.
    ///
    /// # Errors
    /// The proxy did not do its part.
    pub fn show(&self, worker: &Worker, board: &dyn Board) -> Result<bool, HostError> {
        let bytes = serde_json::to_vec(worker).unwrap_or_default();
        for slot in self.0.get()..MAX_SLOTS {
            let number = match board.read(Sheet::Workers, slot)? {
                None => ABSENT,
                Some((bytes, number)) if is_free(&bytes, worker) => number,
                Some(_) => continue,
            };
            if board.write(Sheet::Workers, slot, &bytes, number)? {
                self.0.set(slot);
                return Ok(true);
            }
        }
        // Whoever was pushed out of its slot begins again at the first.
        self.0.set(0);
        Ok(false)
    }
}

/// Whether this VM may write where these bytes stand: they are its own, or nobody's any more.
fn is_free(bytes: &[u8], by: &Worker) -> bool {
    read(bytes).is_none_or(|there| there.vm == by.vm || is_gone(&there, by.at))
}

pub(super) fn is_gone(worker: &Worker, now: u64) -> bool {
    worker.at.saturating_add(FREE_AFTER) < now
}

pub(super) fn read(bytes: &[u8]) -> Option<Worker> {
    read_bounded(bytes, MAX_BYTES)
}

/// What another VM wrote, unless it is too long to have been written by one.
pub(super) fn read_bounded<T: DeserializeOwned>(bytes: &[u8], max: usize) -> Option<T> {
    if bytes.len() > max { None } else { serde_json::from_slice(bytes).ok() }
}

/// Every VM that has shown itself lately, as the operator sees it.
///
/// # Errors
/// The proxy did not hand them out.
pub(super) fn all(now: u64, board: &dyn Board) -> Result<Vec<Value>, HostError> {
    let mut workers = Vec::new();
    for slot in 0..MAX_SLOTS {
        let Some((bytes, _)) = board.read(Sheet::Workers, slot)? else { break };
        workers.extend(read(&bytes).filter(|worker| !is_gone(worker, now)));
    }
    workers.sort_by(|one, other| one.vm.cmp(&other.vm));
    Ok(workers.iter().map(|worker| shown(worker, now)).collect())
}

fn shown(worker: &Worker, now: u64) -> Value {
    let errors: Vec<Value> = worker.errors.iter().map(|error| shown_error(error, now)).collect();
    json!({
        "vm": worker.vm,
        "age_seconds": seconds(worker.at, now),
        "module": worker.module,
        "configuration": worker.configuration,
        "policy": worker.policy,
        "since": worker.since.and_then(rfc3339),
        "requests": worker.requests,
        "cache": {"entries": worker.cache_entries, "bytes": worker.cache_bytes},
        "breaker": worker.breaker.as_ref().map(shown_breaker),
        "last_errors": errors,
    })
}

fn shown_breaker(breaker: &Breaker) -> Value {
    json!({
        "state": breaker.state,
        "lasted_seconds": seconds(0, breaker.lasted),
        "calls": breaker.calls,
        "unanswered": breaker.unanswered,
    })
}

fn shown_error(error: &LastError, now: u64) -> Value {
    json!({
        "implementation": error.implementation,
        "reason": error.reason,
        "detail": error.detail,
        "age_seconds": seconds(error.at, now),
        "count": error.count,
    })
}

/// Whole tenths are enough: it is as old as the last tick.
pub(super) fn seconds(at: u64, now: u64) -> Value {
    let tenths = u32::try_from(now.saturating_sub(at).div_euclid(100)).unwrap_or(u32::MAX);
    json!(f64::from(tenths) / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::FakeHost;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn board() -> FakeHost {
        FakeHost { slots: std::cell::RefCell::new(Some(Vec::new())), ..FakeHost::default() }
    }

    fn worker(vm: &str, at: u64) -> Worker {
        Worker { vm: vm.to_owned(), at, ..Worker::default() }
    }

    fn seen(board: &FakeHost, now: u64) -> Vec<String> {
        all(now, board).unwrap().iter().map(|worker| format!("{} {}", worker["vm"], worker["age_seconds"])).collect()
    }

    #[test]
    fn each_worker_keeps_to_its_slot() {
        let (board, slots) = (board(), [Slot::default(), Slot::default(), Slot::default()]);
        for now in [1_000, 2_000, 3_000] {
            for (slot, vm) in slots.iter().zip(["c", "a", "b"]) {
                assert_eq!(slot.show(&worker(vm, now), &board), Ok(true));
            }
        }
        assert_eq!(slots.each_ref().map(|slot| slot.0.get()), [0, 1, 2]);
        assert_eq!(seen(&board, 3_450), ["\"a\" 0.4", "\"b\" 0.4", "\"c\" 0.4"]);
    }

    #[test]
    fn a_worker_that_is_gone_is_shown_for_a_minute_and_then_gives_up_its_slot() {
        let (board, gone, slot) = (board(), Slot::default(), Slot::default());
        assert_eq!(gone.show(&worker("gone", 1_000), &board), Ok(true));
        assert_eq!(slot.show(&worker("new", 61_000), &board), Ok(true));
        assert_eq!(seen(&board, 61_000), ["\"gone\" 60.0", "\"new\" 0.0"]);
        assert_eq!(seen(&board, 61_001), ["\"new\" 0.0"]);
        let third = Slot::default();
        assert_eq!(third.show(&worker("third", 61_001), &board), Ok(true));
        assert_eq!(third.0.get(), 0);
        // It was only asleep, and finds another place.
        assert_eq!(gone.show(&worker("gone", 61_002), &board), Ok(true));
        assert_eq!(seen(&board, 61_002).len(), 3);
    }

    #[test]
    fn what_is_no_status_is_nobodys() {
        let board = board();
        for bytes in [&b""[..], b"{}", b"[1]", b"\xff"] {
            *board.slots.borrow_mut() = Some(vec![(bytes.to_vec(), 1)]);
            assert!(seen(&board, 0).is_empty());
            assert_eq!(Slot::default().show(&worker("a", 0), &board), Ok(true));
            assert_eq!(seen(&board, 0).len(), 1);
        }
        let mut large = serde_json::to_vec(&worker("a", 0)).unwrap();
        large.resize(MAX_BYTES + 1, b' ');
        *board.slots.borrow_mut() = Some(vec![(large, 1)]);
        assert!(seen(&board, 0).is_empty());
    }

    #[test]
    fn a_full_board_takes_nobody_more() {
        let board = board();
        for vm in 0..MAX_SLOTS {
            assert_eq!(Slot::default().show(&worker(&vm.to_string(), 0), &board), Ok(true));
        }
        assert_eq!(Slot::default().show(&worker("one more", 0), &board), Ok(false));
        assert_eq!(seen(&board, 0).len(), MAX_SLOTS);
        *board.slots.borrow_mut() = None;
        assert_eq!(Slot::default().show(&worker("a", 0), &board), Err(HostError));
        assert_eq!(all(0, &board), Err(HostError));
    }
}
