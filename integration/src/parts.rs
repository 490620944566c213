//! Where the real parts are. They are found, never installed: `scripts/install` puts them into a per-user cache.

use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Which versions, `NAME=value` a line: the one place where they stand.
const VERSIONS: &str = include_str!("../../scripts/versions");

/// Envoy.
pub fn envoy() -> Result<PathBuf> {
    part("envoy", "ENVOY_VERSION")
}

/// Open Policy Agent.
pub fn opa() -> Result<PathBuf> {
    part("opa", "OPA_VERSION")
}

/// func-e, which starts Envoy for `scripts/demo`.
pub fn func_e() -> Result<PathBuf> {
    part("func-e", "FUNC_E_VERSION")
}

/// The filter: `$SARK_WASM`, or what `scripts/build` leaves in the workspace.
pub fn wasm() -> Result<PathBuf> {
    let path = match std::env::var_os("SARK_WASM") {
        Some(path) => PathBuf::from(path),
        None => workspace().join("target/sark.wasm"),
    };
    found(path, "the wasm module", "scripts/build")
}

/// The filter with faults on purpose: `$SARK_WASM_FAULTS`, or what `scripts/build --faults` leaves in the workspace.
pub fn wasm_faults() -> Result<PathBuf> {
    let path = match std::env::var_os("SARK_WASM_FAULTS") {
        Some(path) => PathBuf::from(path),
        None => workspace().join("target/sark-faults.wasm"),
    };
    found(path, "the wasm module with faults", "scripts/build --faults")
}

/// The root of the workspace.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

fn part(binary: &str, key: &str) -> Result<PathBuf> {
    let version = VERSIONS
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
        .ok_or_else(|| Error::new(format!("scripts/versions has no {key}")))?;
    let folder = format!("{binary}-{}", version.trim());
    found(cache()?.join(&folder).join(binary), &folder, "scripts/install")
}

fn cache() -> Result<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    if let Some(path) = variable("SARK_CACHE") {
        return Ok(path.into());
    }
    if let Some(path) = variable("XDG_CACHE_HOME") {
        return Ok(PathBuf::from(path).join("sark"));
    }
    match variable("HOME") {
        Some(home) => Ok(PathBuf::from(home).join(".cache/sark")),
        None => Err(Error::new("neither SARK_CACHE nor XDG_CACHE_HOME nor HOME is set")),
    }
}

fn found(path: PathBuf, what: &str, script: &str) -> Result<PathBuf> {
    if path.is_file() {
        return Ok(path);
    }
    Err(Error::new(format!("{what} is not at {}: run {script}", path.display())))
}
