//! Passes over the checked tree. Each can be turned off, and none changes an answer: all conformance cases are run with
//! and without.

mod backward;
mod constants;
mod early_exit;
mod edits;
mod exposed;
mod patterns;
mod slots;

pub use slots::Slots;

use super::program::{Block, Program};
use backward::Walk;
use edits::Edits;
use exposed::Exposed;

/// Which passes run. The answers are the same with and without each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passes {
    /// Constants are put where they are read, literals are built at load.
    pub constants: bool,
    /// A rule ends with the first definition that holds if all give the same constant.
    pub early_exit: bool,
    /// Chains of lookups become one statement.
    pub paths: bool,
    /// Values are put where they are read, without copies on the way.
    pub copies: bool,
    /// What nobody reads is not computed.
    pub dead: bool,
    /// Of blocks that test the same place, one lookup chooses; tests go before what only prepares others, and a
    /// comparison with a literal array is one test.
    pub index: bool,
}

impl Passes {
    /// Every pass.
    pub const ALL: Self =
        Self { constants: true, early_exit: true, paths: true, copies: true, dead: true, index: true };
    /// No pass: the plan as OPA planned it.
    pub const NONE: Self =
        Self { constants: false, early_exit: false, paths: false, copies: false, dead: false, index: false };
}

/// Most work that walking one function may be, in slots times statements: sets of slots are copied at every statement.
const MAX_WALK: usize = 50_000_000;

/// Runs the passes.
pub fn run(program: &mut Program, passes: Passes) {
    if passes.constants {
        constants::run(program);
    }
    if passes.index {
        patterns::run(program);
    }
    if passes.early_exit {
        program.functions.iter_mut().for_each(early_exit::run);
    }
    let Passes { paths, copies, dead, index, .. } = passes;
    if !(paths || copies || dead || index) {
        return;
    }
    let edits = Some(Edits { paths, copies, dead, tests_first: index });
    for function in &mut program.functions {
        let mut live = Slots::none(function.slots);
        live.insert(function.result);
        walk(&mut function.blocks, function.slots, live, edits);
    }
    for entry in &mut program.entries {
        walk(&mut entry.blocks, entry.slots, Slots::none(entry.slots), edits);
    }
}

/// For every block of every function, what it may read of what stood in the frame before it.
pub fn live_before_blocks(program: &mut Program) -> Vec<Option<Vec<Slots>>> {
    let functions = program.functions.iter_mut().map(|function| {
        let mut live = Slots::none(function.slots);
        live.insert(function.result);
        walk(&mut function.blocks, function.slots, live, None)
    });
    functions.collect()
}

/// `None`: the function is too large.
fn walk(blocks: &mut [Block], slots: u16, live: Slots, edits: Option<Edits>) -> Option<Vec<Slots>> {
    let statements = blocks.iter().map(Block::size).fold(0, usize::saturating_add);
    if statements.saturating_mul(slots.into()) > MAX_WALK {
        return None;
    }
    let scans = Exposed::of(blocks, slots);
    Some(Walk::over_function(slots, &scans, edits).blocks(blocks, live))
}
