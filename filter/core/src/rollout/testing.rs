//! A proxy for tests: shared data exactly as Envoy keeps it, and VMs that share it.

use super::Rollout;
use crate::authorizer::Authorizer;
use crate::config;
use crate::engine::Shelf;
use crate::host::testing::FakeClock;
use crate::host::{HostError, Live};
use crate::metrics::LiveError;
use serde_json::Value as Json;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What is done between a look at the document and the attempt to store it.
type Meanwhile = Box<dyn FnOnce()>;

/// A value and its number.
type Numbered = (Vec<u8>, u32);

/// One Envoy process.
pub struct Process {
    /// By `vm_id` and key.
    data: RefCell<BTreeMap<(String, String), Numbered>>,
    next_number: Cell<u32>,
    /// The gauge.
    pub changes: Cell<u64>,
    /// The time of day.
    pub now_ms: Cell<Option<u64>>,
    /// Done once, before the next value is stored.
    pub meanwhile: RefCell<Option<Meanwhile>>,
}

impl Process {
    /// An hour after the epoch.
    pub fn start() -> Rc<Self> {
        Rc::new(Self {
            data: RefCell::default(),
            next_number: Cell::new(1),
            changes: Cell::new(0),
            now_ms: Cell::new(Some(3_600_000)),
            meanwhile: RefCell::default(),
        })
    }

    /// Time passes.
    pub fn pass(&self, seconds: u64) {
        self.now_ms.set(self.now_ms.get().map(|now| now + seconds * 1000));
    }

    /// `get_shared_data`.
    pub fn get(&self, vm_id: &str, key: &str) -> Option<Numbered> {
        self.data.borrow().get(&(vm_id.to_owned(), key.to_owned())).cloned()
    }

    /// `set_shared_data`, as `shared_data.cc` of proxy-wasm-cpp-host has it: number 0 and a key that is not there take
    /// anything; every value gets the next number of the process.
    pub fn set(&self, vm_id: &str, key: &str, value: &[u8], number: u32) -> bool {
        let mut data = self.data.borrow_mut();
        let place = (vm_id.to_owned(), key.to_owned());
        if data.get(&place).is_some_and(|(_, current)| number != 0 && number != *current) {
            return false;
        }
        data.insert(place, (value.to_vec(), self.next_number.get()));
        self.next_number.set(self.next_number.get() + 1);
        true
    }
}

/// The live state, seen from one VM.
pub struct FakeLive {
    process: Rc<Process>,
    vm_id: String,
    key: String,
    /// Calls that fail: `changes`, `load`, `store`, `announce`.
    pub broken: RefCell<Vec<&'static str>>,
    /// Calls that were made, in order.
    pub calls: RefCell<Vec<&'static str>>,
    /// Errors that were reported, in order.
    pub errors: RefCell<Vec<LiveError>>,
}

impl FakeLive {
    fn call(&self, name: &'static str) -> Result<(), HostError> {
        self.calls.borrow_mut().push(name);
        if self.broken.borrow().contains(&name) { Err(HostError) } else { Ok(()) }
    }

    /// What is stored.
    pub fn document(&self) -> Option<String> {
        self.process.get(&self.vm_id, &self.key).map(|(bytes, _)| String::from_utf8(bytes).unwrap())
    }

    /// Somebody else writes there.
    pub fn overwrite(&self, bytes: &[u8]) {
        assert!(self.process.set(&self.vm_id, &self.key, bytes, 0));
        self.process.changes.set(self.process.changes.get() + 1);
    }
}

impl Live for FakeLive {
    fn changes(&self) -> Result<u64, HostError> {
        self.call("changes")?;
        Ok(self.process.changes.get())
    }

    fn load(&self) -> Result<Option<(Vec<u8>, u32)>, HostError> {
        self.call("load")?;
        Ok(self.process.get(&self.vm_id, &self.key))
    }

    fn store(&self, document: &[u8], number: u32) -> Result<bool, HostError> {
        self.call("store")?;
        let meanwhile = self.process.meanwhile.take();
        meanwhile.into_iter().for_each(|meanwhile| meanwhile());
        Ok(self.process.set(&self.vm_id, &self.key, document, number))
    }

    fn announce(&self) -> Result<(), HostError> {
        self.call("announce")?;
        self.process.changes.set(self.process.changes.get() + 1);
        Ok(())
    }

    fn now_ms(&self) -> Option<u64> {
        let _ = self.call("now");
        self.process.now_ms.get()
    }

    fn failed(&self, error: LiveError) {
        self.errors.borrow_mut().push(error);
    }
}

/// One VM: a worker's, or the main thread's.
pub struct Vm {
    /// Its environment.
    pub env: BTreeMap<&'static str, String>,
    /// What outlives a configuration.
    pub shelf: Shelf,
    /// Its clock.
    pub clock: Rc<FakeClock>,
    /// Its view of the live state.
    pub live: Rc<FakeLive>,
}

impl Vm {
    /// Of the plugin `sark` under the usual `vm_id`.
    pub fn of(process: &Rc<Process>) -> Self {
        Self::named(process, "sark-v1", "sark")
    }

    /// Of a plugin of this name under this `vm_id`.
    pub fn named(process: &Rc<Process>, vm_id: &str, plugin: &str) -> Self {
        let live = FakeLive {
            process: Rc::clone(process),
            vm_id: vm_id.to_owned(),
            key: format!("sark/{plugin}/live"),
            broken: RefCell::default(),
            calls: RefCell::default(),
            errors: RefCell::default(),
        };
        Self { env: BTreeMap::new(), shelf: Shelf::default(), clock: Rc::default(), live: Rc::new(live) }
    }

    /// With a variable in its environment.
    pub fn with(mut self, variable: &'static str, value: &str) -> Self {
        self.env.insert(variable, value.to_owned());
        self
    }

    /// Takes the features of a configuration. The policy is not loaded; it can be decided inline.
    pub fn take(&self, configuration: &Json) -> Rollout {
        let env = |name: &str| self.env.get(name).cloned();
        let config = config::read(configuration.to_string().as_bytes(), &env).unwrap_or_else(|error| panic!("{error}"));
        let mut rollout = Rollout::new(&config.settings, true);
        rollout.attach(self.live.clone(), self.shelf.known("sark"));
        rollout
    }

    /// Takes a whole configuration.
    pub fn authorizer(&self, configuration: &Json) -> Rc<Authorizer> {
        let env = |name: &str| self.env.get(name).cloned();
        let taken = Authorizer::new(configuration.to_string().as_bytes(), &env, self.clock.clone(), &self.shelf);
        let authorizer = taken.unwrap_or_else(|error| panic!("{error}"));
        Rc::new(authorizer.attached(self.live.clone(), "sark", &self.shelf))
    }
}
