//! Runs code: one loop over operations, all state on the heap.

mod call;
mod collect;
mod compare;
mod lookup;
mod measure;
mod memo;
mod merge;
mod scan;
mod scratch;
mod with;

pub use scratch::Scratch;

use super::code::{Code, Operation, Routine, Target};
use super::place::describe;
use super::program::{ConstantId, Kind, Operand, Slot};
use crate::builtins::{Context, Failure};
use crate::engine::EvalError;
use regorus::Value;

/// What is read where there is nothing.
static UNDEFINED: Value = Value::Undefined;

/// One evaluation.
pub struct Machine<'a> {
    code: &'a Code,
    context: &'a mut Context,
    scratch: &'a mut Scratch,
    /// The next operation.
    next: Target,
    /// Where the frame of the running function begins on the stack.
    base: usize,
}

/// Evaluates an entry point: its result set.
pub fn evaluate(
    code: &Code,
    entry: Routine,
    input: &Value,
    data: &Value,
    context: &mut Context,
    scratch: &mut Scratch,
) -> Result<Vec<Value>, EvalError> {
    scratch.begin();
    scratch.stack.push(input.clone());
    scratch.stack.push(data.clone());
    scratch.stack.resize(usize::from(entry.slots), Value::Undefined);
    let mut machine = Machine { code, context, scratch, next: entry.start, base: 0 };
    let ended = machine.run();
    let results = std::mem::take(&mut scratch.results);
    // Nothing of the request stays behind, also after an error.
    scratch.clear();
    ended.map(|()| results.into_iter().collect())
}

/// What operations read: the frame of the running function, and constants.
#[derive(Clone, Copy)]
struct View<'v> {
    frame: &'v [Value],
    constants: &'v [Value],
}

impl<'v> View<'v> {
    fn slot(self, slot: Slot) -> &'v Value {
        self.frame.get(usize::from(slot)).unwrap_or(&UNDEFINED)
    }

    fn constant(self, id: ConstantId) -> &'v Value {
        usize::try_from(id).ok().and_then(|id| self.constants.get(id)).unwrap_or(&UNDEFINED)
    }

    fn read(self, operand: Operand) -> &'v Value {
        match operand {
            Operand::Slot(slot) => self.slot(slot),
            Operand::Constant(id) => self.constant(id),
        }
    }
}

