//! How much may wait to be compared in one worker: requests, and the bytes they hold.

use std::cell::Cell;
use std::rc::Rc;

/// The bounds, and what is taken.
#[derive(Debug)]
pub struct Room {
    max_requests: usize,
    max_bytes: usize,
    requests: Cell<usize>,
    bytes: Cell<usize>,
}

impl Room {
    /// Nothing is taken.
    pub const fn new(max_requests: usize, max_bytes: usize) -> Self {
        Self { max_requests, max_bytes, requests: Cell::new(0), bytes: Cell::new(0) }
    }

    fn fits(&self, more: usize) -> bool {
        self.bytes.get().saturating_add(more) <= self.max_bytes
    }
}

/// The place of one request. Dropping it gives it back.
#[derive(Debug)]
pub struct Place {
    room: Rc<Room>,
    bytes: usize,
}

impl Place {
    /// For one more request, if there is room.
    pub fn take(room: &Rc<Room>, bytes: usize) -> Option<Self> {
        let requests = room.requests.get().saturating_add(1);
        if requests > room.max_requests || !room.fits(bytes) {
            return None;
        }
        room.requests.set(requests);
        room.bytes.set(room.bytes.get().saturating_add(bytes));
        Some(Self { room: Rc::clone(room), bytes })
    }

    /// The same place with another size, if there is room.
    pub fn resized(mut self, bytes: usize) -> Option<Self> {
        self.release_bytes();
        if !self.room.fits(bytes) {
            return None;
        }
        self.bytes = bytes;
        self.room.bytes.set(self.room.bytes.get().saturating_add(bytes));
        Some(self)
    }

    fn release_bytes(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.room.bytes.set(self.room.bytes.get().saturating_sub(bytes));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.release_bytes();
        self.room.requests.set(self.room.requests.get().saturating_sub(1));
    }
}
