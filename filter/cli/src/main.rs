//! `sark`: the operator's command. It runs the code that runs in Envoy.

mod analyze;
mod policy;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// What an operator wants to know of SARK's policies.
#[derive(Parser)]
#[command(name = "sark", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Analyze(analyze::Arguments),
}

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    let done = match command {
        Command::Analyze(arguments) => analyze::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sark: {error}");
            ExitCode::FAILURE
        }
    }
}
