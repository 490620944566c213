//! The state of an evaluation. Kept by the engine, so that its memory is allocated once; empty between evaluations.

use super::memo::Memo;
use super::scan::Members;
use crate::plan::code::Target;
use crate::plan::program::Slot;
use regorus::Value;
use std::collections::BTreeSet;

/// The state of an evaluation.
#[derive(Default)]
pub struct Scratch {
    /// The frames, one on top of the other.
    pub(super) stack: Vec<Value>,
    /// The calls that have not returned.
    pub(super) calls: Vec<Call>,
    /// The scans that have not ended.
    pub(super) scans: Vec<Members>,
    /// The `with`s that have not ended.
    pub(super) withs: Vec<With>,
    /// Arguments of the builtin that is called.
    pub(super) args: Vec<Value>,
    /// Results of rules.
    pub(super) memo: Memo,
    /// The result set.
    pub(super) results: BTreeSet<Value>,
}

/// A call that has not returned.
pub struct Call {
    /// The caller's next operation.
    pub next: Target,
    /// Where it goes on if the result is undefined.
    pub fail: Target,
    /// Where the caller's frame begins.
    pub base: usize,
    /// The caller's slot for the result.
    pub result: Slot,
    /// The function called.
    pub function: u32,
    /// Scans that had begun before.
    pub scans: usize,
    /// `with`s that had begun before.
    pub withs: usize,
}

/// A `with` that has not ended.
pub struct With {
    /// The slot it changed.
    pub target: Slot,
    /// What was there.
    pub saved: Value,
}

impl Scratch {
    /// Makes it ready for an evaluation.
    pub(super) fn begin(&mut self) {
        self.clear();
    }

    /// Forgets every value, keeps the memory.
    pub(super) fn clear(&mut self) {
        self.stack.clear();
        self.calls.clear();
        self.scans.clear();
        self.withs.clear();
        self.args.clear();
        self.memo.clear();
        self.results.clear();
    }
}
