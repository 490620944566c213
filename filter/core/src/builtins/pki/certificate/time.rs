//! UTCTime and GeneralizedTime.

use super::super::super::Failure;
use super::super::der::{Reader, tag};
use super::super::error;

/// Seconds since the epoch.
pub(super) fn read(input: &mut Reader<'_>) -> Result<i64, Failure> {
    let element = super::malformed(input.any())?;
    let short = match element.tag {
        tag::UTC_TIME => true,
        tag::GENERALIZED_TIME => false,
        _ => return Err(error("certificate: unknown kind of time")),
    };
    let length = if short { 12 } else { 14 };
    match element.content {
        [digits @ .., b'Z'] if digits.len() == length && digits.iter().all(u8::is_ascii_digit) => {
            seconds(digits, short).ok_or(error("certificate: no such time"))
        }
        // Without seconds, or in another time zone: Go reads some of them, nobody may write them.
        other if other.iter().all(|byte| byte.is_ascii_digit() || b"Z+-".contains(byte)) => {
            Err(Failure::Inexact("a time of a certificate in a form that is not allowed"))
        }
        _ => Err(error("certificate: malformed time")),
    }
}

/// A year of two digits is one of 1950 to 2049.
fn seconds(digits: &[u8], short: bool) -> Option<i64> {
    let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse::<i64>().ok();
    let (year, rest) = digits.split_at_checked(if short { 2 } else { 4 })?;
    let year = match number(year)? {
        year @ 0..50 if short => year.checked_add(2000)?,
        year if short => year.checked_add(1900)?,
        year => year,
    };
    let mut pairs = rest.as_chunks::<2>().0.iter().map(|pair| number(pair));
    let mut next = move || pairs.next().flatten();
    let (month, day, hour, minute, second) = (next()?, next()?, next()?, next()?, next()?);
    let fits = (1..=12).contains(&month) && day >= 1 && day <= days_in(year, month)?;
    if !fits || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let hours = days_since_epoch(year, month, day)?.checked_mul(24)?.checked_add(hour)?;
    hours.checked_mul(60)?.checked_add(minute)?.checked_mul(60)?.checked_add(second)
}

fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

fn days_in(year: i64, month: i64) -> Option<i64> {
    Some(match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    })
}

/// The proleptic Gregorian calendar, counted from March so that the leap day is a year's last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> Option<i64> {
    let year = if month > 2 { year } else { year.checked_sub(1)? };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let month = month.checked_add(9)?.rem_euclid(12);
    let of_year = month.checked_mul(153)?.checked_add(2)?.checked_div(5)?.checked_add(day)?.checked_sub(1)?;
    let leaps = (of_era / 4).checked_sub(of_era / 100)?;
    let days = of_era.checked_mul(365)?.checked_add(leaps)?.checked_add(of_year)?;
    era.checked_mul(146_097)?.checked_add(days)?.checked_sub(719_468)
}

/// Year, month and day of a day since the epoch; what [`days_since_epoch`] counted.
pub(in super::super::super) fn date(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(719_468);
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let leaps = (of_era / 1460).saturating_sub(of_era / 36_524).saturating_add(of_era / 146_096);
    let year = of_era.saturating_sub(leaps) / 365;
    let before = year.saturating_mul(365).saturating_add(year / 4).saturating_sub(year / 100);
    let of_year = of_era.saturating_sub(before);
    let month = of_year.saturating_mul(5).saturating_add(2) / 153;
    let day = of_year.saturating_sub(month.saturating_mul(153).saturating_add(2) / 5).saturating_add(1);
    let is_new_year = month >= 10;
    let month = if is_new_year { month.saturating_sub(9) } else { month.saturating_add(3) };
    let year = year.saturating_add(era.saturating_mul(400)).saturating_add(i64::from(is_new_year));
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn dates_and_days_are_inverse() {
        for day in (-719_468..2_932_896).step_by(97).chain(-800..800) {
            let (year, month, of_month) = date(day);
            assert_eq!(days_since_epoch(year, month, of_month), Some(day));
            assert!((1..=12).contains(&month) && (1..=31).contains(&of_month));
        }
    }

    #[test]
    fn reads_the_calendar() {
        assert_eq!(seconds(b"700101000000", true), Some(0));
        assert_eq!(seconds(b"500101000000", true), Some(-631_152_000));
        assert_eq!(seconds(b"491231235959", true), Some(2_524_607_999));
        assert_eq!(seconds(b"20240229120000", false), Some(1_709_208_000));
        assert_eq!(seconds(b"20230229120000", false), None);
        assert_eq!(seconds(b"21000229120000", false), None);
        assert_eq!(seconds(b"20231301120000", false), None);
        assert_eq!(seconds(b"20231201240000", false), None);
        assert_eq!(seconds(b"99991231235959", false), Some(253_402_300_799));
        assert_eq!(seconds(b"00000101000000", false), Some(-62_167_219_200));
    }
}
