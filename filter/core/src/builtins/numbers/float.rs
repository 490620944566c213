//! Go's `big.Float` as far as OPA uses it: binary, rounded to nearest even, with a mantissa of 64 bits unless said
//! otherwise. OPA reads a number's decimal text into one, computes, and writes the shortest decimal that reads back as
//! the same float. `0.1 + 0.2` is `0.3` that way, where doubles give `0.30000000000000004`.

use super::decimal::Decimal;
use num_bigint::{BigInt, BigUint, Sign};
use num_traits::{One, Zero};
use std::cmp::Ordering;
use std::ops::{Add, Mul, Shl, Shr, Sub};

/// Bits of the mantissa OPA computes with.
pub(super) const PRECISION: u64 = 64;

/// Bits that Go spends more on a power of five than on the number it scales.
const GUARD: u64 = 64;

/// `±mantissa · 2^exponent`; the mantissa has at most `precision` bits.
#[derive(Debug, Clone)]
pub(in crate::builtins) struct Float {
    negative: bool,
    mantissa: BigUint,
    exponent: i64,
    precision: u64,
}

impl Float {
    pub(super) const fn zero(precision: u64) -> Self {
        Self { negative: false, mantissa: BigUint::ZERO, exponent: 0, precision }
    }

    /// Rounds to nearest even. `sticky`: the true value is a little beyond what `mantissa` says.
    fn rounded(negative: bool, mantissa: BigUint, exponent: i64, precision: u64, sticky: bool) -> Self {
        let excess = mantissa.bits().saturating_sub(precision);
        if excess == 0 {
            return Self { negative, mantissa, exponent, precision };
        }
        let half = excess.saturating_sub(1);
        let beyond = sticky || mantissa.trailing_zeros().is_some_and(|zeros| zeros < half);
        let up = mantissa.bit(half) && (beyond || mantissa.bit(excess));
        let kept = Shr::shr(mantissa, excess);
        let kept = if up { kept.add(1_u8) } else { kept };
        Self { negative, mantissa: kept, exponent: exponent.saturating_add(signed(excess)), precision }
    }

    pub(super) fn of_integer(integer: &BigInt, precision: u64) -> Self {
        Self::rounded(integer.sign() == Sign::Minus, integer.magnitude().clone(), 0, precision, false)
    }

    pub(super) fn of_decimal(decimal: &Decimal) -> Self {
        let (negative, digits, exponent) = decimal.parts();
        Self::of_parts(negative, digits, exponent)
    }

    /// `±digits · 10^exponent` as Go reads its text: exact up to `5^55`, beyond that with a power of five of 128 bits.
    pub(in crate::builtins) fn of_parts(negative: bool, digits: BigUint, exponent: i64) -> Self {
        let scale = pow5(exponent.unsigned_abs());
        let read = Self { negative, mantissa: digits, exponent, precision: PRECISION };
        match exponent.cmp(&0) {
            Ordering::Less => read.quotient(&scale),
            Ordering::Equal => Self::rounded(negative, read.mantissa, 0, PRECISION, false),
            Ordering::Greater => read.product(&scale),
        }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.mantissa.is_zero()
    }

    pub(super) const fn is_negative(&self) -> bool {
        self.negative
    }

    /// Bits that an operation on this number works on, at most.
    pub(super) fn weight(&self) -> u64 {
        self.mantissa.bits().saturating_add(self.exponent.unsigned_abs())
    }

    pub(super) fn negated(mut self) -> Self {
        self.negative = !self.negative;
        self
    }

    pub(super) fn absolute(mut self) -> Self {
        self.negative = false;
        self
    }

    /// The sum, with this number's precision.
    pub(super) fn sum(&self, other: &Self) -> Self {
        match (self.is_zero(), other.is_zero()) {
            (true, true) => return Self { negative: self.negative && other.negative, ..self.clone() },
            (false, true) => return self.clone(),
            (true, false) => {
                let Self { negative, mantissa, exponent, .. } = other.clone();
                return Self::rounded(negative, mantissa, exponent, self.precision, false);
            }
            (false, false) => {}
        }
        let exponent = self.exponent.min(other.exponent);
        let total = self.scaled(exponent).add(other.scaled(exponent));
        Self::rounded(total.sign() == Sign::Minus, total.into_parts().1, exponent, self.precision, false)
    }

