//! OPA's bundle format: a gzipped tar of modules, data, a manifest and perhaps a plan.
//!
//! Read as `opa` reads it (OPA documentation, "Bundle File Format"), bounded by counts. Not read: `data.yaml` (refused, it
//! would be lost silently), `policy.wasm` and signatures (whoever can push the configuration needs no signature).

use super::{Module, RegoVersion};
use crate::json;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;
use regorus::Value;
use std::collections::BTreeMap;
use std::io::{self, Read};

/// Bytes that a bundle may have when unpacked: what bounds a compression bomb.
const MAX_UNPACKED: u64 = 64 * 1024 * 1024;
/// Files and folders that a bundle may have.
const MAX_ENTRIES: usize = 4_096;
/// Folders inside each other that a `data.json` may lie in.
const MAX_FOLDERS: usize = 32;

/// What a bundle holds.
#[derive(Debug)]
pub struct Bundle {
    /// `plan.json`, if `opa build -t plan` made the bundle.
    pub plan: Option<Vec<u8>>,
    /// The `.rego` files, in name order; the names as in the bundle, without the leading `/`.
    pub modules: Vec<Module>,
    /// All `data.json` files, each mounted at its folder.
    pub data: Value,
    /// The manifest's `rego_version`; v1 if it has none.
    pub version: RegoVersion,
}

/// A bundle as it lies on a disk, from its base64 text.
///
/// # Errors
/// It is no base64.
pub fn decoded(text: &str) -> Result<Vec<u8>, String> {
    STANDARD.decode(text).map_err(|error| format!("is not base64: {error}"))
}

/// Reads a bundle from its base64 text.
///
/// # Errors
/// What is wrong with it, naming the file.
pub fn read(text: &str) -> Result<Bundle, String> {
    unpacked(&decoded(text)?)
}

/// Reads a bundle as it lies on a disk.
///
/// # Errors
/// What is wrong with it, naming the file.
pub fn unpacked(packed: &[u8]) -> Result<Bundle, String> {
    of_files(unpack(packed)?)
}

/// Reads what would be a bundle if it were packed: files by their names, those of folders parted by `/`. Files that
/// mean nothing in a bundle are left out.
///
/// # Errors
/// What is wrong with it, naming the file.
pub fn of_files(all: BTreeMap<String, Vec<u8>>) -> Result<Bundle, String> {
    let mut files = Files::default();
    for (name, bytes) in all.into_iter().filter(|(name, _)| is_read(name)) {
        files.add(name, bytes)?;
    }
    files.finish()
}

/// All files, by name. One at a time, so that nothing is held twice.
fn unpack(packed: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let mut unpacked = Unpacked { stream: MultiGzDecoder::new(packed), left: MAX_UNPACKED.saturating_add(1) };
    let files = files(&mut unpacked).and_then(|files| {
        // To the end of the stream: an archive that is cut at a file's end looks complete.
        io::copy(&mut unpacked, &mut io::sink()).map_err(broken)?;
        Ok(files)
    });
    // Whatever became of what was cut off.
    if unpacked.left == 0 { Err(format!("has more than {MAX_UNPACKED} bytes unpacked")) } else { files }
}

fn broken(error: io::Error) -> String {
    format!("is not a gzipped tar archive: {error}")
}

fn files(unpacked: impl Read) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let mut archive = tar::Archive::new(unpacked);
    let mut files = BTreeMap::new();
    for (index, entry) in archive.entries().map_err(broken)?.enumerate() {
        if index >= MAX_ENTRIES {
            return Err(format!("has more than {MAX_ENTRIES} files"));
        }
        let mut entry = entry.map_err(broken)?;
        if entry.header().entry_type().is_dir() {
            continue;
        }
        let name = String::from_utf8(entry.path_bytes().into_owned()).map_err(|_| "has a file name that is no text")?;
        let name = name.trim_start_matches("./").trim_start_matches('/').to_owned();
        if !entry.header().entry_type().is_file() {
            return Err(format!("{name} is neither a file nor a folder"));
        }
        if !is_read(&name) {
            continue;
        }
        // What the archive says of the length is no more than a hint.
        let mut bytes = Vec::with_capacity(usize::try_from(entry.size().min(MAX_UNPACKED)).unwrap_or(0));
        entry.read_to_end(&mut bytes).map_err(|error| format!("{name}: {error}"))?;
        if files.insert(name.clone(), bytes).is_some() {
            return Err(format!("{name} stands twice"));
        }
    }
    Ok(files)
}

