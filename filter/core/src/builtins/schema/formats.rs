//! `format`: what Go takes for a date, an address, ….

use crate::builtins::{Context, Failure, regexes, time};
use regorus::Value;
use std::net::IpAddr;

const DATE: &str = "2006-01-02";
const TIME: &str = "15:04:05";
const TIME_IN_ZONE: &str = "15:04:05Z07:00";
const DATE_AND_TIME: &str = "2006-01-02T15:04:05Z07:00";
const DATE_AND_NANOSECONDS: &str = "2006-01-02T15:04:05.999999999Z07:00";

/// Go's expressions, which the formats are defined by.
const HOSTNAME: &str = r"^([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\-]{0,61}[a-zA-Z0-9])(\.([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\-]{0,61}[a-zA-Z0-9]))*$";
const UUID: &str = "^(?i)[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}$";
const POINTER: &str = "^(?:/(?:[^~/]|~0|~1)*)*$";
const RELATIVE_POINTER: &str = "^(?:0|[1-9][0-9]*)(?:#|(?:/(?:[^~/]|~0|~1)*)*)$";

/// Whether a value is of that format. Only texts have one, and a format that Go does not know has every text.
pub(super) fn matches(context: &mut Context, format: &str, value: &Value) -> Result<bool, Failure> {
    let Value::String(text) = value else { return Ok(true) };
    context.work(text.len().saturating_mul(4))?;
    match format {
        "date" => Ok(is_time(text, &[DATE])),
        "time" => Ok(is_time(text, &[TIME_IN_ZONE, TIME])),
        "date-time" => Ok(is_time(text, &[TIME, TIME_IN_ZONE, DATE, DATE_AND_TIME, DATE_AND_NANOSECONDS])),
        "hostname" => Ok(regexes::program(context, HOSTNAME)?.is_match(context, text)? && text.len() < 256),
        "ipv4" => Ok(text.contains('.') && text.parse::<IpAddr>().is_ok()),
        "ipv6" => Ok(text.contains(':') && text.parse::<IpAddr>().is_ok()),
        "uuid" => regexes::program(context, UUID)?.is_match(context, text),
        "json-pointer" => regexes::program(context, POINTER)?.is_match(context, text),
        "relative-json-pointer" => regexes::program(context, RELATIVE_POINTER)?.is_match(context, text),
        "regex" => regexes::is_pattern(context, text),
        "email" | "idn-email" | "uri" | "uri-reference" | "iri" | "iri-reference" | "uri-template" => {
            Err(Failure::Inexact("a format of a schema that is not checked inline"))
        }
        _ => Ok(true),
    }
}

fn is_time(text: &str, layouts: &[&str]) -> bool {
    layouts.iter().any(|layout| time::is_time(layout, text))
}
