//! Free loopback ports for child processes.
//!
//! Asking the kernel for port 0 and closing the socket would hand the number back: any outgoing connection may get
//! it before the child binds it. So ports come from below the kernel's range for outgoing connections, and each is
//! held by a lock on a file that the kernel drops with this process: no two test processes get the same one.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Mutex;

use crate::error::Context as _;
use crate::{Error, Result, scratch};

const FIRST: u16 = 12_000;
const LAST: u16 = 31_999;

/// The locks of all ports handed out: kept to the end of the process, so that none is handed out twice.
static TAKEN: Mutex<Vec<(u16, File)>> = Mutex::new(Vec::new());

/// A loopback port that nothing listens on and that no other harness process will take.
pub fn free() -> Result<u16> {
    let directory = lock_directory()?;
    let mut taken = TAKEN.lock().expect("no panic under the lock");
    let span = LAST - FIRST + 1;
    // Processes start at different places, so they seldom meet.
    let mut offset = (std::process::id() % u32::from(span)) as u16;
    if let Some((last, _)) = taken.last() {
        offset = last - FIRST + 1;
    }
    for step in 0..span {
        let port = FIRST + ((u32::from(offset) + u32::from(step)) % u32::from(span)) as u16;
        if taken.iter().any(|(known, _)| *known == port) {
            continue;
        }
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(directory.join(port.to_string()))
            .context("the lock file of a port")?;
        let unlocked = lock.try_lock().is_ok();
        if unlocked && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            taken.push((port, lock));
            return Ok(port);
        }
    }
    Err(Error::new(format!("no free port between {FIRST} and {LAST}")))
}

/// `127.0.0.1:port`.
#[must_use]
pub fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn lock_directory() -> Result<PathBuf> {
    let directory = scratch::shared().join("ports");
    std::fs::create_dir_all(&directory).context("the folder of port locks")?;
    Ok(directory)
}
