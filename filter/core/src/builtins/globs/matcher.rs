//! Program × text → does it match. Every star and every choice is entered once at each place of the text at most, so
//! that the work is bounded by the product of both, whatever the pattern.

use crate::builtins::{Context, Failure};
use regorus::Value;

/// One step of a program.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The text itself.
    Text(Box<str>),
    /// One character that is no delimiter.
    One,
    /// Any characters that are no delimiters.
    Star,
    /// Any characters.
    All,
    /// One character inside these ranges, or outside of them.
    Class { not: bool, ranges: Vec<(char, char)> },
    /// One of these steps next.
    Choice(Vec<usize>),
    /// That step next.
    Jump(usize),
}

/// A compiled pattern.
#[derive(Debug)]
pub(in crate::builtins) struct Glob {
    steps: Vec<Step>,
    delimiters: Vec<char>,
}

impl Glob {
    pub(super) const fn new(steps: Vec<Step>, delimiters: Vec<char>) -> Self {
        Self { steps, delimiters }
    }

    /// Whether it was compiled with these delimiters, as the argument of the builtin has them.
    pub(super) fn has_delimiters(&self, value: &Value) -> bool {
        match value {
            Value::Null => self.delimiters.is_empty(),
            Value::Array(items) if items.is_empty() => self.delimiters == ['.'],
            Value::Array(items) => {
                let same = |(item, delimiter): (&Value, &char)| match item {
                    Value::String(text) => text.chars().eq([*delimiter]),
                    _ => false,
                };
                items.len() == self.delimiters.len() && items.iter().zip(&self.delimiters).all(same)
            }
            _ => false,
        }
    }

    /// Bytes it takes, about.
    pub(super) fn bytes(&self) -> usize {
        let held = self.steps.iter().map(|step| match step {
            Step::Text(text) => text.len(),
            Step::Class { ranges, .. } => size_of_val(ranges.as_slice()),
            Step::Choice(alternatives) => size_of_val(alternatives.as_slice()),
            Step::One | Step::Star | Step::All | Step::Jump(_) => 0,
        });
        held.fold(size_of_val(self.steps.as_slice()), usize::saturating_add)
    }

    /// Whether all of the text matches.
    pub(super) fn matches(&self, context: &mut Context, text: &str) -> Result<bool, Failure> {
        Search { glob: self, text, seen: Seen::default(), open: Vec::new() }.run(context)
    }

    fn is_delimiter(&self, c: char) -> bool {
        self.delimiters.contains(&c)
    }
}

/// The search for one way through the program.
struct Search<'a> {
    glob: &'a Glob,
    text: &'a str,
    seen: Seen,
    /// Steps and places in the text that are still to be tried.
    open: Vec<(usize, usize)>,
}

impl Search<'_> {
    fn run(&mut self, context: &mut Context) -> Result<bool, Failure> {
        let mut next = Some((0, 0));
        while let Some((step, at)) = next {
            context.work(1)?;
            next = match self.glob.steps.get(step) {
                Some(found) => self.take(context, found, step, at)?,
                None if at == self.text.len() => return Ok(true),
                None => None,
            };
            next = next.or_else(|| self.open.pop());
        }
        Ok(false)
    }

    /// Takes one step: where it leads, if it leads anywhere.
    fn take(
        &mut self,
        context: &mut Context,
        found: &Step,
        step: usize,
        at: usize,
    ) -> Result<Option<(usize, usize)>, Failure> {
        let rest = self.text.get(at..).unwrap_or_default();
        let first = rest.chars().next();
        let behind =
            |accepted: Option<char>| accepted.map(|c| (step.saturating_add(1), at.saturating_add(c.len_utf8())));
        Ok(match found {
            Step::Text(text) => {
                context.work(text.len())?;
                rest.starts_with(&**text).then(|| (step.saturating_add(1), at.saturating_add(text.len())))
            }
            Step::One => behind(first.filter(|c| !self.glob.is_delimiter(*c))),
            Step::Class { not, ranges } => {
                context.work(ranges.len())?;
                behind(first.filter(|c| ranges.iter().any(|(low, high)| (low..=high).contains(&c)) != *not))
            }
            Step::Star => self.star(context, step, at, |glob, c| !glob.is_delimiter(c))?,
            Step::All => self.star(context, step, at, |_, _| true)?,
            Step::Jump(to) => Some((*to, at)),
            Step::Choice(alternatives) => {
                if !self.seen.first_time(context, step, at, self.text.len())? {
                    return Ok(None);
                }
                context.work(alternatives.len().saturating_mul(size_of::<(usize, usize)>()))?;
                self.open.extend(alternatives.iter().rev().map(|to| (*to, at)));
                None
            }
        })
    }

    /// A star covers nothing for now; that it covers one more character is left open. Before a text it goes on to
    /// where the text stands.
    fn star(
        &mut self,
        context: &mut Context,
        step: usize,
        mut at: usize,
        covers: fn(&Glob, char) -> bool,
    ) -> Result<Option<(usize, usize)>, Failure> {
        let next = step.saturating_add(1);
        let wanted = match self.glob.steps.get(next) {
            Some(Step::Text(text)) => text.as_bytes().first().copied(),
            Some(_) => None,
            // Nothing follows: the star covers all of the rest, or there is no match this way.
            None => {
                let rest = self.text.get(at..).unwrap_or_default();
                context.work(rest.len())?;
                return Ok(rest.chars().all(|c| covers(self.glob, c)).then_some((next, self.text.len())));
            }
        };
        loop {
            if !self.seen.first_time(context, step, at, self.text.len())? {
                return Ok(None);
            }
            let rest = self.text.get(at..).unwrap_or_default();
            let more = rest.chars().next().filter(|c| covers(self.glob, *c)).map(char::len_utf8);
            let more = more.map(|length| at.saturating_add(length));
            if wanted.is_none() || rest.as_bytes().first().copied() == wanted {
                self.open.extend(more.map(|more| (step, more)));
                return Ok(Some((next, at)));
            }
            match more {
                Some(more) => at = more,
                None => return Ok(None),
            }
        }
    }
}

/// Where the search has been.
#[derive(Default)]
struct Seen(Vec<u64>);

impl Seen {
    /// Whether the step is taken at this place for the first time; notes it.
    fn first_time(&mut self, context: &mut Context, step: usize, at: usize, length: usize) -> Result<bool, Failure> {
        let number = step.saturating_mul(length.saturating_add(1)).saturating_add(at);
        let word = number / 64;
        if word >= self.0.len() {
            let missing = word.saturating_add(1).saturating_sub(self.0.len());
            context.work(missing.saturating_mul(8))?;
            self.0.resize(word.saturating_add(1), 0);
        }
        let Some(bits) = self.0.get_mut(word) else { return Ok(false) };
        let bit = 1_u64.wrapping_shl(u32::try_from(number % 64).unwrap_or(0));
        let first = *bits & bit == 0;
        *bits |= bit;
        Ok(first)
    }
}

#[cfg(test)]
mod tests {
    use crate::builtins::{Failure, find, tests::context};
    use crate::engine::EvalError;
    use regorus::Value;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_search_that_takes_too_long_ends() {
        let text = Value::from("a".repeat(100_000));
        let glob = find("glob.match").unwrap().run;
        for (pattern, want) in [("*a?".repeat(500) + "b", None), ("**a*b".to_owned(), Some(false))] {
            let answer = glob(&mut context(0), &[Value::from(pattern), Value::Null, text.clone()]);
            assert_eq!(answer, want.map(Value::from).ok_or(Failure::Stop(EvalError::StepLimit)));
        }
    }
}
