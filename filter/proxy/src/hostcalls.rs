//! Every call into Envoy, in bytes and `Result`s.
//!
//! The SDK's own functions take `String`s and panic on what a client can send (trap T5), panic on statuses outside a
//! short list, and do not pass response-code details. These do neither. The one exception is the HTTP call: the SDK
//! keeps the table that leads its answer back to a stream, so it has to be told (`dispatch_http_call` knows exactly
//! the two errors that Envoy gives).

#![allow(
    unsafe_code,
    reason = "the ABI is C functions and raw pointers; this module and its entry point are the only ones that touch it"
)]

mod entry;

use sark_core::host::HostError;
use sark_core::pairs::Malformed;
use std::ptr::{null, null_mut};

/// Header maps of the ABI.
#[derive(Clone, Copy)]
#[repr(u32)]
pub enum Map {
    Request = 0,
    Response = 2,
    CallResponse = 6,
}

/// Buffers of the ABI.
#[derive(Clone, Copy)]
#[repr(u32)]
pub enum Buffer {
    RequestBody = 0,
    CallResponseBody = 4,
    PluginConfiguration = 7,
}

/// Kinds of metrics of the ABI.
#[derive(Clone, Copy)]
#[repr(u32)]
pub enum Metric {
    Counter = 0,
    Gauge = 1,
}

const OK: u32 = 0;
const NOT_FOUND: u32 = 1;
const CAS_MISMATCH: u32 = 8;

