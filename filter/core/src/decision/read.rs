//! Reads the result value, key by key, in the contract's order; the first failure wins.

use super::{Decision, Header, Mutations, QueryMutations, Reply};
use regorus::Value;

/// Statuses that stand in both Go's and Envoy's lists (contract section 2.3), but for 100: it ends no response, and the
/// client would take the next one for it.
const STATUSES: [std::ops::RangeInclusive<u16>; 11] = [
    200..=208,
    226..=226,
    300..=305,
    307..=308,
    400..=417,
    421..=424,
    426..=426,
    428..=429,
    431..=431,
    500..=508,
    510..=511,
];

/// Envoy takes a header list of more than 1,024 pairs or 1 MiB for empty, without a word (trap T12): a decision
/// with more than this is an error instead.
const MAX_PAIRS: usize = 512;
const MAX_BYTES: usize = 256 * 1024;

/// Why a result value is not a decision. Names the key and the type, never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadResult(pub String);

impl std::fmt::Display for BadResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadResult {}

/// Reads a result.
///
/// # Errors
/// The value is neither a boolean nor an object of the contract's shape, or holds a header that HTTP cannot carry.
pub fn read(result: &Value) -> Result<Decision, BadResult> {
    match result {
        Value::Bool(true) => Ok(Decision::Allow(Mutations::default())),
        Value::Bool(false) => Ok(Decision::Deny(denied(Vec::new(), String::new(), 403))),
        Value::Object(_) => read_object(&Members(result)),
        other => Err(BadResult(format!("the decision must be a boolean or an object, not {}", kind(other)))),
    }
}

fn read_object(members: &Members) -> Result<Decision, BadResult> {
    let allowed = match members.get("allowed") {
        Some(Value::Bool(allowed)) => *allowed,
        Some(other) => return Err(wrong("allowed", "a boolean", other)),
        None => return Err(BadResult("`allowed` is missing".to_owned())),
    };
    let headers = members.headers("headers")?;
    if allowed {
        headers.iter().try_for_each(check_request_header)?;
    } else {
        headers.iter().try_for_each(check_reply_header)?;
    }
    if let Some(other) = members.get("dynamic_metadata").filter(|value| value.as_object().is_err()) {
        return Err(wrong("dynamic_metadata", "an object", other));
    }
    if allowed { read_allow(members, headers) } else { Ok(Decision::Deny(read_deny(members, headers)?)) }
}

fn read_allow(members: &Members, headers: Vec<Header>) -> Result<Decision, BadResult> {
    let remove_request_headers = header_names(members.strings("request_headers_to_remove")?)?;
    let add_response_headers = members.headers("response_headers_to_add")?;
    add_response_headers.iter().try_for_each(check_response_header)?;
    let query = QueryMutations {
        remove: members.strings("query_parameters_to_remove")?,
        set: members.query_parameters("query_parameters_to_set")?,
    };
    Ok(Decision::Allow(Mutations {
        set_request_headers: last_of_each_name(headers),
        remove_request_headers,
        add_response_headers,
        query,
    }))
}

fn read_deny(members: &Members, headers: Vec<Header>) -> Result<Reply, BadResult> {
    let body = match members.get("body") {
        None => String::new(),
        Some(Value::String(body)) => body.to_string(),
        Some(other) => return Err(wrong("body", "a string", other)),
    };
    let status = match members.get("http_status") {
        None => 403,
        Some(value) => status(value)?,
    };
    // These have no body; one would be taken for the beginning of the next response.
    let body = if matches!(status, 204 | 205 | 304) { String::new() } else { body };
    Ok(denied(headers, body, status))
}

/// Names to remove, lower case.
fn header_names(names: Vec<String>) -> Result<Vec<String>, BadResult> {
    const KEY: &str = "request_headers_to_remove";
    let mut lower = Vec::with_capacity(names.len());
    for name in names {
        let name = name.to_ascii_lowercase();
        // Envoy keeps these silently.
        if name == "host" || name.starts_with(':') {
            continue;
        }
        if !crate::http::is_header_name(name.as_bytes()) || crate::http::is_framing_header(&name) {
            return Err(BadResult(format!("`{KEY}` holds a name that a policy may not remove")));
        }
        lower.push(name);
    }
    Ok(lower)
}

/// A header of the request to the upstream: four pseudo-headers may be set, the framing may not.
fn check_request_header((name, value): &Header) -> Result<(), BadResult> {
    let fine = match name.as_str() {
        ":path" => crate::http::is_path(value),
        ":method" => crate::http::is_header_name(value.as_bytes()),
        ":authority" | ":scheme" => true,
        name => !name.starts_with(':') && !crate::http::is_framing_header(name),
    };
    if fine { Ok(()) } else { Err(forbidden("headers", name)) }
}

/// A header of the upstream's response.
fn check_response_header((name, _): &Header) -> Result<(), BadResult> {
    if name.starts_with(':') || crate::http::is_framing_header(name) {
        return Err(forbidden("response_headers_to_add", name));
    }
    Ok(())
}

/// A header of our own reply. Pseudo-headers and `content-length` have no effect (contract section 2.4).
fn check_reply_header((name, _): &Header) -> Result<(), BadResult> {
    if crate::http::is_framing_header(name) && name != "content-length" {
        return Err(forbidden("headers", name));
    }
    Ok(())
}

fn forbidden(key: &str, name: &str) -> BadResult {
    BadResult(format!("`{key}` sets `{}`, which a policy may not, or not to this value", name.escape_debug()))
}

