//! `features.rust_cache`, checked.

use super::compiled::{bounded, bounded_usize};
use super::environment::{self, Environment, Key, Said};
use super::error::ConfigError;
use super::features::Feature;
use super::flow::Flow;
use super::identity::pins;
use super::raw;
use crate::cache::{self, Bounds};
use crate::identity::Pins;
use std::time::Duration;

/// Longest time a decision may be kept: a day.
const MAX_TTL_SECONDS: u64 = 86_400;
const MAX_ENTRIES: u64 = 1_000_000;
const MIN_BYTES: u64 = 1 << 20;
const MAX_BYTES: u64 = 1 << 30;
const MAX_REMOTE_PATHS: usize = 64;
const MAX_SEGMENTS: usize = 16;

/// Checked keys.
#[derive(Debug)]
pub struct Cache {
    /// For whom. `fallback_on_error`: an error of the cache decides without it.
    pub feature: Feature,
    /// For whom in any case, or not at all.
    pub pins: Pins,
    /// How much is kept.
    pub bounds: Bounds,
    /// How long.
    pub times: CacheTimes,
    /// How answers of the remote OPA are kept, if they are.
    pub remote: Option<RemoteCache>,
}

/// How long decisions are kept.
#[derive(Debug, Clone, Copy)]
pub struct CacheTimes {
    /// Those that let a request through.
    pub allow: Duration,
    /// Those that do not.
    pub deny: Duration,
    /// At most, those of policies that ask the clock or chance. `None`: they are not kept.
    pub impure: Option<Duration>,
    /// Those of the remote OPA. `None`: they are not kept.
    pub remote: Option<Duration>,
}

/// How answers of the remote OPA are kept.
#[derive(Debug)]
pub struct RemoteCache {
    /// The parts of the input that its policy reads, by the operator's word.
    pub key: Vec<Vec<String>>,
    /// How long.
    pub ttl: Duration,
}

/// The environment may switch on a cache that the configuration does not name, with the defaults.
pub(super) fn cache(
    raw: Option<&raw::RustCache>,
    environment: Environment<'_>,
    has_remote: bool,
    flow: &Flow,
) -> Result<Option<Cache>, ConfigError> {
    let default = raw::RustCache { enabled: false, ..raw::RustCache::default() };
    let is_configured = raw.is_some();
    let raw = raw.unwrap_or(&default);
    let feature = feature(raw, environment)?;
    let all =
        number(environment, "features.rust_cache.ttl_seconds", "SARK_RUST_CACHE_TTL_SECONDS", Some(raw.ttl_seconds))?;
    let all = ttl(all.value, all.place)?.unwrap_or_default();
    let times = CacheTimes {
        allow: ttl(raw.ttl_seconds_allow, "features.rust_cache.ttl_seconds_allow")?.unwrap_or(all),
        deny: ttl(raw.ttl_seconds_deny, "features.rust_cache.ttl_seconds_deny")?.unwrap_or(all),
        impure: ttl(raw.ttl_seconds_impure, "features.rust_cache.ttl_seconds_impure")?,
        remote: ttl(raw.ttl_seconds_remote, "features.rust_cache.ttl_seconds_remote")?,
    };
    let bounds = bounds(raw, environment)?;
    let remote = remote(raw.remote_key.as_deref(), times.remote, has_remote)?;
    let pins = pins(&raw.users, &raw.headers, "features.rust_cache", flow)?;
    Ok((is_configured || feature.enabled).then_some(Cache { feature, pins, bounds, times, remote }))
}

fn feature(raw: &raw::RustCache, environment: Environment<'_>) -> Result<Feature, ConfigError> {
    let enabled = environment::switch(Key {
        key: "features.rust_cache.enabled",
        variable: "SARK_RUST_CACHE_ENABLED",
        configured: raw.enabled,
        environment,
    })?;
    let percentage = environment::percentage(Key {
        key: "features.rust_cache.rollout_percentage",
        variable: "SARK_RUST_CACHE_ROLLOUT_PCT",
        configured: raw.rollout_percentage,
        environment,
    })?;
    Ok(Feature {
        enabled: enabled.value,
        percentage: percentage.value,
        fallback_on_error: raw.fallback_on_error,
        source: enabled.source_with(&percentage),
    })
}

fn number(
    environment: Environment<'_>,
    key: &'static str,
    variable: &'static str,
    configured: Option<u64>,
) -> Result<Said<Option<u64>>, ConfigError> {
    environment::number(Key { key, variable, configured, environment })
}

fn ttl(seconds: Option<u64>, place: &str) -> Result<Option<Duration>, ConfigError> {
    seconds.map(|seconds| bounded(Some(seconds), place, 0, 1, MAX_TTL_SECONDS).map(Duration::from_secs)).transpose()
}

fn bounds(raw: &raw::RustCache, environment: Environment<'_>) -> Result<Bounds, ConfigError> {
    const BYTES: &str = "features.rust_cache.max_bytes";
    let max_size = number(environment, "features.rust_cache.max_size", "SARK_RUST_CACHE_MAX_SIZE", raw.max_size)?;
    let bounds = Bounds {
        max_size: bounded_usize(max_size.value, max_size.place, 10_000, 1, MAX_ENTRIES)?,
        max_bytes: bounded_usize(raw.max_bytes, BYTES, 8 << 20, MIN_BYTES, MAX_BYTES)?,
    };
    let least = cache::Cache::least_bytes(bounds.max_size);
    if bounds.max_bytes < least {
        return Err(ConfigError::new(
            BYTES,
            format!("must be at least {least} with a `{}` of {}", max_size.place, bounds.max_size),
        ));
    }
    Ok(bounds)
}

fn remote(key: Option<&[String]>, ttl: Option<Duration>, has_remote: bool) -> Result<Option<RemoteCache>, ConfigError> {
    const KEY: &str = "features.rust_cache.remote_key";
    let (key, ttl) = match (key, ttl) {
        (None, None) => return Ok(None),
        (Some(key), Some(ttl)) => (key, ttl),
        (None, Some(_)) => {
            return Err(ConfigError::new(
                "features.rust_cache.ttl_seconds_remote",
                "has no effect without `remote_key`; leave it out",
            ));
        }
        (Some(_), None) => {
            return Err(ConfigError::new(
                KEY,
                "needs `ttl_seconds_remote`: how old an answer of the remote OPA may be",
            ));
        }
    };
    if !has_remote {
        return Err(ConfigError::new(KEY, "has no effect without `remote`; leave it out"));
    }
    if key.is_empty() || key.len() > MAX_REMOTE_PATHS {
        return Err(ConfigError::new(KEY, format!("must list 1 to {MAX_REMOTE_PATHS} paths of the input")));
    }
    let paths = key.iter().enumerate().map(|(index, text)| remote_path(text, &format!("{KEY}[{index}]")));
    Ok(Some(RemoteCache { key: paths.collect::<Result<_, _>>()?, ttl }))
}

/// `attributes/request/http/method`, written like `policy.path`.
fn remote_path(text: &str, key: &str) -> Result<Vec<String>, ConfigError> {
    let names: Vec<String> = text.split('/').map(str::to_owned).collect();
    if names.len() > MAX_SEGMENTS || names.iter().any(String::is_empty) {
        return Err(ConfigError::new(
            key,
            format!("must be 1 to {MAX_SEGMENTS} names with `/` between them, such as attributes/request/http/method"),
        ));
    }
    match cache::differs_always(std::slice::from_ref(&names)) {
        Some(part) => Err(ConfigError::new(
            key,
            format!("reads input.{part}, which is another for every request: nothing would be found again"),
        )),
        None => Ok(names),
    }
}
