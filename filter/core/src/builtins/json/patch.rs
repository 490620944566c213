//! `json.patch`.
//!
//! OPA edits a tree of changes and renders it at the end. That tree has corners of its own: it finds the items of an
//! array that was changed at their old places, moves changed items over one another, and stops with a panic after the
//! root was replaced. Patches that reach such a corner are said to be inexact; so are patches of sets.

use super::{Path, path};
use crate::builtins::args::{array, length, object, pay};
use crate::builtins::numbers::Number;
use crate::builtins::order::equal_paid;
use crate::builtins::{Context, Failure};
use regorus::Value;

const CORNER: Failure = Failure::Inexact("a patch that OPA's tree of changes applies in its own way");
const MISSING: Failure = Failure::Error(std::borrow::Cow::Borrowed("a path of the patch leads nowhere"));

pub(super) fn patch(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value, operations] = args else { return Err(Failure::ARITY) };
    let mut document = Document { root: Some(value.clone()), ..Document::default() };
    for operation in array(operations)?.iter() {
        document.apply(context, operation)?;
    }
    // OPA itself stops if nothing is left.
    document.root.ok_or(CORNER)
}

/// What is patched, and what would matter to OPA's tree of changes.
#[derive(Default)]
struct Document {
    root: Option<Value>,
    root_was_replaced: bool,
    /// Items of an array stand at other places than at first.
    shifted: bool,
    /// Items of arrays were looked at or put in: scalars, and collections.
    scalar_items: bool,
    collection_items: bool,
}

impl Document {
    fn apply(&mut self, context: &mut Context, operation: &Value) -> Result<(), Failure> {
        let operation = object(operation)?;
        let member = |name: &str| operation.get(&Value::from(name)).ok_or(MISSING);
        let to = member("path")?;
        let Value::String(name) = member("op")? else { return Err(MISSING) };
        let to = path(context, to)?;
        match name.as_ref() {
            "add" => self.insert(context, &to, member("value")?.clone(), true),
            "remove" => self.delete(context, &to, true),
            "replace" => {
                self.delete(context, &to, false)?;
                self.insert(context, &to, member("value")?.clone(), false)
            }
            "move" => {
                let from = path(context, member("from")?)?;
                let value = self.get(context, &from)?;
                self.delete(context, &from, true)?;
                self.insert(context, &to, value, true)
            }
            "copy" => {
                let from = path(context, member("from")?)?;
                let value = self.get(context, &from)?;
                self.insert(context, &to, value, true)
            }
            "test" => {
                let value = self.get(context, &to)?;
                if equal_paid(context, &value, member("value")?)? { Ok(()) } else { Err(MISSING) }
            }
            _ => Err(MISSING),
        }
    }

    fn get(&mut self, context: &mut Context, path: &Path) -> Result<Value, Failure> {
        self.reach(context, path).cloned()
    }

    /// The value at the end of a path.
    fn reach(&mut self, context: &mut Context, path: &[Value]) -> Result<&mut Value, Failure> {
        if self.root_was_replaced && !path.is_empty() {
            return Err(CORNER);
        }
        let mut value = self.root.as_mut().ok_or(MISSING)?;
        for key in path {
            pay(context, length(value).saturating_add(1))?;
            value = match value {
                Value::Object(_) => {
                    value.as_object_mut().ok().and_then(|members| members.get_mut(key)).ok_or(MISSING)?
                }
                Value::Array(_) => {
                    if self.shifted || self.scalar_items && self.collection_items {
                        return Err(CORNER);
                    }
                    let index = place(key, length(value))?;
                    let item = value.as_array_mut().ok().and_then(|items| items.get_mut(index)).ok_or(MISSING)?;
                    note(&mut self.scalar_items, &mut self.collection_items, item);
                    item
                }
                Value::Set(_) => return Err(CORNER),
                _ => return Err(MISSING),
            };
        }
        Ok(value)
    }

