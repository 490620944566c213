//! From what the operator wrote to what the filter runs: every check that does not need the policy itself.

use super::cache::{Cache, cache};
use super::error::ConfigError;
use super::flow::{Flow, flow};
use super::raw;
use super::shape::shape;
use crate::policy::{DecisionPath, Module, RegoVersion, bundle};
use crate::request::Shape;
use crate::rollout::{self, Percentage};
use regorus::Value;
use std::time::Duration;

/// Largest configuration that is read, in bytes. What an operator pushes is bounded like everything else.
pub const MAX_CONFIG_BYTES: usize = 16 * 1024 * 1024;

/// A body is held several times over while it is decided on: by Envoy, as text and as a value.
const MAX_BODY_BYTES: u64 = 4 * 1024 * 1024;
const MAX_HEADERS: usize = 64;
/// Each is a policy of its own.
const MAX_PATHS: usize = 16;
const MAX_IDENTITY_SOURCES: usize = 8;

/// Headers that carry secrets. A literal would stand in Envoy's config dump (trap T11).
const SECRET_HEADERS: [&str; 3] = ["authorization", "cookie", "proxy-authorization"];

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
    /// `features.rust_cache`, if it is there.
    pub rust_cache: Option<Cache>,
    /// Request headers that may name the user, lower case, in order.
    pub identity: Vec<String>,
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
}

/// `policy`.
#[derive(Debug)]
pub struct Policy {
    /// What is to be run.
    pub program: Program,
    /// The `data` document; an object.
    pub data: Value,
    /// The decision that is evaluated.
    pub path: DecisionPath,
    /// Decisions that a route may choose instead.
    pub more_paths: Vec<DecisionPath>,
    /// A policy that cannot be decided inline is no error: the remote OPA decides for everyone.
    pub unsupported_goes_remote: bool,
}

impl Policy {
    /// The configured decision, then those that a route may choose.
    pub fn paths(&self) -> impl Iterator<Item = &DecisionPath> {
        std::iter::once(&self.path).chain(&self.more_paths)
    }
}

/// What the policy consists of.
#[derive(Debug)]
pub enum Program {
    /// OPA's `plan.json`.
    Plan(Vec<u8>),
    /// Rego text.
    Source {
        /// The modules, in name order.
        modules: Vec<Module>,
        /// Their language.
        version: RegoVersion,
    },
}

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
}

/// A feature flag.
#[derive(Debug, Clone, Copy)]
pub struct Feature {
    /// Off: nobody.
    pub enabled: bool,
    /// Share of users.
    pub percentage: Percentage,
    /// An inline error asks the remote side.
    pub fallback_on_error: bool,
}

impl Feature {
    /// Whether a user has the feature; `salt` is its name. Nobody in particular has it only where everyone has.
    #[must_use]
    pub fn applies(self, salt: &str, user: Option<&str>) -> bool {
        let is_inside = |user: &str| self.percentage.contains(rollout::bucket(salt, user.as_bytes()));
        self.enabled && (self.percentage.is_everyone() || user.is_some_and(is_inside))
    }
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
    let policy = policy(raw.policy.0, raw.remote.is_some())?;
    if !policy.more_paths.is_empty() && !flow.route_overrides {
        return Err(ConfigError::new("policy.paths", "cannot be chosen by anything without `route_overrides`"));
    }
    let remote = raw.remote.map(|remote| compile_remote(remote.0, &policy, env)).transpose()?;
    let rust_opa = feature(&raw.features.0.rust_opa.0, remote.is_some())?;
    let rust_cache = raw.features.0.rust_cache.as_ref().map(|raw| cache(&raw.0, remote.is_some())).transpose()?;
    let features =
        [("rust_opa", Some(rust_opa)), ("rust_cache", rust_cache.as_ref().map(|rust_cache| rust_cache.feature))];
    let identity = identity(&raw.identity, features, &flow)?;
    let settings = Settings {
        remote,
        rust_opa,
        rust_cache,
        identity,
        shape,
        body: raw.with_request_body.map(|body| body_limit(&body.0)).transpose()?,
        failure_mode_allow: raw.failure_mode_allow,
        status_on_error: status(raw.status_on_error.0.code)?,
        limits: limits(&raw.limits.0)?,
        debug_header: raw.debug_header.map(|name| header_name(&name, "debug_header")).transpose()?,
        flow,
    };
    Ok(Config { policy, settings })
}

