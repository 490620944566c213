//! Requests that the other side decides as well, off their own path.
//!
//! A request that was let go or answered leaves what is to be compared here, and a tick takes it up: the client waits for
//! none of it, and the callback that served it only puts it away. The calls are the root context's own, since those of a
//! request end with it; so is their answer, and nothing in here holds anything that could let a request through.

use crate::calls;
use crate::clock::VmClock;
use crate::hostcalls;
use crate::stream::EnvoyHost;
use hashbrown::HashMap;
use sark_core::authorizer::{Asked, Pending};
use sark_core::host::Clock;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// As much of a tick may be spent on it: others wait for the worker meanwhile.
const WORK_NANOSECONDS: u64 = 1_000_000;

/// A request that waits, shared with its stream: whatever ends first, the stream or the wait, reads what is yet to be read
/// of it.
pub type Kept = Rc<RefCell<Option<Pending>>>;

/// What one configuration in one VM compares. The core bounds it.
#[derive(Default)]
pub struct Shadows {
    waiting: RefCell<VecDeque<(u32, Kept)>>,
    /// By the token of the call: what was asked, and how long a reply may be.
    asked: RefCell<HashMap<u32, (Asked, usize)>>,
}

impl Shadows {
    /// The request of this context waits for the next tick.
    pub fn wait(&self, context: u32, pending: Pending) -> Kept {
        let kept = Rc::new(RefCell::new(Some(pending)));
        self.waiting.borrow_mut().push_back((context, Rc::clone(&kept)));
        kept
    }

    /// Asks the other side about those that wait; whether some still do. Called by the tick only: it takes on the
    /// identity of other contexts.
    pub fn work(&self) -> bool {
        let started = VmClock.now();
        while VmClock.now().saturating_sub(started) < WORK_NANOSECONDS {
            let next = self.waiting.borrow_mut().pop_front();
            let Some((context, kept)) = next else { return false };
            let pending = kept.take();
            if let Some(pending) = pending {
                self.ask(context, pending);
            }
        }
        true
    }

    fn ask(&self, context: u32, pending: Pending) {
        // A stream that ends reads what it has to tell, so there is none that is gone.
        if !pending.is_read() && hostcalls::act_for(context).is_err() {
            return pending.give_up(&EnvoyHost);
        }
        let Some((callout, asked)) = pending.ask(&EnvoyHost) else { return };
        match calls::send(&callout) {
            Ok(token) => {
                self.asked.borrow_mut().insert(token, (asked, callout.max_reply_bytes));
            }
            Err(reply) => asked.reply(reply, &EnvoyHost),
        }
    }

    /// What became of a call. Only valid while the reply is being delivered.
    pub fn reply(&self, token: u32, headers: usize, body_size: usize) {
        let asked = self.asked.borrow_mut().remove(&token);
        if let Some((asked, max_reply_bytes)) = asked {
            asked.reply(calls::read_reply(headers, body_size, max_reply_bytes), &EnvoyHost);
        }
    }

    /// The configuration is gone, and Envoy has dropped its calls.
    pub fn give_up(&self) {
        let waiting = self.waiting.take();
        waiting.into_iter().filter_map(|(_, kept)| kept.take()).for_each(|pending| pending.give_up(&EnvoyHost));
        let asked = self.asked.take();
        asked.into_values().for_each(|(asked, _)| asked.give_up(&EnvoyHost));
    }
}

/// The stream ends: what the proxy has yet to tell of it is read now.
pub fn read(kept: &Kept) {
    let pending = kept.take();
    if let Some(pending) = pending.and_then(|pending| pending.read(&EnvoyHost)) {
        kept.replace(Some(pending));
    }
}
