//! Calls of functions and of builtins.

use super::Machine;
use super::measure::{MAX_NESTING, measure};
use super::scratch::Call;
use crate::engine::EvalError;
use crate::plan::code::Target;
use crate::plan::program::{Operand, Slot};
use regorus::Value;

/// Slots whose clearing is worth one step.
const SLOTS_PER_STEP: usize = 8;

impl Machine<'_> {
    /// Calls a function, or takes its result if it is known.
    pub(super) fn call(
        &mut self,
        function: u32,
        args: &[Operand],
        result: Slot,
        fail: Target,
    ) -> Result<(), EvalError> {
        let index = usize::try_from(function).unwrap_or(usize::MAX);
        let Some(routine) = self.code.functions.get(index) else {
            return Err(self.not_planned("a function that does not exist"));
        };
        if routine.memoised
            && let Some(known) = self.scratch.memo.get(index)
        {
            let known = known.clone();
            self.returned(known, result, fail);
            return Ok(());
        }
        for _ in 0..usize::from(routine.slots).checked_div(SLOTS_PER_STEP).unwrap_or(0) {
            self.context.step()?;
        }
        let base = self.scratch.stack.len();
        for arg in args {
            let arg = self.read(*arg).clone();
            self.scratch.stack.push(arg);
        }
        self.scratch.stack.resize(base.saturating_add(routine.slots.into()), Value::Undefined);
        self.scratch.calls.push(Call {
            next: self.next,
            fail,
            base: self.base,
            result,
            function,
            scans: self.scratch.scans.len(),
            withs: self.scratch.withs.len(),
        });
        self.base = base;
        self.next = routine.start;
        Ok(())
    }

    /// Ends the running function with a result, from wherever it is in it.
    pub(super) fn end_function(&mut self, value: Value) -> Result<(), EvalError> {
        let Some(call) = self.scratch.calls.pop() else {
            return Err(self.not_planned("a return from nowhere"));
        };
        self.scratch.scans.truncate(call.scans);
        while self.scratch.withs.len() > call.withs {
            self.end_with();
        }
        self.scratch.stack.truncate(self.base);
        let index = usize::try_from(call.function).unwrap_or(usize::MAX);
        if self.code.functions.get(index).is_some_and(|routine| routine.memoised) {
            self.scratch.memo.insert(index, value.clone());
        }
        self.base = call.base;
        self.next = call.next;
        self.returned(value, call.result, call.fail);
        Ok(())
    }

    fn returned(&mut self, value: Value, result: Slot, fail: Target) {
        if value == Value::Undefined {
            self.next = fail;
        }
        self.set(result, value);
    }

    /// Calls the function at a path. Where to go on: if there is none, if its result is undefined.
    pub(super) fn call_dynamic(
        &mut self,
        path: &[Operand],
        args: [Slot; 2],
        result: Slot,
        [not_found, undefined]: [Target; 2],
    ) -> Result<(), EvalError> {
        let view = self.view();
        let Some(function) = self.code.paths.find(path.iter().map(|segment| view.read(*segment))) else {
            self.next = not_found;
            return Ok(());
        };
        // OPA's planner puts what is called before its caller. Nothing else can be reached, so nothing can recurse.
        if self.scratch.calls.last().is_some_and(|call| call.function <= function) {
            return Err(self.not_planned("a dynamic call of a function that stands behind its caller"));
        }
        self.call(function, &args.map(Operand::Slot), result, undefined)
    }

    /// Calls a builtin. Any argument undefined, or an error: undefined.
    pub(super) fn builtin(
        &mut self,
        builtin: u16,
        args: &[Operand],
        result: Option<Slot>,
        fail: Target,
    ) -> Result<(), EvalError> {
        let Some(Some(called)) = self.code.builtins.get(usize::from(builtin)) else {
            return Err(self.not_planned("a builtin that does not exist"));
        };
        let mut values = std::mem::take(&mut self.scratch.args);
        let view = self.view();
        values.extend(args.iter().map(|arg| view.read(*arg).clone()));
        let answer =
            if values.contains(&Value::Undefined) { Ok(Value::Undefined) } else { (called.run)(self.context, &values) };
        let value = match answer {
            // A lookup makes no value: what it finds is there already.
            Ok(value) if called.looks_up => value,
            Ok(value) => {
                measure(&value, MAX_NESTING, self.context)?;
                value
            }
            Err(failure) => {
                self.failed(called.name, failure)?;
                Value::Undefined
            }
        };
        values.clear();
        self.scratch.args = values;
        if let Some(result) = result {
            self.returned(value, result, fail);
        }
        Ok(())
    }
}