/// A stream that ends after so many bytes.
struct Unpacked<R> {
    stream: R,
    left: u64,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = (&mut self.stream).take(self.left).read(buffer)?;
        self.left = self.left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}

/// Files that mean something to us; others may lie in a bundle.
fn is_read(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.ends_with(".rego")
        || matches!(file, "data.json" | "data.yaml" | "data.yml")
        || matches!(name, "plan.json" | ".manifest")
}

#[derive(Default)]
struct Files {
    plan: Option<Vec<u8>>,
    manifest: Manifest,
    modules: Vec<Module>,
    data: Vec<(Vec<String>, Value)>,
}

/// What of `.manifest` is read; the rest of it is for those who distribute bundles.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Manifest {
    rego_version: Option<u8>,
    file_rego_versions: BTreeMap<String, u8>,
}

impl Files {
    fn add(&mut self, name: String, bytes: Vec<u8>) -> Result<(), String> {
        if name == "plan.json" {
            self.plan = Some(bytes);
        } else if name == ".manifest" {
            self.manifest = serde_json::from_slice(&bytes).map_err(|error| format!(".manifest: {error}"))?;
        } else if name.ends_with(".rego") {
            let text = String::from_utf8(bytes).map_err(|_| format!("{name} is not UTF-8"))?;
            self.modules.push(Module { name, text });
        } else if let Some(folder) = name.strip_suffix("data.json") {
            let value = json::parse_within(&bytes, json::Bounds::DATA).map_err(|error| format!("{name}: {error}"))?;
            let folders: Vec<String> = folder.split('/').filter(|piece| !piece.is_empty()).map(str::to_owned).collect();
            if folders.len() > MAX_FOLDERS {
                return Err(format!("{name} lies in more than {MAX_FOLDERS} folders"));
            }
            self.data.push((folders, value));
        } else {
            return Err(format!("{name}: YAML data is not read; write it as data.json"));
        }
        Ok(())
    }

    fn finish(self) -> Result<Bundle, String> {
        let version = match self.manifest.rego_version {
            Some(0) => RegoVersion::V0,
            None | Some(1) => RegoVersion::V1,
            Some(other) => return Err(format!(".manifest: rego_version {other} is neither 0 nor 1")),
        };
        if self.plan.is_none() && !self.manifest.file_rego_versions.is_empty() {
            return Err(
                ".manifest: file_rego_versions is not read without a plan; build one (opa build -t plan)".to_owned()
            );
        }
        let mut data = Value::new_object();
        for (folders, value) in self.data {
            mount(&mut data, &folders, value).map_err(|()| {
                format!("{}/data.json: something else is there already, or the root is no object", folders.join("/"))
            })?;
        }
        Ok(Bundle { plan: self.plan, modules: self.modules, data, version })
    }
}

/// Puts `value` at `folders` below `data`; objects are merged.
fn mount(data: &mut Value, folders: &[String], value: Value) -> Result<(), ()> {
    let Some((first, rest)) = folders.split_first() else {
        return merge(data, value);
    };
    let members = data.as_object_mut().map_err(|_| ())?;
    let key = Value::from(first.as_str());
    let mut inner = members.get(&key).cloned().unwrap_or_else(Value::new_object);
    if rest.is_empty() && !members.contains_key(&key) {
        inner = value;
    } else {
        mount(&mut inner, rest, value)?;
    }
    members.insert(key, inner);
    Ok(())
}

fn merge(into: &mut Value, from: Value) -> Result<(), ()> {
    let from = from.as_object().map_err(|_| ())?;
    for (key, value) in from.iter() {
        let members = into.as_object_mut().map_err(|_| ())?;
        let mut merged = value.clone();
        if let Some(old) = members.get(key) {
            let mut old = old.clone();
            merge(&mut old, merged)?;
            merged = old;
        }
        members.insert(key.clone(), merged);
    }
    Ok(())
}
