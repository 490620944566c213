//! Sends every row, both ways, and gathers what is not as it should be.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use sark_integration::{Connection, Request, Response, Result, Stack};
use serde_json::Value;

use crate::document::{document, forget_what_differs};
use crate::outcome::Outcome;
use crate::row::{Carrier, Door, Row};
use crate::see::{Mismatch, See, Seen};
use crate::setup::{ROW, RUN, Setup, Way};

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
    let mut failures = Vec::new();
    let mut inline = Documents::new();
    for way in [Way::Inline, Way::Remote] {
        for setup in setups(&mine) {
            let pushed = stage.stack.envoy().push(&setup.configuration(policy, way));
            pushed.unwrap_or_else(|error| panic!("{}: {error}", setup.name)).accepted();
            for (number, row) in mine.iter().filter(|(_, row)| std::ptr::eq(row.setup, setup)) {
                for carrier in row.ask.carriers() {
                    failures.extend(Sending { stage, way, number: *number, row, carrier }.play(&mut inline));
                }
            }
            failures.extend(latecomers(stage).map(|late| format!("after {}: {late}", setup.name)));
        }
    }
    failures
}

/// Each once, in the order of the rows.
fn setups(rows: &[(usize, &Row)]) -> Vec<&'static Setup> {
    let mut setups: Vec<&'static Setup> = Vec::new();
    for (_, row) in rows {
        if !setups.iter().any(|setup| std::ptr::eq(*setup, row.setup)) {
            setups.push(row.setup);
        }
    }
    setups
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

/// One row, one way, over one carrier.
struct Sending<'a> {
    stage: &'a Stage,
    way: Way,
    number: usize,
    row: &'a Row,
    carrier: Carrier<'a>,
}

impl Sending<'_> {
    /// What failed, a line each.
    fn play(&self, inline: &mut Documents) -> Vec<String> {
        let place = format!("{} [{:?}, {}]", self.row.name, self.way, self.carrier);
        let seen = match self.exchange() {
            Ok(seen) => seen,
            Err(error) => return vec![format!("{place}: {error}")],
        };
        let (outcome, sees) = self.expected();
        let mut wrong = outcome.check(self.way, sees, &seen);
        wrong.extend(sees.iter().filter_map(|see| see.check(&seen)));
        if self.row.difference.as_ref().is_none_or(|difference| difference.inline.is_none()) {
            wrong.extend(self.unlike_inline(&seen, inline));
        }
        let line = |(expected, got): Mismatch| format!("{place}: expected {}, got {}", short(&expected), short(&got));
        wrong.into_iter().map(line).collect()
    }

    fn expected(&self) -> (Outcome, &[See]) {
        let inline = self.row.difference.as_ref().and_then(|difference| difference.inline.as_ref());
        match (self.way, inline) {
            (Way::Inline, Some((outcome, sees))) => (*outcome, sees),
            _ => (self.row.outcome, &self.row.sees),
        }
    }

    fn exchange(&self) -> Result<Seen> {
        let stack = &self.stage.stack;
        stack.echo().clear();
        let run = format!("{}/{:?}/{}", self.number, self.way, self.carrier);
        let logged = self.expected().1.iter().any(See::reads_the_log);
        let reply = self.send(logged.then_some(&run))?;
        let line = logged.then(|| stack.envoy().wait_for_access(|line| line["run"] == run)).transpose()?;
        Ok(Seen { received: stack.echo().received(), document: document(&reply), reply, line })
    }

    /// `run` goes with the request if the access log is to tell it from others.
    fn send(&self, run: Option<&String>) -> Result<Response> {
        let address = self.stage.doors[&self.row.door];
        match self.carrier {
            Carrier::Request(request, protocol) => {
                let mut request = request.clone().protocol(protocol);
                if !self.row.decision.is_empty() {
                    request = request.header(ROW, self.number.to_string());
                }
                if let Some(run) = run {
                    request = request.header(RUN, run);
                }
                request.send(address)
            }
            Carrier::Bytes(bytes) => {
                let mut connection = Connection::open(address)?;
                connection.write(bytes)?;
                connection.response("GET")
            }
        }
    }

    /// Both sides are given the same document.
    fn unlike_inline(&self, seen: &Seen, inline: &mut Documents) -> Option<Mismatch> {
        let mut document = seen.document.clone()?;
        forget_what_differs(&mut document);
        let key = (self.number, self.carrier.to_string());
        if self.way == Way::Inline {
            inline.insert(key, document);
            return None;
        }
        let before = inline.get(&key)?;
        (*before != document).then(|| (format!("the document of the inline side, {before}"), document.to_string()))
    }
}

/// Documents and bodies may be large.
fn short(text: &str) -> String {
    const SHOWN: usize = 1500;
    text.chars().take(SHOWN).collect()
}
