//! What the core asks of the proxy it runs in. Time, randomness and everything else from outside come through here,
//! so that a test is a host too.

use crate::metrics::{Counter, Implementation, LiveError, Reason};

/// A monotonic clock. Shared, because the engine reads it in the middle of an evaluation.
pub trait Clock {
    /// Nanoseconds since an arbitrary point; never goes back.
    fn now(&self) -> u64;
}

/// A call into the proxy failed. The request that needed it is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostError;

/// The proxy, seen from one request.
pub trait Host {
    /// A random number: ids, never secrets.
    fn random(&self) -> u64;

    /// The time now, nanoseconds since the epoch: what `time.now_ns` answers and tokens are checked against.
    ///
    /// # Errors
    /// The proxy did not tell.
    fn now(&self) -> Result<i64, HostError>;

    /// What the proxy knows under this path (Envoy's attributes), in its byte form: text as it is, numbers as 8 bytes
    /// little-endian, messages as protobuf. `None`: it knows nothing there.
    ///
    /// # Errors
    /// The proxy did not tell.
    fn property(&self, path: &[&str]) -> Result<Option<Vec<u8>>, HostError>;

    /// The first `length` bytes of the request body buffered so far.
    ///
    /// # Errors
    /// The proxy did not hand them out.
    fn body(&self, length: usize) -> Result<Vec<u8>, HostError>;

    /// The metadata of the route that Envoy picked first, as the bytes of `envoy.config.core.v3.Metadata`; empty if it
    /// has none. Not of the one it may pick after a header was written: that cannot be seen.
    ///
    /// # Errors
    /// The proxy did not tell.
    fn route_metadata(&self) -> Result<Vec<u8>, HostError>;

    /// Counts one.
    fn count(&self, counter: Counter);

    /// Tells the operator that a side could not decide. `detail` names places of the policy and keys of the result,
    /// never values of the request.
    fn report(&self, implementation: Implementation, reason: Reason, detail: &str);
}

/// What all workers of a proxy share of one plugin: one document, changed while the proxy runs.
pub trait Live {
    /// How often the document of any plugin was changed; another number means: look at it. Read with every request.
    ///
    /// # Errors
    /// The proxy did not tell.
    fn changes(&self) -> Result<u64, HostError>;

    /// The document, if there is one, and a number, never 0, that it has until it is stored again.
    ///
    /// # Errors
    /// The proxy did not hand it out.
    fn load(&self) -> Result<Option<(Vec<u8>, u32)>, HostError>;

    /// Stores the document, for all workers at once, if it still has this number or there is none; whether it did.
    ///
    /// # Errors
    /// The proxy did not store it.
    fn store(&self, document: &[u8], number: u32) -> Result<bool, HostError>;

    /// Adds one to the number of changes.
    ///
    /// # Errors
    /// The proxy did not.
    fn announce(&self) -> Result<(), HostError>;

    /// The time now, in milliseconds since the epoch; `None`: the proxy did not tell.
    fn now_ms(&self) -> Option<u64>;

    /// Counts an error, and tells the operator.
    fn failed(&self, error: LiveError);
}

/// "It must not be there yet", for [`Live::store`] and [`Board::write`]. Envoy accepts any number for a key that is not
/// there and 0 for every key; this one belongs to no value before 4 billion of them were written. So of two first
/// writers exactly one wins.
pub const ABSENT: u32 = u32::MAX;

/// One of the sheets of a [`Board`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sheet {
    /// How the workers stand. Whose slot is whose is settled here, for all sheets.
    Workers,
    /// What they have compared.
    Comparisons,
}

/// Where the workers of a proxy show each other how they stand.
pub trait Board {
    /// What stands in a slot, if anything, and a number that it has until it is written again.
    ///
    /// # Errors
    /// The proxy did not hand it out.
    fn read(&self, sheet: Sheet, slot: usize) -> Result<Option<(Vec<u8>, u32)>, HostError>;

    /// Writes into a slot if it still has this number, or nothing is there; whether it did.
    ///
    /// # Errors
    /// The proxy did not store it.
    fn write(&self, sheet: Sheet, slot: usize, bytes: &[u8], number: u32) -> Result<bool, HostError>;
}

/// The proxy, seen from an admin request.
pub trait Desk: Host + Board {
    /// How often all workers together have counted this.
    ///
    /// # Errors
    /// The proxy did not tell.
    fn counted(&self, counter: Counter) -> Result<u64, HostError>;
}

#[cfg(test)]
pub mod testing {
    //! A host for tests: everything is set by hand.

    use super::{Board, Clock, Desk, Host, HostError, Sheet};
    use crate::metrics::{Counter, Implementation, Reason};
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;

    /// A clock that moves by `step` at every look.
    #[derive(Default)]
    pub struct FakeClock {
        /// The time.
        pub now: Cell<u64>,
        /// What a look adds to it.
        pub step: Cell<u64>,
    }

