// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The error type of the library.

use std::{error, fmt, io};

/// A result of this library.
pub type Result<T> = std::result::Result<T, Error>;

/// An error, with the file, symbol or section.
///
/// The answer "no such symbol" to a question is not an error, see [`Answer`](crate::resolve::Answer).
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn error::Error + Send + Sync>>,
}

/// The kind of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file could not be opened, read or written.
    Io,
    /// A file is malformed, or of another kind than expected.
    Malformed,
    /// A file is valid, but of a kind that is not supported.
    Unsupported,
    /// The request cannot be met with these inputs.
    Refused,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn io(what: &dyn fmt::Display, source: io::Error) -> Self {
        Self {
            kind: ErrorKind::Io,
            message: what.to_string(),
            source: Some(source.into()),
        }
    }

    pub(crate) fn malformed(origin: &str, what: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Malformed, format!("{origin}: {what}"))
    }

    pub(crate) fn unsupported(origin: &str, what: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Unsupported, format!("{origin}: {what}"))
    }

    pub(crate) fn refused(origin: &str, what: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Refused, format!("{origin}: {what}"))
    }

    /// Puts the place that refers to the file in front of the message.
    pub(crate) fn behind(mut self, place: &dyn fmt::Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.source.as_deref().map(|e| e as _)
    }
}
