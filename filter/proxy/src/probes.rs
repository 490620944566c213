//! Questions of our own to the remote OPA: whether it answers at all. Asked by the tick, which a call hastens if it has
//! made one due.

use crate::calls;
use crate::counters;
use sark_core::authorizer::{Authorizer, Probed};
use sark_core::remote::Reply;
use sark_core::remote::breaker::{Probe, State};
use std::cell::Cell;

/// The one that is under way, of one configuration.
#[derive(Default)]
pub struct Probes(Cell<Option<Sent>>);

#[derive(Clone, Copy)]
struct Sent {
    token: u32,
    probe: Probe,
    max_reply_bytes: usize,
}

impl Probes {
    /// Sends one, if it is time.
    pub fn send(&self, authorizer: &Authorizer) {
        let Some((probe, callout)) = authorizer.probe() else { return };
        match calls::send(&callout) {
            Ok(token) => self.0.set(Some(Sent { token, probe, max_reply_bytes: callout.max_reply_bytes })),
            Err(reply) => ended(authorizer, probe, reply),
        }
    }

    /// A reply has come to the root context.
    pub fn reply(&self, authorizer: &Authorizer, token: u32, headers: usize, body_size: usize) {
        if let Some(sent) = self.0.get().filter(|sent| sent.token == token) {
            self.0.set(None);
            ended(authorizer, sent.probe, calls::read_reply(headers, body_size, sent.max_reply_bytes));
        }
    }
}

fn ended(authorizer: &Authorizer, probe: Probe, reply: Reply) {
    let Some(probed) = authorizer.probed(probe, reply) else { return };
    probed.counters().for_each(counters::count);
    tell(probed);
}

/// Of both ends of an outage; what lies between is counted.
fn tell(probed: Probed) {
    match probed.begins {
        Some(State::Open) => log::warn!("sark: the remote OPA does not answer and is not asked, by this worker"),
        Some(State::Closed) => log::warn!("sark: the remote OPA answers again and is asked, by this worker"),
        Some(State::HalfOpen) | None => {}
    }
}
