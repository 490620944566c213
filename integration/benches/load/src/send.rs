//! The load: one thread, some connections, one open request on each.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use serde_json::json;

use crate::latency::Latencies;
use crate::line::Line;

/// No reply takes longer.
const PATIENCE: rustix::event::Timespec = rustix::event::Timespec { tv_sec: 20, tv_nsec: 0 };

/// What came of it.
#[derive(Default)]
struct Outcome {
    statuses: BTreeMap<u16, u64>,
    latencies: Latencies,
}

/// The command line's `send`.
pub fn command(
    address: &str,
    requests: &str,
    first: &str,
    connections: &str,
    seconds: &str,
) -> Result<(), Box<dyn Error>> {
    let bytes = std::fs::read(requests)?;
    let mut requests = split(&bytes)?;
    let first = first.parse::<usize>()?.checked_rem(requests.len()).unwrap_or_default();
    requests.rotate_left(first);
    let mut lines = Vec::new();
    for _ in 0..connections.parse::<usize>()?.max(1) {
        lines.push(Line::connect(address.parse()?)?);
    }
    let duration = Duration::try_from_secs_f64(seconds.parse()?)?;
    let started = Instant::now();
    let outcome = load(&mut lines, &requests, duration)?;
    let elapsed = started.elapsed().as_secs_f64();
    let count = outcome.latencies.count();
    println!(
        "{}",
        json!({
            "requests": count,
            "seconds": elapsed,
            "per_second": count as f64 / elapsed,
            "statuses": outcome.statuses,
            "microseconds": outcome.latencies.summary(),
        })
    );
    Ok(())
}

/// The requests of a file.
fn split(mut bytes: &[u8]) -> Result<Vec<&[u8]>, Box<dyn Error>> {
    let mut requests = Vec::new();
    while !bytes.is_empty() {
        let end = bytes.iter().position(|byte| *byte == b'\n').ok_or("a length without a line feed")?;
        let (digits, rest) = bytes.split_at_checked(end).ok_or("a length without a line feed")?;
        let length: usize = std::str::from_utf8(digits)?.parse()?;
        let rest = rest.get(1..).unwrap_or_default();
        let (request, rest) = rest.split_at_checked(length).ok_or("a request that is cut off")?;
        requests.push(request);
        bytes = rest;
    }
    if requests.is_empty() { Err("no requests".into()) } else { Ok(requests) }
}

/// Every request that was begun in time is answered before this returns.
fn load<'a>(lines: &mut [Line<'a>], requests: &[&'a [u8]], duration: Duration) -> Result<Outcome, Box<dyn Error>> {
    let mut outcome = Outcome::default();
    let mut next = requests.iter().copied().cycle();
    let end = Instant::now().checked_add(duration).ok_or("too long")?;
    let mut open = vec![true; lines.len()];
    for line in lines.iter_mut() {
        line.begin(next.next().unwrap_or_default())?;
    }
    while open.contains(&true) {
        for index in ready(lines, &open)? {
            let (Some(line), Some(open)) = (lines.get_mut(index), open.get_mut(index)) else { continue };
            let Some(answer) = line.proceed()? else { continue };
            let count = outcome.statuses.entry(answer.status).or_default();
            *count = count.saturating_add(1);
            outcome.latencies.add(answer.took);
            if Instant::now() < end {
                line.begin(next.next().unwrap_or_default())?;
            } else {
                *open = false;
            }
        }
    }
    Ok(outcome)
}

/// Waits until some of the open connections can go on: which ones.
fn ready(lines: &[Line<'_>], open: &[bool]) -> Result<Vec<usize>, Box<dyn Error>> {
    let waiting: Vec<usize> = open.iter().enumerate().filter_map(|(index, open)| open.then_some(index)).collect();
    let mut polled: Vec<PollFd<'_>> = waiting
        .iter()
        .filter_map(|index| lines.get(*index))
        .map(|line| PollFd::from_borrowed_fd(line.fd(), line.waits_for()))
        .collect();
    if poll(&mut polled, Some(&PATIENCE))? == 0 {
        return Err("no reply in 20 s".into());
    }
    let is_ready = |fd: &PollFd<'_>| fd.revents() != PollFlags::empty();
    Ok(waiting.iter().zip(&polled).filter(|(_, fd)| is_ready(fd)).map(|(index, _)| *index).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_split_by_their_lengths() {
        assert_eq!(split(b"3\nGET2\nab").unwrap(), [b"GET".as_slice(), b"ab"]);
        for wrong in [b"".as_slice(), b"3", b"4\nGET", b"x\nGET"] {
            assert!(split(wrong).is_err(), "{wrong:?}");
        }
    }
}
