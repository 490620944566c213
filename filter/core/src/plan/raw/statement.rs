//! The 34 types of statements.

use super::fields::{self, Fields, integer, local, numbers, operand, operands};
use super::{Block, Local};
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use std::borrow::Cow;

/// A place in a policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// Index into the static files.
    pub file: u32,
    /// From 1; 0: unknown.
    pub row: u32,
    /// From 1; 0: unknown.
    pub column: u32,
}

/// What a statement works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operand {
    /// A local variable.
    Local(Local),
    /// An index into the static strings.
    Text(u32),
    /// A boolean.
    Bool(bool),
}

/// One statement.
pub struct Statement {
    /// Where it comes from.
    pub place: Place,
    /// What it does.
    pub action: Action,
}

/// What a statement does; the fields are named as in the IR, the comments say what differs from its documentation.
pub enum Action {
    ArrayAppend {
        array: Local,
        value: Operand,
    },
    AssignInt {
        target: Local,
        value: i64,
    },
    /// Copies *undefined* as well.
    AssignVar {
        target: Local,
        source: Operand,
    },
    AssignVarOnce {
        target: Local,
        source: Operand,
    },
    Block {
        blocks: Vec<Block>,
    },
    Break {
        index: u32,
    },
    Call {
        func: String,
        args: Vec<Operand>,
        result: Local,
    },
    /// Found but undefined: leaves three blocks. Not found: leaves this one.
    CallDynamic {
        path: Vec<Operand>,
        args: Vec<Local>,
        result: Local,
    },
    /// Undefined: the target is cleared.
    Dot {
        source: Operand,
        key: Operand,
        target: Local,
    },
    Equal {
        a: Operand,
        b: Operand,
    },
    IsArray {
        source: Operand,
    },
    IsDefined {
        source: Local,
    },
    IsObject {
        source: Operand,
    },
    IsSet {
        source: Operand,
    },
    IsUndefined {
        source: Local,
    },
    /// Zero for what has no length.
    Len {
        source: Operand,
        target: Local,
    },
    MakeArray {
        target: Local,
    },
    MakeNull {
        target: Local,
    },
    MakeNumberInt {
        target: Local,
        value: i64,
    },
    MakeNumberRef {
        target: Local,
        index: u32,
    },
    MakeObject {
        target: Local,
    },
    MakeSet {
        target: Local,
    },
    Nop,
    Not {
        block: Block,
    },
    NotEqual {
        a: Operand,
        b: Operand,
    },
    ObjectInsert {
        object: Local,
        key: Operand,
        value: Operand,
    },
    ObjectInsertOnce {
        object: Local,
        key: Operand,
        value: Operand,
    },
    ObjectMerge {
        a: Local,
        b: Local,
        target: Local,
    },
    ResetLocal {
        target: Local,
    },
    ResultSetAdd {
        value: Local,
    },
    ReturnLocal {
        source: Local,
    },
    /// Over what has no members, it goes on behind the block.
    Scan {
        source: Local,
        key: Local,
        value: Local,
        block: Block,
    },
    SetAdd {
        set: Local,
        value: Operand,
    },
    /// Sets *undefined* as well if the path is empty.
    With {
        local: Local,
        path: Vec<u32>,
        value: Operand,
        block: Block,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    stmt: Fields<'a>,
}

impl<'de> Deserialize<'de> for Statement {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Typed { kind, mut stmt } = Typed::deserialize(deserializer)?;
        let wrong = |message: &str| D::Error::custom(format_args!("`{kind}`: {message}"));
        let action = action(&kind, &mut stmt).map_err(wrong)?;
        if !stmt.all_taken() {
            return Err(wrong("a field that this statement does not have"));
        }
        Ok(Self { place: stmt.place(), action })
    }
}

