//! Why a part is read as a whole.

use super::part::{DATA, INPUT, Part};
use crate::plan::program::Place;
use std::collections::BTreeMap;

/// Why nothing smaller than a part will do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It is held against another value.
    Compared,
    /// Its type or its length is asked for.
    Tested,
    /// It was looked up; that it is there matters.
    LookedUp,
    /// It goes into another value, or into the answer.
    Value,
    /// It is a key that is looked up elsewhere.
    Key,
    /// A key is looked up in it that is not a constant text.
    ComputedKey,
    /// It is gone through.
    Iterated,
    /// It is given to a builtin.
    Builtin,
    /// It is given to a function as one of the documents, or to one that is called by a computed name.
    Passed,
    /// A `with` puts it into a document.
    With,
    /// A rule gives it that is called by a computed name.
    ComputedName,
    /// The path below it is too long to be followed.
    LongPath,
    /// The policy is too large to be followed.
    TooLarge,
}

impl Why {
    /// A word for it, for machines.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Compared => "compared",
            Self::Tested => "tested",
            Self::LookedUp => "looked_up",
            Self::Value => "value",
            Self::Key => "key",
            Self::ComputedKey => "computed_key",
            Self::Iterated => "iterated",
            Self::Builtin => "builtin",
            Self::Passed => "passed",
            Self::With => "with",
            Self::ComputedName => "computed_name",
            Self::LongPath => "long_path",
            Self::TooLarge => "too_large",
        }
    }
}

/// A reason as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What is done with the part.
    pub why: Why,
    /// The builtin it is given to.
    pub builtin: Option<&'static str>,
    /// The rule or function in which that is done.
    pub rule: Option<String>,
    /// `file:row:column`, where it is known.
    pub place: Option<String>,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.why {
            Why::Compared => "compared",
            Why::Tested => "asked for its type or length",
            Why::LookedUp => "looked up",
            Why::Value => "put into a value",
            Why::Key => "looked up as a key",
            Why::ComputedKey => "looked into by a computed key",
            Why::Iterated => "gone through",
            Why::Builtin => "given to ",
            Why::Passed => "given to a function as a document",
            Why::With => "put into a document by `with`",
            Why::ComputedName => "given by a rule that is called by a computed name",
            Why::LongPath => "looked into too deep",
            Why::TooLarge => "the policy is too large to be followed",
        })?;
        f.write_str(self.builtin.unwrap_or_default())?;
        if let Some(place) = &self.place {
            write!(f, " at {place}")?;
        }
        match &self.rule {
            Some(rule) => write!(f, " in {rule}"),
            None => Ok(()),
        }
    }
}

/// A reason as the analysis keeps it.
#[derive(Debug, Clone, Copy)]
pub struct Spot {
    pub why: Why,
    pub builtin: Option<u16>,
    /// Index of the function; none for an entry point.
    pub function: Option<usize>,
    pub place: Place,
}

impl Spot {
    /// Nowhere in particular.
    pub fn nowhere(why: Why) -> Self {
        Self { why, builtin: None, function: None, place: Place::default() }
    }
}

/// A part that was looked up.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// Something inside it was looked up in turn.
    looked_into: bool,
    spot: Spot,
}

/// The parts that a piece of program touches.
#[derive(Debug, Default)]
pub struct Touched {
    /// Read as a whole.
    used: BTreeMap<Part, Spot>,
    seen: BTreeMap<Part, Seen>,
}

impl Touched {
    /// Both documents.
    pub fn everything() -> Self {
        let mut all = Self::default();
        let spot = Spot::nowhere(Why::TooLarge);
        [INPUT, DATA].into_iter().for_each(|root| all.uses(Part::whole(root), spot));
        all
    }

    /// How much it is.
    pub fn len(&self) -> usize {
        self.used.len().saturating_add(self.seen.len())
    }

    /// A part is read as a whole. The first reason stays.
    pub fn uses(&mut self, part: Part, spot: Spot) {
        self.used.entry(part).or_insert(spot);
    }

    /// A part was looked up in another.
    pub fn looks_up(&mut self, within: &Part, part: Part, spot: Spot) {
        self.looks_into(within.clone(), spot);
        self.seen.entry(part).or_insert(Seen { looked_into: false, spot });
    }

    fn looks_into(&mut self, part: Part, spot: Spot) {
        self.seen.entry(part).or_insert(Seen { looked_into: true, spot }).looked_into = true;
    }

    /// What another piece touches, as it is.
    pub fn add(&mut self, other: &Self) {
        for (part, spot) in &other.used {
            self.uses(part.clone(), *spot);
        }
        for (part, seen) in &other.seen {
            self.has_seen(part.clone(), *seen);
        }
    }

    fn has_seen(&mut self, part: Part, seen: Seen) {
        self.seen.entry(part).or_insert(seen).looked_into |= seen.looked_into;
    }

    /// What a function touches of its parameter `root`, where that is given `part`.
    pub fn add_given(&mut self, function: &Self, root: u16, part: &Part) {
        let long = |spot: &Spot| Spot { why: Why::LongPath, ..*spot };
        for (inside, spot) in function.used.iter().filter(|(inside, _)| inside.root == root) {
            match part.below(&inside.path) {
                Some(inside) => self.uses(inside, *spot),
                None => self.uses(part.clone(), long(spot)),
            }
        }
        for (inside, seen) in function.seen.iter().filter(|(inside, _)| inside.root == root) {
            match part.below(&inside.path) {
                Some(inside) => self.has_seen(inside, *seen),
                None => self.uses(part.clone(), long(&seen.spot)),
            }
        }
    }

    /// What is read as a whole, without what something else covers; sorted.
    pub fn parts(mut self) -> Vec<(Part, Spot)> {
        // That a part was looked up and no more: whether it exists was read.
        for (part, Seen { looked_into, spot }) in std::mem::take(&mut self.seen) {
            if !looked_into {
                self.uses(part, spot);
            }
        }
        let mut parts: Vec<(Part, Spot)> = Vec::new();
        // In order, a prefix comes before what it covers.
        for (part, spot) in self.used {
            if !parts.last().is_some_and(|(last, _)| last.covers(&part)) {
                parts.push((part, spot));
            }
        }
        parts
    }
}
