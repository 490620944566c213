//! Units → the program that the plan's machine runs.

use std::collections::BTreeMap;

use regorus::Value;
use regorus::unstable::Span;

use super::core::{Document, Kind, Op, Stmt, Term, Unit, UnitId, Var, Way, With};
use super::error::{PolicyError, position_of_statement};
use super::helpers;
use crate::plan::CalledBuiltin;
use crate::plan::program::{self, Action, Block, ConstantId, Constants, Operand, Place, Program, Slot, Statement};

/// Slots of the documents in every frame.
const INPUT: Slot = 0;
const DATA: Slot = 1;

/// The program and what it calls.
pub(super) struct Emitted {
    pub program: Program,
    pub called: Vec<CalledBuiltin>,
}

/// Writes the units in `order`, in which each comes after all that it uses; the last one is the decision.
pub(super) fn emit(units: &[Unit], order: &[UnitId], entry: &str) -> Result<Emitted, PolicyError> {
    let mut shared = Shared::default();
    let mut functions = Vec::new();
    for id in order {
        if let Some(unit) = units.get(*id) {
            let place = (functions.len(), unit.params.len());
            functions.push(Writer::unit(&mut shared, unit)?);
            shared.functions.insert(*id, place.0);
        }
    }
    let last = functions.len().checked_sub(1).and_then(|last| u32::try_from(last).ok()).ok_or_else(too_large)?;
    let entries = vec![shared.entry(entry, last)?];
    let Shared { constants, called, files, .. } = shared;
    Ok(Emitted { program: Program { constants, functions, entries, files }, called })
}

fn too_large() -> PolicyError {
    PolicyError::general("the policy is too large; split its rules")
}

/// What all functions of the program share.
struct Shared {
    constants: Constants,
    known: BTreeMap<Value, ConstantId>,
    called: Vec<CalledBuiltin>,
    called_by_name: BTreeMap<(bool, &'static str), u16>,
    functions: BTreeMap<UnitId, usize>,
    files: Vec<String>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            constants: Constants::new(),
            known: BTreeMap::new(),
            called: Vec::new(),
            called_by_name: BTreeMap::new(),
            functions: BTreeMap::new(),
            files: Vec::new(),
        }
    }
}

impl Shared {
    fn constant(&mut self, value: &Value) -> Result<ConstantId, PolicyError> {
        match value {
            Value::Null => return Ok(Constants::NULL),
            Value::Bool(value) => return Ok(Constants::bool(*value)),
            _ => {}
        }
        if let Some(id) = self.known.get(value) {
            return Ok(*id);
        }
        let id = self.constants.add(value.clone()).ok_or_else(too_large)?;
        self.known.insert(value.clone(), id);
        Ok(id)
    }

    /// The index of a builtin, or of a function of ours.
    fn callee(&mut self, helper: bool, name: &'static str) -> Result<u16, PolicyError> {
        if let Some(index) = self.called_by_name.get(&(helper, name)) {
            return Ok(*index);
        }
        let missing = || PolicyError::general(format!("builtin `{name}` is not compiled in"));
        let called = if helper {
            helpers::find(name).ok_or_else(missing)?
        } else {
            CalledBuiltin::of(crate::builtins::find(name).ok_or_else(missing)?)
        };
        let index = u16::try_from(self.called.len()).map_err(|_| too_large())?;
        self.called.push(called);
        self.called_by_name.insert((helper, name), index);
        Ok(index)
    }

    fn place(&mut self, span: &Span) -> Place {
        let name = span.source.file();
        let file = self.files.iter().position(|file| file == name).unwrap_or_else(|| {
            self.files.push(name.clone());
            self.files.len().saturating_sub(1)
        });
        let (row, column) = position_of_statement(span);
        Place { file: u32::try_from(file).unwrap_or(u32::MAX), row, column }
    }

