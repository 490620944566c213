//! The linear memories of the machines that an Envoy runs.
//!
//! Envoy has no gauge of them, and the resident size of the process says little: allocators keep what was freed. But V8
//! reserves the whole address space of a 32-bit memory at once and opens its beginning: in `/proc/PID/maps` a memory is
//! an open mapping, as long as `memory.size` says to the page, and behind it one of gigabytes that nobody may touch.

use crate::{Error, Result};

/// More than any other mapping leaves closed behind it: V8's own heaps reserve less.
const RESERVED: u64 = 4 << 30;

/// The sizes in bytes, in ascending order: one for each worker, one for the main thread, one for the compiled module.
pub fn linear(pid: i32) -> Result<Vec<u64>> {
    let path = format!("/proc/{pid}/maps");
    let mappings = std::fs::read_to_string(&path)?;
    let mappings: Option<Vec<Mapping>> = mappings.lines().map(Mapping::read).collect();
    let mappings = mappings.ok_or_else(|| Error::new(format!("{path} has another form")))?;
    let mut sizes: Vec<u64> = mappings.windows(2).filter_map(|pair| size(&pair[0], &pair[1])).collect();
    sizes.sort_unstable();
    Ok(sizes)
}

fn size(open: &Mapping, closed: &Mapping) -> Option<u64> {
    let is_memory = open.rights == "rw-p" && closed.rights == "---p" && open.end == closed.start;
    (is_memory && closed.end - open.start > RESERVED).then_some(open.end - open.start)
}

struct Mapping<'a> {
    start: u64,
    end: u64,
    rights: &'a str,
}

impl<'a> Mapping<'a> {
    /// `start-end rights …`, numbers in hexadecimal.
    fn read(line: &'a str) -> Option<Self> {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let address = |text| u64::from_str_radix(text, 16).ok();
        Some(Self { start: address(start)?, end: address(end)?, rights: rest.split(' ').next()? })
    }
}
