//! `sark analyze`: what a decision reads, and why.

mod properties;
mod report;

use crate::policy;
use report::Report;
use sark_core::engine::{self, Loaded, Shelf};
use sark_core::request::{Shape, unprovided};
use std::path::PathBuf;

/// Print what a decision may read: the parts of `input` and of `data`, the builtins, whether it waits for the body, and
/// what it asks of Envoy. Only that is built and fetched for a request.
#[derive(clap::Args)]
pub struct Arguments {
    /// A bundle, or a folder (tests, `*_test.rego`, are left out), or `.rego` files and a `.json` file with the data.
    #[arg(required = true)]
    policy: Vec<PathBuf>,
    /// The decision, as in the configuration's `policy.path`.
    #[arg(long, value_name = "PATH", default_value = "envoy/authz/allow")]
    decision: String,
    /// Modules are in the language before OPA 1.0.
    #[arg(long)]
    v0: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// What is wrong with the policy, naming file and line.
pub fn run(arguments: &Arguments) -> Result<(), String> {
    let policy = policy::read(&arguments.policy, &arguments.decision, arguments.v0)?;
    let lacks = unprovided(&Shape::default());
    // Once as an operator's configuration may make it work, once as it is without any.
    let [loaded, bare] = [&[][..], &lacks].map(|lacks| engine::load(&policy, &Shelf::default(), lacks).pop());
    let loaded: Loaded = loaded.ok_or("no decision was loaded")?.map_err(|error| error.to_string())?;
    let needs = bare.and_then(Result::err).map(|error| error.to_string());
    let report = Report::new(policy.path.pieces(), &loaded, needs)?;
    if arguments.json {
        println!("{}", report.json().map_err(|error| error.to_string())?);
    } else {
        print!("{report}");
    }
    Ok(())
}
