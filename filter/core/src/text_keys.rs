//! Keys into data, which OPA reads as texts.
//!
//! A reference that begins at `data` is a path of texts for OPA's evaluator: a number finds the key that is spelled
//! like it, and `"0"` the first item of an array. `not data.blocked[input.id]` must not hold because we look for a
//! number where OPA looks for its digits.

use crate::builtins::{Context, Failure, is_double};
use regorus::Value;

/// What looking at one key counts as, in bytes of work.
const BYTES_PER_KEY: usize = 16;

/// Whether reading `key` as text could find something else than the usual lookup, which found something or nothing.
/// A plan does not keep which lookups begin at `data`, so there nobody can tell which is meant.
///
/// # Errors
/// The budget is used up.
pub fn is_ambiguous(value: &Value, key: &Value, found: bool, context: &mut Context) -> Result<bool, Failure> {
    match (value, key) {
        // Data has no numbers as keys, so what was found is no data.
        (Value::Object(_), Value::Number(_)) if !found => has_spelling(value, key, context),
        (Value::Array(items), Value::String(text)) => Ok(position(text).is_some_and(|index| index < items.len())),
        // As text, 1.0 is no position.
        (Value::Array(_), Value::Number(_)) => Ok(found && is_double(key)),
        _ => Ok(false),
    }
}

/// Whether an object has a text as key that reads as the number, in whatever spelling.
///
/// # Errors
/// The budget is used up.
pub fn has_spelling(object: &Value, number: &Value, context: &mut Context) -> Result<bool, Failure> {
    let (Value::Object(members), Value::Number(number)) = (object, number) else { return Ok(false) };
    context.work(members.len().saturating_mul(BYTES_PER_KEY))?;
    let wanted = number.format_decimal().parse::<f64>();
    Ok(members.iter().any(|(key, _)| match key {
        Value::String(text) => {
            text.starts_with(|first: char| first.is_ascii_digit() || first == '-') && text.parse::<f64>() == wanted
        }
        _ => false,
    }))
}

/// The position that Go's `Atoi` reads: digits, perhaps behind a sign. What has too many of them is none.
pub fn position(text: &str) -> Option<usize> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let position = digits.parse().ok()?;
    (position == 0 || !text.starts_with('-')).then_some(position)
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::{is_ambiguous, position};
    use crate::builtins::Context;
    use crate::host::testing::FakeClock;
    use regorus::Value;
    use std::rc::Rc;

    #[test]
    fn positions_are_read_as_go_reads_them() {
        for (text, want) in [
            ("0", Some(0)),
            ("00", Some(0)),
            ("+1", Some(1)),
            ("-0", Some(0)),
            ("12", Some(12)),
            ("-1", None),
            ("", None),
            ("+", None),
            ("1.0", None),
            ("1_0", None),
            (" 1", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(position(text), want, "{text}");
        }
    }

    #[test]
    fn a_key_is_ambiguous_where_its_text_finds_something_else() {
        let mut context = Context::new(Rc::new(FakeClock::default()));
        context.begin(
            crate::config::Limits { time: std::time::Duration::from_secs(1), steps: 10_000 },
            Default::default(),
        );
        let parse = |text: &str| crate::json::parse(text.as_bytes()).unwrap();
        for (value, key, found, want) in [
            (r#"{"2":1}"#, "2", false, true),
            (r#"{"2.0":1}"#, "2", false, true),
            (r#"{"2e0":1}"#, "2", false, true),
            (r#"{"2.50":1}"#, "2.5", false, true),
            (r#"{"-2":1}"#, "-2", false, true),
            (r#"{"3":1, "two":2}"#, "2", false, false),
            (r#"{"2":1}"#, "2", true, false),
            (r#"{"2":1}"#, r#""3""#, false, false),
            (r#"["a"]"#, r#""0""#, false, true),
            (r#"["a"]"#, r#""00""#, false, true),
            (r#"["a"]"#, r#""1""#, false, false),
            (r#"["a"]"#, r#""a""#, false, false),
            (r#"["a"]"#, "0", true, false),
            (r#"["a"]"#, "0.0", true, true),
            (r#"["a"]"#, "7.0", false, false),
        ] {
            let ambiguous = is_ambiguous(&parse(value), &parse(key), found, &mut context).unwrap();
            assert_eq!(ambiguous, want, "{value}[{key}]");
        }
        assert!(!is_ambiguous(&Value::Null, &Value::Null, false, &mut context).unwrap());
    }
}
