//! Arguments for which a builtin of regorus is known to answer as OPA's.
//!
//! A guard that says no makes the evaluation an error, which is never an allow.

use regorus::Value;

/// `true`: the builtin may be asked.
pub(super) type Guard = fn(&[Value]) -> bool;

/// Largest integer that a double still tells from its neighbours.
const MAX_INTEGER: i64 = 9_007_199_254_740_991;
/// Decimal digits that a double keeps.
const MAX_DIGITS: usize = 15;

/// Proven for every argument.
pub(super) fn any(_: &[Value]) -> bool {
    true
}

/// No number among the arguments is a fraction or too large.
pub(super) fn integers(args: &[Value]) -> bool {
    args.iter().all(|arg| !matches!(arg, Value::Number(_)) || is_integer(arg))
}

/// No number inside the first argument is a fraction or too large.
pub(super) fn integers_inside(args: &[Value]) -> bool {
    match args.first() {
        Some(Value::Array(items)) => items.iter().all(|item| integers(std::slice::from_ref(item))),
        Some(Value::Set(items)) => items.iter().all(|item| integers(std::slice::from_ref(item))),
        _ => true,
    }
}

fn is_integer(value: &Value) -> bool {
    value.as_i64().is_ok_and(|n| (-MAX_INTEGER..=MAX_INTEGER).contains(&n))
}

/// Numbers that a double holds as they are written.
pub(super) fn small_numbers(args: &[Value]) -> bool {
    args.iter().all(|arg| !matches!(arg, Value::Number(_)) || is_exact_number(&arg.to_string()))
}

fn is_exact_number(text: &str) -> bool {
    text != "-0"
        && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.'))
        && text.bytes().filter(u8::is_ascii_digit).count() <= MAX_DIGITS
}

/// Numbers as for [`small_numbers`]; OPA rounds negative fractions in its own way.
pub(super) fn not_below_zero(args: &[Value]) -> bool {
    integers(args) || small_numbers(args) && !args.iter().any(|arg| arg.to_string().starts_with('-'))
}

/// Text without characters beyond the basic plane, which regorus counts as two.
pub(super) fn basic_plane(args: &[Value]) -> bool {
    args.iter().all(|arg| arg.as_string().map_or(true, |text| text.chars().all(|c| c <= '\u{FFFF}')))
}

/// The second argument, what is looked for, is not the empty string.
pub(super) fn sought(args: &[Value]) -> bool {
    args.get(1).is_none_or(|arg| arg.as_string().map_or(true, |text| !text.is_empty()))
}

/// Case mapping is the same for ASCII only.
pub(super) fn ascii(args: &[Value]) -> bool {
    args.iter().all(|arg| arg.as_string().map_or(true, |text| text.is_ascii()))
}

/// regorus orders sets before objects, OPA after them.
pub(super) fn ordered(args: &[Value]) -> bool {
    !args.iter().any(holds_inner_set)
}

/// A set in the collection, at any depth. Values are not deep, and what is shared in them is counted
/// each time: deeper than 64 and more than a million values count as one.
fn holds_inner_set(value: &Value) -> bool {
    const MAX_VALUES: usize = 1_000_000;
    let mut open: Vec<(&Value, u32)> = vec![(value, 0)];
    let mut seen = 1_usize;
    while let Some((value, depth)) = open.pop() {
        let inner = depth.saturating_add(1);
        seen = seen.saturating_add(match value {
            Value::Set(items) => items.len(),
            Value::Array(items) => items.len(),
            Value::Object(fields) => fields.len().saturating_mul(2),
            _ => 0,
        });
        match value {
            _ if depth > 64 || seen > MAX_VALUES => return true,
            Value::Set(_) if depth > 0 => return true,
            Value::Set(items) => open.extend(items.iter().map(|item| (item, inner))),
            Value::Array(items) => open.extend(items.iter().map(|item| (item, inner))),
            Value::Object(fields) => {
                open.extend(fields.iter().flat_map(|(key, value)| [(key, inner), (value, inner)]));
            }
            _ => {}
        }
    }
    false
}

/// Text that Go and Rust read as the same number, or neither reads.
pub(super) fn number_text(args: &[Value]) -> bool {
    match args.first().map(Value::as_string) {
        Some(Ok(text)) => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            let plain = !digits.is_empty()
                && digits.len() <= MAX_DIGITS
                && digits.bytes().all(|b| b.is_ascii_digit())
                && (digits == "0" && digits.len() == text.len() || !digits.starts_with('0'));
            plain || !text.bytes().any(|b| b.is_ascii_digit() || matches!(b, b'n' | b'N'))
        }
        _ => true,
    }
}

/// Base 64 as encoders write it, or text that no decoder takes. Between the two, Go skips line ends
/// and stray bits that Rust refuses.
pub(super) fn base64(args: &[Value]) -> bool {
    let Some(Ok(text)) = args.first().map(Value::as_string) else { return true };
    let sextets: Vec<Option<u8>> = text.trim_end_matches('=').bytes().map(sextet).collect();
    if sextets.iter().any(Option::is_none) {
        return !text.contains(['\r', '\n']);
    }
    let padding = text.len().saturating_sub(sextets.len());
    let last = sextets.last().copied().flatten().unwrap_or(0);
    match (sextets.len() % 4, padding) {
        (0, 0) => true,
        (2, 0 | 2) => last & 0b1111 == 0,
        (3, 0 | 1) => last & 0b11 == 0,
        (1, _) => true,
        _ => false,
    }
}

/// Value of a character of either alphabet.
fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => byte.checked_sub(b'A'),
        b'a'..=b'z' => byte.checked_sub(b'a').and_then(|n| n.checked_add(26)),
        b'0'..=b'9' => byte.checked_sub(b'0').and_then(|n| n.checked_add(52)),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// The text lost no bytes in decoding: regorus replaces what is not UTF-8, OPA keeps it.
pub(super) fn is_whole_text(value: &Value) -> bool {
    value.as_string().map_or(true, |text| !text.contains('\u{FFFD}'))
}

/// Versions of three plain numbers and plain pre-release words.
pub(super) fn semver(args: &[Value]) -> bool {
    args.iter().all(|arg| arg.as_string().map_or(true, |text| is_plain_version(text)))
}

fn is_plain_version(text: &str) -> bool {
    const MAX_NUMBER: usize = 9;
    let (numbers, words) = match text.split_once('-') {
        Some((numbers, words)) => (numbers, Some(words)),
        None => (text, None),
    };
    let plain = |number: &str| {
        (1..=MAX_NUMBER).contains(&number.len())
            && number.bytes().all(|b| b.is_ascii_digit())
            && (number == "0" || !number.starts_with('0'))
    };
    let word = |word: &str| {
        plain(word)
            || word.starts_with(|c: char| c.is_ascii_alphabetic()) && word.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    numbers.split('.').count() == 3
        && numbers.split('.').all(plain)
        && words.is_none_or(|words| words.split('.').all(word))
}
