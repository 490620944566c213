//! Decimal texts of any length, and the shortest of them between two others.

use num_bigint::BigUint;
use num_traits::Zero;
use std::ops::{Mul, Shl};

/// `±0.d₁d₂d₃… · 10^point`, without zeros at the end; zero has no digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    point: i64,
}

impl Decimal {
    /// The decimal that a double is written as: the shortest that no other double is closer to.
    pub(super) fn of_double(double: f64) -> Self {
        let text = format!("{:e}", double.abs());
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = mantissa.bytes().filter(u8::is_ascii_digit).collect();
        let point = exponent.parse::<i64>().unwrap_or(0).saturating_add(1);
        Self { negative: double.is_sign_negative(), digits, point }.trimmed()
    }

    /// Exactly `±mantissa · 2^exponent`.
    pub(super) fn of_binary(negative: bool, mantissa: &BigUint, exponent: i64) -> Self {
        let scale = exponent.unsigned_abs();
        let (whole, behind) = if exponent < 0 {
            // m / 2^n is m · 5^n / 10^n.
            (Mul::mul(mantissa, BigUint::from(5_u8).pow(u32::try_from(scale).unwrap_or(u32::MAX))), scale)
        } else {
            (Shl::shl(mantissa, scale), 0)
        };
        let digits = whole.to_str_radix(10).into_bytes();
        let length = i64::try_from(digits.len()).unwrap_or(i64::MAX);
        Self { negative, digits, point: length.saturating_sub_unsigned(behind) }.trimmed()
    }

    fn trimmed(mut self) -> Self {
        while self.digits.last() == Some(&b'0') {
            self.digits.pop();
        }
        if self.digits.is_empty() {
            self.point = 0;
        }
        self
    }

    /// Sign, digits as an integer, and the power of ten that scales it.
    pub(super) fn parts(&self) -> (bool, BigUint, i64) {
        let integer = BigUint::parse_bytes(&self.digits, 10).unwrap_or_else(BigUint::zero);
        let length = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        (self.negative, integer, self.point.saturating_sub(length))
    }

    /// The double that is written as this decimal; `None` if no double is.
    pub(super) fn double(&self) -> Option<f64> {
        let (_, _, exponent) = self.parts();
        let sign = if self.negative { "-" } else { "" };
        let digits = std::str::from_utf8(&self.digits).ok()?;
        let double: f64 = format!("{sign}{digits}e{exponent}").parse().ok()?;
        (Self::of_double(double) == *self).then_some(double)
    }

    /// The first digits that suffice to stay between `below` and `above` (also on them, if `inclusive`).
    pub(super) fn shortest_between(self, below: &Self, above: &Self, inclusive: bool) -> Self {
        for (place, digit) in self.digits.iter().enumerate() {
            let length = place.saturating_add(1);
            let (low, high) = (below.digit(place), above.digit(place));
            let down = low != *digit || inclusive && length == below.digits.len();
            let up = *digit != high && (inclusive || digit.saturating_add(1) < high || length < above.digits.len());
            match (down, up) {
                (true, true) if self.is_nearer_up(length) => return self.cut_up(length),
                (true, _) => return self.cut(length),
                (false, true) => return self.cut_up(length),
                (false, false) => {}
            }
        }
        self
    }

    fn digit(&self, place: usize) -> u8 {
        self.digits.get(place).copied().unwrap_or(b'0')
    }

    /// What follows the first `length` digits is more than half a unit, or half of one after an odd digit.
    fn is_nearer_up(&self, length: usize) -> bool {
        if self.digits.get(length) == Some(&b'5') && self.digits.len() == length.saturating_add(1) {
            return length.checked_sub(1).is_some_and(|last| self.digit(last) & 1 == 1);
        }
        self.digit(length) >= b'5'
    }

    fn cut(mut self, length: usize) -> Self {
        self.digits.truncate(length);
        self.trimmed()
    }

    /// Cuts after `length` digits and adds one to the last of them. Nothing to do if there are no more digits.
    fn cut_up(mut self, length: usize) -> Self {
        if length >= self.digits.len() {
            return self;
        }
        self.digits.truncate(length);
        while self.digits.last() == Some(&b'9') {
            self.digits.pop();
        }
        match self.digits.last_mut() {
            Some(last) => *last = last.saturating_add(1),
            None => {
                self.digits.push(b'1');
                self.point = self.point.saturating_add(1);
            }
        }
        self
    }
}
