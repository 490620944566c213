//! What rules use each other, and how deep evaluation can go.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::Span;

use super::error::PolicyError;
use super::heads::{Index, Path};

/// Evaluations inside each other, counted as [`Uses`] counts them. regorus recurses on each; at this
/// depth it needs less than half of the stack that the wasm module has.
pub(super) const MAX_LEVEL: u32 = 96;

/// What entering a rule or function costs, in levels of expressions.
const ENTER: u32 = 4;

/// Rules in all trees that are read whole; those in trees inside each other count for each.
const MAX_LEAVES: usize = 100_000;

/// What one definition uses.
#[derive(Debug, Default)]
pub(super) struct Uses {
    /// Rule → the deepest level at which it is evaluated.
    rules: BTreeMap<Path, u32>,
    deepest: u32,
}

impl Uses {
    pub(super) fn reach(&mut self, level: u32) {
        self.deepest = self.deepest.max(level);
    }

    pub(super) fn add(&mut self, path: Path, level: u32) {
        let known = self.rules.entry(path).or_default();
        *known = level.max(*known);
    }

    fn merge(&mut self, other: Self) {
        self.reach(other.deepest);
        for (path, level) in other.rules {
            self.add(path, level);
        }
    }
}

/// All rules with what they use.
#[derive(Debug, Default)]
pub(super) struct Graph {
    rules: BTreeMap<Path, Uses>,
    /// Objects of several rules that are read whole; among the rules each stands for all of them.
    trees: BTreeSet<Path>,
    leaves: usize,
}

impl Graph {
    /// Adds what one definition of the rule at `path` uses.
    pub(super) fn add(&mut self, path: Path, uses: Uses) {
        self.rules.entry(path).or_default().merge(uses);
    }

    /// Adds the tree at `path`, which is no rule itself.
    pub(super) fn add_tree(&mut self, index: &Index, span: &Span, path: &Path) -> Result<(), PolicyError> {
        if !self.trees.insert(path.clone()) {
            return Ok(());
        }
        let mut uses = Uses::default();
        index.below(path).for_each(|(rule, _)| uses.add(rule.clone(), 0));
        self.leaves = self.leaves.saturating_add(uses.rules.len());
        if self.leaves > MAX_LEAVES {
            return Err(PolicyError::at(
                span,
                "the policy reads too many and too large trees of rules as a whole; name the rules that are needed",
            ));
        }
        self.add(path.clone(), uses);
        Ok(())
    }

    /// Refuses recursion, which regorus answers with a stack overflow, and too deep evaluation. Gives
    /// the rules and trees in an order in which each comes after all that it uses.
    pub(super) fn check(&self, index: &Index) -> Result<Vec<&Path>, PolicyError> {
        let mut depths: BTreeMap<&Path, u32> = BTreeMap::new();
        let mut waiting: BTreeMap<&Path, usize> = BTreeMap::new();
        let mut users: BTreeMap<&Path, Vec<&Path>> = BTreeMap::new();
        for (path, uses) in &self.rules {
            waiting.insert(path, uses.rules.len());
            for used in uses.rules.keys() {
                users.entry(used).or_default().push(path);
            }
        }
        let mut ready: Vec<&Path> = waiting.iter().filter(|(_, count)| **count == 0).map(|(path, _)| *path).collect();
        let mut order = Vec::new();
        while let Some(path) = ready.pop() {
            order.push(path);
            waiting.remove(path);
            let depth = self.depth(path, &depths);
            if depth > MAX_LEVEL {
                return Err(refusal(
                    index,
                    path,
                    "evaluates too many rules and expressions inside each other; use fewer intermediate rules",
                ));
            }
            depths.insert(path, depth);
            for user in users.get(path).into_iter().flatten() {
                if let Some(count) = waiting.get_mut(user) {
                    *count = count.saturating_sub(1);
                    if *count == 0 {
                        ready.push(user);
                    }
                }
            }
        }
        match self.cycle(&waiting) {
            Some((path, text)) => Err(refusal(index, path, &format!("is recursive: {text}; break the cycle"))),
            None => Ok(order),
        }
    }

    /// The deepest level below the rule at `path`, given those of what it uses.
    fn depth(&self, path: &Path, depths: &BTreeMap<&Path, u32>) -> u32 {
        let Some(uses) = self.rules.get(path) else { return ENTER };
        let below = uses
            .rules
            .iter()
            .map(|(used, level)| level.saturating_add(depths.get(used).copied().unwrap_or(ENTER)))
            .max()
            .unwrap_or(0);
        if self.trees.contains(path) { below } else { below.max(uses.deepest).saturating_add(ENTER) }
    }

    /// A cycle among the rules that wait for each other: from any of them, what it waits for, until
    /// one comes again.
    fn cycle<'g>(&'g self, waiting: &BTreeMap<&'g Path, usize>) -> Option<(&'g Path, String)> {
        let mut path = *waiting.keys().next()?;
        let mut seen: Vec<&Path> = Vec::new();
        loop {
            if let Some(start) = seen.iter().position(|known| *known == path) {
                let names: Vec<String> =
                    seen.iter().skip(start).chain([&path]).map(|path| format!("data.{}", path.join("."))).collect();
                return Some((path, names.join(" → ")));
            }
            seen.push(path);
            let used = self.rules.get(path)?.rules.keys();
            path = used.filter_map(|used| waiting.get_key_value(used)).map(|(path, _)| *path).next()?;
        }
    }
}

fn refusal(index: &Index, path: &Path, problem: &str) -> PolicyError {
    let message = format!("rule data.{} {problem}", path.join("."));
    match index.below(path).next() {
        Some((_, rule)) => PolicyError::at(&rule.span, message),
        None => PolicyError::general(message),
    }
}
