//! The attributes of a request → the OPA-Envoy input document (contract section 1).
//!
//! What is here so far: `attributes.request`, the two empty metadata contexts, path, query, JSON and form bodies.
//! Peers, certificates, metadata, multipart and gRPC bodies come with the full document; a policy that reads one of
//! the missing members is refused at load (`policy`), so that nothing ever looks absent that is not.

mod body;
mod head;

mod url;

pub use body::Body;
pub use head::Head;

use crate::host::{Host, HostError};

use regorus::Value;
use std::collections::BTreeMap;

/// Why a request cannot be turned into an input document. The client gets 400 and this text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError(String);

impl ParseError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl std::fmt::Display for ParseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ParseError {}

/// Why there is no input document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentError {
    /// The request cannot be read.
    Parse(ParseError),
    /// The proxy did not tell what it should know.
    Host(HostError),
}

impl From<ParseError> for DocumentError {
    fn from(error: ParseError) -> Self {
        Self::Parse(error)
    }
}

impl From<HostError> for DocumentError {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

/// Builds the input document.
///
/// `body` is `None` when no body was buffered: no `with_request_body`, a request that ends at its headers, a tunnel.
///
/// # Errors
/// Path, query or body cannot be parsed (contract sections 1.5 to 1.8), or the proxy fails.
pub fn document(head: &Head, body: Option<&Body>, host: &dyn Host) -> Result<Value, DocumentError> {
    let (path, query) = url::split(head.path());
    let parsed_path = url::parse_path(path)?;
    let parsed_query = url::parse_query(query)?;
    let text = body.map(body::as_text).unwrap_or_default();
    let (parsed_body, truncated_body) = body::parse(head, body, &text)?;
    Ok(object([
        ("attributes", attributes(head, body, text, host)?),
        ("parsed_path", parsed_path),
        ("parsed_query", parsed_query),
        ("parsed_body", parsed_body),
        ("truncated_body", Value::Bool(truncated_body)),
        ("version", object([("ext_authz", Value::from("v3")), ("encoding", Value::from("protojson"))])),
    ]))
}

fn attributes(head: &Head, body: Option<&Body>, text: String, host: &dyn Host) -> Result<Value, HostError> {
    let request = object([
        ("http", http(head, body, &text, &host.protocol()?, host.random())),
        ("time", timestamp(host.request_time()?)),
    ]);
    Ok(object([
        ("request", request),
        // Always there and empty when nothing is selected (contract section 1.2).
        ("metadataContext", Value::new_object()),
        ("routeMetadataContext", Value::new_object()),
    ]))
}

/// `attributes.request.http`; a field at its default value is absent (contract section 1.3).
fn http(head: &Head, body: Option<&Body>, text: &str, protocol: &str, id: u64) -> Value {
    let mut http = BTreeMap::new();
    let mut put = |name: &str, value: &str| {
        if !value.is_empty() {
            http.insert(Value::from(name), Value::from(value));
        }
    };
    put("id", &id.to_string());
    put("method", head.get(":method").unwrap_or_default());
    put("path", head.path());
    put("host", head.get(":authority").unwrap_or_default());
    put("scheme", head.get(":scheme").unwrap_or_default());
    put("protocol", protocol);
    put("body", text);
    if let Some(received) = body.map(|body| body.received).filter(|received| *received > 0) {
        http.insert(Value::from("size"), Value::from(received));
    }
    http.insert(Value::from("headers"), headers(head, body));
    Value::from(http)
}

fn headers(head: &Head, body: Option<&Body>) -> Value {
    let mut headers: BTreeMap<Value, Value> =
        head.iter().map(|(name, value)| (Value::from(name), Value::from(value))).collect();
    if let Some(body) = body {
        let partial = if body.is_partial() { "true" } else { "false" };
        headers.insert(Value::from("x-envoy-auth-partial-body"), Value::from(partial));
    }
    Value::from(headers)
}

/// Nanoseconds since the epoch as the plugin shows a timestamp: two numbers, zero nanoseconds absent.
fn timestamp(nanoseconds: u64) -> Value {
    const SECOND: u64 = 1_000_000_000;
    let seconds = nanoseconds.checked_div(SECOND).unwrap_or(0);
    let mut time = BTreeMap::from([(Value::from("seconds"), Value::from(seconds))]);
    match nanoseconds.checked_rem(SECOND) {
        None | Some(0) => {}
        Some(rest) => {
            time.insert(Value::from("nanos"), Value::from(rest));
        }
    }
    Value::from(time)
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::from(members.into_iter().map(|(name, value)| (Value::from(name), value)).collect::<BTreeMap<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::FakeHost;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn head(pairs: &[(&str, &str)]) -> Head {
        Head::new(pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
    }

    #[test]
    fn the_captured_example_of_the_contract() {
        let head = head(&[
            (":authority", "127.0.0.1:18000"),
            (":method", "POST"),
            (":path", "/p?x=1"),
            (":scheme", "http"),
            ("content-length", "9"),
            ("content-type", "application/json"),
        ]);
        let body = Body { bytes: br#"{"a":1.0}"#.to_vec(), received: 9 };
        let host = FakeHost { random: 7, request_time: 1_795_322_427_739_995_000, ..FakeHost::default() };
        let document = document(&head, Some(&body), &host).unwrap();
        assert_eq!(
            document.to_string(),
            concat!(
                r#"{"attributes":{"metadataContext":{},"request":{"http":{"body":"{\"a\":1.0}","headers":{":authority":"127.0.0.1:18000","#,
                r#"":method":"POST",":path":"/p?x=1",":scheme":"http","content-length":"9","content-type":"application/json","#,
                r#""x-envoy-auth-partial-body":"false"},"host":"127.0.0.1:18000","id":"7","method":"POST","path":"/p?x=1","#,
                r#""protocol":"HTTP/1.1","scheme":"http","size":9},"time":{"nanos":739995000,"seconds":1795322427}},"#,
                r#""routeMetadataContext":{}},"parsed_body":{"a":1},"parsed_path":["p"],"parsed_query":{"x":["1"]},"#,
                r#""truncated_body":false,"version":{"encoding":"protojson","ext_authz":"v3"}}"#
            )
        );
    }

    #[test]
    fn a_connect_without_path_has_no_path_member() {
        let document = document(&head(&[(":method", "CONNECT"), (":authority", "a:1")]), None, &FakeHost::default());
        let document = document.unwrap();
        assert_eq!(document["attributes"]["request"]["http"]["path"], Value::Undefined);
        assert_eq!(document["parsed_path"].to_string(), r#"[""]"#);
    }

    #[test]
    fn the_paths_error_wins_over_the_querys() {
        let error = document(&head(&[(":path", "/%zz?a=%yy")]), None, &FakeHost::default()).unwrap_err();
        assert_eq!(error, DocumentError::Parse(ParseError::new("invalid URL escape \"%zz\"")));
    }
}
