//! `identity` and the pins of features, checked.

use super::compiled::header_name;
use super::error::ConfigError;
use super::flow::Flow;
use super::raw;
use crate::identity::{CertificateName, Claim, Pin, Pins, Source};
use crate::request::Shape;

const MAX_SOURCES: usize = 8;
const MAX_CLAIM_NAMES: usize = 8;
const MAX_USERS: usize = 1_000;
const MAX_PIN_HEADERS: usize = 16;

/// A share of users, and why it needs to know its users, if it does.
pub(super) type Need = (&'static str, Option<&'static str>);

pub(super) fn identity(
    raw: &[raw::Object<raw::IdentitySource>],
    needs: [Need; 3],
    flow: &Flow,
    shape: &Shape,
) -> Result<Vec<Source>, ConfigError> {
    if raw.len() > MAX_SOURCES {
        return Err(ConfigError::new("identity", format!("at most {MAX_SOURCES} sources are allowed")));
    }
    let need = needs.into_iter().find_map(|(name, why)| why.map(|why| (name, why)));
    if let Some((name, why)) = need.filter(|_| raw.is_empty()) {
        return Err(ConfigError::new("identity", format!("must name where the user is taken from when `{name}.{why}")));
    }
    raw.iter().enumerate().map(|(index, raw)| source(&raw.0, &format!("identity[{index}]"), flow, shape)).collect()
}

fn source(raw: &raw::IdentitySource, key: &str, flow: &Flow, shape: &Shape) -> Result<Source, ConfigError> {
    let raw::IdentitySource { header, claim, peer_certificate, source_address, constant } = raw;
    match (header, claim, peer_certificate, source_address, constant) {
        (Some(name), None, None, None, None) => {
            readable_header(name, &format!("{key}.header"), flow).map(Source::Header)
        }
        (header, Some(raw::ClaimPath(path)), None, None, None) => {
            let name = header.as_deref().unwrap_or("authorization");
            let header = readable_header(name, &format!("{key}.header"), flow)?;
            Ok(Source::Claim(Claim { header, path: claim_path(path, &format!("{key}.claim"))? }))
        }
        (None, None, Some(name), None, None) => Ok(Source::PeerCertificate(match name {
            raw::CertificateName::UriSan => CertificateName::Uri,
            raw::CertificateName::DnsSan => CertificateName::Dns,
            raw::CertificateName::Subject => CertificateName::Subject,
        })),
        (None, None, None, Some(wanted), None) => address(*wanted, &format!("{key}.source_address"), shape),
        (None, None, None, None, Some(user)) if !user.is_empty() => Ok(Source::Constant(user.clone())),
        _ => Err(ConfigError::new(
            key,
            "must have exactly one of `header`, `claim`, `peer_certificate`, `source_address` and a `constant` that is \
             not empty; `claim` may have a `header` beside it",
        )),
    }
}

fn claim_path(path: &[String], key: &str) -> Result<Vec<String>, ConfigError> {
    if path.is_empty() || path.len() > MAX_CLAIM_NAMES || path.iter().any(String::is_empty) {
        return Err(ConfigError::new(key, format!("must be 1 to {MAX_CLAIM_NAMES} names, none of them empty")));
    }
    Ok(path.to_vec())
}

fn address(wanted: bool, key: &str, shape: &Shape) -> Result<Source, ConfigError> {
    let from = shape.source_address.as_ref().filter(|_| wanted).ok_or_else(|| {
        ConfigError::new(key, "must be true, and `source_address` must say what counts as the client's address")
    })?;
    Ok(Source::SourceAddress(from.clone()))
}

fn readable_header(name: &str, key: &str, flow: &Flow) -> Result<String, ConfigError> {
    let name = header_name(name, key)?;
    if flow.strips(name.as_bytes()) {
        return Err(ConfigError::new(key, format!("`{name}` is removed from every request and never there")));
    }
    Ok(name)
}

/// `feature` is its key in the configuration.
pub(super) fn pins(
    users: &raw::Map<bool>,
    headers: &[raw::Object<raw::Pin>],
    feature: &str,
    flow: &Flow,
) -> Result<Pins, ConfigError> {
    let (users, users_key, headers_key) = (&users.0, format!("{feature}.users"), format!("{feature}.headers"));
    if users.len() > MAX_USERS || users.contains_key("") {
        return Err(ConfigError::new(users_key, format!("must be at most {MAX_USERS} users, none of them empty")));
    }
    if headers.len() > MAX_PIN_HEADERS {
        return Err(ConfigError::new(headers_key, format!("at most {MAX_PIN_HEADERS} are allowed")));
    }
    let headers = headers.iter().enumerate().map(|(index, raw::Object(raw))| {
        let name = readable_header(&raw.name, &format!("{headers_key}[{index}].name"), flow)?;
        Ok(Pin { name, value: raw.value.clone(), has_it: raw.has_it })
    });
    Ok(Pins { users: users.clone(), headers: headers.collect::<Result<_, ConfigError>>()? })
}
