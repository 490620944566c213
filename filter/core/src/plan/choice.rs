//! Blocks of which one lookup chooses: `input.path == "/a"` in the first, `input.path == "/b"` in the second, and so on
//! through a thousand rules.
//!
//! A block that begins with such a test does nothing at all where the test fails. So of blocks in a row that all test
//! the same place, only those run whose constant is there, in their order; which comes after which is known at load.

use super::program::{Action, Block, ConstantId, Constants, Operand, Slot, Statement};
use crate::text_keys;
use regorus::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Fewer different constants are compared as quickly as they are looked up.
const MIN_CONSTANTS: usize = 4;

/// Tests that are looked at at the beginning of a block.
const MAX_TESTS: usize = 8;

/// A test of a place against a constant.
#[derive(Debug, Clone, Copy)]
pub struct Test<'p> {
    /// Where the lookup begins.
    pub source: Slot,
    /// Keys from there on.
    pub keys: &'p [Operand],
    /// What has to be there.
    pub constant: ConstantId,
}

/// The test that an action is, if it is one: it writes nothing.
pub fn test(action: &Action) -> Option<Test<'_>> {
    match action {
        Action::Match { source: Operand::Slot(source), keys, value: Operand::Constant(constant) } => {
            let constant_keys = keys.iter().all(|key| matches!(key, Operand::Constant(_)));
            constant_keys.then_some(Test { source: *source, keys, constant: *constant })
        }
        Action::Equal { a: Operand::Slot(source), b: Operand::Constant(constant) }
        | Action::Equal { a: Operand::Constant(constant), b: Operand::Slot(source) } => {
            Some(Test { source: *source, keys: &[], constant: *constant })
        }
        _ => None,
    }
}

/// Blocks in a row of which one lookup chooses.
#[derive(Debug)]
pub struct Choice {
    /// The first of them.
    pub first: usize,
    /// Where the lookup begins.
    pub source: Slot,
    /// Keys from there on.
    pub keys: Vec<Operand>,
    /// What each block wants to find.
    pub constants: Vec<ConstantId>,
}

impl Choice {
    /// The block behind the last one.
    pub fn end(&self) -> usize {
        self.first.saturating_add(self.constants.len())
    }
}

/// The choices among blocks that stand one after the other, in order; none overlaps another. Where several are
/// possible, that with more constants.
pub fn choices(blocks: &[Block], constants: &Constants) -> Vec<Choice> {
    let mut found = Rows::new(constants).of(blocks);
    found.sort_by_key(|(different, row)| (std::cmp::Reverse(*different), row.first));
    let mut chosen: BTreeMap<usize, Choice> = BTreeMap::new();
    for (_, row) in found {
        let before = chosen.range(..row.end()).next_back();
        if before.is_none_or(|(_, before)| before.end() <= row.first) {
            chosen.insert(row.first, row);
        }
    }
    chosen.into_values().collect()
}

/// A slot, and the texts of the keys from there on.
type Place<'p> = (Slot, Vec<&'p str>);

/// A row, and the different constants in it.
type Row<'p> = (Choice, BTreeSet<&'p Value>);

/// Finds the longest rows of blocks that test the same place.
struct Rows<'p> {
    constants: &'p Constants,
    /// The rows that the last block belongs to, and their constants.
    open: BTreeMap<Place<'p>, Row<'p>>,
    found: Vec<(usize, Choice)>,
}

impl<'p> Rows<'p> {
    const fn new(constants: &'p Constants) -> Self {
        Self { constants, open: BTreeMap::new(), found: Vec::new() }
    }

    fn of(mut self, blocks: &[Block]) -> Vec<(usize, Choice)> {
        for (index, block) in blocks.iter().enumerate() {
            self.block(index, block);
        }
        self.close(BTreeMap::new());
        self.found
    }

    fn block(&mut self, index: usize, block: &Block) {
        let tests = self.tests(block);
        let (mut written, mut going_on) = (BTreeSet::new(), BTreeMap::new());
        if !tests.is_empty() {
            slots_written(block, &mut written);
        }
        for (place, test, value) in tests {
            // What the block writes is not what the blocks behind it test.
            if written.contains(&place.0) || going_on.contains_key(&place) {
                continue;
            }
            let (mut row, mut different) = self.open.remove(&place).unwrap_or_else(|| {
                let Test { source, keys, .. } = test;
                (Choice { first: index, source, keys: keys.to_vec(), constants: Vec::new() }, BTreeSet::new())
            });
            row.constants.push(test.constant);
            different.insert(value);
            going_on.insert(place, (row, different));
        }
        self.close(going_on);
    }

    /// The rows that do not go on are found.
    fn close(&mut self, going_on: BTreeMap<Place<'p>, Row<'p>>) {
        let closed = std::mem::replace(&mut self.open, going_on).into_values();
        let large = closed.filter(|(_, different)| different.len() >= MIN_CONSTANTS);
        self.found.extend(large.map(|(row, different)| (different.len(), row)));
    }

    /// The tests a block begins with, by which it can be chosen.
    fn tests<'b>(&self, block: &'b Block) -> Vec<(Place<'p>, Test<'b>, &'p Value)> {
        let constants = self.constants;
        let writes_nothing = |statement: &&Statement| {
            matches!(statement.action, Action::Match { .. } | Action::Equal { .. } | Action::Is { .. })
        };
        let tests = block.0.iter().take_while(writes_nothing).take(MAX_TESTS).filter_map(|statement| {
            let test = test(&statement.action)?;
            let value = constants.get(test.constant).filter(|value| is_plain(value))?;
            let texts = test.keys.iter().map(|key| self.text(*key)).collect::<Option<_>>()?;
            Some(((test.source, texts), test, value))
        });
        tests.collect()
    }

    /// The text of a key by which a lookup is never ambiguous ([`text_keys`]): that would be one more error.
    fn text(&self, key: Operand) -> Option<&'p str> {
        let Operand::Constant(key) = key else { return None };
        let Some(Value::String(text)) = self.constants.get(key) else { return None };
        text_keys::position(text).is_none().then_some(text)
    }
}

/// Whether equality of a value is that of its text: no numbers, which have several spellings.
pub fn is_plain(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Array(items) => items.iter().all(is_plain),
        _ => false,
    }
}

/// The slots that a block writes, at any depth.
fn slots_written(block: &Block, written: &mut BTreeSet<Slot>) {
    for Statement { action, .. } in &block.0 {
        written.extend(action.writes().into_iter().flatten());
        match action {
            Action::Block(blocks) => blocks.iter().for_each(|block| slots_written(block, written)),
            Action::Not(body) | Action::Scan { body, .. } | Action::With { body, .. } => slots_written(body, written),
            _ => {}
        }
    }
}
