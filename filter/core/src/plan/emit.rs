//! From the checked tree to code with jumps.

use super::choice::{Choice, choices};
use super::code::{Operation, Routine, Target};
use super::program::{Action, Block, Constants, EntryPoint, Function, Place, Statement};
use regorus::Value;
use std::collections::BTreeMap;

/// Code in the making: targets are numbers of labels.
pub struct Emitter<'p> {
    /// By which blocks are chosen; `None`: they are tried one after the other.
    chosen_by: Option<&'p Constants>,
    operations: Vec<Operation>,
    places: Vec<Place>,
    /// Where each label is, once it is known.
    labels: Vec<Target>,
    /// The label behind each block around what is emitted, innermost last.
    around: Vec<Target>,
    place: Place,
}

impl<'p> Emitter<'p> {
    /// Nothing emitted yet.
    pub fn new(chosen_by: Option<&'p Constants>) -> Self {
        let place = Place::default();
        Self { chosen_by, operations: Vec::new(), places: Vec::new(), labels: Vec::new(), around: Vec::new(), place }
    }

    /// Emits a function; of one that is not reached, only its end.
    pub fn function(&mut self, function: &Function, reached: bool) -> Routine {
        let start = self.here();
        if reached {
            self.blocks(&function.blocks);
        }
        self.emit(Operation::Return { source: function.result });
        Routine { start, slots: function.slots, memoised: function.memoised }
    }

    /// Emits an entry point.
    pub fn entry(&mut self, entry: &EntryPoint) -> Routine {
        let start = self.here();
        self.blocks(&entry.blocks);
        self.emit(Operation::Halt);
        Routine { start, slots: entry.slots, memoised: false }
    }

    /// The finished code.
    pub fn finish(mut self) -> (Vec<Operation>, Vec<Place>) {
        let labels = self.labels;
        for operation in &mut self.operations {
            operation.retarget(|label| index(label).and_then(|label| labels.get(label)).copied().unwrap_or(label));
        }
        (self.operations, self.places)
    }

    fn here(&self) -> Target {
        Target::try_from(self.operations.len()).unwrap_or(Target::MAX)
    }

    fn emit(&mut self, operation: Operation) {
        self.operations.push(operation);
        self.places.push(self.place);
    }

    /// A label that is not yet anywhere.
    fn label(&mut self) -> Target {
        let label = Target::try_from(self.labels.len()).unwrap_or(Target::MAX);
        self.labels.push(Target::MAX);
        label
    }

    /// Puts a label here.
    fn put(&mut self, label: Target) {
        let here = self.here();
        if let Some(place) = index(label).and_then(|label| self.labels.get_mut(label)) {
            *place = here;
        }
    }

    /// The label behind the n-th block around.
    fn behind(&self, levels: u32) -> Target {
        let around = self.around.iter().rev();
        index(levels).and_then(|levels| around.copied().nth(levels)).unwrap_or(Target::MAX)
    }

    fn blocks(&mut self, blocks: &[Block]) {
        let choices = self.chosen_by.map(|constants| choices(blocks, constants)).unwrap_or_default();
        let mut next = 0;
        for choice in choices {
            self.one_after_the_other(blocks.get(next..choice.first).unwrap_or_default());
            self.chosen(&choice, blocks.get(choice.first..choice.end()).unwrap_or_default());
            next = choice.end();
        }
        self.one_after_the_other(blocks.get(next..).unwrap_or_default());
    }

    /// Blocks of which a lookup chooses: behind each comes the next one that wants to find the same.
    fn chosen(&mut self, choice: &Choice, blocks: &[Block]) {
        let end = self.label();
        let starts: Vec<Target> = blocks.iter().map(|_| self.label()).collect();
        let mut targets = BTreeMap::new();
        let mut follower = Vec::new();
        for (constant, start) in choice.constants.iter().zip(&starts).rev() {
            let value =
                self.chosen_by.and_then(|constants| constants.get(*constant)).cloned().unwrap_or(Value::Undefined);
            follower.push(targets.insert(value, *start).unwrap_or(end));
        }
        let keys = choice.keys.as_slice().into();
        self.place = blocks.first().and_then(|block| block.0.first()).map_or(self.place, |statement| statement.place);
        self.emit(Operation::Switch { source: choice.source, keys, targets, otherwise: end });
        for ((block, start), follower) in blocks.iter().zip(starts).zip(follower.into_iter().rev()) {
            self.put(start);
            self.one_after_the_other(std::slice::from_ref(block));
            self.emit(Operation::Jump { to: follower });
        }
        self.put(end);
    }

