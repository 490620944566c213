//! What each worker has compared (`shadow`), shown to the others: an admin request reaches one of them.

use super::worker::{self, MAX_SLOTS, Slot, Worker, read_bounded, seconds};
use crate::host::{ABSENT, Board, HostError, Sheet};
use crate::shadow::Report;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a VM writes is bounded; so is what is read.
const MAX_BYTES: usize = 256 * 1024;

/// What one VM has to say.
#[derive(Debug, Serialize, Deserialize)]
struct Page {
    /// Whose it is.
    vm: String,
    /// Under which configuration it was compared.
    configuration: String,
    /// By class: how often, and the first differences.
    classes: BTreeMap<String, Class>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Class {
    count: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    first: Vec<Value>,
}

/// Shows the others what this VM has compared, in the slot where it shows how it stands. Whether it could: each tick is
/// another chance.
///
/// # Errors
/// The proxy did not do its part.
pub fn show(report: &Report, worker: &Worker, slot: &Slot, board: &dyn Board) -> Result<bool, HostError> {
    let slot = slot.number();
    let number = board.read(Sheet::Comparisons, slot)?.map_or(ABSENT, |(_, number)| number);
    board.write(Sheet::Comparisons, slot, &written(report.clone(), worker), number)
}

/// As JSON. Of more differences than there is room for the later ones are left out.
fn written(mut report: Report, worker: &Worker) -> Vec<u8> {
    loop {
        let page = json!({"vm": worker.vm, "configuration": worker.configuration, "classes": report}).to_string();
        let longest = report.0.values().map(|class| class.first.len()).max().unwrap_or(0);
        if page.len() <= MAX_BYTES || longest == 0 {
            return page.into_bytes();
        }
        report.0.values_mut().for_each(|class| class.first.truncate(longest.div_euclid(2)));
    }
}

/// What was compared.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Comparisons {
    /// By class, of all workers together.
    pub counts: BTreeMap<String, u64>,
    /// Those that have compared something, as the operator sees them.
    pub workers: Vec<Value>,
}

/// What all workers have compared under the configurations they have now.
///
/// # Errors
/// The proxy did not hand it out.
pub(super) fn all(now: u64, board: &dyn Board) -> Result<Comparisons, HostError> {
    let mut all = Comparisons::default();
    for slot in 0..MAX_SLOTS {
        let Some((bytes, _)) = board.read(Sheet::Workers, slot)? else { break };
        let Some(worker) = worker::read(&bytes).filter(|worker| !worker::is_gone(worker, now)) else { continue };
        let Some((bytes, _)) = board.read(Sheet::Comparisons, slot)? else { continue };
        let Some(page) = read_bounded(&bytes, MAX_BYTES).filter(|page| is_of(page, &worker)) else { continue };
        for (class, Class { count, .. }) in &page.classes {
            let sum = all.counts.entry(class.clone()).or_default();
            *sum = sum.saturating_add(*count);
        }
        all.workers.push(json!({"vm": worker.vm, "age_seconds": seconds(worker.at, now), "classes": page.classes}));
    }
    Ok(all)
}

/// A page that another VM left in this slot, or that was written under another configuration, says nothing of this one.
fn is_of(page: &Page, worker: &Worker) -> bool {
    page.vm == worker.vm && page.configuration == worker.configuration
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::FakeHost;
    use crate::shadow::{ClassReport, Difference, Verdict};
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn board() -> FakeHost {
        FakeHost { slots: std::cell::RefCell::new(Some(Vec::new())), ..FakeHost::default() }
    }

    fn worker(vm: &str, configuration: &str, at: u64) -> Worker {
        Worker { vm: vm.to_owned(), configuration: configuration.to_owned(), at, ..Worker::default() }
    }

    fn difference(path: &str) -> Difference {
        Difference {
            decision_id: None,
            method: "GET".to_owned(),
            path: path.to_owned(),
            served_by: "rust",
            inline: Verdict::default(),
            remote: Verdict::default(),
            differs: Vec::new(),
        }
    }

    fn report(class: &'static str, count: u64, first: Vec<Difference>) -> Report {
        Report(BTreeMap::from([
            (class, ClassReport { count, first }),
            ("same", ClassReport { count: 1, first: vec![] }),
        ]))
    }

    #[test]
    fn every_worker_is_heard_and_counts_are_added_up() {
        let (board, slots) = (board(), [Slot::default(), Slot::default()]);
        for (slot, vm) in slots.iter().zip(["a", "b"]) {
            let worker = worker(vm, "c1", 1_000);
            assert_eq!(slot.show(&worker, &board), Ok(true));
            let report = report("decision", 2, vec![difference(&format!("/{vm}"))]);
            assert_eq!(show(&report, &worker, slot, &board), Ok(true));
            assert_eq!(show(&report, &worker, slot, &board), Ok(true), "again");
        }
        let all = all(1_500, &board).unwrap();
        assert_eq!(json!(all.counts), json!({"decision": 4, "same": 2}));
        assert_eq!(all.workers[1]["vm"], "b");
        assert_eq!(all.workers[1]["age_seconds"], 0.5);
        assert_eq!(all.workers[1]["classes"]["decision"]["first"][0]["path"], "/b");
        assert_eq!(all.workers[1]["classes"]["same"], json!({"count": 1}));
    }

    #[test]
    fn what_belongs_to_no_worker_of_now_is_not_shown() {
        let (board, slot) = (board(), Slot::default());
        let shown = |now| all(now, &board).unwrap().workers.len();
        assert_eq!(slot.show(&worker("a", "c1", 1_000), &board), Ok(true));
        assert_eq!(shown(1_000), 0, "nothing was compared");
        assert_eq!(show(&report("body", 1, vec![]), &worker("a", "c1", 1_000), &slot, &board), Ok(true));
        assert_eq!((shown(1_000), shown(100_000)), (1, 0), "gone");
        assert_eq!(slot.show(&worker("a", "c2", 2_000), &board), Ok(true));
        assert_eq!(shown(2_000), 0, "another configuration");
        assert_eq!(Slot::default().show(&worker("b", "c1", 100_000), &board), Ok(true));
        assert_eq!(shown(100_000), 0, "another worker");
        *board.slots.borrow_mut() = None;
        assert_eq!(all(0, &board), Err(HostError));
    }

    #[test]
    fn what_a_worker_writes_is_bounded() {
        let many = vec![difference(&"/a".repeat(100)); 5_000];
        let bytes = written(report("decision", 5_000, many), &worker("a", "c", 0));
        assert!(bytes.len() <= MAX_BYTES && bytes.len() > MAX_BYTES / 4, "{}", bytes.len());
        let read = |bytes: &[u8]| read_bounded::<Page>(bytes, MAX_BYTES);
        let page = read(&bytes).unwrap();
        assert_eq!(page.classes["decision"].count, 5_000);
        assert!(read(&[&bytes[..], &vec![b' '; MAX_BYTES]].concat()).is_none());
    }
}
