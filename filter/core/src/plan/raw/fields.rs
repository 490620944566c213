//! The fields a statement may have, and how one of them is read.
//!
//! One structure for all statement types: 34 derived deserialisers would be most of the evaluator's size. Each field
//! is taken once; what is left over was not a field of that statement.

use super::{Block, Local, Operand, Place};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Every field any statement has. The same name stands for different types: `source` is a local here, an operand there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fields<'a> {
    #[serde(borrow, default)]
    pub a: Field<'a>,
    #[serde(borrow, default)]
    pub args: Field<'a>,
    #[serde(borrow, default)]
    pub array: Field<'a>,
    #[serde(borrow, default)]
    pub b: Field<'a>,
    #[serde(default)]
    pub block: Option<Block>,
    #[serde(default)]
    pub blocks: Option<Vec<Block>>,
    #[serde(borrow, default)]
    pub capacity: Field<'a>,
    #[serde(borrow, default)]
    pub func: Field<'a>,
    #[serde(borrow, default)]
    pub index: Field<'a>,
    /// The older spelling of `index`, written beside it.
    #[serde(borrow, default, rename = "Index")]
    pub legacy_index: Field<'a>,
    #[serde(borrow, default)]
    pub key: Field<'a>,
    #[serde(borrow, default)]
    pub local: Field<'a>,
    #[serde(borrow, default)]
    pub object: Field<'a>,
    #[serde(borrow, default)]
    pub path: Field<'a>,
    #[serde(borrow, default)]
    pub result: Field<'a>,
    #[serde(borrow, default)]
    pub set: Field<'a>,
    #[serde(borrow, default)]
    pub source: Field<'a>,
    #[serde(borrow, default)]
    pub target: Field<'a>,
    #[serde(borrow, default)]
    pub value: Field<'a>,
    #[serde(default)]
    file: u32,
    #[serde(default)]
    row: u32,
    #[serde(default)]
    col: u32,
    #[serde(default, rename = "end_row")]
    _end_row: u32,
    #[serde(default, rename = "end_col")]
    _end_col: u32,
}

/// A field whose type depends on the statement; absent and `null` are the same, as in Go.
pub type Field<'a> = Option<&'a RawValue>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TypedValue<'a> {
    #[serde(rename = "type", borrow)]
    kind: &'a str,
    #[serde(borrow)]
    value: &'a RawValue,
}

impl Fields<'_> {
    /// Where the statement comes from.
    pub const fn place(&self) -> Place {
        Place { file: self.file, row: self.row, column: self.col }
    }

    /// Whether every field that was there has been taken.
    pub fn all_taken(&self) -> bool {
        let Self { a, args, array, b, capacity, func, index, legacy_index, key, local, object, path, .. } = self;
        let Self { result, set, source, target, value, .. } = self;
        let fields = [a, args, array, b, capacity, func, index, legacy_index, key, local, object, path];
        let more = [result, set, source, target, value];
        self.block.is_none() && self.blocks.is_none() && fields.into_iter().chain(more).all(Option::is_none)
    }
}

fn parse<'a, T: Deserialize<'a>>(field: &mut Field<'a>, wanted: &'static str) -> Result<T, &'static str> {
    field.take().and_then(|raw| serde_json::from_str(raw.get()).ok()).ok_or(wanted)
}

/// A local variable.
pub fn local(field: &mut Field<'_>) -> Result<Local, &'static str> {
    parse(field, "a local is missing or not one")
}

/// An index into the static strings.
pub fn index(field: &mut Field<'_>) -> Result<u32, &'static str> {
    parse(field, "an index is missing or not one")
}

/// A 64-bit integer; Go leaves none out.
pub fn integer(field: &mut Field<'_>) -> Result<i64, &'static str> {
    parse(field, "an integer is missing or not one")
}

/// The name of a function.
pub fn name(field: &mut Field<'_>) -> Result<String, &'static str> {
    parse(field, "a name is missing or not one")
}

/// A list of locals or indices; Go writes `null` for an empty one.
pub fn numbers(field: &mut Field<'_>) -> Result<Vec<u32>, &'static str> {
    if field.is_none() { Ok(Vec::new()) } else { parse(field, "a list of numbers is not one") }
}

/// A local, a string or a boolean.
pub fn operand(field: &mut Field<'_>) -> Result<Operand, &'static str> {
    let raw = field.take().ok_or("an operand is missing")?;
    typed(raw)
}

/// A list of operands.
pub fn operands(field: &mut Field<'_>) -> Result<Vec<Operand>, &'static str> {
    if field.is_none() {
        return Ok(Vec::new());
    }
    let list: Vec<&RawValue> = parse(field, "a list of operands is not one")?;
    list.into_iter().map(typed).collect()
}

fn typed(raw: &RawValue) -> Result<Operand, &'static str> {
    const WRONG: &str = "an operand is not a local, a string or a boolean";
    let TypedValue { kind, value } = serde_json::from_str(raw.get()).map_err(|_| WRONG)?;
    let number = || value.get().parse().map_err(|_| WRONG);
    match kind {
        "local" => Ok(Operand::Local(number()?)),
        "string_index" => Ok(Operand::Text(number()?)),
        "bool" => value.get().parse().map(Operand::Bool).map_err(|_| WRONG),
        _ => Err("an operand of an unknown type"),
    }
}
