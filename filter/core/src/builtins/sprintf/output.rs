//! Where the text grows: flags, padding, and the budget.

use crate::builtins::{Context, Failure};

/// Flags, width and precision of one directive.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `+` and `#` of `%v` mean something else: Go takes them from `plus` and `sharp` into these.
    pub(super) plus_v: bool,
    pub(super) sharp_v: bool,
}

/// The text so far, and the flags of the directive at work.
pub(super) struct Output<'c> {
    pub(super) context: &'c mut Context,
    pub(super) flags: Flags,
    pub(super) text: String,
}

impl Output<'_> {
    pub(super) fn push(&mut self, text: &str) -> Result<(), Failure> {
        self.context.work(text.len())?;
        self.text.push_str(text);
        Ok(())
    }

    /// So many of the characters that fill up a width.
    pub(super) fn fill(&mut self, count: usize) -> Result<(), Failure> {
        let filler = if self.flags.zero && !self.flags.minus { '0' } else { ' ' };
        self.context.work(count)?;
        self.text.extend(std::iter::repeat_n(filler, count));
        Ok(())
    }

    /// Appends `text`, filled up to the width.
    pub(super) fn pad(&mut self, text: &str) -> Result<(), Failure> {
        let width = self.flags.width.unwrap_or(0);
        if width == 0 {
            return self.push(text);
        }
        self.context.work(text.len())?;
        let missing = width.saturating_sub(text.chars().count());
        if self.flags.minus {
            self.push(text)?;
            self.fill(missing)
        } else {
            self.fill(missing)?;
            self.push(text)
        }
    }

    /// [`pad`](Self::pad), never with zeros.
    pub(super) fn pad_with_spaces(&mut self, text: &str) -> Result<(), Failure> {
        let zero = std::mem::replace(&mut self.flags.zero, false);
        self.pad(text)?;
        self.flags.zero = zero;
        Ok(())
    }
}
