//! A claim of a JSON web token whose signature is not looked at.

use crate::json::{self, Bounds};
use crate::request::Head;
use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use regorus::Value;

/// Longest token that is read, in bytes.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// A client writes the token, and it is read for every request: less than a body may hold.
const BOUNDS: Bounds = Bounds { values: 1_000, depth: 16, ..Bounds::TOKEN };

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Which claim, and of which token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The header that holds the token, lower case.
    pub header: String,
    /// The names that lead to the claim.
    pub path: Vec<String>,
}

impl Claim {
    /// The claim of a request's token, where that can be read and has it: a text, or a whole number in digits.
    pub(super) fn read(&self, head: &Head) -> Option<String> {
        let value = head.get(&self.header)?;
        let claims = claims(token(&value))?;
        let claim = self
            .path
            .iter()
            .try_fold(&claims, |value, name| value.as_object().ok()?.get(&Value::from(name.as_str())))?;
        match claim {
            Value::String(text) => Some(text.to_string()),
            Value::Number(number) => number.as_i64().map(|number| number.to_string()),
            _ => None,
        }
    }
}

/// The header's value without `Bearer `, if it begins so.
fn token(value: &str) -> &str {
    let rest = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    rest.map_or(value, |(_, rest)| rest.trim_start_matches(' '))
}

/// The payload of a signed token, which has three parts; an encrypted one has five.
fn claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return None;
    };
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=' | b'.');
    if token.len() > MAX_TOKEN_BYTES || !token.bytes().all(is_base64) {
        return None;
    }
    json::parse_within(&BASE64.decode(payload).ok()?, BOUNDS).ok()
}