    /// The signed mantissa for a smaller exponent.
    fn scaled(&self, exponent: i64) -> BigInt {
        let up = self.exponent.saturating_sub(exponent).unsigned_abs();
        let sign = if self.negative { Sign::Minus } else { Sign::Plus };
        BigInt::from_biguint(sign, Shl::shl(&self.mantissa, up))
    }

    /// The product, with this number's precision.
    pub(in crate::builtins) fn product(&self, other: &Self) -> Self {
        let mantissa = Mul::mul(&self.mantissa, &other.mantissa);
        let exponent = self.exponent.saturating_add(other.exponent);
        Self::rounded(self.negative != other.negative, mantissa, exponent, self.precision, false)
    }

    /// The quotient, with this number's precision. The divisor is not zero.
    pub(super) fn quotient(&self, divisor: &Self) -> Self {
        let negative = self.negative != divisor.negative;
        // One bit more than the precision, for rounding, and one for the division's own.
        let wanted = self.precision.saturating_add(2).saturating_add(divisor.mantissa.bits());
        let up = wanted.saturating_sub(self.mantissa.bits());
        let dividend = Shl::shl(&self.mantissa, up);
        let Some(quotient) = num_traits::CheckedDiv::checked_div(&dividend, &divisor.mantissa) else {
            return Self::zero(self.precision);
        };
        let sticky = Mul::mul(&quotient, &divisor.mantissa) != dividend;
        let exponent = self.exponent.saturating_sub(divisor.exponent).saturating_sub(signed(up));
        Self::rounded(negative, quotient, exponent, self.precision, sticky)
    }

    /// The integer, without the fraction.
    pub(in crate::builtins) fn truncated(&self) -> BigInt {
        let sign = if self.negative { Sign::Minus } else { Sign::Plus };
        BigInt::from_biguint(sign, shifted(&self.mantissa, self.exponent))
    }

    pub(super) fn is_integer(&self) -> bool {
        let zeros = self.mantissa.trailing_zeros().unwrap_or(u64::MAX);
        self.exponent >= 0 || zeros >= self.exponent.unsigned_abs()
    }

    /// The shortest decimal that reads back as this float, found digit by digit as Go finds it.
    pub(super) fn shortest(&self) -> Decimal {
        let exact = Decimal::of_binary(self.negative, &self.mantissa, self.exponent);
        if self.is_zero() {
            return exact;
        }
        // In units of half the last bit; the mantissa has at most `precision` bits.
        let up = self.precision.saturating_add(1).saturating_sub(self.mantissa.bits());
        let mantissa = Shl::shl(&self.mantissa, up);
        let exponent = self.exponent.saturating_sub(signed(up));
        let below = Decimal::of_binary(self.negative, &Sub::sub(&mantissa, BigUint::one()), exponent);
        let above = Decimal::of_binary(self.negative, &Add::add(&mantissa, BigUint::one()), exponent);
        exact.shortest_between(&below, &above, !mantissa.bit(1))
    }
}

/// `5^exponent` as Go computes it, with 128 bits.
fn pow5(exponent: u64) -> Float {
    /// The largest power of five in 64 bits.
    const LARGEST: u64 = 27;
    let precision = PRECISION.saturating_add(GUARD);
    let five = |power: u64| BigUint::from(5_u8).pow(u32::try_from(power).unwrap_or(0));
    let small = exponent.min(LARGEST);
    let mut power = Float { negative: false, mantissa: five(small), exponent: 0, precision };
    let mut rest = exponent.saturating_sub(small);
    let mut factor =
        Float { negative: false, mantissa: five(1), exponent: 0, precision: precision.saturating_add(GUARD) };
    while rest > 0 {
        if rest & 1 == 1 {
            power = power.product(&factor);
        }
        factor = factor.product(&factor);
        rest = rest.wrapping_shr(1);
    }
    power
}

fn shifted(mantissa: &BigUint, by: i64) -> BigUint {
    let bits = by.unsigned_abs();
    if by < 0 { Shr::shr(mantissa, bits) } else { Shl::shl(mantissa, bits) }
}

fn signed(bits: u64) -> i64 {
    i64::try_from(bits).unwrap_or(i64::MAX)
}
