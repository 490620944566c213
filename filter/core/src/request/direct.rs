//! What the input document would show of a request, read from its headers without building the document.
//!
//! For decisions that read nothing but the path, the pseudo headers and headers by name, and only where the document
//! could be built: a request that might be refused is left to [`super::build`], whatever is asked about it.

use super::body;
use super::build::Sources;
use super::head::Head;
use super::place::{OF_HEADER, PLACES, Place};
use super::shape::{Shape, SourceAddress};
use super::url::{self, Segments};
use std::borrow::Cow;

/// The parts of the document that a decision reads, each as the way to it.
#[derive(Debug)]
pub struct Direct(Vec<Part>);

#[derive(Debug)]
enum Part {
    /// `parsed_path`.
    Segments,
    /// What this header says, or nothing if that is empty: a field at its default value is absent.
    Field { header: &'static str, depth: usize },
    /// What this header says; it may be empty.
    Header { name: String, depth: usize },
    /// Nothing, in every document of this shape.
    Nothing { depth: usize },
}

/// What is at a path of the document.
#[derive(Debug)]
pub enum Shown<'a> {
    /// Nothing; so many names of the path lead somewhere.
    Nothing {
        /// How many.
        depth: usize,
    },
    /// A text.
    Text(Cow<'a, str>),
    /// An array of texts.
    Texts(Segments<'a>),
}

impl Direct {
    /// For what is at these paths; `None`: it takes a document to tell, or documents of this shape may be refused for what
    /// is in none of them.
    #[must_use]
    pub fn new(paths: &[Vec<String>], shape: &Shape) -> Option<Self> {
        if matches!(shape.source_address, Some(SourceAddress::Header(_))) {
            return None;
        }
        paths.iter().map(|path| Part::new(path, shape)).collect::<Option<_>>().map(Self)
    }

    /// Hands over what is at each of the paths, in their order, until `found` wants no more. `None`: not everything was,
    /// or the document of this request, which may be refused, must be built to know.
    pub fn visit(&self, sources: &Sources, mut found: impl FnMut(Shown) -> Option<()>) -> Option<()> {
        let Sources { shape, head, body, .. } = *sources;
        if body.is_some() || body::is_read(shape, head) {
            return None;
        }
        let target = head.path();
        let (path, query) = url::split(&target);
        let path = url::decode_path(path).ok()?;
        url::check_query(query.as_bytes()).ok()?;
        self.0.iter().try_for_each(|part| found(part.of(head, &path)))
    }
}

impl Part {
    fn new(path: &[String], shape: &Shape) -> Option<Self> {
        let place = |path: &[String]| PLACES.iter().find(|(_, keys)| path.iter().eq(*keys)).map(|(place, _)| *place);
        let (name, around) = path.split_last()?;
        let depth = around.len();
        if place(around) == Some(Place::Headers) {
            return Some(Self::header(name, depth, shape));
        }
        match place(path)? {
            Place::ParsedPath => Some(Self::Segments),
            place => {
                let (_, header) = OF_HEADER.iter().find(|(other, _)| *other == place)?;
                Some(Self::Field { header, depth })
            }
        }
    }

    fn header(name: &str, depth: usize, shape: &Shape) -> Self {
        if shape.raw_headers {
            return Self::Nothing { depth: depth.saturating_sub(1) };
        }
        // What Envoy says of a body is shown whatever the filters say. There is no body here, and nothing said of it.
        if shape.headers.passes(name) { Self::Header { name: name.to_owned(), depth } } else { Self::Nothing { depth } }
    }

    /// What is there, of a request with these headers and this path.
    fn of<'a>(&self, head: &'a Head, path: &'a str) -> Shown<'a> {
        let (text, depth) = match self {
            Self::Segments => return Shown::Texts(url::segments(path)),
            Self::Field { header, depth } => (head.get(header).filter(|text| !text.is_empty()), *depth),
            Self::Header { name, depth } => (head.get(name), *depth),
            Self::Nothing { depth } => (None, *depth),
        };
        text.map_or(Shown::Nothing { depth }, Shown::Text)
    }
}

#[cfg(test)]
mod tests;
