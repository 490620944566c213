//! From what the operator wrote to what the filter runs: every check that does not need the policy itself.

use super::admin::{Admin, admin};
use super::cache::{Cache, cache};
use super::error::ConfigError;
use super::features::{Feature, rust_opa};
use super::flow::{Flow, flow};
use super::identity::{identity, pins};
use super::policy::{Policy, policy};
use super::raw;
use super::remote::{Remote, remote};
use super::shadow::{Shadow, shadow};
use super::shape::shape;
use crate::identity::{Pins, Source};
use crate::request::Shape;
use std::time::Duration;

/// Largest configuration that is read, in bytes. What an operator pushes is bounded like everything else.
pub const MAX_CONFIG_BYTES: usize = 16 * 1024 * 1024;

/// A body is held several times over while it is decided on: by Envoy, as text and as a value.
const MAX_BODY_BYTES: u64 = 4 * 1024 * 1024;

/// Statuses of Envoy's `HttpStatus` list from 400 on: what `status_on_error` may be.
const ERROR_STATUSES: [u16; 37] = [
    400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 421, 422, 423, 424, 426,
    428, 429, 431, 500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511,
];

/// A checked configuration.
#[derive(Debug)]
pub struct Config {
    /// The policy as it came; [`crate::engine::load`] makes it ready.
    pub policy: Policy,
    /// By what the policy is known again: SHA-256 in hexadecimal, of the bundle's file or of what stands in its place.
    pub policy_digest: String,
    /// Everything else.
    pub settings: Settings,
}

/// All of a configuration but the policy.
#[derive(Debug)]
pub struct Settings {
    /// The remote OPA, if there is one.
    pub remote: Option<Remote>,
    /// `features.rust_opa`.
    pub rust_opa: Feature,
    /// Who is decided inline in any case, or never.
    pub rust_opa_pins: Pins,
    /// `features.rust_cache`, if it is there.
    pub rust_cache: Option<Cache>,
    /// `shadow`, if it is there.
    pub shadow: Option<Shadow>,
    /// Where the user is taken from, in order.
    pub identity: Vec<Source>,
    /// Body buffering, if the policy is to see bodies.
    pub body: Option<BodyLimit>,
    /// Undecided requests pass, unless they caused that themselves.
    pub failure_mode_allow: bool,
    /// Status of the answer when neither side decided.
    pub status_on_error: u16,
    /// What of a request the input document shows.
    pub shape: Shape,
    /// Budget of one inline evaluation.
    pub limits: Limits,
    /// Response header that tells who decided.
    pub debug_header: Option<String>,
    /// What happens around the decision.
    pub flow: Flow,
    /// The operator's endpoints, if there are any.
    pub admin: Option<Admin>,
}

/// `with_request_body`.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimit {
    /// Bytes the policy may see.
    pub max_request_bytes: usize,
    /// A larger body is cut instead of refused.
    pub allow_partial_message: bool,
}

/// Budget of one inline evaluation.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Wall clock.
    pub time: Duration,
    /// Steps of the evaluator and its builtins.
    pub steps: u64,
}

/// Reads and checks a configuration.
///
/// Pure: the result depends on `bytes` and `env` only (trap T1), and nothing in here can panic.
///
/// # Errors
/// The first thing that is wrong, with its JSON path.
pub fn read(bytes: &[u8], env: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
    let raw = parse(bytes)?;
    let flow = flow(&raw)?;
    let shape = shape(&raw)?;
    let (policy, policy_digest) = policy(raw.policy.0, raw.remote.is_some())?;
    if !policy.more_paths.is_empty() && !flow.route_overrides {
        return Err(ConfigError::new("policy.paths", "cannot be chosen by anything without `route_overrides`"));
    }
    let remote = raw.remote.map(|raw| remote(raw.0, &policy, env)).transpose()?;
    let raw::Features { rust_opa: raw::Object(raw_opa), rust_cache: raw_cache } = &raw.features.0;
    let rust_opa_pins = pins(&raw_opa.users, &raw_opa.headers, "features.rust_opa", &flow)?;
    let rust_opa = rust_opa(raw_opa, &rust_opa_pins, env, remote.is_some())?;
    let rust_cache = cache(raw_cache.as_ref().map(|raw| &raw.0), env, remote.is_some(), &flow)?;
    let cache_needs = rust_cache.as_ref().and_then(|cache| cache.feature.needs_users(&cache.pins));
    let shadow = raw.shadow.as_ref().map(|raw| shadow(&raw.0, remote.is_some())).transpose()?;
    let needs = [
        ("features.rust_opa", rust_opa.needs_users(&rust_opa_pins)),
        ("features.rust_cache", cache_needs),
        ("shadow", shadow.and_then(Shadow::needs_users)),
    ];
    let identity = identity(&raw.identity, needs, &flow, &shape)?;
    let settings = Settings {
        remote,
        rust_opa,
        rust_opa_pins,
        rust_cache,
        shadow,
        identity,
        shape,
        body: raw.with_request_body.map(|body| body_limit(&body.0)).transpose()?,
        failure_mode_allow: raw.failure_mode_allow,
        status_on_error: status(raw.status_on_error.0.code)?,
        limits: limits(&raw.limits.0)?,
        debug_header: raw.debug_header.map(|name| header_name(&name, "debug_header")).transpose()?,
        admin: raw.admin.map(|raw| admin(&raw.0, &flow, env)).transpose()?,
        flow,
    };
    Ok(Config { policy, policy_digest, settings })
}

