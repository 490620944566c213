//! Results of rules, kept for the rest of the evaluation; inside a `with`, others.

use regorus::Value;

/// Results by function.
///
/// An entry counts if its generation is the current one. Every `with` begins a generation of its own and, when it
/// ends, puts back what it wrote over; so a `with` costs what is done inside it, not the number of functions.
#[derive(Default)]
pub struct Memo {
    entries: Vec<Entry>,
    current: u64,
    last: u64,
    /// What was written, in order, and what stood there before.
    written: Vec<(usize, Entry)>,
    outer: Vec<Outer>,
}

#[derive(Default)]
struct Entry {
    /// 0: none.
    generation: u64,
    value: Value0,
}

/// A value that is undefined by default.
struct Value0(Value);

impl Default for Value0 {
    fn default() -> Self {
        Self(Value::Undefined)
    }
}

/// What a `with` interrupts.
struct Outer {
    generation: u64,
    written: usize,
}

impl Memo {
    /// The kept result, which may be *undefined*.
    pub fn get(&self, function: usize) -> Option<&Value> {
        let entry = self.entries.get(function).filter(|entry| entry.generation == self.current)?;
        (self.current != 0).then_some(&entry.value.0)
    }

    /// Keeps a result.
    pub fn insert(&mut self, function: usize, value: Value) {
        if self.current == 0 {
            self.begin_generation();
        }
        if function >= self.entries.len() {
            self.entries.resize_with(function.saturating_add(1), Entry::default);
        }
        if let Some(entry) = self.entries.get_mut(function) {
            let new = Entry { generation: self.current, value: Value0(value) };
            self.written.push((function, std::mem::replace(entry, new)));
        }
    }

    /// A `with` begins.
    pub fn begin_with(&mut self) {
        self.outer.push(Outer { generation: self.current, written: self.written.len() });
        self.begin_generation();
    }

    /// The innermost `with` ends.
    pub fn end_with(&mut self) {
        if let Some(Outer { generation, written }) = self.outer.pop() {
            self.undo(written);
            self.current = generation;
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.undo(0);
        self.outer.clear();
        self.current = 0;
    }

    fn begin_generation(&mut self) {
        self.last = self.last.wrapping_add(1).max(1);
        self.current = self.last;
    }

    fn undo(&mut self, down_to: usize) {
        while self.written.len() > down_to {
            let Some((function, before)) = self.written.pop() else { return };
            if let Some(entry) = self.entries.get_mut(function) {
                *entry = before;
            }
        }
    }
}
