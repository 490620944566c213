//! Doubles: `%e`, `%f`, `%g`, `%b`, `%x`, as Go's `strconv.FormatFloat` and `fmt` print them.

use super::output::Output;
use crate::builtins::Failure;

/// A double has no digit behind these many, after the point or in all; what is asked for beyond is zeros.
const MAX_DIGITS: usize = 1100;

impl Output<'_> {
    pub(super) fn float(&mut self, float: f64, verb: char) -> Result<(), Failure> {
        let (format, default) = match verb {
            'v' => ('g', None),
            'F' => ('f', Some(6)),
            'e' | 'E' | 'f' => (verb, Some(6)),
            _ => (verb, None),
        };
        let precision = self.flags.precision.or(default);
        self.context.work(precision.unwrap_or(0).saturating_add(MAX_DIGITS))?;
        let mut number = format_float(float.abs(), format, precision);
        if self.flags.sharp && format != 'b' {
            number = with_point(&number, format, precision);
        }
        let sign = match (float.is_sign_negative(), self.flags.plus, self.flags.space) {
            (true, _, _) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            (false, false, false) => "",
        };
        self.signed(sign, &number)
    }

    /// Zeros that fill up the width stand behind the sign.
    fn signed(&mut self, sign: &str, number: &str) -> Result<(), Failure> {
        let length = sign.len().saturating_add(number.len());
        let missing = self.flags.width.unwrap_or(0).saturating_sub(length);
        if !sign.is_empty() && self.flags.zero && !self.flags.minus && missing > 0 {
            self.push(sign)?;
            self.fill(missing)?;
            return self.push(number);
        }
        self.pad(&format!("{sign}{number}"))
    }
}

/// `#`: a point in any case, and the zeros that `%g` leaves out.
fn with_point(number: &str, format: char, precision: Option<usize>) -> String {
    let hex = matches!(format, 'x' | 'X');
    let exponent: &[char] = if hex { &['p', 'P'] } else { &['e', 'E'] };
    let (mantissa, tail) = number.split_at(number.find(exponent).unwrap_or(number.len()));
    let wanted = match format {
        'g' | 'G' | 'x' => precision.unwrap_or(6),
        _ => 0,
    };
    let significant = mantissa.chars().filter(|c| *c != '.').skip_while(|c| *c == '0').count();
    let point = if mantissa.contains('.') { "" } else { "." };
    // A lone zero counts as a digit.
    let shown = significant.saturating_add(usize::from(mantissa == "0"));
    let zeros = "0".repeat(wanted.saturating_sub(shown));
    format!("{mantissa}{point}{zeros}{tail}")
}

/// Go's `strconv.FormatFloat` of a number that is not negative; no precision: as many digits as tell it apart.
fn format_float(float: f64, format: char, precision: Option<usize>) -> String {
    match format {
        'b' => binary(float),
        'x' | 'X' => hexadecimal(float, format, precision),
        'f' => fixed(float, precision.unwrap_or(6)),
        'e' | 'E' => {
            let precision = precision.unwrap_or(6);
            Decimal::of(float, Some(precision.saturating_add(1))).scientific(precision, format)
        }
        _ => general(float, if format == 'G' { 'E' } else { 'e' }, precision),
    }
}

fn fixed(float: f64, precision: usize) -> String {
    let exact = precision.min(MAX_DIGITS);
    format!("{float:.exact$}{}", "0".repeat(precision.saturating_sub(exact)))
}

/// `%g`: scientific for small and large exponents.
fn general(float: f64, e: char, precision: Option<usize>) -> String {
    let precision = precision.map(|precision| precision.max(1));
    let decimal = Decimal::of(float, precision);
    let digits = i64::try_from(decimal.digits.len()).unwrap_or(i64::MAX);
    let wanted = precision.and_then(|precision| i64::try_from(precision).ok());
    let turn = match wanted {
        None => 6,
        Some(wanted) if wanted > digits && digits >= decimal.point => digits,
        Some(wanted) => wanted,
    };
    let exponent = decimal.point.saturating_sub(1);
    if exponent < -4 || exponent >= turn {
        return decimal.scientific(decimal.digits.len().saturating_sub(1), e);
    }
    decimal.plain()
}

/// Decimal digits without zeros at the end, and where the point stands: `0.d₁d₂… · 10^point`.
struct Decimal {
    digits: String,
    point: i64,
}