fn parse(bytes: &[u8]) -> Result<raw::Config<'_>, ConfigError> {
    if bytes.len() > MAX_CONFIG_BYTES {
        return Err(ConfigError::new(
            ".",
            format!("the configuration has {} bytes, at most {MAX_CONFIG_BYTES} are allowed", bytes.len()),
        ));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let raw::Object(raw) = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        // "?" is what the library shows where it was not even inside a value yet.
        let path = if path == "?" { ".".to_owned() } else { path };
        ConfigError::new(path, error.into_inner().to_string())
    })?;
    reader.end().map_err(|error| ConfigError::new(".", error.to_string()))?;
    Ok(raw)
}

fn body_limit(raw: &raw::WithRequestBody) -> Result<BodyLimit, ConfigError> {
    Ok(BodyLimit {
        max_request_bytes: bounded_usize(
            Some(raw.max_request_bytes),
            "with_request_body.max_request_bytes",
            0,
            1,
            MAX_BODY_BYTES,
        )?,
        allow_partial_message: raw.allow_partial_message,
    })
}

fn status(code: u64) -> Result<u16, ConfigError> {
    u16::try_from(code).ok().filter(|code| ERROR_STATUSES.contains(code)).ok_or_else(|| {
        ConfigError::new(
            "status_on_error.code",
            format!("must be a status of Envoy's list from 400 to 511, not {code}"),
        )
    })
}

fn limits(raw: &raw::Limits) -> Result<Limits, ConfigError> {
    Ok(Limits {
        time: duration(raw.evaluation_time.as_deref(), "limits.evaluation_time", 50, 1, 10_000)?,
        steps: bounded(raw.evaluation_steps, "limits.evaluation_steps", 1_000_000, 1_000, 1_000_000_000)?,
    })
}

pub(super) fn bounded(value: Option<u64>, path: &str, default: u64, min: u64, max: u64) -> Result<u64, ConfigError> {
    let value = value.unwrap_or(default);
    if (min..=max).contains(&value) {
        Ok(value)
    } else {
        Err(ConfigError::new(path, format!("must be between {min} and {max}, not {value}")))
    }
}

pub(super) fn bounded_usize(
    value: Option<u64>,
    path: &str,
    default: u64,
    min: u64,
    max: u64,
) -> Result<usize, ConfigError> {
    let value = bounded(value, path, default, min, max)?;
    usize::try_from(value).map_err(|_| ConfigError::new(path, "does not fit this machine"))
}

/// A duration as Envoy's JSON writes it: decimal seconds with the suffix `s`. All bounds are in milliseconds.
pub(super) fn duration(
    text: Option<&str>,
    path: &str,
    default: u64,
    min: u64,
    max: u64,
) -> Result<Duration, ConfigError> {
    let Some(text) = text else {
        return Ok(Duration::from_millis(default));
    };
    let (min, max) = (Duration::from_millis(min), Duration::from_millis(max));
    text.strip_suffix('s')
        .filter(|number| number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
        .and_then(|number| number.parse::<f64>().ok())
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|duration| (min..=max).contains(duration))
        .ok_or_else(|| {
            ConfigError::new(
                path,
                format!(
                    "must be a duration such as \"0.2s\" between {}s and {}s, not `{text}`",
                    min.as_secs_f64(),
                    max.as_secs_f64()
                ),
            )
        })
}

/// What an environment variable of the VM holds; `path`: that of the key that names it.
pub(super) fn from_env(
    variable: &str,
    path: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<String, ConfigError> {
    // What is not UTF-8 comes with this character in the place of what cannot be read.
    env(variable).filter(|text| !text.contains('\u{fffd}')).ok_or_else(|| {
        ConfigError::new(
            format!("{path}.from_env"),
            format!("environment variable `{variable}` is not set for this VM or is not UTF-8"),
        )
    })
}

/// A header name in lower case.
pub(super) fn header_name(name: &str, path: &str) -> Result<String, ConfigError> {
    if crate::http::is_header_name(name.as_bytes()) {
        Ok(name.to_ascii_lowercase())
    } else {
        Err(ConfigError::new(path, format!("`{name}` is not a header name")))
    }
}

pub(super) fn header_value(value: &str, path: &str) -> Result<(), ConfigError> {
    if crate::http::is_header_value(value.as_bytes()) {
        Ok(())
    } else {
        Err(ConfigError::new(path, "holds a control character, which no header value may"))
    }
}
