//! A time, read as a layout says.

use super::calendar::{Civil, DAYS, MONTHS, days_in_month};
use super::layout::{self, Offset, Pad, Part};

/// Seconds since the epoch and nanoseconds; `None` for whatever Go refuses. A zone that is only named is taken for UTC,
/// as in Go where the local zone is UTC.
pub(super) fn parse(layout: &[u8], value: &[u8]) -> Option<(i64, i64)> {
    let mut fields = Fields::default();
    let (mut layout, mut value) = (layout, value);
    loop {
        let (text, part, rest) = layout::next(layout);
        value = skip(value, text)?;
        let Some(part) = part else {
            return if value.is_empty() { fields.time() } else { None };
        };
        value = fields.read(part, value, rest)?;
        layout = rest;
    }
}

/// What was read so far.
#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: i64,
    after_noon: Option<bool>,
    utc: bool,
    offset: Option<i64>,
}

impl Fields {
    /// Reads one part and gives what is behind it. `rest` is the layout behind the part.
    fn read<'a>(&mut self, part: Part, value: &'a [u8], rest: &[u8]) -> Option<&'a [u8]> {
        let fixed = |pad: Pad| pad == Pad::Zero;
        match part {
            Part::ShortYear => {
                let (digits, value) = value.split_at_checked(2)?;
                let year = integer(digits)?;
                self.year = year.saturating_add(if year >= 69 { 1900 } else { 2000 });
                Some(value)
            }
            Part::LongYear => {
                let (digits, value) = value.split_at_checked(4).filter(|_| starts_with_digit(value))?;
                self.year = integer(digits)?;
                Some(value)
            }
            Part::MonthName { short } => {
                let (month, value) = named(value, &MONTHS, short)?;
                self.month = Some(month.saturating_add(1));
                Some(value)
            }
            Part::Month(pad) => {
                let (month, value) = number(value, fixed(pad)).filter(|(month, _)| (1..=12).contains(month))?;
                self.month = Some(month);
                Some(value)
            }
            Part::WeekdayName { short } => named(value, &DAYS, short).map(|(_, value)| value),
            Part::Day(pad) => {
                let (day, value) = number(without_spaces(value, pad, 1), fixed(pad))?;
                self.day = Some(day);
                Some(value)
            }
            Part::YearDay(pad) => {
                let (day, value) = day_of_year(without_spaces(value, pad, 2), fixed(pad))?;
                self.day_of_year = Some(day);
                Some(value)
            }
            Part::Hour => below(number(value, false)?, 24, &mut self.hour),
            Part::Hour12(pad) => below(number(value, fixed(pad))?, 13, &mut self.hour),
            Part::Minute(pad) => below(number(value, fixed(pad))?, 60, &mut self.minute),
            Part::Second(pad) => {
                let value = below(number(value, fixed(pad))?, 60, &mut self.second)?;
                self.unannounced_fraction(value, rest)
            }
            Part::HalfDay { upper } => self.half_day(value, upper),
            Part::Offset(form) => self.offset(value, form),
            Part::ZoneName => self.zone_name(value),
            Part::Fraction { digits, trimmed: false, .. } => {
                let (fraction, value) = value.split_at_checked(digits.saturating_add(1))?;
                self.nanosecond = nanoseconds(fraction)?;
                Some(value)
            }
            Part::Fraction { trimmed: true, .. } => self.fraction(value),
        }
    }

    /// Seconds may have a fraction where the layout has none.
    fn unannounced_fraction<'a>(&mut self, value: &'a [u8], rest: &[u8]) -> Option<&'a [u8]> {
        if let (_, Some(Part::Fraction { .. }), _) = layout::next(rest) {
            return Some(value);
        }
        self.fraction(value)
    }

    /// A fraction of any length, if there is one.
    fn fraction<'a>(&mut self, value: &'a [u8]) -> Option<&'a [u8]> {
        let Some((b'.' | b',', digits)) = value.split_first() else { return Some(value) };
        let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if length == 0 {
            return Some(value);
        }
        let (fraction, value) = value.split_at_checked(length.saturating_add(1))?;
        self.nanosecond = nanoseconds(fraction)?;
        Some(value)
    }

    fn half_day<'a>(&mut self, value: &'a [u8], upper: bool) -> Option<&'a [u8]> {
        let (text, value) = value.split_at_checked(2)?;
        self.after_noon = Some(match (text, upper) {
            (b"PM", true) | (b"pm", false) => true,
            (b"AM", true) | (b"am", false) => self.after_noon == Some(true),
            _ => return None,
        });
        Some(value)
    }

    fn offset<'a>(&mut self, value: &'a [u8], form: Offset) -> Option<&'a [u8]> {
        if let (true, Some(value)) = (form.z, value.strip_prefix(b"Z")) {
            self.utc = true;
            return Some(value);
        }
        let (sign, value) = value.split_first()?;
        let (hours, value) = number(value, true)?;
        let mut parts = [0, 0];
        let mut value = value;
        for (part, wanted) in parts.iter_mut().zip([form.minutes, form.seconds]) {
            if wanted {
                value = if form.colons { value.strip_prefix(b":")? } else { value };
                (*part, value) = number(value, true)?;
            }
        }
        let [minutes, seconds] = parts;
        if hours > 24 || minutes > 60 || seconds > 60 {
            return None;
        }
        let offset = hours.saturating_mul(3600).saturating_add(minutes.saturating_mul(60)).saturating_add(seconds);
        self.offset = match sign {
            b'+' => Some(offset),
            // Go marks "no offset" with -1, and forgets an offset of one second that way.
            b'-' => Some(offset.saturating_neg()).filter(|offset| *offset != -1),
            _ => return None,
        };
        Some(value)
    }

    fn zone_name<'a>(&mut self, value: &'a [u8]) -> Option<&'a [u8]> {
        if let Some(value) = value.strip_prefix(b"UTC") {
            self.utc = true;
            return Some(value);
        }
        value.get(zone_name_length(value)?..)
    }

    fn time(mut self) -> Option<(i64, i64)> {
        match self.after_noon {
            Some(true) if self.hour < 12 => self.hour = self.hour.saturating_add(12),
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        let (month, day) = self.month_and_day()?;
        if !(1..=days_in_month(self.year, month)).contains(&day) {
            return None;
        }
        let civil = Civil {
            year: self.year,
            month,
            day,
            hour: self.hour,
            minute: self.minute,
            second: self.second,
            nanosecond: self.nanosecond,
            offset: 0,
            zone: String::new(),
        };
        let offset = if self.utc { 0 } else { self.offset.unwrap_or(0) };
        Some((civil.seconds().saturating_sub(offset), self.nanosecond))
    }

    /// From the day of the year, which must not contradict the others, or from month and day, which are 1 by default.
    fn month_and_day(&self) -> Option<(i64, i64)> {
        let Some(mut rest) = self.day_of_year else {
            return Some((self.month.unwrap_or(1), self.day.unwrap_or(1)));
        };
        let mut month = 1;
        while month < 12 && rest > days_in_month(self.year, month) {
            rest = rest.saturating_sub(days_in_month(self.year, month));
            month = month.saturating_add(1);
        }
        let contradicts = self.month.is_some_and(|m| m != month) || self.day.is_some_and(|day| day != rest);
        (!contradicts).then_some((month, rest))
    }
}

