//! Integers of 64 bits and beyond: `%d`, `%x`, `%c`, `%U`, ….

use super::output::Output;
use crate::builtins::{Failure, rego_text, unicode};
use regorus::Value;

impl Output<'_> {
    pub(super) fn integer(&mut self, integer: i64, verb: char) -> Result<(), Failure> {
        match verb {
            'c' => {
                let mut buffer = [0; 4];
                self.pad(character(integer).encode_utf8(&mut buffer))
            }
            'q' => {
                let mut out = String::from('\'');
                unicode::push_escaped(&mut out, character(integer), '\'', self.flags.plus);
                out.push('\'');
                self.pad(&out)
            }
            'U' => self.code_point(integer),
            _ => self.digits(integer, verb),
        }
    }

    /// Sign, prefix, zeros up to the precision (or, with the flag `0`, up to the width), digits.
    fn digits(&mut self, integer: i64, verb: char) -> Result<(), Failure> {
        let magnitude = integer.unsigned_abs();
        let flags = self.flags;
        if flags.precision == Some(0) && integer == 0 {
            return self.pad_with_spaces("");
        }
        let sign = if integer < 0 { "-" } else { self.plus_or_space() };
        let zeros_to = match (flags.precision, flags.width) {
            (Some(precision), _) => precision,
            (None, Some(width)) if flags.zero && !flags.minus => width.saturating_sub(sign.len()),
            _ => 0,
        };
        let digits = match verb {
            'b' => format!("{magnitude:b}"),
            'o' | 'O' => format!("{magnitude:o}"),
            'x' => format!("{magnitude:x}"),
            'X' => format!("{magnitude:X}"),
            _ => magnitude.to_string(),
        };
        self.context.work(zeros_to)?;
        let zeros = "0".repeat(zeros_to.saturating_sub(digits.len()));
        let prefix = match verb {
            'O' => "0o",
            'b' if flags.sharp => "0b",
            'o' if flags.sharp && zeros.is_empty() && !digits.starts_with('0') => "0",
            'x' if flags.sharp => "0x",
            'X' if flags.sharp => "0X",
            _ => "",
        };
        // `%#O`: the zero of `#` stands behind the prefix of `O`.
        let octal = if verb == 'O' && flags.sharp && zeros.is_empty() && !digits.starts_with('0') { "0" } else { "" };
        self.pad_with_spaces(&format!("{sign}{prefix}{octal}{zeros}{digits}"))
    }

    const fn plus_or_space(&self) -> &'static str {
        match (self.flags.plus, self.flags.space) {
            (true, _) => "+",
            (false, true) => " ",
            (false, false) => "",
        }
    }

    /// `U+0041`, with `#` also the character.
    fn code_point(&mut self, integer: i64) -> Result<(), Failure> {
        let precision = self.flags.precision.unwrap_or(0).max(4);
        self.context.work(precision)?;
        let digits = format!("{integer:X}");
        let zeros = "0".repeat(precision.saturating_sub(digits.len()));
        let shown = u32::try_from(integer).ok().and_then(char::from_u32).filter(|c| unicode::is_print(*c));
        let shown = shown.filter(|_| self.flags.sharp).map(|c| format!(" '{c}'")).unwrap_or_default();
        self.pad_with_spaces(&format!("U+{zeros}{digits}{shown}"))
    }

    /// Go's `big.Int` prints itself, and some things differently.
    pub(super) fn big(&mut self, value: &Value, verb: char) -> Result<(), Failure> {
        let Value::Number(number) = value else { return Err(Failure::Inexact("no number")) };
        let decimal = rego_text::number(self.context, value)?;
        let text = match verb {
            'b' => number.format_bin(),
            'o' | 'O' => number.format_octal(),
            'd' | 's' | 'v' => decimal,
            'x' => number.format_hex(),
            'X' => number.format_big_hex(),
            _ => return self.push(&format!("%!{verb}(big.Int={decimal})")),
        };
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => ("-", digits),
            None if self.flags.plus || self.flags.plus_v => ("+", text.as_str()),
            None => (if self.flags.space { " " } else { "" }, text.as_str()),
        };
        let sharp = self.flags.sharp || self.flags.sharp_v;
        let prefix = match verb {
            'O' => "0o",
            'b' if sharp => "0b",
            'o' if sharp => "0",
            'x' if sharp => "0x",
            'X' if sharp => "0X",
            _ => "",
        };
        self.big_padded(sign, prefix, digits)
    }

    fn big_padded(&mut self, sign: &str, prefix: &str, digits: &str) -> Result<(), Failure> {
        let flags = self.flags;
        let mut zeros = flags.precision.unwrap_or(0).saturating_sub(digits.len());
        let length = [sign.len(), prefix.len(), digits.len()].into_iter().fold(zeros, usize::saturating_add);
        let missing = flags.width.unwrap_or(0).saturating_sub(length);
        let (mut left, mut right) = (0, 0);
        match (flags.minus, flags.zero && flags.precision.is_none()) {
            (true, _) => right = missing,
            (false, true) => zeros = missing,
            (false, false) => left = missing,
        }
        self.context.work(left.saturating_add(right).saturating_add(zeros))?;
        let (left, right, zeros) = (" ".repeat(left), " ".repeat(right), "0".repeat(zeros));
        self.push(&format!("{left}{sign}{prefix}{zeros}{digits}{right}"))
    }
}

/// The character of that number; U+FFFD if there is none.
fn character(integer: i64) -> char {
    u32::try_from(integer).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}
