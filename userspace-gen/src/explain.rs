// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A name as people and kernels write it, taken apart.

use klp_policy::{
    CleanName, FormatError, LivepatchSection, LivepatchSymbol, Policy, Query, Request,
    RequestError, SymbolName,
};
use std::fmt;

/// Something that names symbols, in one of the forms in which it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written<'n> {
    /// `[objname:]name[,sympos]`, or the name of a livepatch symbol, which says the same.
    Request {
        /// The request.
        request: Request<'n>,
        /// True if it is written as `.klp.sym.<objname>.<name>,<sympos>`.
        is_symbol: bool,
    },
    /// `.klp.rela.<objname>.<section>`
    Section(LivepatchSection<'n>),
}

/// Why something names no symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenError {
    /// It is no request.
    Request(RequestError),
    /// It begins as the name of a livepatch symbol does.
    Symbol(FormatError),
    /// It begins as the name of a livepatch section does.
    Section(FormatError),
}

impl<'n> Written<'n> {
    /// Reads any of the forms.
    ///
    /// # Errors
    ///
    /// Says which part is malformed.
    pub fn parse(text: &'n [u8]) -> Result<Self, WrittenError> {
        if text.starts_with(b".klp.sym.") {
            let symbol = LivepatchSymbol::parse(text).map_err(WrittenError::Symbol)?;
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
            let section = LivepatchSection::parse(text).map_err(WrittenError::Section)?;
            return Ok(Self::Section(section));
        }
        let request = Request::parse(text).map_err(WrittenError::Request)?;
        Ok(Self::Request {
            request,
            is_symbol: false,
        })
    }
}

impl fmt::Display for WrittenError {
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

/// Which symbols a name asks for under one rule; `Display` says it in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks<'n> {
    /// Those of that full name; if there is none, those of that cleaned name.
    ExactThenCleaned(CleanName<'n>),
    /// Those of that full name; if there is none, and for tracers only, those of that cleaned name.
    ExactButForTracers(CleanName<'n>),
    /// Those of that cleaned name.
    Cleaned(CleanName<'n>),
    /// Those of that full name.
    Exact,
    /// Those whose name is this when the rule has cut it.
    Cut(SymbolName<'n>),
    /// Those whose name is this as it is or when the rule has cut it.
    WholeOrCut(SymbolName<'n>),
    /// None, whatever symbols there are.
    Nothing(&'static str),
}

impl<'n> Asks<'n> {
    /// Returns the symbols that `query` asks for.
    #[must_use]
    pub fn new(policy: Policy, query: &Query<'n>) -> Self {
        let cleaned = query.cleaned();
        match (policy, query.exact()) {
            (Policy::Llvm, Some(_)) if query.compares_cleaned() => Self::ExactThenCleaned(cleaned),
            (Policy::Llvm, Some(_)) => Self::ExactButForTracers(cleaned),
            (Policy::Llvm, None) => Self::Cleaned(cleaned),
            (_, None) => Self::Nothing("no symbol has a '*' in its name"),
            (Policy::Exact, Some(_)) => Self::Exact,
            // What is cut is not compared, so a name that has it equals nothing.
            (Policy::LlvmCut, Some(name)) if policy.clean(name.0) != *name.0 => {
                Self::Nothing("no name that is compared has a '.llvm.' left")
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
