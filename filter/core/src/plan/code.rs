//! The code that runs: a flat list of operations with absolute jumps.
//!
//! Blocks and `not` are nothing but jumps, so running a plan needs no native stack: however deep a plan is nested or
//! calls, frames, scans and `with` live on the heap, in [`Scratch`](super::run::Scratch), bounded at load.

use super::paths::Paths;
use super::program::{ConstantId, Constants, Kind, Operand, Place, Slot};
use super::reads::Why;
use crate::builtins::{Builtin, Function};
use regorus::Value;
use std::collections::BTreeMap;

/// An index into [`Code::operations`]; while code is made, the number of a label.
pub type Target = u32;

/// One operation. `fail` is where it goes on if it is undefined.
#[derive(Debug)]
pub enum Operation {
    /// Goes on elsewhere.
    Jump {
        to: Target,
    },
    /// Ends a function.
    Return {
        source: Slot,
    },
    /// Ends a function from inside its scans and `with`s.
    Exit {
        constant: ConstantId,
    },
    /// Ends an entry point.
    Halt,
    /// Begins a scan: takes the members. Its `Next` follows.
    Scan {
        source: Slot,
        key: Option<Slot>,
    },
    /// Takes the next member, or ends the scan.
    Next {
        key: Option<Slot>,
        value: Option<Slot>,
        end: Target,
    },
    /// Begins a `with`.
    With {
        target: Slot,
        path: Box<[ConstantId]>,
        value: Operand,
    },
    /// Ends the innermost `with`.
    EndWith,
    Call {
        function: u32,
        args: Box<[Operand]>,
        result: Slot,
        fail: Target,
    },
    CallDynamic {
        path: Box<[Operand]>,
        args: [Slot; 2],
        result: Slot,
        not_found: Target,
        undefined: Target,
    },
    Builtin {
        builtin: u16,
        args: Box<[Operand]>,
        result: Option<Slot>,
        fail: Target,
    },
    Get {
        source: Operand,
        keys: Box<[Operand]>,
        target: Slot,
        fail: Target,
    },
    Match {
        source: Operand,
        keys: Box<[Operand]>,
        value: Operand,
        fail: Target,
    },
    /// Looks up key after key and goes on where what is found leads.
    Switch {
        source: Slot,
        keys: Box<[Operand]>,
        targets: BTreeMap<Value, Target>,
        otherwise: Target,
    },
    Length {
        source: Operand,
        target: Slot,
    },
    Assign {
        source: Operand,
        target: Slot,
    },
    AssignOnce {
        source: Operand,
        target: Slot,
    },
    Equal {
        a: Operand,
        b: Operand,
        fail: Target,
    },
    NotEqual {
        a: Operand,
        b: Operand,
        fail: Target,
    },
    Is {
        source: Operand,
        kind: Kind,
        fail: Target,
    },
    Append {
        array: Slot,
        value: Operand,
    },
    Add {
        set: Slot,
        value: Operand,
    },
    Insert {
        object: Slot,
        key: Operand,
        value: Operand,
        once: bool,
    },
    Merge {
        a: Slot,
        b: Slot,
        target: Slot,
    },
    Result {
        value: Slot,
    },
}

impl Operation {
    /// Puts every target through `resolve`.
    pub fn retarget(&mut self, resolve: impl Fn(Target) -> Target) {
        match self {
            Self::Jump { to: target }
            | Self::Next { end: target, .. }
            | Self::Call { fail: target, .. }
            | Self::Builtin { fail: target, .. }
            | Self::Get { fail: target, .. }
            | Self::Match { fail: target, .. }
            | Self::Equal { fail: target, .. }
            | Self::NotEqual { fail: target, .. }
            | Self::Is { fail: target, .. } => *target = resolve(*target),
            Self::CallDynamic { not_found, undefined, .. } => {
                *not_found = resolve(*not_found);
                *undefined = resolve(*undefined);
            }
            Self::Switch { targets, otherwise, .. } => {
                targets.values_mut().chain([otherwise]).for_each(|target| *target = resolve(*target));
            }
            Self::Return { .. }
            | Self::Exit { .. }
            | Self::Halt
            | Self::Scan { .. }
            | Self::With { .. }
            | Self::EndWith
            | Self::Length { .. }
            | Self::Assign { .. }
            | Self::AssignOnce { .. }
            | Self::Append { .. }
            | Self::Add { .. }
            | Self::Insert { .. }
            | Self::Merge { .. }
            | Self::Result { .. } => {}
        }
    }
}

/// A builtin, ready to be called.
#[derive(Clone, Copy)]
pub struct CalledBuiltin {
    /// OPA's name, for messages.
    pub name: &'static str,
    /// The function.
    pub run: Function,
    /// Its row in the table, if it is one of OPA's.
    pub row: Option<&'static Builtin>,
    /// It looks up the keys of its second argument, a text or an array of texts, one after the other in its first;
    /// where that finds nothing it gives its third, if there is one.
    pub looks_up: bool,
    /// What it does with what it is given.
    pub why: Why,
}

impl CalledBuiltin {
    /// One of OPA's.
    pub fn of(row: &'static Builtin) -> Self {
        Self { name: row.name, run: row.run, row: Some(row), looks_up: row.name == "object.get", why: Why::Builtin }
    }
}

/// A function's or an entry point's part of the code.
#[derive(Debug, Clone, Copy)]
pub struct Routine {
    /// Its first operation.
    pub start: Target,
    /// Size of its frame.
    pub slots: u16,
    /// Whether its result is kept for the rest of the evaluation.
    pub memoised: bool,
}

/// Everything an evaluation reads.
pub struct Code {
    /// All operations.
    pub operations: Vec<Operation>,
    /// Where each comes from.
    pub places: Vec<Place>,
    /// Functions, by the index calls use.
    pub functions: Vec<Routine>,
    /// Entry points.
    pub entries: Vec<Routine>,
    /// Values known at load.
    pub constants: Constants,
    /// Builtins, by the index calls use; `None`: not available, and never called.
    pub builtins: Vec<Option<CalledBuiltin>>,
    /// Where dynamic calls find functions.
    pub paths: Paths,
    /// Names of the policy's files.
    pub files: Vec<String>,
    /// Whether a lookup may begin at data, whose keys OPA reads as texts; otherwise those are not lookups.
    pub looks_into_data: bool,
}