impl Machine<'_> {
    fn run(&mut self) -> Result<(), EvalError> {
        let code = self.code;
        loop {
            self.context.step()?;
            let at = usize::try_from(self.next).unwrap_or(usize::MAX);
            let Some(operation) = code.operations.get(at) else {
                return Err(EvalError::Other("the plan's code ended".to_owned()));
            };
            self.next = self.next.saturating_add(1);
            match operation {
                Operation::Jump { to } => self.next = *to,
                Operation::Halt => return Ok(()),
                Operation::Return { source } => {
                    let value = self.take(*source);
                    self.end_function(value)?;
                }
                Operation::Exit { constant } => {
                    let value = self.view().constant(*constant).clone();
                    self.end_function(value)?;
                }
                Operation::Scan { source, key } => self.scan(*source, *key)?,
                Operation::Next { key, value, end } => self.next_member(*key, *value, *end),
                Operation::With { target, path, value } => self.begin_with(*target, path, *value)?,
                Operation::EndWith => self.end_with(),
                Operation::Call { function, args, result, fail } => self.call(*function, args, *result, *fail)?,
                Operation::CallDynamic { path, args, result, not_found, undefined } => {
                    self.call_dynamic(path, *args, *result, [*not_found, *undefined])?;
                }
                Operation::Builtin { builtin, args, result, fail } => self.builtin(*builtin, args, *result, *fail)?,
                Operation::Get { source, keys, target, fail } => self.get(*source, keys, *target, *fail)?,
                Operation::Match { source, keys, value, fail } => self.match_value(*source, keys, *value, *fail)?,
                Operation::Switch { source, keys, targets, otherwise } => {
                    self.switch(*source, keys, targets, *otherwise)?;
                }
                Operation::Length { source, target } => self.length(*source, *target),
                Operation::Assign { source, target } => self.assign(*source, *target),
                Operation::AssignOnce { source, target } => self.assign_once(*source, *target)?,
                Operation::Equal { a, b, fail } => self.require(*a, *b, true, *fail)?,
                Operation::NotEqual { a, b, fail } => self.require(*a, *b, false, *fail)?,
                Operation::Is { source, kind, fail } => self.is(*source, *kind, *fail),
                Operation::Append { array, value } => self.append(*array, *value)?,
                Operation::Add { set, value } => self.add(*set, *value)?,
                Operation::Insert { object, key, value, once } => self.insert(*object, *key, *value, *once)?,
                Operation::Merge { a, b, target } => self.merge(*a, *b, *target)?,
                Operation::Result { value } => self.result(*value)?,
            }
        }
    }

    fn view(&self) -> View<'_> {
        let frame = self.scratch.stack.get(self.base..).unwrap_or_default();
        View { frame, constants: self.code.constants.values() }
    }

    /// What operations read, and apart from it the budget they pay from.
    fn split(&mut self) -> (View<'_>, &mut Context) {
        let frame = self.scratch.stack.get(self.base..).unwrap_or_default();
        (View { frame, constants: self.code.constants.values() }, self.context)
    }

    fn slot(&self, slot: Slot) -> &Value {
        self.scratch.stack.get(self.base.saturating_add(slot.into())).unwrap_or(&UNDEFINED)
    }

    fn slot_mut(&mut self, slot: Slot) -> Option<&mut Value> {
        self.scratch.stack.get_mut(self.base.saturating_add(slot.into()))
    }

    fn set(&mut self, slot: Slot, value: Value) {
        // Every slot of a function's code is below the size of its frame.
        if let Some(place) = self.slot_mut(slot) {
            *place = value;
        }
    }

    /// Takes a value out of a slot, which becomes undefined.
    fn take(&mut self, slot: Slot) -> Value {
        self.slot_mut(slot).map_or(Value::Undefined, |place| std::mem::replace(place, Value::Undefined))
    }

    fn read(&self, operand: Operand) -> &Value {
        self.view().read(operand)
    }

    fn assign(&mut self, source: Operand, target: Slot) {
        let value = self.read(source).clone();
        self.set(target, value);
    }

    fn assign_once(&mut self, source: Operand, target: Slot) -> Result<(), EvalError> {
        if *self.slot(target) == Value::Undefined {
            self.assign(source, target);
            return Ok(());
        }
        let (view, context) = self.split();
        if compare::equal(view.slot(target), view.read(source), context)? { Ok(()) } else { Err(EvalError::Conflict) }
    }

    /// Goes on only if two operands are equal, or are not.
    fn require(&mut self, a: Operand, b: Operand, equal: bool, fail: Target) -> Result<(), EvalError> {
        let (view, context) = self.split();
        if compare::equal(view.read(a), view.read(b), context)? != equal {
            self.next = fail;
        }
        Ok(())
    }

    fn is(&mut self, source: Operand, kind: Kind, fail: Target) {
        let value = self.read(source);
        let holds = match kind {
            Kind::Array => matches!(value, Value::Array(_)),
            Kind::Object => matches!(value, Value::Object(_)),
            Kind::Set => matches!(value, Value::Set(_)),
            Kind::Defined => *value != Value::Undefined,
            Kind::Undefined => *value == Value::Undefined,
        };
        if !holds {
            self.next = fail;
        }
    }

    /// Where the running operation comes from.
    fn place(&self) -> String {
        let at = usize::try_from(self.next.saturating_sub(1)).unwrap_or(usize::MAX);
        describe(&self.code.files, self.code.places.get(at).copied().unwrap_or_default())
    }

    /// The evaluation ends: OPA's planner does not write what was met here.
    #[cold]
    fn not_planned(&self, message: &str) -> EvalError {
        EvalError::Other(format!("{}: {message}", self.place()))
    }

    /// What a call that gave no value does to the evaluation; `Ok`: it is undefined.
    #[cold]
    fn failed(&self, name: &str, failure: Failure) -> Result<(), EvalError> {
        match failure {
            Failure::Error(_) if !self.context.strict => Ok(()),
            Failure::Error(why) => Err(EvalError::Other(format!("{}: {name}: {why}", self.place()))),
            Failure::Inexact(why) => Err(EvalError::Inexact(format!("{}: {name}: {why}", self.place()))),
            Failure::Stop(error) => Err(error),
        }
    }
}

/// What a budget says of work that is no builtin's.
fn stopped(failure: Failure) -> EvalError {
    match failure {
        Failure::Stop(error) => error,
        Failure::Error(_) | Failure::Inexact(_) => EvalError::StepLimit,
    }
}
