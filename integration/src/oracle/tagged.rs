//! Rego values as JSON that keeps what JSON has no form for: a set is `{"$set": [members]}`, an object with a key that
//! is no string is `{"$object": [[key, value]]}`. Numbers keep their digits.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;
use serde_json::{Number, Value as Json, json};

/// The engine's value of a tagged one.
///
/// # Errors
/// A number that the engine cannot hold exactly: production refuses a document that has one.
pub fn read(tagged: &Json) -> Result<Value, String> {
    match tagged {
        Json::Array(items) => Ok(Value::from(read_all(items)?)),
        Json::Object(members) => match form(tagged) {
            Some(Form::Set(items)) => Ok(Value::from(read_all(items)?.into_iter().collect::<BTreeSet<_>>())),
            Some(Form::Object(pairs)) => read_pairs(pairs),
            None => {
                let members = members.iter().map(|(key, value)| Ok((Value::from(key.as_str()), read(value)?)));
                Ok(Value::from(members.collect::<Result<BTreeMap<_, _>, String>>()?))
            }
        },
        scalar => sark_core::json::parse(scalar.to_string().as_bytes()).map_err(|error| error.message.to_owned()),
    }
}

fn read_all(items: &[Json]) -> Result<Vec<Value>, String> {
    items.iter().map(read).collect()
}

fn read_pairs(pairs: &[Json]) -> Result<Value, String> {
    let pairs = pairs.iter().map(|pair| match pair.as_array().map(Vec::as_slice) {
        Some([key, value]) => Ok((read(key)?, read(value)?)),
        _ => Err("a pair of $object is no [key, value]".to_owned()),
    });
    Ok(Value::from(pairs.collect::<Result<BTreeMap<_, _>, String>>()?))
}

/// The tagged form of the engine's value. *Undefined*, which is no value, is `{"$undefined": []}`, also inside another.
#[must_use]
pub fn write(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        // A number that is none (NaN, infinite) is written as that word, which no reader takes for a number.
        Value::Number(number) => Json::Number(Number::from_string_unchecked(number.format_decimal())),
        Value::String(text) => json!(&**text),
        Value::Array(items) => items.iter().map(write).collect(),
        Value::Set(items) => json!({"$set": items.iter().map(write).collect::<Json>()}),
        Value::Object(members) => {
            let named = members.iter().map(|(key, value)| match key {
                Value::String(key) => Some((key.to_string(), write(value))),
                _ => None,
            });
            named.collect::<Option<serde_json::Map<_, _>>>().map_or_else(
                || json!({"$object": members.iter().map(|(key, value)| json!([write(key), write(value)])).collect::<Json>()}),
                Json::Object,
            )
        }
        Value::Undefined => json!({"$undefined": []}),
    }
}

/// A text that two tagged values share if and only if they are equal for OPA: members of sets and objects in any order,
/// a set is no array, `1` is `1.0` and is not `"1"`, every digit of a number counts.
#[must_use]
pub fn canonical(tagged: &Json) -> String {
    match tagged {
        Json::Number(number) => canonical_number(&number.to_string()),
        Json::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Json::Object(members) => match form(tagged) {
            Some(Form::Set(items)) => {
                let members: BTreeSet<String> = items.iter().map(canonical).collect();
                format!("<{}>", members.into_iter().collect::<Vec<_>>().join(","))
            }
            Some(Form::Object(pairs)) => object(pairs.iter().map(|pair| (canonical(&pair[0]), canonical(&pair[1])))),
            None => object(members.iter().map(|(key, value)| (json!(key).to_string(), canonical(value)))),
        },
        scalar => scalar.to_string(),
    }
}

fn object(members: impl Iterator<Item = (String, String)>) -> String {
    let members: BTreeSet<String> = members.map(|(key, value)| format!("{key}:{value}")).collect();
    format!("{{{}}}", members.into_iter().collect::<Vec<_>>().join(","))
}

/// Sign, digits without zeros at either end, and the exponent of the last digit.
fn canonical_number(text: &str) -> String {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (integer, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{integer}{fraction}");
    let (Ok(exponent), true) = (exponent.parse::<i64>(), all.bytes().all(|byte| byte.is_ascii_digit())) else {
        return format!("no number: {text}");
    };
    let digits = all.trim_end_matches('0');
    let exponent = exponent - fraction.len() as i64 + (all.len() - digits.len()) as i64;
    match digits.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits if (0..20).contains(&exponent) => format!("{sign}{digits}{}", "0".repeat(exponent as usize)),
        digits => format!("{sign}{digits}e{exponent}"),
    }
}

enum Form<'a> {
    Set(&'a [Json]),
    Object(&'a [Json]),
}

/// What a JSON object stands for, if not for itself.
fn form(tagged: &Json) -> Option<Form<'_>> {
    let members = tagged.as_object().filter(|members| members.len() == 1)?;
    let (key, value) = members.iter().next()?;
    match (key.as_str(), value.as_array()?) {
        ("$set", items) => Some(Form::Set(items)),
        ("$object", pairs) => Some(Form::Object(pairs)),
        _ => None,
    }
}
