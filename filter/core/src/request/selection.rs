//! Which members of the input document are built: those that are read, resolved when a configuration is taken.

use super::head::PARTIAL_BODY;
use super::place::{PLACES, Place};
use super::shape::Shape;
use crate::plan::Reads;
use regorus::Value;

/// The members that a decision reads. One that is not among them is neither asked of the proxy nor built.
///
/// A member is built whole or not at all, but for `headers`, and with it all objects around it: whether those are there
/// counts as read (see [`Reads`]).
#[derive(Debug)]
pub struct Selection {
    /// By place: the key of the member, if it is read.
    keys: [Option<Value>; PLACES.len()],
    headers: Headers,
}

/// The headers that are read.
#[derive(Debug)]
pub enum Headers {
    /// All of them.
    All,
    /// Those of these names.
    Named(Vec<Named>),
}

/// A header that is read by its name.
#[derive(Debug)]
pub struct Named {
    /// Its name as the policy has it. Only one in lower case is ever there.
    pub name: String,
    /// The same, ready to be a key.
    pub key: Value,
}

impl Selection {
    /// Everything.
    #[must_use]
    pub fn whole() -> Self {
        let keys = PLACES.map(|(_, path)| path.last().map(|name| Value::from(*name)));
        Self { keys, headers: Headers::All }
    }

    /// What is read, as far as these options let it be there.
    #[must_use]
    pub fn new(reads: &Reads, shape: &Shape) -> Self {
        let Reads::Parts(parts) = reads else { return Self::whole() };
        let is_read = |path: &[&str]| parts.iter().any(|part| part.iter().zip(path).all(|(key, name)| key == name));
        let mut selection = Self::whole();
        for (key, (_, path)) in selection.keys.iter_mut().zip(PLACES) {
            key.take_if(|_| !is_read(path));
        }
        selection.headers = headers(parts, shape);
        selection
    }

    /// The key of a member that is read.
    pub(super) fn key(&self, place: Place) -> Option<&Value> {
        self.keys.get(place as usize)?.as_ref()
    }

    /// Whether a member is read.
    pub(super) fn has(&self, place: Place) -> bool {
        self.key(place).is_some()
    }

    /// The headers that are read, where [`Place::Headers`] is.
    pub(super) const fn headers(&self) -> &Headers {
        &self.headers
    }

    /// Whether anything that is read depends on the body.
    #[must_use]
    pub fn reads_body(&self) -> bool {
        const OF_BODY: [Place; 6] =
            [Place::Body, Place::RawBody, Place::Size, Place::HeaderMap, Place::ParsedBody, Place::TruncatedBody];
        OF_BODY.into_iter().any(|place| self.has(place)) || self.has(Place::Headers) && self.headers.have(PARTIAL_BODY)
    }
}

impl Headers {
    fn have(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.iter().any(|named| named.name == name),
        }
    }
}

fn headers(parts: &[Vec<String>], shape: &Shape) -> Headers {
    let Some((_, path)) = PLACES.iter().find(|(place, _)| *place == Place::Headers) else { return Headers::All };
    let mut names = Vec::new();
    for part in parts.iter().filter(|part| part.iter().zip(*path).all(|(key, name)| key == name)) {
        // The keys behind `headers`; whoever reads less of the path reads them all.
        let Some(name) = part.get(path.len()) else { return Headers::All };
        names.push(name.clone());
    }
    // What Envoy says of the body is shown whatever the filters say.
    names.retain(|name| name == PARTIAL_BODY || shape.headers.passes(name));
    names.dedup();
    Headers::Named(names.into_iter().map(|name| Named { key: Value::from(name.as_str()), name }).collect())
}
