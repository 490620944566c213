//! Policies on a disk: a bundle, a folder as `opa build --bundle` takes it, or single files.

use sark_core::config::{Policy, Program};
use sark_core::policy::bundle::{self, Bundle};
use sark_core::policy::{DecisionPath, RegoVersion};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Folders inside each other that are looked into.
const MAX_FOLDERS: usize = 32;

/// Reads a policy.
///
/// # Errors
/// What cannot be read or is no policy, naming the file.
pub fn read(places: &[PathBuf], decision: &str, v0: bool) -> Result<Policy, String> {
    let path = DecisionPath::parse(decision).map_err(|error| format!("--decision {error}"))?;
    let Bundle { plan, modules, data, version } = match places {
        [bundle] if is_bundle(bundle) => named(bundle, bundle::unpacked(&contents(bundle)?))?,
        places => bundle::of_files(files(places)?)?,
    };
    let version = if v0 { RegoVersion::V0 } else { version };
    let program = match plan {
        Some(plan) => Program::Plan(plan),
        None if modules.is_empty() => return Err("there is no policy: neither a plan nor a .rego file".to_owned()),
        None => Program::Source { modules, version },
    };
    Ok(Policy { program, data, path, more_paths: Vec::new(), unsupported_goes_remote: false })
}

/// What is neither a folder nor a file of a policy is a bundle of them.
fn is_bundle(place: &Path) -> bool {
    !place.is_dir() && !["rego", "json"].map(OsStr::new).map(Some).contains(&place.extension())
}

fn files(places: &[PathBuf]) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let mut files = BTreeMap::new();
    for place in places {
        if place.is_dir() {
            folder(place, "", MAX_FOLDERS, &mut files)?;
        } else {
            // Data that is named by itself is all of the data, wherever it lies.
            let is_data = place.extension() == Some(OsStr::new("json"));
            let name = if is_data { "data.json".to_owned() } else { place.display().to_string() };
            add(&mut files, name, place)?;
        }
    }
    Ok(files)
}

/// Takes in a folder. Tests are no part of a policy.
fn folder(folder: &Path, prefix: &str, depth: usize, files: &mut BTreeMap<String, Vec<u8>>) -> Result<(), String> {
    let entries = named(folder, std::fs::read_dir(folder))?;
    for entry in entries {
        let entry = named(folder, entry)?;
        let name = format!("{prefix}{}", entry.file_name().display());
        let place = entry.path();
        if !place.is_dir() {
            if !name.ends_with("_test.rego") {
                add(files, name, &place)?;
            }
        } else if let Some(depth) = depth.checked_sub(1) {
            self::folder(&place, &format!("{name}/"), depth, files)?;
        } else {
            return Err(format!("{}: lies in more than {MAX_FOLDERS} folders", place.display()));
        }
    }
    Ok(())
}

fn add(files: &mut BTreeMap<String, Vec<u8>>, name: String, place: &Path) -> Result<(), String> {
    match files.insert(name, contents(place)?) {
        None => Ok(()),
        Some(_) => Err(format!("{}: a second file of this name", place.display())),
    }
}

fn contents(place: &Path) -> Result<Vec<u8>, String> {
    named(place, std::fs::read(place))
}

/// An error that says what it is about.
fn named<T, E: std::fmt::Display>(place: &Path, result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| format!("{}: {error}", place.display()))
}
