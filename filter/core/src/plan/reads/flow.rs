//! Which parts of the documents, and of its arguments, one function touches.
//!
//! Follows the value of every slot: a lookup by a constant string in a part is a part of it, a copy is the same part,
//! the result of a function may be one. A part that is used in any other way is read as a whole. Loops are followed
//! until nothing new is found.

use super::part::{DATA, INPUT, Part, Parts};
use super::state::State;
use super::why::{Spot, Touched, Why};
use crate::plan::CalledBuiltin;
use crate::plan::optimise::Slots;
use crate::plan::program::{Action, Block, Constants, EntryPoint, Function, Kind, Operand, Place, Slot, Statement};
use regorus::Value;

/// Most work of the analysis, in statements looked at and parts copied. Beyond it, everything is read. OPA's plans
/// need about as much as they have statements; scans inside scans of a forged one would never end.
const MAX_WORK: usize = 2_000_000;

/// Parameters of an entry point.
const DOCUMENTS: u16 = 2;

/// What a function touches by itself, its callees aside, and what its result may be.
#[derive(Debug, Default)]
pub struct Summary {
    pub touched: Touched,
    pub result: Parts,
}

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
            let state = State::new(function.slots, function.parameters);
            let state = self.routine(&function.blocks, state, live);
            summary.result = state.parts(Operand::Slot(function.result));
            summary.touched = std::mem::take(&mut self.touched);
        }
        self.summaries.push(summary);
    }

    /// Adds what an entry point touches by itself.
    pub fn entry(&mut self, entry: &EntryPoint, touched: &mut Touched) {
        self.function = None;
        self.routine(&entry.blocks, State::new(entry.slots, DOCUMENTS), None);
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
                state.keep(live);
            }
            self.block(block, &mut state);
        }
        state
    }

    /// A block that may end anywhere: what was true at any time in it may be true behind it.
    fn block(&mut self, block: &Block, state: &mut State) {
        let mut now = state.clone();
        self.work = self.work.saturating_add(state.size());
        for Statement { place, action } in &block.0 {
            self.work = self.work.saturating_add(1);
            if !self.is_complete() {
                return;
            }
            self.place = *place;
            if let Some(slot) = action.overwrites().or(found_empty(action)) {
                state.may_hold(slot, &now);
            }
            self.action(action, &mut now);
        }
        state.merge(now);
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
                let parts = keys.iter().fold(state.parts(*source), |parts, key| self.inside(parts, *key));
                state.set(*target, parts);
            }
            Action::Assign { source: Operand::Constant(Constants::UNDEFINED), target } => state.clear(*target),
            Action::Assign { source, target } => state.set(*target, state.parts(*source)),
            Action::AssignOnce { source, target } => {
                if state.is_filled(*target) {
                    self.uses(&[*source, Operand::Slot(*target)], Why::Compared, state);
                }
                state.add(*target, state.parts(*source));
            }
            Action::Call { function, args, result } => {
                let parts = self.call(*function, args, state);
                state.set(*result, parts);
            }
            Action::CallDynamic { path, args, result } => {
                self.uses(path, Why::Key, state);
                self.documents(&args.map(Operand::Slot), state);
                state.add(*result, Parts::new());
            }
            Action::Builtin { builtin, args, result } => {
                let parts = self.builtin(*builtin, args, state);
                result.iter().for_each(|result| state.set(*result, parts.clone()));
            }
            // What is looked up and not there is no value; that it is there counts as read already.
            Action::Is { kind: Kind::Defined | Kind::Undefined, .. } => {
                found_empty(action).into_iter().for_each(|slot| state.clear(slot));
            }
            other => {
                let mut read = Vec::new();
                other.reads(|operand| read.push(operand));
                self.uses(&read, why(other), state);
                match other.overwrites() {
                    Some(target) => state.set(target, Parts::new()),
                    None => other.writes().into_iter().flatten().for_each(|slot| state.add(slot, Parts::new())),
                }
            }
        }
    }

    /// What a round leaves behind, the next one finds.
    fn scan(&mut self, source: Slot, members: [Option<Slot>; 2], body: &Block, state: &mut State) {
        self.uses(&[Operand::Slot(source)], Why::Iterated, state);
        loop {
            let mut round = state.clone();
            members.into_iter().flatten().for_each(|slot| round.set(slot, Parts::new()));
            self.block(body, &mut round);
            if !state.merge(round) {
                return;
            }
        }
    }

    /// Inside a `with` the slot holds another value; behind it, what it held before.
    fn with(&mut self, target: Slot, replaces: bool, value: Operand, body: &Block, state: &mut State) {
        let before = state.parts(Operand::Slot(target));
        let mut inside = state.clone();
        if replaces {
            inside.set(target, state.parts(value));
        } else {
            self.uses(&[value], Why::With, state);
        }
        self.block(body, &mut inside);
        inside.set(target, before);
        state.merge(inside);
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
            let parts = state.parts(*arg);
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
            if state.parts(*arg) != Parts::from([Part::whole(root)]) {
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
            let parts = state.parts(*source);
            let mut parts = keys.iter().fold(parts, |parts, key| self.inside_at(parts, key));
            default.iter().for_each(|default| parts.extend(state.parts(*default)));
            return parts;
        }
        let why = called.map_or(Why::Builtin, |called| called.why);
        let spot = Spot { builtin: (why == Why::Builtin).then_some(builtin), ..self.spot(why) };
        for arg in args {
            state.parts(*arg).into_iter().for_each(|part| self.touched.uses(part, spot));
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
            state.parts(*operand).into_iter().for_each(|part| self.touched.uses(part, spot));
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

/// The slot that goes on being empty behind this statement, if it goes on at all.
const fn found_empty(action: &Action) -> Option<Slot> {
    match action {
        Action::Is { source: Operand::Slot(slot), kind: Kind::Undefined } => Some(*slot),
        _ => None,
    }
}
