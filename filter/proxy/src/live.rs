//! The live state of a plugin: a document in Envoy's shared data, and a gauge that says when to look at it.

use crate::clock;
use crate::counters;
use crate::hostcalls;
use crate::report;
use sark_core::host::{HostError, Live};
use sark_core::metrics::{Counter, LiveError};

/// Envoy's shared data, seen from one plugin. All plugins whose `vm_id` is empty have one name space (trap T10), hence the
/// plugin's name in the key.
pub struct EnvoyLive {
    key: Option<String>,
}

impl EnvoyLive {
    /// `None`: the plugin's name is not known. Then there is nothing to share.
    pub fn new(plugin: Option<&str>) -> Self {
        Self { key: plugin.map(|plugin| format!("sark/{plugin}/live")) }
    }

    fn key(&self) -> Result<&str, HostError> {
        self.key.as_deref().ok_or(HostError)
    }
}

impl Live for EnvoyLive {
    fn changes(&self) -> Result<u64, HostError> {
        counters::live_changes()
    }

    fn load(&self) -> Result<Option<(Vec<u8>, u32)>, HostError> {
        hostcalls::shared_data(self.key()?)
    }

    fn store(&self, document: &[u8], number: u32) -> Result<bool, HostError> {
        hostcalls::set_shared_data(self.key()?, document, number)
    }

    fn announce(&self) -> Result<(), HostError> {
        counters::announce_live_change()
    }

    fn now_ms(&self) -> Option<u64> {
        clock::epoch_milliseconds()
    }

    fn failed(&self, error: LiveError) {
        counters::count(Counter::LiveError(error));
        report::live(error);
    }
}