/// Skips the text of a layout; one space stands for any number of them.
fn skip<'a>(mut value: &'a [u8], mut text: &[u8]) -> Option<&'a [u8]> {
    while let Some((first, rest)) = text.split_first() {
        if *first == b' ' {
            if value.first().is_some_and(|byte| *byte != b' ') {
                return None;
            }
            text = without(text, b' ');
            value = without(value, b' ');
        } else {
            value = value.strip_prefix(&[*first])?;
            text = rest;
        }
    }
    Some(value)
}

fn without(text: &[u8], byte: u8) -> &[u8] {
    let length = text.iter().take_while(|other| **other == byte).count();
    text.get(length..).unwrap_or_default()
}

/// At most so many spaces less, where the layout fills up with spaces.
fn without_spaces(mut value: &[u8], pad: Pad, most: usize) -> &[u8] {
    for _ in 0..most {
        if let (Pad::Space, Some(rest)) = (pad, value.strip_prefix(b" ")) {
            value = rest;
        }
    }
    value
}

fn starts_with_digit(value: &[u8]) -> bool {
    value.first().is_some_and(u8::is_ascii_digit)
}

/// One digit or two; only two if `fixed`.
fn number(value: &[u8], fixed: bool) -> Option<(i64, &[u8])> {
    let (first, rest) = value.split_first().filter(|_| starts_with_digit(value))?;
    match rest.split_first() {
        Some((second, rest)) if second.is_ascii_digit() => Some((integer(&[*first, *second])?, rest)),
        _ if fixed => None,
        _ => Some((integer(&[*first])?, rest)),
    }
}

