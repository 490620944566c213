//! Whether Envoy hands over bodies at all.
//!
//! With `allow_on_headers_stop_iteration` off (Istio's `WasmPlugin` cannot turn it on) a request that is held at its
//! headers gets no further callback (trap T4): it would hang until its client gives up. Nothing tells a filter how the
//! flag stands, but Envoy counts the bytes it has received of a request even while it keeps them. So each tick looks at
//! the requests that wait: bytes that came before the last tick and were not handed over by this one never will be.
//! Those requests are refused, and so are all that follow, but for one in a while that finds out whether it is still so.

use crate::clock::VmClock;
use crate::hostcalls;
use crate::stream;
use sark_core::admin::Visit;
use sark_core::authorizer::Check;
use sark_core::host::Clock;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

/// What waits for its body.
pub enum Pending {
    /// A request that is to be decided.
    Check(Box<Check>),
    /// A request of the operator.
    Visit(Visit),
}

/// A request that waits for its body. Whoever takes it out, the next body callback or the tick, ends the wait.
pub type Held = Rc<RefCell<Option<Pending>>>;

/// Ticks that an admin request waits for a body of which nothing comes: an empty one that is kept back looks like that.
const PATIENCE_TICKS: u8 = 10;

/// Time until a request is let find out again.
const AGAIN_NANOSECONDS: u64 = 10_000_000_000;

/// What one configuration in one VM knows. The flag is part of Envoy's plugin configuration, so another value of it
/// comes with another root context and another of these.
#[derive(Default)]
pub struct Bodies {
    /// A body was handed over: the flag is on.
    arrive: Cell<bool>,
    /// A body was not: requests are refused until this time of the VM's clock.
    refused_until: Cell<Option<u64>>,
    waiting: RefCell<Vec<Waiting>>,
}

struct Waiting {
    context: u32,
    held: Weak<RefCell<Option<Pending>>>,
    /// Bytes of the request when it began to wait.
    size_at_head: u64,
    /// More had come by the last tick.
    is_overdue: bool,
    /// How long it has waited.
    ticks: u8,
}

impl Bodies {
    /// A body callback has come for a request that waited.
    pub fn arrived(&self) {
        self.arrive.set(true);
    }

    /// Whether a request may wait for its body. One that can do without finds nothing out for the others.
    pub fn may_wait(&self, is_optional: bool) -> bool {
        let Some(until) = self.refused_until.get().filter(|_| !self.arrive.get()) else {
            return true;
        };
        if is_optional {
            return false;
        }
        let now = VmClock.now();
        let finds_out = now >= until;
        if finds_out {
            self.refused_until.set(Some(now.saturating_add(AGAIN_NANOSECONDS)));
        }
        finds_out
    }

    /// Whether bodies are known to be kept from us. Unlike [`Self::may_wait`] this lets nobody find out again: the operator
    /// is answered at once, and has another way to say it.
    pub const fn are_kept_back(&self) -> bool {
        self.refused_until.get().is_some() && !self.arrive.get()
    }

    /// The request whose callback is running begins to wait.
    pub fn wait(&self, context: u32, held: &Held) {
        if self.arrive.get() {
            return;
        }
        // Unknown counts as nothing: then it can only be refused too early.
        let size_at_head = received().unwrap_or(0);
        let held = Rc::downgrade(held);
        self.waiting.borrow_mut().push(Waiting { context, held, size_at_head, is_overdue: false, ticks: 0 });
    }

    /// Refuses the requests whose bodies have come and are kept from us. Called by the tick only: it takes on the
    /// identity of other contexts.
    pub fn sweep(&self) {
        let mut waiting = self.waiting.take();
        if self.arrive.get() {
            return;
        }
        waiting.retain_mut(|request| {
            let Some(held) = request.held.upgrade().filter(|held| held.borrow().is_some()) else {
                return false;
            };
            if hostcalls::act_for(request.context).is_err() {
                return true;
            }
            let has_grown = received().is_some_and(|size| size > request.size_at_head);
            if has_grown && std::mem::replace(&mut request.is_overdue, has_grown) {
                self.kept_back();
            } else if !request.is_impatient(&held) {
                return true;
            }
            if let Some(pending) = held.borrow_mut().take() {
                stream::refuse_without_body(pending);
            }
            false
        });
        // Nothing in here can have begun another wait.
        self.waiting.replace(waiting);
    }

    /// A body has come and was not handed over.
    fn kept_back(&self) {
        if self.refused_until.get().is_none() {
            log::error!(
                "sark: with_request_body needs allow_on_headers_stop_iteration: true in the wasm plugin, and so do admin \
                 requests with a body; without it Envoy hands no body over, and every request that has one is denied"
            );
        }
        self.refused_until.set(Some(VmClock.now().saturating_add(AGAIN_NANOSECONDS)));
    }
}

impl Waiting {
    fn is_impatient(&mut self, held: &Held) -> bool {
        self.ticks = self.ticks.saturating_add(1);
        self.ticks > PATIENCE_TICKS && matches!(*held.borrow(), Some(Pending::Visit(_)))
    }
}

/// Bytes of the request so far, its headers included.
fn received() -> Option<u64> {
    let bytes = hostcalls::property(&["request", "total_size"]).ok().flatten()?;
    u64::try_from(i64::from_le_bytes(bytes.try_into().ok()?)).ok()
}
