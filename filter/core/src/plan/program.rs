//! A checked plan as a tree: every local is a slot of a frame, every index exists. Passes work on it; `emit` makes the
//! code that runs.

pub use super::raw::Place;

use regorus::Value;

/// A place in the frame of a function.
pub type Slot = u16;

/// An index into [`Program::constants`].
pub type ConstantId = u32;

/// What a statement reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operand {
    /// A slot of the frame.
    Slot(Slot),
    /// A value known at load.
    Constant(ConstantId),
}

/// A whole plan.
pub struct Program {
    /// Values known at load: strings, numbers, `null`, empty collections, folded literals.
    pub constants: Constants,
    /// Rules and functions; what one calls stands before it.
    pub functions: Vec<Function>,
    /// What can be asked.
    pub entries: Vec<EntryPoint>,
    /// Names of the policy's files.
    pub files: Vec<String>,
}

/// The constants of a program; the first ones are always there.
#[derive(Debug, Default)]
pub struct Constants {
    values: Vec<Value>,
}

impl Constants {
    /// No value.
    pub const UNDEFINED: ConstantId = 0;
    /// `null`.
    pub const NULL: ConstantId = 1;
    /// `false`.
    pub const FALSE: ConstantId = 2;
    /// `true`.
    pub const TRUE: ConstantId = 3;
    /// `[]`.
    pub const ARRAY: ConstantId = 4;
    /// `{}`.
    pub const OBJECT: ConstantId = 5;
    /// `set()`.
    pub const SET: ConstantId = 6;

    /// The constants every program has.
    pub fn new() -> Self {
        let values = vec![
            Value::Undefined,
            Value::Null,
            Value::Bool(false),
            Value::Bool(true),
            Value::new_array(),
            Value::new_object(),
            Value::new_set(),
        ];
        Self { values }
    }

    /// Adds one; `None` beyond 2³² of them.
    pub fn add(&mut self, value: Value) -> Option<ConstantId> {
        let id = u32::try_from(self.values.len()).ok()?;
        self.values.push(value);
        Some(id)
    }

    /// One of them.
    pub fn get(&self, id: ConstantId) -> Option<&Value> {
        self.values.get(usize::try_from(id).ok()?)
    }

    /// All of them, by id.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The constant of a truth value.
    pub const fn bool(value: bool) -> ConstantId {
        if value { Self::TRUE } else { Self::FALSE }
    }
}

/// A rule or a function.
pub struct Function {
    /// As in the plan, for messages.
    pub name: String,
    /// Where dynamic calls find it.
    pub path: Vec<String>,
    /// Arguments stand in the first slots, in order.
    pub parameters: u16,
    /// Size of the frame.
    pub slots: u16,
    /// Whether its answer depends on `input` and `data` only, and is kept until they change.
    pub memoised: bool,
    /// The slot that is returned behind the last block.
    pub result: Slot,
    /// Run one after the other.
    pub blocks: Vec<Block>,
}

/// Something that can be asked. Its frame begins with `input` and `data`.
pub struct EntryPoint {
    /// As in the plan.
    pub name: String,
    /// Size of the frame.
    pub slots: u16,
    /// Run one after the other.
    pub blocks: Vec<Block>,
}

/// Statements that run until one is undefined.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Block(pub Vec<Statement>);

impl Block {
    /// Statements in it, those of blocks inside it as well.
    pub fn size(&self) -> usize {
        let inside = |action: &Action| match action {
            Action::Block(blocks) => blocks.iter().map(Self::size).fold(0, usize::saturating_add),
            Action::Not(body) | Action::Scan { body, .. } | Action::With { body, .. } => body.size(),
            _ => 0,
        };
        self.0.iter().map(|statement| inside(&statement.action).saturating_add(1)).fold(0, usize::saturating_add)
    }
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Where it comes from.
    pub place: Place,
    /// What it does.
    pub action: Action,
}

/// A test of what kind of value an operand is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Array,
    Object,
    Set,
    Defined,
    Undefined,
}

/// What a statement does. *Undefined* means: go on behind the innermost block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Blocks, one after the other.
    Block(Vec<Block>),
    /// Goes on behind the n-th block around it, 0 the innermost. Never crosses a scan, a `with` or a `not`.
    Break(u32),
    /// Ends the function with this result, from wherever it is in it. Only an optimiser pass writes it.
    Exit(ConstantId),
    /// Undefined if the block reaches its end.
    Not(Block),
    /// Runs the block for every member. `None`: nobody reads it.
    Scan { source: Slot, key: Option<Slot>, value: Option<Slot>, body: Block },
    /// Runs the block with another value in a slot, or in a part of it; undefined if the block is.
    With { target: Slot, path: Vec<ConstantId>, value: Operand, body: Block },
    /// Undefined if the function is.
    Call { function: u32, args: Vec<Operand>, result: Slot },
    /// A call by path. Found but undefined: goes on behind the third block around it.
    CallDynamic { path: Vec<Operand>, args: [Slot; 2], result: Slot },
    /// `None`: the builtin has no result and is never undefined.
    Builtin { builtin: u16, args: Vec<Operand>, result: Option<Slot> },
    /// Looks up key after key; if undefined, the target is as well.
    Get { source: Operand, keys: Vec<Operand>, target: Slot },
    /// Looks up key after key; undefined if what is there differs, or nothing is. Only an optimiser pass writes it.
    Match { source: Operand, keys: Vec<Operand>, value: Operand },
    /// Members, or bytes of a string; 0 for the rest.
    Length { source: Operand, target: Slot },
    /// Copies, *undefined* as well.
    Assign { source: Operand, target: Slot },
    /// A conflict if the target holds another value.
    AssignOnce { source: Operand, target: Slot },
    /// Undefined if they differ.
    Equal { a: Operand, b: Operand },
    /// Undefined if they are equal.
    NotEqual { a: Operand, b: Operand },
    /// Undefined if it is not.
    Is { source: Operand, kind: Kind },
    /// Adds to an array.
    Append { array: Slot, value: Operand },
    /// Adds to a set.
    Add { set: Slot, value: Operand },
    /// Sets a member of an object; with `once`, a conflict if it has another value.
    Insert { object: Slot, key: Operand, value: Operand, once: bool },
    /// Merges objects; where both have a value, `a`'s.
    Merge { a: Slot, b: Slot, target: Slot },
    /// Adds to the result set.
    Result { value: Slot },
}
