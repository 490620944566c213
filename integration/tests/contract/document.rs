//! The input document, as the policy tells it.

use sark_integration::Response;
use serde_json::Value;

/// The input document, if the policy told it: as a body, for a gRPC client as a message, for HEAD in a header.
pub fn document(reply: &Response) -> Option<Value> {
    let text = match (reply.header("grpc-message"), reply.header("x-echo")) {
        (Some(message), _) => percent_decoded(message.as_bytes()),
        (None, Some(header)) => header.into_bytes(),
        (None, None) => reply.body.clone(),
    };
    let document: Value = serde_json::from_slice(&text).ok()?;
    document.get("attributes").is_some().then_some(document)
}

fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, tail)) = rest.split_first() {
        let byte = tail.get(..2).filter(|_| *first == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        match byte.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &tail[2..];
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

/// What differs between two sendings of one request.
pub fn forget_what_differs(document: &mut Value) {
    const NAMES: [&str; 2] = ["x-request-id", "x-peer"];
    let Some(request) = document.pointer_mut("/attributes/request") else { return };
    request["time"] = Value::Null;
    request["http"]["id"] = Value::Null;
    if let Some(headers) = request.pointer_mut("/http/headers").and_then(Value::as_object_mut) {
        headers.retain(|name, _| !NAMES.contains(&name.as_str()));
    }
    if let Some(headers) = request.pointer_mut("/http/headerMap/headers").and_then(Value::as_array_mut) {
        headers.retain(|entry| !NAMES.contains(&entry["key"].as_str().unwrap_or_default()));
    }
    if let Some(address) = document.pointer_mut("/attributes/source/address/socketAddress") {
        address["portValue"] = Value::Null;
    }
}
