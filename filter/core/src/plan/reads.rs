//! Which parts of `input` a plan reads.
//!
//! Follows the value of every slot: a lookup by a constant string in a part of `input` is a part of it, a copy is the
//! same part, the result of a rule may be one. A part that is used in any other way is read as a whole. Loops are
//! followed until nothing new is found; where there is doubt, more is read.

use super::optimise::{Slots, live_before_blocks};
use super::program::{Action, Block, Constants, Function, Operand, Program, Slot};
use super::reach::Reach;
use regorus::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Longest path that is told apart; beyond it, the part is read as a whole.
const MAX_SEGMENTS: usize = 12;

/// Most work of the analysis, in statements looked at and slots copied. Beyond it, the whole document is read. OPA's
/// plans need about as much as they have statements; scans inside scans of a forged one would never end.
const MAX_WORK: usize = 2_000_000;

/// The parts of `input` a plan reads. Surely complete.
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

type Path = Vec<String>;

/// The parts of `input` a value may be.
type Parts = BTreeSet<Path>;

/// Finds out what the reached part of a program reads.
pub fn reads(program: &mut Program, reach: &Reach) -> Reads {
    // Slots are reused: what an earlier block left in one does not matter to a block that writes it first.
    let live = live_before_blocks(program);
    let mut analysis = Analysis::new(&program.constants);
    for ((function, reached), live) in program.functions.iter().zip(&reach.functions).zip(&live) {
        let result = if *reached { analysis.function(function, live.as_deref()) } else { Parts::new() };
        if reach.is_pattern(program, function) {
            analysis.used.extend(result.iter().cloned());
        }
        analysis.results.push(result);
    }
    for entry in &program.entries {
        analysis.routine(&entry.blocks, None);
    }
    analysis.finish()
}

/// Which parts each slot may hold.
type State = BTreeMap<Slot, Parts>;

struct Analysis<'a> {
    constants: &'a Constants,
    /// The parts each function's result may be.
    results: Vec<Parts>,
    /// Parts that are read as a whole.
    used: Parts,
    /// Parts that were looked up, and whether something inside them was looked up in turn.
    seen: BTreeMap<Path, bool>,
    /// What was done of [`MAX_WORK`].
    work: usize,
}

impl<'a> Analysis<'a> {
    fn new(constants: &'a Constants) -> Self {
        Self { constants, results: Vec::new(), used: Parts::new(), seen: BTreeMap::new(), work: 0 }
    }

    fn function(&mut self, function: &Function, live: Option<&[Slots]>) -> Parts {
        self.routine(&function.blocks, live).remove(&function.result).unwrap_or_default()
    }

    fn routine(&mut self, blocks: &[Block], live: Option<&[Slots]>) -> State {
        let mut state = State::from([(0, Parts::from([Path::new()]))]);
        for (index, block) in blocks.iter().enumerate() {
            if let Some(live) = live.and_then(|live| live.get(index)) {
                state.retain(|slot, _| live.contains(*slot));
            }
            self.block(block, &mut state);
        }
        state
    }

    /// A block that may end early: what was true before it may still be. Whether that was anything new.
    fn block(&mut self, block: &Block, state: &mut State) -> bool {
        let mut after = state.clone();
        self.work = self.work.saturating_add(state.values().map(Parts::len).fold(0, usize::saturating_add));
        for statement in &block.0 {
            self.work = self.work.saturating_add(1);
            if self.work > MAX_WORK {
                return false;
            }
            self.action(&statement.action, &mut after);
        }
        merge(state, after)
    }

