//! The format: plain text and directives, `%[index]flags width.precision verb`.

use super::argument::Argument;
use super::output::{Flags, Output};
use crate::builtins::{Context, Failure};

/// Widths and precisions beyond are refused by Go.
const MAX_NUMBER: i64 = 1_000_000;

/// Prints the arguments into the format.
pub(super) struct Printer<'a, 'c> {
    arguments: &'a [Argument<'a>],
    output: Output<'c>,
    /// What is left of the format.
    rest: &'a str,
    /// The argument that comes next.
    next: usize,
    /// An index was used somewhere: arguments left over are no mistake.
    reordered: bool,
    /// Every index of this directive was one of an argument.
    good_index: bool,
    /// The item before was an index, which must stand directly before what it is for.
    after_index: bool,
}

impl<'a, 'c> Printer<'a, 'c> {
    pub(super) fn new(context: &'c mut Context, arguments: &'a [Argument<'a>]) -> Self {
        Self {
            arguments,
            output: Output { context, flags: Flags::default(), text: String::new() },
            rest: "",
            next: 0,
            reordered: false,
            good_index: true,
            after_index: false,
        }
    }

    pub(super) fn print(mut self, format: &'a str) -> Result<String, Failure> {
        self.rest = format;
        while let Some((plain, directive)) = self.rest.split_once('%') {
            self.output.push(plain)?;
            self.rest = directive;
            self.directive()?;
        }
        self.output.push(self.rest)?;
        self.extra()?;
        Ok(self.output.text)
    }

    /// One directive, from behind its `%`.
    fn directive(&mut self) -> Result<(), Failure> {
        self.good_index = true;
        self.flags();
        self.after_index = self.index();
        self.width()?;
        self.precision()?;
        if !self.after_index {
            self.after_index = self.index();
        }
        let mut chars = self.rest.chars();
        let Some(verb) = chars.next() else { return self.output.push("%!(NOVERB)") };
        self.rest = chars.as_str();
        self.verb(verb)
    }

    fn flags(&mut self) {
        let flags = &mut self.output.flags;
        *flags = Flags::default();
        let mut chars = self.rest.chars();
        loop {
            self.rest = chars.as_str();
            match chars.next() {
                Some('#') => flags.sharp = true,
                Some('0') => flags.zero = true,
                Some('+') => flags.plus = true,
                Some('-') => flags.minus = true,
                Some(' ') => flags.space = true,
                _ => return,
            }
        }
    }

    /// `[n]`: the argument that is next, counted from 1. Whether a number stood there.
    fn index(&mut self) -> bool {
        if !self.rest.starts_with('[') {
            return false;
        }
        self.reordered = true;
        let Some((inside, behind)) = self.rest.split_once(']').filter(|_| self.rest.len() >= 3) else {
            self.good_index = false;
            self.rest = self.rest.strip_prefix('[').unwrap_or_default();
            return false;
        };
        let digits = inside.strip_prefix('[').unwrap_or_default();
        self.rest = behind;
        let (number, left) = number(digits);
        let index = number.filter(|_| left.is_empty());
        let argument = index.and_then(|index| index.checked_sub(1)).filter(|at| *at < self.arguments.len());
        match argument {
            Some(at) => self.next = at,
            None => self.good_index = false,
        }
        index.is_some()
    }

    fn width(&mut self) -> Result<(), Failure> {
        let Some(rest) = self.rest.strip_prefix('*') else {
            let (width, rest) = number(self.rest);
            self.rest = rest;
            self.output.flags.width = width;
            self.good_index &= !(self.after_index && width.is_some());
            return Ok(());
        };
        self.rest = rest;
        self.after_index = false;
        let Some(width) = self.star()? else { return self.output.push("%!(BADWIDTH)") };
        if width < 0 {
            self.output.flags.minus = true;
            self.output.flags.zero = false;
        }
        self.output.flags.width = usize::try_from(width.unsigned_abs()).ok();
        Ok(())
    }

    fn precision(&mut self) -> Result<(), Failure> {
        // A point at the very end is taken for the verb.
        let Some(rest) = self.rest.strip_prefix('.').filter(|rest| !rest.is_empty()) else { return Ok(()) };
        self.rest = rest;
        self.good_index &= !self.after_index;
        self.after_index = self.index();
        let Some(rest) = self.rest.strip_prefix('*') else {
            let (precision, rest) = number(self.rest);
            self.rest = rest;
            self.output.flags.precision = Some(precision.unwrap_or(0));
            return Ok(());
        };
        self.rest = rest;
        self.after_index = false;
        self.output.flags.precision = self.star()?.and_then(|precision| usize::try_from(precision).ok());
        if self.output.flags.precision.is_none() {
            return self.output.push("%!(BADPREC)");
        }
        Ok(())
    }

    /// The argument that `*` stands for, if it is a number of reasonable size.
    fn star(&mut self) -> Result<Option<i64>, Failure> {
        let argument = self.arguments.get(self.next).copied();
        self.next = self.next.saturating_add(usize::from(argument.is_some()));
        match argument {
            Some(Argument::Whole(_)) => Err(Failure::Inexact("a width of which the digits are not known")),
            Some(Argument::Integer(n)) if (-MAX_NUMBER..=MAX_NUMBER).contains(&n) => Ok(Some(n)),
            _ => Ok(None),
        }
    }

    fn verb(&mut self, verb: char) -> Result<(), Failure> {
        if verb == '%' {
            return self.output.push("%");
        }
        let argument = self.arguments.get(self.next).copied();
        let Some(argument) = argument.filter(|_| self.good_index) else {
            let what = if self.good_index { "MISSING" } else { "BADINDEX" };
            return self.output.push(&format!("%!{verb}({what})"));
        };
        if matches!(verb, 'v' | 'w') {
            let flags = &mut self.output.flags;
            flags.sharp_v = std::mem::replace(&mut flags.sharp, false);
            flags.plus_v = std::mem::replace(&mut flags.plus, false);
        }
        self.next = self.next.saturating_add(1);
        self.output.argument(argument, verb)
    }

    /// Arguments that no directive asked for.
    fn extra(&mut self) -> Result<(), Failure> {
        let left = self.arguments.get(self.next..).unwrap_or_default();
        if self.reordered || left.is_empty() {
            return Ok(());
        }
        self.output.flags = Flags::default();
        self.output.push("%!(EXTRA ")?;
        for (at, argument) in left.iter().enumerate() {
            self.output.push(if at == 0 { "" } else { ", " })?;
            self.output.typed(*argument)?;
        }
        self.output.push(")")
    }
}

/// The digits at the beginning, and what follows them. A crazy number takes everything.
fn number(text: &str) -> (Option<usize>, &str) {
    let mut number = None;
    let mut rest = text;
    while let Some(digit) = rest.chars().next().and_then(|c| c.to_digit(10)) {
        let so_far = number.unwrap_or(0_usize);
        if so_far > 1_000_000 {
            return (None, "");
        }
        number = Some(so_far.saturating_mul(10).saturating_add(usize::try_from(digit).unwrap_or(0)));
        rest = rest.get(1..).unwrap_or_default();
    }
    (number, rest)
}

impl Output<'_> {
    fn argument(&mut self, argument: Argument, verb: char) -> Result<(), Failure> {
        match (argument, verb) {
            (_, 'T') => {
                let name = argument.type_name().ok_or(Failure::Inexact("the type of a whole number"))?;
                self.text(name, 's')
            }
            (Argument::Big(_), 'p' | 'w') => Err(Failure::Inexact("how Go holds a large number")),
            (Argument::Big(value), _) => self.big(value, verb),
            (Argument::Text(text), 's' | 'v' | 'x' | 'X' | 'q') => self.text(text, verb),
            (Argument::Printed(value), 's' | 'v' | 'x' | 'X' | 'q') => {
                let mut text = String::new();
                crate::builtins::rego_text::push(self.context, &mut text, value)?;
                self.text(&text, verb)
            }
            (Argument::Integer(integer), 'v' | 'd' | 'b' | 'o' | 'O' | 'x' | 'X' | 'c' | 'q' | 'U') => {
                self.integer(integer, verb)
            }
            (Argument::Float(float), 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') => {
                self.float(float, verb)
            }
            (Argument::Whole(float), _) => self.whole(float, verb),
            _ => self.bad_verb(argument, verb),
        }
    }

    /// A number that Go may have as `int64` or as `float64`: only where both are printed alike.
    fn whole(&mut self, float: f64, verb: char) -> Result<(), Failure> {
        let plain = verb == 'v' && self.flags.precision.is_none();
        let alike = float.abs() < 1e6 && !(float == 0.0 && float.is_sign_negative());
        if !plain || !alike {
            return Err(Failure::Inexact("the digits of a whole number"));
        }
        self.float(float, verb)
    }

    fn bad_verb(&mut self, argument: Argument, verb: char) -> Result<(), Failure> {
        self.push(&format!("%!{verb}("))?;
        self.typed(argument)?;
        self.push(")")
    }

    /// `type=value`
    fn typed(&mut self, argument: Argument) -> Result<(), Failure> {
        let name = argument.type_name().ok_or(Failure::Inexact("the type of a whole number"))?;
        self.push(name)?;
        self.push("=")?;
        self.argument(argument, 'v')
    }
}
