//! Constants are put where they are read, and literals are built at load.
//!
//! `MakeNumberRef 1 → a; Equal b a` becomes `Equal b 1`; `MakeSet → s; SetAdd s "GET"; SetAdd s "HEAD"` becomes one
//! constant. Only what surely holds at a point is used: what is written in a nested block is forgotten behind it, what
//! is written anywhere in a scan is forgotten before it.

use crate::plan::program::{Action, Block, ConstantId, Constants, Operand, Program, Slot, Statement};
use regorus::{Rc, Value};
use std::collections::HashMap;

/// Most parts of all literals together; a literal that holds another one twice has its parts twice.
const MAX_FOLDED: usize = 200_000;

/// Deepest literal that is built at load; deeper ones are left to the evaluation, which bounds them.
const MAX_LITERAL_DEPTH: usize = 32;

/// Puts constants where they are read, in the whole program.
pub fn run(program: &mut Program) {
    let mut pass = Pass {
        constants: &mut program.constants,
        known: HashMap::new(),
        growing: Vec::new(),
        extents: HashMap::new(),
        written: Vec::new(),
        folded: 0,
    };
    let functions = program.functions.iter_mut().map(|function| &mut function.blocks);
    for blocks in functions.chain(program.entries.iter_mut().map(|entry| &mut entry.blocks)) {
        for block in blocks {
            pass.known.clear();
            pass.written.clear();
            pass.block(block);
        }
    }
}

struct Pass<'a> {
    constants: &'a mut Constants,
    /// What a slot surely holds.
    known: HashMap<Slot, Known>,
    /// Slots whose literals are still growing.
    growing: Vec<Slot>,
    /// The extents of literals that have become constants.
    extents: HashMap<ConstantId, Extent>,
    /// Slots that were written, in order.
    written: Vec<Slot>,
    folded: usize,
}

enum Known {
    /// A constant.
    Constant(ConstantId),
    /// A literal that may still grow. It was begun by the statement at this index of the running block, which is
    /// given the value once it is read.
    Growing { value: Value, extent: Extent, begun: usize },
}

/// How deep a value is nested, and how many parts it has; one that is there twice counts twice.
#[derive(Clone, Copy)]
struct Extent {
    depth: usize,
    parts: usize,
}

impl Extent {
    const SCALAR: Self = Self { depth: 0, parts: 1 };
    const EMPTY: Self = Self { depth: 1, parts: 1 };

    /// Of two values beside each other.
    fn and(self, other: Self) -> Self {
        Self { depth: self.depth.max(other.depth), parts: self.parts.saturating_add(other.parts) }
    }

    /// Of a collection with one more member.
    fn with(self, member: Self) -> Self {
        self.and(Self { depth: member.depth.saturating_add(1), ..member })
    }
}

