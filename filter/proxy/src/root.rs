//! The root context: takes a configuration or refuses it, and ticks.

use crate::bodies::Bodies;
use crate::clock::VmClock;
use crate::counters;
use crate::hostcalls::{self, Buffer};
use crate::live::EnvoyLive;
use crate::probes::Probes;
use crate::report;
use crate::shadows::Shadows;
use crate::stream::Stream;
use crate::ticks::Ticks;
use crate::worker::{self, ThisWorker};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;
use sark_core::authorizer::Authorizer;
use sark_core::engine::{Shelf, Swept};
use sark_core::host::Clock;
use sark_core::rollout::{Ended, Why};
use std::cell::Cell;
use std::rc::Rc;

/// What is to be done once a second is done when this has passed: a second, less what a tick may be early.
const SECOND_NANOSECONDS: u64 = 950_000_000;

thread_local! {
    static VERSION_LOGGED: Cell<bool> = const { Cell::new(false) };
    /// Plans and caches of the configurations in force in this VM.
    static SHELF: Shelf = Shelf::default();
}

/// One configuration in one VM. Streams that began under it keep it to their end.
#[derive(Default)]
pub struct Root {
    /// `None`: nothing was configured, or it could not be read; every request is denied.
    authorizer: Option<Rc<Authorizer>>,
    bodies: Rc<Bodies>,
    ticks: Rc<Ticks>,
    has_ticked: bool,
    worker: Option<Rc<ThisWorker>>,
    probes: Probes,
    shadows: Rc<Shadows>,
    /// When the work of every second was done last, by the VM's clock.
    worked: u64,
}

/// Of all configurations in this VM, whichever of them ticks.
fn sweep_caches() -> Swept {
    let swept = SHELF.with(|shelf| shelf.sweep(VmClock.now()));
    counters::report_caches(swept);
    swept
}

/// What the plugin is called whose callback is running.
pub fn plugin_name() -> Option<String> {
    hostcalls::property(&["plugin_name"]).ok().flatten().and_then(|name| String::from_utf8(name).ok())
}

/// How many of them do not ask their remote OPA.
fn report_breakers() {
    counters::report_breakers(SHELF.with(Shelf::open_breakers));
}

/// What an operator changes while the proxy runs counts from now on. Whether the configuration is taken does not depend
/// on it.
fn attach(authorizer: Authorizer, plugin: Option<&str>) -> Authorizer {
    let live = Rc::new(EnvoyLive::new(plugin));
    SHELF.with(|shelf| authorizer.attached(live, plugin.unwrap_or_default(), shelf))
}

fn end_overrides(authorizer: &Authorizer) {
    for Ended { feature, why, over } in authorizer.rollout().tick() {
        let why = match why {
            Why::Push => "another configuration of the feature has come",
            Why::Ttl => "its time is over",
        };
        log::warn!(
            "sark: the override of {} ({} %, by {}) has ended: {why}",
            feature.label(),
            over.percentage,
            over.by
        );
    }
}

impl Drop for Root {
    /// A cache or breaker that nobody uses any more is gone with its last configuration.
    fn drop(&mut self) {
        self.shadows.give_up();
        self.authorizer = None;
        let _ = sweep_caches();
        report_breakers();
    }
}

impl Context for Root {
    /// The replies to requests come to those; what comes here was asked to probe or to compare.
    fn on_http_call_response(&mut self, token: u32, headers: usize, body_size: usize, _: usize) {
        self.shadows.reply(token, headers, body_size);
        if let Some(authorizer) = &self.authorizer {
            self.probes.reply(authorizer, token, headers, body_size);
        }
        report_breakers();
    }
}

impl RootContext for Root {
    fn on_vm_start(&mut self, _: usize) -> bool {
        // Called for every root context; the version is that of the VM.
        if !VERSION_LOGGED.replace(true) {
            log::info!(
                "sark {} revision {} features [{}] regorus 0.14.1",
                env!("CARGO_PKG_VERSION"),
                env!("SARK_REVISION"),
                if cfg!(feature = "fault-injection") { "fault-injection" } else { "" }
            );
        }
        counters::define();
        true
    }

    /// A pure function of the configuration's bytes and the VM's environment (trap T1): a worker that says `false`
    /// where the main thread said `true` would be skipped, and everything would pass. Whatever else can go wrong
    /// answers `true` and denies every request.
    fn on_configure(&mut self, size: usize) -> bool {
        #[cfg(feature = "fault-injection")]
        if crate::faults::fail_configure() {
            return false;
        }
        // Without a tick a summary is missing from the log, and a request whose body Envoy keeps is held for ever.
        self.ticks.start();
        let bytes = if size == 0 { Ok(Vec::new()) } else { hostcalls::buffer(Buffer::PluginConfiguration, size) };
        let Ok(bytes) = bytes else {
            log::error!("sark: the configuration cannot be read from the proxy: every request is denied");
            return true;
        };
        // What is not UTF-8 must not pass for what is not there.
        let env = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        match SHELF.with(|shelf| Authorizer::new(&bytes, &env, Rc::new(VmClock), shelf)) {
            Ok(authorizer) => {
                let level = if authorizer.is_remote_only() { log::Level::Warn } else { log::Level::Info };
                log::log!(level, "sark: {}", authorizer.summary());
                let plugin = plugin_name();
                let authorizer = Rc::new(attach(authorizer, plugin.as_deref()));
                self.worker = plugin.map(|plugin| ThisWorker::of(&plugin, &authorizer));
                self.authorizer = Some(authorizer);
                true
            }
            Err(error) => {
                log::error!("sark: configuration refused: {error}");
                false
            }
        }
    }

    /// Comes sooner when a probe is to be sent, or while something waits to be compared.
    fn on_tick(&mut self) {
        #[cfg(feature = "fault-injection")]
        crate::faults::count_tick();
        let is_first = !std::mem::replace(&mut self.has_ticked, true);
        if let Some(authorizer) = &self.authorizer {
            self.probes.send(authorizer);
        }
        report_breakers();
        if self.shadows.work() {
            self.ticks.hasten();
        } else {
            self.ticks.calm();
        }
        let now = VmClock.now();
        if !is_first && now.saturating_sub(self.worked) < SECOND_NANOSECONDS {
            return;
        }
        self.worked = now;
        report::flush();
        self.bodies.sweep();
        self.authorizer.iter().for_each(|authorizer| end_overrides(authorizer));
        let swept = sweep_caches();
        if let (Some(authorizer), Some(worker)) = (&self.authorizer, &self.worker) {
            worker.show(authorizer, swept);
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        worker::count_request();
        let (bodies, shadows, ticks) = (Rc::clone(&self.bodies), Rc::clone(&self.shadows), Rc::clone(&self.ticks));
        Some(Box::new(Stream::new(id, self.authorizer.clone(), bodies, shadows, ticks)))
    }
}
