//! `time.*`.

pub(crate) mod calendar;
mod duration;
mod format;
mod layout;
mod parse;
mod zone;

use super::args::{array, small_integer, string};
use super::{Builtin, Context, Failure, clock, own};
use calendar::{Civil, days_in_month};
use regorus::Value;
use zone::Zone;

pub(super) const TABLE: &[Builtin] = &[
    clock("time.now_ns", 0, now),
    own("time.parse_ns", 2, parse_ns),
    own("time.parse_rfc3339_ns", 1, parse_rfc3339_ns),
    own("time.parse_duration_ns", 1, parse_duration_ns),
    own("time.format", 1, format_time),
    own("time.date", 1, date),
    own("time.clock", 1, clock_of),
    own("time.weekday", 1, weekday),
    own("time.add_date", 4, add_date),
    own("time.diff", 2, diff),
];

/// Largest number of years, months or days that is added; beyond it Go's integers wrap around.
const MAX_ADDED: i64 = 10_000_000_000;

/// A moment in a zone, and the layout that may stand beside it.
struct Time<'a> {
    nanoseconds: i64,
    zone: Zone,
    layout: &'a str,
}

impl<'a> Time<'a> {
    /// Nanoseconds since the epoch, or an array of them, a zone's name and a layout.
    fn of(context: &mut Context, value: &'a Value) -> Result<Self, Failure> {
        if let Value::Number(_) = value {
            return Ok(Self { nanoseconds: small_integer(value)?, zone: Zone, layout: "" });
        }
        let mut parts = array(value)?.iter();
        let nanoseconds = small_integer(parts.next().unwrap_or(&Value::Null))?;
        let zone = parts.next().map(string).transpose()?.unwrap_or_default();
        let layout = parts.next().map(string).transpose()?.unwrap_or_default();
        Ok(Self { nanoseconds, zone: Zone::named(context, zone)?, layout })
    }

    fn civil(&self) -> Civil {
        self.zone.civil(self.nanoseconds)
    }
}

/// Milliseconds since the epoch as RFC 3339 has them, in UTC; `None` after the year 2262.
pub(crate) fn rfc3339(milliseconds: u64) -> Option<String> {
    let nanoseconds = i64::try_from(milliseconds).ok()?.checked_mul(1_000_000)?;
    let Civil { year, month, day, hour, minute, second, nanosecond, .. } = Civil::at(nanoseconds, 0, String::new());
    let millisecond = nanosecond.div_euclid(1_000_000);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z"))
}

fn now(context: &mut Context, _: &[Value]) -> Result<Value, Failure> {
    Ok(Value::from(context.moment().now_ns))
}

fn parse_ns(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [layout, value] = args else { return Err(Failure::ARITY) };
    let (layout, value) = (string(layout)?, string(value)?);
    parsed(context, layout::named(layout).unwrap_or(layout), value)
}

fn parse_rfc3339_ns(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value] = args else { return Err(Failure::ARITY) };
    parsed(context, layout::RFC3339, string(value)?)
}

fn parsed(context: &mut Context, layout: &str, value: &str) -> Result<Value, Failure> {
    context.work(layout.len().saturating_add(value.len()))?;
    let (seconds, nanoseconds) =
        parse::parse(layout.as_bytes(), value.as_bytes()).ok_or(Failure::Error("is not such a time".into()))?;
    nanoseconds_value(seconds, nanoseconds)
}

/// Whether Go reads the text by that layout, in whatever year.
pub(super) fn is_time(layout: &str, text: &str) -> bool {
    parse::parse(layout.as_bytes(), text.as_bytes()).is_some()
}

/// OPA's range is that of 64 bits of nanoseconds, from 1677 to 2262.
fn nanoseconds_value(seconds: i64, nanoseconds: i64) -> Result<Value, Failure> {
    let total = i128::from(seconds).checked_mul(1_000_000_000).and_then(|ns| ns.checked_add(i128::from(nanoseconds)));
    let total = total.and_then(|total| i64::try_from(total).ok());
    total.map(Value::from).ok_or(Failure::Error("time outside of valid range".into()))
}

fn parse_duration_ns(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [text] = args else { return Err(Failure::ARITY) };
    let text = string(text)?;
    context.work(text.len())?;
    duration::parse(text).map(Value::from).ok_or(Failure::Error("is not a duration".into()))
}

fn format_time(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value] = args else { return Err(Failure::ARITY) };
    let time = Time::of(context, value)?;
    let layout = match time.layout {
        "" => layout::RFC3339_NANO,
        layout => layout::named(layout).unwrap_or(layout),
    };
    // The longest name is nine times as long as its place in the layout.
    context.work(layout.len().saturating_mul(9))?;
    Ok(Value::from(format::format(&time.civil(), layout.as_bytes())))
}

fn date(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value] = args else { return Err(Failure::ARITY) };
    let civil = Time::of(context, value)?.civil();
    Ok(integers([civil.year, civil.month, civil.day]))
}

fn clock_of(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value] = args else { return Err(Failure::ARITY) };
    let civil = Time::of(context, value)?.civil();
    Ok(integers([civil.hour, civil.minute, civil.second]))
}

fn integers<const N: usize>(integers: [i64; N]) -> Value {
    Value::from(integers.map(Value::from).to_vec())
}

fn weekday(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value] = args else { return Err(Failure::ARITY) };
    Ok(Value::from(Time::of(context, value)?.civil().weekday_name()))
}

/// Calendar arithmetic: the 31st of a month that has none is in the next.
fn add_date(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value, years, months, days] = args else { return Err(Failure::ARITY) };
    let time = Time::of(context, value)?;
    let added = [small_integer(years)?, small_integer(months)?, small_integer(days)?];
    if added.iter().any(|added| added.unsigned_abs() > MAX_ADDED.unsigned_abs()) {
        return Err(Failure::Inexact("a date so far away that Go's integers wrap around"));
    }
    let [years, months, days] = added;
    let mut civil = time.civil();
    civil.year = civil.year.saturating_add(years);
    civil.month = civil.month.saturating_add(months);
    civil.day = civil.day.saturating_add(days);
    nanoseconds_value(time.zone.seconds(&civil), civil.nanosecond)
}

/// Years, months, days, hours, minutes and seconds between two moments, in the first one's zone.
fn diff(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [a, b] = args else { return Err(Failure::ARITY) };
    let (a, b) = (Time::of(context, a)?, Time::of(context, b)?);
    let (early, late) = (a.nanoseconds.min(b.nanoseconds), a.nanoseconds.max(b.nanoseconds));
    let (early, late) = (a.zone.civil(early), a.zone.civil(late));
    // From seconds up, each with the number that the next one is worth.
    let differences = [
        (late.second.saturating_sub(early.second), 60),
        (late.minute.saturating_sub(early.minute), 60),
        (late.hour.saturating_sub(early.hour), 24),
        (late.day.saturating_sub(early.day), days_in_month(early.year, early.month)),
        (late.month.saturating_sub(early.month), 12),
        (late.year.saturating_sub(early.year), 0),
    ];
    let mut borrowed = 0;
    let mut parts = differences.map(|(difference, worth)| {
        let difference = difference.saturating_sub(borrowed);
        borrowed = i64::from(difference < 0);
        Value::from(if difference < 0 { difference.saturating_add(worth) } else { difference })
    });
    parts.reverse();
    Ok(Value::from(parts.to_vec()))
}
