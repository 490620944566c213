//! `units.*`.

use super::args::string;
use super::numbers::{Float, integer_value};
use super::{Builtin, Context, Failure, own};
use crate::json;
use num_bigint::{BigInt, BigUint, Sign};
use num_traits::{One, Zero};
use regorus::Value;
use std::ops::{Add, Mul, Shl};

pub(super) const TABLE: &[Builtin] = &[own("units.parse", 1, parse), own("units.parse_bytes", 1, parse_bytes)];

/// Digits of an exponent that OPA takes.
const MAX_EXPONENT_DIGITS: usize = 6;

/// The largest power of ten we take. OPA takes more, and answers with a number of as many digits.
const MAX_EXPONENT: i64 = 400;

/// Digits after the point of what is no integer.
const PLACES: u32 = 10;

/// `±digits · 10^exponent`.
struct Amount {
    negative: bool,
    digits: BigUint,
    exponent: i64,
}

/// A whole number of bytes, computed with floats as in OPA.
fn parse_bytes(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let text = text(context, args)?;
    // Letter by letter, as Go does: Rust makes two of the capital dotted i.
    let small = |c: char| if c == '\u{130}' { Some('i') } else { c.to_lowercase().next() };
    let text: String = text.chars().filter_map(small).collect();
    let (amount, unit) = split(&text)?;
    let power = match unit {
        "" => return scaled(amount, 1),
        _ => power(unit.get(..1).unwrap_or_default()).ok_or(UNKNOWN_UNIT)?,
    };
    match unit.get(1..).unwrap_or_default() {
        "" | "b" => scaled(amount, 1000_u64.saturating_pow(power)),
        "i" | "ib" => scaled(amount, 1024_u64.saturating_pow(power)),
        _ => Err(UNKNOWN_UNIT),
    }
}

const UNKNOWN_UNIT: Failure = Failure::Error(std::borrow::Cow::Borrowed("has no unit that is known"));
const NO_AMOUNT: Failure = Failure::Error(std::borrow::Cow::Borrowed("has no amount that is a number"));

fn scaled(amount: &str, unit: u64) -> Result<Value, Failure> {
    let Amount { negative, digits, exponent } = Amount::parse(amount)?;
    let unit = Float::of_parts(false, BigUint::from(unit), 0);
    Ok(integer_value(&Float::of_parts(negative, digits, exponent).product(&unit).truncated()))
}

/// A number, computed exactly; what is no integer is rounded to ten places.
fn parse(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let text = text(context, args)?;
    let (amount, unit) = split(&text)?;
    let first = unit.chars().next();
    let rest: String = unit.chars().skip(1).flat_map(char::to_lowercase).collect();
    let (numerator, denominator) = match (first, rest.as_str()) {
        (None, _) => (BigUint::one(), BigUint::one()),
        // The double 0.001, which is not a thousandth.
        (Some('m'), "") => (BigUint::from(4_611_686_018_427_388_u64), BigUint::one().shl(62_u32)),
        (Some(letter), "") => (unit_of(letter, 1000)?, BigUint::one()),
        (Some(letter), "i") => (unit_of(letter, 1024)?, BigUint::one()),
        _ => return Err(UNKNOWN_UNIT),
    };
    let Amount { negative, digits, exponent } = Amount::parse(amount)?;
    let ten = BigUint::from(10_u8).pow(u32::try_from(exponent.unsigned_abs()).unwrap_or(0));
    let numerator = numerator.mul(digits);
    let (numerator, denominator) =
        if exponent < 0 { (numerator, denominator.mul(ten)) } else { (numerator.mul(ten), denominator) };
    quotient(negative, &numerator, &denominator)
}

fn unit_of(letter: char, base: u64) -> Result<BigUint, Failure> {
    let power = power(&letter.to_ascii_lowercase().to_string()).ok_or(UNKNOWN_UNIT)?;
    Ok(BigUint::from(base.saturating_pow(power)))
}

