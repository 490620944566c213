//! Faults on purpose, for tests of the second line of defence. Compiled only with `fault-injection`.

use crate::hostcalls::{self, Map};
use proxy_wasm::hostcalls as sdk;

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
