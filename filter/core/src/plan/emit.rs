//! From the checked tree to code with jumps.

use super::code::{Operation, Routine, Target};
use super::program::{Action, Block, EntryPoint, Function, Place, Statement};

/// Code in the making: targets are numbers of labels.
#[derive(Default)]
pub struct Emitter {
    operations: Vec<Operation>,
    places: Vec<Place>,
    /// Where each label is, once it is known.
    labels: Vec<Target>,
    /// The label behind each block around what is emitted, innermost last.
    around: Vec<Target>,
    place: Place,
}

impl Emitter {
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
