// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A name in a livepatch that means no symbol, or more than one.

use crate::printable::shown;
use crate::target::Object;
use std::fmt;

/// The number of candidates that a message lists.
pub(super) const SHOWN: usize = 10;

/// The place at which a livepatch names a symbol.
#[derive(Clone, Copy)]
pub(super) enum NamedBy<'l> {
    /// The name of an undefined symbol.
    Symbol(&'l [u8]),
    /// The `old_name` of a `klp_func`.
    OldName(&'l [u8]),
}

impl<'l> NamedBy<'l> {
    fn written(self) -> &'l [u8] {
        match self {
            Self::Symbol(name) | Self::OldName(name) => name,
        }
    }

    /// Returns the text by which the author names the symbol `name` of a source file.
    pub(super) fn by_file(self, object: &Object<'_>, name: &str) -> String {
        match self {
            Self::Symbol(_) => format!(".klp.sym.{}.{name},<source file>", object.name),
            Self::OldName(_) => format!("old_name \"{name},<source file>\""),
        }
    }

    /// Returns the text by which the author names one of the symbols `name` by position.
    pub(super) fn by_position(self, object: &Object<'_>, name: impl fmt::Display) -> String {
        match self {
            Self::Symbol(_) => format!(".klp.sym.{}.{name},<position>", object.name),
            Self::OldName(_) => format!("old_name \"{name}\" with an old_sympos"),
        }
    }
}

/// A sort of name in a livepatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// An undefined symbol.
    Reference,
    /// The `old_name` of a `klp_func`.
    Function,
    /// The `name` of a `klp_object`, or the name of a module in a reference.
    Object,
}

impl NameKind {
    /// The kind in one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Function => "function",
            Self::Object => "object",
        }
    }
}

/// A name that means no symbol, or more than one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The sort of name.
    pub kind: NameKind,
    /// The name as the author wrote it.
    pub subject: String,
    /// The fault of the name.
    pub why: String,
    /// The symbols that it could mean.
    pub candidates: Vec<String>,
}

impl Problem {
    /// Returns the candidates that a message lists. The others are empty, since there may be very many.
    #[must_use]
    pub fn shown_candidates(&self) -> &[String] {
        &self.candidates[..self.candidates.len().min(SHOWN)]
    }

    pub(super) fn new(named_by: NamedBy<'_>, why: impl Into<String>) -> Self {
        Self {
            kind: match named_by {
                NamedBy::Symbol(_) => NameKind::Reference,
                NamedBy::OldName(_) => NameKind::Function,
            },
            subject: shown(named_by.written()),
            why: why.into(),
            candidates: Vec::new(),
        }
    }

    /// Returns a problem with the name of a module; `subject` is the text that has the name.
    pub(super) fn of_module(subject: String, why: String) -> Self {
        Self {
            kind: NameKind::Object,
            subject,
            why,
            candidates: Vec::new(),
        }
    }

    pub(super) fn with(mut self, candidates: Vec<String>) -> Self {
        self.candidates = candidates;
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.why)?;
        for candidate in self.shown_candidates() {
            write!(f, "\n  {candidate}")?;
        }
        if self.candidates.len() > SHOWN {
            write!(f, "\n  and {} more", self.candidates.len() - SHOWN)?;
        }
        Ok(())
    }
}
