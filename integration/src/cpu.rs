//! What a process has cost so far.

use std::time::Duration;

use crate::{Error, Result};

/// The clock ticks of a second in `/proc`: the same on every Linux.
const TICKS: u32 = 100;

/// The processor time of all threads of a process, user and system.
pub fn of(pid: i32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // `pid (name) state …`: the name may hold anything, so fields are counted behind the last `)`.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u32>().ok();
    match (ticks(11), ticks(12)) {
        (Some(user), Some(system)) => Ok(Duration::from_secs((user + system).into()) / TICKS),
        _ => Err(Error::new(format!("/proc/{pid}/stat: {stat}"))),
    }
}