/// Up to three digits; only three if `fixed`.
fn day_of_year(value: &[u8], fixed: bool) -> Option<(i64, &[u8])> {
    let length = value.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
    if length == 0 || (fixed && length != 3) {
        return None;
    }
    let (digits, value) = value.split_at_checked(length)?;
    Some((integer(digits)?, value))
}

/// Stores a number that is below a bound, and gives what is behind it.
fn below<'a>((number, value): (i64, &'a [u8]), bound: i64, field: &mut i64) -> Option<&'a [u8]> {
    *field = number;
    (number < bound).then_some(value)
}

/// An integer, with or without a sign, of nothing else.
fn integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first() {
        Some((b'-', digits)) => (true, digits),
        Some((b'+', digits)) => (false, digits),
        _ => (false, text),
    };
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // Only a sign is 0 for Go.
    let number = digits
        .iter()
        .fold(0_i64, |number, digit| number.saturating_mul(10).saturating_add(i64::from(digit.saturating_sub(b'0'))));
    Some(if negative { number.saturating_neg() } else { number })
}

/// A separator and digits, of which nine count.
fn nanoseconds(fraction: &[u8]) -> Option<i64> {
    let (b'.' | b',', digits) = fraction.split_first()? else { return None };
    let digits = digits.get(..9).unwrap_or(digits);
    let missing = u32::try_from(9_usize.saturating_sub(digits.len())).unwrap_or(0);
    let nanoseconds = integer(digits)?.saturating_mul(10_i64.saturating_pow(missing));
    (nanoseconds >= 0).then_some(nanoseconds)
}

/// The place of the name that the value begins with, in small or capital letters.
fn named<'a>(value: &'a [u8], names: &[&str], short: bool) -> Option<(i64, &'a [u8])> {
    let starts = |name: &&str| {
        let name = if short { name.get(..3).unwrap_or(name) } else { name };
        let (start, rest) = value.split_at_checked(name.len())?;
        start.eq_ignore_ascii_case(name.as_bytes()).then_some(rest)
    };
    let (place, rest) = names.iter().enumerate().find_map(|(place, name)| Some((place, starts(name)?)))?;
    Some((i64::try_from(place).ok()?, rest))
}

/// What Go takes for the abbreviation of a zone.
fn zone_name_length(value: &[u8]) -> Option<usize> {
    if value.len() < 3 {
        return None;
    }
    if value.starts_with(b"ChST") || value.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(rest) = value.strip_prefix(b"GMT") {
        return Some(signed_hours_length(rest).saturating_add(3));
    }
    if let Some(b'+' | b'-') = value.first() {
        return Some(signed_hours_length(value)).filter(|length| *length > 0);
    }
    let capitals = value.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count();
    match capitals {
        3 => Some(3),
        4 if value.get(3) == Some(&b'T') || value.starts_with(b"WITA") => Some(4),
        5 if value.get(4) == Some(&b'T') => Some(5),
        _ => None,
    }
}

/// The length of `+3` or `-11`; 0 if it is no sign and a number up to 23.
fn signed_hours_length(value: &[u8]) -> usize {
    let Some((b'+' | b'-', digits)) = value.split_first() else { return 0 };
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let hours = digits.get(..length).and_then(integer);
    if length > 0 && hours.is_some_and(|hours| hours <= 23) { length.saturating_add(1) } else { 0 }
}