impl Decimal {
    /// So many significant digits, rounded to even; `None`: as many as tell the number apart.
    fn of(float: f64, significant: Option<usize>) -> Self {
        let text = match significant {
            None => format!("{float:e}"),
            Some(significant) => {
                let behind_point = significant.saturating_sub(1).min(MAX_DIGITS);
                format!("{float:.behind_point$e}")
            }
        };
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = mantissa.replace('.', "").trim_end_matches('0').to_owned();
        let exponent = exponent.parse::<i64>().unwrap_or(0);
        let point = if digits.is_empty() { 0 } else { exponent.saturating_add(1) };
        Self { digits, point }
    }

    /// `d.ddde±dd` with so many digits behind the point.
    fn scientific(&self, precision: usize, e: char) -> String {
        let mut digits = self.digits.chars();
        let first = digits.next().unwrap_or('0');
        let behind: String = digits.take(precision).collect();
        let zeros = "0".repeat(precision.saturating_sub(behind.len()));
        let point = if precision > 0 { "." } else { "" };
        let exponent = if self.digits.is_empty() { 0 } else { self.point.saturating_sub(1) };
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{first}{point}{behind}{zeros}{e}{sign}{:02}", exponent.unsigned_abs())
    }

    /// All digits, without an exponent.
    fn plain(&self) -> String {
        let before = usize::try_from(self.point).unwrap_or(0);
        let leading = usize::try_from(self.point.saturating_neg()).unwrap_or(0);
        let (whole, fraction) = self.digits.split_at_checked(before).unwrap_or((&self.digits, ""));
        let mut out = if before == 0 { "0".to_owned() } else { whole.to_owned() };
        out.push_str(&"0".repeat(before.saturating_sub(self.digits.len())));
        if !fraction.is_empty() {
            out.push('.');
            out.push_str(&"0".repeat(leading));
            out.push_str(fraction);
        }
        out
    }
}

/// Mantissa and exponent of two: the number is `mantissa · 2^exponent`.
fn parts(float: f64) -> (u64, i64) {
    let bits = float.abs().to_bits();
    let mantissa = bits & ((1 << 52) - 1);
    let exponent = i64::try_from(bits >> 52).unwrap_or(0);
    match exponent {
        0 => (mantissa, -1074),
        _ => (mantissa | (1 << 52), exponent.saturating_sub(1075)),
    }
}

fn binary(float: f64) -> String {
    let (mantissa, exponent) = parts(float);
    format!("{mantissa}p{exponent:+}")
}

/// `0x1.8p+01`
fn hexadecimal(float: f64, format: char, precision: Option<usize>) -> String {
    let (mantissa, exponent) = parts(float);
    // The first bit stands at 2^60: fifteen hexadecimal digits behind the point.
    let shift = mantissa.leading_zeros().saturating_sub(3);
    let mut mantissa = mantissa.checked_shl(shift).unwrap_or(0);
    let shift = i64::from(shift);
    let mut exponent = if mantissa == 0 { 0 } else { exponent.saturating_add(60).saturating_sub(shift) };
    if let Some(kept) = precision.filter(|kept| *kept < 15).and_then(|kept| u32::try_from(kept).ok()) {
        mantissa = rounded(mantissa, 60_u32.saturating_sub(kept.saturating_mul(4)));
        if mantissa & (1 << 61) != 0 {
            mantissa >>= 1;
            exponent = exponent.saturating_add(1);
        }
    }
    let all = format!("{:015x}", mantissa & ((1 << 60) - 1));
    let fraction = match precision {
        None => all.trim_end_matches('0').to_owned(),
        Some(precision) => {
            let kept: String = all.chars().take(precision).collect();
            let zeros = "0".repeat(precision.saturating_sub(kept.len()));
            kept + &zeros
        }
    };
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    let text = format!("0x{}{point}{fraction}p{sign}{:02}", mantissa >> 60, exponent.unsigned_abs());
    if format == 'X' { text.to_ascii_uppercase() } else { text }
}

/// Without the lowest bits, rounded to even.
fn rounded(mantissa: u64, dropped: u32) -> u64 {
    let kept = mantissa.checked_shr(dropped).unwrap_or(0);
    let unit = 1_u64.checked_shl(dropped).unwrap_or(0);
    let half = unit >> 1;
    let rest = mantissa & unit.wrapping_sub(1);
    let up = rest > half || (rest == half && kept & 1 == 1);
    kept.saturating_add(u64::from(up)).checked_shl(dropped).unwrap_or(0)
}
