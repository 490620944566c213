//! Blocks and statements.

use super::super::error::PlanError;
use super::super::program::{Action, Block, Constants, Kind, Operand, Slot, Statement};
use super::super::raw;
use super::slots::Slots;
use super::tables::Tables;

/// What stands around a statement.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    /// A block, which a break may leave.
    Block,
    /// A scan, a `with` or a `not`: something has to be done behind it, so no break leaves it.
    Fence,
}

/// Where a dynamic call that is found undefined goes on.
const LEVELS_OF_DYNAMIC_CALL: u32 = 3;

/// Longest path a `with` may replace something at: replacing recurses.
const MAX_WITH_PATH: usize = 64;

/// Turns the blocks of one function or entry point.
pub struct Lowering<'a> {
    tables: &'a mut Tables,
    slots: &'a mut Slots,
    around: Vec<Around>,
    collects_results: bool,
}

impl<'a> Lowering<'a> {
    /// For a function.
    pub const fn function(tables: &'a mut Tables, slots: &'a mut Slots) -> Self {
        Self { tables, slots, around: Vec::new(), collects_results: false }
    }

    /// For an entry point.
    pub const fn entry(tables: &'a mut Tables, slots: &'a mut Slots) -> Self {
        Self { tables, slots, around: Vec::new(), collects_results: true }
    }

    /// Turns blocks that stand one after the other.
    pub fn blocks(&mut self, blocks: Vec<raw::Block>) -> Result<Vec<Block>, PlanError> {
        blocks.into_iter().map(|block| self.block(block, Around::Block)).collect()
    }

    fn block(&mut self, block: raw::Block, around: Around) -> Result<Block, PlanError> {
        self.around.push(around);
        let mut statements = Vec::new();
        for raw::Statement { place, action } in block.stmts.unwrap_or_default() {
            let action = self.action(action).map_err(|error| match error {
                Wrong::Here(message) => PlanError::invalid(self.tables.describe(place), message),
                Wrong::Inside(error) => error,
            })?;
            statements.extend(action.map(|action| Statement { place, action }));
        }
        self.around.pop();
        Ok(Block(statements))
    }

    /// `None` for a statement that does nothing.
    fn action(&mut self, action: raw::Action) -> Result<Option<Action>, Wrong> {
        use raw::Action as Raw;
        Ok(Some(match action {
            Raw::Nop => return Ok(None),
            Raw::Block { blocks } => Action::Block(self.blocks(blocks)?),
            Raw::Break { index } => self.break_out(index)?,
            Raw::Not { block } => Action::Not(self.block(block, Around::Fence)?),
            Raw::Scan { source, key, value, block } => self.scan(source, key, value, block)?,
            Raw::With { local, path, value, block } => self.with(local, &path, value, block)?,
            Raw::Call { func, args, result } => self.call(&func, &args, result)?,
            Raw::CallDynamic { path, args, result } => self.call_dynamic(&path, &args, result)?,
            Raw::ReturnLocal { .. } => return Err("a return that is not a function's last block".into()),
            Raw::ResultSetAdd { .. } if !self.collects_results => return Err("a result in a function".into()),
            other => self.simple(other)?,
        }))
    }

    /// Statements without blocks and calls.
    fn simple(&mut self, action: raw::Action) -> Result<Action, Wrong> {
        use raw::Action as Raw;
        Ok(match action {
            Raw::Dot { source, key, target } => {
                let (source, keys) = (self.operand(source)?, vec![self.operand(key)?]);
                Action::Get { source, keys, target: self.slot(target)? }
            }
            Raw::Len { source, target } => Action::Length { source: self.operand(source)?, target: self.slot(target)? },
            Raw::AssignVar { target, source } => {
                Action::Assign { source: self.operand(source)?, target: self.slot(target)? }
            }
            Raw::AssignVarOnce { target, source } => {
                Action::AssignOnce { source: self.operand(source)?, target: self.slot(target)? }
            }
            Raw::Equal { a, b } => Action::Equal { a: self.operand(a)?, b: self.operand(b)? },
            Raw::NotEqual { a, b } => Action::NotEqual { a: self.operand(a)?, b: self.operand(b)? },
            Raw::IsArray { source } => Action::Is { source: self.operand(source)?, kind: Kind::Array },
            Raw::IsObject { source } => Action::Is { source: self.operand(source)?, kind: Kind::Object },
            Raw::IsSet { source } => Action::Is { source: self.operand(source)?, kind: Kind::Set },
            Raw::IsDefined { source } => self.is(source, Kind::Defined)?,
            Raw::IsUndefined { source } => self.is(source, Kind::Undefined)?,
            Raw::ArrayAppend { array, value } => {
                Action::Append { array: self.slot(array)?, value: self.operand(value)? }
            }
            Raw::SetAdd { set, value } => Action::Add { set: self.slot(set)?, value: self.operand(value)? },
            Raw::ObjectInsert { object, key, value } => self.insert(object, key, value, false)?,
            Raw::ObjectInsertOnce { object, key, value } => self.insert(object, key, value, true)?,
            Raw::ObjectMerge { a, b, target } => {
                Action::Merge { a: self.slot(a)?, b: self.slot(b)?, target: self.slot(target)? }
            }
            Raw::ResultSetAdd { value } => Action::Result { value: self.slot(value)? },
            other => self.constant(other)?,
        })
    }