    fn action(&mut self, action: &Action, state: &mut State) {
        match action {
            Action::Block(blocks) => blocks.iter().for_each(|block| {
                self.block(block, state);
            }),
            Action::Not(body) => {
                self.block(body, state);
            }
            Action::Break(_) => {}
            Action::Scan { source, body, .. } => {
                self.uses(&[Operand::Slot(*source)], state);
                // What a round leaves behind, the next one finds.
                while self.block(body, state) {}
            }
            Action::With { target, path, value, body } => self.with(*target, path.is_empty(), *value, body, state),
            Action::Get { source, keys, target } => {
                self.uses(keys, state);
                let parts = keys.iter().fold(parts_of(*source, state), |parts, key| self.inside(parts, *key));
                set(state, *target, parts);
            }
            Action::Assign { source, target } => {
                let parts = parts_of(*source, state);
                set(state, *target, parts);
            }
            Action::AssignOnce { source, target } => {
                let parts = parts_of(*source, state);
                add(state, *target, parts);
            }
            Action::Call { function, args, result } => {
                self.passes(args, state);
                let function = usize::try_from(*function).unwrap_or(usize::MAX);
                let parts = self.results.get(function).cloned().unwrap_or_else(|| {
                    // Callees stand before callers; of any other nothing is known.
                    self.work = usize::MAX;
                    Parts::new()
                });
                set(state, *result, parts);
            }
            Action::CallDynamic { path, args, .. } => {
                self.uses(path, state);
                self.passes(&args.map(Operand::Slot), state);
            }
            other => {
                let mut read = Vec::new();
                other.reads(|operand| read.push(operand));
                self.uses(&read, state);
            }
        }
    }

    /// Inside a `with` the slot may hold the other value; what it held before still counts.
    fn with(&mut self, target: Slot, replaces: bool, value: Operand, body: &Block, state: &mut State) {
        if replaces {
            let parts = parts_of(value, state);
            add(state, target, parts);
        } else {
            self.uses(&[value], state);
        }
        self.block(body, state);
    }

    /// What is inside parts at a key. By a key that is not a constant string, they are read as a whole.
    fn inside(&mut self, parts: Parts, key: Operand) -> Parts {
        let Some(key) = self.segment(key) else {
            self.used.extend(parts);
            return Parts::new();
        };
        let mut inside = Parts::new();
        for mut part in parts {
            if part.len() >= MAX_SEGMENTS {
                self.used.insert(part);
                continue;
            }
            if let Some(looked_into) = self.seen.get_mut(&part) {
                *looked_into = true;
            }
            part.push(key.clone());
            self.seen.entry(part.clone()).or_insert(false);
            inside.insert(part);
        }
        inside
    }

    fn segment(&self, key: Operand) -> Option<String> {
        let Operand::Constant(id) = key else { return None };
        match self.constants.values().get(usize::try_from(id).ok()?)? {
            Value::String(text) => Some(text.to_string()),
            _ => None,
        }
    }

    /// A callee knows its first argument as `input` itself; anything else it is given is read as a whole.
    fn passes(&mut self, args: &[Operand], state: &State) {
        for (index, arg) in args.iter().enumerate() {
            let parts = parts_of(*arg, state);
            if index > 0 || parts != Parts::from([Path::new()]) {
                self.used.extend(parts);
            }
        }
    }

    fn uses(&mut self, operands: &[Operand], state: &State) {
        for operand in operands {
            self.used.extend(parts_of(*operand, state));
        }
    }

    fn finish(mut self) -> Reads {
        if self.work > MAX_WORK {
            return Reads::Whole;
        }
        // That a part was looked up and no more: whether it exists was read.
        self.used.extend(self.seen.into_iter().filter(|(_, looked_into)| !looked_into).map(|(path, _)| path));
        let mut parts: Vec<Path> = Vec::new();
        // In order, a prefix comes before what it covers.
        for path in self.used {
            if !parts.last().is_some_and(|last| path.starts_with(last)) {
                parts.push(path);
            }
        }
        if parts.first().is_some_and(Vec::is_empty) { Reads::Whole } else { Reads::Parts(parts) }
    }
}

fn parts_of(operand: Operand, state: &State) -> Parts {
    match operand {
        Operand::Slot(slot) => state.get(&slot).cloned().unwrap_or_default(),
        Operand::Constant(_) => Parts::new(),
    }
}

/// A slot that holds no part of `input` is not kept track of.
fn set(state: &mut State, slot: Slot, parts: Parts) {
    if parts.is_empty() {
        state.remove(&slot);
    } else {
        state.insert(slot, parts);
    }
}

fn add(state: &mut State, slot: Slot, parts: Parts) {
    if !parts.is_empty() {
        state.entry(slot).or_default().extend(parts);
    }
}

/// Adds what another state holds; whether that was anything new.
fn merge(state: &mut State, other: State) -> bool {
    let mut grew = false;
    for (slot, parts) in other {
        let known = state.entry(slot).or_default();
        let before = known.len();
        known.extend(parts);
        grew |= known.len() > before;
    }
    grew
}
