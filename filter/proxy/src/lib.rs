//! The proxy-wasm shell: turns Envoy's callbacks into steps of `sark-core` and back, nothing else.
//!
//! One file a concern: `root` (configuration, tick), `stream` (one request), `hostcalls` (every call into Envoy),
//! `callouts` (how many calls are open), `counters`, `report` (the log), `clock`, `random`, `start` (entry, allocator).

mod callouts;
mod clock;
mod counters;
#[cfg(feature = "fault-injection")]
mod faults;
mod hostcalls;
mod random;
mod report;
mod root;
mod start;
mod stream;
