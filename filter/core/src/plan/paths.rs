//! Functions by path, for dynamic calls: `data.roles[input.role]` where each role is a rule.

use super::program::Function;
use regorus::Value;
use std::collections::HashMap;

/// A tree of path segments.
#[derive(Default)]
pub struct Paths {
    nodes: Vec<Node>,
}

#[derive(Default)]
struct Node {
    function: Option<u32>,
    children: HashMap<String, usize>,
}

impl Paths {
    /// The tree of a program's functions that take `input` and `data` only; no others can be called by path.
    pub fn new(functions: &[Function]) -> Self {
        let mut paths = Self { nodes: vec![Node::default()] };
        for (index, function) in (0..).zip(functions) {
            if function.parameters == 2 {
                paths.insert(&function.path, index);
            }
        }
        paths
    }

    fn insert(&mut self, path: &[String], function: u32) {
        let mut at = 0;
        for segment in path {
            let new = self.nodes.len();
            let Some(node) = self.nodes.get_mut(at) else { return };
            at = *node.children.entry(segment.clone()).or_insert(new);
            if at == new {
                self.nodes.push(Node::default());
            }
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.function = Some(function);
        }
    }

    /// The function at exactly this path. What is not a string is no segment.
    pub fn find<'v>(&self, path: impl Iterator<Item = &'v Value>) -> Option<u32> {
        let mut node = self.nodes.first()?;
        for segment in path {
            let Value::String(segment) = segment else { return None };
            node = self.nodes.get(*node.children.get(segment.as_ref())?)?;
        }
        node.function
    }
}
