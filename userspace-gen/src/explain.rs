// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Explains a name in any form in which authors and kernels write it.

use klp_policy::{
    CleanName, FormatError, LivepatchSection, LivepatchSymbol, Policy, Query, Request,
    RequestError, SymbolName, TooLarge,
};
use std::fmt;

/// A text that names symbols, in one of its forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenName<'n> {
    /// `[objname:]name[,sympos]`, or the name of a livepatch symbol, which contains the same parts.
    Request {
        /// The request.
        request: Request<'n>,
        /// True for the form `.klp.sym.<objname>.<name>,<sympos>`.
        is_symbol: bool,
    },
    /// `.klp.rela.<objname>.<section>`
    Section(LivepatchSection<'n>),
}

/// The fault of a text that names no symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenNameError {
    /// The text is no request.
    Request(RequestError),
    /// The text begins like the name of a livepatch symbol, but is malformed.
    Symbol(FormatError),
    /// The text begins like the name of a livepatch section, but is malformed.
    Section(FormatError),
}

impl<'n> WrittenName<'n> {
    /// Reads a text in any of the forms.
    ///
    /// # Errors
    ///
    /// A part of the text is malformed.
    pub fn parse(text: &'n [u8]) -> Result<Self, WrittenNameError> {
        if text.starts_with(b".klp.sym.") {
            let symbol =
                LivepatchSymbol::parse(text, TooLarge::Wraps).map_err(WrittenNameError::Symbol)?;
            let request = Request {
                objname: symbol.objname(),
                has_objname: true,
                name: symbol.name(),
                sympos: symbol.sympos(),
            };
            return Ok(Self::Request {
                request,
                is_symbol: true,
            });
        }
        if text.starts_with(b".klp.rela.") {
            let section = LivepatchSection::parse(text).map_err(WrittenNameError::Section)?;
            return Ok(Self::Section(section));
        }
        let request = Request::parse(text).map_err(WrittenNameError::Request)?;
        Ok(Self::Request {
            request,
            is_symbol: false,
        })
    }
}

impl fmt::Display for WrittenNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kernel =
            |kind| format!("the kernel says \"{kind} … has an incorrectly formatted name\"");
        match self {
            Self::Request(e) => e.fmt(f),
            Self::Symbol(e) => write!(f, "{e} ({})", kernel("symbol")),
            Self::Section(e) => write!(f, "{e} ({})", kernel("section")),
        }
    }
}

/// The symbols that a name matches under one rule. `Display` describes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks<'n> {
    /// The symbols with this full name; if there are none, those with this cleaned name.
    ExactThenCleaned(CleanName<'n>),
    /// The symbols with this full name; if there are none, and for tracers only, those with this cleaned
    /// name.
    ExactButForTracers(CleanName<'n>),
    /// The symbols with this cleaned name.
    Cleaned(CleanName<'n>),
    /// The symbols with this full name.
    Exact,
    /// The symbols with names that the rule cuts to this name.
    Cut(SymbolName<'n>),
    /// The symbols with exactly this name, or with names that the rule cuts to this name.
    WholeOrCut(SymbolName<'n>),
    /// No symbols, in any kernel; with the reason.
    Nothing(&'static str),
}

impl<'n> Asks<'n> {
    /// Returns the symbols that `query` matches.
    #[must_use]
    pub fn new(policy: Policy, query: &Query<'n>) -> Self {
        let cleaned = query.cleaned();
        match (policy, query.exact()) {
            (Policy::Llvm, Some(_)) if query.compares_cleaned() => Self::ExactThenCleaned(cleaned),
            (Policy::Llvm, Some(_)) => Self::ExactButForTracers(cleaned),
            (Policy::Llvm, None) => Self::Cleaned(cleaned),
            (_, None) => Self::Nothing("no symbol has a '*' in its name"),
            (Policy::Exact, Some(_)) => Self::Exact,
            // The rule cuts symbols at '.llvm.', so a name that contains it equals no symbol.
            (Policy::LlvmCut, Some(name)) if policy.clean(name.0) != *name.0 => {
                Self::Nothing("the rule cuts the names of symbols at '.llvm.'")
            }
            (Policy::LlvmCut, Some(name)) => Self::Cut(name),
            (Policy::DotCut, Some(name)) if policy.clean(name.0) != *name.0 => Self::Exact,
            (Policy::DotCut, Some(name)) => Self::WholeOrCut(name),
        }
    }
}

impl fmt::Display for Asks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ExactThenCleaned(cleaned) => write!(
                f,
                "the symbols of exactly this name; only if there is none, those that are {cleaned} \
                 without their promotion suffix"
            ),
            Self::ExactButForTracers(cleaned) => write!(
                f,
                "the symbols of exactly this name; only if there is none, and only for tracers, \
                 those that are {cleaned} without their promotion suffix"
            ),
            Self::Cleaned(cleaned) => write!(
                f,
                "all symbols that are {cleaned} without their promotion suffix, promoted or not"
            ),
            Self::Exact => f.write_str("the symbols of exactly this name"),
            Self::Cut(name) => write!(f, "the symbols that are {name} up to their first '.llvm.'"),
            Self::WholeOrCut(name) => write!(
                f,
                "the symbols that are {name}, as a whole or up to their first dot"
            ),
            Self::Nothing(why) => write!(f, "nothing: {why}"),
        }
    }
}
