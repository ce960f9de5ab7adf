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

/// What a name asks for.
///
/// | written | matches |
/// | --- | --- |
/// | `foo` | the exact names; if there is none, the cleaned names `foo` |
/// | `foo.llvm.123` | the exact name; if there is none, the cleaned names `foo` |
/// | `foo.llvm.*` | every symbol whose cleaned name is `foo` |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Query<'a> {
    /// A name without a promotion suffix.
    Plain(SymbolName<'a>),
    /// A name with the hash of one build.
    Hashed(SymbolName<'a>),
    /// `<name>.llvm.*`; holds `<name>`.
    Any(SymbolName<'a>),
}

impl<'a> Query<'a> {
    /// Reads a name as it is written. Every name is a query.
    #[must_use]
    pub fn new(name: &'a [u8]) -> Self {
        match name.strip_suffix(ANY) {
            Some(base) if !base.is_empty() => return Self::Any(SymbolName(base)),
            _ => {}
        }
        if cleanup_symbol_name(name).head_len() == name.len() {
            Self::Plain(SymbolName(name))
        } else {
            Self::Hashed(SymbolName(name))
        }
    }

    /// The full name that wins over all others, if the query has one.
    #[must_use]
    pub const fn exact(&self) -> Option<SymbolName<'a>> {
        match *self {
            Self::Plain(name) | Self::Hashed(name) => Some(name),
            Self::Any(_) => None,
        }
    }

    /// The cleaned name that is looked for where there is no exact one.
    #[must_use]
    pub fn cleaned(&self) -> CleanName<'a> {
        match *self {
            Self::Plain(name) | Self::Any(name) => CleanName::whole(name.0),
            Self::Hashed(name) => cleanup_symbol_name(name.0),
        }
    }
}
