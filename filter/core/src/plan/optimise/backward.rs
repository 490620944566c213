//! Walks a function from its end to its beginning and knows at every point which slots may still be read (are *live*).
//!
//! What is live behind a block is known before the block is walked, so every break and every undefined statement knows
//! what is live where it goes. A slot that is not live may hold anything: that is what makes the edits
//! ([`super::edits`]) neutral.

use super::edits::{Edits, Following};
use super::exposed::Exposed;
use super::slots::Slots;
use crate::plan::program::{Action, Block, Operand, Slot, Statement};

/// A walk, with or without edits.
pub struct Walk<'a> {
    slots: u16,
    /// The scans that have not been walked yet, the next one last.
    scans: &'a [Exposed],
    /// What is live where a break out of each block goes, innermost last.
    around: Vec<Slots>,
    /// `None`: nothing is changed, bodies of scans are not walked.
    edits: Option<Edits>,
}

impl<'a> Walk<'a> {
    /// A walk over the body of a scan, without edits.
    pub const fn over_body(slots: u16, scans: &'a [Exposed]) -> Self {
        Self { slots, scans, around: Vec::new(), edits: None }
    }

    /// A walk over a function or an entry point.
    pub const fn over_function(slots: u16, scans: &'a [Exposed], edits: Option<Edits>) -> Self {
        Self { slots, scans, around: Vec::new(), edits }
    }

    /// Blocks that stand one after the other; `live` is what is live behind them. What is live before each.
    pub fn blocks(&mut self, blocks: &mut [Block], mut live: Slots) -> Vec<Slots> {
        let mut before = Vec::new();
        for block in blocks.iter_mut().rev() {
            live = self.body(block, live.clone(), live);
            before.push(live.clone());
        }
        before.reverse();
        before
    }

    /// A block: what is live at its end, and where it goes if a statement is undefined. What is live before it.
    pub fn body(&mut self, block: &mut Block, end: Slots, undefined: Slots) -> Slots {
        self.around.push(undefined);
        let mut live = end;
        let mut following: Vec<Following> = Vec::new();
        while let Some(statement) = block.0.pop() {
            live = self.statement(statement, live, &mut following);
        }
        block.0.extend(following.into_iter().rev().map(|following| following.statement));
        self.around.pop();
        live
    }

    fn statement(&mut self, mut statement: Statement, after: Slots, following: &mut Vec<Following>) -> Slots {
        if let Some(before) = self.jump(&statement.action) {
            // Nothing behind it in this block is reached.
            if self.edits.is_some_and(|edits| edits.dead) {
                following.clear();
            }
            following.push(Following { statement, after });
            return before;
        }
        let mut after = after;
        if let Some(edits) = self.edits {
            if edits.leaves_out(&statement.action, &after) {
                return after;
            }
            let undefined = self.behind(0);
            if let Some(test) = edits.test_to_go_first(&statement.action, following, &undefined) {
                let before = self.statement(statement, test.after, following);
                return self.statement(test.statement, before, following);
            }
            if edits.absorbed(&statement.action, following, &undefined) {
                return self.before_following(following);
            }
            if let Some(behind) = edits.joined(&mut statement.action, following, &undefined) {
                after = behind;
            }
        }
        let before = self.before(&mut statement.action, &after);
        following.push(Following { statement, after });
        before
    }

    /// What is live before a statement that always goes elsewhere.
    fn jump(&self, action: &Action) -> Option<Slots> {
        match action {
            Action::Break(levels) => Some(self.behind(*levels)),
            Action::Exit(_) => Some(Slots::none(self.slots)),
            _ => None,
        }
    }

    fn behind(&self, levels: u32) -> Slots {
        let levels = usize::try_from(levels).unwrap_or(usize::MAX);
        self.around.iter().rev().nth(levels).cloned().unwrap_or_default()
    }

    /// What is live before the statement that comes next; it has no blocks.
    fn before_following(&self, following: &[Following]) -> Slots {
        match following.last() {
            Some(Following { statement, after }) => self.before_simple(&statement.action, after),
            None => Slots::none(self.slots),
        }
    }

    /// What is live before a statement.
    fn before(&mut self, action: &mut Action, after: &Slots) -> Slots {
        let undefined = self.behind(0);
        match action {
            Action::Block(blocks) => {
                let before = self.blocks(blocks, after.clone());
                before.into_iter().next().unwrap_or_else(|| after.clone())
            }
            Action::Not(body) => self.body(body, undefined, after.clone()),
            Action::With { target, value, body, .. } => {
                let (mut end, mut fail) = (after.clone(), undefined);
                // The slot gets back what it held.
                end.remove(*target);
                fail.remove(*target);
                let mut live = self.body(body, end, fail);
                live.insert(*target);
                read(&mut live, *value);
                live
            }
            Action::Scan { source, key, value, body } => {
                let source = *source;
                let mut live = self.scan(key, value, body, after);
                live.insert(source);
                live
            }
            simple => self.before_simple(simple, after),
        }
    }

    fn scan(&mut self, key: &mut Option<Slot>, value: &mut Option<Slot>, body: &mut Block, after: &Slots) -> Slots {
        let mut live = after.clone();
        let Some((scan, rest)) = self.scans.split_last() else { return live };
        live.add(&scan.reads);
        if let Some(edits) = self.edits {
            self.scans = &scan.inside;
            let inside = self.body(body, live.clone(), live.clone());
            for written in [&mut *key, value] {
                edits.member(written, &inside, after);
            }
        }
        self.scans = rest;
        if let Some(key) = key {
            // It is set or cleared whatever happens.
            live.remove(*key);
        }
        live
    }

    /// What is live before a statement without blocks.
    fn before_simple(&self, action: &Action, after: &Slots) -> Slots {
        let mut live = after.clone();
        if action.may_be_undefined() {
            live.add(&self.behind(0));
        }
        if let Action::CallDynamic { .. } = action {
            live.add(&self.behind(3));
        }
        if let Some(target) = action.overwrites() {
            live.remove(target);
        }
        action.reads(|operand| read(&mut live, operand));
        live
    }
}

fn read(live: &mut Slots, operand: Operand) {
    if let Operand::Slot(slot) = operand {
        live.insert(slot);
    }
}