    /// What is asked: an object with the decision as its `result`, as in a plan of OPA's.
    fn entry(&mut self, name: &str, function: u32) -> Result<program::EntryPoint, PolicyError> {
        let key = self.constant(&Value::from("result"))?;
        let (result, bindings) = (2, 3);
        let actions = vec![
            Action::Call { function, args: vec![Operand::Slot(INPUT), Operand::Slot(DATA)], result },
            Action::Assign { source: Operand::Constant(Constants::OBJECT), target: bindings },
            Action::Insert { object: bindings, key: Operand::Constant(key), value: Operand::Slot(result), once: false },
            Action::Result { value: bindings },
        ];
        let place = Place::default();
        let statements = actions.into_iter().map(|action| Statement { place, action }).collect();
        Ok(program::EntryPoint { name: name.to_owned(), slots: 4, blocks: vec![Block(statements)] })
    }
}

/// Writes one unit.
struct Writer<'s> {
    shared: &'s mut Shared,
    slots: BTreeMap<Var, Slot>,
    next: Slot,
    /// Slots that were in use at one time.
    most: Slot,
    place: Place,
}

impl<'s> Writer<'s> {
    fn unit(shared: &'s mut Shared, unit: &Unit) -> Result<program::Function, PolicyError> {
        let place = shared.place(&unit.span);
        let mut writer = Writer { shared, slots: BTreeMap::new(), next: 2, most: 2, place };
        for param in &unit.params {
            writer.slot(*param)?;
        }
        let parameters = writer.next;
        let result = writer.free()?;
        let mut block = Vec::new();
        writer.body(&unit.body, &mut block, |writer, out| {
            let source = writer.operand(&unit.value)?;
            writer.push(Action::Assign { source, target: result }, out);
            Ok(())
        })?;
        Ok(program::Function {
            name: unit.name.clone(),
            path: Vec::new(),
            parameters,
            slots: writer.most,
            memoised: unit.params.is_empty(),
            result,
            blocks: vec![Block(block)],
        })
    }

    fn free(&mut self) -> Result<Slot, PolicyError> {
        let slot = self.next;
        self.next = slot.checked_add(1).ok_or_else(too_large)?;
        self.most = self.most.max(self.next);
        Ok(slot)
    }

    fn slot(&mut self, var: Var) -> Result<Slot, PolicyError> {
        if let Some(slot) = self.slots.get(&var) {
            return Ok(*slot);
        }
        let slot = self.free()?;
        self.slots.insert(var, slot);
        Ok(slot)
    }

    fn operand(&mut self, term: &Term) -> Result<Operand, PolicyError> {
        match term {
            Term::Var(var) => self.slot(*var).map(Operand::Slot),
            Term::Const(value) => self.shared.constant(value).map(Operand::Constant),
        }
    }

    fn operands(&mut self, terms: &[Term]) -> Result<Vec<Operand>, PolicyError> {
        terms.iter().map(|term| self.operand(term)).collect()
    }

    fn push(&self, action: Action, out: &mut Vec<Statement>) {
        out.push(Statement { place: self.place, action });
    }

    /// Statements, and behind them `end`; what follows an `Each` stands inside its scan.
    fn body(
        &mut self,
        body: &[Stmt],
        out: &mut Vec<Statement>,
        end: impl FnOnce(&mut Self, &mut Vec<Statement>) -> Result<(), PolicyError>,
    ) -> Result<(), PolicyError> {
        // The scans that are open around what is written, outermost first.
        let mut scans: Vec<(Action, Vec<Statement>, Place)> = Vec::new();
        let mut current = std::mem::take(out);
        for statement in body {
            match statement {
                Stmt::At(span) => self.place = self.shared.place(span),
                Stmt::Each { key, value, of } => {
                    let source = self.scanned(of, &mut current)?;
                    let (key, value) = (Some(self.slot(*key)?), Some(self.slot(*value)?));
                    let scan = Action::Scan { source, key, value, body: Block::default() };
                    scans.push((scan, std::mem::take(&mut current), self.place));
                }
                other => self.statement(other, &mut current)?,
            }
        }
        end(self, &mut current)?;
        while let Some((mut scan, mut around, place)) = scans.pop() {
            if let Action::Scan { body, .. } = &mut scan {
                *body = Block(std::mem::take(&mut current));
            }
            around.push(Statement { place, action: scan });
            current = around;
        }
        *out = current;
        Ok(())
    }

