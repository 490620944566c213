//! How deep and how large the values may become that a policy builds.
//!
//! regorus compares, prints and drops a value recursively, and what is shared in it once for each
//! time it is there: `v1 := [v0, v0]` and so on makes a value of forty statements and 2⁴⁰ parts.
//! Neither is looked at while it happens, so both are bounded here, before any request.

use regorus::unstable::Span;

use super::error::PolicyError;
use crate::json;

/// Arrays, sets and objects inside each other.
const MAX_DEPTH: u32 = 400;
/// Parts of a value, not counting what is inside values of `input` and `data`.
const MAX_SIZE: u64 = 1_000_000;
/// How often a body is taken to hold that iterates. It may be more often, but each time is counted
/// while it happens.
const TIMES: u64 = 10;

/// Upper bounds for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Weight {
    /// Collections inside each other, beside those of the function's arguments.
    depth: u32,
    /// Parts, without those of the arguments.
    size: u64,
    /// How often the function's arguments are in it.
    copies: u64,
    /// How deep inside it they are.
    above: u32,
}

impl Weight {
    /// A number or text.
    pub(super) const SCALAR: Self = Self { depth: 0, size: 1, copies: 0, above: 0 };

    /// A value that was read as JSON.
    pub(super) const JSON: Self = Self { depth: json::MAX_DEPTH as u32, ..Self::SCALAR };

    /// An argument of the function that is being defined.
    pub(super) const ARGUMENT: Self = Self { depth: 0, size: 0, copies: 1, above: 0 };

    /// A value that may be the one or the other.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            depth: self.depth.max(other.depth),
            size: self.size.max(other.size),
            copies: self.copies.max(other.copies),
            above: self.above.max(other.above),
        }
    }

    /// Both, side by side.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            size: self.size.saturating_add(other.size),
            copies: self.copies.saturating_add(other.copies),
            ..self.or(other)
        }
    }

    /// A collection of it.
    pub(super) fn inside(self) -> Self {
        self.below(1)
    }

    /// The value inside so many collections.
    pub(super) fn below(self, levels: u32) -> Self {
        Self {
            depth: self.depth.saturating_add(levels),
            size: self.size.saturating_add(u64::from(levels)),
            above: self.above.saturating_add(levels),
            ..self
        }
    }

    /// What a body collects that iterates.
    pub(super) fn often(self) -> Self {
        Self { size: self.size.saturating_mul(TIMES), copies: self.copies.saturating_mul(TIMES), ..self }
    }

    /// One of the parts that a body goes through, so that [`often`](Self::often) is the whole again.
    pub(super) fn part(self) -> Self {
        Self { size: self.size.div_ceil(TIMES), copies: self.copies.div_ceil(TIMES), ..self }
    }

    /// What a function of this weight gives for `arguments`.
    pub(super) fn call(self, arguments: Self) -> Self {
        if self.copies == 0 {
            return self;
        }
        Self {
            depth: self.depth.max(self.above.saturating_add(arguments.depth)),
            size: self.size.saturating_add(self.copies.saturating_mul(arguments.size)),
            copies: self.copies.saturating_mul(arguments.copies),
            above: self.above.saturating_add(arguments.above),
        }
    }

    /// Refuses what is too deep or too large.
    pub(super) fn check(self, span: &Span) -> Result<(), PolicyError> {
        if self.depth.max(self.above) > MAX_DEPTH {
            return Err(PolicyError::at(
                span,
                format!("the value may be nested deeper than {MAX_DEPTH}; put fewer values inside each other"),
            ));
        }
        if self.size.max(self.copies) > MAX_SIZE {
            return Err(PolicyError::at(
                span,
                format!("the value may have more than {MAX_SIZE} parts; repeat fewer values inside each other"),
            ));
        }
        Ok(())
    }
}
