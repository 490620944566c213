//! Which parts of the documents, and of its arguments, one function touches.
//!
//! Follows the value of every slot: a lookup by a constant string in a part is a part of it, a copy is the same part,
//! the result of a function may be one. A part that is used in any other way is read as a whole. Loops are followed
//! until nothing new is found.

use super::part::{DATA, INPUT, Part, Parts};
use super::why::{Spot, Touched, Why};
use crate::plan::CalledBuiltin;
use crate::plan::optimise::Slots;
use crate::plan::program::{Action, Block, Constants, EntryPoint, Function, Kind, Operand, Place, Slot, Statement};
use regorus::Value;
use std::collections::BTreeMap;

/// Most work of the analysis, in statements looked at and parts copied. Beyond it, everything is read. OPA's plans
/// need about as much as they have statements; scans inside scans of a forged one would never end.
const MAX_WORK: usize = 2_000_000;

/// What a function touches by itself, its callees aside, and what its result may be.
#[derive(Debug, Default)]
pub struct Summary {
    pub touched: Touched,
    pub result: Parts,
}

/// Which parts each slot may hold. A slot that holds none is not kept track of.
type State = BTreeMap<Slot, Parts>;

/// The analysis of one function after the other, callees first.
pub struct Flow<'a> {
    constants: &'a Constants,
    builtins: &'a [Option<CalledBuiltin>],
    summaries: Vec<Summary>,
    /// Of the function that is looked at.
    touched: Touched,
    /// The statement that is looked at.
    function: Option<usize>,
    place: Place,
    /// What was done of [`MAX_WORK`].
    work: usize,
}

impl<'a> Flow<'a> {
    pub fn new(constants: &'a Constants, builtins: &'a [Option<CalledBuiltin>]) -> Self {
        Self {
            constants,
            builtins,
            summaries: Vec::new(),
            touched: Touched::default(),
            function: None,
            place: Place::default(),
            work: 0,
        }
    }

    /// The next function of the program. `live`: what each of its blocks may read of what stood in the frame before.
    pub fn function(&mut self, function: &Function, reached: bool, live: Option<&[Slots]>) {
        let mut summary = Summary::default();
        if reached {
            self.function = Some(self.summaries.len());
            let parameters = (0..function.parameters).map(|root| (root, Parts::from([Part::whole(root)])));
            let mut state = self.routine(&function.blocks, parameters.collect(), live);
            summary.result = state.remove(&function.result).unwrap_or_default();
            summary.touched = std::mem::take(&mut self.touched);
        }
        self.summaries.push(summary);
    }

    /// Adds what an entry point touches by itself.
    pub fn entry(&mut self, entry: &EntryPoint, touched: &mut Touched) {
        self.function = None;
        let documents = [INPUT, DATA].map(|root| (root, Parts::from([Part::whole(root)])));
        self.routine(&entry.blocks, State::from(documents), None);
        touched.add(&std::mem::take(&mut self.touched));
    }

    /// What is known of the functions.
    pub fn summaries(&self) -> &[Summary] {
        &self.summaries
    }

    /// How much that is.
    pub fn size(&self) -> usize {
        self.summaries.iter().map(|summary| summary.touched.len()).fold(0, usize::saturating_add)
    }

    /// Nothing was left out for the work it would have been.
    pub const fn is_complete(&self) -> bool {
        self.work <= MAX_WORK
    }

    fn routine(&mut self, blocks: &[Block], mut state: State, live: Option<&[Slots]>) -> State {
        for (index, block) in blocks.iter().enumerate() {
            if let Some(live) = live.and_then(|live| live.get(index)) {
                state.retain(|slot, _| live.contains(*slot));
            }
            self.block(block, &mut state);
        }
        state
    }

    /// A block that may end anywhere: what was true at any time in it may be true behind it.
    fn block(&mut self, block: &Block, state: &mut State) {
        let mut now = state.clone();
        self.work = self.work.saturating_add(state.values().map(Parts::len).fold(0, usize::saturating_add));
        for Statement { place, action } in &block.0 {
            self.work = self.work.saturating_add(1);
            if !self.is_complete() {
                return;
            }
            self.place = *place;
            if let Some(slot) = action.overwrites() {
                add(state, slot, parts_of(Operand::Slot(slot), &now));
            }
            self.action(action, &mut now);
        }
        merge(state, now);
    }