    /// The slot of what is gone through.
    fn scanned(&mut self, of: &Term, out: &mut Vec<Statement>) -> Result<Slot, PolicyError> {
        match self.operand(of)? {
            Operand::Slot(slot) => Ok(slot),
            source @ Operand::Constant(_) => {
                let target = self.free()?;
                self.push(Action::Assign { source, target }, out);
                Ok(target)
            }
        }
    }

    fn statement(&mut self, statement: &Stmt, out: &mut Vec<Statement>) -> Result<(), PolicyError> {
        let action = match statement {
            Stmt::Let(var, op) => {
                let target = self.slot(*var)?;
                return self.op(target, op, out);
            }
            Stmt::Holds(term) => Action::NotEqual { a: self.operand(term)?, b: Operand::Constant(Constants::FALSE) },
            Stmt::Same(a, b) => Action::Equal { a: self.operand(a)?, b: self.operand(b)? },
            Stmt::Found(var) => Action::Is { source: Operand::Slot(self.slot(*var)?), kind: program::Kind::Defined },
            Stmt::Missing(var) => {
                Action::Is { source: Operand::Slot(self.slot(*var)?), kind: program::Kind::Undefined }
            }
            // Written by `body`.
            Stmt::At(_) | Stmt::Each { .. } => return Ok(()),
        };
        self.push(action, out);
        Ok(())
    }

    fn op(&mut self, target: Slot, op: &Op, out: &mut Vec<Statement>) -> Result<(), PolicyError> {
        match op {
            Op::Copy(term) => {
                let source = self.operand(term)?;
                self.push(Action::Assign { source, target }, out);
            }
            Op::Data => self.document(DATA, &[], target, out)?,
            Op::Input(keys) => self.document(INPUT, keys, target, out)?,
            Op::Get(term, keys) => {
                let (source, keys) = (self.operand(term)?, self.operands(keys)?);
                self.push(Action::Get { source, keys, target }, out);
            }
            Op::Array(terms) => {
                self.begin(Constants::ARRAY, target, out);
                for value in self.operands(terms)? {
                    self.push(Action::Append { array: target, value }, out);
                }
            }
            Op::Set(terms) => {
                self.begin(Constants::SET, target, out);
                for value in self.operands(terms)? {
                    self.push(Action::Add { set: target, value }, out);
                }
            }
            Op::Object(fields) => {
                self.begin(Constants::OBJECT, target, out);
                for (key, value) in fields {
                    let (key, value) = (self.operand(key)?, self.operand(value)?);
                    self.push(Action::Insert { object: target, key, value, once: true }, out);
                }
            }
            Op::Helper(name, terms) => self.call(true, name, terms, target, out)?,
            Op::Builtin(name, terms) => self.call(false, name, terms, target, out)?,
            Op::Function(id, terms) => {
                let args = self.operands(terms)?;
                self.call_unit(*id, args, target, out)?;
            }
            Op::Rule(id) => self.call_unit(*id, Vec::new(), target, out)?,
            Op::Merge(a, b) => self.merge(a, b, target, out)?,
            Op::Collect(kind, ways) => self.collect(*kind, ways, target, out)?,
        }
        Ok(())
    }

    fn begin(&self, empty: ConstantId, target: Slot, out: &mut Vec<Statement>) {
        self.push(Action::Assign { source: Operand::Constant(empty), target }, out);
    }

    fn document(
        &mut self,
        document: Slot,
        keys: &[String],
        target: Slot,
        out: &mut Vec<Statement>,
    ) -> Result<(), PolicyError> {
        let source = Operand::Slot(document);
        if keys.is_empty() {
            self.push(Action::Is { source, kind: program::Kind::Defined }, out);
            self.push(Action::Assign { source, target }, out);
            return Ok(());
        }
        let keys = keys.iter().map(|key| self.shared.constant(&Value::from(key.as_str())).map(Operand::Constant));
        let keys = keys.collect::<Result<_, _>>()?;
        self.push(Action::Get { source, keys, target }, out);
        Ok(())
    }

