//! `json.unmarshal` and `json.is_valid`, by the reader that everything from outside goes through.
//!
//! regorus' own would take the object `{"$serde_json::private::Number": "1"}` of a client for the number 1, and expand
//! `1e30000000` digit by digit.

use crate::json::{JsonError, TRAILING, parse};
use regorus::Value;

/// `json.unmarshal(text)`: undefined for what is no JSON; `None` where OPA may have a value: beyond the reader's bounds,
/// and for a value followed by `null`, which OPA's reader takes for the end of the text.
pub(super) fn unmarshal(args: &[Value]) -> Option<Value> {
    match read(args) {
        Some(Ok(value)) => Some(value),
        Some(Err(error)) if error.beyond_bounds || is_followed_by_null(args, &error) => None,
        Some(Err(_)) | None => Some(Value::Undefined),
    }
}

fn is_followed_by_null(args: &[Value], error: &JsonError) -> bool {
    let rest = args.first().and_then(|text| text.as_string().ok()?.as_bytes().get(error.offset..));
    error.message == TRAILING && rest.is_some_and(|rest| rest.starts_with(b"null"))
}

/// `json.is_valid(text)`: false for what is no text; `None` beyond the reader's bounds.
pub(super) fn is_valid(args: &[Value]) -> Option<Value> {
    match read(args) {
        Some(Err(error)) if error.beyond_bounds => None,
        read => Some(Value::from(matches!(read, Some(Ok(_))))),
    }
}

fn read(args: &[Value]) -> Option<Result<Value, JsonError>> {
    let text = args.first()?.as_string().ok()?;
    Some(parse(text.as_bytes()))
}
