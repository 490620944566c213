//! The remote OPA: the call to its data API, and what can be made of the answer.

pub mod breaker;

use crate::config::Remote;
use crate::json;
use crate::metrics::Reason;
use crate::request::Document;
use regorus::Value;
use std::time::Duration;

/// A call to the remote OPA, ready to be sent.
#[derive(Debug)]
pub struct Callout {
    /// Envoy cluster.
    pub cluster: String,
    /// All headers, pseudo-headers first.
    pub headers: Vec<(String, String)>,
    /// `{"input": …}`.
    pub body: Vec<u8>,
    /// Deadline, at least 1 ms (trap: 0 means "none" to Envoy).
    pub timeout: Duration,
    /// A longer reply is not to be read.
    pub max_reply_bytes: usize,
    /// Calls that may be open in this worker, this one included.
    pub max_in_flight: usize,
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Too many calls are open; it was not sent.
    Overloaded,
    /// The host would not take it.
    Rejected,
    /// The host took it and it failed at once.
    Failed,
    /// The connection broke, or Envoy gave the reply up.
    Reset,
    /// An answer.
    Answer {
        /// HTTP status.
        status: u16,
        /// The body, or `None` when it is longer than `max_reply_bytes`.
        body: Option<Vec<u8>>,
    },
}

/// The call that asks for a decision on `input`: the one of this number, 0 is the configured one.
///
/// # Errors
/// The document cannot be written as JSON; this does not happen to documents that were read from requests.
pub fn call(remote: &Remote, decision: usize, input: &Document) -> Result<Callout, serde_json::Error> {
    let mut body = b"{\"input\":".to_vec();
    input.write(&mut body)?;
    body.push(b'}');
    Ok(callout(remote, decision, body))
}

/// The call that finds out whether there is an answer at all: nothing in it is a client's.
#[must_use]
pub fn probe(remote: &Remote) -> Callout {
    callout(remote, 0, br#"{"input":{}}"#.to_vec())
}

fn callout(remote: &Remote, decision: usize, body: Vec<u8>) -> Callout {
    // A number beyond the list gives a call without a path, which the proxy refuses.
    let path = remote.paths.get(decision).map(|path| (":path".to_owned(), path.clone())).into_iter();
    Callout {
        cluster: remote.cluster.clone(),
        headers: path.chain(remote.headers.iter().cloned()).collect(),
        body,
        timeout: remote.timeout,
        max_reply_bytes: remote.max_reply_bytes,
        max_in_flight: remote.max_in_flight,
    }
}

/// The result that an answer holds.
///
/// `elapsed` is the time since the call was sent, by our own clock: Envoy answers a call that is too late with a 504
/// of its own, which cannot be told from OPA's.
///
/// # Errors
/// Everything that is no result, by reason.
pub fn result(remote: &Remote, reply: Reply, elapsed: Duration) -> Result<Value, Reason> {
    match reply {
        Reply::Overloaded => Err(Reason::Overloaded),
        Reply::Rejected => Err(Reason::DispatchRejected),
        Reply::Failed => Err(Reason::DispatchFailed),
        Reply::Reset => Err(Reason::Reset),
        Reply::Answer { status: 200, body: None } => Err(Reason::TooLarge),
        Reply::Answer { status: 200, body: Some(body) } => result_of_body(&body),
        Reply::Answer { status: 503, .. } => Err(Reason::Status503),
        Reply::Answer { status: 504, .. } if is_late(elapsed, remote.timeout) => Err(Reason::Timeout),
        Reply::Answer { status: 504, .. } => Err(Reason::Status504),
        Reply::Answer { .. } => Err(Reason::StatusOther),
    }
}

/// Envoy's timer runs on the worker's cached time and may fire a little before our clock says so.
fn is_late(elapsed: Duration, timeout: Duration) -> bool {
    let slack = timeout.checked_div(10).unwrap_or_default().max(Duration::from_millis(2));
    elapsed.saturating_add(slack) >= timeout
}

fn result_of_body(body: &[u8]) -> Result<Value, Reason> {
    let unread = |error: json::JsonError| if error.beyond_bounds { Reason::SizeLimit } else { Reason::BadJson };
    let reply = json::parse(body).map_err(unread)?;
    let members = reply.as_object().map_err(|_| Reason::BadJson)?;
    members.get(&Value::from("result")).cloned().ok_or(Reason::Undefined)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::FakeHost;
    use crate::request::{self, Head, Shape, Sources};
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn remote() -> Remote {
        Remote {
            cluster: "opa".to_owned(),
            headers: Vec::new(),
            paths: vec!["/v1/data/a".to_owned(), "/v1/data/b".to_owned()],
            timeout: Duration::from_millis(100),
            max_reply_bytes: 1000,
            max_in_flight: 10,
            breaker: None,
        }
    }

    fn answer(status: u16, body: &str) -> Reply {
        Reply::Answer { status, body: Some(body.as_bytes().to_vec()) }
    }

    #[test]
    fn only_a_200_with_a_result_decides() {
        let soon = Duration::from_millis(1);
        let result = |reply| result(&remote(), reply, soon);
        assert_eq!(result(answer(200, r#"{"result":true}"#)), Ok(Value::Bool(true)));
        assert_eq!(result(answer(200, r#"{"result":null}"#)), Ok(Value::Null));
        for (reply, reason) in [
            (answer(200, "{}"), Reason::Undefined),
            (answer(200, r#"{"Result":true}"#), Reason::Undefined),
            (answer(200, ""), Reason::BadJson),
            (answer(200, "true"), Reason::BadJson),
            (answer(200, r#"{"result":true}x"#), Reason::BadJson),
            (answer(200, "<html>"), Reason::BadJson),
            (answer(201, r#"{"result":true}"#), Reason::StatusOther),
            (answer(500, r#"{"result":true}"#), Reason::StatusOther),
            (answer(503, r#"{"result":true}"#), Reason::Status503),
            (answer(504, r#"{"result":true}"#), Reason::Status504),
            (Reply::Answer { status: 200, body: None }, Reason::TooLarge),
            (Reply::Answer { status: 500, body: None }, Reason::StatusOther),
            (Reply::Overloaded, Reason::Overloaded),
            (Reply::Rejected, Reason::DispatchRejected),
            (Reply::Failed, Reason::DispatchFailed),
            (Reply::Reset, Reason::Reset),
        ] {
            assert_eq!(result(reply.clone()), Err(reason), "{reply:?}");
        }
    }

    #[test]
    fn a_504_at_the_deadline_is_a_timeout() {
        let at = |ms| result(&remote(), answer(504, ""), Duration::from_millis(ms));
        assert_eq!(at(80), Err(Reason::Status504));
        assert_eq!(at(95), Err(Reason::Timeout));
        assert_eq!(at(100), Err(Reason::Timeout));
    }

    #[test]
    fn the_call_holds_the_input_as_json() {
        let head = Head::new([(&b":path"[..], &b"/\"\x01"[..])]);
        let (shape, host) = (Shape::default(), FakeHost::default());
        let sources = Sources { shape: &shape, head: &head, body: None, context_extensions: None, id: 0, host: &host };
        let input = request::document(&sources).unwrap();
        let callout = call(&remote(), 1, &input).unwrap();
        assert_eq!(callout.headers, [(":path".to_owned(), "/v1/data/b".to_owned())]);
        let body = String::from_utf8(callout.body).unwrap();
        assert!(body.starts_with(r#"{"input":{"attributes":{"#), "{body}");
        assert!(body.contains(r#""parsed_path":["\"\u0001"]"#), "{body}");
        serde_json::from_str::<serde_json::Value>(&body).unwrap();
    }
}