impl Pass<'_> {
    fn block(&mut self, block: &mut Block) {
        let mut kept: Vec<Statement> = Vec::new();
        for mut statement in std::mem::take(&mut block.0) {
            if !self.grows(&statement.action) {
                self.settle_read(&statement.action, &mut kept);
                self.substitute(&mut statement.action);
                self.action(&mut statement.action, kept.len());
                kept.push(statement);
            }
        }
        self.settle_all(&mut kept);
        block.0 = kept;
    }

    /// Adds to a literal that is still growing; whether it did, then the statement is to be left out.
    fn grows(&mut self, action: &Action) -> bool {
        let (slot, key, value) = match action {
            Action::Append { array: slot, value } | Action::Add { set: slot, value } => (*slot, None, *value),
            Action::Insert { object, key, value, once: false } => (*object, Some(*key), *value),
            _ => return false,
        };
        if self.folded >= MAX_FOLDED || !matches!(self.known.get(&slot), Some(Known::Growing { .. })) {
            return false;
        }
        let key = key.map_or(Some(None), |key| self.value(key).map(Some));
        let (Some(key), Some((value, mut inner))) = (key, self.value(value)) else { return false };
        let key = key.map(|(key, extent)| {
            inner = inner.and(extent);
            key
        });
        self.folded = self.folded.saturating_add(inner.parts);
        if inner.depth >= MAX_LITERAL_DEPTH || self.folded > MAX_FOLDED {
            return false;
        }
        let Some(Known::Growing { value: collection, extent, .. }) = self.known.get_mut(&slot) else { return false };
        *extent = extent.with(inner);
        grow(collection, key, value)
    }

    /// The value of an operand and its extent, if both are known and it is defined.
    fn value(&self, operand: Operand) -> Option<(Value, Extent)> {
        let id = match operand {
            Operand::Constant(id) => id,
            Operand::Slot(slot) => match self.known.get(&slot)? {
                Known::Constant(id) => *id,
                Known::Growing { value, extent, .. } => return Some((value.clone(), *extent)),
            },
        };
        match self.constants.get(id)? {
            Value::Undefined => None,
            value @ (Value::Array(_) | Value::Set(_) | Value::Object(_)) => {
                Some((value.clone(), *self.extents.get(&id)?))
            }
            scalar => Some((scalar.clone(), Extent::SCALAR)),
        }
    }

    fn substitute(&self, action: &mut Action) {
        for operand in action.operands_mut() {
            if let Operand::Slot(slot) = operand
                && let Some(Known::Constant(id)) = self.known.get(slot)
            {
                *operand = Operand::Constant(*id);
            }
        }
    }

    fn action(&mut self, action: &mut Action, index: usize) {
        match action {
            Action::Block(blocks) => blocks.iter_mut().for_each(|block| self.nested(block, &[])),
            Action::Not(body) => self.nested(body, &[]),
            Action::With { target, body, .. } => self.nested(body, &[*target]),
            Action::Scan { key, value, body, .. } => {
                let mut written = Vec::new();
                writes(body, &mut written);
                written.extend([*key, *value].into_iter().flatten());
                self.nested(body, &written);
            }
            simple => {
                for slot in simple.writes().into_iter().flatten() {
                    self.forget(slot);
                }
                self.learn(simple, index);
            }
        }
    }

    /// A block that may be left early. `unknown` are slots nothing is known of when it begins.
    fn nested(&mut self, block: &mut Block, unknown: &[Slot]) {
        unknown.iter().for_each(|slot| self.forget(*slot));
        let before = self.written.len();
        self.block(block);
        for slot in self.written.get(before..).unwrap_or_default().to_vec() {
            self.known.remove(&slot);
        }
        unknown.iter().for_each(|slot| self.forget(*slot));
    }

    fn forget(&mut self, slot: Slot) {
        self.known.remove(&slot);
        self.written.push(slot);
    }

    fn learn(&mut self, action: &Action, index: usize) {
        let Action::Assign { source: Operand::Constant(id), target } = action else { return };
        let known = match (*id, self.constants.get(*id)) {
            (Constants::UNDEFINED, _) | (_, None) => return,
            (Constants::ARRAY | Constants::OBJECT | Constants::SET, Some(empty)) => {
                self.growing.push(*target);
                Known::Growing { value: empty.clone(), extent: Extent::EMPTY, begun: index }
            }
            (id, Some(_)) => Known::Constant(id),
        };
        self.known.insert(*target, known);
    }

    /// Literals a statement reads, or all if it has blocks, stop growing before it.
    fn settle_read(&mut self, action: &Action, kept: &mut [Statement]) {
        if matches!(action, Action::Block(_) | Action::Not(_) | Action::Scan { .. } | Action::With { .. }) {
            self.settle_all(kept);
            return;
        }
        let mut read = Vec::new();
        action.reads(|operand| read.extend(slot(operand)));
        read.into_iter().for_each(|slot| self.settle(slot, kept));
        // A literal that is written over before it was read is nobody's, but its statement has lost its members.
        action.writes().into_iter().flatten().for_each(|slot| self.settle(slot, kept));
    }

    fn settle_all(&mut self, kept: &mut [Statement]) {
        for slot in std::mem::take(&mut self.growing) {
            self.settle(slot, kept);
        }
    }

    /// A literal is read: the statement that began it gets the whole value.
    fn settle(&mut self, slot: Slot, kept: &mut [Statement]) {
        let Some(Known::Growing { value, extent, begun }) = self.known.get(&slot) else { return };
        let (extent, begun) = (*extent, kept.get_mut(*begun).map(|statement| &mut statement.action));
        let Some(Action::Assign { source: Operand::Constant(source), .. }) = begun else { return };
        let id = if is_empty(value) { Some(*source) } else { self.constants.add(value.clone()) };
        if let Some(id) = id {
            *source = id;
            self.extents.insert(id, extent);
            self.known.insert(slot, Known::Constant(id));
        }
    }
}

fn slot(operand: Operand) -> Option<Slot> {
    match operand {
        Operand::Slot(slot) => Some(slot),
        Operand::Constant(_) => None,
    }
}

fn is_empty(collection: &Value) -> bool {
    match collection {
        Value::Array(items) => items.is_empty(),
        Value::Set(members) => members.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => true,
    }
}

/// Adds to a collection, if it is one of the right kind.
fn grow(collection: &mut Value, key: Option<Value>, value: Value) -> bool {
    match (collection, key) {
        (Value::Array(items), None) => Rc::make_mut(items).push(value),
        (Value::Set(members), None) => {
            Rc::make_mut(members).insert(value);
        }
        (Value::Object(members), Some(key)) => {
            Rc::make_mut(members).insert(key, value);
        }
        _ => return false,
    }
    true
}

/// Every slot that is written in a block or in blocks inside it.
fn writes(block: &Block, written: &mut Vec<Slot>) {
    for statement in &block.0 {
        written.extend(statement.action.writes().into_iter().flatten());
        match &statement.action {
            Action::Block(blocks) => blocks.iter().for_each(|block| writes(block, written)),
            Action::Not(body) | Action::With { body, .. } | Action::Scan { body, .. } => writes(body, written),
            _ => {}
        }
    }
}