const REQUEST_STREAM: u32 = 0;
const NO_GRPC_STATUS: i32 = -1;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_header_map_value(
        map: u32,
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_replace_header_map_value(
        map: u32,
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_add_header_map_value(
        map: u32,
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_remove_header_map_value(map: u32, key: *const u8, key_size: usize) -> u32;
    fn proxy_get_buffer_bytes(buffer: u32, start: usize, length: usize, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_property(path: *const u8, path_size: usize, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_set_property(path: *const u8, path_size: usize, value: *const u8, value_size: usize) -> u32;
    fn proxy_set_effective_context(context: u32) -> u32;
    fn proxy_continue_stream(stream: u32) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, offset: i64) -> u32;
    fn proxy_get_metric(id: u32, value: *mut u64) -> u32;
    fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        cas: *mut u32,
    ) -> u32;
    fn proxy_set_shared_data(key: *const u8, key_size: usize, value: *const u8, value_size: usize, cas: u32) -> u32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
}

fn check(status: u32) -> Result<(), HostError> {
    if status == OK { Ok(()) } else { Err(HostError) }
}

/// A call about one request that returns bytes: dear, since Envoy enters this module for the memory.
fn take(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Result<Option<Vec<u8>>, HostError> {
    #[cfg(feature = "fault-injection")]
    crate::faults::count_byte_call();
    returned(call)
}

/// Runs a call that returns bytes in memory allocated by this module (the SDK exports the allocating function) and
/// takes them over. `None`: there are none.
fn returned(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Result<Option<Vec<u8>>, HostError> {
    let mut data: *mut u8 = null_mut();
    let mut size: usize = 0;
    match call(&raw mut data, &raw mut size) {
        OK if data.is_null() => Ok(Some(Vec::new())),
        // SAFETY: the host got `data` from `proxy_on_memory_allocate(size)`, which leaks a boxed slice of that
        // length from the global allocator, and hands it over exactly once.
        OK => Ok(Some(unsafe { Vec::from_raw_parts(data, size, size) })),
        NOT_FOUND => Ok(None),
        _ => Err(HostError),
    }
}

/// All pairs of a header map, in the format of `sark_core::pairs`.
pub fn header_pairs(map: Map) -> Result<Vec<u8>, HostError> {
    // SAFETY: both pointers are valid for writes during the call.
    take(|data, size| unsafe { proxy_get_header_map_pairs(map as u32, data, size) }).map(Option::unwrap_or_default)
}

/// The first value of a header.
pub fn header(map: Map, name: &str) -> Result<Option<Vec<u8>>, HostError> {
    // SAFETY: as above; `name` outlives the call.
    take(|data, size| unsafe { proxy_get_header_map_value(map as u32, name.as_ptr(), name.len(), data, size) })
}

/// Overwrites a header: all its values become this one.
pub fn set_header(map: Map, name: &str, value: &str) -> Result<(), HostError> {
    // SAFETY: both texts outlive the call.
    check(unsafe { proxy_replace_header_map_value(map as u32, name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
}

/// Adds a value to a header.
pub fn add_header(map: Map, name: &str, value: &str) -> Result<(), HostError> {
    // SAFETY: both texts outlive the call.
    check(unsafe { proxy_add_header_map_value(map as u32, name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
}

/// Removes a header; one that is not there is no error.
pub fn remove_header(map: Map, name: &str) -> Result<(), HostError> {
    // SAFETY: `name` outlives the call.
    check(unsafe { proxy_remove_header_map_value(map as u32, name.as_ptr(), name.len()) })
}

/// Up to `length` bytes from the start of a buffer.
pub fn buffer(buffer: Buffer, length: usize) -> Result<Vec<u8>, HostError> {
    // SAFETY: both pointers are valid for writes during the call.
    take(|data, size| unsafe { proxy_get_buffer_bytes(buffer as u32, 0, length, data, size) })
        .map(Option::unwrap_or_default)
}

/// A property by its path; path segments may hold dots.
pub fn property(path: &[&str]) -> Result<Option<Vec<u8>>, HostError> {
    let path = path.join("\0");
    // SAFETY: as above; `path` outlives the call.
    take(|data, size| unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) })
}

/// Sets a filter state that other filters and access logs see as `wasm.<name>`.
pub fn set_filter_state(name: &str, value: &str) -> Result<(), HostError> {
    // SAFETY: both texts outlive the call.
    check(unsafe { proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
}

/// The calls that follow, to the end of the running callback, are those of this context.
pub fn act_for(context: u32) -> Result<(), HostError> {
    // SAFETY: takes no pointer.
    check(unsafe { proxy_set_effective_context(context) })
}

/// Lets a request go on that was held.
pub fn resume_request() -> Result<(), HostError> {
    // SAFETY: takes no pointer.
    check(unsafe { proxy_continue_stream(REQUEST_STREAM) })
}

/// Answers the request. `headers` is in the format of `sark_core::pairs`.
pub fn send_reply(status: u16, details: &str, headers: &[u8], body: &[u8]) -> Result<(), HostError> {
    let body_data = if body.is_empty() { null() } else { body.as_ptr() };
    // SAFETY: every slice outlives the call; a null body has length 0.
    check(unsafe {
        proxy_send_local_response(
            u32::from(status),
            details.as_ptr(),
            details.len(),
            body_data,
            body.len(),
            headers.as_ptr(),
            headers.len(),
            NO_GRPC_STATUS,
        )
    })
}

/// Defines a metric and returns its id.
pub fn define_metric(kind: Metric, name: &str) -> Result<u32, HostError> {
    let mut id = 0;
    // SAFETY: `name` outlives the call and `id` is valid for a write.
    check(unsafe { proxy_define_metric(kind as u32, name.as_ptr(), name.len(), &raw mut id) }).map(|()| id)
}

/// Adds to a metric. A counter takes positive numbers only.
pub fn increment_metric(id: u32, offset: i64) -> Result<(), HostError> {
    // SAFETY: takes no pointer.
    check(unsafe { proxy_increment_metric(id, offset) })
}

/// The value of a counter or a gauge, of all VMs together.
pub fn metric(id: u32) -> Result<u64, HostError> {
    let mut value = 0;
    // SAFETY: `value` is valid for a write.
    check(unsafe { proxy_get_metric(id, &raw mut value) }).map(|()| value)
}

/// What all VMs of this `vm_id` share under a key, and the number of this value.
pub fn shared_data(key: &str) -> Result<Option<(Vec<u8>, u32)>, HostError> {
    let mut cas = 0;
    // SAFETY: all pointers are valid for writes during the call; `key` outlives it.
    let value =
        returned(|data, size| unsafe { proxy_get_shared_data(key.as_ptr(), key.len(), data, size, &raw mut cas) })?;
    Ok(value.map(|value| (value, cas)))
}

/// Shares a value, if the one that is there has this number; whether it did. As Envoy has it, any number will do while
/// there is none, and 0 always.
pub fn set_shared_data(key: &str, value: &[u8], cas: u32) -> Result<bool, HostError> {
    // SAFETY: both outlive the call.
    match unsafe { proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), cas) } {
        CAS_MISMATCH => Ok(false),
        status => check(status).map(|()| true),
    }
}

/// Starts the tick, or changes its period.
pub fn set_tick_period(milliseconds: u32) -> Result<(), HostError> {
    // SAFETY: takes no pointer.
    check(unsafe { proxy_set_tick_period_milliseconds(milliseconds) })
}

/// A list of pairs that cannot be read is a host that does not keep to its ABI.
pub const fn malformed(_: Malformed) -> HostError {
    HostError
}