    /// What is about to change.
    fn parent(&mut self, context: &mut Context, path: &[Value]) -> Result<&mut Value, Failure> {
        if self.root_was_replaced && self.root.is_some() {
            return Err(CORNER);
        }
        self.reach(context, path)
    }

    /// `shifts`: items of an array move for good.
    fn insert(&mut self, context: &mut Context, path: &Path, new: Value, shifts: bool) -> Result<(), Failure> {
        let Some((key, parents)) = path.split_last() else {
            self.root = Some(new);
            self.root_was_replaced = true;
            return Ok(());
        };
        let parent = self.parent(context, parents)?;
        pay(context, length(parent))?;
        match parent {
            Value::Object(_) => {
                if let Ok(members) = parent.as_object_mut() {
                    members.insert(key.clone(), new);
                }
                Ok(())
            }
            Value::Array(items) => {
                let index = place(key, items.len())?;
                if index > items.len() {
                    return Err(MISSING);
                }
                let mut items = items.to_vec();
                items.insert(index, new.clone());
                *parent = Value::from(items);
                self.changed_array(&new, shifts)
            }
            Value::Set(_) => Err(CORNER),
            _ => Err(MISSING),
        }
    }

    fn delete(&mut self, context: &mut Context, path: &Path, shifts: bool) -> Result<(), Failure> {
        let Some((key, parents)) = path.split_last() else {
            self.root_was_replaced = true;
            return self.root.take().map(|_| ()).ok_or(MISSING);
        };
        let parent = self.parent(context, parents)?;
        pay(context, length(parent))?;
        match parent {
            Value::Object(_) => {
                let removed = parent.as_object_mut().ok().and_then(|members| members.remove(key));
                removed.map(|_| ()).ok_or(MISSING)
            }
            Value::Array(items) => {
                let index = place(key, items.len())?;
                if index >= items.len() {
                    return Err(MISSING);
                }
                let mut items = items.to_vec();
                items.remove(index);
                *parent = Value::from(items);
                if self.scalar_items && self.collection_items {
                    return Err(CORNER);
                }
                self.shifted |= shifts;
                Ok(())
            }
            Value::Set(_) => Err(CORNER),
            _ => Err(MISSING),
        }
    }

    /// An item was put into an array: those behind it move, which goes wrong if they are of both kinds.
    fn changed_array(&mut self, new: &Value, shifts: bool) -> Result<(), Failure> {
        if self.scalar_items && self.collection_items {
            return Err(CORNER);
        }
        note(&mut self.scalar_items, &mut self.collection_items, new);
        self.shifted |= shifts;
        Ok(())
    }
}

fn note(scalar_items: &mut bool, collection_items: &mut bool, item: &Value) {
    let is_collection = matches!(item, Value::Array(_) | Value::Set(_) | Value::Object(_));
    *scalar_items |= !is_collection;
    *collection_items |= is_collection;
}

/// The place in an array that a key means; `-` is behind the last item.
fn place(key: &Value, length: usize) -> Result<usize, Failure> {
    let index = match key {
        Value::Number(_) => Number::of(key).and_then(|number| number.small()),
        Value::String(text) if text.as_ref() == "-" => return Ok(length),
        Value::String(text) if text.starts_with('0') && text.as_ref() != "0" => None,
        Value::String(text) => small_integer(text),
        _ => None,
    };
    usize::try_from(index.ok_or(MISSING)?).map_err(|_| MISSING)
}

/// As OPA reads a text as an integer: at most 19 characters behind the sign, zeros behind a point.
fn small_integer(text: &str) -> Option<i64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, zeros) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let is_integer = whole.bytes().all(|byte| byte.is_ascii_digit()) && zeros.bytes().all(|byte| byte == b'0');
    if !(1..=19).contains(&unsigned.len()) || !is_integer {
        return None;
    }
    let sign = if text.starts_with('-') { "-" } else { "" };
    format!("{sign}0{whole}").parse().ok()
}
