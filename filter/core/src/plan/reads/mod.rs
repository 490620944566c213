//! What a decision of a plan reads: which parts of `input` and of `data`, and which builtins it reaches.
//!
//! [`flow`] follows the value of every slot through one function at a time, callees first; here the functions that an
//! entry point reaches are put together. Where there is doubt, more is read, and [`Why`] says so.

mod flow;
mod part;
mod state;
mod why;

pub use part::Document;
pub use why::{Reason, Why};

use super::CalledBuiltin;
use super::optimise::live_before_blocks;
use super::place::describe;
use super::program::{Block, EntryPoint, Program};
use super::reach::Reach;
use crate::builtins::{Builtin, Purity};
use flow::Flow;
use part::{DATA, INPUT, Part};
use regorus::Value;
use regorus::value::Object;
use std::collections::BTreeMap;
use std::rc::Rc;
use why::{Spot, Touched};

/// Most statements looked at to tell the entry points of a plan apart. Beyond it, each reads what all of them read.
const MAX_ENTRY_WORK: usize = 10_000_000;

/// The parts of a document that are read. Surely complete.
///
/// Whether the containers on the way to a part exist, and that they are objects, counts as read too: whoever leaves
/// out what is not read keeps them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reads {
    /// The whole document.
    Whole,
    /// What is at these paths, and nothing else. None is a prefix of another.
    Parts(Vec<Vec<String>>),
}

impl Reads {
    /// What is left of a document that holds nothing but what is read: whoever reads no more cannot tell them apart.
    #[must_use]
    pub fn of(&self, document: &Value) -> Value {
        match self {
            Self::Whole => document.clone(),
            Self::Parts(parts) => kept(document, &parts.iter().map(Vec::as_slice).collect::<Vec<_>>()),
        }
    }
}

fn kept<'p>(value: &Value, paths: &[&'p [String]]) -> Value {
    let Value::Object(members) = value else { return value.clone() };
    if paths.iter().any(|path| path.is_empty()) {
        return value.clone();
    }
    let kept = members.iter().filter_map(|(key, member)| {
        let inside = |path: &&'p [String]| {
            let (first, rest) = path.split_first()?;
            (*key == Value::from(first.as_str())).then_some(rest)
        };
        let paths: Vec<&[String]> = paths.iter().filter_map(inside).collect();
        (!paths.is_empty()).then(|| (key.clone(), self::kept(member, &paths)))
    });
    Value::from(kept.collect::<Object>())
}

/// A part that is read, and why as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The document it is a part of.
    pub document: Document,
    /// The keys that lead to it; none: the document itself.
    pub path: Vec<String>,
    /// Why nothing smaller will do.
    pub reason: Reason,
}

/// What one decision reads.
#[derive(Debug, Clone)]
pub struct Footprint {
    /// Of `input`.
    pub input: Reads,
    /// Of `data`.
    pub data: Reads,
    /// The parts of both documents, with reasons.
    pub parts: Vec<Read>,
    /// The builtins it may call, by name.
    pub builtins: Vec<&'static Builtin>,
}

impl Footprint {
    /// Whether every builtin it may call is a function of its arguments, so that the decision is one of `input` and
    /// `data`.
    #[must_use]
    pub fn is_deterministic(&self) -> bool {
        self.builtins.iter().all(|builtin| builtin.purity == Purity::Pure)
    }
}

/// What each entry point of a program reads, in their order. `reach` is what they reach together.
pub fn footprints(program: &mut Program, reach: &Reach, builtins: &[Option<CalledBuiltin>]) -> Vec<Rc<Footprint>> {
    // Slots are reused: what an earlier block left in one does not matter to a block that writes it first.
    let live = live_before_blocks(program);
    let mut flow = Flow::new(&program.constants, builtins);
    for ((function, reached), live) in program.functions.iter().zip(&reach.functions).zip(&live) {
        flow.function(function, *reached, live.as_deref());
    }
    let of = |entries: &[EntryPoint], flow: &mut Flow| {
        let reached = Reach::of(program, entries);
        let touched = together(program, &reached, flow, entries);
        Rc::new(footprint(program, &reached, touched, builtins))
    };
    let statements = program.functions.iter().flat_map(|function| &function.blocks).map(Block::size);
    let work = statements.fold(flow.size(), usize::saturating_add);
    if program.entries.len().saturating_mul(work) > MAX_ENTRY_WORK {
        return vec![of(&program.entries, &mut flow); program.entries.len()];
    }
    program.entries.iter().map(|entry| of(std::slice::from_ref(entry), &mut flow)).collect()
}

/// What entry points touch, and the functions that they reach.
fn together(program: &Program, reach: &Reach, flow: &mut Flow, entries: &[EntryPoint]) -> Touched {
    let mut all = Touched::default();
    entries.iter().for_each(|entry| flow.entry(entry, &mut all));
    if !flow.is_complete() {
        return Touched::everything();
    }
    let reached = program.functions.iter().zip(flow.summaries()).enumerate().zip(&reach.functions);
    for ((index, (function, summary)), _) in reached.filter(|(_, reached)| **reached) {
        all.add(&summary.touched);
        if reach.is_pattern(program, function) {
            let spot = Spot { function: Some(index), ..Spot::nowhere(Why::ComputedName) };
            summary.result.iter().for_each(|part| all.uses(part.clone(), spot));
        }
    }
    all
}

fn footprint(program: &Program, reach: &Reach, touched: Touched, builtins: &[Option<CalledBuiltin>]) -> Footprint {
    let reason = |spot: Spot| Reason {
        why: spot.why,
        builtin: spot.builtin.and_then(|index| builtins.get(usize::from(index))?.as_ref()).map(|called| called.name),
        rule: spot.function.and_then(|index| program.functions.get(index)).map(|function| function.name.clone()),
        place: (spot.place.row > 0).then(|| describe(&program.files, spot.place)),
    };
    let mut parts = Vec::new();
    for (Part { root, path }, spot) in touched.parts() {
        let document = match root {
            INPUT => Document::Input,
            DATA => Document::Data,
            // Parameters of functions stand for what their callers give.
            _ => continue,
        };
        parts.push(Read { document, path, reason: reason(spot) });
    }
    let mut called = BTreeMap::new();
    let rows = reach.builtins.iter().filter_map(|index| builtins.get(usize::from(*index))?.as_ref()?.row);
    called.extend(rows.map(|builtin| (builtin.name, builtin)));
    let builtins = called.into_values().collect();
    Footprint { input: of(&parts, Document::Input), data: of(&parts, Document::Data), parts, builtins }
}

fn of(parts: &[Read], document: Document) -> Reads {
    let paths: Vec<_> = parts.iter().filter(|part| part.document == document).map(|part| part.path.clone()).collect();
    if paths.first().is_some_and(Vec::is_empty) { Reads::Whole } else { Reads::Parts(paths) }
}
