//! What happens to a request around its decision: what is taken from it before, what an operator overrides after.

use super::error::ConfigError;
use super::raw;

/// Headers that a client may never send: SARK's own.
pub const OWN_PREFIX: &str = "x-sark-";

/// What an upstream is told of a request that passes undecided.
pub const FAILURE_MODE_ALLOWED: &str = "x-envoy-auth-failure-mode-allowed";

const MAX_NAMES: usize = 64;

/// Checked keys.
#[derive(Debug)]
pub struct Flow {
    /// A denial lets the request through, unchanged.
    pub dry_run: bool,
    /// So does an error of both sides, whatever caused it.
    pub dry_run_errors: bool,
    /// A decision that cannot be carried out is answered 500 at once.
    pub validate_mutations: bool,
    /// A request that passes undecided says so to the upstream.
    pub failure_mode_allow_header_add: bool,
    /// Request headers that are removed before anything reads them, lower case; besides those of [`OWN_PREFIX`].
    pub strip_request_headers: Vec<String>,
    /// Route metadata has a say.
    pub route_overrides: bool,
    /// Request headers on which no route matches, lower case.
    pub unrouted_headers: Vec<String>,
}

impl Flow {
    /// Whether a request header is removed before anything reads it.
    #[must_use]
    pub fn strips(&self, name: &[u8]) -> bool {
        let own = name.get(..OWN_PREFIX.len());
        own.is_some_and(|start| start.eq_ignore_ascii_case(OWN_PREFIX.as_bytes()))
            || (self.failure_mode_allow_header_add && name.eq_ignore_ascii_case(FAILURE_MODE_ALLOWED.as_bytes()))
            || self.strip_request_headers.iter().any(|other| name.eq_ignore_ascii_case(other.as_bytes()))
    }

    /// Whether Envoy may pick another route when this request header is written.
    #[must_use]
    pub fn may_reroute(&self, name: &str) -> bool {
        self.route_overrides && !self.unrouted_headers.iter().any(|other| other == name)
    }
}

pub(super) fn flow(raw: &raw::Config) -> Result<Flow, ConfigError> {
    if raw.failure_mode_allow_header_add && !raw.failure_mode_allow {
        return Err(ConfigError::new(
            "failure_mode_allow_header_add",
            "has no effect without `failure_mode_allow`; leave it out",
        ));
    }
    if raw.clear_route_cache == Some(false) {
        return Err(ConfigError::new(
            "clear_route_cache",
            "cannot be false: Envoy picks the route again whenever a wasm filter writes a request header",
        ));
    }
    if !raw.route_overrides && !raw.unrouted_headers.is_empty() {
        return Err(ConfigError::new("unrouted_headers", "has no effect without `route_overrides`; leave it out"));
    }
    if raw.dry_run.errors && !raw.dry_run.enabled {
        return Err(ConfigError::new("dry_run.errors", "has no effect without `enabled`; leave it out"));
    }
    Ok(Flow {
        dry_run: raw.dry_run.enabled,
        dry_run_errors: raw.dry_run.errors,
        validate_mutations: raw.validate_mutations,
        failure_mode_allow_header_add: raw.failure_mode_allow_header_add,
        strip_request_headers: names(&raw.strip_request_headers, "strip_request_headers")?,
        route_overrides: raw.route_overrides,
        unrouted_headers: names(&raw.unrouted_headers, "unrouted_headers")?,
    })
}

/// Names of ordinary headers, in lower case.
fn names(raw: &[String], key: &str) -> Result<Vec<String>, ConfigError> {
    if raw.len() > MAX_NAMES {
        return Err(ConfigError::new(key, format!("at most {MAX_NAMES} names are allowed")));
    }
    let checked = raw.iter().enumerate().map(|(index, name)| {
        let lower = name.to_ascii_lowercase();
        if lower == "host" || crate::http::is_framing_header(&lower) || !crate::http::is_header_name(lower.as_bytes()) {
            return Err(ConfigError::new(
                format!("{key}[{index}]"),
                format!("`{name}` is not the name of a header that a filter may remove"),
            ));
        }
        Ok(lower)
    });
    checked.collect()
}
