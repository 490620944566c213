//! `remote`, checked.

use super::breaker::{Breaker, breaker};
use super::compiled::{bounded_usize, duration, from_env, header_name, header_value};
use super::error::ConfigError;
use super::policy::Policy;
use super::raw;
use crate::policy::DecisionPath;
use std::time::Duration;

const MAX_HEADERS: usize = 64;

/// Headers that carry secrets. A literal would stand in Envoy's config dump (trap T11).
const SECRET_HEADERS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

/// The remote OPA.
#[derive(Debug)]
pub struct Remote {
    /// Envoy cluster.
    pub cluster: String,
    /// All headers of the call but `:path`, pseudo-headers first.
    pub headers: Vec<(String, String)>,
    /// `:path` for each decision: the configured one, then those a route may choose.
    pub paths: Vec<String>,
    /// Deadline of one call, at least 1 ms.
    pub timeout: Duration,
    /// Largest reply that is read.
    pub max_reply_bytes: usize,
    /// Calls that may be open per worker.
    pub max_in_flight: usize,
    /// When it is no longer asked; `None`: it always is.
    pub breaker: Option<Breaker>,
}

pub(super) fn remote(
    raw: raw::Remote,
    policy: &Policy,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Remote, ConfigError> {
    if raw.cluster.is_empty() {
        return Err(ConfigError::new("remote.cluster", "must name an Envoy cluster"));
    }
    let authority = raw.authority.unwrap_or_else(|| raw.cluster.clone());
    header_value(&authority, "remote.authority")?;
    if raw.path.is_some() && !policy.more_paths.is_empty() {
        return Err(ConfigError::new("remote.path", "cannot stand beside `policy.paths`: each has its own"));
    }
    let path = raw.path.unwrap_or_else(|| data_path(&policy.path));
    if !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ConfigError::new("remote.path", "must start with `/` and hold printable ASCII without spaces"));
    }
    let mut headers = vec![
        (":method".to_owned(), "POST".to_owned()),
        (":authority".to_owned(), authority),
        (":scheme".to_owned(), "http".to_owned()),
        ("content-type".to_owned(), "application/json".to_owned()),
    ];
    headers.extend(remote_headers(raw.headers.0, env)?);
    Ok(Remote {
        cluster: raw.cluster,
        headers,
        paths: std::iter::once(path).chain(policy.more_paths.iter().map(data_path)).collect(),
        timeout: duration(raw.timeout.as_deref(), "remote.timeout", 200, 1, 60_000)?,
        max_reply_bytes: bounded_usize(raw.max_reply_bytes, "remote.max_reply_bytes", 1 << 20, 1, 1 << 24)?,
        breaker: breaker(&raw.breaker.0)?,
        max_in_flight: bounded_usize(raw.max_in_flight, "remote.max_in_flight", 1024, 1, 65_536)?,
    })
}

/// Where OPA's REST API has a decision.
fn data_path(decision: &DecisionPath) -> String {
    format!("/v1/data/{decision}")
}

fn remote_headers(
    raw: std::collections::BTreeMap<String, raw::OrEnv>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<(String, String)>, ConfigError> {
    if raw.len() > MAX_HEADERS {
        return Err(ConfigError::new("remote.headers", format!("at most {MAX_HEADERS} are allowed")));
    }
    let mut headers = Vec::new();
    for (name, value) in raw {
        let path = format!("remote.headers.{name}");
        let name = header_name(&name, &path)?;
        if headers.iter().any(|(other, _)| *other == name) {
            return Err(ConfigError::new(path, "stands twice, but for upper and lower case"));
        }
        if matches!(name.as_str(), "host" | "content-type" | "content-length" | "transfer-encoding" | "connection") {
            return Err(ConfigError::new(path, "is set by the filter or by Envoy"));
        }
        let value = match value {
            raw::OrEnv::Literal(_) if SECRET_HEADERS.contains(&name.as_str()) => {
                return Err(ConfigError::new(
                    path,
                    "carries a secret and must be written as {\"from_env\": \"NAME\"}: \
                     the configuration can be read at Envoy's admin port",
                ));
            }
            raw::OrEnv::Literal(value) => value,
            raw::OrEnv::FromEnv(variable) => from_env(&variable, &path, env)?,
        };
        header_value(&value, &path)?;
        headers.push((name, value));
    }
    Ok(headers)
}
