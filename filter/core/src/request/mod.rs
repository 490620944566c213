//! The attributes of a request → the OPA-Envoy input document (contract section 1).
//!
//! One document serves both sides: the engine gets it as a value, the remote OPA as JSON. Where the engine cannot hold
//! what the JSON says, there is no value, and only the remote OPA can decide.

mod body;
mod build;
mod direct;
#[cfg(feature = "grpc")]
mod grpc;
mod head;
mod matcher;
mod media_type;
mod members;
mod metadata;
mod multipart;
mod peers;
mod place;
mod selection;
mod shape;
mod url;

pub use body::Body;
pub use build::Sources;
pub use direct::{Direct, Shown};
#[cfg(feature = "grpc")]
pub use grpc::Services;
pub use head::Head;
pub use matcher::{HeaderFilter, Matcher};
pub use metadata::{Labels, Metadata, Namespaces};
pub use peers::client_ip;
pub use selection::Selection;
pub use shape::{DEFAULT_JSON_DEPTH, Shape, SourceAddress, Unprovided, unprovided};
pub(crate) use url::parse_query;

use crate::host::HostError;
use build::Built;
use place::Place;
use regorus::Value;
use regorus::value::Object;
use std::collections::BTreeMap;

/// Why a request cannot be turned into an input document. The client gets 400 and this text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError(String);

impl ParseError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl std::fmt::Display for ParseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ParseError {}

/// Why there is no input document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentError {
    /// The request cannot be read.
    Parse(ParseError),
    /// The proxy did not tell what it should know.
    Host(HostError),
    /// It can be read, but the engine cannot hold it as OPA does.
    Inexact,
}

impl From<ParseError> for DocumentError {
    fn from(error: ParseError) -> Self {
        Self::Parse(error)
    }
}

impl From<HostError> for DocumentError {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

/// The document holds what the engine cannot hold as OPA does: a number of too many digits, too many values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inexact;

/// The input document of one request.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its members; `parsed_body` is null where it is inexact.
    members: BTreeMap<Value, Value>,
    is_exact: bool,
    /// `parsed_body` as JSON, where the value's own JSON would say something else.
    body_text: Option<String>,
}

impl Document {
    /// The document for the engine.
    ///
    /// # Errors
    /// The engine cannot hold it.
    pub fn value(&self) -> Result<Value, Inexact> {
        if self.is_exact { Ok(Value::from(self.members.clone())) } else { Err(Inexact) }
    }

    /// Whether the engine holds a number by another text than OPA does (`1.0` as `1`). They are the same number; what
    /// shows the text of a number shows it differently.
    #[must_use]
    pub fn respells_numbers(&self) -> bool {
        self.is_exact && self.body_text.is_some()
    }

    /// Appends the document as JSON, for the remote OPA.
    ///
    /// # Errors
    /// A value has no JSON; this does not happen to what [`document`] builds.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        let mut separator = b'{';
        for (name, value) in &self.members {
            out.push(separator);
            separator = b',';
            serde_json::to_writer(&mut *out, name)?;
            out.push(b':');
            match &self.body_text {
                Some(text) if *name == Value::from(PARSED_BODY) => out.extend_from_slice(text.as_bytes()),
                _ => serde_json::to_writer(&mut *out, value)?,
            }
        }
        out.push(b'}');
        Ok(())
    }
}

/// Whether a body that has not come yet could still change what becomes of the request: something that is selected
/// depends on it, or it could be refused, for being unreadable or longer than `limit`.
///
/// The length that the headers announce is as good as the body's own: the proxy resets a request that does not keep
/// its word.
#[must_use]
pub fn body_matters(shape: &Shape, selection: &Selection, head: &Head, limit: Option<usize>) -> bool {
    let fits = |limit| head.announced_length().is_some_and(|length| length <= limit);
    selection.reads_body() || body::is_read(shape, head) || !limit.is_none_or(fits)
}

/// Whether what stands at this path of the input document is an object of several members, so that reading it is reading
/// more than one thing.
#[must_use]
pub fn has_members(path: &[String]) -> bool {
    place::PLACES.iter().any(|(place, keys)| {
        let begins = path.len() <= keys.len() && path.iter().zip(*keys).all(|(key, name)| key == name);
        begins && (path.len() < keys.len() || *place == Place::Headers)
    })
}

const PARSED_BODY: &str = "parsed_body";

/// The input document, whole.
///
/// # Errors
/// Path, query or body cannot be parsed (contract sections 1.5 to 1.8), or the proxy fails.
pub fn document(sources: &Sources) -> Result<Document, DocumentError> {
    thread_local! {
        static WHOLE: Selection = Selection::whole();
    }
    let Built { members, is_exact, body_text } = WHOLE.with(|whole| build::build(sources, whole))?;
    Ok(Document { members, is_exact, body_text })
}

/// As much of the input document as is selected, for the engine: what depends on nothing else cannot tell it from the
/// whole.
///
/// # Errors
/// Those of [`document`], selected or not, but for what the proxy need not be asked; and what the engine cannot hold.
pub fn input(sources: &Sources, selection: &Selection) -> Result<Value, DocumentError> {
    let Built { members, is_exact, .. } = build::build(sources, selection)?;
    if is_exact { Ok(Value::from(members)) } else { Err(DocumentError::Inexact) }
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::from(members.into_iter().map(|(name, value)| (Value::from(name), value)).collect::<Object>())
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
