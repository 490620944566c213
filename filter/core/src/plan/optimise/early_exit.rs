//! If all definitions of a rule give the same constant, the first that holds ends the rule. OPA's own evaluator does
//! that; its planner does not.
//!
//! The answers are the same; what is left out are errors that later definitions would have ended in, as OPA leaves
//! them out.

use crate::plan::program::{Action, Block, ConstantId, Constants, Function, Kind, Operand, Slot, Statement};

/// Levels a dynamic call leaves if it is undefined.
const LEVELS_OF_DYNAMIC_CALL: u32 = 3;

/// Rewrites a function if all its definitions give the same constant.
pub fn run(function: &mut Function) {
    let mut shape = Shape { result: function.result, values: Vec::new(), constant: None };
    if shape.definitions(&function.blocks).is_some()
        && let Some(constant) = shape.constant
    {
        shape.remove_taking_over(&mut function.blocks);
        function.blocks.iter_mut().for_each(|block| replace(block, &shape.values, constant));
    }
}

/// What is known of a function that has exactly the shape OPA's planner gives a rule.
struct Shape {
    /// The slot the function returns.
    result: Slot,
    /// The slots definitions give their value to.
    values: Vec<Slot>,
    /// The one constant they give.
    constant: Option<ConstantId>,
}

impl Shape {
    /// Definitions, one after the other, and at the end perhaps a default. `None`: another shape.
    fn definitions(&mut self, mut blocks: &[Block]) -> Option<()> {
        while let Some((first, rest)) = blocks.split_first() {
            if rest.is_empty() && self.is_default(first) {
                return Some(());
            }
            blocks = match first.0.as_slice() {
                // With `else`: the bodies stand in a block of their own.
                [Statement { action: Action::Block(ordered), .. }] => {
                    self.definition(ordered)?.is_empty().then_some(rest)?
                }
                _ => self.definition(blocks)?,
            };
        }
        Some(())
    }

    /// Bodies, and the block that takes their value over. What follows them.
    fn definition<'b>(&mut self, blocks: &'b [Block]) -> Option<&'b [Block]> {
        let (taken_at, value) =
            blocks.iter().enumerate().find_map(|(at, block)| Some((at, self.takes_over(block)?)))?;
        let (bodies, rest) = blocks.split_at_checked(taken_at)?;
        for body in bodies {
            self.body(body, value)?;
        }
        if !self.values.contains(&value) {
            self.values.push(value);
        }
        rest.split_first().map(|(_, rest)| rest)
    }

    /// `IsDefined value; AssignVarOnce value → result`: the slot of the value.
    fn takes_over(&self, block: &Block) -> Option<Slot> {
        let [test, take] = block.0.as_slice() else { return None };
        let Action::AssignOnce { source: source @ Operand::Slot(value), target } = take.action else { return None };
        let tested = test.action == Action::Is { source, kind: Kind::Defined };
        (tested && target == self.result && value != target).then_some(value)
    }

    /// Leaves out the blocks that take a value over: there is none any more where they are reached.
    fn remove_taking_over(&self, blocks: &mut Vec<Block>) {
        blocks.retain(|block| self.takes_over(block).is_none());
        for block in blocks {
            if let [Statement { action: Action::Block(ordered), .. }] = block.0.as_mut_slice() {
                ordered.retain(|block| self.takes_over(block).is_none());
            }
        }
    }

    /// A block that does nothing if there is a result.
    fn is_default(&self, block: &Block) -> bool {
        let undefined = Action::Is { source: Operand::Slot(self.result), kind: Kind::Undefined };
        block.0.first().is_some_and(|first| first.action == undefined)
    }

    /// A body: begins with a look at the value, or clears it; then does nothing with value and result but give the
    /// value the constant. No break leaves it.
    fn body(&mut self, body: &Block, value: Slot) -> Option<()> {
        let rest = match body.0.split_first() {
            Some((first, rest)) if begins(&first.action, value) => rest,
            _ => &body.0,
        };
        self.statements(rest, value, 0)
    }

    fn statements(&mut self, statements: &[Statement], value: Slot, depth: u32) -> Option<()> {
        statements.iter().try_for_each(|statement| self.statement(&statement.action, value, depth))
    }

    fn statement(&mut self, action: &Action, value: Slot, depth: u32) -> Option<()> {
        let inner = depth.checked_add(1)?;
        match action {
            Action::AssignOnce { source: Operand::Constant(constant), target } if *target == value => {
                (*self.constant.get_or_insert(*constant) == *constant).then_some(())
            }
            Action::Break(levels) => (*levels <= depth).then_some(()),
            Action::CallDynamic { .. } if depth < LEVELS_OF_DYNAMIC_CALL => None,
            other => {
                self.leaves_alone(other, value)?;
                match other {
                    Action::Block(blocks) => {
                        blocks.iter().try_for_each(|block| self.statements(&block.0, value, inner))
                    }
                    Action::Not(body) | Action::Scan { body, .. } | Action::With { body, .. } => {
                        self.statements(&body.0, value, inner)
                    }
                    _ => Some(()),
                }
            }
        }
    }

    /// Whether an action itself neither reads nor writes value and result.
    fn leaves_alone(&self, action: &Action, value: Slot) -> Option<()> {
        let ours = [value, self.result];
        let mut alone = !action.writes().into_iter().flatten().any(|slot| ours.contains(&slot));
        action.reads(|operand| alone &= !matches!(operand, Operand::Slot(slot) if ours.contains(&slot)));
        alone.then_some(())
    }
}

/// Whether a statement clears the value, or looks whether an earlier body gave one.
fn begins(action: &Action, value: Slot) -> bool {
    let clears = Action::Assign { source: Operand::Constant(Constants::UNDEFINED), target: value };
    *action == clears || *action == Action::Is { source: Operand::Slot(value), kind: Kind::Undefined }
}

/// Every place where a definition gives its value becomes an exit.
fn replace(block: &mut Block, values: &[Slot], constant: ConstantId) {
    for Statement { action, .. } in &mut block.0 {
        match action {
            Action::AssignOnce { source: Operand::Constant(_), target } if values.contains(target) => {
                *action = Action::Exit(constant);
            }
            Action::Block(blocks) => blocks.iter_mut().for_each(|block| replace(block, values, constant)),
            Action::Not(body) | Action::Scan { body, .. } | Action::With { body, .. } => {
                replace(body, values, constant);
            }
            _ => {}
        }
    }
}
