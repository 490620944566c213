//! Faults on purpose, for tests of the second line of defence, and a look at what the filter asks of Envoy. Compiled only
//! with `fault-injection`.

use crate::clock::VmClock;
use crate::hostcalls::{self, Map, Metric};
use proxy_wasm::hostcalls as sdk;
use sark_core::host::Clock;

thread_local! {
    /// Calls that returned bytes.
    static BYTE_CALLS: u32 = counter("sark_faults_byte_calls");
    static TICKS: u32 = counter("sark_faults_ticks");
}

/// How often `on_configure` ran, over all VMs of the process: the canary is the first.
const CONFIGURED: &str = "sark.faults.configured";

/// With `SARK_FAULT_WORKER_CONFIGURE` set in the VM's environment: `true` in every VM but the first, which is the
/// canary. That is exactly the impurity of trap T1.
pub fn fail_configure() -> bool {
    if std::env::var_os("SARK_FAULT_WORKER_CONFIGURE").is_none() {
        return false;
    }
    let ran_before = matches!(sdk::get_shared_data(CONFIGURED), Ok((Some(_), _)));
    let _ = sdk::set_shared_data(CONFIGURED, Some(b"1"), None);
    ran_before
}

/// Traps, as a bug would, on a request with the header `x-sark-fault: trap`.
pub fn trap_if_asked() {
    if let Ok(Some(fault)) = hostcalls::header(Map::Request, "x-sark-fault")
        && fault == b"trap"
    {
        std::process::abort();
    }
}

/// A call is about to return bytes.
pub fn count_byte_call() {
    let _ = hostcalls::increment_metric(BYTE_CALLS.with(|id| *id), 1);
}

/// A tick has come.
pub fn count_tick() {
    let _ = hostcalls::increment_metric(TICKS.with(|id| *id), 1);
}

fn counter(name: &str) -> u32 {
    hostcalls::define_metric(Metric::Counter, name).unwrap_or(u32::MAX)
}

/// With `SARK_FAULT_TIME` set in the VM's environment, dropping it logs how long it lived: the time that a callback takes,
/// between its entry and what lets a request go on.
pub struct Timed {
    callback: &'static str,
    started: Option<u64>,
}

impl Timed {
    /// The callback begins.
    pub fn begin(callback: &'static str) -> Self {
        thread_local! {
            static IS_ASKED: bool = std::env::var_os("SARK_FAULT_TIME").is_some();
        }
        Self { callback, started: IS_ASKED.with(|is_asked| is_asked.then(|| VmClock.now())) }
    }
}

impl Drop for Timed {
    fn drop(&mut self) {
        if let Some(started) = self.started {
            log::info!("sark: {} took {} ns", self.callback, VmClock.now().saturating_sub(started));
        }
    }
}
