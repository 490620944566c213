//! Go's durations, and OPA's days, weeks and years among them.

/// Half of what 64 bits hold: the most Go takes before it looks at the sign.
const LIMIT: u64 = 1 << 63;

/// Nanoseconds; `None` for whatever OPA refuses.
pub(super) fn parse(text: &str) -> Option<i64> {
    if !text.contains(['d', 'w', 'y']) {
        return standard(text);
    }
    standard(&in_hours(text)?)
}

/// The same duration with days, weeks and years written as hours.
fn in_hours(text: &str) -> Option<String> {
    let (sign, mut rest) =
        text.split_at_checked(text.len().min(1)).filter(|(sign, _)| matches!(*sign, "-" | "+")).unwrap_or(("", text));
    let mut out = sign.to_owned();
    while !rest.is_empty() {
        let digits = rest.len().checked_sub(rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len())?;
        let (number, behind) = rest.split_at_checked(digits).filter(|(number, _)| !number.is_empty())?;
        let unit = ["ms", "us", "µs", "ns"].into_iter().find(|unit| behind.starts_with(unit));
        let unit = unit.or_else(|| behind.get(..1).filter(|unit| unit.bytes().all(|c| c.is_ascii_lowercase())))?;
        rest = behind.strip_prefix(unit)?;
        match hours(unit) {
            Some(hours) => {
                let number: f64 = number.parse().ok().filter(|number: &f64| number.is_finite())?;
                out.push_str(&format!("{}h", number * hours));
            }
            None => out.extend([number, unit]),
        }
    }
    Some(out)
}

const fn hours(unit: &str) -> Option<f64> {
    match unit.as_bytes() {
        b"d" => Some(24.0),
        b"w" => Some(168.0),
        b"y" => Some(8760.0),
        _ => None,
    }
}

fn nanoseconds(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

fn standard(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (segment, behind) = segment(rest)?;
        // It wraps around as in Go, where two halves are nothing.
        total = total.wrapping_add(segment);
        if total > LIMIT {
            return None;
        }
        rest = behind;
    }
    if negative {
        return Some(0_i64.wrapping_sub_unsigned(total));
    }
    i64::try_from(total).ok()
}

/// A number and its unit, and what is behind them.
fn segment(text: &str) -> Option<(u64, &str)> {
    let behind_whole = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let whole = text.get(..text.len().checked_sub(behind_whole.len())?)?;
    let (fraction, behind) = match behind_whole.strip_prefix('.') {
        Some(rest) => {
            let behind = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            (rest.get(..rest.len().checked_sub(behind.len())?)?, behind)
        }
        None => ("", behind_whole),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let unit_length = behind.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(behind.len());
    let (unit, behind) = behind.split_at_checked(unit_length)?;
    let unit = nanoseconds(unit)?;
    let whole = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok().filter(|whole| *whole <= LIMIT)? };
    let whole = whole.checked_mul(unit).filter(|whole| *whole <= LIMIT)?;
    let total = whole.checked_add(part_of(unit, fraction)).filter(|total| *total <= LIMIT)?;
    Some((total, behind))
}

/// A fraction of a unit, with as many of its digits as fit, in Go's order of operations.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "as Go does")]
fn part_of(unit: u64, fraction: &str) -> u64 {
    let (mut value, mut scale) = (0_u64, 1.0_f64);
    for digit in fraction.bytes() {
        let next = value.checked_mul(10).and_then(|next| next.checked_add(u64::from(digit.saturating_sub(b'0'))));
        let Some(next) = next.filter(|next| value <= i64::MAX.unsigned_abs() / 10 && *next <= LIMIT) else { break };
        (value, scale) = (next, scale * 10.0);
    }
    (value as f64 * (unit as f64 / scale)) as u64
}
