//! A time, written as a layout says.

use super::calendar::Civil;
use super::layout::{self, Offset, Pad, Part};

pub(super) fn format(time: &Civil, layout: &[u8]) -> String {
    let mut out = Vec::new();
    let mut rest = layout;
    loop {
        let (text, part, after) = layout::next(rest);
        out.extend_from_slice(text);
        let Some(part) = part else { break };
        out.extend_from_slice(write(time, part).as_bytes());
        rest = after;
    }
    // Parts begin and end between characters: they are ASCII.
    String::from_utf8(out).unwrap_or_default()
}

fn write(time: &Civil, part: Part) -> String {
    match part {
        Part::MonthName { short } => name(time.month_name(), short),
        Part::WeekdayName { short } => name(time.weekday_name(), short),
        Part::Month(pad) => number(time.month, 2, pad),
        Part::Day(pad) => number(time.day, 2, pad),
        Part::YearDay(pad) => number(time.day_of_year(), 3, pad),
        Part::Hour => number(time.hour, 2, Pad::Zero),
        Part::Hour12(pad) => number(time.hour.saturating_sub(1).rem_euclid(12).saturating_add(1), 2, pad),
        Part::Minute(pad) => number(time.minute, 2, pad),
        Part::Second(pad) => number(time.second, 2, pad),
        Part::LongYear => number(time.year, 4, Pad::Zero),
        Part::ShortYear => number(time.year.rem_euclid(100), 2, Pad::Zero),
        Part::HalfDay { upper } => half_day(time.hour >= 12, upper).to_owned(),
        Part::ZoneName => time.zone.clone(),
        Part::Offset(form) => offset(time.offset, form),
        Part::Fraction { separator, digits, trimmed } => fraction(time.nanosecond, separator, digits, trimmed),
    }
}

fn name(name: &str, short: bool) -> String {
    name.chars().take(if short { 3 } else { usize::MAX }).collect()
}

fn number(number: i64, width: usize, pad: Pad) -> String {
    match pad {
        Pad::Not => number.to_string(),
        Pad::Zero => format!("{number:0width$}"),
        Pad::Space => format!("{number:width$}"),
    }
}

const fn half_day(after_noon: bool, upper: bool) -> &'static str {
    match (after_noon, upper) {
        (true, true) => "PM",
        (false, true) => "AM",
        (true, false) => "pm",
        (false, false) => "am",
    }
}

fn offset(seconds: i64, form: Offset) -> String {
    if form.z && seconds == 0 {
        return "Z".to_owned();
    }
    // As in Go: less than a minute behind has no sign.
    let sign = if seconds <= -60 { '-' } else { '+' };
    let seconds = seconds.unsigned_abs();
    let colon = if form.colons { ":" } else { "" };
    let mut out = format!("{sign}{:02}", seconds.div_euclid(3600));
    if form.minutes {
        out.push_str(&format!("{colon}{:02}", seconds.div_euclid(60).rem_euclid(60)));
    }
    if form.seconds {
        out.push_str(&format!("{colon}{:02}", seconds.rem_euclid(60)));
    }
    out
}

fn fraction(nanosecond: i64, separator: u8, digits: usize, trimmed: bool) -> String {
    let all = format!("{nanosecond:09}");
    let kept = all.get(..digits).unwrap_or(&all);
    let kept = if trimmed { kept.trim_end_matches('0') } else { kept };
    if kept.is_empty() { String::new() } else { format!("{}{kept}", char::from(separator)) }
}