fn parse(bytes: &[u8]) -> Result<raw::Config, ConfigError> {
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

fn policy(raw: raw::Policy, has_remote: bool) -> Result<Policy, ConfigError> {
    let path = DecisionPath::parse(&raw.path).map_err(|message| ConfigError::new("policy.path", message))?;
    let more_paths = more_paths(&raw.paths, &path)?;
    let unsupported_goes_remote = raw.unsupported == raw::Unsupported::Remote;
    if unsupported_goes_remote && !has_remote {
        return Err(ConfigError::new(
            "policy.unsupported",
            "cannot be \"remote\" without `remote`: nobody could decide",
        ));
    }
    let Some(text) = &raw.bundle else {
        let version = match raw.rego_version {
            Some(raw::RegoVersion::V0) => RegoVersion::V0,
            None | Some(raw::RegoVersion::V1) => RegoVersion::V1,
        };
        let modules = raw.modules.unwrap_or_default().0.into_iter().map(|(name, text)| Module { name, text }).collect();
        let data = data(raw.data.as_deref())?;
        return Ok(Policy {
            program: Program::Source { modules, version },
            data,
            path,
            more_paths,
            unsupported_goes_remote,
        });
    };
    let besides = [
        ("policy.modules", raw.modules.is_some()),
        ("policy.data", raw.data.is_some()),
        ("policy.rego_version", raw.rego_version.is_some()),
    ];
    if let Some((key, _)) = besides.iter().find(|(_, is_there)| *is_there) {
        return Err(ConfigError::new(*key, "cannot stand beside `policy.bundle`, which holds it"));
    }
    let bundle = bundle::read(text).map_err(|message| ConfigError::new("policy.bundle", message))?;
    let program = match bundle.plan {
        Some(plan) => Program::Plan(plan),
        None => Program::Source { modules: bundle.modules, version: bundle.version },
    };
    Ok(Policy { program, data: bundle.data, path, more_paths, unsupported_goes_remote })
}

fn more_paths(raw: &[String], default: &DecisionPath) -> Result<Vec<DecisionPath>, ConfigError> {
    if raw.len() > MAX_PATHS {
        return Err(ConfigError::new("policy.paths", format!("at most {MAX_PATHS} are allowed")));
    }
    let mut paths = Vec::with_capacity(raw.len());
    for (index, text) in raw.iter().enumerate() {
        let key = format!("policy.paths[{index}]");
        let path = DecisionPath::parse(text).map_err(|message| ConfigError::new(&key, message))?;
        if path == *default || paths.contains(&path) {
            return Err(ConfigError::new(key, format!("`{path}` stands twice, or is `policy.path`")));
        }
        paths.push(path);
    }
    Ok(paths)
}

fn data(raw: Option<&serde_json::value::RawValue>) -> Result<Value, ConfigError> {
    let Some(raw) = raw else {
        return Ok(Value::new_object());
    };
    let data = crate::json::parse_within(raw.get().as_bytes(), crate::json::Bounds::DATA)
        .map_err(|error| ConfigError::new("policy.data", error.to_string()))?;
    if data.as_object().is_err() {
        return Err(ConfigError::new("policy.data", "must be an object"));
    }
    Ok(data)
}

fn compile_remote(
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
        max_in_flight: bounded_usize(raw.max_in_flight, "remote.max_in_flight", 1024, 1, 65_536)?,
    })
}

/// Where OPA's REST API has a decision.
fn data_path(decision: &DecisionPath) -> String {
    format!("/v1/data/{decision}")
}

fn remote_headers(
    raw: std::collections::BTreeMap<String, raw::HeaderValue>,
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
            raw::HeaderValue::Literal(_) if SECRET_HEADERS.contains(&name.as_str()) => {
                return Err(ConfigError::new(
                    path,
                    "carries a secret and must be written as {\"from_env\": \"NAME\"}: \
                     the configuration can be read at Envoy's admin port",
                ));
            }
            raw::HeaderValue::Literal(value) => value,
            raw::HeaderValue::FromEnv(variable) => env(&variable).ok_or_else(|| {
                ConfigError::new(
                    format!("{path}.from_env"),
                    format!("environment variable `{variable}` is not set for this VM or is not UTF-8"),
                )
            })?,
        };
        header_value(&value, &path)?;
        headers.push((name, value));
    }
    Ok(headers)
}

fn feature(raw: &raw::RustOpa, has_remote: bool) -> Result<Feature, ConfigError> {
    const PERCENTAGE: &str = "features.rust_opa.rollout_percentage";
    let percentage =
        Percentage::new(raw.rollout_percentage).map_err(|message| ConfigError::new(PERCENTAGE, message))?;
    if !has_remote && !raw.enabled {
        return Err(ConfigError::new(
            "features.rust_opa.enabled",
            "cannot be false without `remote`: nobody could decide",
        ));
    }
    if !has_remote && !percentage.is_everyone() {
        return Err(ConfigError::new(PERCENTAGE, "must be 100 without `remote`: nobody could decide for the rest"));
    }
    Ok(Feature { enabled: raw.enabled, percentage, fallback_on_error: raw.fallback_on_error })
}

fn identity(
    raw: &[raw::Object<raw::IdentitySource>],
    features: [(&str, Option<Feature>); 2],
    flow: &Flow,
) -> Result<Vec<String>, ConfigError> {
    if raw.len() > MAX_IDENTITY_SOURCES {
        return Err(ConfigError::new("identity", format!("at most {MAX_IDENTITY_SOURCES} sources are allowed")));
    }
    let is_split = |feature: &Feature| feature.enabled && feature.percentage.is_split();
    let split = features.iter().find(|(_, feature)| feature.as_ref().is_some_and(is_split));
    if let Some((name, _)) = split.filter(|_| raw.is_empty()) {
        return Err(ConfigError::new(
            "identity",
            format!(
                "must name where the user is taken from when `features.{name}.rollout_percentage` is neither 0 nor 100"
            ),
        ));
    }
    raw.iter()
        .enumerate()
        .map(|(index, source)| {
            let key = format!("identity[{index}].header");
            let name = header_name(&source.0.header, &key)?;
            if flow.strips(name.as_bytes()) {
                return Err(ConfigError::new(key, format!("`{name}` is removed from every request and never there")));
            }
            Ok(name)
        })
        .collect()
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
fn duration(text: Option<&str>, path: &str, default: u64, min: u64, max: u64) -> Result<Duration, ConfigError> {
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

/// A header name in lower case.
pub(super) fn header_name(name: &str, path: &str) -> Result<String, ConfigError> {
    if crate::http::is_header_name(name.as_bytes()) {
        Ok(name.to_ascii_lowercase())
    } else {
        Err(ConfigError::new(path, format!("`{name}` is not a header name")))
    }
}

fn header_value(value: &str, path: &str) -> Result<(), ConfigError> {
    if crate::http::is_header_value(value.as_bytes()) {
        Ok(())
    } else {
        Err(ConfigError::new(path, "holds a control character, which no header value may"))
    }
}