    fn call(
        &mut self,
        helper: bool,
        name: &'static str,
        terms: &[Term],
        target: Slot,
        out: &mut Vec<Statement>,
    ) -> Result<(), PolicyError> {
        let args = self.operands(terms)?;
        let builtin = self.shared.callee(helper, name)?;
        self.push(Action::Builtin { builtin, args, result: Some(target) }, out);
        Ok(())
    }

    fn call_unit(
        &mut self,
        id: UnitId,
        mut more: Vec<Operand>,
        target: Slot,
        out: &mut Vec<Statement>,
    ) -> Result<(), PolicyError> {
        let missing = || PolicyError::general("a rule is used before it is written");
        let function = self.shared.functions.get(&id).copied().ok_or_else(missing)?;
        let function = u32::try_from(function).map_err(|_| too_large())?;
        let mut args = vec![Operand::Slot(INPUT), Operand::Slot(DATA)];
        args.append(&mut more);
        self.push(Action::Call { function, args, result: target }, out);
        Ok(())
    }

    fn merge(&mut self, a: &Term, b: &Term, target: Slot, out: &mut Vec<Statement>) -> Result<(), PolicyError> {
        let mut slots = [0; 2];
        for (slot, term) in slots.iter_mut().zip([a, b]) {
            *slot = self.scanned(term, out)?;
        }
        let [a, b] = slots;
        self.push(Action::Merge { a, b, target }, out);
        Ok(())
    }

    fn collect(&mut self, kind: Kind, ways: &[Way], target: Slot, out: &mut Vec<Statement>) -> Result<(), PolicyError> {
        let empty = match kind {
            Kind::Array => Constants::ARRAY,
            Kind::Set => Constants::SET,
            Kind::Object => Constants::OBJECT,
            Kind::Once => Constants::UNDEFINED,
        };
        self.begin(empty, target, out);
        let mut blocks = Vec::new();
        for way in ways {
            // What a way names, nothing behind it reads: the next one takes the same slots.
            let (next, known) = (self.next, self.slots.clone());
            let mut inside = Vec::new();
            self.body(&way.body, &mut inside, |writer, out| writer.give(kind, &way.terms, target, out))?;
            for with in way.with.iter().rev() {
                inside = vec![self.with(with, inside)?];
            }
            blocks.push(Block(inside));
            (self.next, self.slots) = (next, known);
        }
        self.push(Action::Block(blocks), out);
        Ok(())
    }

    /// Puts what a way gives where it belongs.
    fn give(&mut self, kind: Kind, terms: &[Term], target: Slot, out: &mut Vec<Statement>) -> Result<(), PolicyError> {
        let terms = self.operands(terms)?;
        let action = match (kind, terms.as_slice()) {
            (Kind::Array, [value]) => Action::Append { array: target, value: *value },
            (Kind::Set, [value]) => Action::Add { set: target, value: *value },
            (Kind::Object, [key, value]) => Action::Insert { object: target, key: *key, value: *value, once: true },
            (Kind::Once, [value]) => Action::AssignOnce { source: *value, target },
            _ => return Err(PolicyError::general("a body gives another number of values than it should")),
        };
        self.push(action, out);
        Ok(())
    }

    fn with(&mut self, with: &With, body: Vec<Statement>) -> Result<Statement, PolicyError> {
        let target = match with.document {
            Document::Input => INPUT,
            Document::Data => DATA,
        };
        let path = with.path.iter().map(|key| self.shared.constant(&Value::from(key.as_str())));
        let path = path.collect::<Result<_, _>>()?;
        let value = self.operand(&with.value)?;
        Ok(Statement { place: self.place, action: Action::With { target, path, value, body: Block(body) } })
    }
}
