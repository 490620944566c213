//! A call to the remote OPA: sent, and its reply read.

use crate::hostcalls::{self, Buffer, Map};
use proxy_wasm::types::Status;
use sark_core::host::HostError;
use sark_core::remote::{Callout, Reply};

/// Sends a call; the reply comes to the context whose callback is running. An error is already the reply that it stands
/// for.
pub fn send(callout: &Callout) -> Result<u32, Reply> {
    let headers = callout.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let body = Some(callout.body.as_slice());
    let sent = proxy_wasm::hostcalls::dispatch_http_call(&callout.cluster, headers, body, Vec::new(), callout.timeout);
    sent.map_err(|status| match status {
        Status::BadArgument => Reply::Rejected,
        _ => Reply::Failed,
    })
}

/// Only valid while the reply is being delivered.
pub fn read_reply(headers: usize, body_size: usize, max_reply_bytes: usize) -> Reply {
    if headers == 0 {
        return Reply::Reset;
    }
    let status = hostcalls::header(Map::CallResponse, ":status")
        .ok()
        .flatten()
        .and_then(|status| std::str::from_utf8(&status).ok()?.parse().ok());
    let Some(status) = status else {
        return Reply::Reset;
    };
    if body_size > max_reply_bytes {
        return Reply::Answer { status, body: None };
    }
    let body = if body_size == 0 { Ok(Vec::new()) } else { hostcalls::buffer(Buffer::CallResponseBody, body_size) };
    match body {
        Ok(body) => Reply::Answer { status, body: Some(body) },
        Err(HostError) => Reply::Reset,
    }
}
