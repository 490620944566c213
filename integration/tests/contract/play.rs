//! Sends every row, both ways, and gathers what is not as it should be.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use sark_integration::{Connection, Protocol, Request, Response, Result, Stack};
use serde_json::Value;

use crate::row::{Ask, Door, Outcome, Row};
use crate::see::{Mismatch, See, Seen};
use crate::setup::{DECIDED_BY, ROW, RUN, Setup, Way};

/// A running stack and where its listeners are. It plays the rows that go through one of them.
pub struct Stage {
    pub stack: Stack,
    pub doors: BTreeMap<Door, SocketAddr>,
}

/// The documents that the inline side was given, by row and protocol.
type Documents = BTreeMap<(usize, String), Value>;

/// Plays the rows of this stage, and returns what failed, a line each.
pub fn play(stage: &Stage, policy: &str, rows: &[Row]) -> Vec<String> {
    let mine: Vec<(usize, &Row)> =
        rows.iter().enumerate().filter(|(_, row)| stage.doors.contains_key(&row.door)).collect();
    let mut setups: Vec<&'static Setup> = Vec::new();
    for (_, row) in &mine {
        if !setups.iter().any(|setup| std::ptr::eq(*setup, row.setup)) {
            setups.push(row.setup);
        }
    }
    let mut failures = Vec::new();
    let mut inline = Documents::new();
    for way in [Way::Inline, Way::Remote] {
        for setup in &setups {
            let pushed = stage.stack.envoy().push(&setup.configuration(policy, way));
            pushed.unwrap_or_else(|error| panic!("{}: {error}", setup.name)).accepted();
            let of_setup = mine.iter().filter(|(_, row)| std::ptr::eq(row.setup, *setup));
            for (number, row) in of_setup {
                Sending { stage, way, number: *number, row }.all(&mut inline, &mut failures);
            }
            failures.extend(latecomers(stage).map(|late| format!("after {}: {late}", setup.name)));
        }
    }
    failures
}

/// What of denied requests still arrived: looked for once Envoy (which has one worker) has worked off what came before.
fn latecomers(stage: &Stage) -> Option<String> {
    stage.stack.echo().clear();
    for address in stage.doors.values() {
        let reply = Request::get("/%zz").send(*address).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(reply.status, 400, "{reply:?}");
    }
    let late = stage.stack.echo().received();
    (!late.is_empty()).then(|| format!("{late:?} arrived upstream"))
}

/// One row, one way.
struct Sending<'a> {
    stage: &'a Stage,
    way: Way,
    number: usize,
    row: &'a Row,
}

impl Sending<'_> {
    fn all(&self, inline: &mut Documents, failures: &mut Vec<String>) {
        match &self.row.ask {
            Ask::Built(request, protocols) => {
                for protocol in *protocols {
                    self.one(&format!("{protocol:?}"), Some((request, *protocol)), inline, failures);
                }
            }
            Ask::Raw(_) => self.one("raw", None, inline, failures),
        }
    }

    fn one(
        &self,
        carrier: &str,
        request: Option<(&Request, Protocol)>,
        inline: &mut Documents,
        failures: &mut Vec<String>,
    ) {
        let run = format!("{}/{:?}/{carrier}", self.number, self.way);
        let place = format!("{} [{:?}, {carrier}]", self.row.name, self.way);
        let seen = match self.exchange(request, &run) {
            Ok(seen) => seen,
            Err(error) => return failures.push(format!("{place}: {error}")),
        };
        let (outcome, sees) = self.expected();
        let mut wrong = check_outcome(outcome, self.way, sees, &seen);
        wrong.extend(sees.iter().filter_map(|see| see.check(&seen)));
        if self.row.difference.as_ref().is_none_or(|difference| difference.inline.is_none()) {
            wrong.extend(self.unlike_inline(carrier, &seen, inline));
        }
        failures.extend(wrong.into_iter().map(|(expected, got)| format!("{place}: expected {expected}, got {got}")));
    }

    fn expected(&self) -> (Outcome, &[See]) {
        let inline = self.row.difference.as_ref().and_then(|difference| difference.inline.as_ref());
        match (self.way, inline) {
            (Way::Inline, Some((outcome, sees))) => (*outcome, sees),
            _ => (self.row.outcome, &self.row.sees),
        }
    }

    fn exchange(&self, request: Option<(&Request, Protocol)>, run: &str) -> Result<Seen> {
        let stack = &self.stage.stack;
        let address = self.stage.doors[&self.row.door];
        let logged = self.expected().1.iter().any(See::reads_the_log);
        stack.echo().clear();
        let reply = match (request, &self.row.ask) {
            (Some((request, protocol)), _) => {
                let mut request = request.clone().protocol(protocol);
                if !self.row.decision.is_empty() {
                    request = request.header(ROW, self.number.to_string());
                }
                if logged {
                    request = request.header(RUN, run);
                }
                request.send(address)?
            }
            (None, Ask::Raw(bytes)) => {
                let mut connection = Connection::open(address)?;
                connection.write(bytes)?;
                connection.response("GET")?
            }
            (None, Ask::Built(..)) => unreachable!("a built request comes with its protocol"),
        };
        let line = logged.then(|| stack.envoy().wait_for_access(|line| line["run"] == run)).transpose()?;
        let document = document(&reply);
        Ok(Seen { received: stack.echo().received(), document, reply, line })
    }

    /// Both sides are given the same document.
    fn unlike_inline(&self, carrier: &str, seen: &Seen, inline: &mut Documents) -> Option<Mismatch> {
        let mut document = seen.document.clone()?;
        forget_what_differs(&mut document);
        let key = (self.number, carrier.to_owned());
        if self.way == Way::Inline {
            inline.insert(key, document);
            return None;
        }
        let before = inline.get(&key)?;
        (*before != document).then(|| (format!("the document of the inline side, {before}"), document.to_string()))
    }
}

