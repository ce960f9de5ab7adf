// SPDX-License-Identifier: GPL-2.0 OR MIT

//! What was promoted.

use crate::shown::shown;
use crate::symbols::SymbolTable;
use klp_policy::cleanup_symbol_name;

/// What a promoted symbol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A function.
    Function,
    /// A variable that the source has a name for.
    Variable,
    /// A string literal: LLVM calls them `.str` and `.str.<number>`. Nobody asks for them by name.
    String,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Function, Self::Variable, Self::String];

    /// The word that a report has for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Variable => "variable",
            Self::String => "string",
        }
    }
}

/// A promoted symbol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suffixed {
    /// The full name.
    pub name: String,
    /// What the source calls it.
    pub clean: String,
    /// What it is.
    pub kind: Kind,
    /// The address.
    pub address: u64,
}

/// The symbols with a `.llvm.<hash>` in their names.
pub(super) fn suffixed(symbols: &SymbolTable<'_>) -> Vec<Suffixed> {
    let mut all = Vec::new();
    for entry in symbols.entries() {
        let clean = cleanup_symbol_name(entry.name.0);
        if clean == *entry.name.0 {
            continue;
        }
        let clean: Vec<u8> = clean.bytes().collect();
        let kind = match entry.letter.to_ascii_lowercase() {
            b't' => Kind::Function,
            _ if is_string(&clean) => Kind::String,
            _ => Kind::Variable,
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

fn is_string(clean: &[u8]) -> bool {
    let number = |rest: &[u8]| rest.strip_prefix(b".").is_some_and(is_number);
    clean
        .strip_prefix(b".str")
        .is_some_and(|rest| rest.is_empty() || number(rest))
}

/// Whether a name is `<base>.<number>`, but no string literal's.
pub(super) fn is_numbered(name: &[u8]) -> bool {
    let dot = name.iter().rposition(|&byte| byte == b'.');
    let hashed = cleanup_symbol_name(name) != *name;
    dot.is_some_and(|dot| dot > 0 && is_number(&name[dot + 1..])) && !hashed && !is_string(name)
}

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}