    fn one_after_the_other(&mut self, blocks: &[Block]) {
        for block in blocks {
            let behind = self.label();
            self.body(block, behind);
            self.put(behind);
        }
    }

    /// The statements of a block; undefined goes to `fail`.
    fn body(&mut self, block: &Block, fail: Target) {
        self.around.push(fail);
        for statement in &block.0 {
            self.statement(statement);
        }
        self.around.pop();
    }

    fn statement(&mut self, statement: &Statement) {
        self.place = statement.place;
        match &statement.action {
            Action::Block(blocks) => self.blocks(blocks),
            Action::Break(levels) => self.emit(Operation::Jump { to: self.behind(*levels) }),
            Action::Exit(constant) => self.emit(Operation::Exit { constant: *constant }),
            Action::Not(body) => self.not(body),
            Action::Scan { source, key, value, body } => {
                let (next, end) = (self.label(), self.label());
                self.emit(Operation::Scan { source: *source, key: *key });
                self.put(next);
                self.emit(Operation::Next { key: *key, value: *value, end });
                self.body(body, next);
                self.emit(Operation::Jump { to: next });
                self.put(end);
            }
            Action::With { target, path, value, body } => {
                self.emit(Operation::With { target: *target, path: path.as_slice().into(), value: *value });
                self.with(body);
            }
            other => self.simple(other),
        }
    }

    /// A block that must not reach its end.
    fn not(&mut self, body: &Block) {
        let undefined = self.label();
        self.body(body, undefined);
        self.emit(Operation::Jump { to: self.behind(0) });
        self.put(undefined);
    }

    /// A block behind which a `with` ends, whichever way it is left.
    fn with(&mut self, body: &Block) {
        let (undefined, behind) = (self.label(), self.label());
        self.body(body, undefined);
        self.emit(Operation::EndWith);
        self.emit(Operation::Jump { to: behind });
        self.put(undefined);
        self.emit(Operation::EndWith);
        self.emit(Operation::Jump { to: self.behind(0) });
        self.put(behind);
    }

    fn simple(&mut self, action: &Action) {
        let fail = self.behind(0);
        let operation = match action {
            Action::Call { function, args, result } => {
                Operation::Call { function: *function, args: args.as_slice().into(), result: *result, fail }
            }
            Action::CallDynamic { path, args, result } => Operation::CallDynamic {
                path: path.as_slice().into(),
                args: *args,
                result: *result,
                not_found: fail,
                undefined: self.behind(3),
            },
            Action::Builtin { builtin, args, result } => {
                Operation::Builtin { builtin: *builtin, args: args.as_slice().into(), result: *result, fail }
            }
            Action::Get { source, keys, target } => {
                Operation::Get { source: *source, keys: keys.as_slice().into(), target: *target, fail }
            }
            Action::Match { source, keys, value } => {
                Operation::Match { source: *source, keys: keys.as_slice().into(), value: *value, fail }
            }
            Action::Length { source, target } => Operation::Length { source: *source, target: *target },
            Action::Assign { source, target } => Operation::Assign { source: *source, target: *target },
            Action::AssignOnce { source, target } => Operation::AssignOnce { source: *source, target: *target },
            Action::Equal { a, b } => Operation::Equal { a: *a, b: *b, fail },
            Action::NotEqual { a, b } => Operation::NotEqual { a: *a, b: *b, fail },
            Action::Is { source, kind } => Operation::Is { source: *source, kind: *kind, fail },
            Action::Append { array, value } => Operation::Append { array: *array, value: *value },
            Action::Add { set, value } => Operation::Add { set: *set, value: *value },
            Action::Insert { object, key, value, once } => {
                Operation::Insert { object: *object, key: *key, value: *value, once: *once }
            }
            Action::Merge { a, b, target } => Operation::Merge { a: *a, b: *b, target: *target },
            Action::Result { value } => Operation::Result { value: *value },
            // Handled by `statement`.
            Action::Block(_)
            | Action::Break(_)
            | Action::Exit(_)
            | Action::Not(_)
            | Action::Scan { .. }
            | Action::With { .. } => return,
        };
        self.emit(operation);
    }
}

fn index(number: u32) -> Option<usize> {
    usize::try_from(number).ok()
}
