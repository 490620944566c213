//! `input.parsed_path == ["api", "area7"]`: OPA's planner writes a comparison with a literal array as a test of the type,
//! one of the length and one of each item. One comparison says the same, and blocks can be chosen by it.

use crate::plan::choice::is_plain;
use crate::plan::program::{Action, Block, ConstantId, Constants, Kind, Operand, Program, Slot, Statement};
use regorus::Value;

/// Rewrites every such comparison.
pub fn run(program: &mut Program) {
    let Program { constants, functions, entries, .. } = program;
    let of_functions = functions.iter_mut().flat_map(|function| &mut function.blocks);
    let of_entries = entries.iter_mut().flat_map(|entry| &mut entry.blocks);
    of_functions.chain(of_entries).for_each(|block| rewrite(block, constants));
}

fn rewrite(block: &mut Block, constants: &mut Constants) {
    let mut rest = std::mem::take(&mut block.0).into_iter();
    while let Some(mut statement) = rest.next() {
        match &mut statement.action {
            Action::Block(blocks) => blocks.iter_mut().for_each(|block| rewrite(block, constants)),
            Action::Not(body) | Action::Scan { body, .. } | Action::With { body, .. } => rewrite(body, constants),
            _ => {}
        }
        let pattern = Pattern::begins(&statement, rest.as_slice(), constants);
        let Some((pattern, array)) = pattern.and_then(|pattern| {
            let array = constants.add(Value::from(pattern.items.clone()))?;
            Some((pattern, array))
        }) else {
            block.0.push(statement);
            continue;
        };
        let action = Action::Equal { a: Operand::Slot(pattern.array), b: Operand::Constant(array) };
        block.0.push(Statement { action, ..statement });
        // What it wrote is written all the same: it is known now.
        block.0.extend(pattern.known.into_iter().map(|(target, constant)| {
            let action = Action::Assign { source: Operand::Constant(constant), target };
            Statement { action, ..statement.clone() }
        }));
        rest.by_ref().take(pattern.statements).for_each(drop);
    }
}

/// A comparison with a literal array, whose items come in order.
struct Pattern {
    /// The slot that is compared.
    array: Slot,
    /// The items.
    items: Vec<Value>,
    /// What the slots on the way hold if they are the items.
    known: Vec<(Slot, ConstantId)>,
    /// Statements behind the first one.
    statements: usize,
}

impl Pattern {
    /// The one that begins with this statement.
    fn begins(first: &Statement, rest: &[Statement], constants: &Constants) -> Option<Self> {
        let Action::Is { source: Operand::Slot(array), kind: Kind::Array } = first.action else { return None };
        let mut pattern = Self { array, items: Vec::new(), known: Vec::new(), statements: 0 };
        let mut rest = rest.iter();
        let length = pattern.test(&mut rest, |action| match action {
            Action::Length { source, target } if *source == Operand::Slot(array) => Some(*target),
            _ => None,
        })?;
        let length = constants.get(length)?;
        while *length != Value::from(pattern.items.len()) {
            let index = Value::from(pattern.items.len());
            let item = pattern.test(&mut rest, |action| match action {
                Action::Get { source, keys, target } if *source == Operand::Slot(array) => match keys.as_slice() {
                    [Operand::Constant(key)] if constants.get(*key) == Some(&index) => Some(*target),
                    _ => None,
                },
                _ => None,
            })?;
            pattern.items.push(constants.get(item).filter(|item| is_plain(item))?.clone());
        }
        Some(pattern)
    }

    /// The constant that the next statements hold against what one of them finds. Constants may be put somewhere between.
    fn test<'s>(
        &mut self,
        statements: &mut impl Iterator<Item = &'s Statement>,
        finds: impl Fn(&Action) -> Option<Slot>,
    ) -> Option<ConstantId> {
        let mut found = None;
        for Statement { action, .. } in statements {
            self.statements = self.statements.saturating_add(1);
            let (slot, constant, is_last) = match (action, found) {
                (Action::Assign { source: Operand::Constant(constant), target }, _) => (*target, *constant, false),
                (_, Some(slot)) => (slot, compared(action, slot)?, true),
                (_, None) => {
                    found = finds(action);
                    found?;
                    continue;
                }
            };
            // Neither the array nor what was found in it is overwritten before it is looked at.
            if slot == self.array || !is_last && found == Some(slot) {
                return None;
            }
            self.known.push((slot, constant));
            if is_last {
                return Some(constant);
            }
        }
        None
    }
}

/// The constant that a slot is compared with.
fn compared(action: &Action, slot: Slot) -> Option<ConstantId> {
    match action {
        Action::Equal { a: Operand::Slot(a), b: Operand::Constant(constant) }
        | Action::Equal { a: Operand::Constant(constant), b: Operand::Slot(a) } => (*a == slot).then_some(*constant),
        _ => None,
    }
}
