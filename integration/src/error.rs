//! One error type: a message that a person can act on.

use std::fmt;

/// Shorthand for the fallible calls of the harness.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, already worded for the reader of a failed test.
pub struct Error(String);

impl Error {
    /// An error that says `message`.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// Puts `what: ` in front of the message.
    #[must_use]
    pub fn context(self, what: impl fmt::Display) -> Self {
        Self(format!("{what}: {}", self.0))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The same as `Display`, so that `unwrap()` shows a log tail as lines and not as `\n`.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<h2::Error> for Error {
    fn from(error: h2::Error) -> Self {
        Self(format!("HTTP/2: {error}"))
    }
}

impl From<http::Error> for Error {
    fn from(error: http::Error) -> Self {
        Self(format!("not a valid HTTP/2 message: {error}"))
    }
}

/// Adds what was being done to an error.
pub trait Context<T> {
    /// Puts `what: ` in front of the message.
    fn context(self, what: impl fmt::Display) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, what: impl fmt::Display) -> Result<T> {
        self.map_err(|error| error.into().context(what))
    }
}
