//! What the entry points reach. A plan also holds what they do not, tests for instance; it must neither widen what is
//! read nor ask for builtins.

use super::program::{Action, Block, ConstantId, EntryPoint, Function, Operand, Program};
use std::collections::{BTreeSet, HashSet};

/// Above so many different dynamic calls, every function counts as reached. Each costs a look at all functions.
const MAX_PATTERNS: usize = 64;

/// What the entry points reach.
pub struct Reach {
    /// By function.
    pub functions: Vec<bool>,
    /// Indices of the builtins that are called.
    pub builtins: BTreeSet<u16>,
    /// The paths dynamic calls ask for; `None` where a segment is computed.
    patterns: HashSet<Vec<Option<ConstantId>>>,
    /// Functions that are reached and have not been looked at.
    open: Vec<usize>,
}

impl Reach {
    /// Follows calls from these entry points.
    pub fn of(program: &Program, entries: &[EntryPoint]) -> Self {
        let functions = vec![false; program.functions.len()];
        let mut reach = Self { functions, builtins: BTreeSet::new(), patterns: HashSet::new(), open: Vec::new() };
        for entry in entries {
            reach.blocks(&entry.blocks);
        }
        let mut patterns = 0;
        loop {
            while let Some(function) = reach.open.pop().and_then(|index| program.functions.get(index)) {
                reach.blocks(&function.blocks);
            }
            if reach.patterns.len() == patterns {
                return reach;
            }
            patterns = reach.patterns.len();
            for (index, function) in program.functions.iter().enumerate() {
                if reach.is_pattern(program, function) {
                    reach.mark(index);
                }
            }
        }
    }

    /// Whether a dynamic call may find the function.
    pub fn is_pattern(&self, program: &Program, function: &Function) -> bool {
        let constants = program.constants.values();
        let is = |segment: &String, id: ConstantId| {
            let constant = usize::try_from(id).ok().and_then(|id| constants.get(id));
            constant.and_then(|value| value.as_string().ok()).is_some_and(|text| **text == **segment)
        };
        let matches = |pattern: &Vec<Option<ConstantId>>| {
            let segments = function.path.iter().zip(pattern);
            pattern.len() == function.path.len() && segments.into_iter().all(|(s, id)| id.is_none_or(|id| is(s, id)))
        };
        self.patterns.len() > MAX_PATTERNS || self.patterns.iter().any(matches)
    }

    fn mark(&mut self, function: usize) {
        if let Some(reached @ false) = self.functions.get_mut(function) {
            *reached = true;
            self.open.push(function);
        }
    }

    fn blocks(&mut self, blocks: &[Block]) {
        for statement in blocks.iter().flat_map(|block| &block.0) {
            match &statement.action {
                Action::Call { function, .. } => self.mark(usize::try_from(*function).unwrap_or(usize::MAX)),
                Action::Builtin { builtin, .. } => {
                    self.builtins.insert(*builtin);
                }
                Action::CallDynamic { path, .. } if self.patterns.len() <= MAX_PATTERNS => {
                    self.patterns.insert(path.iter().map(|segment| constant(*segment)).collect());
                }
                Action::Block(blocks) => self.blocks(blocks),
                Action::Not(body) | Action::Scan { body, .. } | Action::With { body, .. } => {
                    self.blocks(std::slice::from_ref(body));
                }
                _ => {}
            }
        }
    }
}

const fn constant(operand: Operand) -> Option<ConstantId> {
    match operand {
        Operand::Constant(id) => Some(id),
        Operand::Slot(_) => None,
    }
}
