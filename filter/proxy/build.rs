//! Tells the module which revision it was built from, so that "which wasm is loaded?" has an answer in the log.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=../../.git/HEAD");
    println!("cargo::rerun-if-env-changed=SARK_REVISION");
    let revision = std::env::var("SARK_REVISION").ok().or_else(git_revision);
    println!("cargo::rustc-env=SARK_REVISION={}", revision.as_deref().unwrap_or("unknown"));
}

fn git_revision() -> Option<String> {
    let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output().ok()?;
    let revision = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| revision.trim().to_owned())
}