fn denied(headers: Vec<Header>, body: String, status: u16) -> Reply {
    Reply {
        status,
        // `:status` and `content-length` of a policy have no effect (contract section 2.4).
        headers: headers.into_iter().filter(|(name, _)| !name.starts_with(':') && name != "content-length").collect(),
        body,
        details: Reply::DENIED,
    }
}

fn status(value: &Value) -> Result<u16, BadResult> {
    value
        .as_number()
        .ok()
        .filter(|number| number.is_integer())
        .and_then(|number| number.as_u64())
        .and_then(|status| u16::try_from(status).ok())
        .filter(|status| STATUSES.iter().any(|range| range.contains(status)))
        .ok_or_else(|| BadResult("`http_status` must be an integer that is an HTTP status".to_owned()))
}

/// Overwriting keeps one value a name, and the last one wins (contract section 2.4).
fn last_of_each_name(headers: Vec<Header>) -> Vec<Header> {
    let mut kept: Vec<Header> = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        kept.retain(|(other, _)| *other != name);
        kept.push((name, value));
    }
    kept
}

/// The members of the result object.
struct Members<'a>(&'a Value);

impl<'a> Members<'a> {
    fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.as_object().ok()?.get(&Value::from(name))
    }

    /// An object, or an array or set of objects; each value a string or an array of strings.
    fn headers(&self, key: &str) -> Result<Vec<Header>, BadResult> {
        let mut headers = Vec::new();
        match self.get(key) {
            None => {}
            Some(object @ Value::Object(_)) => header_object(key, object, &mut headers)?,
            Some(list) => {
                for object in items(list).ok_or_else(|| wrong(key, "an object or an array of objects", list))? {
                    header_object(key, object, &mut headers)?;
                }
            }
        }
        bounded(key, &headers)?;
        Ok(headers)
    }

    /// An array or set of strings.
    fn strings(&self, key: &str) -> Result<Vec<String>, BadResult> {
        let Some(list) = self.get(key) else {
            return Ok(Vec::new());
        };
        let items = items(list).ok_or_else(|| wrong(key, "an array of strings", list))?;
        if items.len() > MAX_PAIRS {
            return Err(BadResult(format!("`{key}` has more than {MAX_PAIRS} entries")));
        }
        items.into_iter().map(|item| string(key, item)).collect()
    }

    /// An object; each value a string or an array of strings, of which Envoy keeps the last.
    fn query_parameters(&self, key: &str) -> Result<Vec<(String, String)>, BadResult> {
        let Some(value) = self.get(key) else {
            return Ok(Vec::new());
        };
        let object = value.as_object().map_err(|_| wrong(key, "an object", value))?;
        let mut parameters = Vec::new();
        for (name, value) in object.iter_sorted() {
            let name = string(key, name)?;
            if let Some(last) = one_or_many(key, value)?.pop() {
                parameters.push((name, last));
            }
        }
        bounded(key, &parameters)?;
        // They become part of `:path` as they are: what could end the request line or begin another parameter may not
        // be in there.
        let is_fine = |(name, value): &(String, String)| {
            crate::http::is_query_text(name) && !name.contains('=') && crate::http::is_query_text(value)
        };
        if !parameters.iter().all(is_fine) {
            return Err(BadResult(format!("`{key}` holds a character that must be percent-encoded")));
        }
        Ok(parameters)
    }
}

fn header_object(key: &str, object: &Value, headers: &mut Vec<Header>) -> Result<(), BadResult> {
    let members = object.as_object().map_err(|_| wrong(key, "an object", object))?;
    for (name, value) in members.iter_sorted() {
        let name = string(key, name)?.to_ascii_lowercase();
        let plain_name = name.strip_prefix(':').unwrap_or(&name);
        if !crate::http::is_header_name(plain_name.as_bytes()) {
            return Err(BadResult(format!("`{key}` holds a name that no header can have")));
        }
        for value in one_or_many(key, value)? {
            if !crate::http::is_header_value(value.as_bytes()) {
                return Err(BadResult(format!("`{key}` holds a value with a control character")));
            }
            headers.push((name.clone(), value));
        }
    }
    Ok(())
}

fn one_or_many(key: &str, value: &Value) -> Result<Vec<String>, BadResult> {
    match value {
        Value::String(text) => Ok(vec![text.to_string()]),
        Value::Array(items) => items.iter().map(|item| string(key, item)).collect(),
        Value::Set(items) => items.iter().map(|item| string(key, item)).collect(),
        other => Err(wrong(key, "strings or arrays of strings as values", other)),
    }
}

fn string(key: &str, value: &Value) -> Result<String, BadResult> {
    value.as_string().map(|text| text.to_string()).map_err(|_| wrong(key, "strings", value))
}

/// The items of an array or of a set: Rego sets count as arrays everywhere.
fn items(value: &Value) -> Option<Vec<&Value>> {
    match value {
        Value::Array(items) => Some(items.iter().collect()),
        Value::Set(items) => Some(items.iter().collect()),
        _ => None,
    }
}

fn bounded(key: &str, pairs: &[(String, String)]) -> Result<(), BadResult> {
    let bytes =
        pairs.iter().fold(0_usize, |sum, (name, value)| sum.saturating_add(name.len()).saturating_add(value.len()));
    if pairs.len() > MAX_PAIRS || bytes > MAX_BYTES {
        return Err(BadResult(format!("`{key}` has more than {MAX_PAIRS} entries or {MAX_BYTES} bytes")));
    }
    Ok(())
}

fn wrong(key: &str, wanted: &str, got: &Value) -> BadResult {
    BadResult(format!("`{key}` must hold {wanted}, not {}", kind(got)))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Set(_) => "a set",
        Value::Object(_) => "an object",
        Value::Undefined => "undefined",
    }
}
