//! What one VM has read of the live state of one plugin.

use super::newest::Newest;
use super::{Document, Malformed};
use crate::host::{ABSENT, HostError, Live};
use crate::metrics::LiveError;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The last document that could be read, whatever has become of it since: what cannot be read must not undo a rollback.
pub struct Known {
    document: RefCell<Option<Document>>,
    /// The number of changes before the last look at the document.
    seen: Cell<Option<u64>>,
    /// Goes up when the document is another one.
    revision: Cell<u64>,
    /// Of all plugins in this VM: how often their caches were to be emptied.
    cleanings: Rc<Cell<u64>>,
    /// Of the configurations of the plugin in this VM.
    pub(super) newest: Newest,
}

/// What the proxy keeps, and the number that tells whether it has changed since.
pub(super) enum Stored {
    Document(Box<Document>, u32),
    Malformed(u32),
}

impl Known {
    /// Nothing yet.
    #[must_use]
    pub fn new(cleanings: Rc<Cell<u64>>) -> Self {
        Self {
            document: RefCell::new(None),
            seen: Cell::new(None),
            revision: Cell::new(0),
            cleanings,
            newest: Newest::default(),
        }
    }

    /// Looks at the document if it may have changed. The number of changes is read first: a change that comes between
    /// the two is seen the next time.
    pub(super) fn refresh(&self, live: &dyn Live) {
        let changes = live.changes();
        if changes.is_ok_and(|changes| self.seen.get() == Some(changes)) {
            return;
        }
        if changes.is_err() {
            live.failed(LiveError::Read);
        }
        let is_read = self.reload(live).is_ok();
        self.seen.set(changes.ok().filter(|_| is_read));
    }

    /// Looks at the document. One that is malformed changes nothing of what is known.
    pub(super) fn reload(&self, live: &dyn Live) -> Result<Stored, HostError> {
        let stored = stored(live)?;
        if let Stored::Document(document, _) = &stored {
            self.take(document.as_ref().clone());
        }
        Ok(stored)
    }

    /// This is the document now.
    pub(super) fn take(&self, document: Document) {
        let mut known = self.document.borrow_mut();
        if known.as_ref() == Some(&document) {
            return;
        }
        if document.cache_generation != known.as_ref().map_or(0, |known| known.cache_generation) {
            self.cleanings.set(self.cleanings.get().wrapping_add(1));
        }
        self.revision.set(self.revision.get().wrapping_add(1));
        *known = Some(document);
    }

    pub(super) const fn revision(&self) -> u64 {
        self.revision.get()
    }

    /// Of the last document that could be read.
    pub(super) fn version(&self) -> Option<u64> {
        self.document.borrow().as_ref().map(|document| document.version)
    }

    /// The last document that could be read; an empty one if none could.
    pub(super) fn document(&self) -> Document {
        self.document.borrow().clone().unwrap_or_default()
    }
}

fn stored(live: &dyn Live) -> Result<Stored, HostError> {
    let loaded = live.load().inspect_err(|HostError| live.failed(LiveError::Read))?;
    Ok(match loaded {
        None => Stored::Document(Box::default(), ABSENT),
        Some((bytes, cas)) => match Document::read(&bytes) {
            Ok(document) => Stored::Document(Box::new(document), cas),
            Err(Malformed) => {
                live.failed(LiveError::Malformed);
                Stored::Malformed(cas)
            }
        },
    })
}
