//! Bounded load: many requests over a few connections, each reply checked.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::client::{Line, Request, Response};
use crate::{Error, Result, wait};

/// How many anomalies are kept in words.
const KEPT: usize = 20;
/// No load runs longer than this, whatever the test does.
const LONGEST: Duration = Duration::from_secs(300);

/// What came of a load.
#[derive(Debug, Default, Clone)]
pub struct Report {
    /// How many requests were sent.
    pub total: u64,
    /// How many replies had which status.
    pub statuses: BTreeMap<u16, u64>,
    /// Requests without a reply, and replies the check objected to.
    pub anomalies: u64,
    /// The first of them in words.
    pub examples: Vec<String>,
}

impl Report {
    /// Asserts that every request was answered, with nothing to object to.
    ///
    /// # Panics
    /// If not.
    #[track_caller]
    pub fn assert_clean(&self) {
        assert!(self.total > 0, "the load sent nothing");
        assert_eq!(self.anomalies, 0, "{self:#?}");
    }

    fn count(&mut self, outcome: Result<(u16, Option<String>)>) {
        self.total += 1;
        let objection = match outcome {
            Ok((status, objection)) => {
                *self.statuses.entry(status).or_default() += 1;
                objection
            }
            Err(error) => Some(error.to_string()),
        };
        if let Some(objection) = objection {
            self.anomalies += 1;
            if self.examples.len() < KEPT {
                self.examples.push(objection);
            }
        }
    }
}

/// A load that runs until it is stopped.
pub struct Load {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    report: Arc<Mutex<Report>>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// Sends `request(0)`, `request(1)`, … over `connections`. `check` says what is wrong with a reply, if anything.
    pub fn start(
        address: SocketAddr,
        connections: usize,
        request: impl Fn(u64) -> Request + Send + Sync + 'static,
        check: impl Fn(&Response) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let work = Arc::new((request, check));
        let stop = Arc::new(AtomicBool::new(false));
        let sent = Arc::new(AtomicU64::new(0));
        let report = Arc::new(Mutex::new(Report::default()));
        let deadline = Instant::now() + LONGEST;
        let threads = (0..connections)
            .map(|_| {
                let (work, stop, sent, report) = (work.clone(), stop.clone(), sent.clone(), report.clone());
                std::thread::spawn(move || {
                    let (request, check) = &*work;
                    let mut line = Line::new(address);
                    while !stop.load(Ordering::Relaxed) && Instant::now() < deadline {
                        let number = sent.fetch_add(1, Ordering::Relaxed);
                        let outcome = line.exchange(&request(number));
                        let outcome = outcome.map(|reply| (reply.status, check(&reply)));
                        report.lock().unwrap_or_else(PoisonError::into_inner).count(outcome);
                    }
                })
            })
            .collect();
        Self { stop, sent, report, threads }
    }

    /// What came of it so far.
    #[must_use]
    pub fn so_far(&self) -> Report {
        self.report.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until `count` more requests have been started.
    pub fn wait_for_more(&self, count: u64) -> Result<()> {
        let goal = self.sent.load(Ordering::Relaxed) + count;
        wait::until(Duration::from_secs(60), "the load goes on", || {
            (self.sent.load(Ordering::Relaxed) >= goal).then_some(())
        })
    }

    /// Lets every connection finish its request, and reports.
    #[must_use]
    pub fn stop(mut self) -> Report {
        self.end();
        self.so_far()
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                let mut report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
                report.count(Err(Error::new("a thread of the load panicked")));
            }
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.end();
    }
}

/// Sends each request once over `connections` kept connections; the replies are in the order of the requests.
#[must_use]
pub fn send_all(address: SocketAddr, connections: usize, requests: &[Request]) -> Vec<Result<Response>> {
    let next = AtomicU64::new(0);
    let mut replies: Vec<(usize, Result<Response>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..connections.max(1))
            .map(|_| {
                scope.spawn(|| {
                    let mut line = Line::new(address);
                    let mut mine = Vec::new();
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed) as usize;
                        let Some(request) = requests.get(index) else {
                            return mine;
                        };
                        mine.push((index, line.exchange(request)));
                    }
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    replies.sort_by_key(|(index, _)| *index);
    replies.into_iter().map(|(_, reply)| reply).collect()
}