    fn action(&mut self, action: &Action, state: &mut State) {
        match action {
            Action::Block(blocks) => blocks.iter().for_each(|block| self.block(block, state)),
            Action::Not(body) => self.block(body, state),
            Action::Break(_) => {}
            Action::Scan { source, key, value, body } => self.scan(*source, [*key, *value], body, state),
            Action::With { target, path, value, body } => self.with(*target, path.is_empty(), *value, body, state),
            Action::Get { source, keys, target } => {
                self.uses(keys, Why::Key, state);
                let parts = keys.iter().fold(parts_of(*source, state), |parts, key| self.inside(parts, *key));
                set(state, *target, parts);
            }
            Action::Assign { source, target } => set(state, *target, parts_of(*source, state)),
            Action::AssignOnce { source, target } => add(state, *target, parts_of(*source, state)),
            Action::Call { function, args, result } => {
                let parts = self.call(*function, args, state);
                set(state, *result, parts);
            }
            Action::CallDynamic { path, args, .. } => {
                self.uses(path, Why::Key, state);
                self.documents(&args.map(Operand::Slot), state);
            }
            Action::Builtin { builtin, args, result } => {
                let parts = self.builtin(*builtin, args, state);
                if let Some(result) = result {
                    set(state, *result, parts);
                }
            }
            // What is looked up and not there is no value; that it is there counts as read already.
            Action::Is { kind: Kind::Defined | Kind::Undefined, .. } => {}
            other => {
                let mut read = Vec::new();
                other.reads(|operand| read.push(operand));
                self.uses(&read, why(other), state);
                if let Some(target) = other.overwrites() {
                    set(state, target, Parts::new());
                }
            }
        }
    }

    /// What a round leaves behind, the next one finds.
    fn scan(&mut self, source: Slot, members: [Option<Slot>; 2], body: &Block, state: &mut State) {
        self.uses(&[Operand::Slot(source)], Why::Iterated, state);
        loop {
            let mut round = state.clone();
            members.into_iter().flatten().for_each(|slot| set(&mut round, slot, Parts::new()));
            self.block(body, &mut round);
            if !merge(state, round) {
                return;
            }
        }
    }

    /// Inside a `with` the slot holds another value; behind it, what it held before.
    fn with(&mut self, target: Slot, replaces: bool, value: Operand, body: &Block, state: &mut State) {
        let before = parts_of(Operand::Slot(target), state);
        let mut inside = state.clone();
        if replaces {
            set(&mut inside, target, parts_of(value, state));
        } else {
            self.uses(&[value], Why::With, state);
        }
        self.block(body, &mut inside);
        set(&mut inside, target, before);
        merge(state, inside);
    }

    /// A callee knows the documents by their places; what else it is given is looked into as far as it looks.
    fn call(&mut self, function: u32, args: &[Operand], state: &State) -> Parts {
        self.documents(args, state);
        let index = usize::try_from(function).unwrap_or(usize::MAX);
        let Some(callee) = self.summaries.get(index) else {
            // Callees stand before callers; of any other nothing is known.
            self.work = usize::MAX;
            return Parts::new();
        };
        let mut result = Parts::new();
        for (root, arg) in (0..).zip(args) {
            let parts = parts_of(*arg, state);
            let given = callee.result.iter().filter(|part| part.root == root);
            if root <= DATA {
                result.extend(given.cloned());
                continue;
            }
            let work = callee.touched.len().saturating_add(callee.result.len()).saturating_mul(parts.len());
            self.work = self.work.saturating_add(work);
            for part in &parts {
                self.touched.add_given(&callee.touched, root, part);
                for inside in given.clone() {
                    match part.below(&inside.path) {
                        Some(inside) => {
                            result.insert(inside);
                        }
                        None => self.touched.uses(part.clone(), self.spot(Why::LongPath)),
                    }
                }
            }
        }
        result
    }