/// The input document, if the policy told it: as a body, for a gRPC client as a message, for HEAD in a header.
fn document(reply: &Response) -> Option<Value> {
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
fn forget_what_differs(document: &mut Value) {
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

/// Who decided, what the client got for it, and whether it arrived upstream.
fn check_outcome(outcome: Outcome, way: Way, sees: &[See], seen: &Seen) -> Vec<Mismatch> {
    let reply = &seen.reply;
    let arrives = matches!(outcome, Outcome::Allow | Outcome::Passed | Outcome::Unchecked);
    let decided_by = match outcome {
        Outcome::Allow | Outcome::Rerouted | Outcome::Deny | Outcome::Invalid => Some(way.label()),
        Outcome::DenyByRemote => Some(Way::Remote.label()),
        Outcome::Refused => None,
        _ => Some("none"),
    };
    let told = reply.header(DECIDED_BY);
    let mut wrong = Vec::new();
    let mut want = |what: &str, same: bool, got: String| {
        if !same {
            wrong.push((format!("{outcome:?}: {what}"), got));
        }
    };
    want(&format!("decided by {decided_by:?}"), told.as_deref() == decided_by, format!("{told:?}, {reply:?}"));
    let count = seen.received.len();
    want(&format!("{} requests upstream", u8::from(arrives)), count == usize::from(arrives), format!("{count}"));
    let (status, body) = usual_answer(outcome);
    let grpc = reply.header("grpc-status").is_some();
    let other = sees.iter().any(|see| matches!(see, See::Status(_)));
    if let Some(status) = status.filter(|_| !other && !grpc) {
        want(&format!("status {status}"), reply.status == status, reply.status.to_string());
    }
    if let Some(body) = body.filter(|_| !grpc) {
        let text = reply.text();
        let same = if body.is_empty() { text.is_empty() } else { text.starts_with(body) };
        want(&format!("a body like {body:?}"), same, text);
    }
    wrong
}

/// The status and the beginning of the body (all of it, if empty) where a row does not say otherwise.
fn usual_answer(outcome: Outcome) -> (Option<u16>, Option<&'static str>) {
    match outcome {
        Outcome::Allow | Outcome::Passed | Outcome::Unchecked => (Some(200), None),
        Outcome::Rerouted => (Some(299), Some("")),
        Outcome::Deny | Outcome::DenyByRemote => (Some(403), None),
        Outcome::BadRequest => (Some(400), Some("request_parse_error: ")),
        Outcome::Error => (Some(403), Some("")),
        Outcome::Invalid => (Some(500), Some("")),
        Outcome::TooLarge => (Some(413), None),
        Outcome::Refused => (Some(400), None),
    }
}
