//! `json.patch`, `json.filter`, `json.remove`.

mod patch;

use super::args::{items, length, object, pay};
use super::{Builtin, Context, Failure, own};
use regorus::Value;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const TABLE: &[Builtin] =
    &[own("json.filter", 2, filter), own("json.patch", 2, patch::patch), own("json.remove", 2, remove)];

/// Keys from the outside in.
type Path = Vec<Value>;

/// A JSON pointer, or an array of keys. Of the slashes at the beginning, all are left out.
fn path(context: &mut Context, value: &Value) -> Result<Path, Failure> {
    match value {
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(text) => {
            pay(context, text.len())?;
            let keys = text.trim_start_matches('/').split('/');
            Ok(keys.map(|key| Value::from(key.replace("~1", "/").replace("~0", "~"))).collect())
        }
        Value::Array(keys) => {
            pay(context, keys.len())?;
            Ok(keys.to_vec())
        }
        _ => Err(Failure::Error("wants paths, as texts or arrays".into())),
    }
}

/// Many paths, joined where they begin alike.
enum Paths {
    /// A path ends here. What goes on beyond it does not matter.
    End,
    On(BTreeMap<Value, Paths>),
}

impl Paths {
    fn of(context: &mut Context, value: &Value) -> Result<Self, Failure> {
        pay(context, length(value))?;
        let mut root = BTreeMap::new();
        for value in items(value)? {
            let mut path = path(context, value)?;
            if let Some(last) = path.pop() {
                insert(&mut root, path, last);
            }
        }
        Ok(Self::On(root))
    }
}

fn insert(mut node: &mut BTreeMap<Value, Paths>, path: Path, last: Value) {
    for key in path {
        match node.entry(key).or_insert_with(|| Paths::On(BTreeMap::new())) {
            Paths::End => return,
            Paths::On(next) => node = next,
        }
    }
    node.insert(last, Paths::End);
}

/// The key by which a path reaches an array's item.
fn position(index: usize) -> Value {
    Value::from(index.to_string())
}

fn filter(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value, paths] = args else { return Err(Failure::ARITY) };
    object(value)?;
    let paths = Paths::of(context, paths)?;
    kept(context, value, &paths)
}

/// What the paths reach.
fn kept(context: &mut Context, value: &Value, paths: &Paths) -> Result<Value, Failure> {
    let Paths::On(paths) = paths else { return Ok(value.clone()) };
    pay(context, length(value))?;
    let mut keep = |value: &Value, key: &Value| match paths.get(key) {
        Some(paths) => kept(context, value, paths).map(Some),
        None => Ok(None),
    };
    rebuilt(value, &mut keep)
}

fn remove(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value, paths] = args else { return Err(Failure::ARITY) };
    object(value)?;
    let paths = Paths::of(context, paths)?;
    without(context, value, &paths).map(|rest| rest.unwrap_or(Value::Undefined))
}

/// What the paths do not reach; `None` if nothing is left.
fn without(context: &mut Context, value: &Value, paths: &Paths) -> Result<Option<Value>, Failure> {
    let Paths::On(paths) = paths else { return Ok(None) };
    pay(context, length(value))?;
    let mut keep = |value: &Value, key: &Value| match paths.get(key) {
        Some(paths) => without(context, value, paths),
        None => Ok(Some(value.clone())),
    };
    rebuilt(value, &mut keep).map(Some)
}

/// What is kept of a value at a key, if anything is.
type Keep<'a> = &'a mut dyn FnMut(&Value, &Value) -> Result<Option<Value>, Failure>;

/// The collection of what `keep` makes of each value and its key; scalars as they are.
fn rebuilt(value: &Value, keep: Keep) -> Result<Value, Failure> {
    Ok(match value {
        Value::Array(items) => {
            let kept = items.iter().enumerate().map(|(index, item)| keep(item, &position(index)));
            Value::from(kept.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?)
        }
        Value::Set(items) => {
            let kept = items.iter().map(|item| keep(item, item));
            Value::from(kept.filter_map(Result::transpose).collect::<Result<BTreeSet<_>, _>>()?)
        }
        Value::Object(members) => {
            let mut kept = BTreeMap::new();
            for (key, value) in members.iter() {
                if let Some(value) = keep(value, key)? {
                    kept.insert(key.clone(), value);
                }
            }
            Value::from(kept)
        }
        scalar => scalar.clone(),
    })
}
