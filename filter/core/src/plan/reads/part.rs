//! Parts of documents, and of what a function is given.

use std::collections::BTreeSet;

/// The parameter that holds `input`.
pub const INPUT: u16 = 0;

/// The parameter that holds `data`.
pub const DATA: u16 = 1;

/// Longest path that is told apart; beyond it, the part is read as a whole.
const MAX_SEGMENTS: usize = 12;

/// One of the two documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// `input`
    Input,
    /// `data`
    Data,
}

impl Document {
    /// Its name in Rego.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Data => "data",
        }
    }
}

/// What stands at a path below a parameter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Part {
    /// The parameter; the first two are the documents.
    pub root: u16,
    /// The keys below it.
    pub path: Vec<String>,
}

impl Part {
    /// All of a parameter.
    pub const fn whole(root: u16) -> Self {
        Self { root, path: Vec::new() }
    }

    /// What stands at `path` below this; `None` where that is too long a path to be told apart.
    pub fn below(&self, path: &[String]) -> Option<Self> {
        let segments = self.path.len().saturating_add(path.len());
        (segments <= MAX_SEGMENTS).then(|| Self { root: self.root, path: [&self.path, path].concat() })
    }

    /// Whether `other` is this or a part of it.
    pub fn covers(&self, other: &Self) -> bool {
        self.root == other.root && other.path.starts_with(&self.path)
    }
}

/// The parts a value may be.
pub type Parts = BTreeSet<Part>;
