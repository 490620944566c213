//! The proxy-wasm shell: turns Envoy's callbacks into steps of `sark-core` and back, nothing else.
//!
//! One file a concern: `root` (configuration, tick), `stream` (one request), `hostcalls` (the ABI: every call into Envoy,
//! the entry point and the allocator),
//! `bodies` (whether Envoy hands them over), `calls` (to the remote OPA), `callouts` (how many are open), `probes`
//! (whether it answers at all), `shadows` (what is compared), `ticks` (when these two are called), `live` (what all
//! workers share), `worker` (how this one stands, shown to the others), `counters`, `report` (the log), `clock`,
//! `random`.

mod bodies;
mod callouts;
mod calls;
mod clock;
mod counters;
#[cfg(feature = "fault-injection")]
mod faults;
mod hostcalls;
mod live;
mod probes;
mod random;
mod report;
mod root;
mod shadows;
mod stream;
mod ticks;
mod worker;