    /// The first two arguments are the documents, or are read as a whole.
    fn documents(&mut self, args: &[Operand], state: &State) {
        for (root, arg) in (INPUT..=DATA).zip(args) {
            if parts_of(*arg, state) != Parts::from([Part::whole(root)]) {
                self.uses(&[*arg], Why::Passed, state);
            }
        }
    }

    /// The parts that a builtin's result may be; one that does not look keys up reads its arguments.
    fn builtin(&mut self, builtin: u16, args: &[Operand], state: &State) -> Parts {
        let called = self.builtins.get(usize::from(builtin)).and_then(Option::as_ref);
        if called.is_some_and(|called| called.looks_up)
            && let [source, keys, default @ ..] = args
            && let Some(keys) = self.keys(*keys)
        {
            let parts = parts_of(*source, state);
            let mut parts = keys.iter().fold(parts, |parts, key| self.inside_at(parts, key));
            default.iter().for_each(|default| parts.extend(parts_of(*default, state)));
            return parts;
        }
        for arg in args {
            let spot = Spot { builtin: Some(builtin), ..self.spot(Why::Builtin) };
            parts_of(*arg, state).into_iter().for_each(|part| self.touched.uses(part, spot));
        }
        Parts::new()
    }

    /// Constant keys: a text, or an array of texts.
    fn keys(&self, operand: Operand) -> Option<Vec<String>> {
        let text = |value: &Value| value.as_string().ok().map(ToString::to_string);
        match self.constant(operand)? {
            Value::Array(items) => items.iter().map(text).collect(),
            other => Some(vec![text(other)?]),
        }
    }

    fn constant(&self, operand: Operand) -> Option<&Value> {
        match operand {
            Operand::Constant(id) => self.constants.get(id),
            Operand::Slot(_) => None,
        }
    }

    /// What is inside parts at a key. By a key that is not a constant string, they are read as a whole.
    fn inside(&mut self, parts: Parts, key: Operand) -> Parts {
        match self.constant(key) {
            Some(Value::String(key)) => {
                let key = key.to_string();
                self.inside_at(parts, &key)
            }
            _ => {
                let spot = self.spot(Why::ComputedKey);
                parts.into_iter().for_each(|part| self.touched.uses(part, spot));
                Parts::new()
            }
        }
    }

    fn inside_at(&mut self, parts: Parts, key: &str) -> Parts {
        let mut inside = Parts::new();
        for part in parts {
            match part.below(&[key.to_owned()]) {
                Some(member) => {
                    self.touched.looks_up(&part, member.clone(), self.spot(Why::LookedUp));
                    inside.insert(member);
                }
                None => self.touched.uses(part, self.spot(Why::LongPath)),
            }
        }
        inside
    }

    fn uses(&mut self, operands: &[Operand], why: Why, state: &State) {
        let spot = self.spot(why);
        for operand in operands {
            parts_of(*operand, state).into_iter().for_each(|part| self.touched.uses(part, spot));
        }
    }

    fn spot(&self, why: Why) -> Spot {
        Spot { function: self.function, place: self.place, ..Spot::nowhere(why) }
    }
}

/// What a statement that just reads its operands does with them.
const fn why(action: &Action) -> Why {
    match action {
        Action::Equal { .. } | Action::NotEqual { .. } | Action::Match { .. } => Why::Compared,
        Action::Is { .. } | Action::Length { .. } => Why::Tested,
        _ => Why::Value,
    }
}

fn parts_of(operand: Operand, state: &State) -> Parts {
    match operand {
        Operand::Slot(slot) => state.get(&slot).cloned().unwrap_or_default(),
        Operand::Constant(_) => Parts::new(),
    }
}

fn set(state: &mut State, slot: Slot, parts: Parts) {
    if parts.is_empty() {
        state.remove(&slot);
    } else {
        state.insert(slot, parts);
    }
}

fn add(state: &mut State, slot: Slot, parts: Parts) {
    if !parts.is_empty() {
        state.entry(slot).or_default().extend(parts);
    }
}

/// Adds what another state holds; whether that was anything new.
fn merge(state: &mut State, other: State) -> bool {
    let mut grew = false;
    for (slot, parts) in other {
        let known = state.entry(slot).or_default();
        let before = known.len();
        known.extend(parts);
        grew |= known.len() > before;
    }
    grew
}
