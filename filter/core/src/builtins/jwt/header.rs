//! What a token says about itself.

use super::super::Failure;
use super::super::pki::error;
use regorus::Value;

/// The header parameters that mean something here. What is absent is empty.
#[derive(Debug, Default)]
pub(super) struct Header<'a> {
    pub algorithm: &'a str,
    pub key: &'a str,
    content_type: &'a str,
    /// The token is only valid for those who understand a parameter that nobody here understands.
    is_beyond_us: bool,
}

impl<'a> Header<'a> {
    /// # Errors
    /// A parameter is of the wrong type.
    pub fn read(header: &'a Value) -> Result<Self, Failure> {
        let mut read = Header {
            algorithm: text(header, "alg")?,
            key: text(header, "kid")?,
            content_type: text(header, "cty")?,
            is_beyond_us: false,
        };
        text(header, "typ")?;
        read.is_beyond_us = match &header["crit"] {
            Value::Undefined => false,
            critical => is_any_unknown(header, critical)?,
        };
        Ok(read)
    }

    /// RFC 7515, 4.1.1 and 4.1.11.
    pub fn is_valid(&self) -> bool {
        !self.algorithm.is_empty() && !self.is_beyond_us
    }

    /// Whether the payload is a token in turn.
    pub fn is_nested(&self) -> bool {
        is_jwt(self.content_type)
    }
}

/// Go compares with Unicode's simple folding, but no other letter folds to J, W or T.
fn is_jwt(content_type: &str) -> bool {
    content_type.eq_ignore_ascii_case("JWT")
}

fn text<'a>(header: &'a Value, name: &str) -> Result<&'a str, Failure> {
    match &header[name] {
        Value::Undefined => Ok(""),
        Value::String(text) => Ok(text),
        _ => Err(error("JWT: a header parameter must be a string")),
    }
}

/// Whether `crit` names a parameter of the header that is not one of those above. OPA reads the list up to the first
/// element that is not a string.
fn is_any_unknown(header: &Value, critical: &Value) -> Result<bool, Failure> {
    const KNOWN: [&str; 5] = ["alg", "kid", "typ", "cty", "crit"];
    let Value::Array(names) = critical else { return Err(error("JWT: crit must be a list")) };
    let names = names.iter().map_while(|name| name.as_string().ok());
    let mut any = false;
    let mut unknown = false;
    for name in names {
        any = true;
        unknown |= !KNOWN.contains(&&**name) && header[&**name] != Value::Undefined;
    }
    if any { Ok(unknown) } else { Err(error("JWT: crit must name a parameter")) }
}
