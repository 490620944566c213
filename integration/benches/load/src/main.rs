//! `sark-load send ADDRESS REQUESTS FIRST CONNECTIONS SECONDS`: sends prepared requests for a while and prints one JSON line.
//! `sark-load serve`: an upstream that costs little; prints its address and runs until it is ended.
//!
//! `REQUESTS` is a file: before each request stands its length in decimal and a line feed. They are sent in this order,
//! over and over, beginning with the one of number `FIRST`, each on the connection that is free.

mod latency;
mod line;
mod reply;
mod send;
mod serve;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["send", address, requests, first, connections, seconds] => {
            send::command(address, requests, first, connections, seconds)
        }
        ["serve"] => serve::run(),
        _ => Err("usage: sark-load send ADDRESS REQUESTS FIRST CONNECTIONS SECONDS | serve".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sark-load: {error}");
            ExitCode::FAILURE
        }
    }
}