fn action(kind: &str, f: &mut Fields<'_>) -> Result<Action, &'static str> {
    Ok(match kind {
        "ArrayAppendStmt" => Action::ArrayAppend { array: local(&mut f.array)?, value: operand(&mut f.value)? },
        "AssignIntStmt" => Action::AssignInt { target: local(&mut f.target)?, value: integer(&mut f.value)? },
        "AssignVarOnceStmt" => Action::AssignVarOnce { target: local(&mut f.target)?, source: operand(&mut f.source)? },
        "AssignVarStmt" => Action::AssignVar { target: local(&mut f.target)?, source: operand(&mut f.source)? },
        "BlockStmt" => Action::Block { blocks: f.blocks.take().unwrap_or_default() },
        "BreakStmt" => Action::Break { index: fields::index(&mut f.index)? },
        "CallDynamicStmt" => Action::CallDynamic {
            path: operands(&mut f.path)?,
            args: numbers(&mut f.args)?,
            result: local(&mut f.result)?,
        },
        "CallStmt" => Action::Call {
            func: fields::name(&mut f.func)?,
            args: operands(&mut f.args)?,
            result: local(&mut f.result)?,
        },
        "DotStmt" => {
            Action::Dot { source: operand(&mut f.source)?, key: operand(&mut f.key)?, target: local(&mut f.target)? }
        }
        "EqualStmt" => Action::Equal { a: operand(&mut f.a)?, b: operand(&mut f.b)? },
        "IsArrayStmt" => Action::IsArray { source: operand(&mut f.source)? },
        "IsDefinedStmt" => Action::IsDefined { source: local(&mut f.source)? },
        "IsObjectStmt" => Action::IsObject { source: operand(&mut f.source)? },
        "IsSetStmt" => Action::IsSet { source: operand(&mut f.source)? },
        "IsUndefinedStmt" => Action::IsUndefined { source: local(&mut f.source)? },
        "LenStmt" => Action::Len { source: operand(&mut f.source)?, target: local(&mut f.target)? },
        "NopStmt" => Action::Nop,
        "NotEqualStmt" => Action::NotEqual { a: operand(&mut f.a)?, b: operand(&mut f.b)? },
        "ResetLocalStmt" => Action::ResetLocal { target: local(&mut f.target)? },
        "ResultSetAddStmt" => Action::ResultSetAdd { value: local(&mut f.value)? },
        "ReturnLocalStmt" => Action::ReturnLocal { source: local(&mut f.source)? },
        "SetAddStmt" => Action::SetAdd { set: local(&mut f.set)?, value: operand(&mut f.value)? },
        "NotStmt" | "ScanStmt" | "WithStmt" => nesting(kind, f)?,
        _ if kind.starts_with("Make") => make(kind, f)?,
        _ if kind.starts_with("Object") => object(kind, f)?,
        _ => return Err(UNKNOWN),
    })
}

const UNKNOWN: &str = "an unknown type of statement";

fn nesting(kind: &str, f: &mut Fields<'_>) -> Result<Action, &'static str> {
    let block = f.block.take().ok_or("its block is missing")?;
    Ok(match kind {
        "NotStmt" => Action::Not { block },
        "ScanStmt" => {
            Action::Scan { source: local(&mut f.source)?, key: local(&mut f.key)?, value: local(&mut f.value)?, block }
        }
        _ => Action::With {
            local: local(&mut f.local)?,
            path: numbers(&mut f.path)?,
            value: operand(&mut f.value)?,
            block,
        },
    })
}

fn make(kind: &str, f: &mut Fields<'_>) -> Result<Action, &'static str> {
    let target = local(&mut f.target)?;
    Ok(match kind {
        "MakeArrayStmt" => {
            // Only a hint: nothing is reserved for it.
            integer(&mut f.capacity)?;
            Action::MakeArray { target }
        }
        "MakeNullStmt" => Action::MakeNull { target },
        "MakeNumberIntStmt" => Action::MakeNumberInt { target, value: integer(&mut f.value)? },
        "MakeNumberRefStmt" => {
            let legacy = f.legacy_index.take();
            if f.index.is_none() {
                f.index = legacy;
            }
            Action::MakeNumberRef { target, index: fields::index(&mut f.index)? }
        }
        "MakeObjectStmt" => Action::MakeObject { target },
        "MakeSetStmt" => Action::MakeSet { target },
        _ => return Err(UNKNOWN),
    })
}

fn object(kind: &str, f: &mut Fields<'_>) -> Result<Action, &'static str> {
    if kind == "ObjectMergeStmt" {
        return Ok(Action::ObjectMerge { a: local(&mut f.a)?, b: local(&mut f.b)?, target: local(&mut f.target)? });
    }
    let (object, key, value) = (local(&mut f.object)?, operand(&mut f.key)?, operand(&mut f.value)?);
    match kind {
        "ObjectInsertStmt" => Ok(Action::ObjectInsert { object, key, value }),
        "ObjectInsertOnceStmt" => Ok(Action::ObjectInsertOnce { object, key, value }),
        _ => Err(UNKNOWN),
    }
}