    impl Clock for FakeClock {
        fn now(&self) -> u64 {
            self.now.set(self.now.get() + self.step.get());
            self.now.get()
        }
    }

    /// Numbers that are the same on every machine (xorshift).
    pub struct Random(u64);

    impl Random {
        /// From a seed that is not 0.
        pub const fn new(seed: u64) -> Self {
            Self(seed)
        }

        /// One below `bound`.
        pub fn next(&mut self, bound: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 >> 33).unwrap() % bound
        }

        /// One of them.
        pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
            of[self.next(of.len())]
        }
    }

    /// Bytes, and the number they have until they are written again.
    type Numbered = (Vec<u8>, u32);

    /// A host whose every answer is a field.
    #[derive(Default)]
    pub struct FakeHost {
        /// Every random number.
        pub random: u64,
        /// Start of the request.
        pub request_time: u64,
        /// Properties by their path, joined by dots, beside those that every request has.
        pub properties: BTreeMap<String, Vec<u8>>,
        /// The time now.
        pub now: i64,
        /// A property that the proxy does not know.
        pub silent: Option<&'static str>,
        /// The buffered body; `None`: reading it fails.
        pub body: Option<Vec<u8>>,
        /// The route's metadata; `None`: reading it fails.
        pub route_metadata: Option<Vec<u8>>,
        /// What was counted, in order.
        pub counted: RefCell<Vec<String>>,
        /// What was read of the proxy, in order: properties by their paths, `body`, `route metadata`.
        pub asked: RefCell<Vec<String>>,
        /// The board; `None`: it cannot be used.
        pub slots: RefCell<Option<Vec<Numbered>>>,
        /// Its other sheet.
        pub comparisons: RefCell<BTreeMap<usize, Numbered>>,
    }

    impl Board for FakeHost {
        fn read(&self, sheet: Sheet, slot: usize) -> Result<Option<(Vec<u8>, u32)>, HostError> {
            if sheet == Sheet::Comparisons {
                return Ok(self.comparisons.borrow().get(&slot).cloned());
            }
            self.slots.borrow().as_ref().map(|slots| slots.get(slot).cloned()).ok_or(HostError)
        }

        fn write(&self, sheet: Sheet, slot: usize, bytes: &[u8], number: u32) -> Result<bool, HostError> {
            if sheet == Sheet::Comparisons {
                let mut comparisons = self.comparisons.borrow_mut();
                let is_first = !comparisons.contains_key(&slot);
                let (there, of_there) = comparisons.entry(slot).or_default();
                if is_first || *of_there == number {
                    (*there, *of_there) = (bytes.to_vec(), *of_there + 1);
                    return Ok(true);
                }
                return Ok(false);
            }
            let mut slots = self.slots.borrow_mut();
            let slots = slots.as_mut().ok_or(HostError)?;
            let next = slots.iter().map(|(_, number)| number + 1).max().unwrap_or(1);
            match slots.get_mut(slot) {
                None => slots.push((bytes.to_vec(), next)),
                Some((there, of_there)) if *of_there == number => (*there, *of_there) = (bytes.to_vec(), next),
                Some(_) => return Ok(false),
            }
            Ok(true)
        }
    }

    impl Desk for FakeHost {
        fn counted(&self, counter: Counter) -> Result<u64, HostError> {
            let name = counter.name();
            let count = self.counted.borrow().iter().filter(|counted| **counted == name).count();
            Ok(u64::try_from(count).unwrap())
        }
    }

    impl Host for FakeHost {
        fn random(&self) -> u64 {
            self.random
        }

        fn now(&self) -> Result<i64, HostError> {
            Ok(self.now)
        }

        fn property(&self, path: &[&str]) -> Result<Option<Vec<u8>>, HostError> {
            let path = path.join(".");
            self.asked.borrow_mut().push(path.clone());
            if self.silent == Some(path.as_str()) {
                return Ok(None);
            }
            let usual = || match path.as_str() {
                "request.protocol" => Some(b"HTTP/1.1".to_vec()),
                "request.time" => Some(self.request_time.to_le_bytes().to_vec()),
                "source.address" => Some(b"127.0.0.1:50000".to_vec()),
                "destination.address" => Some(b"127.0.0.1:10000".to_vec()),
                _ => None,
            };
            Ok(self.properties.get(&path).cloned().or_else(usual))
        }

        fn body(&self, length: usize) -> Result<Vec<u8>, HostError> {
            self.asked.borrow_mut().push("body".to_owned());
            let body = self.body.as_ref().ok_or(HostError)?;
            Ok(body[..length].to_vec())
        }

        fn route_metadata(&self) -> Result<Vec<u8>, HostError> {
            self.asked.borrow_mut().push("route metadata".to_owned());
            self.route_metadata.clone().ok_or(HostError)
        }

        fn count(&self, counter: Counter) {
            self.counted.borrow_mut().push(counter.name());
        }

        fn report(&self, _: Implementation, _: Reason, _: &str) {}
    }
}
