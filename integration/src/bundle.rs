//! OPA bundles, as `policy.bundle` takes them: made by the pinned OPA, and forged.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::{Error, Result, parts, scratch};

/// The bundle that `opa build -t plan` makes of these files, with a plan for the decision `path`; base64.
pub fn build(files: &[(&str, &str)], path: &str) -> Result<String> {
    let folder = scratch::folder("bundle-")?;
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text)?;
    }
    build_folder(folder.path(), path)
}

/// The same of a policy folder; its tests are left out.
pub fn build_folder(folder: &Path, path: &str) -> Result<String> {
    let scratch = scratch::folder("bundle-")?;
    let bundle = scratch.path().join("bundle.tar.gz");
    let output = Command::new(parts::opa()?)
        .args(["build", "--target", "plan", "--entrypoint", path, "--ignore", "*_test.rego", "--output"])
        .arg(&bundle)
        .args(["--bundle", "."])
        .current_dir(folder)
        .output()?;
    if !output.status.success() {
        return Err(Error::new(format!("opa build: {}", String::from_utf8_lossy(&output.stderr))));
    }
    Ok(STANDARD.encode(std::fs::read(bundle)?))
}

/// A bundle of exactly these files, whatever they say; base64.
pub fn forge(files: &[(&str, &str)]) -> Result<String> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, text.as_bytes())?;
    }
    Ok(STANDARD.encode(archive.into_inner()?.finish()?))
}

/// One file of a bundle.
pub fn file(bundle: &str, name: &str) -> Result<String> {
    let packed = STANDARD.decode(bundle).map_err(|error| Error::new(error.to_string()))?;
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(packed.as_slice()));
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.path()?.ends_with(name) {
            return Ok(std::io::read_to_string(&mut entry)?);
        }
    }
    Err(Error::new(format!("the bundle has no {name}")))
}
