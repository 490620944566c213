//! All cases, two at a time, each in a thread that bears its name: what crashes or hangs says which it was.

use std::sync::mpsc::{self, Receiver};
use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::Duration;

use sark_integration::Oracle;

use crate::case::Case;
use crate::outcome::Outcome;
use crate::{plan, source};

pub struct Row {
    pub name: String,
    pub version: String,
    pub folder: String,
    pub plan: Outcome,
    pub source: Outcome,
    pub unexpected: Option<String>,
}

const WORKERS: usize = 2;

/// Deep recursion must end in the evaluator's own limit, not in that of the thread.
const STACK_BYTES: usize = 256 << 20;

/// A case takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// Every case, in order of version, folder and name.
pub fn rows() -> &'static [Row] {
    static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
        let mut rows = run(|_| true);
        rows.sort_by(|a, b| (&b.version, &a.folder, &a.name).cmp(&(&a.version, &b.folder, &b.name)));
        rows
    });
    &ROWS
}

/// The cases whose name is chosen, in any order.
pub fn run(chosen: impl Fn(&Case) -> bool + Sync) -> Vec<Row> {
    let (lines, inbox) = mpsc::sync_channel::<String>(64);
    let inbox = Mutex::new(inbox);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(|| work(&inbox, &chosen))).collect();
        let mut oracle = Oracle::cases().unwrap();
        while let Some(line) = oracle.line().unwrap() {
            lines.send(line).expect("a worker has failed, see above");
        }
        drop(lines);
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker has failed, see above")).collect()
    })
}

fn work(inbox: &Mutex<Receiver<String>>, chosen: impl Fn(&Case) -> bool) -> Vec<Row> {
    let next = || inbox.lock().unwrap().recv().ok();
    let cases = std::iter::from_fn(next).map(|line| serde_json::from_str::<Case>(&line).expect("the oracle's line"));
    cases.filter(chosen).map(row).collect()
}

fn row(case: Case) -> Row {
    let (name, version, folder) = (case.name.clone(), case.version.clone(), case.folder.clone());
    let unexpected = case.unexpected.clone();
    let (done, outcome) = mpsc::channel();
    thread::Builder::new()
        .name(name.clone())
        .stack_size(STACK_BYTES)
        .spawn(move || done.send((plan::run(&case), source::run(&case))))
        .unwrap();
    let (plan, source) = match outcome.recv_timeout(PATIENCE) {
        Ok(outcomes) => outcomes,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{name}: does not end within {PATIENCE:?}"),
        Err(mpsc::RecvTimeoutError::Disconnected) => panic!("{name}: panicked"),
    };
    Row { name, version, folder, plan, source, unexpected }
}
