//! Our own functions that lowered policies call: everything that has a meaning of its own, and that regorus would
//! give another one.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;
use regorus::value::Object;

use crate::builtins::{Context, Failure, Function, is_double};
use crate::engine::EvalError;
use crate::plan::{CalledBuiltin, Why};
use crate::text_keys;

pub(super) const COLLECTION: &str = "collection";
pub(super) const MIXED: &str = "mixed";
pub(super) const BASE: &str = "base";
pub(super) const REPLACED: &str = "replaced";
pub(super) const ARRAY_OF: &str = "array_of";
pub(super) const OBJECT_OF: &str = "object_of";
pub(super) const TREE: &str = "tree";
pub(super) const WALK: &str = "walk";

/// Name, function, and what it does with what it is given.
const TABLE: &[(&str, Function, Why)] = &[
    (COLLECTION, collection, Why::Iterated),
    (MIXED, mixed, Why::ComputedKey),
    (BASE, base, Why::ComputedKey),
    (REPLACED, replaced, Why::ComputedKey),
    (ARRAY_OF, array_of, Why::Tested),
    (OBJECT_OF, object_of, Why::Tested),
    (TREE, tree, Why::Value),
    (WALK, walk, Why::Builtin),
];

/// The function of a name.
pub(super) fn find(name: &str) -> Option<CalledBuiltin> {
    let (name, run, why) = *TABLE.iter().find(|(other, ..)| *other == name)?;
    Some(CalledBuiltin { name, run, row: None, looks_up: [BASE, REPLACED].contains(&name), why })
}

type Answer = Result<Value, Failure>;

const CALL: Failure = Failure::Inexact("called with arguments that the loader does not write");
const ORDER: Failure = Failure::Inexact("sets and objects beside each other have another order in OPA");
const CONFLICT: Failure = Failure::Stop(EvalError::Conflict);

/// Undefined for what is no collection.
fn collection(_: &mut Context, args: &[Value]) -> Answer {
    match args {
        [value @ (Value::Array(_) | Value::Set(_) | Value::Object(_))] => Ok(value.clone()),
        _ => Ok(Value::Undefined),
    }
}

fn lookup<'v>(value: &'v Value, key: &Value) -> Option<&'v Value> {
    match (value, key) {
        (Value::Array(items), Value::Number(_)) => items.get(usize::try_from(key.as_u64().ok()?).ok()?),
        (Value::Set(items), _) => items.get(key),
        (Value::Object(fields), _) => fields.get(key),
        _ => None,
    }
}

/// A key into an object of rules and data. OPA looks it up as text in the data and as it is in the rules; where that
/// would make a difference nobody can tell here which it is.
fn mixed(context: &mut Context, args: &[Value]) -> Answer {
    let [value, key] = args else { return Err(CALL) };
    context.work(0)?;
    let as_text = by_text(context, value, key)?;
    let found = lookup(value, key);
    if as_text.is_some() && as_text != found {
        return Err(Failure::Inexact("a number or position could be meant as text"));
    }
    Ok(found.cloned().unwrap_or(Value::Undefined))
}

/// Keys into the data document. OPA reads it along a path of texts: 7 finds the key `"7"`, `"0"` the first item.
fn base(context: &mut Context, args: &[Value]) -> Answer {
    let [value, Value::Array(keys)] = args else { return Err(CALL) };
    context.work(keys.len())?;
    let mut value = value;
    for key in keys.iter() {
        match by_text(context, value, key)? {
            Some(found) => value = found,
            None => return Ok(Value::Undefined),
        }
    }
    Ok(value.clone())
}

/// The same where a `with` may have replaced a part of the data, which OPA does not read by texts.
fn replaced(context: &mut Context, args: &[Value]) -> Answer {
    let [value, Value::Array(keys)] = args else { return Err(CALL) };
    context.work(keys.len())?;
    let mut value = value;
    for key in keys.iter() {
        let found = lookup(value, key);
        if !is_composite(key) && !matches!(value, Value::Set(_)) && by_text(context, value, key)? != found {
            return Err(Failure::Inexact("a number or position could be meant as text"));
        }
        match found {
            Some(found) => value = found,
            None => return Ok(Value::Undefined),
        }
    }
    Ok(value.clone())
}

fn by_text<'v>(context: &mut Context, value: &'v Value, key: &Value) -> Result<Option<&'v Value>, Failure> {
    let text = match key {
        Value::String(text) => text.as_ref().to_owned(),
        // Of 1.0 the digits are not kept.
        Value::Number(_) if is_double(key) || key.as_i64().is_err() => {
            let found = lookup(value, key).is_some() && matches!(value, Value::Array(_));
            return match found || text_keys::has_spelling(value, key, context)? {
                true => Err(Failure::Inexact("a large number or fraction as a key of data")),
                false => Ok(None),
            };
        }
        Value::Number(number) => number.format_decimal(),
        Value::Bool(_) | Value::Null => return Ok(None),
        _ => return Err(Failure::Error("composites cannot be base document keys".into())),
    };
    Ok(match value {
        Value::Object(fields) => fields.get(&Value::from(text)),
        Value::Array(items) => text_keys::position(&text).and_then(|position| items.get(position)),
        _ => None,
    })
}

