//! One stack for all tests of a file, one test at a time: starting Envoy is the dear part, a push is cheap.

use std::ops::Deref;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::stack::Stack;

/// A stack that starts with the first test that wants it.
pub struct Shared(LazyLock<Mutex<Stack>>);

impl Shared {
    /// To stand in a `static`.
    #[must_use]
    pub const fn new(start: fn() -> Mutex<Stack>) -> Self {
        Self(LazyLock::new(start))
    }

    /// Waits for the stack to be free, and gives it this configuration. Upstream and fake OPA have forgotten the past.
    ///
    /// # Panics
    /// If the configuration is refused.
    #[track_caller]
    #[must_use]
    pub fn with(&self, configuration: &Value) -> Turn<'_> {
        let turn = Turn(self.0.lock().unwrap_or_else(PoisonError::into_inner));
        turn.push(configuration).accepted();
        turn.forget();
        turn
    }
}

/// The stack, for as long as this lives. If the test panics meanwhile, Envoy's log is shown.
pub struct Turn<'a>(MutexGuard<'a, Stack>);

impl Deref for Turn<'_> {
    type Target = Stack;

    fn deref(&self) -> &Stack {
        &self.0
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        drop(self.0.watch());
    }
}
