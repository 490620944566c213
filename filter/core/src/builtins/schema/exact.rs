//! Numbers as the digits they are written with, which is how schemas compare them.

use crate::builtins::numbers::Number;
use crate::builtins::{Context, Failure};
use num_bigint::BigInt;
use num_traits::{Signed, Zero};
use regorus::Value;
use std::cmp::Ordering;
use std::ops::{Mul, Rem};

/// `digits · 10^exponent`.
#[derive(Debug, Clone)]
pub(super) struct Exact {
    digits: BigInt,
    exponent: i64,
}

impl Exact {
    /// `None` if the value is no number.
    pub(super) fn of(value: &Value) -> Option<Self> {
        match Number::of(value)? {
            Number::Small(small) => Some(Self { digits: BigInt::from(small), exponent: 0 }),
            Number::Big(big) => Some(Self { digits: big, exponent: 0 }),
            Number::Float(double) => {
                let text = double.to_string();
                let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
                let digits = BigInt::parse_bytes(format!("{whole}{fraction}").as_bytes(), 10)?;
                let behind = i64::try_from(fraction.len()).ok()?;
                Some(Self { digits, exponent: behind.saturating_neg() })
            }
        }
    }

    /// Whether it is above zero.
    pub(super) fn is_positive(&self) -> bool {
        self.digits.is_positive()
    }

    /// Which of the two is larger.
    pub(super) fn compare(&self, other: &Self, context: &mut Context) -> Result<Ordering, Failure> {
        let (a, b) = self.aligned(other, context)?;
        Ok(a.cmp(&b))
    }

    /// Whether the quotient is an integer; the divisor is not zero.
    pub(super) fn is_multiple_of(&self, divisor: &Self, context: &mut Context) -> Result<bool, Failure> {
        let (a, b) = self.aligned(divisor, context)?;
        context.work(bytes(&a).saturating_mul(bytes(&b)))?;
        Ok(!b.is_zero() && Rem::rem(a, b).is_zero())
    }

    /// Both as digits with the same exponent. A double's exponent is small, so the digits stay few.
    fn aligned(&self, other: &Self, context: &mut Context) -> Result<(BigInt, BigInt), Failure> {
        let exponent = self.exponent.min(other.exponent);
        context.work(bytes(&self.digits).saturating_add(bytes(&other.digits)).saturating_mul(16))?;
        Ok((self.with(exponent), other.with(exponent)))
    }

    fn with(&self, exponent: i64) -> BigInt {
        let zeros = u32::try_from(self.exponent.saturating_sub(exponent)).unwrap_or(0);
        if zeros == 0 {
            return self.digits.clone();
        }
        Mul::mul(&self.digits, BigInt::from(10_u8).pow(zeros))
    }

    /// As Go's `big.Float` is printed: all its digits, with an exponent if it is below -4 or above 5.
    pub(super) fn text(&self, context: &mut Context) -> Result<String, Failure> {
        let size = bytes(&self.digits);
        context.work(size.saturating_mul(size))?;
        let all = self.digits.abs().to_string();
        let digits = all.trim_end_matches('0');
        let sign = if self.digits.is_negative() { "-" } else { "" };
        let length = i64::try_from(all.len()).unwrap_or(i64::MAX);
        let point = self.exponent.saturating_add(length);
        Ok(match digits.split_at_checked(1) {
            None => "0".to_owned(),
            Some((first, rest)) if !(-3..=6).contains(&point) => {
                let exponent = point.saturating_sub(1);
                let period = if rest.is_empty() { "" } else { "." };
                let mark = if exponent < 0 { '-' } else { '+' };
                format!("{sign}{first}{period}{rest}e{mark}{:02}", exponent.unsigned_abs())
            }
            Some(_) => format!("{sign}{}", with_point(digits, point)),
        })
    }
}

/// `0.digits · 10^point`, without an exponent.
fn with_point(digits: &str, point: i64) -> String {
    let zeros = "0".repeat(usize::try_from(point.saturating_neg()).unwrap_or(0));
    let whole = usize::try_from(point).unwrap_or(0);
    match digits.split_at_checked(whole) {
        Some(("", fraction)) => format!("0.{zeros}{fraction}"),
        Some((whole, "")) => whole.to_owned(),
        Some((whole, fraction)) => format!("{whole}.{fraction}"),
        None => format!("{digits}{}", "0".repeat(whole.saturating_sub(digits.len()))),
    }
}

fn bytes(integer: &BigInt) -> usize {
    usize::try_from(integer.bits().wrapping_shr(3)).unwrap_or(usize::MAX)
}
