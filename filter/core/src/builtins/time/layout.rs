//! Go's layouts: the reference time `Mon Jan 2 15:04:05 MST 2006`, written as the times are to be written.

pub(super) const RFC3339: &str = "2006-01-02T15:04:05Z07:00";
pub(super) const RFC3339_NANO: &str = "2006-01-02T15:04:05.999999999Z07:00";

/// The layouts that OPA knows by name.
pub(super) fn named(name: &str) -> Option<&'static str> {
    Some(match name {
        "ANSIC" => "Mon Jan _2 15:04:05 2006",
        "UnixDate" => "Mon Jan _2 15:04:05 MST 2006",
        "RubyDate" => "Mon Jan 02 15:04:05 -0700 2006",
        "RFC822" => "02 Jan 06 15:04 MST",
        "RFC822Z" => "02 Jan 06 15:04 -0700",
        "RFC850" => "Monday, 02-Jan-06 15:04:05 MST",
        "RFC1123" => "Mon, 02 Jan 2006 15:04:05 MST",
        "RFC1123Z" => "Mon, 02 Jan 2006 15:04:05 -0700",
        "RFC3339" => RFC3339,
        "RFC3339Nano" => RFC3339_NANO,
        _ => return None,
    })
}

/// What stands at a place of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    MonthName {
        short: bool,
    },
    Month(Pad),
    WeekdayName {
        short: bool,
    },
    Day(Pad),
    YearDay(Pad),
    Hour,
    Hour12(Pad),
    Minute(Pad),
    Second(Pad),
    LongYear,
    ShortYear,
    /// `PM` or `pm`.
    HalfDay {
        upper: bool,
    },
    /// `MST`.
    ZoneName,
    Offset(Offset),
    /// `.000` or `.999`, with the number of digits.
    Fraction {
        separator: u8,
        digits: usize,
        trimmed: bool,
    },
}

/// How a number is filled up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pad {
    Not,
    Zero,
    Space,
}

/// How a zone's offset is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offset {
    /// No offset is `Z`.
    pub(super) z: bool,
    pub(super) colons: bool,
    pub(super) minutes: bool,
    pub(super) seconds: bool,
}

const fn offset(z: bool, colons: bool, minutes: bool, seconds: bool) -> Part {
    Part::Offset(Offset { z, colons, minutes, seconds })
}

/// Texts and what they stand for; a longer one comes before its beginning.
const PARTS: &[(&str, Part)] = &[
    ("January", Part::MonthName { short: false }),
    ("Monday", Part::WeekdayName { short: false }),
    ("MST", Part::ZoneName),
    ("01", Part::Month(Pad::Zero)),
    ("02", Part::Day(Pad::Zero)),
    ("03", Part::Hour12(Pad::Zero)),
    ("04", Part::Minute(Pad::Zero)),
    ("05", Part::Second(Pad::Zero)),
    ("06", Part::ShortYear),
    ("002", Part::YearDay(Pad::Zero)),
    ("15", Part::Hour),
    ("1", Part::Month(Pad::Not)),
    ("2006", Part::LongYear),
    ("2", Part::Day(Pad::Not)),
    ("_2", Part::Day(Pad::Space)),
    ("__2", Part::YearDay(Pad::Space)),
    ("3", Part::Hour12(Pad::Not)),
    ("4", Part::Minute(Pad::Not)),
    ("5", Part::Second(Pad::Not)),
    ("PM", Part::HalfDay { upper: true }),
    ("pm", Part::HalfDay { upper: false }),
    ("-070000", offset(false, false, true, true)),
    ("-07:00:00", offset(false, true, true, true)),
    ("-0700", offset(false, false, true, false)),
    ("-07:00", offset(false, true, true, false)),
    ("-07", offset(false, false, false, false)),
    ("Z070000", offset(true, false, true, true)),
    ("Z07:00:00", offset(true, true, true, true)),
    ("Z0700", offset(true, false, true, false)),
    ("Z07:00", offset(true, true, true, false)),
    ("Z07", offset(true, false, false, false)),
];

/// Short names, which are no names before a small letter.
const SHORT_NAMES: &[(&str, Part)] =
    &[("Jan", Part::MonthName { short: true }), ("Mon", Part::WeekdayName { short: true })];

/// The text before the first part, the part if there is one, and the rest.
pub(super) fn next(layout: &[u8]) -> (&[u8], Option<Part>, &[u8]) {
    for start in 0..layout.len() {
        let (before, here) = layout.split_at_checked(start).unwrap_or((layout, &[]));
        if let Some((part, rest)) = part_at(here) {
            return (before, Some(part), rest);
        }
    }
    (layout, None, &[])
}

fn part_at(here: &[u8]) -> Option<(Part, &[u8])> {
    // Of `_2006` the underscore is only text.
    if here.starts_with(b"_2006") {
        return None;
    }
    if let Some(b'.' | b',') = here.first() {
        return fraction(here);
    }
    for (text, part) in PARTS {
        if let Some(rest) = here.strip_prefix(text.as_bytes()) {
            return Some((*part, rest));
        }
    }
    for (text, part) in SHORT_NAMES {
        if let Some(rest) = here.strip_prefix(text.as_bytes())
            && !rest.first().is_some_and(u8::is_ascii_lowercase)
        {
            return Some((*part, rest));
        }
    }
    None
}

/// `.000` or `,999`, if no other digit follows.
fn fraction(here: &[u8]) -> Option<(Part, &[u8])> {
    let (separator, digits) = here.split_first()?;
    let digit = digits.first().copied().filter(|digit| matches!(digit, b'0' | b'9'))?;
    let count = digits.iter().take_while(|byte| **byte == digit).count();
    let rest = digits.get(count..)?;
    if rest.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    Some((Part::Fraction { separator: *separator, digits: count, trimmed: digit == b'9' }, rest))
}