fn power(letter: &str) -> Option<u32> {
    ["k", "m", "g", "t", "p", "e"].into_iter().zip(1..).find_map(|(name, power)| (name == letter).then_some(power))
}

fn quotient(negative: bool, numerator: &BigUint, denominator: &BigUint) -> Result<Value, Failure> {
    let divided = |numerator: &BigUint| num_traits::CheckedDiv::checked_div(numerator, denominator);
    let whole = divided(numerator).unwrap_or_default();
    let sign = if negative { Sign::Minus } else { Sign::Plus };
    if Mul::mul(&whole, denominator) == *numerator {
        return Ok(integer_value(&BigInt::from_biguint(sign, whole)));
    }
    // Twice the places plus one, halved: halves are rounded up.
    let places = Mul::mul(numerator, BigUint::from(10_u8).pow(PLACES)).mul(2_u8).add(denominator);
    let rounded = num_traits::CheckedDiv::checked_div(&places, &Mul::mul(denominator, 2_u8)).unwrap_or_default();
    let digits = format!("{:0>width$}", rounded.to_str_radix(10), width = 11);
    let (whole, fraction) = digits.split_at_checked(digits.len().saturating_sub(10)).unwrap_or(("0", "0"));
    let text = format!("{}{whole}.{fraction}", if negative { "-" } else { "" });
    json::parse(text.as_bytes()).map_err(|_| Failure::Inexact("an amount of more digits than a double holds"))
}

/// The text without quotes, if it has no spaces.
fn text(context: &mut Context, args: &[Value]) -> Result<String, Failure> {
    let [text] = args else { return Err(Failure::ARITY) };
    let text = string(text)?;
    // Reading digits takes time by the square of the length.
    context.work(text.len().saturating_mul(text.len().wrapping_shr(6).saturating_add(8)))?;
    let text = text.replace('"', "");
    if text.contains(' ') { Err(Failure::Error("has spaces".into())) } else { Ok(text) }
}

/// The amount and the unit behind it.
fn split(text: &str) -> Result<(&str, &str), Failure> {
    let bytes = text.as_bytes();
    let at = |place: usize| bytes.get(place).copied();
    let mut place = 0;
    while let Some(byte) = at(place) {
        let next = place.saturating_add(1);
        match byte {
            b'0'..=b'9' | b'.' | b'+' | b'-' => {}
            b'e' | b'E' if at(next).is_some_and(|c| c.is_ascii_digit() || matches!(c, b'+' | b'-')) => {
                place = if matches!(at(next), Some(b'+' | b'-')) { next } else { place };
                let digits = bytes.iter().skip(place.saturating_add(1)).take_while(|c| c.is_ascii_digit()).count();
                if digits > MAX_EXPONENT_DIGITS {
                    return Err(Failure::Error("has too large an exponent".into()));
                }
            }
            _ => break,
        }
        place = place.saturating_add(1);
    }
    match text.split_at_checked(place) {
        Some((amount, unit)) if !amount.is_empty() => Ok((amount, unit)),
        _ => Err(NO_AMOUNT),
    }
}

impl Amount {
    /// `-1.5e3`, and less of it.
    fn parse(text: &str) -> Result<Self, Failure> {
        let (negative, unsigned) = match text.strip_prefix(['-', '+']) {
            Some(unsigned) => (text.starts_with('-'), unsigned),
            None => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().map_err(|_| NO_AMOUNT)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NO_AMOUNT);
        }
        let places = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
        let exponent = exponent.saturating_sub(places);
        if exponent.unsigned_abs() > MAX_EXPONENT.unsigned_abs() {
            return Err(Failure::Inexact("an amount of very many digits"));
        }
        let digits = BigUint::parse_bytes(digits.as_bytes(), 10).unwrap_or_else(BigUint::zero);
        Ok(Self { negative, digits, exponent })
    }
}
