//! `walk`, `graph.reachable`, `graph.reachable_paths`.

use super::args::{items, length, object, pay};
use super::order::sorted;
use super::{Builtin, Context, Failure, own};
use regorus::Value;
use regorus::value::{Object, Set};
use std::collections::VecDeque;

pub(super) const TABLE: &[Builtin] =
    &[own("walk", 1, walk), own("graph.reachable", 2, reachable), own("graph.reachable_paths", 2, reachable_paths)];

/// All pairs of a path and the value there, as plans call it: the whole relation at once, the value itself first.
fn walk(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value] = args else { return Err(Failure::ARITY) };
    let mut pairs = Vec::new();
    walk_into(context, &mut pairs, &mut Vec::new(), value)?;
    Ok(Value::from(pairs))
}

fn walk_into(
    context: &mut Context,
    pairs: &mut Vec<Value>,
    path: &mut Vec<Value>,
    value: &Value,
) -> Result<(), Failure> {
    pay(context, path.len().saturating_add(2))?;
    pairs.push(Value::from(vec![Value::from(path.clone()), value.clone()]));
    for (key, child) in children(value) {
        path.push(key);
        walk_into(context, pairs, path, child)?;
        path.pop();
    }
    Ok(())
}

/// Keys and values of a collection in OPA's order.
fn children(value: &Value) -> Vec<(Value, &Value)> {
    match value {
        Value::Array(items) => (0_u64..).map(Value::from).zip(items.iter()).collect(),
        Value::Set(items) => sorted(items.iter()).into_iter().map(|item| (item.clone(), item)).collect(),
        Value::Object(members) => {
            let keys = sorted(members.keys()).into_iter();
            keys.filter_map(|key| Some((key.clone(), members.get(key)?))).collect()
        }
        _ => Vec::new(),
    }
}

/// The neighbours of a node: members of an array or a set, none of anything else.
fn neighbours(edges: &Value) -> Vec<&Value> {
    items(edges).unwrap_or_default()
}

/// The graph and the nodes to start from.
fn graph(args: &[Value]) -> Result<(&Object, Vec<&Value>), Failure> {
    let [graph, start] = args else { return Err(Failure::ARITY) };
    Ok((object(graph)?, items(start)?))
}

fn reachable(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let (graph, start) = graph(args)?;
    pay(context, start.len())?;
    let mut queue = VecDeque::from(start);
    let mut reached = Set::new();
    while let Some(node) = queue.pop_front() {
        let Some(edges) = graph.get(node) else { continue };
        if !reached.insert(node.clone()) {
            continue;
        }
        pay(context, length(edges))?;
        queue.extend(neighbours(edges));
    }
    Ok(reached.into_value())
}

/// All paths that end at a node without edges, before a node that is not in the graph, or before a cycle closes.
fn reachable_paths(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let (graph, start) = graph(args)?;
    let mut paths = Set::new();
    for node in start {
        let Some(edges) = graph.get(node) else { continue };
        let mut path = vec![node.clone()];
        let neighbours = neighbours(edges);
        if neighbours.is_empty() {
            paths.insert(Value::from(path));
            continue;
        }
        for neighbour in neighbours {
            extend(context, graph, neighbour, &mut path, &mut paths)?;
        }
    }
    Ok(paths.into_value())
}

/// Follows the paths through `node`, which is not on `path`, and leaves `path` as it was. The number of paths can be
/// exponential in the size of the graph; each is paid for.
fn extend(
    context: &mut Context,
    graph: &Object,
    node: &Value,
    path: &mut Vec<Value>,
    paths: &mut Set,
) -> Result<(), Failure> {
    pay(context, path.len().saturating_add(1))?;
    let Some(edges) = graph.get(node) else {
        paths.insert(Value::from(path.clone()));
        return Ok(());
    };
    path.push(node.clone());
    pay(context, length(edges))?;
    let neighbours = neighbours(edges);
    if neighbours.is_empty() {
        paths.insert(Value::from(path.clone()));
    }
    for neighbour in neighbours {
        pay(context, path.len())?;
        if path.contains(neighbour) {
            paths.insert(Value::from(path.clone()));
        } else {
            extend(context, graph, neighbour, path, paths)?;
        }
    }
    path.pop();
    Ok(())
}
