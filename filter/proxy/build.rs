//! Tells the module which revision it was built from, so that "which wasm is loaded?" has an answer in the log.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=SARK_REVISION");
    // The log of HEAD grows with every commit; without git there is nothing to watch but the sources.
    for path in ["../../.git/logs/HEAD", "../../.git/HEAD", "src", "../core/src"] {
        if Path::new(path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let revision = std::env::var("SARK_REVISION").ok().or_else(git_revision);
    println!("cargo::rustc-env=SARK_REVISION={}", revision.as_deref().unwrap_or("unknown"));
}

/// The commit, marked when the tree differs from it.
fn git_revision() -> Option<String> {
    let arguments = ["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"];
    let output = Command::new("git").args(arguments).output().ok()?;
    let revision = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| revision.trim().to_owned())
}