    /// Statements that put a constant into a slot.
    fn constant(&mut self, action: raw::Action) -> Result<Action, Wrong> {
        use raw::Action as Raw;
        let (target, constant) = match action {
            Raw::ResetLocal { target } => (target, Constants::UNDEFINED),
            Raw::MakeNull { target } => (target, Constants::NULL),
            Raw::MakeArray { target } => (target, Constants::ARRAY),
            Raw::MakeObject { target } => (target, Constants::OBJECT),
            Raw::MakeSet { target } => (target, Constants::SET),
            Raw::AssignInt { target, value } | Raw::MakeNumberInt { target, value } => {
                (target, self.tables.integer(value)?)
            }
            Raw::MakeNumberRef { target, index } => (target, self.tables.number(index)?),
            _ => return Err("a statement that is not handled".into()),
        };
        Ok(Action::Assign { source: Operand::Constant(constant), target: self.slot(target)? })
    }

    fn slot(&mut self, local: raw::Local) -> Result<Slot, Wrong> {
        Ok(self.slots.slot(local)?)
    }

    fn operand(&mut self, operand: raw::Operand) -> Result<Operand, Wrong> {
        Ok(match operand {
            raw::Operand::Local(local) => Operand::Slot(self.slot(local)?),
            raw::Operand::Text(index) => Operand::Constant(self.tables.text(index)?),
            raw::Operand::Bool(value) => Operand::Constant(Constants::bool(value)),
        })
    }

    fn operands(&mut self, operands: &[raw::Operand]) -> Result<Vec<Operand>, Wrong> {
        operands.iter().map(|operand| self.operand(*operand)).collect()
    }

    fn is(&mut self, local: raw::Local, kind: Kind) -> Result<Action, Wrong> {
        Ok(Action::Is { source: Operand::Slot(self.slot(local)?), kind })
    }

    fn insert(
        &mut self,
        object: raw::Local,
        key: raw::Operand,
        value: raw::Operand,
        once: bool,
    ) -> Result<Action, Wrong> {
        Ok(Action::Insert { object: self.slot(object)?, key: self.operand(key)?, value: self.operand(value)?, once })
    }

    fn scan(
        &mut self,
        source: raw::Local,
        key: raw::Local,
        value: raw::Local,
        block: raw::Block,
    ) -> Result<Action, Wrong> {
        let (source, key, value) = (self.slot(source)?, self.slot(key)?, self.slot(value)?);
        let body = self.block(block, Around::Fence)?;
        Ok(Action::Scan { source, key: Some(key), value: Some(value), body })
    }

    fn with(
        &mut self,
        local: raw::Local,
        path: &[u32],
        value: raw::Operand,
        block: raw::Block,
    ) -> Result<Action, Wrong> {
        let target = self.slot(local)?;
        if path.len() > MAX_WITH_PATH {
            return Err("a `with` of a path that is too long".into());
        }
        let path = path.iter().map(|index| self.tables.text(*index)).collect::<Result<_, _>>()?;
        let value = self.operand(value)?;
        Ok(Action::With { target, path, value, body: self.block(block, Around::Fence)? })
    }

    fn call(&mut self, name: &str, args: &[raw::Operand], result: raw::Local) -> Result<Action, Wrong> {
        let args = self.operands(args)?;
        let result = self.slot(result)?;
        if let Some((function, parameters)) = self.tables.function(name) {
            if args.len() != usize::from(parameters) {
                return Err(format!("`{name}` is called with {} arguments, it has {parameters}", args.len()).into());
            }
            return Ok(Action::Call { function, args, result });
        }
        let Some((builtin, called)) = self.tables.builtin(name) else {
            return Err(format!("`{name}` is neither a builtin nor a function that stands before its caller").into());
        };
        let result = called.has_result.then_some(result);
        match called.found.map(|found| found.arity) {
            Some(arity) if args.len() != arity => {
                Err(format!("`{name}` is called with {} arguments, it has {arity}", args.len()).into())
            }
            _ => Ok(Action::Builtin { builtin, args, result }),
        }
    }

    fn call_dynamic(
        &mut self,
        path: &[raw::Operand],
        args: &[raw::Local],
        result: raw::Local,
    ) -> Result<Action, Wrong> {
        let [input, data] = args else {
            return Err("a dynamic call has two arguments, input and data".into());
        };
        self.check_break(LEVELS_OF_DYNAMIC_CALL)?;
        let (path, args) = (self.operands(path)?, [self.slot(*input)?, self.slot(*data)?]);
        Ok(Action::CallDynamic { path, args, result: self.slot(result)? })
    }

    fn break_out(&self, levels: u32) -> Result<Action, Wrong> {
        self.check_break(levels)?;
        Ok(Action::Break(levels))
    }

    /// Whether a break finds its block, and leaves nothing but blocks on the way.
    fn check_break(&self, levels: u32) -> Result<(), Wrong> {
        let levels = usize::try_from(levels).unwrap_or(usize::MAX);
        if levels >= self.around.len() {
            return Err("a break out of more blocks than there are".into());
        }
        let left = self.around.iter().rev().take(levels);
        if left.clone().any(|around| *around == Around::Fence) {
            return Err("a break out of a scan, a `with` or a `not`".into());
        }
        Ok(())
    }
}

/// What is wrong with a statement, or with one inside it, which knows its own place.
enum Wrong {
    Here(String),
    Inside(PlanError),
}

impl From<&str> for Wrong {
    fn from(message: &str) -> Self {
        Self::Here(message.to_owned())
    }
}

impl From<String> for Wrong {
    fn from(message: String) -> Self {
        Self::Here(message)
    }
}

impl From<PlanError> for Wrong {
    fn from(error: PlanError) -> Self {
        Self::Inside(error)
    }
}
