//! One kept connection: a request goes out, its reply comes in, and so on.

use std::error::Error;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;

use crate::reply;

/// A reply, and how long after its request it came.
pub struct Answer {
    pub status: u16,
    pub took: Duration,
}

/// A connection with at most one open request.
pub struct Line<'a> {
    stream: TcpStream,
    request: &'a [u8],
    /// How much of the request is on its way.
    sent: usize,
    begun: Instant,
    received: Vec<u8>,
}

impl<'a> Line<'a> {
    pub fn connect(address: SocketAddr) -> Result<Self, Box<dyn Error>> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, request: &[], sent: 0, begun: Instant::now(), received: Vec::new() })
    }

    /// Begins a request.
    pub fn begin(&mut self, request: &'a [u8]) -> Result<(), Box<dyn Error>> {
        (self.request, self.sent, self.begun) = (request, 0, Instant::now());
        self.write()
    }

    /// What this connection waits for.
    pub fn waits_for(&self) -> PollFlags {
        if self.sent < self.request.len() { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN }
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    /// Goes on as far as possible without waiting: the answer, once it is whole.
    pub fn proceed(&mut self) -> Result<Option<Answer>, Box<dyn Error>> {
        self.write()?;
        self.read()?;
        match reply::length(&self.received)? {
            Some(length) if length == self.received.len() => self.answer().map(Some),
            Some(length) if length < self.received.len() => Err("more than one reply to one request".into()),
            _ => Ok(None),
        }
    }

    fn answer(&mut self) -> Result<Answer, Box<dyn Error>> {
        if self.sent < self.request.len() {
            return Err("a reply before the request was sent".into());
        }
        let status = reply::status(&self.received).ok_or("not a reply")?;
        self.received.clear();
        Ok(Answer { status, took: self.begun.elapsed() })
    }

    fn write(&mut self) -> Result<(), Box<dyn Error>> {
        while let Some(rest) = self.request.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(count) => self.sent = self.sent.saturating_add(count),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// A read that does not fill its buffer has taken all there is.
    fn read(&mut self) -> Result<(), Box<dyn Error>> {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err("the connection was closed".into()),
                Ok(count) => {
                    self.received.extend_from_slice(buffer.get(..count).unwrap_or_default());
                    if count < buffer.len() {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
