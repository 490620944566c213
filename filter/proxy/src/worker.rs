//! How this VM stands, shown to the others in Envoy's shared data: an admin request reaches one worker only.

use crate::stream::EnvoyHost;
use crate::{clock, counters, hostcalls, random, report};
use sark_core::admin::{self, Slot, Worker};
use sark_core::authorizer::Authorizer;
use sark_core::engine::Swept;
use sark_core::host::{Board, Desk, HostError, Sheet};
use sark_core::metrics::Counter;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

const MODULE: &str = concat!(env!("CARGO_PKG_VERSION"), " ", env!("SARK_REVISION"));

thread_local! {
    static VM: String = format!("{:016x}", random::next());
    static REQUESTS: Cell<u64> = const { Cell::new(0) };
    /// One for each plugin of this VM: a handful.
    static PLUGINS: RefCell<Vec<Rc<ThisWorker>>> = const { RefCell::new(Vec::new()) };
}

/// One plugin in this VM.
pub struct ThisWorker {
    plugin: String,
    /// The configuration that is shown. Earlier ones live on until their last request has ended, and keep silent.
    newest: RefCell<Newest>,
    slot: Slot,
    /// How many comparisons of the newest configuration are shown, and in which slot.
    compared: Cell<(u64, usize)>,
}

struct Newest {
    authorizer: Weak<Authorizer>,
    since: Option<u64>,
}

impl Newest {
    fn now(authorizer: &Rc<Authorizer>) -> Self {
        Self { authorizer: Rc::downgrade(authorizer), since: clock::epoch_milliseconds() }
    }
}

/// A request has come.
pub fn count_request() {
    REQUESTS.set(REQUESTS.get().wrapping_add(1));
}

impl ThisWorker {
    /// The plugin of this name has a new configuration.
    pub fn of(plugin: &str, authorizer: &Rc<Authorizer>) -> Rc<Self> {
        PLUGINS.with_borrow_mut(|plugins| {
            if let Some(known) = plugins.iter().find(|known| known.plugin == plugin) {
                known.newest.replace(Newest::now(authorizer));
                known.compared.take();
                return Rc::clone(known);
            }
            let worker = Rc::new(Self {
                plugin: plugin.to_owned(),
                newest: RefCell::new(Newest::now(authorizer)),
                slot: Slot::default(),
                compared: Cell::default(),
            });
            plugins.push(Rc::clone(&worker));
            worker
        })
    }

    /// Shows how this VM stands, if this is its newest configuration.
    pub fn show(&self, authorizer: &Rc<Authorizer>, swept: Swept) {
        let Some(since) = self.since(authorizer) else { return };
        let digests = authorizer.digests();
        let worker = Worker {
            vm: VM.with(Clone::clone),
            at: clock::epoch_milliseconds().unwrap_or_default(),
            module: MODULE.to_owned(),
            configuration: digests.configuration.clone(),
            policy: digests.policy.clone(),
            since,
            requests: REQUESTS.get(),
            cache_entries: swept.entries,
            cache_bytes: swept.bytes,
            breaker: authorizer.breaker().map(Into::into),
            errors: report::last(),
        };
        let shown = self.slot.show(&worker, &PluginBoard(&self.plugin));
        match shown.and_then(|is_shown| if is_shown { self.show_comparisons(authorizer, &worker) } else { Ok(()) }) {
            Ok(()) => {}
            Err(HostError) => counters::count(Counter::HostError),
        }
    }

    /// What was compared since it was shown last.
    fn show_comparisons(&self, authorizer: &Authorizer, worker: &Worker) -> Result<(), HostError> {
        let compared = (authorizer.compared(), self.slot.number());
        let Some(report) = authorizer.shadow_report().filter(|_| compared.0 > 0 && compared != self.compared.get())
        else {
            return Ok(());
        };
        if admin::show_comparisons(&report, worker, &self.slot, &PluginBoard(&self.plugin))? {
            self.compared.set(compared);
        }
        Ok(())
    }

    /// When the newest configuration came, if it is this one. Envoy takes up one that it still has without telling.
    fn since(&self, authorizer: &Rc<Authorizer>) -> Option<Option<u64>> {
        if !authorizer.rollout().is_newest() {
            return None;
        }
        let mut newest = self.newest.borrow_mut();
        if !newest.authorizer.upgrade().is_some_and(|shown| Rc::ptr_eq(&shown, authorizer)) {
            *newest = Newest::now(authorizer);
            self.compared.take();
        }
        Some(newest.since)
    }
}

/// The slots of one plugin. All plugins whose `vm_id` is empty have one name space (trap T10).
struct PluginBoard<'a>(&'a str);

impl PluginBoard<'_> {
    fn key(&self, sheet: Sheet, slot: usize) -> String {
        let sheet = match sheet {
            Sheet::Workers => "worker",
            Sheet::Comparisons => "shadow",
        };
        format!("sark/{}/{sheet}/{slot}", self.0)
    }
}

impl Board for PluginBoard<'_> {
    fn read(&self, sheet: Sheet, slot: usize) -> Result<Option<(Vec<u8>, u32)>, HostError> {
        hostcalls::shared_data(&self.key(sheet, slot))
    }

    fn write(&self, sheet: Sheet, slot: usize, bytes: &[u8], number: u32) -> Result<bool, HostError> {
        hostcalls::set_shared_data(&self.key(sheet, slot), bytes, number)
    }
}

/// The board of the plugin whose callback is running.
impl Board for EnvoyHost {
    fn read(&self, sheet: Sheet, slot: usize) -> Result<Option<(Vec<u8>, u32)>, HostError> {
        PluginBoard(&crate::root::plugin_name().ok_or(HostError)?).read(sheet, slot)
    }

    fn write(&self, sheet: Sheet, slot: usize, bytes: &[u8], number: u32) -> Result<bool, HostError> {
        PluginBoard(&crate::root::plugin_name().ok_or(HostError)?).write(sheet, slot, bytes, number)
    }
}

impl Desk for EnvoyHost {
    fn counted(&self, counter: Counter) -> Result<u64, HostError> {
        counters::counted(counter)
    }
}
