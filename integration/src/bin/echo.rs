//! `sark-echo PORT`: the echo server by itself, for demonstrations. It runs until it is ended.

use std::process::ExitCode;

use sark_integration::echo::Echo;

fn main() -> ExitCode {
    let Some(port) = std::env::args().nth(1).and_then(|text| text.parse().ok()) else {
        eprintln!("usage: sark-echo PORT");
        return ExitCode::from(2);
    };
    match Echo::start_on(port) {
        Ok(echo) => {
            println!("echoing on http://{}", echo.address());
            loop {
                std::thread::park();
            }
        }
        Err(error) => {
            eprintln!("sark-echo: {error}");
            ExitCode::FAILURE
        }
    }
}
