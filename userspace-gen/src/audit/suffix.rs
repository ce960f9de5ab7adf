// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The symbols that were promoted.

use crate::printable::shown;
use crate::symbols::SymbolTable;
use klp_policy::{cleanup_symbol_name, NameClass, ParsedName};

/// The kinds of promoted symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SuffixKind {
    /// A function.
    Function,
    /// The bytes in front of a function, with the function's name in their name: `__cfi_f`, `__pfx_f`.
    Prefix,
    /// A variable with a name in the source.
    Variable,
    /// Data with a name of the compiler, such as the table for a switch statement.
    Constant,
    /// A string literal: LLVM calls them `.str` and `.str.<number>`.
    String,
}

impl SuffixKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::Function,
        Self::Prefix,
        Self::Variable,
        Self::Constant,
        Self::String,
    ];

    /// Returns the name in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Prefix => "prefix",
            Self::Variable => "variable",
            Self::Constant => "constant",
            Self::String => "string",
        }
    }

    /// Returns true if the symbols have names in the source. Nobody looks up other symbols by name.
    #[must_use]
    pub fn is_of_the_source(self) -> bool {
        matches!(self, Self::Function | Self::Variable)
    }
}

/// A promoted symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suffixed {
    /// The full name.
    pub name: String,
    /// The name in the source.
    pub clean: String,
    /// The kind.
    pub kind: SuffixKind,
    /// The address.
    pub address: u64,
}

/// Returns the symbols with a `.llvm.<hash>` in their names.
pub(super) fn suffixed(symbols: &SymbolTable<'_>) -> Vec<Suffixed> {
    let mut all = Vec::new();
    for entry in symbols.entries() {
        let clean = cleanup_symbol_name(entry.name.0);
        if clean == *entry.name.0 {
            continue;
        }
        let clean: Vec<u8> = clean.bytes().collect();
        let is_code = entry.letter.eq_ignore_ascii_case(&b't');
        let kind = match ParsedName::new(&clean).class {
            NameClass::FunctionPrefix if is_code => SuffixKind::Prefix,
            _ if is_code => SuffixKind::Function,
            NameClass::Source | NameClass::FunctionPrefix => SuffixKind::Variable,
            NameClass::String => SuffixKind::String,
            _ => SuffixKind::Constant,
        };
        all.push(Suffixed {
            name: shown(entry.name.0),
            clean: shown(&clean),
            kind,
            address: entry.address,
        });
    }
    all
}

/// Returns true if a name is `<base>.<number>`, except names of string literals, and of bytes in front of a
/// function: the function itself is counted.
pub(super) fn is_numbered(name: &[u8]) -> bool {
    let parsed = ParsedName::new(name);
    parsed.id.is_some()
        && parsed.hash.is_none()
        && !matches!(parsed.class, NameClass::String | NameClass::FunctionPrefix)
}