/// The array, if it has so many items.
fn array_of(context: &mut Context, args: &[Value]) -> Answer {
    let [value, length] = args else { return Err(CALL) };
    context.work(0)?;
    let fits = matches!(value, Value::Array(items) if Value::from(items.len()) == *length);
    Ok(if fits { value.clone() } else { Value::Undefined })
}

/// The object, if it has so many members.
fn object_of(context: &mut Context, args: &[Value]) -> Answer {
    let [value, length] = args else { return Err(CALL) };
    context.work(0)?;
    let fits = matches!(value, Value::Object(fields) if Value::from(fields.len()) == *length);
    Ok(if fits { value.clone() } else { Value::Undefined })
}

/// The object that the definitions of a partial rule build: each gave its keys, whether its value is a member of a set
/// at that place, and the value.
fn tree(context: &mut Context, args: &[Value]) -> Answer {
    let [Value::Array(all)] = args else { return Err(CALL) };
    let mut root = Node::Branch(BTreeMap::new());
    for item in all.iter() {
        let Value::Array(item) = item else { return Err(CALL) };
        let (Some(Value::Array(keys)), Some(Value::Bool(member)), Some(value)) =
            (item.get(0), item.get(1), item.get(2))
        else {
            return Err(CALL);
        };
        context.work(keys.len().saturating_mul(64))?;
        root.place(keys.iter(), *member, value)?;
    }
    root.value()
}

/// A part of the object that a partial rule builds.
enum Node {
    Leaf(Value),
    Members(BTreeSet<Value>),
    Branch(BTreeMap<Value, Node>),
}

impl Node {
    fn place<'v>(&mut self, keys: impl Iterator<Item = &'v Value>, member: bool, value: &Value) -> Result<(), Failure> {
        let mut node = self;
        let mut keys = keys.peekable();
        while let Some(key) = keys.next() {
            let Self::Branch(children) = node else { return Err(CONFLICT) };
            let new = || match (keys.peek().is_some(), member) {
                (true, _) => Self::Branch(BTreeMap::new()),
                (false, true) => Self::Members(BTreeSet::new()),
                (false, false) => Self::Leaf(value.clone()),
            };
            node = children.entry(key.clone()).or_insert_with(new);
        }
        match node {
            Self::Members(members) if member => {
                members.insert(value.clone());
                Ok(())
            }
            Self::Leaf(before) if !member && before == value => Ok(()),
            _ => Err(CONFLICT),
        }
    }

    fn value(self) -> Answer {
        match self {
            Self::Leaf(value) => Ok(value),
            Self::Members(members) => Ok(Value::from(members)),
            Self::Branch(children) => {
                let children = children.into_iter().map(|(key, node)| Ok((key, node.value()?)));
                Ok(Value::from(children.collect::<Result<Object, Failure>>()?))
            }
        }
    }
}

/// Every value inside a value with the path to it, in OPA's order: from the outside in, keys sorted.
fn walk(context: &mut Context, args: &[Value]) -> Answer {
    let [value] = args else { return Err(CALL) };
    let mut pairs = Vec::new();
    let mut open: Vec<(Vec<Value>, &Value)> = vec![(Vec::new(), value)];
    while let Some((path, value)) = open.pop() {
        context.work(path.len().saturating_add(1).saturating_mul(64))?;
        let below = |key: &Value| path.iter().cloned().chain([key.clone()]).collect::<Vec<_>>();
        let mut children = Vec::new();
        match value {
            Value::Array(items) => {
                children.extend(items.iter().enumerate().map(|(position, item)| (below(&Value::from(position)), item)));
            }
            Value::Set(items) => {
                check_order(context, items.iter())?;
                children.extend(items.iter().map(|item| (below(item), item)));
            }
            Value::Object(fields) => {
                check_order(context, fields.iter().map(|(key, _)| key))?;
                children.extend(fields.iter_sorted().map(|(key, value)| (below(key), value)));
            }
            _ => {}
        }
        context.work(children.len().saturating_mul(path.len().saturating_add(1)).saturating_mul(32))?;
        open.extend(children.into_iter().rev());
        pairs.push(Value::from(vec![Value::from(path), value.clone()]));
    }
    Ok(Value::from(pairs))
}

/// OPA orders objects before sets, regorus after them; so where an order shows, both must not meet.
fn check_order<'v>(context: &mut Context, values: impl Iterator<Item = &'v Value>) -> Result<(), Failure> {
    let (mut sets, mut objects) = (false, false);
    let mut open: Vec<&Value> = values.filter(|value| is_composite(value)).collect();
    while let Some(value) = open.pop() {
        context.work(length(value))?;
        match value {
            Value::Set(items) => {
                sets = true;
                open.extend(items.iter().filter(|item| is_composite(item)));
            }
            Value::Array(items) => open.extend(items.iter().filter(|item| is_composite(item))),
            Value::Object(fields) => {
                objects = true;
                open.extend(fields.iter().flat_map(|(key, value)| [key, value]).filter(|part| is_composite(part)));
            }
            _ => {}
        }
        if sets && objects {
            return Err(ORDER);
        }
    }
    Ok(())
}

const fn is_composite(value: &Value) -> bool {
    matches!(value, Value::Array(_) | Value::Set(_) | Value::Object(_))
}

/// Bytes of a text, or members of a collection.
fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.len(),
        Value::Set(items) => items.len(),
        Value::Object(fields) => fields.len(),
        _ => 0,
    }
}
