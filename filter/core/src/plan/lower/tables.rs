//! What statements refer to by number or by name: constants, builtins, functions.

use super::super::error::PlanError;
use super::super::place::describe;
use super::super::program::{ConstantId, Constants, Function, Place};
use super::super::raw::{BuiltinFunc, Static};
use crate::builtins::{self, Builtin};
use regorus::Value;
use std::collections::HashMap;

/// A builtin as this plan calls it.
pub struct Called {
    /// OPA's name.
    pub name: String,
    /// Ours, ready to be called; `None`: it is not available inline.
    pub found: Option<&'static Builtin>,
    /// Whether it gives a value; `print` does not.
    pub has_result: bool,
}

/// What statements refer to.
pub struct Tables {
    /// Values known at load.
    pub constants: Constants,
    /// File names.
    pub files: Vec<String>,
    /// Builtins by index.
    pub builtins: Vec<Called>,
    strings: Vec<String>,
    string_constants: Vec<ConstantId>,
    number_constants: HashMap<u32, ConstantId>,
    builtin_names: HashMap<String, u16>,
    functions: HashMap<String, (u32, u16)>,
}

/// Most builtins a plan may name: each is looked for in a table of a few hundred.
const MAX_BUILTINS: usize = 1_000;

const TOO_MANY: &str = "more than 2³² constants or functions";

impl Tables {
    /// The tables of a plan's static part.
    pub fn new(statics: Static) -> Result<Self, PlanError> {
        let mut tables = Self {
            constants: Constants::new(),
            files: statics.files.unwrap_or_default().into_iter().map(|text| text.value).collect(),
            builtins: Vec::new(),
            strings: statics.strings.unwrap_or_default().into_iter().map(|text| text.value).collect(),
            string_constants: Vec::new(),
            number_constants: HashMap::new(),
            builtin_names: HashMap::new(),
            functions: HashMap::new(),
        };
        for text in &tables.strings {
            let value = Value::from(text.as_str());
            let id = tables.constants.add(value).ok_or_else(|| PlanError::invalid("static.strings", TOO_MANY))?;
            tables.string_constants.push(id);
        }
        tables.link(statics.builtin_funcs.unwrap_or_default())?;
        Ok(tables)
    }

    fn link(&mut self, wanted: Vec<BuiltinFunc>) -> Result<(), PlanError> {
        if wanted.len() > MAX_BUILTINS {
            return Err(PlanError::invalid("static.builtin_funcs", "more builtins than OPA has"));
        }
        for func in wanted {
            let found = builtins::find(&func.name);
            let index = u16::try_from(self.builtins.len()).unwrap_or(u16::MAX);
            self.builtin_names.insert(func.name.clone(), index);
            self.builtins.push(Called { name: func.name, found, has_result: func.decl.has_result() });
        }
        Ok(())
    }

    /// Makes a function known to those that follow it.
    pub fn declare(&mut self, function: &Function) -> Result<(), &'static str> {
        let index = u32::try_from(self.functions.len()).map_err(|_| TOO_MANY)?;
        match self.functions.insert(function.name.clone(), (index, function.parameters)) {
            None => Ok(()),
            Some(_) => Err("a second function of this name"),
        }
    }

    /// Index and number of parameters of a function that has been seen.
    pub fn function(&self, name: &str) -> Option<(u32, u16)> {
        self.functions.get(name).copied()
    }

    /// A builtin of the static part.
    pub fn builtin(&self, name: &str) -> Option<(u16, &Called)> {
        let index = *self.builtin_names.get(name)?;
        Some((index, self.builtins.get(usize::from(index))?))
    }

    /// The constant of a static string.
    pub fn text(&self, index: u32) -> Result<ConstantId, &'static str> {
        let found = usize::try_from(index).ok().and_then(|index| self.string_constants.get(index));
        found.copied().ok_or("a string index beyond the static strings")
    }

    /// The constant of a number that is written in a static string.
    pub fn number(&mut self, index: u32) -> Result<ConstantId, String> {
        if let Some(id) = self.number_constants.get(&index) {
            return Ok(*id);
        }
        let text = usize::try_from(index).ok().and_then(|index| self.strings.get(index));
        let text = text.ok_or("a string index beyond the static strings")?;
        let value = crate::json::parse(text.as_bytes()).ok().filter(|value| matches!(value, Value::Number(_)));
        let value = value.ok_or_else(|| format!("the number `{text:.60}` cannot be held exactly as OPA holds it"))?;
        let id = self.constants.add(value).ok_or(TOO_MANY)?;
        self.number_constants.insert(index, id);
        Ok(id)
    }

    /// `file:row:column` of a place.
    pub fn describe(&self, place: Place) -> String {
        describe(&self.files, place)
    }

    /// The constant of an integer.
    pub fn integer(&mut self, value: i64) -> Result<ConstantId, &'static str> {
        self.constants.add(Value::from(value)).ok_or(TOO_MANY)
    }
}
