// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A name as a livepatch or a tracer writes it, and what it asks for.

use super::clean::{
    cleanup_symbol_name,
    CleanName, //
};
use super::name::SymbolName;

/// The ending that asks for every symbol of a cleaned name, promoted or not.
///
/// No symbol has a `*`: a kernel without `klp_sympos` refuses such a name.
pub const ANY: &[u8] = b".llvm.*";

/// Who looks a name up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Asker {
    /// The livepatch core. A hash that no symbol has is the one sign of a livepatch of another
    /// build, whose positions and data layouts are not this kernel's: it must not be overlooked.
    #[default]
    Livepatch,
    /// A tracer. It reads and counts, so a stale hash harms nobody.
    Tracer,
}

/// The meaning of a written name.
///
/// | written | a livepatch gets | a tracer gets |
/// | --- | --- | --- |
/// | `foo` | the exact names; if there is none, the cleaned names `foo` | the same |
/// | `foo.llvm.123` | the exact name or nothing | the exact name; if there is none, as `foo` |
/// | `foo.llvm.*` | every symbol whose cleaned name is `foo` | the same |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Query<'a> {
    /// A name without a promotion suffix.
    Plain(SymbolName<'a>),
    /// A name with the hash of one build, which means more to one asker than to the other.
    Hashed(SymbolName<'a>, Asker),
    /// `<name>.llvm.*`; holds `<name>`.
    Any(SymbolName<'a>),
}

impl<'a> Query<'a> {
    /// Reads a name as it is written in a livepatch. Every name is a query.
    #[must_use]
    pub fn new(name: &'a [u8]) -> Self {
        Self::asked_by(Asker::Livepatch, name)
    }

    /// Reads a name as it is written by `asker`.
    ///
    /// ```
    /// use klp_policy::{Asker, Query};
    ///
    /// assert!(!Query::asked_by(Asker::Livepatch, b"foo.llvm.123").compares_cleaned());
    /// assert!(Query::asked_by(Asker::Tracer, b"foo.llvm.123").compares_cleaned());
    /// ```
    #[must_use]
    pub fn asked_by(asker: Asker, name: &'a [u8]) -> Self {
        match name.strip_suffix(ANY) {
            Some(base) if !base.is_empty() => return Self::Any(SymbolName(base)),
            _ => {}
        }
        if cleanup_symbol_name(name).head_len() == name.len() {
            Self::Plain(SymbolName(name))
        } else {
            Self::Hashed(SymbolName(name), asker)
        }
    }

    /// The full name that wins over all others, if the query has one.
    #[must_use]
    pub const fn exact(&self) -> Option<SymbolName<'a>> {
        match *self {
            Self::Plain(name) | Self::Hashed(name, _) => Some(name),
            Self::Any(_) => None,
        }
    }

    /// Returns whether cleaned names are compared where there is no exact one.
    #[must_use]
    pub const fn compares_cleaned(&self) -> bool {
        !matches!(self, Self::Hashed(_, Asker::Livepatch))
    }

    /// The query with any hash in place of its own, if a livepatch gets nothing but its own.
    ///
    /// If the livepatch got nothing, the matches of this query are the symbols that this build has
    /// instead.
    #[must_use]
    pub const fn of_any_build(&self) -> Option<Self> {
        match *self {
            Self::Hashed(name, Asker::Livepatch) => Some(Self::Hashed(name, Asker::Tracer)),
            _ => None,
        }
    }

    /// The name in the source that the query stands for.
    #[must_use]
    pub fn cleaned(&self) -> CleanName<'a> {
        match *self {
            Self::Plain(name) | Self::Any(name) => CleanName::whole(name.0),
            Self::Hashed(name, _) => cleanup_symbol_name(name.0),
        }
    }
}
